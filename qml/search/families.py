"""Model families of a search: every estimator of the library for the task, and the classical opponents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scipy.stats import loguniform
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler

import qml
from qml.estimators.search_space import Searchable, Trial
from qml.features import QubitReducer
from qml.honesty.opponents import Candidates, Task, opponents
from simulator.names import choose

__all__ = ["CLASSICAL_MODEL", "QUANTUM_MODEL", "Drawn", "Family", "Kind", "draw", "families_for", "usual_parameters"]

Kind = Literal["quantum", "classical"]

QUANTUM_MODEL, CLASSICAL_MODEL = "model", "classical model"
"""Names of the parameters that choose the family of a trial."""

PREPARATION, COMPONENTS = "preparation", "components"
"""Names of the parameters of what comes before a quantum model."""

MAX_COMPONENTS = 16
"""Maximum number of principal components that features are reduced to."""

SUFFIXES = {"classification": "Classifier", "regression": "Regressor"}


@dataclass(frozen=True)
class Family:
    """A model whose settings are searched.

    Attributes
    ----------
    name : str
        Name of the class, or of the classical model.
    kind : {"quantum", "classical"}
    estimator : unfitted estimator
    candidates : Candidates, optional
        Of a classical model; a quantum model has its own `search_space`.
    """

    name: str
    kind: Kind
    estimator: Any
    candidates: Candidates | None = None

    def settings(self, trial: Trial) -> dict[str, Any]:
        """Draw settings from a trial."""
        if self.candidates is None:
            return dict(self.estimator.search_space(trial))
        return _classical_settings(self.candidates, trial)


@dataclass(frozen=True)
class Drawn:
    """What a trial drew: a family, its settings, and unfitted steps before it."""

    family: Family
    settings: dict[str, Any]
    steps: tuple[tuple[str, Any], ...] = ()

    def estimator(self, seed: int) -> Any:
        """Return the unfitted estimator, without the steps before it; it has the seed unless it has its own."""
        model = clone(self.family.estimator).set_params(**self.settings)
        unset = [
            name
            for name, value in model.get_params(deep=True).items()
            if value is None and name.split("__")[-1] == "random_state"
        ]
        return model.set_params(**dict.fromkeys(unset, seed))

    def pipeline(self, estimator: Any, steps: Sequence[tuple[str, Any]] | None = None) -> Any:
        """Return the estimator behind the steps before it, or alone if there are none."""
        steps = [(name, clone(step)) for name, step in self.steps] if steps is None else list(steps)
        return Pipeline([*steps, ("model", estimator)]) if steps else estimator


def families_for(
    task: Task,
    models: Sequence[Any] | None,
    *,
    classical: bool,
    n_rows: int,
    n_features: int,
    seed: int,
) -> tuple[list[Family], dict[str, str]]:
    """Return the families of a search, and the names of those left out with the reasons.

    Parameters
    ----------
    task : {"classification", "regression"}
    models : sequence of str or estimator, optional
        Names with or without their ending, or estimators with settings that stay; by default every estimator of the
        library for the task that the data suit.
    classical : bool
        Whether the classical opponents take part.
    n_rows, n_features : int
        Size of the data.
    seed : int

    Raises
    ------
    UnknownNameError
        If there is no estimator of a name; the nearest names are suggested.
    TypeError
        If an entry of ``models`` is not an estimator of the task with a `search_space`.
    ValueError
        If there is no model at all.
    """
    available = {name: kind for name, kind in _public_estimators().items() if _suits(kind(), task)}
    missing: dict[str, str] = {}
    if models is None:
        estimators = {name: kind() for name, kind in available.items()}
        for name, estimator in list(estimators.items()):
            if (reason := estimator.search_obstacle(n_rows, n_features)) is not None:
                missing[name] = reason
                del estimators[name]
    else:
        estimators = {}
        for entry in [models] if isinstance(models, str) else models:
            estimator = available[_full_name(entry, task, available)]() if isinstance(entry, str) else entry
            _check(estimator, task)
            name = type(estimator).__name__
            number = sum(known.split(" ")[0] == name for known in estimators)
            estimators[f"{name} {number + 1}" if number else name] = estimator
    if not estimators:
        raise ValueError("models expects at least one quantum model: leave it out to search all of them")
    families = [Family(name, "quantum", estimator) for name, estimator in estimators.items()]
    if classical:
        families += [
            Family(opponent.name, "classical", opponent.estimator, opponent.candidates)
            for opponent in opponents(task, n_features, n_rows, seed)
        ]
    return families, missing


def draw(trial: Any, kind: Kind, families: Sequence[Family], n_features: int) -> Drawn:
    """Draw a family of a kind and its settings; a trial with fixed parameters gives what they name.

    Parameters
    ----------
    trial : Trial
    kind : {"quantum", "classical"}
    families : sequence of Family
    n_features : int
        Number of features of the data.
    """
    by_name = {family.name: family for family in families if family.kind == kind}
    parameter = QUANTUM_MODEL if kind == "quantum" else CLASSICAL_MODEL
    family = by_name[trial.suggest_categorical(parameter, list(by_name))]
    steps = _preparation(trial, n_features) if getattr(family.estimator, "searches_preparation", False) else ()
    return Drawn(family, family.settings(_Prefixed(trial, family.name)), steps)


def usual_parameters(family: Family) -> dict[str, Any]:
    """Return the parameters of a trial with a family's usual settings, as far as its space has them."""
    trial = _Usual(family.estimator.get_params(deep=False))
    family.settings(trial)
    parameters = {f"{family.name}.{name}": value for name, value in trial.usual.items()}
    if family.kind == "classical":
        return {CLASSICAL_MODEL: family.name} | parameters
    return {QUANTUM_MODEL: family.name, PREPARATION: "own"} | parameters


