"""Tracks that models learn: mean tracks with the scale of their targets."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..files import read_text
from ..vocabulary import Track
from .squash import strand_pair_mean


@dataclass(frozen=True)
class TargetTrack:
    """A mean track to learn: its name, its bigWig, and its nonzero mean m."""

    name: str
    path: Path
    nonzero_mean: float


def target_tracks(statistics: Iterable[Path], bigwigs: Iterable[Path]) -> list[TargetTrack]:
    """Pair mean tracks with their m: nonzero means, averaged over the strands of a cell type.

    Parameters
    ----------
    statistics, bigwigs
        `tracks/observed/{track}.json` and `.bw`, in the same order.

    Raises
    ------
    InputError
        If a nonzero mean is not a positive finite number: such a track has no signal.
    """
    of_tracks = {path: Track.parse(json.loads(read_text(path))["track"]) for path in statistics}
    by_cell_type: dict[str, list[Path]] = {}
    for path, track in of_tracks.items():
        by_cell_type.setdefault(track.cell_type, []).append(path)
    means = {cell_type: strand_pair_mean(paths) for cell_type, paths in by_cell_type.items()}
    return [
        TargetTrack(str(track), path, means[track.cell_type])
        for track, path in zip(of_tracks.values(), bigwigs, strict=True)
    ]
