"""Held-out gene scores of a model, which stand next to each of its effects."""

from pathlib import Path

from ..errors import InputError, shorten
from ..evaluation.tables import read_scores
from ..vocabulary import Split, Strand, Track


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
