"""The report: one HTML file that says what was done, on which data, and how good the result is.

The page loads nothing from anywhere: style, script and figures are inside the file.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from markupsafe import Markup, escape

from ..files import read_text
from .tables import EMPTY_CELL, Table
from .templates import write_page

MAX_PICTURES = 12  # of one kind on the page


@dataclass(frozen=True)
class Picture:
    """A figure as the text of an SVG file, and a title for it."""

    title: str
    svg: str


@dataclass(frozen=True)
class Gallery:
    """Figures of one kind, the caption that says how to read them and what would be alarming, and what is left out."""

    caption: str
    pictures: Sequence[Picture]
    left_out: str = ""


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One model's training: its settings and its curve."""

    model: str
    settings: Table
    curve: Gallery


@dataclass(frozen=True, kw_only=True)
class Data:
    """Cell types and their samples, chromosomes, why samples were taken, their checks and tracks."""

    found: Table
    chromosomes: Table
    resolved: Table
    samples: Table
    correlation: Gallery
    pca: Gallery
    tracks: Table


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores beside published ones and those of other systems, then by level, with their figures."""

    beside: Table
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
        """Whether a published number stands in the table `beside`."""
        places = [place for place, column in enumerate(self.beside.columns) if column.name.endswith("_published")]
        return any(row[place] != EMPTY_CELL for row in self.beside.rows for place in places)


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """Everything that stands on the page, in its order.

    Parameters
    ----------
    title
        Title of the page.
    warnings
        Sentences that a reader must not miss, in a box above all else.
    summary
        Sentences at the top, such as those of `headline`.
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
    inputs, software, benchmarks
        Input files with size and md5, versions, and run time and peak memory of the jobs.
    """

    title: str
    warnings: Sequence[str]
    summary: Sequence[str]
    bars: Gallery
    overview: Table
    methods: Sequence[str]
    config: str
    data: Data
    training: Sequence[TrainingRun]
    untold_models: int
    scores: Scores
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
    numbers = count(1)

    def inline(picture: Picture) -> Markup:
        return inline_svg(picture, f"figure{next(numbers)}-")

    write_page(target, template, content=content, inline=inline)


def gallery(caption: str, paths: Mapping[str, Path], chosen: Collection[str] = (), why: str = "") -> Gallery:
    """Read figures, at most `MAX_PICTURES`: where there are more, those whose titles are chosen.

    Parameters
    ----------
    caption
        How to read them.
    paths
        SVG files by title.
    chosen
        Titles to show where not all can be; without any, the first ones are shown.
    why
        What the chosen ones are, in words.
    """
    shown = list(paths)
    if len(shown) > MAX_PICTURES:
        shown = [title for title in shown if not chosen or title in chosen][:MAX_PICTURES]
    pictures = [Picture(title, read_text(paths[title])) for title in shown]
    left_out = len(paths) - len(shown)
    folders = ", ".join(sorted({str(path.parent) for path in paths.values()})[:3])
    note = f"Of {len(paths):,} figures, {len(shown)} are shown{why}; the others are in {folders}." if left_out else ""
    return Gallery(caption, pictures, note)


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
