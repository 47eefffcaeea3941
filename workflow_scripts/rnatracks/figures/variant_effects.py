"""Figures of sequence changes: how large effects are next to those of random changes, and both alleles at a locus."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ..genome.loci import Region
from ..variants.effect_summary import EFFECT_EDGES, EffectCounts
from ..variants.top_variants import TopVariant
from ..vocabulary import Strand
from .colours import CHANGE_COLOUR
from .locus import Panel, locus_figure, mark_change
from .style import FAINT, SOFT, STYLE

_ZERO_GAP = 0.6  # on the log10 axis, between exact 0 and the smallest effect


@matplotlib.rc_context(STYLE)
def effect_distribution(
    variants: Mapping[Strand, EffectCounts], random: Mapping[Strand, EffectCounts], title: str
) -> Figure:
    """Draw the share of effects that are at least as large as each size, one panel per strand.

    The axis of sizes is logarithmic, and effects of exactly 0 have their own place at its left.

    Parameters
    ----------
    variants, random
        Effects on genes by strand of the track, of the variants and of the matched random changes; the latter may be
        empty.
    title
        Title of the figure.
    """
    figure = Figure(figsize=(7.5, 3.1), layout="constrained")
    strands = [strand for strand in Strand if strand in variants or strand in random]
    panels = figure.subplots(1, max(len(strands), 1), sharey=True, squeeze=False)[0]
    figure.suptitle(title, x=0.01, ha="left", size=10)
    drawn = [counts for both in (variants, random) for counts in both.values()]
    filled = [np.flatnonzero(counts.bins) for counts in drawn if counts.bins.any()]
    first = min((bins[0] for bins in filled), default=1) - 1
    last = max((bins[-1] for bins in filled), default=len(EFFECT_EDGES))
    shown = slice(max(first, 0), min(last + 1, len(EFFECT_EDGES)))
    at = np.log10(EFFECT_EDGES[shown])
    lowest = 1 / max((counts.number for counts in drawn), default=1)
    for axes, strand in zip(panels, strands, strict=False):
        for name, counts, colour in (
            ("random changes", random.get(strand), SOFT),
            ("variants", variants.get(strand), "#D55E00"),
        ):
            if counts is not None and counts.number:
                _draw_shares(axes, counts, at, shown, name, colour)
        axes.set_title({Strand.PLUS: "plus strand", Strand.MINUS: "minus strand"}.get(strand, str(strand)), loc="left")
        axes.set_yscale("log")
        axes.set_ylim(0.7 * lowest, 1.3)
        shares = 10.0 ** -np.arange(np.floor(-np.log10(lowest)) + 1)
        axes.set_yticks(shares, [f"{100 * share:g}%" for share in shares])
        axes.yaxis.set_minor_locator(NullLocator())
        _label_sizes(axes, at)
        axes.legend(loc="lower left")
    if not strands:
        panels[0].text(0.5, 0.5, "no effect on any gene", transform=panels[0].transAxes, ha="center", color=SOFT)
    panels[0].set_ylabel("share of effects at least as large")
    return figure


def _draw_shares(axes: Axes, counts: EffectCounts, at: np.ndarray, shown: slice, name: str, colour: str) -> None:
    shares = counts.share_at_least[shown]
    zero = at[0] - _ZERO_GAP
    label = f"{name}: {counts.number:,} effects"
    if counts.zeros:
        label += f"\n({counts.zeros / counts.number:.1%} exactly 0)"
    axes.plot([zero - 0.1, zero + _ZERO_GAP / 2], [1, 1], color=colour, linewidth=1.6, solid_capstyle="butt")
    some = shares > 0
    axes.step(at[some], shares[some], where="post", color=colour, linewidth=1.6, label=label)


def _label_sizes(axes: Axes, at: np.ndarray) -> None:
    """Ticks at powers of ten, and at 0 where the axis is broken."""
    zero = at[0] - _ZERO_GAP
    powers = np.arange(np.ceil(at[0]), np.floor(at[-1]) + 1)
    powers = powers[powers - zero > (at[-1] - zero) / 8]
    powers = powers[:: max(1, int(np.ceil(len(powers) / 4)))]
    labels = [f"{10.0**power:g}" if power >= -3 else f"1e{power:.0f}" for power in powers]
    axes.set_xticks([zero, *powers], ["0", *labels])
    axes.axvline(at[0] - _ZERO_GAP / 2, color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set_xlim(zero - 0.15, at[-1] + 0.1)
    axes.set_xlabel("size of the effect, |log2 ratio|")
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#E6E6E6", linewidth=0.6)


@matplotlib.rc_context(STYLE)
def variant_figure(
    variant: TopVariant, region: Region, genes: pd.DataFrame, exons: pd.DataFrame, panels: Sequence[Panel]
) -> Figure:
    """Draw both alleles of a variant: reference coverage filled, alternative coverage as a line, below gene models.

    Parameters
    ----------
    variant
        The variant, which is marked in all panels.
    region
        What to draw.
    genes, exons
        As in `locus_figure`.
    panels
        Panels with `alternative`.
    """
    figure = locus_figure(region.chrom, region.start, region.end, genes, exons, panels)
    start, end = variant.edit.start, variant.edit.end
    middle = (start + end + 1) / 2  # for an insertion, between two bases
    for axes in figure.axes:
        mark_change(axes, start + 0.5, end + 0.5)
    top = figure.axes[0]
    across = top.get_xaxis_transform()
    top.plot([middle], [1.02], "v", color=CHANGE_COLOUR, markersize=7, transform=across, clip_on=False)
    top.set_title(variant.name, loc="left", size=10, pad=10)
    how = "filled: reference; line: alternative; y axes: normalised coverage"
    top.set_title(how, loc="right", size=8, color=SOFT, pad=10)
    return figure


def shown_region(variant: TopVariant, genes: pd.DataFrame, margin: float = 0.1) -> Region:
    """The gene of the strongest effect and the change, with a margin, as far as the change can reach."""
    gene = genes[genes["gene_id"] == variant.gene_id].iloc[0]
    start, end = min(int(gene["start"]), variant.edit.start), max(int(gene["end"]), variant.edit.end)
    pad = int(margin * (end - start)) + 50
    whole = variant.region
    return Region(whole.chrom, max(start - pad, whole.start), min(end + pad, whole.end))


@matplotlib.rc_context(STYLE)
def no_variant_figure() -> Figure:
    """A figure in place of one of a variant that there is not."""
    figure = Figure(figsize=(4, 0.6))
    figure.text(0.5, 0.5, "no further variant with an effect", ha="center", va="center", color=SOFT)
    return figure
