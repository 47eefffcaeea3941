"""Tables of the report: their cells, and what their columns mean."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

EMPTY_CELL = "–"
MAX_ROWS = 5000  # of one table on the page; the file has them all
# Columns of score tables that the page shows on demand.
MINOR_SCORES = (
    *("pearson", "log1p_of_pearson", "spearman_bases", "mse_squashed", "replicate_ceiling", "pearson_log1p_per_kb"),
    *("mean_observed", "mean_predicted"),
)

_SCORE_COLUMNS = {
    "model": "Folder of the model under models/.",
    "cell_type": "Cell type of the track.",
    "strand": "Strand of the track.",
    "split": "Chromosomes that count: train, valid and test as configured; all is their union.",
}
_MAIN = {
    "pearson_log1p": "Pearson correlation of log(1 + signal), observed against predicted. The main score.",
    "ci_low": "Lower end of its 95% confidence interval, from a bootstrap over blocks of the genome.",
    "ci_high": "Upper end of its 95% confidence interval.",
    "attainable": "What a perfect prediction would reach: sqrt(2r / (1 + r)) of the replicate ceiling r, if halves are "
    "equal.",
    "other_cell_type": "The main score when another cell type's observed track stands in for the prediction.",
    "mean_of_others": "The main score when the mean of all other cell types' observed tracks does.",
}
_DETAILS = {
    "pearson": "Pearson correlation of the signal itself; a few strong genes decide it.",
    "log1p_of_pearson": "log(1 + pearson), given only to compare with work that reports it; 0.693 is its maximum.",
    "replicate_ceiling": "The main score between the means of two halves of the samples.",
}
BASE_NOTES = {
    **_SCORE_COLUMNS,
    "region": "Bases that count: all, or those in exons, in introns, or between genes.",
    "bases": "Number of bases; unknown (N) and blacklisted ones are left out.",
    **_MAIN,
    "spearman": "Rank correlation, on a sample of the bases.",
    "spearman_bases": "Number of sampled bases behind it.",
    "mse_squashed": "Mean squared error on the squashed scale, on which models train.",
    "predicted_over_observed": "Mean predicted signal over mean observed signal; 1 is right.",
    "mean_observed": "Mean observed signal of these bases.",
    "mean_predicted": "Mean predicted signal.",
    **_DETAILS,
}
GENE_NOTES = {
    **_SCORE_COLUMNS,
    "genes": "Number of genes; each is the mean over the union of its exons, on its own strand, blacklisted bases "
    "included.",
    **_MAIN,
    "spearman": "Rank correlation across genes.",
    "predicted_over_observed": "Mean predicted expression over mean observed expression; 1 is right.",
    "pearson_log1p_per_kb": "As the main score, of the sum over exons per 1,000 bases of exon instead of the mean.",
    **_DETAILS,
}
DIFFERENTIAL_NOTES = {
    "model": "Key under models in the configuration; where it stands for one model a cell type, both are used.",
    "cell_type_a": "Cell type above the line in the log2 ratio of expression.",
    "cell_type_b": "Cell type below the line.",
    "strand": "Strand of the two tracks.",
    "split": _SCORE_COLUMNS["split"],
    "genes": "Number of genes.",
    "pearson": "Pearson correlation of the log2 ratio, observed against predicted, across genes.",
    "ci_low": "Lower end of its 95% confidence interval.",
    "ci_high": "Upper end of its 95% confidence interval.",
    "slope": "Slope of predicted on observed log2 ratios: 1 is right; below, differences are predicted too small.",
    "attainable": "Correlation that a perfect prediction would reach, from the replicate ceiling.",
    "replicate_ceiling": "Correlation of the log2 ratios between halves of both cell types' samples.",
}
DIFFERENTIAL_GENE_NOTES = {
    **dict.fromkeys(("model", "cell_type_a", "cell_type_b", "strand", "split"), ""),
    **dict.fromkeys(("gene_name", "gene_id", "chrom", "start", "end"), ""),
    "observed": "log2 ratio of cell type a over cell type b in the data.",
    "predicted": "The same, predicted.",
}
FOUND_NOTES = {
    "cell_type": "Cell type.",
    "ontology": "Its ontology term, from the cell-type sheet.",
    "description": "What it is, in the words of the cell-type sheet.",
    "samples": "Samples that were taken.",
    "published": "Samples behind the published model of this cell type, where there is one.",
    "not_taken": "Files that a search found and that were not taken; samples/rejected.tsv says why.",
}
RESOLVED_NOTES = {
    "sample": "Name of the sample.",
    "cell_type": "Its cell type.",
    "source": "Where its files come from.",
    "donor": "Donor, where the source names one.",
    "replicates": "Biological replicates that the files hold.",
    "output_type": "What the files are, in the source's words.",
    "read_length": "Mapped read length in bases.",
    "date_asked": "Day on which the source was asked.",
    "reason": "Why the sample was taken.",
}
SAMPLE_NOTES = {
    "sample": "Name in the sample sheet.",
    "cell_type": "Its cell type.",
    "strand": "Strand of the file.",
    "flags": "What looks wrong with it; empty if nothing does.",
    "excluded": "Whether the configuration leaves it out; then nothing of it is fetched or checked.",
    "concordance": "Share of the signal in exons that lies on the genes' own strand; near 1, or near 0 if swapped.",
    "correlation": "Median rank correlation with the other samples of its cell type, in bins.",
    "total": "Sum of the file's magnitudes over the chosen chromosomes, as stored.",
    "share_of_pair": "Its share of the sample's total over both strands; far from a half is alarming.",
    "nonzero_fraction": "Share of bases with any signal.",
    "maximum": "Largest magnitude, as stored.",
    "stored_negative": "Whether the file stores negative values, which count by their magnitude.",
    "scale": "Factor that brings the sample to the common total.",
}
CHROMOSOME_NOTES = {
    "chrom": "Chromosome, as the FASTA file calls it.",
    "split": "What it is used for: train, valid (watched while training) or test (held out).",
    "length": "Bases.",
    "unknown": "Bases other than A, C, G and T; they neither train nor count in scores.",
    "other_letters": "What these are, and how many of each.",
    "genes": "Genes of the annotation; without any, all coverage counts as intergenic.",
    "signal_share": "Share of a sample's signal that lies here, both strands together; mean over samples.",
}
TRACK_NOTES = {
    "track": "Cell type and strand.",
    "samples": "Samples averaged.",
    "total": "Sum over the chosen chromosomes, normalised; the strands of a pair add up to the common total.",
    "mean": "Mean over all bases.",
    "nonzero_mean": "Mean over bases with signal; averaged over a pair, it is the m of the squash.",
    "nonzero": "Bases with signal.",
    "maximum": "Largest value.",
}
PUBLISHED_NOTES = {
    **{name: _SCORE_COLUMNS[name] for name in ("model", "cell_type", "strand")},
    "published_name": "The publication's name of the cell type.",
    "single_base_published": "Published, single bases, in sample: no chromosome was held out.",
    "single_base_in_sample": "Ours over training chromosomes: in sample.",
    "single_base_held_out": "Ours over held-out chromosomes.",
    "gene_expression_published": "Published, gene expression, in sample.",
    "gene_expression_in_sample": "Ours over training chromosomes: in sample.",
    "gene_expression_held_out": "Ours over held-out chromosomes.",
}
OTHERS_NOTES = {
    **dict.fromkeys(("system", "level", "measure", "value"), ""),
    "window": "DNA that the system sees at once, in bases.",
    "resolution": "Bases of one predicted value.",
    **dict.fromkeys(("data", "source"), ""),
}
BENCHMARK_NOTES = {
    "job": "Name of the job's benchmark file.",
    "seconds": "Wall-clock time.",
    "peak_memory_mb": "Largest resident memory, in MB; missing for jobs too short to be sampled.",
}


@dataclass(frozen=True)
class Column:
    """A column's name, what it means (may be empty), whether it holds numbers, and whether it is shown on demand."""

    name: str
    meaning: str
    numeric: bool
    minor: bool = False


