"""Words of a fairness report, for classes and for quantities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qml.fairness.estimates import Estimate
from qml.fairness.groups import described

__all__ = ["WORDS", "Words"]

FOUR_FIFTHS = 0.8
"""Ratio of selection rates below which US agencies generally see evidence of adverse impact."""

Verdict = Callable[[str, Sequence[str], Mapping[str, Sequence[Estimate]], Mapping[str, Estimate]], str]


@dataclass(frozen=True)
class Words:
    """What a report says of one task.

    Attributes
    ----------
    shown : tuple of tuple of str
        Rates in the text, table by table.
    panels : tuple of str
        Rates in the figure.
    number : callable
        Text of an estimate.
    meaning : str
        Meaning of the numbers; may name ``{positive}``.
    verdict : callable
        Sentences on a sensitive column, from its name, labels, rates and gaps.
    caution : str
        What the numbers do not decide.
    """

    shown: tuple[tuple[str, ...], ...]
    panels: tuple[str, ...]
    number: Callable[[Estimate], str]
    meaning: str
    verdict: Verdict
    caution: str


def selection_verdict(
    name: str, labels: Sequence[str], rates: Mapping[str, Sequence[Estimate]], gaps: Mapping[str, Estimate]
) -> str:
    """Say who is selected most and least, and whether that is clear."""
    values = [rate.value for rate in rates["selection rate"]]
    top, bottom = int(np.argmax(values)), int(np.argmin(values))
    gap, odds = gaps["demographic parity difference"], gaps["equalised odds difference"]
    clear = "clear" if gap.low > 0 else "not clear: groups treated alike could show it"
    if top == bottom:
        text = f"{name}: {100 * values[top]:.0f} % of each group is selected, a difference of {gap} that is {clear}."
    else:
        text = (
            f"{name}: {100 * values[top]:.0f} % of {described(name, labels[top])} and "
            f"{100 * values[bottom]:.0f} % of {described(name, labels[bottom])} are selected, a difference "
            f"of {gap} that is {clear}."
        )
    ratio = gaps["demographic parity ratio"]
    if ratio.value < FOUR_FIFTHS:
        text += f" The ratio {ratio.value:.2f} is below four fifths, the mark of the US Uniform Guidelines."
    if np.isfinite(odds.value):
        clear = "clear" if odds.low > 0 else "not clear"
        text += f" Error rates differ by up to {odds}, which is {clear}."
    return text


def residual_verdict(
    name: str, labels: Sequence[str], rates: Mapping[str, Sequence[Estimate]], gaps: Mapping[str, Estimate]
) -> str:
    """Say for whom predictions are too low, for whom too high, for whom they are worst, and whether that is clear."""

    def furthest(rate: str, high: str, low: str, equal: str) -> str:
        values = [estimate.value for estimate in rates[rate]]
        top, bottom = int(np.argmax(values)), int(np.argmin(values))
        if top == bottom:
            return equal
        return f"{high} for {described(name, labels[top])} and {low} for {described(name, labels[bottom])}"

    def clear(gap: Estimate, doubt: str = "not clear") -> str:
        return "clear" if gap.low > 0 else doubt

    prediction, target = gaps["mean prediction difference"], gaps["mean target difference"]
    text = (
        f"{name}: the mean prediction is {furthest('mean prediction', 'highest', 'lowest', 'the same')}, a difference "
        f"of {prediction.quantity()} that is {clear(prediction)}; mean targets differ by {target.quantity()}."
    )
    residual = gaps["mean residual difference"]
    text += (
        f" Measured by the target, predictions are {furthest('mean residual', 'lowest', 'highest', 'alike')}: "
        f"mean residuals differ by "
        f"{residual.quantity()}, which is {clear(residual, 'not clear: groups treated alike could show it')}."
    )
    error = gaps["mean absolute error difference"]
    return text + (
        f" Predictions are {furthest('mean absolute error', 'least accurate', 'most accurate', 'equally accurate')}: "
        f"mean absolute errors differ by "
        f"{error.quantity()}, which is {clear(error)}."
    )


WORDS = {
    "classification": Words(
        shown=(
            ("target rate", "selection rate", "accuracy"),
            ("true positive rate", "false positive rate", "precision", "probability excess"),
        ),
        panels=("target rate", "selection rate", "true positive rate", "false positive rate"),
        number=str,
        meaning="Selected means: predicted {positive}.",
        verdict=selection_verdict,
        caution="Which of these should be equal is a decision about the use, not about the data. If the target rates "
        "of groups differ, a model that is not perfect cannot have equal error rates and be calibrated in each "
        "group (Kleinberg et al., arXiv:1609.05807; Chouldechova, arXiv:1610.07524).",
    ),
    "regression": Words(
        shown=(("mean target", "mean prediction", "mean residual"), ("mean absolute error", "RMSE", "R2")),
        panels=("mean target", "mean prediction", "mean residual", "mean absolute error"),
        number=Estimate.quantity,
        meaning="A residual is the target minus the prediction: positive where the prediction is too low.",
        verdict=residual_verdict,
        caution="Which of these should be equal is a decision about the use, not about the data. If the mean targets "
        "of groups differ, mean predictions and mean residuals cannot both be equal (Agarwal, Dudik and Wu, "
        "arXiv:1905.12843, on parity of predictions and on bounded errors in each group). R2 is lower in a group whose "
        "targets vary less, also if errors are alike.",
    ),
}
