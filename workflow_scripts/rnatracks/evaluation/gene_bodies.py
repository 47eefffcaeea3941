"""Scores of whole genes, introns included, on both strands, as in the published table, for comparison."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..correlation import pearson_log1p
from ..tracks.expression import read_means
from ..vocabulary import Split
from .scored_tracks import ModelTrack
from .tables import GENE_BODY_COLUMNS, track_columns

ALL_CHROMOSOMES = "all"  # in the column `chrom`: the chromosomes of the split together


def gene_body_rows(
    tracks: Sequence[ModelTrack],
    splits: Mapping[str, Split],
    chromosomes: pd.Series,
    observed: Sequence[Path],
    predicted: Sequence[Path],
) -> list[dict]:
    """Rows of `evaluation/gene_bodies.tsv`: over all genes of both strands that have a value, whatever their type.

    Parameters
    ----------
    splits
        Split of each chromosome.
    chromosomes
        Chromosome of each gene, indexed by `gene_id`.
    observed, predicted
        Files that `expression.write_means` wrote for each of `tracks`.
    """
    rows = []
    for (model, track), *paths in zip(tracks, observed, predicted, strict=True):
        x, y = (read_means(path, "gene_body").reindex(chromosomes.index).to_numpy() for path in paths)
        known = ~np.isnan(x) & ~np.isnan(y)
        parts = [(split, ALL_CHROMOSOMES, chromosomes.map(splits) == split) for split in Split]
        parts += [(split, chrom, chromosomes == chrom) for chrom, split in splits.items()]
        for split, chrom, inside in parts:
            of = known & (inside.to_numpy() | (split is Split.ALL))
            if of.any():
                score = pearson_log1p(x[of], y[of])
                rows.append(
                    track_columns(model, track, split)
                    | {"chrom": chrom, "gene_bodies": int(of.sum()), "pearson_log1p_gene_body": score}
                )
    return rows


def with_gene_bodies(rows: Sequence[dict], bodies: pd.DataFrame) -> list[dict]:
    """Add the scores of gene bodies to the rows of `evaluation/gene_expression.tsv`.

    Parameters
    ----------
    bodies
        The table `evaluation/gene_bodies.tsv`.
    """
    keys = ["model", "cell_type", "strand", "split"]
    together = bodies[bodies["chrom"] == ALL_CHROMOSOMES].set_index(keys)[GENE_BODY_COLUMNS]
    scores = together.to_dict("index")
    return [row | scores.get(tuple(row[key] for key in keys), {}) for row in rows]
