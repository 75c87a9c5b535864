# make demo       train a quantum classifier on real data, from nothing but Python
# make test       run the tests; OPTIONS='-k kernels' and the like are passed on to pytest
# make test-heavy run the tests of PyTorch, JAX and ONNX, which it installs; none of them may be skipped
# make test-flower  run the tests of Flower, with packages of its own in .venv-flower
# make check      run the tests, and check lint, format, types and import layers
# make stubs      write the type stub of the gate methods, after a gate was added
# make notebooks  execute the notebooks' .py files into the .ipynb beside them
# make docs       build the documentation into build/docs; warnings, dead links and missing docstrings are errors
# make docs-wheel do the same from an installed wheel, as CI does, and test that each kind of fault fails a build
# make wheel      build a wheel into dist/ with compiled kernels for this platform, Python and numba
# make bench      measure against the peers (see benchmarks/README.md)
#
# Each target makes .venv and installs what it needs there first; nothing is installed again
# until pyproject.toml changes. Another interpreter: make test PYTHON=/path/to/python3.12

VENV := .venv
BIN := $(VENV)/bin
FLOWER := .venv-flower
WHEEL := .venv-wheel

# Bytecode is written, whatever the environment says: else each process that a test starts compiles our sources again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-heavy test-flower check stubs lint format types layers notebooks docs docs-wheel wheel bench clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed-plot
	$(BIN)/qumba demo

test: $(VENV)/.installed-test
	$(TESTS) $(OPTIONS)

# Two processes: a test that runs alone leaves one of two cores idle most of the time. A file stays in one process. Each has
# one thread of OpenBLAS: two would spin while they wait for cores that the other process uses, and take four times as long.
TESTS := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

test-heavy: $(VENV)/.installed-heavy
	$(BIN)/python -m pytest -p tests.no_skips -k "torch or jax or onnx" $(HEAVY)

HEAVY := tests/qml/test_torch.py tests/qml/test_torch_devices.py tests/qml/test_jax.py tests/test_pages.py \
    tests/test_examples.py tests/simulator/pennylane_device tests/qml/deploy/test_onnx.py tests/qml/cli/test_export.py \
    tests/qml/explain/test_captum.py tests/qml/training/test_schedules.py qml/torch.py qml/jax.py

# Flower's processes use each other's ports, so they are not started by the other runs of the tests.
test-flower: $(FLOWER)/.installed
	FLWR_TELEMETRY_ENABLED=0 $(FLOWER)/bin/python -m pytest -p tests.no_skips $(FLOWER_TESTS)

FLOWER_TESTS := tests/qml/flower tests/qml/federated/test_flower.py tests/qml/federated/secure/test_flower.py \
    'tests/test_pages.py::test_blocks_run[docs/federated.md]'

check: lint types layers
	$(TESTS)

stubs: $(VENV)/.installed-dev
	$(BIN)/python -m simulator.circuit.gate_stub

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(VENV)/.installed-dev
	$(BIN)/mypy
	$(BIN)/stubtest simulator.circuit.standard_gates
	@if command -v pyright >/dev/null; then pyright --pythonpath $(BIN)/python tests/typed; fi

layers: $(VENV)/.installed-dev
	$(BIN)/lint-imports

notebooks: $(VENV)/.installed-dev
	$(BIN)/jupytext --to ipynb --execute notebooks/*.py

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx $(SPHINX) docs build/docs

SPHINX := -j 2 -W -n --keep-going -b html

# An environment with the wheel alone, on top of .venv's packages; -P keeps Python from finding the checkout's, and the
# path in packages_of_tests.pth from following .venv to it. So what is missing in the wheel is missing in this build.
docs-wheel: $(VENV)/.installed-docs
	rm -rf build/wheel
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheel .
	$(BIN)/python -m venv --clear --without-pip $(WHEEL)
	$(BIN)/python -m pip --python $(WHEEL)/bin/python install --quiet --disable-pip-version-check --no-deps build/wheel/*.whl
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	    > $$($(WHEEL)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/packages_of_tests.pth
	$(WHEEL)/bin/python -P -m sphinx $(SPHINX) docs build/docs-wheel
	$(BIN)/python -m pytest -p tests.no_skips tests/docs

wheel: $(VENV)/.installed-test
	$(BIN)/python -m release.portable_kernels
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.training

clean:
	rm -rf $(VENV) $(FLOWER) $(WHEEL) build dist simulator/engines/numba/portable docs/gallery docs/outside docs/api/generated docs/api/backreferences .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/.installed-heavy: tests/requirements-heavy.txt $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# Flower and what it needs, on top of .venv's packages: it caps versions of some of them, so it cannot be in .venv itself.
$(FLOWER)/.installed: tests/requirements-flower.txt $(VENV)/.installed-test
	$(BIN)/python -m venv --clear --without-pip $(FLOWER)
	$(BIN)/python -m pip --python $(FLOWER)/bin/python install --quiet --disable-pip-version-check --no-deps --requirement $<
	@$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(\"%s\")" % sysconfig.get_path("purelib"))' \
	    > $$($(FLOWER)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/packages_of_tests.pth
	@touch $@

# One stamp for each extra of pyproject.toml.
$(VENV)/.installed-%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

# The first of these that is Python 3.11 or later. Asking each beats trusting its name: a name can be a
# version manager's placeholder that does not run.
CANDIDATES := $(or $(PYTHON),python3 python python3.13 python3.12 python3.11 python3.14)

$(BIN)/python:
	@for python in $(CANDIDATES); do \
	    $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    echo "Making $(VENV) with $$($$python --version) ($$(command -v $$python))"; \
	    $$python -m venv $(VENV) && exit 0; \
	    rm -rf $(VENV); \
	    echo "$$python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; \
	    exit 1; \
	done; \
	echo "qumba needs Python 3.11 or later; tried: $(CANDIDATES). Name one with: make PYTHON=/path/to/python" >&2; \
	exit 1
