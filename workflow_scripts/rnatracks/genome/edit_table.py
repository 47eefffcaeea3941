"""Edits from a small table: chromosome or record, start, end, replacement and, if wanted, a name."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, alias_hint, shorten
from ..files import numbered_lines
from .bed import region_of
from .edits import LETTERS, Edit
from .gtf import is_comment
from .sequence import Genome

EDIT_COLUMNS = ("chrom", "start", "end", "replacement", "name")
NOTHING = "."  # an empty replacement


@dataclass(frozen=True)
class NamedEdit:
    """An edit and its name, which is empty if the table has none."""

    edit: Edit
    name: str


def read_edits(path: Path, genome: Genome) -> list[NamedEdit]:
    """Read a tab-separated table of edits, plain or gzipped, with or without a header line.

    Columns are `chrom start end replacement [name]`; positions are 0-based and half-open, as in BED, on the sequence
    before all edits. A replacement of `.` is empty: the bases are deleted. With start = end, bases are inserted before
    the base at `start`. Comments, which begin with `#`, and blank lines are skipped.

    Raises
    ------
    InputError
        For the first line that is not an edit within the genome, or overlaps that of another line; if there is no edit.
    """
    edits: dict[int, NamedEdit] = {}
    for number, line in numbered_lines(path):
        fields = [field.strip() for field in line.split("\t")]
        is_header = not edits and tuple(map(str.lower, fields[:4])) == EDIT_COLUMNS[:4]
        if not (is_comment(line) or is_header):
            edits[number] = _edit(fields, f"{path}, line {number}", genome)
    if not edits:
        raise InputError(path, "no edit", f"lines of {', '.join(EDIT_COLUMNS)}")
    _check_apart(path, edits)
    return list(edits.values())


def _edit(fields: list[str], where: str, genome: Genome) -> NamedEdit:
    while len(fields) > len(EDIT_COLUMNS) and not fields[-1]:
        fields.pop()  # spreadsheets add empty columns
    if len(fields) not in (len(EDIT_COLUMNS) - 1, len(EDIT_COLUMNS)):
        raise InputError(where, f"{len(fields)} columns", f"{', '.join(EDIT_COLUMNS[:4])} and perhaps name, by tabs")
    chrom, start, end = region_of("\t".join(fields[:3]), where)
    replacement = "" if fields[3] == NOTHING else fields[3]
    if chrom not in genome.lengths:
        hint = alias_hint(chrom, genome.lengths)
        raise InputError(where, f"sequence {chrom!r}", f"one of {shorten(genome.lengths)}{hint}")
    if end > genome.lengths[chrom]:
        raise InputError(where, f"end {end:,}", f"a place within {genome.lengths[chrom]:,} bases")
    if not fields[3] or set(replacement.upper().encode()) - LETTERS:
        raise InputError(where, f"replacement {fields[3]!r:.40}", "bases, or . for none")
    if start == end and not replacement:
        raise InputError(where, "nothing replaced by nothing", "bases to delete or to insert")
    return NamedEdit(Edit(chrom, start, end, replacement.upper().encode()), fields[4] if len(fields) > 4 else "")


def _check_apart(path: Path, edits: dict[int, NamedEdit]) -> None:
    before: tuple[int, Edit] | None = None
    for number, edit in sorted(((number, named.edit) for number, named in edits.items()), key=lambda pair: pair[1]):
        if before is not None and edit.meets(before[1]):
            found = f"an edit that overlaps that of line {before[0]}"
            raise InputError(f"{path}, line {number}", found, "edits that do not overlap")
        before = number, edit
