"""Attacks on federated training, with and without protection: `python -m benchmarks.federated_attacks`.

Gradient inversion (Zhu, Liu and Han, arXiv:1906.08935): a curious server looks for rows whose gradient is the update of
a client. Membership inference (Yeom et al., arXiv:1709.01604): rows with a low loss are taken for training rows.
Poisoning: clients that send wrong updates, against each way to aggregate them. Cost: seconds and bytes of secure
aggregation.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares, linear_sum_assignment
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from qml import ReuploadingClassifier, VariationalClassifier
from qml.federated import (
    Bulyan,
    Federation,
    GaussianMechanism,
    Krum,
    LocalClient,
    Mean,
    Median,
    MultiKrum,
    Request,
    SecureAggregation,
    TrimmedMean,
    Update,
    iid_split,
)
from qml.federated.secure.fixed_point import FixedPoint
from qml.federated.secure.messages import MaskedVector, Message, PublicKeys, SealedShares
from qml.federated.secure.shamir import SHARE_BYTES
from qml.layers import Layer
from qml.losses import Loss

Array = np.ndarray
Gradient = Callable[[Array], Array]  # of the rows that the attacker tries, (n_rows, n_features)

RECOVERED = 0.1  # largest error of a row that counts as recovered, in standard deviations of the features
STARTS = 6  # of the attacker's optimisation
CLIP = 0.15  # of an update's norm; half of the updates of one row are longer
CLIENTS = 10
MEMBERS, WRONG = 40, 0.3
POISONED, MALICIOUS = 11, 2  # Bulyan needs 4 f + 3 clients


def breast_cancer_rows(n_features: int = 4) -> tuple[Array, Array]:
    """Return the first standardised features and the classes."""
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X[:, :n_features]), y


# Gradient inversion


class Victim:
    """A client that sends the gradient of one step on a few rows, and what the server knows about it."""

    def __init__(self, model: VariationalClassifier, X: Array, y: Array) -> None:
        self.X, self.model = X, model
        samples = model._class_weighted(model._checked_samples(X, y, None, reset=False))
        self.objective = model._objective(samples)

    def gradient(self, X: Array) -> Array:
        """Gradient of the loss at the model's weights for other rows with the same classes."""
        network: Layer = self.objective.network
        loss: Loss = self.objective.loss

        def rest(outputs: Array, rows: slice) -> Array:
            return loss.gradient(outputs, self.objective.targets[rows]) / len(X)

        return network.sweep(self.model.scaling_(X), self.model.weights_, rest, inputs=False)[0]


def inverted(
    victim: Victim, seen: Array, protocol: Callable[[Array], Array], low: Array, high: Array, seed: int
) -> Array:
    """Return the rows whose update, under the known protocol, is closest to the one that the server saw."""
    rng, shape = np.random.default_rng(seed), victim.X.shape

    def residual(flat: Array) -> Array:
        return protocol(victim.gradient(flat.reshape(shape))) - seen

    bounds = (np.broadcast_to(low, shape).ravel(), np.broadcast_to(high, shape).ravel())
    best = None
    for _ in range(STARTS):
        result = least_squares(residual, rng.uniform(*bounds), bounds=bounds, max_nfev=60)
        best = result if best is None or result.cost < best.cost else best
        if best.cost < 1e-16:
            break
    return best.x.reshape(shape)


def row_errors(rows: Array, guesses: Array) -> Array:
    """Return the root-mean-square error of each row, for the assignment of guesses to rows with the smallest errors."""
    errors = np.sqrt(np.square(rows[:, None] - guesses).mean(axis=2))
    return errors[linear_sum_assignment(errors)]


def clipped(update: Array) -> Array:
    return update * min(1.0, CLIP / np.linalg.norm(update))


def noisy(update: Array, multiplier: float, rng: np.random.Generator) -> Array:
    return clipped(update) + multiplier * CLIP * rng.standard_normal(len(update))


def masked(updates: Sequence[Array]) -> Array:
    """Return what the server receives from the first client under secure aggregation, scaled to a likely norm."""
    secure = SecureAggregation()
    secure.sum({f"client {k:02}": update for k, update in enumerate(updates)}, round=1)
    message = next(message for message in secure.received_ if isinstance(message, MaskedVector))
    numbers = FixedPoint(secure.fraction_bits).decode(message.values)
    return numbers * (CLIP / np.linalg.norm(numbers))


