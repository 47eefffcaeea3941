"""Gene-level scores with their confidence intervals, ceilings and baselines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..correlation import Moments, pearson_log1p, spearman
from ..genome.tables import GENE_COLUMNS, on_strand
from ..tracks.expression import read_means
from ..vocabulary import Split, Track
from .baselines import attainable, with_baselines
from .bootstrap import pearson_interval
from .scored_tracks import Scored
from .tables import LEVELS, log1p_of, track_columns

MIN_OTHERS = 2  # the mean over one other cell type would be that cell type


@dataclass(frozen=True, kw_only=True)
class GeneScoring:
    """How genes are scored.

    `splits` is the split of each chromosome. For the confidence intervals, blocks of
    `block_size` bases are resampled `resamples` times, with the seed `seed`.
    """

    splits: Mapping[str, Split]
    block_size: int
    resamples: int
    seed: int

    def interval(self, x: NDArray, y: NDArray, blocks: NDArray[np.integer]) -> tuple[float, float]:
        """Confidence interval of the correlation of x and y; `blocks` has the number of each gene's block."""
        return pearson_interval(_block_moments(x, y, blocks), resamples=self.resamples, seed=self.seed)


@dataclass(frozen=True)
class Halves:
    """Two halves of the samples of a track: the mean of each, one value per gene, and their numbers of samples."""

    first: pd.Series
    second: pd.Series
    sizes: Sequence[int]


def read_halves(paths: Sequence[Path], scored: Scored) -> dict[Track, Halves]:
    """Read the means of both halves of the samples of each of `Scored.halved`, from two files per track."""
    pairs = zip(scored.halved, paths[::2], paths[1::2], strict=True)
    return {
        track: Halves(read_means(first), read_means(second), scored.half_sizes[track.cell_type])
        for track, first, second in pairs
    }


@dataclass(frozen=True, kw_only=True)
class References:
    """What a track's prediction is compared with, one value per gene; None if not available.

    `halves` are the halves of its samples, `other` is the observed track of another cell type and
    `mean_of_others` the mean of the observed tracks of all other cell types.
    """

    halves: Halves | None = None
    other: pd.Series | None = None
    mean_of_others: pd.Series | None = None


def references_of(
    track: Track, other: str | None, observed: pd.DataFrame, halves: Mapping[Track, Halves]
) -> References:
    """Find what a track is compared with.

    Parameters
    ----------
    other
        Cell type whose observed track is a baseline, if there is one.
    observed
        Gene x track matrix of all cell types, indexed by `gene_id`.
    halves
        Halves of the samples, for tracks with two samples or more.
    """
    tracks = [Track.parse(name) for name in observed.columns if name not in GENE_COLUMNS]
    others = [str(each) for each in tracks if each.strand is track.strand and each != track]
    return References(
        halves=halves.get(track),
        other=None if other is None else observed[str(Track(other, track.strand))],
        mean_of_others=observed[others].mean(axis=1) if len(others) >= MIN_OTHERS else None,
    )


def score_genes(
    scored: Scored,
    scoring: GeneScoring,
    observed: pd.DataFrame,
    predicted: Mapping[str, pd.DataFrame],
    halves: Mapping[Track, Halves],
) -> list[dict]:
    """Rows of `evaluation/gene_expression.tsv`.

    Parameters
    ----------
    observed, predicted
        Gene x track matrices with the same genes, indexed by `gene_id`; predicted ones by model.
    halves
        Halves of the samples, for tracks with two samples or more.
    """
    rows = []
    for model, track in scored.tracks:
        references = references_of(track, scored.others[track.cell_type], observed, halves)
        rows += gene_rows(model, track, observed, predicted[model], references, scoring)
    return with_baselines(rows, scored.families, scored.baselines)


