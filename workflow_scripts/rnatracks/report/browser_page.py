"""The browser page: observed and predicted coverage of some regions, in one HTML file that loads nothing.

The drawing is the page's own (`resources/browser_drawing.js`), not a plotting library's: a step of panning or zooming
over 40 panels of 8,192 bins takes it 0.05 s, where plotly takes 0.7 s and adds 4.8 MB to the file.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..evaluation.extreme_genes import Standout, Standouts
from ..figures.colours import ALTERNATIVE_COLOURS, SIGNAL_COLOURS
from ..figures.shown_tracks import ShownTrack, ShownVariant
from ..genome.edits import Edit
from ..genome.loci import Region, locate
from ..tracks.bigwig import BLOCK_BASES, Coverage
from ..variants.top_variants import TopVariant
from ..vocabulary import Strand
from .templates import write_page

MAX_BINS = 8192
MAX_VARIANT_PLACES = 5
MAX_LEVEL = 65535  # of a value's 16 bits


class Why(StrEnum):
    """Why a region is on the page."""

    LOCUS = "locus"
    BEST = "best"
    MISSED = "missed"
    INVENTED = "invented"
    VARIANT = "variant"


GROUPS = {
    Why.LOCUS: "Loci of the configuration",
    Why.BEST: "Genes predicted best",
    Why.MISSED: "Genes missed",
    Why.INVENTED: "Genes invented",
    Why.VARIANT: "Sequence changes with the strongest effects",
}
NOTES = {
    Why.BEST: "is among the expressed genes that are predicted best",
    Why.MISSED: "is expressed, and among the genes that are missed most",
    Why.INVENTED: "is silent or nearly so, and among the genes that are invented",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A region to show, and for what.

    `gene` is given where it is a gene's prediction, and `variants` where it is a variant, once for each model.
    """

    name: str
    why: Why
    region: Region
    gene: Standout | None = None
    variants: Sequence[ShownVariant] = ()


@dataclass(frozen=True, kw_only=True)
class PageText:
    """What the page says in addition to its figures.

    Parameters
    ----------
    held_out
        Chromosomes that the genes were chosen from; empty if none was held out.
    left_out
        Cell types of the run that are not on the page.
    pseudocount
        That of the log2 ratios, in normalised coverage.
    """

    held_out: Sequence[str]
    left_out: Sequence[str]
    pseudocount: float


def places_of(
    loci: Mapping[str, Region], found: Standouts, genes: pd.DataFrame, sizes: Mapping[str, int]
) -> list[Place]:
    """The loci of the configuration, then the genes that stand out, as `loci.locate` finds them."""
    places = [Place(name=name, why=Why.LOCUS, region=region) for name, region in loci.items()]
    return places + [
        Place(name=gene.gene_name, why=why, region=locate(gene.gene_id, genes, sizes), gene=gene)
        for why, chosen in ((Why.BEST, found.best), (Why.MISSED, found.missed), (Why.INVENTED, found.invented))
        for gene in chosen
    ]


def variant_places(tops: Sequence[Sequence[ShownVariant]]) -> list[Place]:
    """At most `MAX_VARIANT_PLACES` variants: the strongest of each model, then the second of each, and so on.

    Parameters
    ----------
    tops
        The strongest variants of each model, strongest first.
    """
    by_edit: dict[Edit, list[ShownVariant]] = {}
    for each in chain.from_iterable(zip_longest(*tops)):
        if each is not None and (each.variant.edit in by_edit or len(by_edit) < MAX_VARIANT_PLACES):
            by_edit.setdefault(each.variant.edit, []).append(each)
    return [
        Place(name=shown[0].variant.name, why=Why.VARIANT, region=shown[0].variant.region, variants=shown)
        for shown in by_edit.values()
    ]


