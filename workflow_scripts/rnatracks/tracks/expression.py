"""Gene expression from coverage: the mean over a gene's exons, or over its whole body."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError
from ..files import atomic_gzip
from ..genome.tables import GENE_COLUMNS, exonic_lengths
from .bigwig import Coverage, blocks

log = logging.getLogger(__name__)

Values = TypeVar("Values", pd.Series, NDArray[np.float64], np.float64)

NEAR = 15_000  # bases; reading this many more takes less time than decompressing again what two reads share


def exonic_means(coverage: Coverage, genes: pd.DataFrame, exons: pd.DataFrame) -> pd.Series:
    """Mean coverage over each gene's exons, in the coverage's own units.

    Parameters
    ----------
    coverage
        A track; whether it is on the strand of the genes is not checked.
    genes, exons
        As returned by `tables.read_genes` and `read_exons`: exons are disjoint
        within a gene, and a base counts for every gene whose exons contain it.

    Returns
    -------
    One value per gene, indexed by `gene_id`, in the order of `genes`; NaN for a
    gene without exons, as there can be after `annotation.own_exons`.
    """
    sums = np.zeros(len(exons))
    for chrom, on_chrom in exons.groupby("chrom").indices.items():
        starts, ends = exons["start"].to_numpy()[on_chrom], exons["end"].to_numpy()[on_chrom]
        order = np.argsort(starts, kind="stable")
        (sums[on_chrom[order]],) = _sums(partial(_values, coverage), chrom, starts[order], ends[order])
    totals = pd.Series(sums).groupby(exons["gene_id"].to_numpy()).sum()
    means = (totals / exonic_lengths(exons)).reindex(genes["gene_id"])
    if means.isna().any():
        log.warning("%d of %d genes have no exonic base of their own and so no value", means.isna().sum(), len(means))
    return means


def gene_body_means(coverage: Coverage, genes: pd.DataFrame) -> pd.Series:
    """Mean coverage over each gene's body, from its start to its end, introns included.

    Bases without a value in the file are left out, and both strands' genes have a value on every track: this is how
    the authors of the published model score genes.

    Parameters
    ----------
    coverage
        A track.
    genes
        As returned by `tables.read_genes`.

    Returns
    -------
    One value per gene, indexed by `gene_id`, in the order of `genes`; NaN for a gene without any value.
    """
    means = np.full(len(genes), np.nan)
    for chrom, on_chrom in genes.groupby("chrom").indices.items():
        starts, ends = genes["start"].to_numpy()[on_chrom], genes["end"].to_numpy()[on_chrom]
        order = np.argsort(starts, kind="stable")
        total, bases = _sums(partial(_values_and_presence, coverage), chrom, starts[order], ends[order])
        means[on_chrom[order]] = np.divide(total, bases, out=np.full(len(total), np.nan), where=bases > 0)
    return pd.Series(means, index=pd.Index(genes["gene_id"]))


def _values(coverage: Coverage, chrom: str, start: int, end: int) -> NDArray[np.float32]:
    return coverage.values(chrom, start, end)[np.newaxis]


def _values_and_presence(coverage: Coverage, chrom: str, start: int, end: int) -> NDArray[np.float32]:
    """Coverage of each base, 0 where the file has none; and 1 where it has a value, otherwise 0."""
    values = coverage.values(chrom, start, end, missing=np.nan)
    missing = np.isnan(values)
    values[missing] = 0
    return np.stack([values, ~missing])


def _sums(
    read: Callable[[str, int, int], NDArray], chrom: str, starts: NDArray[np.integer], ends: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Sums `[row, interval]` over intervals sorted by `starts`. Those at most `NEAR` bases apart are read together.

    `read` returns the rows to sum, `[row, end - start]`, of (chrom, start, end).
    """
    sums: NDArray[np.float64] | None = None
    for _, left, right in blocks({chrom: int(ends.max())}):
        inside = np.flatnonzero((starts < right) & (ends > left))
        if len(inside) == 0:
            continue
        first, last = np.maximum(starts[inside], left), np.minimum(ends[inside], right)
        apart = np.flatnonzero(first[1:] > np.maximum.accumulate(last)[:-1] + NEAR) + 1
        for together in np.split(np.arange(len(inside)), apart):
            begin, end = int(first[together[0]]), int(last[together].max())
            rows = read(chrom, begin, end)
            bounds = zip((first[together] - begin).tolist(), (last[together] - begin).tolist(), strict=True)
            parts = [np.add.reduce(rows[:, start:stop], axis=1, dtype=np.float64) for start, stop in bounds]
            sums = np.zeros((len(rows), len(starts))) if sums is None else sums
            sums[:, inside[together]] += np.stack(parts, axis=1)
    return sums


def write_means(means: pd.DataFrame, target: Path) -> None:
    """Write one track's means, indexed by `gene_id`, with columns `mean` (over exons) and `gene_body`, gzipped."""
    with atomic_gzip(target) as stream:
        means.to_csv(stream, sep="\t", index_label="gene_id", float_format="%.9g", columns=["mean", "gene_body"])


def read_means(path: Path, column: Literal["mean", "gene_body"] = "mean") -> pd.Series:
    """Read means over exons or over gene bodies that `write_means` wrote."""
    table = pd.read_csv(path, sep="\t", dtype={"gene_id": str}, keep_default_na=False, na_values={column: [""]})
    return table.set_index("gene_id")[column]


def select_gene_types(genes: pd.DataFrame, types: Sequence[str] | None) -> pd.DataFrame:
    """Genes of the given `gene_type`s; None keeps all.

    Raises
    ------
    InputError
        If the annotation has no gene of these types.
    """
    if types is None:
        return genes
    chosen = genes.loc[genes["gene_type"].isin(types)]
    if chosen.empty:
        raise InputError(
            "config, genes.types", ", ".join(types), f"one or more of {', '.join(sorted(set(genes['gene_type'])))}"
        )
    return chosen


def log2_ratio(first: Values, second: Values, pseudocount: float) -> Values:
    """log2((a + c) / (b + c)) of expression or coverage a and b; the pseudocount c is in their unit."""
    return np.log2((first + pseudocount) / (second + pseudocount))


def write_matrix(genes: pd.DataFrame, columns: dict[str, pd.Series], target: Path) -> None:
    """Write the gene x track matrix: the genes' own columns, then one per track."""
    matrix = genes.set_index("gene_id").assign(**columns).reset_index()
    with atomic_gzip(target) as stream:
        matrix.to_csv(stream, sep="\t", index=False, float_format="%.9g")


def read_matrix(path: Path) -> pd.DataFrame:
    """Read a gene x track matrix, indexed by `gene_id`: empty cells of tracks are NaN, and a gene may be called NA."""
    tracks = [name for name in pd.read_csv(path, sep="\t", nrows=0).columns if name not in GENE_COLUMNS]
    kinds = dict.fromkeys(("gene_id", "gene_name", "gene_type", "chrom", "strand"), str)
    empty = {track: [""] for track in tracks}
    return pd.read_csv(path, sep="\t", dtype=kinds, keep_default_na=False, na_values=empty).set_index("gene_id")
