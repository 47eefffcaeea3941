"""Observed and predicted tracks to show, in the order in which they are drawn."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..evaluation.scored_tracks import ModelTrack
from ..genome.loci import Region
from ..tracks.bigwig import Coverage
from ..variants.top_variants import TopVariant, read_top
from ..vocabulary import Track
from .colours import SignalKind
from .locus import Panel


@dataclass(frozen=True)
class ShownTrack:
    """A track and its bigWig; `model` is empty for observed tracks."""

    track: Track
    path: Path
    model: str = ""

    @property
    def kind(self) -> SignalKind:
        """Whether it is measured or predicted."""
        return SignalKind.PREDICTED if self.model else SignalKind.OBSERVED

    def panel(self, region: Region) -> Panel:
        """Its panel in a locus figure."""
        label = f"{self.track.cell_type} {self.track.strand}" + (f"\n{self.model}" if self.model else "")
        with Coverage(self.path) as coverage:
            values = coverage.values(region.chrom, region.start, region.end)
        return Panel(label, self.kind, self.track.strand, values, self.track.cell_type)


@dataclass(frozen=True)
class ShownVariant:
    """One of a model's strongest variants, and the folder of its alternative tracks, `variants/{model}/top`."""

    variant: TopVariant
    folder: Path

    def bigwig(self, track: Track) -> Path | None:
        """Coverage of the alternative on the reference's coordinates; None for tracks that it hardly changes."""
        if track not in self.variant.shown_tracks:
            return None
        return self.folder / self.variant.bigwig_name(track)


def shown_tracks(
    tracks: Iterable[Track], paths: Iterable[str], predicted: Sequence[ModelTrack], predicted_paths: Sequence[str]
) -> list[ShownTrack]:
    """Each observed track, followed by its predictions."""
    shown = []
    for track, path in zip(tracks, paths, strict=True):
        shown.append(ShownTrack(track, Path(path)))
        shown += [
            ShownTrack(track, Path(prediction), model)
            for (model, other), prediction in zip(predicted, predicted_paths, strict=True)
            if other == track
        ]
    return shown


def read_shown_variants(models: Sequence[str], tables: Sequence[str]) -> list[list[ShownVariant]]:
    """The strongest variants of each model, from tables `variants/{model}/top.tsv`."""
    return [
        [ShownVariant(each, Path(table).with_suffix("")) for each in read_top(Path(table), model)]
        for model, table in zip(models, tables, strict=True)
    ]


def allele_panels(shown: ShownVariant, region: Region, predicted: Mapping[Track, Path]) -> list[Panel]:
    """Panels of both alleles of a variant, of the tracks that it changes most.

    Parameters
    ----------
    region
        Within the region of the variant.
    predicted
        The model's tracks.
    """
    panels = []
    for track in shown.variant.shown_tracks:
        panel = ShownTrack(track, predicted[track], shown.variant.model).panel(region)
        with Coverage(shown.folder / shown.variant.bigwig_name(track)) as coverage:
            alternative = coverage.values(region.chrom, region.start, region.end, missing=np.nan)
        panels.append(replace(panel, label=f"{track.cell_type} {track.strand}", alternative=alternative))
    return panels
