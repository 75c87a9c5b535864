"""Options that `train` and `demo` share: the quantum model, its training, and the output."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = [
    "add_budget_options",
    "add_choice_options",
    "add_model_options",
    "add_output_options",
    "folds",
    "fraction",
    "model_settings",
    "positive_integer",
    "positive_number",
    "seed",
]

FEATURE_MAPS = (
    "angle", "reuploading", "amplitude", "basis", "z", "zz", "pauli", "iqp", "chebyshev", "arcsine", "qaoa",
    "hubregtsen", "yz_cx", "multi_control", "high_dimensional", "hamiltonian",
)  # fmt: skip
ANSATZE = (
    "strongly_entangling", "controlled_rotations", "basic", "real_amplitudes", "efficient_su2", "hardware_efficient",
    "simplified_two_design", "random", "particle_conserving_u1", "particle_conserving_u2", "mps", "ttn", "mera", "qcnn",
    "iqp",
)  # fmt: skip
SCHEDULES = ("cosine", "constant", "warm_restarts", "one_cycle", "plateau")
"""Names for the help text, which must not import the library; a test compares them with the library's."""

SETTINGS = {
    "qubits": "n_qubits",
    "layers": "n_layers",
    "feature_map": "feature_map",
    "reduction": "reduction",
    "ansatz": "ansatz",
    "observables": "observables",
    "optimizer": "optimizer",
    "learning_rate": "learning_rate",
    "schedule": "schedule",
    "epochs": "epochs",
    "batch_size": "batch_size",
    "early_stopping": "early_stopping",
    "patience": "patience",
    "precision": "precision",
    "seed": "random_state",
}
"""Options, and the estimator parameters that they set."""


def add_model_options(parser: argparse.ArgumentParser, *, tell_defaults: bool = True) -> None:
    """Add the options of the quantum model and its training; without them, the estimator's defaults apply.

    Parameters
    ----------
    parser : ArgumentParser
    tell_defaults : bool
        Whether the help text shows the estimator's defaults, in parentheses.
    """

    def default(value: object) -> str:
        return f" ({value})" if tell_defaults else ""

    model = parser.add_argument_group("the quantum model")
    model.add_argument(
        "--qubits", type=positive_integer, metavar="N", help="qubits" + default("one per feature, 4 to 8")
    )
    model.add_argument(
        "--layers", type=positive_integer, metavar="N", help="layers of the trained circuit" + default(4)
    )
    model.add_argument(
        "--reduction",
        choices=("trained", "components"),
        help="features that do not fit on the qubits: a trained layer, or their principal components"
        + default("trained"),
    )
    model.add_argument("--feature-map", metavar="NAME", help=", ".join(FEATURE_MAPS) + default("angle"))
    model.add_argument("--ansatz", metavar="NAME", help=", ".join(ANSATZE) + default("strongly_entangling"))
    model.add_argument(
        "--observables", metavar="NAMES", help="observables to read out, such as z+zz or x+y+z" + default("z+zz")
    )
    model.add_argument(
        "--precision", choices=("double", "single"), help="precision of the simulation" + default("double")
    )
    training = parser.add_argument_group("training")
    training.add_argument(
        "--epochs", type=positive_integer, metavar="N", help="maximum number of epochs" + default(100)
    )
    training.add_argument(
        "--early-stopping",
        action="store_true",
        default=None,
        help="stop when the score on held-out rows stops improving",
    )
    training.add_argument(
        "--patience",
        type=positive_integer,
        metavar="N",
        help="epochs without a better score before stopping early" + default(20),
    )
    training.add_argument(
        "--optimizer",
        metavar="NAME",
        help="adam, sgd, natural_gradient, rotosolve, spsa, l-bfgs-b, ..." + default("adam"),
    )
    training.add_argument("--learning-rate", type=positive_number, metavar="X", help="learning rate" + default(0.05))
    training.add_argument("--schedule", choices=SCHEDULES, help="schedule of the learning rate" + default("cosine"))
    training.add_argument(
        "--batch-size", type=positive_integer, metavar="N", help="rows per step" + default("all if at most 64, else 32")
    )
    training.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="seed; the same seed gives the same result (0)"
    )


def add_choice_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of which model is trained."""
    comparison = parser.add_argument_group("which model")
    comparison.add_argument(
        "--model",
        default="variational",
        metavar="NAME",
        help="variational, kernel, both, or an estimator such as ReuploadingClassifier (variational)",
    )
    comparison.add_argument(
        "--class-weight",
        choices=("balanced",),
        help="weight classes by their rarity, in all models",
    )


def add_budget_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of how much work goes into the comparison."""
    comparison = parser.add_argument_group("the comparison")
    comparison.add_argument(
        "--candidates",
        type=positive_integer,
        metavar="N",
        help="settings that each classical model is tuned over (4, or 2 in a cross-validation)",
    )
    comparison.add_argument("--no-twin", action="store_true", help="do not train the model without entanglement too")


def add_output_options(parser: argparse.ArgumentParser, folder: str) -> None:
    """Add the output options."""
    output = parser.add_argument_group("output")
    output.add_argument("--output", "-o", metavar="FOLDER", help=f"folder for model, report and plots ({folder})")
    output.add_argument("--overwrite", action="store_true", help="replace the results of an earlier run in the folder")
    output.add_argument("--no-plots", action="store_true", help="do not write plots")
    output.add_argument("--quiet", "-q", action="store_true", help="do not show a progress bar")


def model_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return the estimator parameters set on the command line."""
    values = ((parameter, getattr(options, option)) for option, parameter in SETTINGS.items())
    return {parameter: value for parameter, value in values if value is not None}


def positive_integer(text: str) -> int:
    """Parse a positive integer."""
    return _checked(int, text, 1, "a positive integer")


def folds(text: str) -> int:
    """Parse a number of folds: 0 or at least 2."""
    value = _checked(int, text, 0, "a number of folds of at least 2, or 0 for one split")
    if value == 1:
        raise argparse.ArgumentTypeError("expected a number of folds of at least 2, or 0 for one split, got 1")
    return value


def seed(text: str) -> int:
    """Parse an integer from 0 to the maximum seed."""
    value = _checked(int, text, 0, "an integer, 0 or more")
    if value >= 1 << 32:
        raise argparse.ArgumentTypeError(f"expected a number below 2**32, got {text}")
    return value


def positive_number(text: str) -> float:
    """Parse a positive finite number."""
    value = _checked(float, text, 0.0, "a positive number")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text}")
    return value


def fraction(text: str) -> float:
    """Parse a number strictly between 0 and 1."""
    value = _checked(float, text, 0.0, "a number between 0 and 1")
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1, got {text}")
    return value


def _checked(kind: type, text: str, minimum: float, expected: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not value >= minimum:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return value
