"""Clients and server of secure aggregation as separate parties, some of which misbehave."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from qml.federated.secure.checks import MessageError, TooFewClientsError
from qml.federated.secure.client import SecureClient
from qml.federated.secure.fixed_point import FixedPoint
from qml.federated.secure.messages import Message, PublicKeys, RevealedShares
from qml.federated.secure.primitives import KeyPair
from qml.federated.secure.server import SecureServer

NAMES = ("a", "b", "c", "d")
ROUND, THRESHOLD, WEIGHTS = 5, 3, 4


class Parties:
    """Four clients and a server, brought to a step of a round."""

    def __init__(self) -> None:
        self.clients = {name: SecureClient(name, round=ROUND, threshold=THRESHOLD) for name in NAMES}
        self.server = SecureServer(round=ROUND, threshold=THRESHOLD, n_weights=WEIGHTS)

    def keys(self) -> list[PublicKeys]:
        return [client.public_keys() for client in self.clients.values()]

    def shares(self) -> list:
        announced = self.server.collect_keys(self.keys())
        return [client.seal_shares(announced) for client in self.clients.values()]

    def masked(self, without: str = "") -> list:
        inboxes = self.server.route_shares(self.shares())
        return [
            client.masked_vector(np.full(WEIGHTS, float(index)), inboxes[name])
            for index, (name, client) in enumerate(self.clients.items())
            if name != without
        ]

    def revealed(self, without: str = "") -> list[RevealedShares]:
        survivors = self.server.collect_vectors(self.masked(without))
        return [self.clients[name].reveal(survivors) for name in survivors]


def changed(messages: list, index: int, **fields: object) -> list:
    return [replace(message, **fields) if i == index else message for i, message in enumerate(messages)]


@pytest.mark.parametrize(("without", "total"), [("", 6), ("d", 3), ("a", 6), ("b", 5)])
def test_parties_agree_on_the_sum(without: str, total: float) -> None:
    parties = Parties()
    revealed = parties.revealed(without)
    np.testing.assert_array_equal(parties.server.unmask(revealed), np.full(WEIGHTS, float(total)))


def over_the_wire(message: Message) -> Message:
    """A message as text and back: its fields are text, integers, bytes and one array."""
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(message).items()}
    text = json.dumps(plain, default=lambda value: value.hex())
    fields = json.loads(text)
    for name in {"sealing", "masking", "commitment"} & fields.keys():
        fields[name] = bytes.fromhex(fields[name])
    if "sealed" in fields:
        fields["sealed"] = {name: bytes.fromhex(value) for name, value in fields["sealed"].items()}
    if "values" in fields:
        fields["values"] = np.array(fields["values"], dtype=np.uint64)
    return type(message)(**fields)


def test_messages_are_plain_values() -> None:
    parties = Parties()
    server, clients = parties.server, parties.clients
    keys = server.collect_keys(map(over_the_wire, parties.keys()))
    shares = [client.seal_shares(map(over_the_wire, keys)) for client in clients.values()]
    inboxes = server.route_shares(map(over_the_wire, shares))
    masked = [
        clients[name].masked_vector(np.full(WEIGHTS, 0.5), map(over_the_wire, inboxes[name]))
        for name in ("a", "b", "d")
    ]
    survivors = server.collect_vectors(map(over_the_wire, masked))
    revealed = [clients[name].reveal(survivors) for name in survivors]
    np.testing.assert_array_equal(server.unmask(map(over_the_wire, revealed)), np.full(WEIGHTS, 1.5))


def test_a_client_that_leaves_before_it_shares_is_left_out() -> None:
    parties = Parties()
    inboxes = parties.server.route_shares(parties.shares()[:3])
    masked = [parties.clients[name].masked_vector(np.ones(WEIGHTS), inboxes[name]) for name in NAMES[:3]]
    survivors = parties.server.collect_vectors(masked)
    revealed = [parties.clients[name].reveal(survivors) for name in survivors]
    np.testing.assert_array_equal(parties.server.unmask(revealed), np.full(WEIGHTS, 3.0))


class Forgetful:
    """A client whose process ends after each step."""

    def __init__(self, client: SecureClient) -> None:
        self.content = client.to_bytes()

    def __getattr__(self, step: str) -> Callable:
        def taken(*arguments: object) -> Message:
            client = SecureClient.from_bytes(self.content)
            try:
                return getattr(client, step)(*arguments)
            finally:
                self.content = client.to_bytes()

        return taken


def test_a_client_is_kept_as_bytes_between_steps() -> None:
    parties = Parties()
    parties.clients = {name: Forgetful(client) for name, client in parties.clients.items()}
    revealed = parties.revealed(without="b")
    np.testing.assert_array_equal(parties.server.unmask(revealed), np.full(WEIGHTS, 5.0))
    with pytest.raises(RuntimeError, match="client 'a' expects nothing next in round 5, got reveal"):
        parties.clients["a"].reveal(NAMES)


def test_bytes_keep_the_resolution() -> None:
    client = SecureClient("a", round=ROUND, threshold=THRESHOLD, numbers=FixedPoint(20))
    content = client.to_bytes()
    assert SecureClient.from_bytes(content).numbers == FixedPoint(20)
    without_checksum = content.partition(b" ")[2]  # as earlier versions wrote
    assert SecureClient.from_bytes(without_checksum).to_bytes() == content


def test_flipped_bits_of_a_kept_client_are_noticed() -> None:
    content = SecureClient("a", round=ROUND, threshold=THRESHOLD).to_bytes()
    damaged = [content[:k] + bytes([content[k] ^ 1]) + content[k + 1 :] for k in range(0, len(content), 7)]
    for other in (*damaged, content[:-1], content + b" ", b""):
        with pytest.raises(MessageError, match="bytes that to_bytes returned"):
            SecureClient.from_bytes(other)


@pytest.mark.parametrize("step", ["keys", "shares", "masked", "revealed"])
def test_messages_of_another_round_and_second_messages_are_refused(step: str) -> None:
    for change, text in (
        (lambda messages: changed(messages, 1, round=ROUND - 1), f"'b' sent .* of round {ROUND - 1} in round {ROUND}"),
        (lambda messages: [*messages, messages[1]], f"'b' sent .* twice in round {ROUND}"),
    ):
        parties = Parties()
        messages = change(getattr(parties, step)())
        receive = {
            "keys": parties.server.collect_keys,
            "shares": parties.server.route_shares,
            "masked": parties.server.collect_vectors,
            "revealed": parties.server.unmask,
        }[step]
        with pytest.raises(MessageError, match=text):
            receive(messages)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda m: changed(m, 1, sealing=m[0].sealing), "'a' and 'b' sent the same public key"),
        (lambda m: changed(m, 1, masking=m[1].sealing), "'b' and 'b' sent the same public key"),
        (lambda m: changed(m, 1, masking=b"short"), "'b' sent a public key of 5 bytes, expected 32"),
    ],
)
def test_bad_keys_are_refused(change: Callable, text: str) -> None:
    parties = Parties()
    with pytest.raises(MessageError, match=text):
        parties.server.collect_keys(change(parties.keys()))


def test_a_client_notices_keys_that_were_changed_under_its_name() -> None:
    parties = Parties()
    keys = parties.server.collect_keys(parties.keys())
    with pytest.raises(MessageError, match="'a' received other public keys under its name"):
        parties.clients["a"].seal_shares(changed(keys, 0, masking=KeyPair.generate().public))
    with pytest.raises(MessageError, match="'b' received other public keys under its name, or none"):
        parties.clients["b"].seal_shares([keys[0], *keys[2:]])


def test_a_key_without_a_secret_is_refused() -> None:
    """The point of order 1, with which every key agrees on zero."""
    parties = Parties()
    keys = changed(parties.keys(), 1, sealing=bytes(32))
    with pytest.raises(ValueError, match="expected an X25519 public key"):
        parties.clients["a"].seal_shares(keys)


def test_shares_that_were_changed_or_exchanged_are_found() -> None:
    parties = Parties()
    inboxes = parties.server.route_shares(parties.shares())
    for name in NAMES:
        inbox = inboxes[name]
        if name == "a":
            sealed = bytearray(inbox[0].sealed["a"])
            sealed[20] ^= 1
            inbox = changed(inbox, 0, sealed={"a": bytes(sealed)})
        if name == "b":
            inbox = changed(inbox, 0, sealed={"b": inbox[1].sealed["b"]})
        parties.clients[name].masked_vector(np.ones(WEIGHTS), inbox)
    for name in ("a", "b"):
        with pytest.raises(ValueError, match="changed, or belongs to another sender"):
            parties.clients[name].reveal(NAMES)


def test_a_client_does_not_open_its_own_shares_as_those_of_another() -> None:
    """Both directions between two clients have one key; a server could send a client's message back to it."""
    parties = Parties()
    shares = {message.client: message for message in parties.shares()}
    inbox = parties.server.route_shares(shares.values())["a"]
    reflected = [
        replace(message, sealed={"a": shares["a"].sealed["b"]}) if message.client == "b" else message
        for message in inbox
    ]
    parties.clients["a"].masked_vector(np.ones(WEIGHTS), reflected)
    with pytest.raises(ValueError, match="changed, or belongs to another sender"):
        parties.clients["a"].reveal(NAMES)


