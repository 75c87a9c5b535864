"""Names are read by one rule everywhere: any case, near misses named, the same words for what is neither."""

from functools import partial

import pytest

from qml.ansatze import ANSATZE, get_ansatz
from qml.feature_maps import FEATURE_MAPS, get_feature_map
from qml.kernels import KERNELS, get_kernel
from qml.losses import LOSSES, get_loss
from qml.optimizers import OPTIMIZERS, get_optimizer
from simulator.errors import UnknownNameError, unknown_name
from simulator.names import by_name, choose

TABLES = [
    pytest.param(getter, table, id=kind)
    for kind, getter, table in [
        ("ansatz", get_ansatz, ANSATZE),
        ("feature map", get_feature_map, FEATURE_MAPS),
        ("kernel", get_kernel, KERNELS),
        ("loss", get_loss, LOSSES),
        ("optimizer", get_optimizer, OPTIMIZERS),
    ]
]


@pytest.mark.parametrize(("getter", "table"), TABLES)
class TestEveryTable:
    def test_names_in_any_case_with_either_dash(self, getter, table):
        for name in table:
            expected = repr(getter(name))
            assert repr(getter(name.upper())) == expected
            assert repr(getter(name.replace("_", "-"))) == expected
            assert repr(getter(name.replace("-", "_"))) == expected

    def test_an_object_is_returned_as_it_is(self, getter, table):
        for name in table:
            value = getter(name)
            assert getter(value) is value

    def test_a_near_miss_is_named(self, getter, table, request):
        for name in table:
            misspelt = name + "q"
            with pytest.raises(UnknownNameError, match=f"unknown .* '{misspelt}'; did you mean .*'{name}'"):
                getter(misspelt)

    def test_neither_a_name_nor_an_object(self, getter, table):
        for wrong in (3, None, object()):
            with pytest.raises(TypeError, match=" expects a name or an? .*, got "):
                getter(wrong)

    def test_a_class_in_place_of_an_object(self, getter, table):
        kind = next(maker for maker in table.values() if not isinstance(maker, partial))
        with pytest.raises(
            TypeError, match=rf"got <class .*>; that is a class, {kind.__name__}\(\.\.\.\) makes an object"
        ):
            getter(kind)

    def test_options_need_a_name(self, getter, table):
        with pytest.raises(TypeError, match="the options reps need the .*'s name, got"):
            getter(getter(next(iter(table))), reps=2)


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        (lambda: get_ansatz("basic", axs="z"), "ansatz 'basic' 'axs'; did you mean 'axis'"),
        (lambda: get_feature_map("ZZ", rep=1), "feature map 'zz' 'rep'; did you mean 'reps'"),
        (lambda: get_loss("huber", delt=2.0), "loss 'huber' 'delt'; did you mean 'delta'"),
        (lambda: get_optimizer("adam", beta_1=0.8), "optimizer 'adam' 'beta_1'; did you mean 'beta1'"),
    ],
)
def test_a_near_miss_of_an_option_is_named(make, setting):
    with pytest.raises(UnknownNameError, match=f"unknown setting of the {setting}"):
        make()


def test_options_reach_what_is_named():
    assert get_optimizer("adam", 0.1, beta1=0.8).beta1 == 0.8
    assert get_loss("Huber", delta=0.5).delta == 0.5
    assert get_kernel("zz", reps=1).get_params()["reps"] == 1


def test_a_line_in_the_table_is_all_a_name_needs(monkeypatch):
    monkeypatch.setitem(LOSSES, "sharp_huber", partial(LOSSES["huber"], delta=0.1))
    assert get_loss("Sharp-Huber").delta == 0.1


def test_choose_returns_the_spelling_of_the_table():
    assert choose("sequence", "xy4", ("XX", "XY4")) == "XY4"
    with pytest.raises(UnknownNameError, match="unknown sequence 'XY5'; did you mean 'XY4'"):
        choose("sequence", "XY5", ("XX", "XY4"))
    with pytest.raises(UnknownNameError, match="unknown sequence 3; expected one of XX, XY4"):
        choose("sequence", 3, ("XX", "XY4"))


def test_near_misses_are_found_whatever_the_case():
    assert "did you mean 'XpXm'" in str(unknown_name("sequence", "xpxn", ["XX", "XpXm"]))


def test_every_class_of_a_table_is_accepted():
    table = {"text": str, "number": complex}
    value = 3.0j
    assert by_name("thing", value, table, (complex, str)) is value
    with pytest.raises(TypeError, match=r"thing expects a name or a complex or a str, got \[\]"):
        by_name("thing", [], table, (complex, str))
