"""Differences between cell types, per gene: log2((a + c) / (b + c)), observed against predicted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..correlation import Moments
from ..tracks.expression import log2_ratio
from ..vocabulary import Split, Track
from .baselines import with_baselines
from .gene_scores import GeneScoring, Halves, ceiling, gene_blocks, genes_by_split
from .scored_tracks import Scored

MAX_GENES = 20  # genes listed for each pair of tracks
_GENE = ["gene_name", "chrom", "start", "end"]
DIFFERENT_COLUMNS = [
    *("model", "cell_type_a", "cell_type_b", "strand", "split", "gene_id"),
    *(*_GENE, "observed", "predicted"),
]


@dataclass(frozen=True)
class Pair:
    """Tracks of two cell types on one strand, both predicted by one family of models."""

    family: str
    first: Track
    second: Track

    @property
    def columns(self) -> dict[str, str]:
        """The columns that identify a row."""
        cell_types = {"cell_type_a": self.first.cell_type, "cell_type_b": self.second.cell_type}
        return {"model": self.family} | cell_types | {"strand": str(self.first.strand)}


def log2_ratios(pair: Pair, matrix: pd.DataFrame, pseudocount: float) -> pd.Series:
    """log2((a + c) / (b + c)) of each gene of a matrix that contains both tracks."""
    return log2_ratio(matrix[str(pair.first)], matrix[str(pair.second)], pseudocount)


def score_differences(
    scored: Scored,
    scoring: GeneScoring,
    observed: pd.DataFrame,
    predicted: Mapping[str, pd.DataFrame],
    halves: Mapping[Track, Halves],
    pseudocount: float,
) -> tuple[list[dict], list[dict]]:
    """Rows of `evaluation/differential.tsv` and of `evaluation/differential_genes.tsv`.

    For the parameters, see `gene_scores.score_genes` and `difference_rows`.
    """
    rows, genes = [], []
    for family, first, second in scored.pairs:
        pair = Pair(family, first.track, second.track)
        both = pd.DataFrame({str(track): predicted[model][str(track)] for model, track in (first, second)})
        rows += difference_rows(pair, observed, both, halves, pseudocount, scoring)
        genes += most_different(pair, observed, both, pseudocount, scoring.splits)
    families = {family: family for family in scored.families.values()}
    return with_baselines(rows, families, scored.baselines, "pearson"), genes


def difference_rows(
    pair: Pair,
    observed: pd.DataFrame,
    predicted: pd.DataFrame,
    halves: Mapping[Track, Halves],
    pseudocount: float,
    scoring: GeneScoring,
) -> list[dict]:
    """Rows of `evaluation/differential.tsv` for one pair of tracks.

    Parameters
    ----------
    observed, predicted
        Gene x track matrices with the same genes, indexed by `gene_id`: means over exons.
    halves
        Halves of the samples, for tracks with two samples or more.
    pseudocount
        The constant c, in the unit of the means.
    """
    x, y = _both_ratios(pair, observed, predicted, pseudocount)
    known = [halves[track] for track in (pair.first, pair.second) if track in halves]
    both = _ratios_of_halves(pair, *known, observed.index, pseudocount) if len(known) == 2 else ()
    blocks = gene_blocks(observed, scoring.block_size)
    rows = []
    for split, of in genes_by_split(observed, pair.first, scoring.splits):
        low, high = scoring.interval(x[of], y[of], blocks[of])
        moments = Moments.of(x[of], y[of])
        rows.append(
            pair.columns
            | {"split": str(split), "genes": int(of.sum()), "pearson": moments.pearson, "ci_low": low, "ci_high": high}
            | {"slope": moments.slope}
            | (ceiling(*(half[of] for half in both), *(each.sizes for each in known)) if both else {})
        )
    return rows


def most_different(
    pair: Pair,
    observed: pd.DataFrame,
    predicted: pd.DataFrame,
    pseudocount: float,
    splits: Mapping[str, Split],
    most: int = MAX_GENES,
) -> list[dict]:
    """Rows of `evaluation/differential_genes.tsv`: the genes with the largest observed ratios, up or down, in order.

    `split` is that of the gene's chromosome; `observed` and `predicted` are log2 ratios.
    """
    x, y = _both_ratios(pair, observed, predicted, pseudocount)
    everything = dict(genes_by_split(observed, pair.first, splits))
    if Split.ALL not in everything:
        return []
    counted = np.flatnonzero(everything[Split.ALL] & (x != 0))
    chosen = counted[np.argsort(-np.abs(x[counted]), kind="stable")[:most]]
    table = observed.iloc[chosen][_GENE].assign(observed=x[chosen], predicted=y[chosen]).reset_index()
    return [pair.columns | {"split": str(splits[row["chrom"]])} | row for row in table.to_dict("records")]


def _ratios_of_halves(
    pair: Pair, first: Halves, second: Halves, genes: pd.Index, pseudocount: float
) -> tuple[NDArray[np.float64], ...]:
    """Ratios of the first halves of both tracks, and of the second halves."""
    matrices = (
        pd.DataFrame({str(pair.first): a, str(pair.second): b}, index=genes)
        for a, b in ((first.first, second.first), (first.second, second.second))
    )
    return tuple(log2_ratios(pair, matrix, pseudocount).to_numpy() for matrix in matrices)


def _both_ratios(
    pair: Pair, observed: pd.DataFrame, predicted: pd.DataFrame, pseudocount: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Observed and predicted ratios, in the order of `observed`."""
    x, y = (log2_ratios(pair, matrix, pseudocount) for matrix in (observed, predicted))
    return x.to_numpy(), y.reindex(observed.index).to_numpy()
