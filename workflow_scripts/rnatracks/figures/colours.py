"""Observed and predicted signal, and their colours in all figures and browsers."""

from enum import StrEnum

from ..vocabulary import Strand


class SignalKind(StrEnum):
    """Whether signal was measured or predicted."""

    OBSERVED = "observed"
    PREDICTED = "predicted"


SIGNAL_COLOURS = {
    (SignalKind.OBSERVED, Strand.PLUS): "#0072B2",
    (SignalKind.OBSERVED, Strand.MINUS): "#56B4E9",
    (SignalKind.OBSERVED, Strand.UNSTRANDED): "#0072B2",
    (SignalKind.PREDICTED, Strand.PLUS): "#D55E00",
    (SignalKind.PREDICTED, Strand.MINUS): "#E69F00",
    (SignalKind.PREDICTED, Strand.UNSTRANDED): "#D55E00",
}
# Of the alternative allele, where it has panels of its own.
ALTERNATIVE_COLOURS = {Strand.PLUS: "#A5447F", Strand.MINUS: "#CC79A7", Strand.UNSTRANDED: "#A5447F"}
CHANGE_COLOUR = "#CC79A7"  # marks variants and edits
