"""Shamir's shares beside Flower's, which are over another field; runs where Flower is installed."""

import itertools

import pytest

pytest.importorskip("flwr")

from flwr.common.secure_aggregation.crypto.shamir import combine_shares, create_shares

from qml.federated.secure.shamir import combine, split


@pytest.mark.parametrize(("threshold", "n"), [(2, 3), (3, 5)])
def test_the_same_shares_are_enough(threshold: int, n: int) -> None:
    for secret in (b"x" * 32, bytes(31) + b"\x01", b"\xff" * 32):
        ours = dict(zip(range(1, n + 1), split(secret, threshold, range(1, n + 1)), strict=True))
        theirs = create_shares(secret, threshold, n)
        for size in range(1, n + 1):
            for chosen in itertools.combinations(range(1, n + 1), size):
                mine = {position: ours[position] for position in chosen}
                flowers = [theirs[position - 1] for position in chosen]
                if size >= threshold:
                    assert combine(mine, threshold) == combine_shares(flowers) == secret
                    continue
                with pytest.raises(ValueError, match="a secret needs"):
                    combine(mine, threshold)
                assert recovered(flowers) != secret


def recovered(shares: list[bytes]) -> bytes | None:
    """What Flower makes of too few shares: rubbish, which its padding does not always show."""
    try:
        return combine_shares(shares)
    except ValueError:
        return None
