"""Held-out gene scores of a model, which stand next to each of its effects."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..correlation import pearson_log1p
from ..errors import InputError, shorten
from ..evaluation.gene_scores import genes_by_split
from ..evaluation.tables import read_scores
from ..tracks.expression import read_means
from ..vocabulary import Split, Strand, Track
from .effect_table import read_effect_texts, write_effects


def held_out_gene_scores(path: Path, model: str) -> dict[str, float]:
    """Held-out `pearson_log1p` of the genes of each track, from `evaluation/gene_expression.tsv`.

    Returns
    -------
    By track; empty if nothing was held out.

    Raises
    ------
    InputError
        If the table has no row of the model.
    """
    scores = read_scores(path)
    own = scores[scores["model"] == model]
    if own.empty:
        raise InputError(path, f"no score of model {model!r}", f"one of {shorten(scores['model'].unique())}")
    held_out = own[own["split"] == Split.TEST].dropna(subset="pearson_log1p")
    rows = held_out[["cell_type", "strand", "pearson_log1p"]].itertuples(index=False)
    return {str(Track(cell_type, Strand(strand))): score for cell_type, strand, score in rows}


def score_held_out_genes(
    genes: pd.DataFrame,
    held_out: Collection[str],
    tracks: Sequence[str],
    observed: Sequence[Path],
    predicted: Sequence[Path],
) -> dict[str, float]:
    """Compute the same scores from the expression of genes, without the table of all models.

    Parameters
    ----------
    genes
        Genes to score, columns `tables.GENE_COLUMNS`.
    held_out
        Chromosomes of split `test`.
    tracks, observed, predicted
        Tracks of the model, and for each the files of its observed and predicted means, as `read_means` reads them.

    Returns
    -------
    By track, without those that have none.
    """
    splits, scores = dict.fromkeys(held_out, Split.TEST), {}
    for name, *paths in zip(tracks, observed, predicted, strict=True):
        x, y = (read_means(path).reindex(genes["gene_id"]).to_numpy() for path in paths)
        matrix = genes.set_index("gene_id").assign(**{name: x})
        of = dict(genes_by_split(matrix, Track.parse(name), splits)).get(Split.TEST, np.zeros(len(x), bool))
        score = pearson_log1p(x[of], y[of])
        if not np.isnan(score):
            scores[name] = score
    return scores


def add_gene_scores(table: Path, scores: Mapping[str, float], target: Path) -> None:
    """Copy a table of effects, with these scores in its column `gene_score`."""
    write_effects(
        (part.assign(gene_score=part["track"].map(scores)) for part in read_effect_texts(table)),
        target,
    )
