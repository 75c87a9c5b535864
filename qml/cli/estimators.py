"""The estimators that `--model` names, and the options that each of them takes."""

from __future__ import annotations

from typing import Any

from sklearn.base import is_classifier, is_regressor

import qml
from qml.cli.training_options import SETTINGS
from qml.tables import TableError
from simulator.names import choose

__all__ = ["estimator_for"]

SHORT_NAMES = {
    "variational": ("VariationalClassifier", "VariationalRegressor"),
    "kernel": ("QuantumKernelClassifier", "QuantumKernelRegressor"),
}
SUFFIXES = {"classification": "Classifier", "regression": "Regressor"}

OPTIONS = {parameter: f"--{option.replace('_', '-')}" for option, parameter in SETTINGS.items()}


def estimator_for(name: str, task: str, settings: dict[str, Any], *, verbose: bool) -> Any:
    """Return an unfitted estimator.

    Parameters
    ----------
    name : str
        ``"variational"``, ``"kernel"``, the name of a class such as ``"ReuploadingClassifier"``, or the same without
        its ending.
    task : {"classification", "regression"}
    settings : dict
        Parameters set on the command line; ``random_state`` is left out where there is none.
    verbose : bool
        Whether training shows its progress, where it can.

    Raises
    ------
    UnknownNameError
        If there is no such estimator.
    TableError
        If the estimator is for another task, or does not take one of the settings.
    """
    available = _available()
    if name in SHORT_NAMES:
        name = SHORT_NAMES[name][task == "regression"]
    elif name + SUFFIXES[task] in available:
        name += SUFFIXES[task]
    elif (complete := name[:1].upper() + name[1:] + SUFFIXES[task]) in available:
        name = complete
    kind = available[choose("model", name, [*SHORT_NAMES, *available])]
    fits = is_classifier(kind()) if task == "classification" else is_regressor(kind())
    if not fits:
        raise TableError(f"--model {name} does not fit the target, which needs {task}; choose another model or --task")
    parameters = kind().get_params()
    arguments = {key: value for key, value in settings.items() if key != "random_state" or key in parameters}
    unknown = [OPTIONS.get(key, key) for key in arguments if key not in parameters]
    if unknown:
        raise TableError(
            f"{kind.__name__} does not take {', '.join(unknown)}: leave it out or choose another model with --model"
        )
    if "verbose" in parameters:
        arguments["verbose"] = verbose
    return kind(**arguments)


def _available() -> dict[str, Any]:
    """Return the classifiers and regressors of the library by name; forecasters of series are not for tables."""
    names = (name for name in dir(qml) if name.endswith(tuple(SUFFIXES.values())))
    kinds = {name: getattr(qml, name) for name in names}
    return {name: kind for name, kind in kinds.items() if _has_defaults(kind)}


def _has_defaults(kind: Any) -> bool:
    try:
        kind()
    except TypeError:  # a network has to be given in Python
        return False
    return True