def test_shares_for_others_are_refused() -> None:
    parties = Parties()
    shares = parties.shares()
    with pytest.raises(MessageError, match="'d' received shares from 'a' that are not for it"):
        parties.clients["d"].masked_vector(np.ones(WEIGHTS), changed(shares[:3], 0, sealed={"b": b""}))
    parties = Parties()
    shares = parties.shares()
    with pytest.raises(MessageError, match=r"client 'a' has to seal shares for \['b', 'c', 'd'\]"):
        parties.server.route_shares(changed(shares, 0, sealed={"b": b"", "c": b""}))


@pytest.mark.parametrize("values", [np.zeros((WEIGHTS, 1), np.uint64), np.zeros((WEIGHTS, 2)), np.zeros(8, np.uint64)])
def test_masked_vectors_are_checked(values: np.ndarray) -> None:
    parties = Parties()
    with pytest.raises(MessageError, match=r"client 'c' sent .*, expected uint64 of shape \(4, 2\)"):
        parties.server.collect_vectors(changed(parties.masked(), 2, values=values))


def test_a_vector_of_a_stranger_is_refused() -> None:
    parties = Parties()
    masked = parties.masked()
    with pytest.raises(MessageError, match="'x' sent a masked vector, but did not share its secrets"):
        parties.server.collect_vectors(changed(masked, 0, client="x"))


