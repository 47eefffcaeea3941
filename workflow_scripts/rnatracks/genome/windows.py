"""Windows: a genome cut into overlapping pieces, each with its split and its unknown and blacklisted fractions."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyranges as pr
from numpy.typing import NDArray

from ..errors import InputError, alias_of, shorten
from ..files import atomic_gzip
from ..vocabulary import Split
from .sequence import UNKNOWN, Genome

log = logging.getLogger(__name__)

WINDOW_COLUMNS = ("chrom", "start", "end", "split", "n_fraction", "blacklist_fraction")


def tile_starts(length: int, size: int, overlap: int) -> list[int]:
    """Starts of windows that cover a chromosome; the last one ends flush with it.

    A chromosome of `size` bases or fewer gets one window at 0.

    Examples
    --------
    >>> tile_starts(100, 40, 10)
    [0, 30, 60]
    >>> tile_starts(101, 40, 10)
    [0, 30, 60, 61]
    """
    if not 0 <= overlap < size:
        raise ValueError(f"{overlap=} must be at least 0 and smaller than {size=}")
    if length <= size:
        return [0]
    return [*range(0, length - size, size - overlap), length - size]


def make_windows(
    genome: Genome, splits: Mapping[str, Split], *, size: int, overlap: int, blacklist: pd.DataFrame | None
) -> pd.DataFrame:
    """Index the windows of the chosen chromosomes.

    Parameters
    ----------
    splits
        The chosen chromosomes in their order, and the split of each.
    size, overlap
        In bases. A window of a chromosome shorter than `size` ends with the chromosome.
    blacklist
        Regions with columns `chrom start end`, or None.

    Returns
    -------
    Columns `WINDOW_COLUMNS`; the fractions are of the window's own bases.

    Raises
    ------
    InputError
        If no region of the blacklist is on a sequence of the genome.
    """
    if blacklist is not None:
        _check_blacklist(blacklist, genome.lengths)
    rows = []
    for chrom, split in splits.items():
        length = genome.lengths[chrom]
        for start in tile_starts(length, size, overlap):
            end = min(start + size, length)
            n_fraction = float(np.mean(genome.bases(chrom, start, end) == UNKNOWN))
            rows.append((chrom, start, end, str(split), n_fraction))
    windows = pd.DataFrame(rows, columns=list(WINDOW_COLUMNS[:-1]))
    windows["blacklist_fraction"] = _covered_fraction(windows, blacklist)
    return windows


def read_windows(path: Path) -> pd.DataFrame:
    """Read `windows.bed.gz`, columns `WINDOW_COLUMNS`."""
    return pd.read_csv(
        path,
        sep="\t",
        skiprows=1,
        header=None,
        names=list(WINDOW_COLUMNS),
        dtype={"chrom": str},
        keep_default_na=False,
    )


def write_windows(windows: pd.DataFrame, target: Path) -> None:
    """Write windows as gzipped BED with a `#` header line."""
    header = windows.rename(columns={"chrom": "#chrom"})
    with atomic_gzip(target) as stream:
        header.to_csv(stream, sep="\t", index=False, float_format="%.6g")


def _check_blacklist(blacklist: pd.DataFrame, lengths: Mapping[str, int]) -> None:
    """Refuse a blacklist for other chromosomes; warn about regions under another name or beyond a chromosome's end."""
    names = sorted(set(blacklist["chrom"]))
    if names and not set(names) & set(lengths):
        raise InputError("blacklist", f"regions on {shorten(names)}", f"chromosomes such as {shorten(lengths)}")
    for name in set(names) - set(lengths):
        if (alias := alias_of(name, lengths)) is not None:
            log.warning("blacklist: regions on %s have no effect: the genome calls it %s", name, alias)
    beyond = blacklist[blacklist["end"] > blacklist["chrom"].map(lengths)]
    if len(beyond):
        chrom, start, end = beyond.iloc[0][["chrom", "start", "end"]]
        log.warning(
            "blacklist: %d region(s) extend beyond their chromosome, such as %s:%d-%d: is it for another assembly?",
            *(len(beyond), chrom, start + 1, end),
        )


def _covered_fraction(windows: pd.DataFrame, regions: pd.DataFrame | None) -> NDArray[np.float64]:
    if regions is None or regions.empty:
        return np.zeros(len(windows))
    names = {"chrom": "Chromosome", "start": "Start", "end": "End"}
    ranges = pr.PyRanges(windows[["chrom", "start", "end"]].rename(columns=names).assign(row=range(len(windows))))
    covered = ranges.coverage(pr.PyRanges(regions.rename(columns=names)).merge()).df
    return covered.set_index("row")["FractionOverlaps"].reindex(range(len(windows))).to_numpy(float)
