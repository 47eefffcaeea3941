"""Held-out gene scores of a model, which stand next to each of its effects."""

import csv
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ..errors import InputError, shorten
from ..evaluation.tables import read_scores
from ..files import atomic_gzip
from ..vocabulary import Split, Strand, Track
from .effect_table import EFFECT_COLUMNS, PART_ROWS


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


def add_gene_scores(table: Path, scores: Mapping[str, float], target: Path) -> None:
    """Copy a table of effects, with these scores in its column `gene_score`."""
    kinds = {"sep": "\t", "dtype": str, "keep_default_na": False, "quoting": csv.QUOTE_NONE}
    with atomic_gzip(target) as stream:
        stream.write("\t".join(EFFECT_COLUMNS) + "\n")
        for part in pd.read_csv(table, chunksize=PART_ROWS, **kinds):
            part = part.assign(gene_score=part["track"].map(scores))
            part.to_csv(stream, sep="\t", index=False, header=False, float_format="%.6g", quoting=csv.QUOTE_NONE)