def inversion(trials: int) -> None:
    """Print the table of gradient inversion."""
    X, y = breast_cancer_rows()
    model = VariationalClassifier(n_layers=2, epochs=5, random_state=0).fit(X, y)
    low, high = X.min(axis=0), X.max(axis=0)
    rng = np.random.default_rng(1)

    def attacked(n_rows: int, protocol: Callable, send: Callable[[Array], Array]) -> Array:
        errors = []
        for trial in range(trials):
            rows = rng.choice(len(X), n_rows, replace=False)
            victim = Victim(model, X[rows], y[rows])
            guess = inverted(victim, send(victim.gradient(victim.X)), protocol, low, high, seed=trial)
            errors.append(row_errors(victim.X, guess))
        return np.concatenate(errors)

    def others(update: Array) -> list[Array]:
        rows = rng.choice(len(X), CLIENTS - 1)
        return [update, *(Victim(model, X[[row]], y[[row]]).gradient(X[[row]]) for row in rows)]

    def unchanged(update: Array) -> Array:
        return update

    print(f"{len(model.weights_)} weights, {X.shape[1]} features; clip {CLIP}; {trials} victims per row\n")
    print("| what the server sees | median error of a row | rows recovered |\n|---|---|---|")
    cases: list[tuple[str, int, Callable, Callable]] = [
        *((f"update of {n} row{'s' * (n > 1)}", n, unchanged, unchanged) for n in (1, 2, 4, 8)),
        ("update of 1 row, clipped", 1, clipped, clipped),
        *(
            (f"update of 1 row, clipped, noise {z}", 1, clipped, lambda update, z=z: noisy(update, z, rng))
            for z in (0.01, 0.1, 0.5, 1.0)
        ),
        ("update of 1 row, masked", 1, clipped, lambda update: masked(others(update))),
        (f"sum of {CLIENTS} clients of 1 row", CLIENTS, unchanged, unchanged),
    ]
    for name, n_rows, protocol, send in cases:
        errors = attacked(n_rows, protocol, send)
        print(f"| {name} | {np.median(errors):.2g} | {np.mean(errors < RECOVERED):.0%} |", flush=True)
    errors = np.sqrt(np.square(X - X.mean(axis=0)).mean(axis=1))
    print(f"| nothing: the mean of all rows | {np.median(errors):.2g} | {np.mean(errors < RECOVERED):.0%} |")


# Membership inference


def losses_of(model: ReuploadingClassifier, X: Array, y: Array) -> Array:
    """Return the negative log-probability of each row's class."""
    columns = np.searchsorted(model.classes_, y)
    return -np.log(np.maximum(model.predict_proba(X)[np.arange(len(y)), columns], 1e-12))


def membership(trials: int) -> None:
    """Print the table of membership inference: best for the attacker is a model that learns wrong labels by heart."""
    X, labels = breast_cancer_rows()
    print(f"{MEMBERS} training rows of 4 clients, {WRONG:.0%} of the labels wrong; {trials} draws of rows per line\n")
    print("| privacy of rows | epsilon | AUC of the attack | accuracy on new rows |\n|---|---|---|---|")
    for noise in (None, 0.5, 1.0, 2.0, 4.0, 10.0, 30.0):
        results = []
        for trial in range(trials):
            rng = np.random.default_rng(trial)
            rows = rng.permutation(len(X))[: 2 * MEMBERS]
            wrong = rng.random(len(rows)) < WRONG
            features, y = X[rows], np.where(wrong, 1 - labels[rows], labels[rows])
            member = np.arange(len(rows)) < MEMBERS
            privacy = None if noise is None else GaussianMechanism(noise=noise, clip=1.0, delta=1e-3, at="example")
            federation = Federation(
                iid_split(features[member], y[member], 4, trial),
                rounds=30,
                local_epochs=5,
                privacy=privacy,
                reference=(features[~member], y[~member]),
                random_state=trial,
            )
            model = federation.fit(ReuploadingClassifier(n_layers=6, n_qubits=4, batch_size=5))
            attack = roc_auc_score(member, -losses_of(model, features, y))
            results.append([attack, model.score(features[~member], labels[rows][~member]), federation.epsilon_])
        auc, accuracy, epsilon = np.mean(results, axis=0)
        spread = np.std([result[0] for result in results])
        name = "none" if noise is None else f"noise {noise}"
        print(f"| {name} | {epsilon:.3g} | {auc:.2f} +- {spread:.2f} | {accuracy:.2f} |", flush=True)


