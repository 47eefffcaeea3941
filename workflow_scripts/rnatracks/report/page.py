"""The report: one HTML file that says what was done, on which data, and how good the result is.

The page loads nothing from anywhere: style, script and figures are inside the file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from markupsafe import Markup

from .pictures import Gallery, Picture, inline_svg, same_svg
from .summary import NAMING_HEAD, NOTHING_HELD_OUT, Summary
from .tables import EMPTY_CELL, Table
from .templates import write_page
from .warnings import ReportWarning, first_lines


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One model's training: its settings and its curve."""

    model: str
    settings: Table
    curve: Gallery


@dataclass(frozen=True, kw_only=True)
class Data:
    """Cell types and their samples, chromosomes, why samples were taken, their checks and tracks.

    `nonzero_means` is None if there are no published ones.
    """

    found: Table
    chromosomes: Table
    resolved: Table
    samples: Table
    correlation: Gallery
    pca: Gallery
    tracks: Table
    nonzero_means: Table | None
    nonzero_mean_figure: Gallery


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Published scores and those of other systems, then ours by level, with their figures."""

    published: Table
    differences_from_published: Sequence[str]
    others: Table
    base: Table
    base_scatters: Gallery
    chromosomes: Gallery
    seams: Gallery
    gene: Table
    gene_scatters: Gallery
    levels: Gallery
    differential: Table
    differential_genes: Table
    differences: Gallery

    @property
    def published_shown(self) -> bool:
        """Whether the table `published` contains a published score."""
        places = [place for place, column in enumerate(self.published.columns) if column.name.endswith("_published")]
        return any(row[place] != EMPTY_CELL for row in self.published.rows for place in places)


@dataclass(frozen=True, kw_only=True)
class SequenceChanges:
    """Predicted effects of variants.

    Parameters
    ----------
    window
        Bases that a model reads at once.
    scored
        Whether the models have a gene score: whether anything was held out.
    sets
        What was scored and skipped, by set of variants.
    strongest
        The strongest variants by model and set.
    left_out
        Pairs of model and set whose effects are in files only.
    distributions, loci
        Sizes of effects next to those of random changes, and both alleles of the strongest variants.
    planted, planted_figures
        Predicted effects against those that a simulation planted; None if there are none.
    """

    window: int
    scored: bool
    sets: Table
    strongest: Table
    left_out: int
    distributions: Gallery
    loci: Gallery
    planted: Table | None
    planted_figures: Gallery


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """Everything on the page.

    Parameters
    ----------
    title
        Title of the page.
    run_line
        What the run is, a few words under each heading.
    summary
        The table of the first screen.
    warnings
        Of the first screen; the full texts are lower on the page.
    bars
        Scores of all tracks in one figure.
    overview
        Workflow commit and the like.
    methods
        Paragraphs to paste into a paper.
    config
        The whole config as YAML.
    data, training, scores
        The sections of these names.
    untold_models
        Number of further models that were trained.
    loci
        Locus figures.
    changes
        Predicted effects of variants; None if no variants are configured.
    inputs, software, benchmarks
        Input files with size and md5, versions, and run time and peak memory of the jobs.
    """

    title: str
    run_line: Mapping[str, str]
    summary: Summary
    warnings: Sequence[ReportWarning]
    bars: Gallery
    overview: Table
    methods: Sequence[str]
    config: str
    data: Data
    training: Sequence[TrainingRun]
    untold_models: int
    scores: Scores
    loci: Gallery
    changes: SequenceChanges | None
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
        Everything on the page.
    template
        `report.html.j2`.
    """
    seen: dict[Picture, str] = {}

    def inline(picture: Picture) -> Markup:
        if picture in seen:
            return same_svg(picture, seen[picture])
        seen[picture] = f"figure{len(seen) + 1}-"
        return inline_svg(picture, seen[picture])

    write_page(
        target,
        template,
        content=content,
        lines=first_lines(content.warnings),
        naming=NAMING_HEAD,
        nothing_held_out=NOTHING_HELD_OUT,
        inline=inline,
        figure_number=partial(next, count(1)),
        table_number=partial(next, count(1)),
    )
