"""OpenQASM 2 and 3, through Qiskit's parsers and exporters."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby, product
from typing import Any

from qiskit import qasm2, qasm3, transpile
from qiskit.exceptions import MissingOptionalLibraryError, QiskitError

from simulator.errors import CircuitError, ParameterError
from simulator.gates import Condition, Operation
from simulator.operations.binding import listed
from simulator.operations.sequence import CircuitT, OperationSequence
from simulator.qiskit_circuits.incoming import from_qiskit
from simulator.qiskit_circuits.outgoing import to_qiskit
from simulator.qiskit_circuits.standard import QISKIT_CLASSES

__all__ = ["from_qasm", "to_qasm"]

ALLOWED_INCLUDES = {2: ("qelib1.inc",), 3: ("stdgates.inc", "qelib1.inc")}

# Comments, strings, words and other characters, tried in this order. Version 2 has no block comments: treating one
# as a comment would hide text that its parser reads.
_TOKENS = {
    2: re.compile(r'//[^\n]*|"[^"\n]*"|\w+|\S'),
    3: re.compile(r"""//[^\n]*|/\*.*?\*/|"[^"\n]*"|'[^'\n]*'|\w+|\S""", re.DOTALL),
}
MAX_QUOTED = 80
"""Maximum number of characters of a statement that an error quotes."""

_LOOPS = ("for", "while")
_PLACE = re.compile(r"(\d+),\d+: (.*)", re.DOTALL)

# Messages of the importer of version 3 about text that is grammatical but meaningless, such as an undefined name.
# Its other messages are about OpenQASM that it, or Qiskit, does not support.
_MEANINGLESS = re.compile(
    r"not defined|already (defined|inserted)|undefined|type error|not a gate|mismatched|incorrect number|required a "
    r"|only be declared globally|exactly one argument|not visible",
    re.IGNORECASE,
)
_VERSION = re.compile(r"\A(?:\s+|//[^\n]*(?:\n|\Z)|/\*.*?\*/)*OPENQASM\s+(\d+)(?:\.\d+)?\s*;", re.DOTALL)


def to_qasm(circuit: OperationSequence, version: int = 3) -> str:
    """Write a circuit as OpenQASM 3 or 2, up to its global phase, which Qiskit's exporters leave out.

    Gates other than the standard ones are decomposed into these. Parameters whose names are not valid identifiers
    (``x[0]``, or the name of a gate) are renamed.

    Raises
    ------
    CircuitError
        If the version is not 2 or 3, or Qiskit cannot write the circuit.
    ParameterError
        If a circuit for version 2 has free parameters.
    """
    if version not in ALLOWED_INCLUDES:
        raise CircuitError(f"the version of OpenQASM is 2 or 3, got {version!r}")
    if version == 2 and circuit.parameters:
        raise ParameterError(f"OpenQASM 2 has no free parameters: bind {listed(circuit.parameters)}, or use version 3")
    out = to_qiskit(_with_readable_conditions(circuit) if version == 3 else circuit)
    known = [*QISKIT_CLASSES, "measure", "reset", "if_else"]
    if any(operation.gate.name not in known for operation in circuit.operations):
        # the exporters would write matrices and amplitudes as if they were angles, or not at all
        out = transpile(out, basis_gates=known, optimization_level=0)
    try:
        return str(qasm2.dumps(out) if version == 2 else qasm3.dumps(out, allow_aliasing=True))
    except QiskitError as error:
        raise CircuitError(f"OpenQASM {version} cannot express the circuit: {error.message}") from None


def _with_readable_conditions(circuit: OperationSequence) -> OperationSequence:
    """Rewrite conditions on several bits as conditions on single bits, because Qiskit's importer reads only these.

    It also reads conditions on all bits, which do not change. Several bits hold a value if each of them does. They do
    not if, for some k, the first k bits match and the next does not; the operations are written once for each k.
    """
    if not any(operation.conditions for operation in circuit.operations):
        return circuit
    all_clbits = tuple(range(circuit.num_clbits))
    operations: list[Operation] = []
    for conditions, group in groupby(circuit.operations, lambda operation: operation.conditions):
        body = list(group)
        for case in product(*(_cases(test) if test.clbits != all_clbits else [(test,)] for test in conditions)):
            tests = tuple(test for part in case for test in part)
            operations += [operation._replace(conditions=tests) for operation in body]
    return circuit.with_operations(operations)


