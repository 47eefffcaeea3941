"""A stand-in for a model that knows what stands at each base, and a genome to predict with it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from models import random_bases, write_fasta
from numpy.typing import NDArray

from rnatracks.genome.sequence import Genome
from rnatracks.prediction.predict import Precision, TilePlan, predict_region

TRACKS = ("A.plus", "A.minus", "A.unstranded")
MEANS = (0.05, 0.5, 40.0)
IDS = {"A": 3, "C": 0, "G": 4, "T": 1, "N": 2}
FLOAT32 = Precision(bf16=False, digits=None)
CAUSAL = {"is_causal": True}


def known_values(bases: str, start: int = 0) -> NDArray[np.float32]:
    """Whole numbers and quarters up to 257 that tell track, position and base: their weighted means are exact."""
    positions = np.arange(start, start + len(bases))
    letters = (np.frombuffer(bases.encode(), np.uint8)[:, None] == np.frombuffer(b"ACGTN", np.uint8)).argmax(axis=1)
    return np.stack([(positions * (row + 3)) % 251 + letters / 4 + row for row in range(3)]).astype(np.float32)


def to_coverage(squashed: NDArray[np.floating], bases: str) -> NDArray[np.float64]:
    """The original scale, by the formula, in float64; unknown bases are 0."""
    y = np.asarray(squashed, np.float64)
    coverage = np.where(y <= 10, y, (y + 10) ** 2 / 40) ** (4 / 3) * np.array(MEANS)[:, None]
    coverage[:, [base == "N" for base in bases]] = 0
    return coverage


class StandIn:
    """Instead of a model: finds each tile in its chromosome, and answers with what is known of those places.

    With `noise` it adds a level that is the tile's own, so that no two tiles agree.
    """

    device = torch.device("cpu")

    def __init__(
        self, sequences: Mapping[str, str], *, strands: str = "heads", is_causal: bool = True, noise: bool = False
    ) -> None:
        self.config = SimpleNamespace(
            tracks=list(TRACKS),
            track_means=list(MEANS),
            token_ids=IDS,
            strands=strands,
            name_or_path="a/stand-in",
            backbone_config=SimpleNamespace(is_causal=is_causal),
        )
        self.tiles: list[int] = []
        self.batches: list[int] = []
        self._sequences, self._noise = list(sequences.values()), noise

    def __call__(self, tokens: torch.Tensor) -> SimpleNamespace:
        bases = {token: base for base, token in IDS.items()}
        letters = ["".join(bases[token] for token in row) for row in tokens.tolist()]
        starts = [self._find(tile) for tile in letters]
        self.tiles += starts
        self.batches.append(len(starts))
        answers = [
            known_values(tile, start) + (start % 7 if self._noise else 0)
            for tile, start in zip(letters, starts, strict=True)
        ]
        return SimpleNamespace(predictions=torch.from_numpy(np.stack(answers)))

    def _find(self, tile: str) -> int:
        found = [sequence.ljust(len(tile), "N").find(tile) for sequence in self._sequences]
        (start,) = [start for start in found if start >= 0]
        return start


def with_gaps(length: int, *gaps: tuple[int, int]) -> str:
    bases = list(random_bases(np.random.default_rng(length), length))
    for start, end in gaps:
        bases[start:end] = "N" * (end - start)
    return "".join(bases)


# Longer than many tiles, as long as one or a base off it, and shorter; gaps within a tile, over several, at the ends.
SEQUENCES = {
    "chr1": with_gaps(997, (20, 45), (300, 521), (990, 997)),
    "chr2": with_gaps(71),
    "chr3": with_gaps(41),
    "chr4": with_gaps(40, (0, 12)),
    "chr5": with_gaps(39),
    "chr6": with_gaps(9),
}


def make_genome(folder: Path, sequence: str) -> Genome:
    folder.mkdir(exist_ok=True)
    return Genome(write_fasta(folder / "one.fa", {"chr1": "ACGT" * 20, "chr2": sequence}))


def collect(stretches: Iterable[tuple[int, NDArray]], start: int = 0) -> NDArray:
    """Put stretches together, refusing any that does not continue the last."""
    parts, position = [], start
    for first, values in stretches:
        assert first == position
        position += values.shape[1]
        parts.append(values)
    return np.concatenate(parts, axis=1)


def predict(
    models: list,
    genome: Genome,
    chrom: str,
    start: int = 0,
    end: int | None = None,
    *,
    tiles: TilePlan,
    precision: Precision = FLOAT32,
    batch_size: int = 3,
) -> NDArray[np.float32]:
    """A region, by default the whole chromosome, in one array."""
    end = genome.lengths[chrom] if end is None else end
    stretches = predict_region(
        models, genome, chrom, start, end, tiles=tiles, precision=precision, batch_size=batch_size
    )
    coverage = collect(stretches, start)
    assert (coverage.dtype, coverage.shape[1]) == (np.float32, end - start)
    return coverage
