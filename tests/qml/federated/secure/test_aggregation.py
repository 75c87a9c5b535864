"""Secure aggregation: exact sums, any survivors, uniform messages, and what is refused."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from qml.federated import SecureAggregation, TooFewClientsError
from qml.federated.secure import client
from qml.federated.secure.fixed_point import FixedPoint
from qml.federated.secure.messages import MaskedVector, RevealedShares
from qml.federated.secure.primitives import KeyPair

LEAST_P = 0.01  # of keys that are drawn from a seed
ROUNDING = 2.0**-51  # of a float64 sum, relative


def vectors_of(n_clients: int, n_weights: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {f"client {index}": rng.normal(size=n_weights) for index in range(n_clients)}


@pytest.fixture
def seeded_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys from a seed in place of the operating system's, so that a p-value is the same in each run."""
    rng = np.random.default_rng(3)
    monkeypatch.setattr(KeyPair, "generate", classmethod(lambda cls: cls.from_private(rng.bytes(32))))
    monkeypatch.setattr(client, "random_key", lambda: rng.bytes(32))


def exact_sum(vectors: list[np.ndarray], bits: int) -> np.ndarray:
    """The sum of the rounded vectors in rational numbers."""
    columns = zip(*[[round(Fraction(value) * 2**bits) for value in vector] for vector in vectors], strict=True)
    return np.array([float(Fraction(sum(column), 2**bits)) for column in columns])


@pytest.mark.parametrize("bits", [10, 32, 64, 90])
def test_the_sum_is_that_of_the_rounded_vectors(bits: int) -> None:
    vectors = vectors_of(6, 50)
    secure = SecureAggregation(threshold=4, fraction_bits=bits)
    total = secure.sum(vectors, round=1)
    np.testing.assert_allclose(total, exact_sum(list(vectors.values()), bits), rtol=ROUNDING, atol=0)
    error = np.abs(total - np.sum(list(vectors.values()), axis=0)).max()
    assert error <= FixedPoint(bits).error(terms=6) + 6 * ROUNDING


def test_the_default_adds_updates_and_sums_of_squares_alike() -> None:
    vectors = {"a": np.array([1e-9, 1e13, -4.0]), "b": np.array([2e-9, 3e13, 4.0]), "c": np.array([0.0, -1e12, 0.5])}
    total = SecureAggregation().sum(vectors, round=0)
    np.testing.assert_allclose(total, [3e-9, 3.9e13, 0.5], rtol=1e-9)


@pytest.mark.parametrize("threshold", [2, 3, 5])
def test_any_survivors_give_their_sum(threshold: int) -> None:
    vectors = vectors_of(5, 3)
    secure = SecureAggregation(threshold=threshold)
    for size in range(threshold, 6):
        for survivors in itertools.combinations(vectors, size):
            dropped = set(vectors) - set(survivors)
            total = secure.sum({name: vectors[name] for name in survivors}, round=2, dropped=dropped)
            np.testing.assert_allclose(total, sum(vectors[name] for name in survivors), atol=1e-15)
            np.testing.assert_array_equal(total, secure.sum(vectors, round=2, dropped=dropped))
            for silent in itertools.combinations(survivors, size - threshold):
                again = secure.sum(vectors, round=2, dropped=dropped, silent=silent)
                np.testing.assert_array_equal(again, total)


@pytest.mark.parametrize(
    ("dropped", "silent", "message"),
    [
        ([0, 1, 2], [], "round 7: 2 of the 3 clients that secure aggregation needs sent their masked vectors"),
        ([0, 1], [2], "round 7: 2 of the 3 clients that secure aggregation needs revealed their shares"),
        ([], [0, 1, 2], "round 7: 2 of the 3 clients that secure aggregation needs revealed their shares"),
    ],
)
def test_fewer_than_the_threshold_is_an_error(dropped: list[int], silent: list[int], message: str) -> None:
    names = list(vectors := vectors_of(5, 4))
    with pytest.raises(TooFewClientsError, match=message):
        SecureAggregation(threshold=3).sum(
            vectors, round=7, dropped=[names[i] for i in dropped], silent=[names[i] for i in silent]
        )


def test_too_few_clients_from_the_beginning() -> None:
    with pytest.raises(TooFewClientsError, match="2 of the 3 clients that secure aggregation needs sent their keys"):
        SecureAggregation(threshold=3).sum(vectors_of(2, 4), round=1)


