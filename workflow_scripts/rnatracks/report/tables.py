"""Tables of the report: their cells, and what their columns mean."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

EMPTY_CELL = "–"
MAX_ROWS = 5000  # of one table on the page; the file has all rows
# Columns of score tables that the page shows on demand.
MINOR_SCORES = (
    *("pearson", "log1p_of_pearson", "spearman_bases", "mse_squashed", "replicate_ceiling", "pearson_log1p_per_kb"),
    *("mean_observed", "mean_predicted", "pearson_log1p_half_level", "pearson_log1p_double_level"),
    *("nonzero_bases", "pearson_log1p_nonzero", "auroc", "auprc", "gene_bodies", "pearson_log1p_gene_body"),
)

_SCORE_COLUMNS = {
    "model": "Folder of the model under models/.",
    "cell_type": "Cell type of the track.",
    "strand": "Strand of the track.",
    "split": "Chromosomes that are scored: train, valid and test as configured; all is their union.",
}
_MAIN = {
    "pearson_log1p": "The main score: Pearson correlation of log(1 + signal), observed against predicted.",
    "ci_low": "Lower end of its 95% confidence interval, from a bootstrap over blocks of the genome.",
    "ci_high": "Upper end of its 95% confidence interval.",
    "attainable": "Score that a perfect prediction would reach: sqrt(2r / (1 + r)), where r is the replicate ceiling, "
    "for halves of equal size.",
    "other_cell_type": "The main score if another cell type's observed track is used as the prediction.",
    "mean_of_others": "The main score if the mean of all other cell types' observed tracks is used as the prediction.",
}
_DETAILS = {
    "pearson": "Pearson correlation of the signal itself; it is dominated by a few strong genes.",
    "log1p_of_pearson": "log(1 + pearson), only for comparison with work that reports it; its maximum is 0.693.",
    "replicate_ceiling": "The main score of the mean of one half of the samples against the mean of the other half.",
}
_AT_LEVELS = {
    "pearson_log1p_half_level": "The main score with both signals halved: a correlation of log(1 + signal) depends on "
    "the level of the signal.",
    "pearson_log1p_double_level": "The main score with both signals doubled.",
}
BASE_NOTES = {
    **_SCORE_COLUMNS,
    "region": "Bases that are scored: all, or those in exons, in introns, or between genes.",
    "bases": "Number of bases, without unknown (N) and blacklisted ones.",
    **_MAIN,
    "spearman": "Rank correlation on a sample of the bases.",
    "spearman_bases": "Number of bases in that sample.",
    "mse_squashed": "Mean squared error on the squashed scale, which is used in training.",
    "predicted_over_observed": "Mean predicted signal divided by mean observed signal; ideally 1.",
    "mean_observed": "Mean observed signal of these bases.",
    "mean_predicted": "Mean predicted signal.",
    "pearson_log1p_nonzero": "The main score on bases with observed signal only.",
    "auroc": "Area under the ROC curve, for bases with observed signal against those without, ranked by prediction; "
    "0.5 by chance.",
    "auprc": "Area under the precision-recall curve of the same (average precision); by chance, it is the share of "
    "bases with observed signal.",
    "nonzero_bases": "Number of bases with observed signal.",
    **_AT_LEVELS,
    **_DETAILS,
}
GENE_NOTES = {
    **_SCORE_COLUMNS,
    "genes": "Number of genes. Expression is the mean over the union of a gene's exons, on its own strand, including "
    "blacklisted bases.",
    **_MAIN,
    "spearman": "Rank correlation across genes.",
    "predicted_over_observed": "Mean predicted expression divided by mean observed expression; ideally 1.",
    "pearson_log1p_gene_body": "Another quantity, of the kind in the published table: Pearson correlation of log(1 + "
    "mean signal over the whole gene, introns included), across all genes of both strands and all types.",
    "gene_bodies": "Number of these genes.",
    "pearson_log1p_per_kb": "Like the main score, for the sum over exons per 1,000 bases of exon instead of the mean.",
    **_AT_LEVELS,
    **_DETAILS,
}
DIFFERENTIAL_NOTES = {
    "model": "Key under models in the configuration. If it has one model per cell type, both models are used.",
    "cell_type_a": "Cell type in the numerator of the log2 ratio of expression.",
    "cell_type_b": "Cell type in the denominator.",
    "strand": "Strand of the two tracks.",
    "split": _SCORE_COLUMNS["split"],
    "genes": "Number of genes.",
    "pearson": "Pearson correlation of the log2 ratio, observed against predicted, across genes.",
    "ci_low": "Lower end of its 95% confidence interval.",
    "ci_high": "Upper end of its 95% confidence interval.",
    "slope": "Slope of predicted on observed log2 ratios; ideally 1. Below 1, predicted differences are too small.",
    "attainable": "Correlation that a perfect prediction would reach, computed from the replicate ceiling.",
    "replicate_ceiling": "Correlation of the log2 ratios between two halves of both cell types' samples.",
}
DIFFERENTIAL_GENE_NOTES = {
    **dict.fromkeys(("model", "cell_type_a", "cell_type_b", "strand", "split"), ""),
    **dict.fromkeys(("gene_name", "gene_id", "chrom", "start", "end"), ""),
    "observed": "log2 ratio of cell type a over cell type b in the data.",
    "predicted": "The same ratio as predicted.",
}
FOUND_NOTES = {
    "cell_type": "Cell type.",
    "ontology": "Its ontology term, from the cell-type sheet.",
    "description": "Its description, from the cell-type sheet.",
    "samples": "Number of samples used.",
    "published": "Number of samples of the published model of this cell type, if there is one.",
    "not_taken": "Number of files found by the search but rejected; samples/rejected.tsv gives the reasons.",
}
RESOLVED_NOTES = {
    "sample": "Name of the sample.",
    "cell_type": "Its cell type.",
    "source": "Where its files come from.",
    "donor": "Donor, if the source names one.",
    "replicates": "Biological replicates in the files.",
    "output_type": "Content of the files, as the source calls it.",
    "read_length": "Mapped read length in bases.",
    "date_asked": "Day on which the source was queried.",
    "reason": "Why the sample was chosen.",
}
SAMPLE_NOTES = {
    "sample": "Name in the sample sheet.",
    "cell_type": "Its cell type.",
    "strand": "Strand of the file.",
    "flags": "Problems found in it; empty if there are none.",
    "excluded": "Whether the configuration excludes it; an excluded sample is neither fetched nor checked.",
    "concordance": "Share of the exonic signal on the genes' own strand: near 1, or near 0 if the strands are swapped.",
    "correlation": "Median rank correlation of binned signal with the other samples of its cell type.",
    "total": "Sum of the file's magnitudes over the chosen chromosomes, as stored.",
    "share_of_pair": "Its share of the sample's total over both strands. A value far from 0.5 is a warning sign.",
    "nonzero_fraction": "Share of bases with any signal.",
    "maximum": "Largest magnitude, as stored.",
    "stored_negative": "Whether the file stores negative values; their magnitude is used.",
    "scale": "Factor that scales the sample to the common total.",
}
CHROMOSOME_NOTES = {
    "chrom": "Chromosome, as named in the FASTA file.",
    "split": "Its use: train, valid (monitored during training) or test (held out).",
    "length": "Bases.",
    "unknown": "Bases other than A, C, G and T; they are used neither in training nor in scores.",
    "other_letters": "Letters of these bases, with the number of each.",
    "genes": "Number of annotated genes; without any, all coverage counts as intergenic.",
    "signal_share": "Share of a sample's signal on this chromosome, both strands together; mean over samples.",
}
TRACK_NOTES = {
    "track": "Cell type and strand.",
    "samples": "Number of samples in the mean.",
    "total": "Normalised sum over the chosen chromosomes; the strands of a pair add up to the common total.",
    "mean": "Mean over all bases.",
    "nonzero_mean": "Mean over bases with signal, from which m in the squash is computed.",
    "nonzero": "Number of bases with signal.",
    "maximum": "Largest value.",
}
NONZERO_MEAN_NOTES = {
    "track": "Cell type and strand.",
    "samples": "Number of samples in the mean.",
    "nonzero_mean": "Mean over bases with signal.",
    "published": "The same of the published track.",
    "ratio": "Ours divided by the published one.",
    "far": "Whether the ratio is below 0.4 or above 2.5.",
}
PUBLISHED_NOTES = {
    **{name: _SCORE_COLUMNS[name] for name in ("model", "cell_type", "strand")},
    "published_name": "Name of the cell type in the publication.",
    "single_base_published": "Published score at single bases, in sample: no chromosome was held out.",
    "single_base_in_sample": "Score of this run on training chromosomes: in sample.",
    "single_base_held_out": "Score of this run on held-out chromosomes.",
    "gene_body_published": "Published score of genes, in sample.",
    "gene_body_in_sample": "pearson_log1p_gene_body of this run on training chromosomes: in sample.",
    "gene_body_held_out": "pearson_log1p_gene_body of this run on held-out chromosomes.",
}
OTHERS_NOTES = {
    **dict.fromkeys(("system", "level", "measure", "value"), ""),
    "window": "Length of the DNA input, in bases.",
    "resolution": "Bases per predicted value.",
    **dict.fromkeys(("data", "source"), ""),
}
BENCHMARK_NOTES = {
    "job": "Name of the benchmark file of the job.",
    "seconds": "Wall-clock time.",
    "peak_memory_mb": "Peak resident memory in MB; missing for jobs that were too short to be measured.",
}


@dataclass(frozen=True)
class Column:
    """A column's name, its meaning (may be empty), whether it is numeric, and whether it is shown on demand."""

    name: str
    meaning: str
    numeric: bool
    minor: bool = False


@dataclass(frozen=True)
class Table:
    """Columns, rows of formatted cells, and the number of further rows that are only in the file."""

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
    """Select columns of `frame` and format their cells.

    Numbers have thousands separators. Whole numbers have no decimals, others three, or one if the
    column reaches 1,000; a column in which all numbers are below 0.01 has three significant digits.
    A missing value is an en dash.

    Parameters
    ----------
    frame
        The data.
    columns
        Names of the columns to show, in order, each with its meaning (may be empty).
    decimals
        Number of decimals of columns that do not follow this rule.
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
    """A table of scores: baseline models follow the other baselines, and details are shown on demand."""
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
    """Make a table of names and values, such as settings or versions; values are formatted by `str`."""
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
