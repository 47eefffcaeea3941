"""Observed and predicted signal, and the colours that both have in every figure and browser."""

from enum import StrEnum

from ..vocabulary import Strand


class Origin(StrEnum):
    """Whether signal was measured or predicted."""

    OBSERVED = "observed"
    PREDICTED = "predicted"


SIGNAL_COLOURS = {
    (Origin.OBSERVED, Strand.PLUS): "#0072B2",
    (Origin.OBSERVED, Strand.MINUS): "#56B4E9",
    (Origin.OBSERVED, Strand.UNSTRANDED): "#0072B2",
    (Origin.PREDICTED, Strand.PLUS): "#D55E00",
    (Origin.PREDICTED, Strand.MINUS): "#E69F00",
    (Origin.PREDICTED, Strand.UNSTRANDED): "#D55E00",
}
