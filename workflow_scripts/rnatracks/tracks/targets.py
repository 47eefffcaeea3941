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


def target_tracks(statistics: Iterable[Path], bigwigs: Iterable[Path], track_mean: str = "pair") -> list[TargetTrack]:
    """Pair mean tracks with their m.

    Parameters
    ----------
    statistics, bigwigs
        `tracks/observed/{track}.json` and `.bw`, in the same order.
    track_mean
        `pair`: m is the nonzero mean, averaged over the strands of a cell type; `track`: each track has its own.

    Raises
    ------
    InputError
        If a nonzero mean is not a positive finite number: such a track has no signal.
    """
    of_tracks = {path: Track.parse(json.loads(read_text(path))["track"]) for path in statistics}

    def shared(track: Track) -> str | Track:
        return track.cell_type if track_mean == "pair" else track

    groups: dict[str | Track, list[Path]] = {}
    for path, track in of_tracks.items():
        groups.setdefault(shared(track), []).append(path)
    means = {key: strand_pair_mean(paths) for key, paths in groups.items()}
    return [
        TargetTrack(str(track), path, means[shared(track)])
        for track, path in zip(of_tracks.values(), bigwigs, strict=True)
    ]
