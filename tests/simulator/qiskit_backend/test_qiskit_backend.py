"""What can go wrong between us and a backend, each with a backend made to fail (rows 45 to 48 of the faults)."""

import io
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
import pytest

from simulator import Circuit, ParameterVector, X, Z, gates
from simulator.backends.numba_backend import NumbaBackend
from simulator.errors import (
    BackendError,
    JobCancelledError,
    JobError,
    JobLostError,
    JobTimeoutError,
    ObservableError,
    ParameterError,
    RunLockedError,
    UnknownNameError,
)
from simulator.qiskit_backend import Patience, QiskitBackend
from simulator.qiskit_backend.primitives import Service
from tests.simulator.remote import TOKEN, ApiError, RemoteBackend

SHOTS = 256
HASTY = Patience(first_delay=0.001, longest_delay=0.002, poll_interval=0.002, retries=3)

p = ParameterVector("p", 3)
CIRCUIT = Circuit(3).ry(p[0], 0).cx(0, 1).ry(p[1], 1).cx(0, 2).rz(p[2], 2)
OBSERVABLES = [Z(0), Z(1) @ Z(2)]
VALUES = np.random.default_rng(5).uniform(-1, 1, (3, 3))


@pytest.fixture
def remote(tmp_path):
    return RemoteBackend(tmp_path / "server")


def backend_on(remote, **options):
    settings = {"shots": SHOTS, "seed": 3, "max_sets_per_job": 1, "patience": HASTY} | options
    return QiskitBackend(remote, **settings)


def ask(remote, resume, **options):
    return backend_on(remote, **options).estimate(CIRCUIT, OBSERVABLES, VALUES, resume=resume)


def check_values(estimates):
    exact = NumbaBackend().expectations(CIRCUIT, OBSERVABLES, VALUES)
    assert np.all(np.abs(estimates.values - exact) < 6 * estimates.standard_errors + 1e-3)


def parts_of(folder):
    (file,) = Path(folder).glob("*/run.json")
    return json.loads(file.read_text())["parts"]


# before anything is sent


def test_too_wide_is_said_before_anything_is_sent(remote):
    wide = Circuit(5).h(4)
    with pytest.raises(BackendError, match=r"the circuit has 5 qubits, remote has 4; nothing was sent"):
        backend_on(remote).expectations(wide, [Z(0)])
    plan = backend_on(remote).plan(wide, [Z(0)])
    assert not plan.fits
    assert "5 qubits" in str(plan)
    assert remote.num_jobs == 0


def test_a_gate_that_the_target_lacks_and_can_not_be_translated(tmp_path):
    remote = RemoteBackend(tmp_path / "server", basis=("rz", "sx", "x"))
    with pytest.raises(BackendError, match=r"remote cannot run the circuit|remote has no"):
        backend_on(remote).expectations(Circuit(2).h(0).cx(0, 1), [Z(0)])
    assert remote.num_jobs == 0


def test_gates_it_lacks_are_translated(remote):
    own = gates.Rotation("w", [[0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
    circuit = Circuit(3, [gates.H(0), own(0.7, 0, 2)])
    found = backend_on(remote, shots=4096).estimate(circuit, [X(0), Z(2)])
    exact = NumbaBackend().expectations(circuit, [X(0), Z(2)])
    assert np.all(np.abs(found.values - exact) < 6 * found.standard_errors)


def test_unbound_parameters_and_observables_that_do_not_fit(remote):
    with pytest.raises(ParameterError, match="no value for"):
        backend_on(remote).expectations(CIRCUIT, OBSERVABLES, {p[0]: 0.1})
    with pytest.raises(ObservableError, match="acts on qubit 3"):
        backend_on(remote).expectations(CIRCUIT, [Z(3)], VALUES)
    assert remote.num_jobs == 0


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"shots": 0}, ValueError, "shots is an integer of at least 1, got 0"),
        ({"shots": 1.5}, ValueError, "shots is an integer of at least 1, got 1.5"),
        ({"shots": None, "precision": 2.0}, ValueError, "precision is a standard error"),
        ({"precision": 0.1}, ValueError, "not both"),
        ({"mode": "sesion"}, UnknownNameError, "did you mean 'session'"),
        ({"primitives": "v3"}, UnknownNameError, "unknown primitives"),
        ({"dynamical_decoupling": "XX4"}, UnknownNameError, "XY4"),
        ({"resilience_level": 3}, ValueError, "0, 1 or 2"),
        ({"zne": (1,)}, ValueError, "at least two noise factors"),
        ({"resilience_level": 1}, BackendError, "remote cannot mitigate errors"),
    ],
)
def test_options_that_make_no_sense(remote, options, error, text):
    with pytest.raises(error, match=text):
        backend_on(remote, **options)


