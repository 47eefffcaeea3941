"""Terms that all packages share: strands, splits, sources, tracks and the form of a name."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .errors import InputError

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
NAME_RULE = "letters, digits, '_', '.' and '-', starting with a letter, a digit or '_'"


class Strand(StrEnum):
    """Strand of a coverage track; an `unstranded` track has the reads of both strands."""

    PLUS = "plus"
    MINUS = "minus"
    UNSTRANDED = "unstranded"

    @property
    def symbol(self) -> str:
        """`+`, `-` or `.`, as annotation files write it."""
        return {Strand.PLUS: "+", Strand.MINUS: "-", Strand.UNSTRANDED: "."}[self]

    @property
    def opposite(self) -> "Strand":
        """The strand of the same reads on the reverse complement."""
        return {Strand.PLUS: Strand.MINUS, Strand.MINUS: Strand.PLUS}.get(self, self)

    def holds(self, gene_strand: str) -> bool:
        """Whether the reads of a gene on `gene_strand` (`+` or `-`) fall on this track."""
        return self is Strand.UNSTRANDED or self.symbol == gene_strand


class Split(StrEnum):
    """What a chromosome is used for; `all` is their union, in tables only."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"
    ALL = "all"


SPLIT_NAMES = {Split.TRAIN: "training", Split.VALID: "validation", Split.TEST: "held-out"}


def scored_split(splits: Collection[str]) -> Split:
    """The split whose scores count: held-out if any chromosome is held out, otherwise training."""
    return Split.TEST if Split.TEST in splits else Split.TRAIN


class Source(StrEnum):
    """Where a sample's files come from."""

    ENCODE = "encode"
    GTEX = "gtex"
    URL = "url"
    LOCAL = "local"


@dataclass(frozen=True, order=True)
class Track:
    """One coverage track: a cell type and a strand, written `{cell_type}.{strand}`."""

    cell_type: str
    strand: Strand

    def __str__(self) -> str:
        return f"{self.cell_type}.{self.strand}"

    @classmethod
    def parse(cls, name: str) -> "Track":
        """Parse `{cell_type}.{strand}`; the cell type itself may contain dots."""
        cell_type, _, strand = name.rpartition(".")
        return cls(cell_type, Strand(strand))


def opposite_tracks(names: Sequence[str]) -> list[int]:
    """For each track, the index of the other strand of its cell type, or its own index if it is unstranded.

    Raises
    ------
    InputError
        If a track of one strand has no counterpart.

    Examples
    --------
    >>> opposite_tracks(["a.plus", "a.minus", "b.unstranded"])
    [1, 0, 2]
    """
    tracks = [Track.parse(name) for name in names]
    for track in tracks:
        other = Track(track.cell_type, track.strand.opposite)
        if other not in tracks:
            found = f"track {track} without {other}"
            raise InputError("reverse complement", found, "both strands of each cell type, or unstranded tracks")
    return [tracks.index(Track(track.cell_type, track.strand.opposite)) for track in tracks]
