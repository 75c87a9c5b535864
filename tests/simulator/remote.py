"""A Qiskit backend whose jobs live in a folder, as a service's live on its servers: they outlast the process.

What a network and a service do wrong is scripted: `RemoteBackend.trouble` has, for each kind of call, what happens at
the next ones: an exception to raise, a number of seconds to be silent, or None.
"""

import json
import time
from pathlib import Path

from qiskit import QuantumCircuit, qpy
from qiskit.providers import BackendV2, JobV1, Options
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.providers.jobstatus import JobStatus

TOKEN = "a-token-that-must-never-be-written-down"


class ApiError(Exception):
    """As qiskit-ibm-runtime's RequestsApiError: a status code of HTTP."""

    def __init__(self, message, status_code=-1):
        super().__init__(message)
        self.status_code = status_code


class RuntimeJobMaxTimeoutError(Exception):
    """Named as the runtime's."""


class RemoteBackend(BackendV2):
    """Four qubits in a line. Jobs are files in ``folder``; what is in their ``status`` file is their status."""

    def __init__(
        self, folder, num_qubits=4, basis=("cx", "rz", "sx", "x"), coupling=((0, 1), (1, 2), (2, 3)), **options
    ):
        super().__init__(name="remote", **options)
        self.server = Path(folder)
        self.server.mkdir(exist_ok=True)
        self.token = TOKEN
        self.trouble = {}
        self.fate = []
        edges = [[a, b] for a in range(num_qubits) for b in (a - 1, a + 1) if 0 <= b < num_qubits]
        model = GenericBackendV2(num_qubits, list(basis), coupling_map=edges, seed=1)
        self._target = model.target

    @property
    def target(self):
        return self._target

    @property
    def max_circuits(self):
        return None

    @classmethod
    def _default_options(cls):
        return Options(shots=1024, seed_simulator=None)

    @property
    def num_jobs(self):
        """Jobs that ever arrived."""
        return len(list(self.server.glob("job-*.json")))

    def happens(self, call):
        """Whatever is scripted for the next call of this kind."""
        script = self.trouble.get(call)
        event = script.pop(0) if script else None
        if isinstance(event, BaseException):
            raise event
        if event is not None:
            time.sleep(event)

    def run(self, circuits, **options):
        self.happens("submit")
        circuits = [circuits] if isinstance(circuits, QuantumCircuit) else list(circuits)
        name = f"job-{self.num_jobs}"
        with open(self.server / f"{name}.qpy", "wb") as file:
            qpy.dump(circuits, file)
        (self.server / f"{name}.json").write_text(json.dumps(options))
        self.set_status(name, self.fate.pop(0) if self.fate else "DONE")
        self.happens("answer")
        return RemoteJob(self, name)

    def set_status(self, name, status):
        (self.server / f"{name}.status").write_text(status)

    def retrieve_job(self, job_id):
        self.happens("retrieve")
        return RemoteJob(self, job_id)


class RemoteJob(JobV1):
    """A job of `RemoteBackend`."""

    def submit(self):
        raise NotImplementedError

    def status(self):
        self.backend().happens("status")
        found = (self.backend().server / f"{self.job_id()}.status").read_text()
        return JobStatus["ERROR" if found == "TOO LONG" else "DONE" if found == "FEWER" else found]

    def queue_position(self):
        return 7

    def error_message(self):
        return "qubit 2 is out of order" if self.status() is JobStatus.ERROR else None

    def result(self):
        backend = self.backend()
        backend.happens("result")
        found = (backend.server / f"{self.job_id()}.status").read_text()
        if found == "TOO LONG":
            raise RuntimeJobMaxTimeoutError("ran too long")
        if found not in ("DONE", "FEWER"):
            raise RuntimeError(f"no result: {found}")
        with open(backend.server / f"{self.job_id()}.qpy", "rb") as file:
            circuits = qpy.load(file)
        options = json.loads((backend.server / f"{self.job_id()}.json").read_text())
        return BasicSimulator().run(circuits[:-1] if found == "FEWER" else circuits, **options).result()