def _cases(test: Condition) -> list[tuple[Condition, ...]]:
    """Return conditions on single bits for each way in which ``test`` can hold; at most one of them is true."""
    bits = tuple(Condition((bit,), test.value >> k & 1) for k, bit in enumerate(test.clbits))
    if test.equal:
        return [bits]
    return [(*bits[:k], replace(bit, equal=False)) for k, bit in enumerate(bits)]


def from_qasm(kind: type[CircuitT], text: str) -> CircuitT:
    """Read OpenQASM 2 or 3 into a circuit of class ``kind``; the first statement of the text is the version.

    Raises
    ------
    CircuitError
        If the text is malformed (the error has line and column), contains something that Qiskit's importer or a circuit
        does not support (the error has the line; see `from_qiskit`), or includes a file other than the standard one.
    ImportError
        If the text is version 3 and the extra ``[qasm3]`` is not installed.
    """
    if not isinstance(text, str):
        raise CircuitError(f"OpenQASM is a str, got {type(text).__name__}")
    header = _VERSION.match(text)
    if header is None or int(header[1]) not in ALLOWED_INCLUDES:
        raise CircuitError("OpenQASM starts with 'OPENQASM 2.0;' or 'OPENQASM 3.0;'")
    version = int(header[1])
    _check_includes(text, version)
    parsed = _parsed(text, version)
    try:
        return from_qiskit(kind, parsed)
    except CircuitError:
        loop = _loop(text, version)
        if loop is None:
            raise
        raise loop from None


def _parsed(text: str, version: int) -> Any:
    try:
        return _parse_2(text) if version == 2 else qasm3.loads(text)
    except MissingOptionalLibraryError:
        raise ImportError("reading OpenQASM 3 needs the extra [qasm3]: pip install 'qumba[qasm3]'") from None
    except Exception as error:  # the parser of version 3 raises exceptions of an optional package
        message = _message(error)
        place = _PLACE.match(message)
        if isinstance(error, qasm3.QASM3ImporterError) and place and not _MEANINGLESS.search(message):
            raise _unsupported(text, int(place[1]), place[2]) from None
        # the importer fails on the variable of a loop, and its message does not name the loop
        loop = None if type(error).__name__ == "QASM3ParsingError" else _loop(text, version)
        raise loop or CircuitError(f"malformed OpenQASM {version}: {message}") from None


def _parse_2(text: str) -> Any:
    return qasm2.loads(
        text,
        include_path=(),
        custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS,
        custom_classical=qasm2.LEGACY_CUSTOM_CLASSICAL,
    )


def _unsupported(text: str, line: int, reason: str) -> CircuitError:
    statement = text.split("\n")[line - 1].strip()[:MAX_QUOTED]
    return CircuitError(f"<input>:{line}: not supported in OpenQASM 3: {statement!r} ({reason})")


def _loop(text: str, version: int) -> CircuitError | None:
    """Return the error for the first loop in the text: Qiskit has loops, circuits here do not."""
    for token in _TOKENS[version].finditer(text) if version == 3 else ():
        if token[0] in _LOOPS:
            line = text.count("\n", 0, token.start()) + 1
            return _unsupported(text, line, "if-tests and boxes are the only supported control flow")
    return None


def _check_includes(text: str, version: int) -> None:
    """Refuse to include any file but the standard one, before a parser opens it.

    A parser that cannot read a line of a file would show that line in its message.
    """
    tokens = list(_TOKENS[version].finditer(text))
    words = [t for t in tokens if not t[0].startswith(("//", "/*"))]
    for word, after in zip(words, [*words[1:], None], strict=True):
        if word[0] != "include":
            continue
        file = after[0][1:-1] if after and after[0][0] in "\"'" else ""
        if file not in ALLOWED_INCLUDES[version]:
            line = text.count("\n", 0, word.start()) + 1
            raise CircuitError(
                f"<input>:{line}: OpenQASM {version} may include only {ALLOWED_INCLUDES[version][0]!r}, got {file!r}"
            )


def _message(error: BaseException) -> str:
    """Return a parser's message; the parser of version 3 has line and column only in the offending token."""
    message = getattr(error, "message", None) or str(error)
    if message:
        return str(message)
    cause: Any = error.__cause__
    cause = cause.args[0] if cause is not None and cause.args and isinstance(cause.args[0], Exception) else cause
    token = getattr(cause, "offendingToken", None)
    return f"{token.line},{token.column}: unexpected {token.text!r}" if token is not None else type(error).__name__
