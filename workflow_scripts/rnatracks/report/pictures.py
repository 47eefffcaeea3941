"""Figures inside the page: SVG files made safe to stand in one HTML file."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from ..files import read_text

MAX_PICTURES = 12  # of one kind on the page


@dataclass(frozen=True)
class Picture:
    """A figure as the text of an SVG file, and a title for it."""

    title: str
    svg: str

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of its view box."""
        found = re.search(r'\sviewBox="0 0 ([0-9.]+) ([0-9.]+)"', self.svg)
        if found is None:
            raise ValueError(f"{self.title}: no viewBox from 0 0 in {self.svg[:40]!r}")
        return float(found[1]), float(found[2])

    @property
    def shape(self) -> float:
        """Height over width."""
        width, height = self.size
        return height / width


@dataclass(frozen=True)
class Gallery:
    """Figures of one kind, the caption that says how to read them, and a note on what is left out."""

    caption: str
    pictures: Sequence[Picture]
    left_out: str = ""


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
    """Make an SVG file's text safe to stand next to others in one HTML page.

    Only the `svg` element stays, without comments and metadata. It gets the id `{prefix}picture`, and every id in it
    and every reference to one gets the prefix: matplotlib uses the same ids in every file.
    """
    start = picture.svg.find("<svg")
    if start < 0:
        raise ValueError(f"{picture.title}: no <svg in {picture.svg[:40]!r}")
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", picture.svg[start:], flags=re.DOTALL)
    svg = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{prefix}", svg)
    svg = re.sub(r"\n\s*\n+", "\n", svg)
    return Markup(svg.replace("<svg", f'<svg id="{prefix}picture" {_described(picture)}', 1))


def same_svg(picture: Picture, prefix: str) -> Markup:
    """Show a picture once more that `inline_svg` has put into the page with this prefix, without its bytes."""
    width, height = picture.size
    return Markup(
        f'<svg {_described(picture)} width="{width:g}pt" height="{height:g}pt" viewBox="0 0 {width:g} {height:g}">'
        f'<use href="#{prefix}picture" width="{width:g}" height="{height:g}"/></svg>'
    )


def _described(picture: Picture) -> str:
    return f'role="img" aria-label="{escape(picture.title)}"'