def test_what_is_no_backend():
    with pytest.raises(BackendError, match="expected a BackendV2, .* got str"):
        QiskitBackend("ibm_nowhere")


def test_precision_is_turned_into_shots(remote):
    assert QiskitBackend(remote, precision=0.05).shots == 400


def test_plan_counts_what_is_then_sent(remote):
    backend = backend_on(remote)
    plan = backend.plan(CIRCUIT, [*OBSERVABLES, X(0)], VALUES)
    assert remote.num_jobs == 0
    assert (plan.circuits, plan.parameter_sets, plan.executions, plan.jobs, plan.pubs) == (1, 3, 6, 3, 3)
    assert plan.total_shots == 6 * SHOTS
    backend.estimate(CIRCUIT, [*OBSERVABLES, X(0)], VALUES)
    assert remote.num_jobs == plan.jobs
    gradient = backend.plan(CIRCUIT, OBSERVABLES, VALUES, gradient=[p[1]])
    assert gradient.parameter_sets == 3 * 3  # each set, and two shifts of the one rotation
    assert gradient.as_dict()["jobs"] == 9


def test_plan_says_what_exceeds_the_limits(remote):
    plan = QiskitBackend(remote, shots=5000, max_executions=4000).plan(CIRCUIT, OBSERVABLES, VALUES)
    assert not plan.fits
    assert "a job may hold 4,000" in str(plan)


# jobs that fail


def test_one_job_of_several_fails(remote, tmp_path):
    remote.fate = ["DONE", "ERROR", "DONE"]
    with pytest.raises(JobError, match=r"job job-1 on remote failed: qubit 2 is out of order.*2 of 3 jobs") as caught:
        ask(remote, tmp_path / "run")
    assert caught.value.job_ids == ("job-1",)
    assert caught.value.folder == str(tmp_path / "run")
    assert [part["state"] for part in parts_of(tmp_path / "run")] == ["done", "failed", "done"]
    check_values(ask(remote, tmp_path / "run"))
    assert remote.num_jobs == 4  # only the failed one was sent again
    check_values(ask(remote, tmp_path / "run"))
    assert remote.num_jobs == 4  # everything is there


def test_without_resume_the_error_names_the_folder_that_keeps_what_came_back(remote, tmp_path):
    remote.fate = ["DONE", "CANCELLED", "DONE"]
    with pytest.raises(JobCancelledError, match="job job-1 on remote was cancelled") as caught:
        ask(remote, None, folder=tmp_path / "jobs")
    check_values(ask(remote, caught.value.folder))
    assert remote.num_jobs == 4


def test_what_came_back_completely_is_deleted_unless_resume_names_it(remote, tmp_path):
    ask(remote, None, folder=tmp_path / "jobs")
    assert not list((tmp_path / "jobs").iterdir())


def test_a_job_that_ran_too_long(remote, tmp_path):
    remote.fate = ["TOO LONG"]
    with pytest.raises(JobTimeoutError, match="job job-0 ran longer than remote allows: qubit 2"):
        ask(remote, tmp_path / "run")


def test_fewer_results_than_asked_for(remote, tmp_path):
    remote.fate = ["FEWER"]
    with pytest.raises(JobError, match="job-0 on remote did not return what was requested.* 3 circuits, got 2"):
        ask(remote, tmp_path / "run", max_sets_per_job=3)