def binned_maxima(coverage: Coverage, region: Region, width: int) -> NDArray[np.float32]:
    """Largest value in each bin of `width` bases of a region, the last bin perhaps shorter; read block by block."""
    step = max(1, BLOCK_BASES // width) * width
    parts = []
    for start in range(region.start, region.end, step):
        values = coverage.values(region.chrom, start, min(start + step, region.end))
        parts.append(np.maximum.reduceat(values, np.arange(0, len(values), width)))
    return np.concatenate(parts)


def quantise(values: NDArray[np.floating]) -> tuple[float, str]:
    """Write values of 0 and more as 16-bit shares of the largest, little-endian, in base64.

    Returns
    -------
    The largest value, `peak`, and the text. A value read back as `share * peak / 65535` is off by
    `peak / 131070` at most.
    """
    peak = float(values.max())
    shares = np.rint(values.astype(np.float64) * (MAX_LEVEL / peak)) if peak > 0 else np.zeros(len(values))
    return peak, base64.b64encode(shares.astype("<u2").tobytes()).decode()


def write_browser(
    target: Path,
    template: Path,
    places: Sequence[Place],
    sources: Sequence[ShownTrack],
    genes: pd.DataFrame,
    exons: pd.DataFrame,
    text: PageText,
) -> None:
    """Write the page; `target` is complete or absent.

    Parameters
    ----------
    target
        The HTML file.
    template
        `browser.html.j2`; its script `browser.js` is next to it.
    places
        Regions, in the page's order.
    sources
        Tracks, from top to bottom.
    genes, exons
        As `tables.read_genes` and `read_exons` give them.
    text
        What the page says in addition to its figures.

    Raises
    ------
    InputError
        If a bigWig cannot be read, or lacks a region.
    """
    several = {s.track for s in sources if s.model and sum(s.track == o.track and o.model != "" for o in sources) > 1}
    widths = [-(-(place.region.end - place.region.start) // MAX_BINS) for place in places]
    signals: list[list[tuple[float, str] | None]] = [[] for _ in places]
    tracks = []
    for source in sources:
        tracks.append(_track_record(source, several=source.track in several))
        with Coverage(source.path) as coverage:
            for place, width, held in zip(places, widths, signals, strict=True):
                held.append(quantise(binned_maxima(coverage, place.region, width)))
        alternatives = [_alternative(place, source) for place in places]
        if any(alternatives):
            tracks.append(_track_record(source, several=source.track in several, alternative=True))
            for path, place, width, held in zip(alternatives, places, widths, signals, strict=True):
                held.append(_signal(path, place.region, width) if path else None)
    data = {
        "groups": [{"why": why, "title": title} for why, title in GROUPS.items()],
        "tracks": tracks,
        "regions": [
            _region_record(place, width, genes, exons) | {"signals": held}
            for place, width, held in zip(places, widths, signals, strict=True)
        ],
    }
    coarsest = max(widths, default=1)
    write_page(
        target, template, data=data, places=places, groups=GROUPS, text=text, coarsest=coarsest, levels=MAX_LEVEL
    )


def _alternative(place: Place, source: ShownTrack) -> Path | None:
    """BigWig of a place's variant as the model of a predicted track sees it, if there is one."""
    own = [each for each in place.variants if each.variant.model == source.model]
    return own[0].bigwig(source.track) if own else None


def _signal(path: Path, region: Region, width: int) -> tuple[float, str]:
    with Coverage(path) as coverage:
        return quantise(binned_maxima(coverage, region, width))


def _track_record(source: ShownTrack, *, several: bool, alternative: bool = False) -> dict[str, str]:
    strand = source.track.strand
    kind = "alternative" if alternative else str(source.kind)
    shades = ALTERNATIVE_COLOURS if alternative else {each: SIGNAL_COLOURS[source.kind, each] for each in Strand}
    return {
        "cellType": source.track.cell_type,
        "strand": str(strand),
        "symbol": {Strand.PLUS: "+", Strand.MINUS: "−", Strand.UNSTRANDED: ""}[strand],
        "kind": kind,
        "model": source.model,
        "source": f"{kind} by {source.model}" if several and source.model else kind,
        "colour": shades[strand],
        "textColour": shades[Strand.PLUS],
    }


def _region_record(place: Place, width: int, genes: pd.DataFrame, exons: pd.DataFrame) -> dict:
    """The region, its bins' width, and the genes that touch it with all their exons; 0-based half-open."""
    region = place.region
    near = genes[(genes["chrom"] == region.chrom) & (genes["start"] < region.end) & (genes["end"] > region.start)]
    boxes = exons[exons["gene_id"].isin(near["gene_id"])].groupby("gene_id")[["start", "end"]]
    exons_of = {gene_id: rows.to_numpy().tolist() for gene_id, rows in boxes}
    shown = [
        {
            "id": gene.gene_id,
            "name": gene.gene_name,
            "strand": gene.strand,
            "start": gene.start,
            "end": gene.end,
            "exons": exons_of[gene.gene_id],
        }
        for gene in near.sort_values(["start", "end"]).itertuples()
    ]
    variant = place.variants[0].variant if place.variants else None
    chosen = place.gene or variant
    own = chosen.gene_id if chosen else ""
    head = {"name": place.name, "why": str(place.why), "gene": own, "note": _note(place), "bin": width}
    change = [variant.edit.start, variant.edit.end] if variant else None
    return asdict(region) | head | {"change": change, "genes": shown}


def _note(place: Place) -> str:
    gene = place.gene
    if place.variants:
        effects = "; ".join(_effect_note(each.variant) for each in place.variants)
        return f"{place.name}: {effects}. Tick “alternative” to show its coverage."
    if gene is None:
        return "A locus of the configuration."
    return (
        f"{gene.gene_name} {NOTES[place.why]}: {gene.track.cell_type} {gene.track.strand} by "
        f"{gene.model}, mean over exons observed {gene.observed:.4g}, predicted {gene.predicted:.4g}, "
        f"log2 ratio {gene.log2_ratio:+.2f}."
    )


def _effect_note(variant: TopVariant) -> str:
    score = "no gene score" if np.isnan(variant.gene_score) else f"gene score {variant.gene_score:.3f}"
    return (
        f"{variant.gene_name} in {variant.track.cell_type} {variant.track.strand} by {variant.model}, mean over exons "
        f"reference {variant.reference:.4g}, alternative {variant.alternative:.4g}, "
        f"log2 ratio {variant.log2_ratio:+.2f} ({score})"
    )
