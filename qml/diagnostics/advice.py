"""Sentences of advice on a diagnosis."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qml.diagnostics.summaries import Parts
from simulator.errors import counted, shortened

__all__ = ["advice"]

PLATEAU = -0.5
"""Slope of log2 of the gradients' variance per qubit below which it is called a barren plateau; random circuits: -1."""

SMALL_VARIANCE = 1e-4
"""Variance of a derivative, of an observable between -1 and 1, that takes over 10,000 shots to resolve."""

HARMLESS_VARIANCE = 1e-2
"""Variance of a derivative above which a few hundred shots resolve it."""

LIMITED = 0.3
"""Divergence from Haar random states, in nats, above which the reachable states are called limited."""

UNENTANGLED = 1e-9
WEAKLY_ENTANGLED = 0.1
"""Meyer-Wallach measures up to which states are product states, and are called weakly entangled."""

SLOW_DECAY = 0.7
"""Factor of the kernel's deviation for each further feature below which it is said to concentrate."""

MANY_SHOTS = 1e5
FEW_DIRECTIONS = 0.5
"""Share of the weights that the effective dimension reaches below which weights are called wasted."""

USED = 0.99
"""Share of a feature's power that the used frequencies carry."""

HALF = 0.5
CHANGED = 0.05
NAMES = 6


def advice(diagnosis: Parts) -> tuple[str, ...]:
    """Return sentences on what stands out, each with what to do about it; most urgent first."""
    return tuple(
        sentence
        for part in (_parameters, _gradients, _concentration, _entanglement, _expressibility, _fisher, _fourier, _noise)
        for sentence in part(diagnosis)
    )


def _parameters(diagnosis: Parts) -> Iterator[str]:
    report = diagnosis.parameters
    if report is None:
        return
    if report.dead:
        yield (
            f"No output depends on {shortened([report.names[k] for k in report.dead], NAMES)}: remove "
            f"{'this weight' if len(report.dead) == 1 else 'these weights'}, or read out observables that do."
        )
    if report.redundant and report.rank < report.limit:
        yield (
            f"{len(report.redundant)} of {len(report.names)} weights are redundant, for example "
            f"{shortened([report.names[k] for k in report.redundant], NAMES)}: others have the same effect. Fewer "
            "layers may give the same functions, though redundant weights can help an optimizer."
        )
    elif report.redundant:
        yield (
            f"The {len(report.names)} weights can move all {report.limit} outputs of these rows independently, so they "
            "can fit any targets: hold out data, or use fewer layers."
        )


def _gradients(diagnosis: Parts) -> Iterator[str]:
    gradients = diagnosis.gradients
    if gradients is None:
        return
    if gradients.scaling is not None:
        depths = gradients.scaling.num_layers.tolist()
        depth = depths.index(gradients.num_layers)
        slope = float(gradients.scaling.slopes[depth])
        if slope < PLATEAU:
            plateau = (
                f"At {counted(depths[depth], 'layer')} gradients of random weights are on a barren plateau: each qubit "
                f"divides their variance by {2**-slope:.1f}."
            )
            if gradients.uniform > HARMLESS_VARIANCE:
                yield f"{plateau} At this width that is harmless; with many more qubits training would not start."
            else:
                yield (
                    f"{plateau} The weights before training have {gradients.initial / gradients.uniform:.2g} times the "
                    "variance of random ones; if training stalls, use fewer layers or qubits, or draw initial weights "
                    "from a narrower range."
                )
    if gradients.initial < SMALL_VARIANCE:
        shots = (
            "more shots than any device gives" if gradients.initial < 1e-12 else f"{1 / gradients.initial:.0e} shots"
        )
        yield (
            f"Before training a derivative is typically {np.sqrt(gradients.initial):.0e}, which takes {shots} on a "
            "device, and training starts slowly: draw initial weights from a narrower range, or use fewer layers."
        )


def _concentration(diagnosis: Parts) -> Iterator[str]:
    result = diagnosis.concentration
    verdict = result.inspection.verdict
    if verdict.startswith("nearly"):
        yield f"The kernel between rows is {verdict} (scale the features)."
    if MANY_SHOTS < result.shots < np.inf:
        yield f"On a device the entries of the kernel would take {result.shots:.0e} shots each; use fewer qubits."
    if result.trend is not None and result.trend.decay < SLOW_DECAY:
        yield (
            f"The kernel concentrates: each further feature multiplies the spread of its entries by "
            f"{result.trend.decay:.2f}. Scale the features down as their number grows, or reduce it."
        )


def _entanglement(diagnosis: Parts) -> Iterator[str]:
    result = diagnosis.entanglement
    if result is None:
        return
    if result.measures.max() < UNENTANGLED:
        yield (
            "The states are product states: a classical computer needs only a time linear in the number of qubits, so "
            "compare with classical models first."
        )
    elif result.mean < WEAKLY_ENTANGLED:
        yield (
            f"The states are hardly entangled (Meyer-Wallach {result.mean:.2g}); compare with "
            "estimator.without_entanglement() to see whether it matters."
        )


def _expressibility(diagnosis: Parts) -> Iterator[str]:
    result = diagnosis.expressibility
    if result is not None and result.divergence > LIMITED:
        yield (
            f"Random weights reach a small part of all states (divergence {result.divergence:.2g}): if the training "
            "score is low, add layers, or rotations about a second axis."
        )


def _fisher(diagnosis: Parts) -> Iterator[str]:
    fisher = diagnosis.fisher
    if fisher is None or fisher.effective_dimension is None:
        return
    count = len(fisher.spectrum)
    if fisher.effective_dimension < FEW_DIRECTIONS * count:
        yield (
            f"The effective dimension is {fisher.effective_dimension:.0f} of {count} weights at {fisher.n_samples} "
            "samples: most directions change nothing that these data can show. Try fewer layers."
        )


def _fourier(diagnosis: Parts) -> Iterator[str]:
    fourier = diagnosis.fourier
    if fourier is None:
        return
    unused, at_limit = [], []
    largest = max((float(powers.sum()) for powers in fourier.powers), default=0.0)
    for number, powers in enumerate(fourier.powers):
        total = float(powers.sum())
        if total <= 1e-12 * max(largest, 1e-12):
            unused.append(f"feature {number}")
        elif len(powers) > 1 and powers[-1] > 1 / len(powers) * total:
            at_limit.append(f"feature {number}")
    if unused:
        yield f"The outputs do not depend on {shortened(unused, NAMES)} of the circuit."
    if at_limit:
        yield (
            f"In {shortened(at_limit, NAMES)} the highest frequency carries more than its share: the data may need "
            "still higher ones. Encode the features in more layers, or scale them up."
        )


def _noise(diagnosis: Parts) -> Iterator[str]:
    noise = diagnosis.noise
    if noise is None:
        return
    changed = np.zeros(len(noise.rates)) if noise.changed is None else noise.changed
    bad = np.flatnonzero((np.abs(noise.factors) < HALF) | (changed > CHANGED))
    if len(bad):
        k = int(bad[0])
        effect = f"the outputs shrink to {noise.factors[k]:.0%}"
        if changed[k] > CHANGED:
            effect += f" and {changed[k]:.0%} of the predicted classes change"
        yield (
            f"At an error probability of {noise.rates[k]:g} per two-qubit gate {effect}: for such a device train "
            "with noise=NoiseModel(...), or use fewer layers."
        )