def test_fewer_shots_than_asked_for(remote, tmp_path, monkeypatch):
    run = remote.run
    monkeypatch.setattr(remote, "run", lambda circuits, **options: run(circuits, **{**options, "shots": 8}))
    with pytest.raises(JobError, match="expected 256 shots per circuit, got 8"):
        ask(remote, tmp_path / "run")


def test_a_dead_backend(remote, tmp_path):
    remote.trouble["submit"] = [RuntimeError("remote is offline for maintenance")]
    with pytest.raises(JobError, match=r"remote refused job 1 of 3: RuntimeError: remote is offline for maintenance"):
        ask(remote, tmp_path / "run")
    assert remote.num_jobs == 0
    check_values(ask(remote, tmp_path / "run"))


# bad connections


def test_bad_gateways_while_polling_are_sat_out(remote, tmp_path):
    remote.trouble["status"] = [ApiError("502 Bad Gateway", 502), ConnectionResetError(), None, ApiError("", 503)]
    remote.trouble["result"] = [ApiError("504", 504)]
    check_values(ask(remote, tmp_path / "run"))
    assert remote.num_jobs == 3


def test_a_lost_connection_is_given_up_after_some_time_and_the_job_is_not_sent_again(remote, tmp_path):
    remote.trouble["status"] = [ApiError("502 Bad Gateway", 502)] * 4
    with pytest.raises(JobLostError, match=r"to remote is lost .*502.*4 times in a row\); job job-0") as caught:
        ask(remote, tmp_path / "run")
    assert caught.value.job_ids == ("job-0",)
    check_values(ask(remote, tmp_path / "run"))
    assert remote.num_jobs == 3


def test_permanent_errors_are_not_repeated(remote, tmp_path):
    remote.trouble["status"] = [ApiError("401 Unauthorized", 401), AssertionError("asked again")]
    with pytest.raises(JobError, match="job-0 on remote: ApiError: 401 Unauthorized"):
        ask(remote, tmp_path / "run", max_sets_per_job=3)


def test_a_server_that_says_nothing(remote, tmp_path):
    remote.trouble["status"] = [30.0] * 2
    patience = Patience(call_timeout=0.05, retries=1, first_delay=0.001)
    with pytest.raises(JobLostError, match="did not answer within 0.05 s"):
        ask(remote, tmp_path / "run", patience=patience)


def test_a_queue_longer_than_our_deadline(remote, tmp_path):
    remote.fate = ["QUEUED"] * 3
    patience = Patience(timeout=0.05, poll_interval=0.01)
    with pytest.raises(
        JobTimeoutError, match=r"jobs job-0, job-1, job-2 within 0.05 s; they keep running, and resume="
    ):
        ask(remote, tmp_path / "run", patience=patience)
    for number in range(3):
        remote.set_status(f"job-{number}", "DONE")
    check_values(ask(remote, tmp_path / "run"))
    assert remote.num_jobs == 3


def test_a_request_that_never_arrived_is_sent_again(remote, tmp_path):
    remote.trouble["submit"] = [ConnectionRefusedError("refused"), ApiError("busy", 503)]
    check_values(ask(remote, tmp_path / "run"))
    assert remote.num_jobs == 3


def test_attempts_to_send_are_bounded(remote, tmp_path):
    remote.trouble["submit"] = [ConnectionRefusedError("refused")] * 100
    with pytest.raises(JobError, match="refused job 1 of 3"):
        ask(remote, tmp_path / "run")
    assert len(remote.trouble["submit"]) == 100 - (HASTY.retries + 1)


def test_a_job_of_which_nobody_knows_whether_it_arrived_is_not_sent_again(remote, tmp_path):
    remote.trouble["answer"] = [ConnectionResetError("reset by peer")]  # it did arrive
    for _ in range(2):
        with pytest.raises(JobLostError, match="unknown whether job 1 of 3 reached remote"):
            ask(remote, tmp_path / "run")
        assert remote.num_jobs == 1
    check_values(ask(remote, tmp_path / "run", resubmit_unknown=True))
    assert remote.num_jobs == 4


