"""Flower as the judge of strategies and aggregators; runs where flwr is installed, in a step of its own."""

import os

import numpy as np
import pytest

os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
flwr = pytest.importorskip("flwr")

from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict  # noqa: E402
from flwr.serverapp import strategy as flower  # noqa: E402

from qml.federated import (  # noqa: E402
    Bulyan,
    FedAdam,
    FedAvg,
    FedYogi,
    Krum,
    Mean,
    Median,
    MultiKrum,
    TrimmedMean,
    Update,
)

EXACT = 1e-12
COUNTS = [10, 20, 5, 5, 8, 9, 3, 12, 7, 30, 4]


@pytest.fixture(scope="module", autouse=True)
def identity():
    """Messages need a task, which a server process would give them."""
    from flwr.supercore.task_identity import TaskIdentity

    for name in ("run_id", "node_id", "task_id"):
        setattr(TaskIdentity, name, 1)


def reply(number, weights, count):
    request = Message(content=RecordDict(), message_type="train", dst_node_id=number + 1)
    metrics = MetricRecord({"num-examples": count, "loss": 1.0})
    return Message(content=RecordDict({"arrays": ArrayRecord([weights]), "metrics": metrics}), reply_to=request)


def aggregated(strategy, weights, number=1):
    replies = [reply(k, w, n) for k, (w, n) in enumerate(zip(weights, COUNTS, strict=True))]
    return strategy.aggregate_train(number, replies)[0].to_numpy_ndarrays()[0]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Mean(), flower.FedAvg()),
        (Mean(), flower.FedProx(proximal_mu=0.1)),
        (Median(), flower.FedMedian()),
        (TrimmedMean(0.2), flower.FedTrimmedAvg(beta=0.2)),
        (Krum(2), flower.Krum(num_malicious_nodes=2)),
        (MultiKrum(2, 4), flower.MultiKrum(num_malicious_nodes=2, num_nodes_to_select=4)),
        (Bulyan(2), flower.Bulyan(num_malicious_nodes=2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_aggregators(ours, theirs, seed):
    rng = np.random.default_rng(seed)
    start, changes = rng.normal(size=5), rng.normal(size=(11, 5))
    changes[3] *= 50
    sent = [Update(str(k), 1, change, n) for k, (change, n) in enumerate(zip(changes, COUNTS, strict=True))]
    _, weights = FedAvg().step({}, start, ours.aggregate(sent), 1, 1.0)
    np.testing.assert_allclose(weights, aggregated(theirs, start + changes), rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (FedAdam(0.1, 0.9, 0.99, 1e-3), flower.FedAdam(eta=0.1, beta_1=0.9, beta_2=0.99, tau=1e-3)),
        (FedYogi(0.01, 0.9, 0.99, 1e-3), flower.FedYogi(eta=0.01, beta_1=0.9, beta_2=0.99, tau=1e-3)),
    ],
    ids=["FedAdam", "FedYogi"],
)
def test_adaptive_strategies(ours, theirs):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=5)
    state, flowers = ours.init(5), weights
    for number in range(1, 7):
        changes = rng.normal(size=(11, 5))
        sent = [Update(str(k), number, change, n) for k, (change, n) in enumerate(zip(changes, COUNTS, strict=True))]
        state, weights = ours.step(state, weights, Mean().aggregate(sent), number, 1.0)
        theirs.current_arrays = {"0": flowers}
        flowers = aggregated(theirs, flowers + changes, number)
        np.testing.assert_allclose(weights, flowers, rtol=EXACT, atol=EXACT)
