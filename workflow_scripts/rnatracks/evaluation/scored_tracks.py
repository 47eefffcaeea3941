"""What a run scores: predicted tracks, pairs of them, and what they are compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from ..vocabulary import Track


class ModelTrack(NamedTuple):
    """One track predicted by one model."""

    model: str
    track: Track


class ScoredPair(NamedTuple):
    """Tracks of two cell types on one strand, predicted by the models of one family."""

    family: str
    first: ModelTrack
    second: ModelTrack


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Everything that is scored, and what it is compared with.

    Parameters
    ----------
    tracks, pairs
        In the order of the score tables.
    families
        Family of each model, by the model's name.
    others
        By cell type, the one whose observed tracks are a baseline; None if there is none.
    half_sizes
        By cell type, the number of samples in each half.
    baselines
        Families whose scores are shown as a column for the others.
    """

    tracks: Sequence[ModelTrack]
    pairs: Sequence[ScoredPair]
    families: Mapping[str, str]
    others: Mapping[str, str | None]
    half_sizes: Mapping[str, Sequence[int]]
    baselines: Sequence[str]

    @property
    def halved(self) -> list[Track]:
        """Tracks that are means of two samples or more, each once."""
        return [
            track for track in dict.fromkeys(track for _, track in self.tracks) if all(self.half_sizes[track.cell_type])
        ]

    def to_plain(self) -> dict[str, Any]:
        """As lists, dictionaries, strings and numbers, which a rule can have as parameters."""
        return vars(self) | {
            "tracks": [(model, str(track)) for model, track in self.tracks],
            "pairs": [(family, *((model, str(track)) for model, track in both)) for family, *both in self.pairs],
            "half_sizes": {name: list(sizes) for name, sizes in self.half_sizes.items()},
            "baselines": list(self.baselines),
        }

    @classmethod
    def from_plain(cls, fields: Mapping[str, Any]) -> Self:
        """Make it from the result of `to_plain`."""
        return cls(
            **{
                **fields,
                "tracks": [model_track(*each) for each in fields["tracks"]],
                "pairs": [
                    ScoredPair(family, *(model_track(*each) for each in both)) for family, *both in fields["pairs"]
                ],
            }
        )


def model_track(model: str, track: str) -> ModelTrack:
    """Make it from two strings."""
    return ModelTrack(model, Track.parse(track))
