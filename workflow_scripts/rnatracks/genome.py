"""The reference genome: prepared once, read by window, cut into windows."""

import gzip
import shutil
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
import pyranges as pr
from numpy.typing import NDArray

from .errors import InputError, shorten
from .files import gzipped_whole, open_plain_or_gzip, written_whole
from .terms import Split

WINDOW_COLUMNS = ("chrom", "start", "end", "split", "n_fraction", "blacklist_fraction")


def prepare_fasta(source: Path, target: Path, chromosomes: Collection[str]) -> dict[str, int]:
    """Copy a plain or gzipped FASTA to `target` uncompressed, index it, and check its chromosomes.

    Returns
    -------
    Length of each of `chromosomes`, in their order.

    Raises
    ------
    InputError
        If the file is empty, damaged, cannot be indexed, or lacks a chosen chromosome;
        neither `target` nor its index is left behind then.
    """
    # pyfaidx writes the index beside the partial copy, under the very name that written_whole keeps for it.
    with written_whole(Path(f"{target}.fai")), written_whole(target) as partial:
        with open_plain_or_gzip(source) as stream, partial.open("wb") as copy:
            try:
                shutil.copyfileobj(stream, copy, 1 << 20)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise InputError(source, f"damaged gzip data ({error})", "a complete gzip file") from error
        with partial.open("rb") as stream:
            first = stream.read(1)
        if first != b">":
            raise InputError(
                source, f"{first!r} at its beginning" if first else "an empty file", "a FASTA record ('>')"
            )
        try:
            pyfaidx.Faidx(str(partial)).close()
        except (pyfaidx.FastaIndexingError, ValueError) as error:
            raise InputError(
                source, f"lines that cannot be indexed ({error})", "FASTA records of even line length, each named once"
            ) from error
        lengths = chromosome_lengths(partial)
        missing = [chrom for chrom in chromosomes if not lengths.get(chrom)]
        if missing:
            raise InputError(source, f"sequences {shorten(lengths)}", f"{shorten(missing)} among them, with bases")
    return {chrom: lengths[chrom] for chrom in chromosomes}


def chromosome_lengths(fasta: Path, chromosomes: Collection[str] | None = None) -> dict[str, int]:
    """Lengths from the `.fai` beside a prepared FASTA: of all its sequences, or of `chromosomes` in their order."""
    table = pd.read_csv(f"{fasta}.fai", sep="\t", header=None, usecols=[0, 1], dtype={0: str}, keep_default_na=False)
    lengths = dict(zip(table[0], table[1].astype(int), strict=True))
    return lengths if chromosomes is None else {chrom: lengths[chrom] for chrom in chromosomes}


class Genome:
    """Bases of a prepared FASTA, as upper-case ASCII codes (uint8)."""

    def __init__(self, fasta: Path | str) -> None:
        self._fasta = pyfaidx.Fasta(str(fasta), as_raw=True, sequence_always_upper=True, rebuild=False)
        self.lengths = chromosome_lengths(Path(fasta))

    def bases(self, chrom: str, start: int, end: int) -> NDArray[np.uint8]:
        """Bases of chrom:start-end (0-based, half-open); N beyond the chromosome's ends."""
        inner_start, inner_end = max(start, 0), min(end, self.lengths[chrom])
        bases = np.full(end - start, ord("N"), np.uint8)
        if inner_start < inner_end:
            text = self._fasta[chrom][inner_start:inner_end]
            bases[inner_start - start : inner_end - start] = np.frombuffer(text.encode("ascii"), np.uint8)
        return bases


def read_sizes(path: Path) -> dict[str, int]:
    """Lengths of the chosen chromosomes, in their order, from `reference/chrom.sizes`."""
    table = pd.read_csv(
        path, sep="\t", header=None, names=["chrom", "length"], dtype={"chrom": str}, keep_default_na=False
    )
    return dict(zip(table["chrom"], table["length"], strict=True))


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
        If no region of the blacklist lies on any sequence of the genome.
    """
    if blacklist is not None and len(blacklist) and not set(blacklist["chrom"]) & set(genome.lengths):
        names = sorted(set(blacklist["chrom"]))
        raise InputError("blacklist", f"regions on {shorten(names)}", f"chromosomes such as {shorten(genome.lengths)}")
    rows = []
    for chrom, split in splits.items():
        length = genome.lengths[chrom]
        for start in tile_starts(length, size, overlap):
            end = min(start + size, length)
            n_fraction = float(np.mean(genome.bases(chrom, start, end) == ord("N")))
            rows.append((chrom, start, end, str(split), n_fraction))
    windows = pd.DataFrame(rows, columns=list(WINDOW_COLUMNS[:-1]))
    windows["blacklist_fraction"] = _covered_fraction(windows, blacklist)
    return windows


def read_bed(path: Path) -> pd.DataFrame:
    """First three columns of a plain or gzipped BED file, as `chrom start end`; an empty file has no rows.

    Raises
    ------
    InputError
        If the file is damaged, or a region is no region.
    """
    try:
        table = pd.read_csv(
            path, sep="\t", comment="#", header=None, usecols=[0, 1, 2], dtype={0: str}, keep_default_na=False
        )
    except pd.errors.EmptyDataError:
        table = pd.DataFrame({0: [], 1: [], 2: []})
    except (pd.errors.ParserError, ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            path, f"rows that cannot be read ({error})", "BED: chrom, start, end, tab-separated"
        ) from error
    table.columns = ["chrom", "start", "end"]
    for column in ("start", "end"):
        numbers = pd.to_numeric(table[column], errors="coerce")
        bad = (numbers.isna() | (numbers % 1 != 0)).to_numpy()
        if bad.any():
            row = int(bad.argmax())
            raise InputError(f"{path}, region {row + 1}, {column}", repr(table[column].iloc[row]), "a whole number")
        table[column] = numbers.astype("int64")
    bad = ~((table["start"] >= 0) & (table["start"] < table["end"])).to_numpy()
    if bad.any():
        row = int(bad.argmax())
        found = f"start {table['start'].iloc[row]} and end {table['end'].iloc[row]}"
        raise InputError(f"{path}, region {row + 1}", found, "0 <= start < end")
    return table


def read_windows(path: Path) -> pd.DataFrame:
    """Read `windows.bed.gz` back, columns `WINDOW_COLUMNS`."""
    return pd.read_csv(
        path,
        sep="\t",
        comment="#",
        header=None,
        names=list(WINDOW_COLUMNS),
        dtype={"chrom": str},
        keep_default_na=False,
    )


def write_windows(windows: pd.DataFrame, target: Path) -> None:
    """Write windows as gzipped BED with a `#` header line."""
    header = windows.rename(columns={"chrom": "#chrom"})
    with gzipped_whole(target) as stream:
        header.to_csv(stream, sep="\t", index=False, float_format="%.6g")


def _covered_fraction(windows: pd.DataFrame, regions: pd.DataFrame | None) -> NDArray[np.float64]:
    if regions is None or regions.empty:
        return np.zeros(len(windows))
    names = {"chrom": "Chromosome", "start": "Start", "end": "End"}
    ranges = pr.PyRanges(windows[["chrom", "start", "end"]].rename(columns=names).assign(row=range(len(windows))))
    covered = ranges.coverage(pr.PyRanges(regions.rename(columns=names)).merge()).df
    return covered.set_index("row")["FractionOverlaps"].reindex(range(len(windows))).to_numpy(float)