def test_with_tags_a_job_whose_id_was_lost_is_found(remote, tmp_path):
    class Tags:
        def job(self, job_id):
            return remote.retrieve_job(job_id)

        def jobs(self, job_tags, limit):
            assert job_tags[0].startswith("qumba-")
            return [remote.retrieve_job("job-0")]

    remote.service = Tags()
    remote.trouble["answer"] = [ConnectionResetError("reset by peer")]
    with pytest.raises(JobLostError, match="unknown whether"):
        ask(remote, tmp_path / "run")  # backend.run gives no tags, so that finding none would mean nothing
    backend = backend_on(remote)
    backend._target.service = Service(remote, is_local=False, has_tags=True)
    check_values(backend.estimate(CIRCUIT, OBSERVABLES, VALUES, resume=tmp_path / "run"))
    assert remote.num_jobs == 3


# interruptions


def test_ctrl_c_while_waiting(remote, tmp_path):
    remote.trouble["status"] = [None, KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt, match="jobs keep running; resume="):
        ask(remote, tmp_path / "run")
    sent = remote.num_jobs
    assert [part["state"] for part in parts_of(tmp_path / "run")][:1] in (["sent"], ["done"])
    check_values(ask(remote, tmp_path / "run"))
    assert remote.num_jobs == 3 >= sent


CHILD = """
import sys
from tests.simulator.qiskit_backend.test_qiskit_backend import RemoteBackend, ask
remote = RemoteBackend(sys.argv[1])
remote.fate = ["DONE", "QUEUED", "QUEUED"]
ask(remote, sys.argv[2])
"""


def test_kill_9_and_two_processes(tmp_path):
    server, run = tmp_path / "server", tmp_path / "run"
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(server), str(run)], cwd=Path(__file__).parents[3])
    try:
        for _ in range(3000):
            if list(run.glob("*/run.json")) and [part["state"] for part in parts_of(run)] == ["done", "sent", "sent"]:
                break
            assert child.poll() is None
            time.sleep(0.01)
        remote = RemoteBackend(server)
        with pytest.raises(RunLockedError, match="another process works on this run"):
            ask(remote, run)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    for number in (1, 2):
        remote.set_status(f"job-{number}", "DONE")
    check_values(ask(remote, run))
    assert remote.num_jobs == 3


def test_a_damaged_result_is_fetched_again(remote, tmp_path):
    first = ask(remote, tmp_path / "run")
    (file,) = tmp_path.glob("run/*/part-1.npz")
    whole = file.read_bytes()
    damaged = [whole[:100], b"", whole.replace(b"<f8", b"<f9"), b"PK\x05\x06" + bytes(18)]
    damaged.append(whole.replace(b"\x14\x00\x00\x00", b"\x14\x00\x01\x00"))  # encrypted, it says
    for content in damaged:
        file.write_bytes(content)
        assert np.array_equal(ask(remote, tmp_path / "run").values, first.values)
    assert remote.num_jobs == 3


def test_a_damaged_record_is_named(remote, tmp_path):
    ask(remote, tmp_path / "run")
    (file,) = tmp_path.glob("run/*/run.json")
    file.write_text("{")
    with pytest.raises(BackendError, match="run.json: damaged"):
        ask(remote, tmp_path / "run")


@pytest.mark.parametrize(
    "content",
    [
        b"null",
        b"1",
        b"[]",
        b'"x"',
        b"{}",
        b'{"parts": 3}',
        b'{"parts": [null]}',
        b'{"parts": [[]]}',
        b'{"parts": [{"state": []}]}',
        b'{"parts": [{"state": "lost"}]}',
        b'{"parts": [{"attempts": true}]}',
        b'{"parts": [{"attempts": NaN}]}',
        b'{"parts": [{"pid": 1}]}',
        b"[" * 100_000,
        b"\xff\x00",
        b"",
    ],
)
def test_whatever_is_in_the_record_there_is_one_clear_error(remote, tmp_path, content):
    ask(remote, tmp_path / "run")
    (file,) = tmp_path.glob("run/*/run.json")
    file.write_bytes(content)
    with pytest.raises(BackendError, match=r"run\.json: damaged .*may still contain readable job ids"):
        ask(remote, tmp_path / "run")
    assert file.read_bytes() == content
    assert remote.num_jobs == 3