def test_the_default_threshold_is_more_than_two_thirds() -> None:
    names = list(vectors := vectors_of(6, 2))
    SecureAggregation().sum(vectors, round=1, dropped=names[:1])
    with pytest.raises(TooFewClientsError, match="4 of the 5 clients"):
        SecureAggregation().sum(vectors, round=1, dropped=names[:2])
    with pytest.raises(TooFewClientsError, match="1 of the 2 clients"):
        SecureAggregation().sum({"alone": np.zeros(3)}, round=1)


@pytest.mark.usefixtures("seeded_keys")
def test_each_masked_vector_is_uniform() -> None:
    """Kolmogorov-Smirnov of each client's messages, for vectors far from random; the p-values are uniform as well."""
    vectors = {name: np.zeros(2000) for name in ("a", "b", "c", "d")} | {"e": np.full(2000, 1e6)}
    secure = SecureAggregation(threshold=3)
    p_values = []
    for number in range(10):
        total = secure.sum(vectors, round=number, dropped=["d"])
        np.testing.assert_array_equal(total, np.full(2000, 1e6))
        masked = [message for message in secure.received_ if isinstance(message, MaskedVector)]
        assert sorted(message.client for message in masked) == ["a", "b", "c", "e"]
        draws = [message.values[:, word] / 2.0**64 for message in masked for word in (0, 1)]
        p_values += [stats.kstest(values, "uniform").pvalue for values in draws]
    assert stats.kstest(p_values, "uniform").pvalue > LEAST_P
    assert min(p_values) > LEAST_P / len(p_values)
    assert np.abs(np.corrcoef(draws) - np.eye(len(draws))).max() < 5 / np.sqrt(2000)


@pytest.mark.usefixtures("seeded_keys")
def test_the_masks_of_two_rounds_differ() -> None:
    """The difference of a client's messages is not that of its vectors: it is uniform too."""
    vectors, secure, messages = vectors_of(3, 1000), SecureAggregation(threshold=2), []
    for _ in range(2):
        secure.sum(vectors, round=1)
        messages.append(next(m.values for m in secure.received_ if isinstance(m, MaskedVector)))
    difference = (messages[0] - messages[1])[:, 0] / 2.0**64
    assert stats.kstest(difference, "uniform").pvalue > LEAST_P


def test_the_server_receives_one_kind_of_share_for_each_client() -> None:
    names = set(vectors := vectors_of(5, 4))
    secure = SecureAggregation(threshold=3)
    secure.sum(vectors, round=1, dropped=["client 1"], silent=["client 0"])
    revealed = [message for message in secure.received_ if isinstance(message, RevealedShares)]
    assert {message.client for message in revealed} == names - {"client 0", "client 1"}
    for message in revealed:
        assert message.keys.keys() == {"client 1"}
        assert message.seeds.keys() == names - {"client 1"}


def test_the_server_receives_no_vector_in_the_clear() -> None:
    vectors = vectors_of(4, 6)
    secure = SecureAggregation(threshold=3)
    secure.sum(vectors, round=1)
    encoded = {name: FixedPoint().encode(vector, terms=4) for name, vector in vectors.items()}
    words = {int(word) for array in encoded.values() for word in array.ravel()} - {0, 2**64 - 1}  # signs are no secret
    for message in secure.received_:
        if isinstance(message, MaskedVector):
            assert not words & {int(word) for word in message.values.ravel()}
    text = repr(secure.received_).encode() + b"".join(
        message.values.tobytes() for message in secure.received_ if isinstance(message, MaskedVector)
    )
    for array in encoded.values():
        assert array[:, 0].tobytes() not in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"client 1": np.zeros(3)}, r"client 1' has shape \(3,\), expected \(4,\)"),
        ({"client 1": np.zeros((4, 1))}, r"client 1' has shape \(4, 1\)"),
        ({"client 2": np.array([0, np.nan, np.inf, 0])}, "client 2' has 2 NaN or infinities"),
    ],
)
def test_a_client_with_a_wrong_vector_is_named(change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SecureAggregation(threshold=2).sum(vectors_of(3, 4) | change, round=1)


def test_a_number_out_of_range_is_refused() -> None:
    vectors = vectors_of(3, 4) | {"client 1": np.array([0, 1e19, 0, 0])}
    with pytest.raises(OverflowError, match="lower fraction_bits"):
        SecureAggregation(threshold=2).sum(vectors, round=1)
    total = SecureAggregation(threshold=2, fraction_bits=32).sum(vectors, round=1)
    np.testing.assert_allclose(total[1], 1e19, rtol=1e-12)


@pytest.mark.parametrize("threshold", [1, 0, 2.5, True])
def test_the_threshold_is_checked(threshold: object) -> None:
    with pytest.raises(ValueError, match="threshold expects an integer of 2 or more"):
        SecureAggregation(threshold=threshold)
