"""Every estimator of the library states a space: whatever it draws are settings that train."""

import inspect
import warnings

import numpy as np
import optuna
import pytest
from sklearn.base import is_classifier, is_regressor

import qml
from qml.honesty.opponents import Candidates, opponents
from qml.search.evaluation import _Stored
from qml.search.families import Family, draw, families_for, usual_parameters

ESTIMATORS = {
    name: kind
    for name in dir(qml)
    if inspect.isclass(kind := getattr(qml, name))
    and hasattr(kind, "fit")
    and kind.__module__.startswith("qml.estimators")
}
SLOW = {"ReservoirForecaster": {"n_qubits": 3, "virtual_nodes": 2, "washout": 2}}
"""Settings that are drawn, but too slow for a test."""

PRIMITIVE = (type(None), bool, int, float, str)


class Recorder:
    """Trial that draws at random and records what it was asked for."""

    def __init__(self, seed):
        self.rng, self.asked = np.random.default_rng(seed), {}

    def suggest_categorical(self, name, choices):
        assert all(isinstance(choice, PRIMITIVE) for choice in choices)
        return self._recorded(name, choices[self.rng.integers(len(choices))])

    def suggest_int(self, name, low, high, *, step=1, log=False):
        assert low <= high
        return self._recorded(name, int(self.rng.integers(low, high + 1)))

    def suggest_float(self, name, low, high, *, log=False):
        assert 0 < low < high
        return self._recorded(name, float(self.rng.uniform(low, high)))

    def _recorded(self, name, value):
        assert name not in self.asked, f"{name} is drawn twice"
        self.asked[name] = value
        return value


@pytest.mark.parametrize("name", ESTIMATORS)
def test_drawn_settings_train(name):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(24, 9))
    labels, numbers = (X[:, 0] > 0).astype(int), X[:, 0]
    for seed in range(3):
        trial, model = Recorder(seed), ESTIMATORS[name]()
        settings = model.search_space(trial)
        assert len(trial.asked) >= 2
        model.set_params(**settings).set_params(**SLOW.get(name, {}))
        if "epochs" in settings:
            model.set_params(epochs=1)
        if "probability" in model.get_params():
            model.set_params(probability=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if is_regressor(model):
                model.fit(X, numbers)
            elif is_classifier(model):
                model.fit(X, labels)
            elif name == "BornMachine":
                model.fit((X[:, :4] > 0).astype(float))
            elif name == "ReservoirForecaster":
                model.fit(numbers)
            else:
                model.fit(X)


def test_plain_trials_of_optuna_are_taken():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask()
    settings = qml.VariationalClassifier().search_space(trial)
    assert settings == {name: value for name, value in trial.params.items() if name in settings}


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_every_estimator_of_a_task_is_searched(task):
    families, left_out = families_for(task, None, classical=True, n_rows=100, n_features=9, seed=0)
    suits = is_classifier if task == "classification" else is_regressor
    expected = {name for name, kind in ESTIMATORS.items() if suits(kind())}
    assert {family.name for family in families if family.kind == "quantum"} == expected
    assert not left_out
    classical = {opponent.name for opponent in opponents(task, 4, 100, 0)}
    assert {family.name for family in families if family.kind == "classical"} == classical


def test_models_are_named_in_the_shell_as_for_training():
    names = ["kernel", "variational", "QuantumKernelRegressor", "kernelRidge"]
    families, _ = families_for("regression", names, classical=False, n_rows=100, n_features=9, seed=0)
    expected = ["QuantumKernelRegressor", "VariationalRegressor", "QuantumKernelRegressor 2", "QuantumKernelRidge"]
    assert [family.name for family in families] == expected


def test_models_that_do_not_suit_the_data_are_left_out_with_a_reason():
    families, left_out = families_for("classification", None, classical=False, n_rows=5000, n_features=5, seed=0)
    assert left_out["QuanvolutionClassifier"] == "rows of 5 numbers are not square images"
    assert "5,000 rows" in left_out["QuantumKernelClassifier"]
    assert "VariationalClassifier" in {family.name for family in families}


def test_usual_parameters_are_the_constructor_defaults():
    for task in ("classification", "regression"):
        families, _ = families_for(task, None, classical=False, n_rows=100, n_features=9, seed=0)
        for family in families:
            parameters = usual_parameters(family)
            drawn = draw(_Stored(parameters), "quantum", families, 9)
            assert drawn.family is family
            assert not drawn.steps
            defaults = family.estimator.get_params()
            changed = {name for name, value in drawn.settings.items() if value != defaults[name]}
            # what is derived from the data, or costs twice the time, is not in the spaces
            assert changed <= {"n_qubits", "weight_decay", "n_components", "learning_rate"}, (family.name, changed)


def test_classical_settings_are_those_of_the_candidates():
    for opponent in opponents("classification", 4, 100, 0):
        family = Family(opponent.name, "classical", opponent.estimator, opponent.candidates)
        listed = [{}, *opponent.candidates.listed]
        for seed in range(12):
            settings = family.settings(Recorder(seed))
            opponent.estimator.set_params(**settings)
            assert settings in listed or settings.keys() == opponent.candidates.drawn.keys()


def test_candidates_of_an_unknown_distribution_are_refused():
    family = Family("x", "classical", None, Candidates(drawn={"a": object()}))

    class Drawn(Recorder):
        def suggest_categorical(self, name, choices):
            return "drawn"

    with pytest.raises(TypeError, match="loguniform"):
        family.settings(Drawn(0))
