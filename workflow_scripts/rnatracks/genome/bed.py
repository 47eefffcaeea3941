"""Regions of BED files, whichever program wrote them, read line by line."""

from pathlib import Path

import pandas as pd

from ..errors import InputError
from ..files import numbered_lines
from .gtf import is_comment

MAX_DIGITS = 18  # of a position, which must fit into 64 bits


def read_bed(path: Path) -> pd.DataFrame:
    """First three columns of a BED file, plain or gzipped (whatever its suffix); an empty file gives no rows.

    Comments, `track` and `browser` lines and empty regions are skipped. Columns are separated by tabs
    or, on lines with fewer than three columns by tabs, by blanks. Quotes have no special meaning.

    Returns
    -------
    Columns `chrom start end`, 0-based half-open.

    Raises
    ------
    InputError
        If the file is damaged, or a line is not a region; the message names the line.
    """
    regions = [
        region_of(line, f"{path}, line {number}") for number, line in numbered_lines(path) if not is_comment(line)
    ]
    table = pd.DataFrame(regions, columns=["chrom", "start", "end"]).astype({"start": "int64", "end": "int64"})
    return table[table["start"] < table["end"]].reset_index(drop=True)


def region_of(line: str, where: str) -> tuple[str, int, int]:
    """The region of a BED line that is not a comment: chromosome, start and end (0-based, half-open).

    Raises
    ------
    InputError
        If the line is not a region.
    """
    columns = line.split("\t")
    columns = columns if len(columns) >= 3 else line.split()
    if len(columns) < 3:
        raise InputError(where, repr(line[:60]), "BED: chromosome, start and end, separated by tabs or blanks")
    chrom, start, end = (column.strip() for column in columns[:3])
    if not (start.isdecimal() and end.isdecimal() and len(end) <= MAX_DIGITS and int(start) <= int(end)):
        raise InputError(where, f"start {start!r:.40} and end {end!r:.40}", "whole numbers, 0 <= start <= end")
    if not chrom:
        raise InputError(where, "no chromosome", "its name in column 1")
    return chrom, int(start), int(end)