# Poisoning


@dataclass(eq=False)
class Malicious(LocalClient):
    """Client that sends a multiple of its update."""

    factor: float = 1.0

    def train(self, request: Request) -> Update:
        update = super().train(request)
        return replace(update, change=self.factor * update.change)


def poisoned(clients: list[tuple[Array, Array]], factor: float, flip: bool) -> list[LocalClient]:
    """Return clients of which the first ones are malicious."""
    honest = [LocalClient(f"client {k}", *rows) for k, rows in enumerate(clients)]
    bad = [
        Malicious(client.name, client.X, 1 - client.y if flip else client.y, factor=factor)
        for client in honest[:MALICIOUS]
    ]
    return [*bad, *honest[MALICIOUS:]]


def poisoning(trials: int) -> None:
    """Print the table of poisoning: accuracy on new rows."""
    X, y = breast_cancer_rows()
    cases = {
        "none": (1.0, False),
        "labels flipped": (1.0, True),
        "sign flipped": (-1.0, False),
        "labels flipped, x10": (10.0, True),
        "sign flipped, x10": (-10.0, False),
    }
    aggregators = {
        "mean": Mean(),
        "mean, clip_norm=0.5": Mean(),
        "krum": Krum(MALICIOUS),
        "multikrum": MultiKrum(MALICIOUS),
        "trimmed_mean": TrimmedMean(0.2),
        "median": Median(),
        "bulyan": Bulyan(MALICIOUS),
    }
    print(f"{MALICIOUS} of {POISONED} clients are malicious; {trials} splits per entry\n")
    print(f"| aggregator | {' | '.join(cases)} |\n{'|---' * (len(cases) + 1)}|")
    for name, aggregator in aggregators.items():
        entries = []
        for factor, flip in cases.values():
            scores = []
            for trial in range(trials):
                training, test, classes, truth = train_test_split(X, y, test_size=0.3, stratify=y, random_state=trial)
                federation = Federation(
                    poisoned(iid_split(training, classes, POISONED, trial), factor, flip),
                    aggregator=aggregator,
                    rounds=15,
                    local_epochs=2,
                    clip_norm=0.5 if "clip" in name else None,
                    random_state=trial,
                )
                scores.append(federation.fit(VariationalClassifier(n_layers=2)).score(test, truth))
            entries.append(f"{np.mean(scores):.2f}")
        print(f"| {name} | {' | '.join(entries)} |", flush=True)


# What secure aggregation costs


def cost(trials: int) -> None:
    """Print the processor seconds of a round of secure aggregation, all parties together, on one core."""
    print("| clients | weights | all remain | a quarter drops out | sent by a client |\n|---|---|---|---|---|")
    for n_clients, n_weights in ((5, 200), (20, 200), (20, 10_000), (50, 200)):
        rng = np.random.default_rng(0)
        vectors = {f"client {k}": rng.normal(size=n_weights) for k in range(n_clients)}
        secure, entries = SecureAggregation(), []
        for dropped in (0, n_clients // 4):
            seconds = []
            for _ in range(trials):
                started = time.process_time()
                secure.sum(vectors, round=1, dropped=list(vectors)[:dropped])
                seconds.append(time.process_time() - started)
            entries.append(f"{np.median(seconds):.2g} s")
        size = sum(payload(message) for message in secure.received_ if message.client == f"client {n_clients - 1}")
        print(f"| {n_clients} | {n_weights} | {' | '.join(entries)} | {size / 1000:.1f} kB |", flush=True)


def payload(message: Message) -> int:
    """Return the bytes of keys, shares and numbers in a message."""
    if isinstance(message, PublicKeys):
        return len(message.sealing) + len(message.masking)
    if isinstance(message, SealedShares):
        return len(message.commitment) + sum(map(len, message.sealed.values()))
    if isinstance(message, MaskedVector):
        return message.values.nbytes
    return SHARE_BYTES * (len(message.seeds) + len(message.keys))


TABLES = {"inversion": inversion, "membership": membership, "poisoning": poisoning, "cost": cost}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=tuple(TABLES), nargs="*")
    parser.add_argument("--trials", type=int, default=20)
    arguments = parser.parse_args()
    for name in arguments.only or TABLES:
        print(f"## {name}\n")
        TABLES[name](arguments.trials)
        print(flush=True)


if __name__ == "__main__":
    main()