@dataclass(frozen=True)
class Table:
    """Columns, rows of finished cell texts, and the number of further rows that only the file has."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


def table(
    frame: pd.DataFrame,
    columns: Mapping[str, str],
    decimals: Mapping[str, int] | None = None,
    minor: Collection[str] = (),
    most: int = MAX_ROWS,
) -> Table:
    """Select columns of `frame` and write their cells.

    Numbers get thousands separators. Whole ones have no decimals, others three, or one where
    the column reaches 1,000; a column of small numbers, all under 0.01, has three significant
    digits. A missing value is an en dash.

    Parameters
    ----------
    frame
        The data.
    columns
        Names of the columns to show, in order, each with its meaning (may be empty).
    decimals
        Number of decimals of the columns for which the rule above does not suit.
    minor
        Columns to show on demand.
    most
        Rows beyond these are only counted.

    Raises
    ------
    ValueError
        If `frame` lacks a column.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ValueError(f"{missing=} must be among the table's columns {list(frame.columns)}")
    heads = tuple(Column(name, meaning, _is_numeric(frame[name]), name in minor) for name, meaning in columns.items())
    texts = (_cells(frame[name].head(most), (decimals or {}).get(name)) for name in columns)
    return Table(heads, tuple(zip(*texts, strict=True)), max(len(frame) - most, 0))


def scores_table(frame: pd.DataFrame, columns: Mapping[str, str]) -> Table:
    """A table of scores with its baseline models behind the other baselines, and details on demand."""
    baselines = {
        name: f"The same score of model {name.removeprefix('baseline_')} for this track or pair."
        for name in frame.columns
        if name.startswith("baseline_")
    }
    names = list(columns)
    at = names.index("mean_of_others" if "mean_of_others" in names else "attainable") + 1
    ordered = {name: (columns | baselines)[name] for name in [*names[:at], *baselines, *names[at:]]}
    return table(frame, ordered, {"predicted_over_observed": 2}, minor=MINOR_SCORES)


def facts(values: Mapping[str, object]) -> Table:
    """Make a table of names and values, such as settings or versions; each value stands as `str` writes it."""
    rows = tuple((name, EMPTY_CELL if value is None or value == "" else str(value)) for name, value in values.items())
    return Table((Column("item", "", False), Column("value", "", False)), rows)


def plain_columns(names: Sequence[str]) -> dict[str, str]:
    """Columns that need no explanation."""
    return dict.fromkeys(names, "")


def _is_numeric(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _cells(values: pd.Series, decimals: int | None) -> list[str]:
    pattern = _pattern(values, decimals) if _is_numeric(values) else "{}"
    return [EMPTY_CELL if pd.isna(value) or value == "" else pattern.format(value) for value in values]


def _pattern(values: pd.Series, decimals: int | None) -> str:
    """Choose the format string of a column of numbers."""
    largest = values.abs().max()
    if decimals is None and 0 < largest < 0.01:
        return "{:.3g}"
    if decimals is None and pd.notna(largest):
        whole = pd.api.types.is_integer_dtype(values) or (largest > 1 and (values.dropna() % 1 == 0).all())
        decimals = 0 if whole else 1 if largest >= 1000 else 3
    return f"{{:,.{decimals or 0}f}}"