def test_the_record_keeps_its_mode_and_what_a_killed_process_left_goes(remote, tmp_path):
    ask(remote, tmp_path / "run")
    (file,) = tmp_path.glob("run/*/run.json")
    file.chmod(0o600)
    (file.parent / "part-0.npz").unlink()
    ask(remote, tmp_path / "run")
    assert file.stat().st_mode & 0o777 == 0o600
    names = {path.name for path in file.parent.iterdir()}
    assert names == {"run.json", "part-0.npz", "part-1.npz", "part-2.npz"}


def test_another_request_in_the_same_folder_is_another_run(remote, tmp_path):
    ask(remote, tmp_path / "run")
    ask(remote, tmp_path / "run", shots=SHOTS + 1)
    backend_on(remote).estimate(CIRCUIT, OBSERVABLES, VALUES + 0.1, resume=tmp_path / "run")
    assert remote.num_jobs == 9
    assert len(list((tmp_path / "run").iterdir())) == 3


# credentials, copies, what is shown


def test_credentials_are_nowhere(remote, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    backend = backend_on(remote)
    remote.fate = ["DONE", "ERROR"]
    with pytest.raises(JobError) as caught:
        backend.estimate(CIRCUIT, OBSERVABLES, VALUES, resume=tmp_path / "run")
    seen = repr(backend) + caplog.text + str(caught.value) + str(backend.plan(CIRCUIT, OBSERVABLES, VALUES))
    written = b"".join(file.read_bytes() for file in tmp_path.glob("run/**/*") if file.is_file())
    assert TOKEN not in seen
    assert TOKEN.encode() not in written
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(backend)


def test_the_queue_position_is_shown(remote, tmp_path):
    remote.fate = ["QUEUED"]
    shown = io.StringIO()
    with redirect_stderr(shown), pytest.raises(JobTimeoutError):
        ask(remote, tmp_path / "run", progress=True, max_sets_per_job=3, patience=Patience(timeout=0.2))
    assert "job-0: queued, position 7" in shown.getvalue()


def test_structures_are_transpiled_once(remote, monkeypatch):
    from simulator.qiskit_backend import transpilation as module

    calls = []
    real = module.transpiled
    monkeypatch.setattr(module, "transpiled", lambda *arguments: calls.append(1) or real(*arguments))
    backend = backend_on(remote, max_sets_per_job=None)
    for shift in (0.0, 0.1):
        backend.expectations(CIRCUIT, OBSERVABLES, VALUES + shift)
        backend.gradient(CIRCUIT, OBSERVABLES, VALUES + shift)
    assert len(calls) == 2  # the circuit, and the one with an angle a rotation


def test_amplitudes_are_circuits_of_their_own(remote):
    a = ParameterVector("a", 4)
    circuit = Circuit(2, [gates.AmplitudeEncoding(2)(*a, 0, 1)]).ry(0.3, 0)
    rows = np.array([[1.0, 2, 3, 4], [4, 3, 2, 1], [1.0, 2, 3, 4]])
    backend = backend_on(remote, shots=4096, max_sets_per_job=None)
    plan = backend.plan(circuit, [Z(0), Z(1)], rows)
    assert (plan.circuits, plan.parameter_sets, plan.jobs) == (2, 3, 1)
    found = backend.estimate(circuit, [Z(0), Z(1)], rows)
    exact = NumbaBackend().expectations(circuit, [Z(0), Z(1)], rows)
    assert np.all(np.abs(found.values - exact) < 6 * found.standard_errors)
