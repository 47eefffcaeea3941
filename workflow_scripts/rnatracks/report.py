"""The report: one HTML file that says what was done, on which data, and how good the result is.

The page loads nothing from anywhere: style, script and figures are inside the file.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from .errors import InputError
from .files import written_whole
from .terms import Split

MISSING = "–"

_SCORE_COLUMNS = {
    "model": "Folder of the model under models/.",
    "cell_type": "Cell type of the track.",
    "strand": "Strand of the track.",
    "split": "Chromosomes that count: train, valid and test as configured; all is their union.",
}
_PEARSON_COLUMNS = {
    "pearson_log1p": "Pearson correlation of log(1 + signal), observed against predicted. The main score.",
    "ci_low": "Lower end of its 95% confidence interval.",
    "ci_high": "Upper end of its 95% confidence interval.",
    "pearson": "Pearson correlation of the signal itself; a few strong genes decide it.",
    "log1p_of_pearson": "log(1 + pearson), given only to compare with work that reports it; 0.693 is its maximum.",
    "replicate_ceiling": "The main score between two halves of the samples: what noise leaves within reach.",
    "other_cell_type": "The main score when another cell type's observed track stands in for the prediction.",
}
BASE_COLUMNS = {
    **_SCORE_COLUMNS,
    "region": "Bases that count: all, or those in exons, in introns, or between genes.",
    "bases": "Number of bases; assembly gaps are left out.",
    **_PEARSON_COLUMNS,
}
GENE_COLUMNS = {
    **_SCORE_COLUMNS,
    "genes": "Number of genes; each is the mean over the union of its exons, on its own strand.",
    **{name: _PEARSON_COLUMNS[name] for name in ("pearson_log1p", "ci_low", "ci_high")},
    "spearman": "Rank correlation across genes.",
    **_PEARSON_COLUMNS,
}
DIFFERENTIAL_COLUMNS = {
    "model": "Key under models in the configuration; where it stands for one model a cell type, both are used.",
    "cell_type_a": "Cell type above the line in the log2 ratio of expression.",
    "cell_type_b": "Cell type below the line.",
    "strand": "Strand of the two tracks.",
    "split": _SCORE_COLUMNS["split"],
    "genes": "Number of genes.",
    "pearson": "Pearson correlation of the log2 ratio, observed against predicted, across genes.",
    "ci_low": "Lower end of its 95% confidence interval.",
    "ci_high": "Upper end of its 95% confidence interval.",
}
FOUND_COLUMNS = {
    "cell_type": "Cell type.",
    "samples": "Samples that were taken.",
    "published": "Samples behind the published model of this cell type, where there is one.",
    "not_taken": "Files that a search found and that were not taken; samples/rejected.tsv says why.",
}
RESOLVED_COLUMNS = {
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
SAMPLE_COLUMNS = {
    "sample": "Name in the sample sheet.",
    "cell_type": "Its cell type.",
    "strand": "Strand of the file.",
    "total": "Sum of the file's magnitudes over the chosen chromosomes, as stored.",
    "share_of_pair": "Its share of the sample's total over both strands; far from a half is alarming.",
    "nonzero_fraction": "Share of bases with any signal.",
    "maximum": "Largest magnitude, as stored.",
    "stored_negative": "Whether the file stores negative values, which count by their magnitude.",
    "scale": "Factor that brings the sample to the common total.",
}
TRACK_COLUMNS = {
    "track": "Cell type and strand.",
    "samples": "Samples averaged.",
    "total": "Sum over the chosen chromosomes, normalised; the strands of a pair add up to the common total.",
    "mean": "Mean over all bases.",
    "nonzero_mean": "Mean over bases with signal; averaged over a pair, it is the m of the squash.",
    "nonzero": "Bases with signal.",
    "maximum": "Largest value.",
}
BENCHMARK_COLUMNS = {
    "job": "Name of the job's benchmark file.",
    "seconds": "Wall-clock time.",
    "peak_memory_mb": "Largest resident memory, in MB; missing for jobs too short to be sampled.",
}


@dataclass(frozen=True)
class Column:
    """A column's name, what it means (may be empty), and whether it holds numbers."""

    name: str
    meaning: str
    numeric: bool


@dataclass(frozen=True)
class Table:
    """Columns, and rows of finished cell texts."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A figure as the text of an SVG file, and a title for it."""

    title: str
    svg: str


@dataclass(frozen=True)
class Gallery:
    """Figures of one kind, and the caption that says how to read them and what would be alarming."""

    caption: str
    pictures: Sequence[Picture]


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One model's training: its settings and its curve."""

    model: str
    settings: Table
    curve: Gallery


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """Everything that stands on the page, in its order.

    Parameters
    ----------
    title
        Title of the page.
    summary
        Sentences at the top, such as those of `headline`.
    warnings
        Sentences that a reader must not miss, in a box above all else.
    overview
        Workflow commit and the like, see `facts`.
    config
        The whole config as YAML.
    found, resolved, samples, tracks
        Samples found beside those published, the samples and why they were taken, their checks, track statistics.
    training
        One entry a model.
    bars, base, gene, differential, scatters
        Score bars, the three score tables, and observed against predicted genes.
    loci
        Locus figures.
    inputs, software, benchmarks
        Input files with size and md5, versions, and run time and peak memory of the jobs.
    """

    title: str
    summary: Sequence[str]
    warnings: Sequence[str]
    overview: Table
    config: str
    found: Table
    resolved: Table
    samples: Table
    tracks: Table
    training: Sequence[TrainingRun]
    bars: Gallery
    base: Table
    gene: Table
    differential: Table
    scatters: Gallery
    loci: Gallery
    inputs: Table
    software: Table
    benchmarks: Table


