"""Where compiled code is kept: kernels are optimised once, with all parts that they call."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.binding import Linkage, parse_assembly
from numba.core.codegen import JITCodeLibrary

from simulator.engines.numba.jit.bridges import add_bridge


class KernelLibrary(JITCodeLibrary):  # type: ignore[misc]
    """Library of a kernel, optimised lightly and once: its vectors are explicit, its small parts inlined by name.

    numba optimises its own libraries harder and twice, to drop reference counts that kernels do not have; that takes a
    second longer for 3 % of speed.
    """

    _linking_libraries: list[Any]
    _shared_module: Any

    def finalize(self) -> None:
        _link(self._final_module, self._linking_libraries)
        self._linking_libraries = []
        super().finalize()

    def serialize_using_object_code(self) -> tuple[str, str, tuple[bytes, bytes]]:
        """Return what the cache keeps: object code, with a list of its symbols in place of its bitcode.

        Compiled code does not call kernels, so no other library needs the bitcode, and reading it would take twice as
        long as loading the object code. The list is a module that defines a byte for each symbol.
        """
        self._ensure_finalized()
        names, symbols = self._codegen._create_empty_module(self.name), self._final_module
        for symbol in (*symbols.functions, *symbols.global_variables):
            if not symbol.is_declaration and symbol.linkage in (Linkage.external, Linkage.common):
                ir.GlobalVariable(names, ir.IntType(8), symbol.name).initializer = ir.Constant(ir.IntType(8), 0)
        return self.name, "object", (self._get_compiled_object(), parse_assembly(str(names)).as_bitcode())

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        passes, builder = self._codegen._module_pass_manager(opt=1, loop_vectorize=False, slp_vectorize=False)
        passes.run(self._final_module, builder)


class BridgedLibrary(KernelLibrary):
    """Library of a kernel and of the bridge to it; see `bridges`."""

    def add_ir_module(self, ir_module: Any) -> None:
        add_bridge(ir_module)
        super().add_ir_module(ir_module)


class LinkOnlyLibrary(KernelLibrary):
    """Library of a part, which kernels link with the parts that it calls; it is neither optimised nor emitted."""

    def finalize(self) -> None:
        self._raise_if_finalized()
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        """Return the module with all that it needs, for functions that numba compiles as usual."""
        if self._shared_module is None:
            self._shared_module = self.module().clone()
            _link(self._shared_module, self._linking_libraries)
        return self._shared_module

    def module(self) -> Any:
        """Return the module of this part alone."""
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == Linkage.external:
                function.linkage = "linkonce_odr"
        return self._final_module

    @property
    def codegen(self) -> Any:
        return _WithoutEnvironment(self._codegen)


def _link(module: Any, libraries: list[Any]) -> None:
    """Link libraries into a module, and the parts that they call, each once and after one that calls it.

    LLVM takes only those functions of a library that the module refers to already.
    """
    remaining = list(dict.fromkeys(libraries))
    for library in remaining:  # grows meanwhile
        if isinstance(library, LinkOnlyLibrary):
            module.link_in(library.module(), preserve=True)
            remaining += [each for each in dict.fromkeys(library._linking_libraries) if each not in remaining]
        else:
            module.link_in(library._get_module_for_linking(), preserve=True)


class _WithoutEnvironment:
    """Code generator that does not look up a function's environment, which was never emitted."""

    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, environment: Any) -> None: ...