def gene_rows(
    model: str,
    track: Track,
    observed: pd.DataFrame,
    predicted: pd.DataFrame,
    references: References,
    scoring: GeneScoring,
) -> list[dict]:
    """Rows of `evaluation/gene_expression.tsv` for one track, over the genes on its strand that have a value.

    Parameters
    ----------
    observed, predicted
        Gene x track matrices with the same genes, indexed by `gene_id`: means over exons.
    references
        What the prediction is compared with.
    """

    def column(values: pd.Series | None) -> NDArray[np.float64]:
        return np.full(len(observed), np.nan) if values is None else values.reindex(observed.index).to_numpy()

    x, y = column(observed[str(track)]), column(predicted[str(track)])
    halves = [column(half) for half in (references.halves.first, references.halves.second)] if references.halves else []
    other, mean_of_others = column(references.other), column(references.mean_of_others)
    blocks = gene_blocks(observed, scoring.block_size)
    rows = []
    for split, of in genes_by_split(observed, track, scoring.splits):
        raw = Moments.of(x[of], y[of])
        low, high = scoring.interval(np.log1p(x[of]), np.log1p(y[of]), blocks[of])
        rows.append(
            track_columns(model, track, split)
            | {"genes": int(of.sum()), "pearson_log1p": pearson_log1p(x[of], y[of]), "ci_low": low, "ci_high": high}
            | {"spearman": spearman(x[of], y[of]), "pearson": raw.pearson, "log1p_of_pearson": log1p_of(raw.pearson)}
            | (ceiling(*(np.log1p(half[of]) for half in halves), references.halves.sizes) if references.halves else {})
            | {"other_cell_type": pearson_log1p(x[of], other[of])}
            | {"mean_of_others": pearson_log1p(x[of], mean_of_others[of])}
            # The sum over exons in 1,000 bases of exon is 1,000 times the mean.
            | {"pearson_log1p_per_kb": pearson_log1p(1000 * x[of], 1000 * y[of])}
            | {"predicted_over_observed": raw.ratio}
            | {f"pearson_log1p_{level}": pearson_log1p(by * x[of], by * y[of]) for level, by in LEVELS.items()}
        )
    return rows


def ceiling(x: NDArray, y: NDArray, *sizes: Sequence[int]) -> dict[str, float]:
    """`replicate_ceiling` and `attainable` of two halves; for `sizes`, see `baselines.attainable`."""
    score = Moments.of(x, y).pearson
    return {"replicate_ceiling": score, "attainable": attainable(score, *sizes)}


def genes_by_split(
    matrix: pd.DataFrame, track: Track, splits: Mapping[str, Split]
) -> Iterator[tuple[Split, NDArray[np.bool_]]]:
    """Masks of the genes that count for a track (on its strand, with a value), for each split that has any."""
    counted = matrix.index.isin(on_strand(matrix, track.strand).index) & matrix[str(track)].notna()
    split_of = matrix["chrom"].map(splits)
    for split in Split:
        genes = (counted & ((split_of == split) | (split is Split.ALL))).to_numpy()
        if genes.any():
            yield split, genes


def gene_blocks(matrix: pd.DataFrame, size: int) -> NDArray[np.integer]:
    """Number of the block of `size` bases that contains the middle of each gene; no block spans two chromosomes."""
    middle = (matrix["start"] + matrix["end"]) // 2
    return matrix.groupby([matrix["chrom"], middle // size]).ngroup().to_numpy()


def _block_moments(x: NDArray, y: NDArray, blocks: NDArray[np.integer]) -> list[Moments]:
    """Moments of the pairs in each block, both sides minus their first value, so that a constant side is 0."""
    x, y = x - x[:1], y - y[:1]
    _, block, count = np.unique(blocks, return_inverse=True, return_counts=True)

    def total(values: NDArray) -> NDArray[np.float64]:
        return np.bincount(block, values)

    mean_x, mean_y = total(x) / count, total(y) / count
    x, y = x - mean_x[block], y - mean_y[block]
    columns = (count, mean_x, mean_y, total(x * x), total(y * y), total(x * y))
    return [Moments(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
