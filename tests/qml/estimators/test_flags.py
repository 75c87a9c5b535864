"""Settings that are True or False: a word such as "no", which Python takes for True, is refused."""

from importlib import import_module

import numpy as np
import pytest

from qml.estimators.kernel_methods.kernel_estimator import KernelEstimator
from qml.persistence.values import ESTIMATORS

OURS = {name: getattr(import_module(module), name) for name, module in ESTIMATORS.items() if module.startswith("qml.")}
FLAGS = [
    (name, setting)
    for name, kind in OURS.items()
    for setting, default in kind().get_params(deep=False).items()
    if isinstance(default, bool) and setting != "verbose"  # which may be a number
    if not (setting == "scale_features" and issubclass(kind, KernelEstimator))  # which may be "jointly"
]


def test_flags_are_found():
    assert {setting for _, setting in FLAGS} == {
        "early_stopping",
        "entangled",
        "probability",
        "scale_features",
        "trained",
        "warm_start",
    }


@pytest.mark.parametrize(("name", "flag"), FLAGS)
def test_words_are_not_flags(name, flag):
    estimator = OURS[name](**{flag: "no"})
    with pytest.raises(ValueError, match=f"^{flag} expects True or False, got 'no'$"):
        estimator._check_settings()
    OURS[name](**{flag: np.False_})._check_settings()