@pytest.mark.parametrize("kind", ["seeds", "keys"])
def test_wrong_shares_are_found(kind: str) -> None:
    parties = Parties()
    revealed = parties.revealed(without="d")
    shares = getattr(revealed[0], kind)
    name = sorted(shares)[-1]
    with pytest.raises(ValueError, match=f"of '{name}' do not give the (seed|key) that it announced|one secret"):
        parties.server.unmask(changed(revealed, 0, **{kind: shares | {name: shares[name] + 1}}))


def test_both_secrets_of_a_client_are_never_revealed() -> None:
    parties = Parties()
    parties.revealed(without="d")
    with pytest.raises(RuntimeError, match="'a' expects nothing next in round 5, got reveal"):
        parties.clients["a"].reveal(NAMES)
    revealed = Parties().revealed(without="d")[0]
    assert not revealed.seeds.keys() & revealed.keys.keys()


def test_a_second_vector_under_the_same_masks_is_refused() -> None:
    parties = Parties()
    parties.masked()
    with pytest.raises(RuntimeError, match="'a' expects reveal next in round 5, got masked_vector"):
        parties.clients["a"].masked_vector(np.zeros(WEIGHTS), [])


def test_clients_insist_on_the_threshold() -> None:
    """A server that names too few clients learns nothing from the others."""
    parties = Parties()
    keys = parties.server.collect_keys(parties.keys())
    with pytest.raises(TooFewClientsError, match="2 of the 3 clients that secure aggregation needs sent their keys"):
        parties.clients["a"].seal_shares(keys[:2])
    parties = Parties()
    inboxes = parties.server.route_shares(parties.shares())
    with pytest.raises(
        TooFewClientsError, match="2 of the 3 clients that secure aggregation needs shared their secrets"
    ):
        parties.clients["a"].masked_vector(np.zeros(WEIGHTS), inboxes["a"][:1])
    parties = Parties()
    parties.masked()
    with pytest.raises(
        TooFewClientsError, match="1 of the 3 clients that secure aggregation needs sent their masked vectors"
    ):
        parties.clients["a"].reveal(["a", "a", "a"])
    with pytest.raises(MessageError, match=r"no shares of the survivors \['x'\]"):
        parties.clients["a"].reveal(["a", "b", "x"])