def write_report(target: Path, content: ReportContent, template: Path) -> None:
    """Write the page; `target` is complete or absent.

    Parameters
    ----------
    target
        The HTML file.
    content
        What stands on the page.
    template
        `report.html.j2`.
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = count(1)
    environment.filters["inline"] = lambda picture: inline_svg(picture, f"figure{next(numbers)}-")
    page = environment.get_template(template.name).render(content=content)
    with written_whole(target) as partial:
        partial.write_text(page, encoding="utf-8")


def table(frame: pd.DataFrame, columns: Mapping[str, str], decimals: Mapping[str, int] | None = None) -> Table:
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

    Raises
    ------
    ValueError
        If `frame` lacks a column.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ValueError(f"{missing=} must be among the table's columns {list(frame.columns)}")
    heads = tuple(Column(name, meaning, _is_numeric(frame[name])) for name, meaning in columns.items())
    texts = (_cells(frame[name], (decimals or {}).get(name)) for name in columns)
    return Table(heads, tuple(zip(*texts, strict=True)))


def facts(values: Mapping[str, object]) -> Table:
    """Make a table of names and values, such as settings or versions; each value stands as `str` writes it."""
    rows = tuple((name, MISSING if value is None or value == "" else str(value)) for name, value in values.items())
    return Table((Column("item", "", False), Column("value", "", False)), rows)


def headline(base: pd.DataFrame, gene: pd.DataFrame) -> list[str]:
    """Say each track's main score in one sentence a level, held-out first, training in brackets.

    Parameters
    ----------
    base, gene
        The tables `evaluation/base_resolution.tsv` and `evaluation/gene_expression.tsv`.

    Examples
    --------
    "Base resolution on held-out chromosomes, amber plus: 0.842 (training 0.871)."
    """
    sentences = []
    for level, frame in (("Base resolution", base[base["region"] == "all"]), ("Gene expression", gene)):
        several = frame.groupby(["cell_type", "strand"])["model"].nunique().max() > 1
        for (model, cell_type, strand), rows in frame.groupby(["model", "cell_type", "strand"], sort=False):
            scores = rows.set_index("split")["pearson_log1p"].dropna()
            track = f"{cell_type} {strand}" + (f", model {model}" if several else "")
            trained = f"{scores[Split.TRAIN]:.3f}" if Split.TRAIN in scores else MISSING
            if Split.TEST in scores:
                score = f"{scores[Split.TEST]:.3f} (training {trained})"
                sentences.append(f"{level} on held-out chromosomes, {track}: {score}.")
            else:
                sentences.append(f"{level} on training chromosomes, {track}: {trained} (no held-out score).")
    return sentences


def split_warnings(test: Sequence[str], *, simulated: bool) -> list[str]:
    """What a reader must know before any score: that nothing was held out, or that the data are simulated."""
    warnings = []
    if not test:
        warnings.append(
            "Nothing was held out: every score on this page is measured on chromosomes that the models "
            "were trained on, and says nothing about coverage that they were not trained on."
        )
    if simulated:
        warnings.append(
            "The data are simulated: expression is planted as short words in the exons, which is far easier to "
            "read than any real genome. The scores show that the workflow works, not that a model is good."
        )
    return warnings


def read_benchmarks(files: Sequence[Path], root: Path) -> pd.DataFrame:
    """Read Snakemake benchmark files.

    Parameters
    ----------
    files
        The files; a repeated job has one row a repeat, of which the slowest and the largest count.
    root
        Folder that the jobs' names leave out.

    Returns
    -------
    Columns `job`, `seconds` and `peak_memory_mb` (NaN where the job was too short to be sampled).

    Raises
    ------
    InputError
        If a file has no row, or lacks the columns `s` and `max_rss`.
    """
    rows = []
    for file in files:
        runs = pd.read_csv(file, sep="\t", na_values=["-", "NA"])
        if runs.empty or not {"s", "max_rss"} <= {*runs.columns}:
            found = f"{len(runs)} rows of {', '.join(runs.columns)}"
            raise InputError(file, found, "a Snakemake benchmark with the columns s and max_rss")
        job = file.relative_to(root).with_suffix("").as_posix()
        rows.append((job, float(runs["s"].max()), float(runs["max_rss"].max())))
    return pd.DataFrame(rows, columns=["job", "seconds", "peak_memory_mb"])


def inline_svg(picture: Picture, prefix: str) -> Markup:
    """Make an SVG file's text safe to stand beside others in one HTML page.

    Only the `svg` element stays, without comments and metadata, and every id and every
    reference to one gets the prefix: matplotlib uses the same ids in every file.
    """
    start = picture.svg.find("<svg")
    if start < 0:
        raise ValueError(f"{picture.title}: no <svg in {picture.svg[:40]!r}")
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", picture.svg[start:], flags=re.DOTALL)
    svg = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{prefix}", svg)
    svg = re.sub(r"\n\s*\n+", "\n", svg)
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{escape(picture.title)}"', 1))


def _is_numeric(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _cells(values: pd.Series, decimals: int | None) -> list[str]:
    pattern = _pattern(values, decimals) if _is_numeric(values) else "{}"
    return [MISSING if pd.isna(value) or value == "" else pattern.format(value) for value in values]


def _pattern(values: pd.Series, decimals: int | None) -> str:
    """Choose the format string of a column of numbers."""
    largest = values.abs().max()
    if decimals is None and 0 < largest < 0.01:
        return "{:.3g}"
    if decimals is None and pd.notna(largest):
        whole = pd.api.types.is_integer_dtype(values) or (largest > 1 and (values.dropna() % 1 == 0).all())
        decimals = 0 if whole else 1 if largest >= 1000 else 3
    return f"{{:,.{decimals or 0}f}}"