class _Prefixed:
    """Trial whose parameters have the name of their family, so that families do not share them."""

    def __init__(self, trial: Any, prefix: str) -> None:
        self._trial, self._prefix = trial, prefix

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._trial.suggest_categorical(f"{self._prefix}.{name}", choices)

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return int(self._trial.suggest_int(f"{self._prefix}.{name}", low, high, step=step, log=log))

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(self._trial.suggest_float(f"{self._prefix}.{name}", low, high, log=log))


class _Usual:
    """Trial that draws an estimator's own settings: where its space lacks one, the first choice or the middle."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self.usual: dict[str, Any] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        value = self._settings.get(name, choices[0])
        known = any(type(value) is type(choice) and value == choice for choice in choices)
        self.usual[name] = value if known else choices[0]
        return self.usual[name]

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        middle = round(math.sqrt(low * high)) if log else (low + high) // 2
        return int(self._number(name, low, high, low + (middle - low) // step * step))

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(self._number(name, low, high, math.sqrt(low * high) if log else (low + high) / 2))

    def _number(self, name: str, low: float, high: float, middle: float) -> float:
        value = self._settings.get(name)
        inside = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        self.usual[name] = value if inside else middle
        return self.usual[name]  # type: ignore[no-any-return]


def _classical_settings(candidates: Candidates, trial: Trial) -> dict[str, Any]:
    """Draw the usual settings, one of the listed candidates, or settings from the candidates' distributions."""
    listed: dict[str, dict[str, Any]] = {"usual": {}}
    listed |= {f"candidate {number}": dict(settings) for number, settings in enumerate(candidates.listed, 1)}
    choice = trial.suggest_categorical("settings", [*listed, *(["drawn"] if candidates.drawn else [])])
    if choice != "drawn":
        return listed[choice]
    settings = {}
    for name, values in candidates.drawn.items():
        if isinstance(values, list | tuple):
            shown = {repr(value): value for value in values}
            settings[name] = shown[trial.suggest_categorical(name, list(shown))]
        elif getattr(getattr(values, "dist", None), "name", "") == loguniform.name:
            low, high = values.support()
            settings[name] = trial.suggest_float(name, float(low), float(high), log=True)
        else:
            raise TypeError(f"candidates are drawn from lists or loguniform distributions, got {values!r} for {name}")
    return settings


def _preparation(trial: Any, n_features: int) -> tuple[tuple[str, Any], ...]:
    """Draw the steps before a quantum model: none, as it scales its features, another scaling, or components."""
    choices = ["own", "robust"] + (["components"] if n_features > 2 else [])
    choice = trial.suggest_categorical(PREPARATION, choices)
    if choice == "own":
        return ()
    if choice == "robust":
        return (("scaler", RobustScaler()),)
    count = trial.suggest_int(COMPONENTS, 2, min(n_features - 1, MAX_COMPONENTS))
    return ("scaler", StandardScaler()), ("reducer", QubitReducer(count, random_state=0))


def _public_estimators() -> dict[str, Any]:
    """Return the classifiers and regressors of the library by name; forecasters of series are not for tables."""
    public = {name: getattr(qml, name) for name in dir(qml) if name[0].isupper()}
    kinds = {name: kind for name, kind in public.items() if isinstance(kind, type) and issubclass(kind, Searchable)}
    return {name: kind for name, kind in kinds.items() if is_classifier(kind()) or is_regressor(kind())}


def _suits(estimator: Any, task: Task) -> bool:
    return bool(is_classifier(estimator) if task == "classification" else is_regressor(estimator))


def _full_name(name: str, task: Task, available: Mapping[str, Any]) -> str:
    short = {known.removesuffix(SUFFIXES[task]): known for known in available}
    short |= {name.removeprefix("Quantum"): known for name, known in short.items()}
    full = choose("model", name, [*available, *short])
    return short.get(full, full)


def _check(estimator: Any, task: Task) -> None:
    if not hasattr(estimator, "search_space") or isinstance(estimator, type):
        raise TypeError(
            "models expects names or unfitted estimators with a method search_space(trial), such as "
            f"VariationalClassifier(), got {estimator!r}"
        )
    if not _suits(estimator, task):
        raise TypeError(f"the search is for {task}, and {type(estimator).__name__} is not for that task")
