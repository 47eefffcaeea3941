"""Observed and predicted tracks to show, in the order in which they are drawn."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..evaluation.scored_tracks import ModelTrack
from ..genome.loci import Region
from ..tracks.bigwig import Coverage
from ..variants.top import TopVariant
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


def allele_panels(variant: TopVariant, region: Region, predicted: Mapping[Track, Path], folder: Path) -> list[Panel]:
    """Panels of both alleles of a variant, of the tracks that it changes most.

    Parameters
    ----------
    region
        Within the region of the variant.
    predicted
        The model's tracks.
    folder
        Of the alternative tracks, `variants/{model}/top`.
    """
    panels = []
    for track in variant.shown_tracks:
        panel = ShownTrack(track, predicted[track], variant.model).panel(region)
        with Coverage(variant.bigwig(folder, track)) as coverage:
            alternative = coverage.values(region.chrom, region.start, region.end, missing=np.nan)
        panels.append(replace(panel, label=f"{track.cell_type} {track.strand}", alternative=alternative))
    return panels
