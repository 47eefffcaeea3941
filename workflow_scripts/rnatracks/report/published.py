"""Our scores next to published ones: four rows and two columns of one case, and held-out scores of other systems."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ..vocabulary import Split

SCORE_LEVELS = ("single_base", "gene_expression")
PUBLISHED_COLUMNS = ["published_name", *(f"{level}_published" for level in SCORE_LEVELS)]


def read_published(path: Path) -> pd.DataFrame:
    """Read `resources/published.tsv` or `resources/held_out_others.tsv`, whose last column names the source."""
    return pd.read_csv(path, sep="\t")


def beside_published(
    base: pd.DataFrame, gene: pd.DataFrame, ontologies: Mapping[str, str | None], published: pd.DataFrame
) -> pd.DataFrame:
    """Arrange our `pearson_log1p` like the published table.

    Parameters
    ----------
    base, gene
        The tables `evaluation/base_resolution.tsv` and `evaluation/gene_expression.tsv`.
    ontologies
        Ontology term of each cell type; None if the sheet has none.
    published
        Columns `ontology`, `cell_type`, `strand`, `single_base`, `gene_expression`.

    Returns
    -------
    One row per model and track. Columns `model`, `cell_type`, `strand`; if the run has a published cell
    type, `published_name` and for both levels `{level}_published`, and the rows of these cell types come
    first, in the published order; `{level}_in_sample`, on training chromosomes; `{level}_held_out`.
    """
    rows = base.loc[base["region"] == "all", ["model", "cell_type", "strand"]].drop_duplicates(ignore_index=True)
    found = rows["cell_type"].map(ontologies).isin(set(published["ontology"])).any()
    if found:
        theirs = published.rename(
            columns={"cell_type": "published_name"} | {name: f"{name}_published" for name in SCORE_LEVELS}
        )
        theirs = theirs.assign(place=range(len(theirs)))[["ontology", "strand", "place", *PUBLISHED_COLUMNS]]
        rows = rows.assign(ontology=rows["cell_type"].map(ontologies)).merge(theirs, "left", ["ontology", "strand"])
        rows = rows.sort_values("place", kind="stable", ignore_index=True).drop(columns=["ontology", "place"])
    keys = ["model", "cell_type", "strand"]
    for level, scores in zip(SCORE_LEVELS, (base[base["region"] == "all"], gene), strict=True):
        for split, name in ((Split.TRAIN, "in_sample"), (Split.TEST, "held_out")):
            ours = scores.loc[scores["split"] == split, [*keys, "pearson_log1p"]]
            rows = rows.merge(ours.rename(columns={"pearson_log1p": f"{level}_{name}"}), "left", keys)
    levels = [f"{level}_{name}" for level in SCORE_LEVELS for name in ("published", "in_sample", "held_out")]
    return rows[[name for name in [*keys, "published_name", *levels] if name in rows]]
