"""Our scores next to published ones: four rows and two columns of one case, and held-out scores of other systems.

What the publication leaves open is filled in from the later code of its authors for the same task.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ..config.settings import Settings
from ..vocabulary import Split

# Levels of the page's table: the published column, and ours that is of the same kind.
LEVELS_COMPARED = {
    "single_base": ("single_base", "pearson_log1p"),
    "gene_body": ("gene_expression", "pearson_log1p_gene_body"),
}
PUBLISHED_COLUMNS = ["published_name", *(f"{level}_published" for level in LEVELS_COMPARED)]


def read_published(path: Path) -> pd.DataFrame:
    """Read `resources/published.tsv` or `resources/held_out_others.tsv`, whose last column names the source."""
    return pd.read_csv(path, sep="\t")


def beside_published(
    base: pd.DataFrame, gene: pd.DataFrame, ontologies: Mapping[str, str | None], published: pd.DataFrame
) -> pd.DataFrame:
    """Arrange our scores of the same kind like the published table.

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
            columns={"cell_type": "published_name"}
            | {theirs: f"{level}_published" for level, (theirs, _) in LEVELS_COMPARED.items()}
        )
        theirs = theirs.assign(place=range(len(theirs)))[["ontology", "strand", "place", *PUBLISHED_COLUMNS]]
        rows = rows.assign(ontology=rows["cell_type"].map(ontologies)).merge(theirs, "left", ["ontology", "strand"])
        rows = rows.sort_values("place", kind="stable", ignore_index=True).drop(columns=["ontology", "place"])
    keys = ["model", "cell_type", "strand"]
    tables = (base[base["region"] == "all"], gene)
    for (level, (_, column)), scores in zip(LEVELS_COMPARED.items(), tables, strict=True):
        for split, name in ((Split.TRAIN, "in_sample"), (Split.TEST, "held_out")):
            ours = scores.loc[scores["split"] == split, [*keys, column]]
            rows = rows.merge(ours.rename(columns={column: f"{level}_{name}"}), "left", keys)
    levels = [f"{level}_{name}" for level in LEVELS_COMPARED for name in ("published", "in_sample", "held_out")]
    return rows[[name for name in [*keys, "published_name", *levels] if name in rows]]


def remaining_differences(settings: Settings) -> list[str]:
    """What still differs between the published scores and ours in the same table, in sentences."""
    normalisation = settings.normalisation
    blacklisted = " and blacklisted bases" if settings.blacklist else ""
    found = [
        f"Single bases: unknown bases{blacklisted} are left out here; there, positions without a value count as 0. "
        "Here, one correlation is over all chromosomes of the split; there, each chromosome has its own, and the "
        "publication does not say which of them are shown.",
        "Gene bodies: both are means over whole genes, introns included, of all genes of both strands on every track. "
        "There, positions without a value are left out; the observed tracks of this run have a value at every base, so "
        "uncovered bases count as 0. The scores under Gene expression are another quantity: means over the exons of "
        "genes on the track's own strand.",
    ]
    if (normalisation.per, normalisation.over) != ("file", "all"):
        here = {"pair": "with both strands together", "file": "file by file"}[normalisation.per]
        where = {"chosen": "the chosen chromosomes", "all": "all chromosomes"}[normalisation.over]
        found.append(
            f"Level: samples are scaled here {here}, over {where}; there, file by file, over all chromosomes. A "
            "correlation of log(1 + signal) depends on the level: pearson_log1p_half_level and "
            "pearson_log1p_double_level show how much. normalisation.per: file with over: all scales as there."
        )
    if normalisation.track_mean != "track":
        found.append("Targets: here, the strands of a cell type share the m of the squash; there, each has its own.")
    if settings.prediction.stitch != "mean_raw":
        found.append("Stitching: overlapping windows were averaged there as with prediction.stitch: mean_raw.")
    listed = ("normalisation.", "prediction.")
    others = [each for each in settings.departures_from("published") if not each.startswith(listed)]
    if others:
        found.append(f"Network and training: there, as with recipe: published; here, {'; '.join(others)}.")
    found.append("Number format: there, the whole model was in bf16; here, weights are float32.")
    return found
