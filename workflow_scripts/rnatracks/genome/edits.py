"""Edits of a genome, the sequence that they give, and where its bases were before."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .sequence import READ_AS, UNKNOWN, Genome

LETTERS = frozenset(b"ABCDGHKMNRSTUVWXY")  # IUPAC codes; all but A, C, G and T are read as N


@dataclass(frozen=True, order=True)
class Edit:
    """Bases start:end of a chromosome (0-based, half-open) are replaced; both sides may be empty.

    If both sides are of different lengths, their first bases correspond, and what remains of the longer one is
    inserted or deleted after them.
    """

    chrom: str
    start: int
    end: int
    replacement: bytes

    @property
    def growth(self) -> int:
        """Bases by which the chromosome becomes longer; negative for deletions."""
        return len(self.replacement) - (self.end - self.start)

    @property
    def replaced(self) -> int:
        """Number of bases that have a counterpart in the replacement."""
        return min(len(self.replacement), self.end - self.start)

    def meets(self, before: "Edit") -> bool:
        """Whether it overlaps an edit that is sorted before it, or begins where that one does."""
        return self.chrom == before.chrom and (self.start < before.end or self.start == before.start)

    def __str__(self) -> str:
        new = self.replacement.decode("ascii", "replace") or "nothing"
        if self.start == self.end:
            return f"{new} inserted after {self.chrom}:{self.start:,}"
        return f"{self.chrom}:{self.start + 1:,}-{self.end:,} to {new}"


class EditedGenome(Genome):
    """A genome after a set of edits.

    Raises
    ------
    InputError
        If an edit is not on its chromosome, overlaps another or has a character that is not a base, or two insertions
        are at one place.
    """

    def __init__(self, genome: Genome, edits: Iterable[Edit]) -> None:
        self.original = genome
        self.path = genome.path
        self.lengths = dict(genome.lengths)
        self._edits: dict[str, list[Edit]] = {}
        for edit in sorted(edits):
            length = genome.lengths.get(edit.chrom)
            if length is None:
                raise InputError(f"edit {edit}", f"chromosome {edit.chrom!r}", "one of the genome")
            if not 0 <= edit.start <= edit.end <= length:
                raise InputError(f"edit {edit}", f"{edit.start + 1}-{edit.end}", f"a place within {length:,} bases")
            if set(edit.replacement.upper()) - LETTERS:
                raise InputError(f"edit {edit}", "a character that is not a base", "one letter per base")
            before = self._edits.setdefault(edit.chrom, [])
            if before and edit.meets(before[-1]):
                raise InputError(f"edit {edit}", f"an overlap with {before[-1]}", "edits that do not overlap")
            before.append(edit)
            self.lengths[edit.chrom] += edit.growth
        self._pieces = {chrom: _pieces(on_chrom, genome.lengths[chrom]) for chrom, on_chrom in self._edits.items()}

    def bases(self, chrom: str, start: int, end: int) -> NDArray[np.uint8]:
        """Bases of chrom:start-end of the edited chromosome; N beyond its ends."""
        if chrom not in self._edits:
            return self.original.bases(chrom, start, end)
        firsts, pieces = self._pieces[chrom]
        result = np.full(end - start, UNKNOWN, np.uint8)
        for number in range(max(bisect_right(firsts, start) - 1, 0), len(pieces)):
            first, piece = firsts[number], pieces[number]
            if first >= end:
                break
            length = len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
            left, right = max(start, first), min(end, first + length)
            if left >= right:
                continue
            if isinstance(piece, bytes):
                values = READ_AS[np.frombuffer(piece[left - first : right - first], np.uint8)]
            else:
                values = self.original.bases(chrom, piece[0] + left - first, piece[0] + right - first)
            result[left - start : right - start] = values
        return result

    def edited_intervals(
        self,
        chrom: str,
        starts: NDArray[np.integer],
        ends: NDArray[np.integer],
        inner_starts: NDArray[np.bool_] | bool = False,
        inner_ends: NDArray[np.bool_] | bool = False,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Starts and ends, after the edits, of intervals such as exons; a deleted interval is empty.

        A base that is inserted within an interval belongs to it; one that is inserted at its border, before the first
        or after the last base, does not, unless that border is an inner one: a place where a longer interval is cut.
        """
        new_starts, new_ends = np.array(starts, np.int64), np.array(ends, np.int64)
        for edit in self._edits.get(chrom, []):
            for places, new, behind in (
                (starts, new_starts, (starts > edit.end) | ((starts == edit.end) & ~np.asarray(inner_starts))),
                (ends, new_ends, (ends > edit.end) | ((ends == edit.end) & np.asarray(inner_ends))),
            ):
                into = np.maximum(places - edit.start, 0)
                new += np.where(behind, edit.growth, np.minimum(into, edit.replaced) - into)
        return new_starts, np.maximum(new_starts, new_ends)

    def counterparts(self, chrom: str) -> list[tuple[int, int, int]]:
        """Stretches in which old and new bases correspond, as (old start, old end, new start)."""
        stretches, old, new = [], 0, 0
        for edit in self._edits.get(chrom, []):
            stretches.append((old, edit.start + edit.replaced, new))
            old, new = edit.end, new + (edit.start - old) + len(edit.replacement)
        return [*stretches, (old, self.original.lengths[chrom], new)]


def _pieces(edits: list[Edit], length: int) -> tuple[list[int], list[bytes | tuple[int, int]]]:
    """Pieces of the edited chromosome, as new bases or as start and end of old ones, and where each starts."""
    firsts, pieces, old, new = [], [], 0, 0
    for edit in edits:
        for piece, size in (((old, edit.start), edit.start - old), (edit.replacement, len(edit.replacement))):
            firsts.append(new)
            pieces.append(piece)
            new += size
        old = edit.end
    return [*firsts, new], [*pieces, (old, length)]
