"""Gene models above a region: exons, introns with the direction of the gene, and names that do not overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .style import INK, SOFT

LETTER_WIDTH = 0.075  # inches, of a letter in a gene's name


class GeneModels:
    """Rows of gene models in a region.

    Parameters
    ----------
    chrom, start, end
        The region, 0-based half-open.
    genes, exons
        As in `locus_figure`.
    width
        Of the axes in inches, for the space that names need.

    Attributes
    ----------
    height
        Of the axes in inches.
    """

    def __init__(
        self, chrom: str, start: int, end: int, genes: pd.DataFrame, exons: pd.DataFrame, width: float
    ) -> None:
        self._no_gene = "no gene models given" if genes.empty else "no annotated gene in this region"
        genes = genes[(genes["chrom"] == chrom) & (genes["start"] < end) & (genes["end"] > start)].sort_values("start")
        letter = LETTER_WIDTH / width * (end - start)
        self._region = start, end
        self._exons = exons[exons["chrom"] == chrom]
        self._labels = [_place_label(gene, start, end, letter) for gene in genes.itertuples()]
        self._rows = pack_rows([(label.left, label.right) for label in self._labels])
        self.height = 0.32 * (max(self._rows, default=0) + 1) + 0.1

    def draw(self, axes: Axes) -> None:
        """Draw the genes, at 1-based positions, or say that there is none."""
        start, end = self._region
        axes.set_yticks([])
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.set_ylim(max(self._rows, default=0) + 0.55, -0.6)
        for label, row in zip(self._labels, self._rows, strict=True):
            axes.plot(
                np.add(label.seen, 0.5), [row + 0.2] * 2, color=INK, linewidth=0.8, solid_capstyle="butt", zorder=1
            )
            step = (end - start) / 50
            arrows = np.arange(label.seen[0] + step / 2, label.seen[1], step) + 0.5
            marker = ">" if label.strand == "+" else "<"
            axes.plot(arrows, np.full(len(arrows), row + 0.2), marker, color=INK, markersize=2.5, zorder=1)
            exons = self._exons[self._exons["gene_id"] == label.gene_id]
            own = exons[(exons["start"] < end) & (exons["end"] > start)]
            left, right = own["start"].clip(lower=start), own["end"].clip(upper=end)
            axes.broken_barh(list(zip(left + 0.5, right - left, strict=True)), (row, 0.4), color=INK, linewidth=0.3)
            axes.text(label.centre + 0.5, row - 0.12, label.text, ha="center", va="bottom", size=8)
        if not self._labels:
            axes.text(0.5, 0.5, self._no_gene, transform=axes.transAxes, ha="center", color=SOFT)


def pack_rows(intervals: Sequence[tuple[float, float]]) -> list[int]:
    """Give each interval the first row where it overlaps no earlier one; intervals must be sorted by their left end."""
    ends: list[float] = []
    rows = []
    for left, right in intervals:
        row = next((index for index, end in enumerate(ends) if end <= left), len(ends))
        ends[row : row + 1] = [right]
        rows.append(row)
    return rows


@dataclass(frozen=True)
class _GeneLabel:
    """A gene, the part of it in view, the position of its name, and the space that both need."""

    gene_id: str
    strand: str
    text: str
    seen: tuple[float, float]
    centre: float
    left: float
    right: float


def _place_label(gene, start: int, end: int, letter: float) -> _GeneLabel:
    """Centre the name over the part of the gene that is in view; `letter` is the width of a letter in bases."""
    text = f"{gene.gene_name} →" if gene.strand == "+" else f"← {gene.gene_name}"
    seen = max(gene.start, start), min(gene.end, end)
    half = letter * len(text) / 2
    centre = min(max(sum(seen) / 2, start + half), max(end - half, start + half))
    room = min(seen[0], centre - half) - letter, max(seen[1], centre + half) + letter
    return _GeneLabel(gene.gene_id, gene.strand, text, seen, centre, *room)
