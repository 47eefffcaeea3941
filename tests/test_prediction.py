"""Prediction: tiles come back at every base of a chromosome, in the right place and on the right scale."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from models import TOKEN_IDS, offline, random_bases, small_model, write_fasta  # noqa: F401
from numpy.typing import NDArray

from rnatracks.genome import Genome, tile_starts
from rnatracks.modelfolder import load_model
from rnatracks.prediction import blend_weights, predict_chromosome, predict_tiles, stitch


class StandIn:
    """Instead of a model: finds each tile in its chromosome, and answers with known values at those places."""

    device = torch.device("cpu")

    def __init__(self, sequence: str, values: NDArray[np.floating], means: list[float]) -> None:
        tracks = [f"T{row}.plus" for row in range(len(values))]
        self.config = SimpleNamespace(tracks=tracks, track_means=means, token_ids=TOKEN_IDS)
        self.tiles: list[int] = []
        self.batches: list[int] = []
        self._sequence = sequence
        self._values = np.pad(values, [(0, 0), (0, 10_000)])

    def __call__(self, tokens: torch.Tensor) -> SimpleNamespace:
        letters = ["".join("ACGTN"[token] for token in row) for row in tokens.tolist()]
        starts = [f"{self._sequence}{'N' * len(row)}".index(row) for row in letters]
        self.tiles += starts
        self.batches.append(len(starts))
        answers = [self._values[:, start : start + tokens.shape[1]] for start in starts]
        return SimpleNamespace(predictions=torch.from_numpy(np.stack(answers)))


def collect(stretches, tracks: int) -> NDArray[np.float64]:
    """Put stretches together, refusing any that does not continue the last."""
    parts, position = [np.zeros((tracks, 0))], 0
    for start, values in stretches:
        assert start == position
        position += values.shape[1]
        parts.append(values)
    return np.concatenate(parts, axis=1)


def known_values(length: int, tracks: int = 3) -> NDArray[np.float32]:
    """Whole numbers that differ from base to base and track to track: weighted means of equal ones are exact."""
    return np.stack([(np.arange(length) * (row + 3)) % 1009 + row for row in range(tracks)]).astype(np.float32)


SHAPES = [
    (1, 40, 10),
    (39, 40, 10),
    (40, 40, 10),
    (41, 40, 10),
    (70, 40, 10),
    (71, 40, 10),
    (997, 40, 0),
    (997, 40, 20),
    (997, 41, 40),
    (997, 64, 33),
]


@pytest.mark.parametrize(("length", "size", "overlap"), SHAPES)
def test_stitched_tiles_are_the_identity(length: int, size: int, overlap: int) -> None:
    values = known_values(length)
    padded = np.pad(values, [(0, 0), (0, size)], constant_values=1e9)
    tiles = ((start, padded[:, start : start + size]) for start in tile_starts(length, size, overlap))
    np.testing.assert_array_equal(collect(stitch(tiles, length, blend_weights(size)), 3), values)


def test_overlaps_are_weighted_means() -> None:
    """Tiles of constant value, against sums over all tiles in whole arrays."""
    rng = np.random.default_rng(0)
    size, length = 30, 200
    starts = tile_starts(length, size, 22)
    levels, weights = rng.random((len(starts), 2)), blend_weights(size)
    sums, totals = np.zeros((2, length)), np.zeros(length)
    for start, level in zip(starts, levels, strict=True):
        sums[:, start : start + size] += level[:, None] * weights
        totals[start : start + size] += weights
    tiles = ((start, np.repeat(level[:, None], size, 1)) for start, level in zip(starts, levels, strict=True))
    np.testing.assert_allclose(collect(stitch(tiles, length, weights), 2), sums / totals, rtol=1e-12)


def test_stitch_yields_before_it_has_read_all() -> None:
    asked = []

    def tiles():
        for start in tile_starts(1000, 40, 20):
            asked.append(start)
            yield start, np.zeros((1, 40))

    stretches = stitch(tiles(), 1000, blend_weights(40))
    assert next(stretches)[1].shape == (1, 20)
    assert asked == [0, 20]


@pytest.mark.parametrize("size", [1, 2, 7, 8])
def test_blend_weights_are_symmetric_and_positive(size: int) -> None:
    expected = {1: [1], 2: [1, 1], 7: [1, 2, 3, 4, 3, 2, 1], 8: [1, 2, 3, 4, 4, 3, 2, 1]}
    assert blend_weights(size).tolist() == expected[size]


@pytest.mark.parametrize(
    ("starts", "length", "message"),
    [
        ([], 10, "end before length=10"),
        ([5, 10], 20, "gap"),
        ([0, 11, 20], 30, "gap"),
        ([0, 8, 6], 16, "goes back"),
        ([0, 8], 19, "end before length=19"),
        ([0, 8, 16], 12, "begins beyond length=12"),
    ],
    ids=["none", "late first", "gap", "out of order", "short", "beyond"],
)
def test_incomplete_tiles_are_refused(starts: list[int], length: int, message: str) -> None:
    tiles = ((start, np.ones((1, 10))) for start in starts)
    with pytest.raises(ValueError, match=message):
        collect(stitch(tiles, length, blend_weights(10)), 1)


@pytest.fixture
def make_genome(tmp_path: Path) -> Callable[[str], Genome]:
    return lambda sequence: Genome(write_fasta(tmp_path / "genome.fa", {"chr1": "ACGT" * 20, "chr2": sequence}))


def with_gaps(length: int, *gaps: tuple[int, int]) -> str:
    bases = list(random_bases(np.random.default_rng(length), length))
    for start, end in gaps:
        bases[start:end] = "N" * (end - start)
    return "".join(bases)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
@pytest.mark.parametrize(("length", "size", "overlap"), [(70, 100, 20), (1000, 100, 0), (1003, 100, 60)])
def test_every_base_comes_back(
    make_genome: Callable[[str], Genome], length: int, size: int, overlap: int, batch_size: int
) -> None:
    sequence, values = with_gaps(length, (20, 45)), known_values(length)
    model = StandIn(sequence, values, [1.0] * 3)
    starts = tile_starts(length, size, overlap)
    tiles = predict_tiles(model, make_genome(sequence), "chr2", starts, size, batch_size)
    np.testing.assert_array_equal(collect(stitch(tiles, length, blend_weights(size)), 3), values)
    assert model.tiles == starts
    assert max(model.batches) == min(batch_size, len(starts))


def test_tiles_of_n_are_zero_and_not_computed(make_genome: Callable[[str], Genome]) -> None:
    sequence = with_gaps(1000, (0, 150), (280, 520), (899, 1000))
    model = StandIn(sequence, known_values(1000) + 1, [1.0] * 3)
    tiles = dict(predict_tiles(model, make_genome(sequence), "chr2", tile_starts(1000, 50, 0), 50, 4))
    unknown = [start for start in range(0, 1000, 50) if sequence[start : start + 50] == "N" * 50]
    assert unknown == [0, 50, 100, 300, 350, 400, 450, 900, 950]
    assert model.tiles == [start for start in tiles if start not in unknown]
    for start, values in tiles.items():
        assert (values == 0).all() == (start in unknown)
        if start not in unknown:
            np.testing.assert_array_equal(values, known_values(1000)[:, start : start + 50] + 1)


def test_batch_size_changes_nothing(make_genome: Callable[[str], Genome]) -> None:
    genome, model = make_genome(with_gaps(2000, (300, 700))), small_model()
    one, eight = (dict(predict_tiles(model, genome, "chr2", tile_starts(2000, 128, 64), 128, n)) for n in (1, 8))
    assert one.keys() == eight.keys()
    for start, values in one.items():
        np.testing.assert_allclose(values, eight[start], rtol=1e-5, atol=1e-5)


def test_each_track_is_inverted_with_its_own_mean(make_genome: Callable[[str], Genome], tmp_path: Path) -> None:
    """Both branches of the inverse: the values reach from 0 to 30, the knee is at 10."""
    means, sequence = [0.05, 0.5, 40.0], with_gaps(500)
    squashed = (known_values(500) % 31).astype(np.float32)
    predict_chromosome(
        StandIn(sequence, squashed, means),
        make_genome(sequence),
        "chr2",
        size=64,
        overlap=16,
        batch_size=4,
        target=tmp_path / "chr2.npy",
    )
    found = np.load(tmp_path / "chr2.npy")
    assert (found.dtype, found.shape) == (np.float32, (3, 500))
    for row, mean in enumerate(means):
        for value, y in zip(found[row], squashed[row].tolist(), strict=True):
            x = y if y <= 10 else (y + 10) ** 2 / 40
            assert value == pytest.approx(mean * x ** (4 / 3), rel=1e-6)


def test_one_tile_equals_a_plain_pass(make_genome: Callable[[str], Genome], tmp_path: Path) -> None:
    """A saved and loaded model, over a chromosome that one tile covers."""
    sequence = with_gaps(200, (50, 60))
    small_model(means=(0.5, 2.0, 9.0)).save_pretrained(tmp_path / "model")
    model = load_model(tmp_path / "model", "cpu")
    assert not model.training
    predict_chromosome(
        model, make_genome(sequence), "chr2", size=200, overlap=100, batch_size=8, target=tmp_path / "chr2.npy"
    )
    tokens = torch.tensor([[TOKEN_IDS[base] for base in sequence]])
    with torch.no_grad():
        y = model(tokens).predictions[0].double().numpy()
    x = np.where(y <= 10, y, (y + 10) ** 2 / 40)
    expected = x ** (4 / 3) * np.array([[0.5], [2.0], [9.0]])
    np.testing.assert_allclose(np.load(tmp_path / "chr2.npy"), expected, rtol=1e-5)


def test_failure_leaves_no_file(make_genome: Callable[[str], Genome], tmp_path: Path) -> None:
    sequence = with_gaps(500)
    model = StandIn(random_bases(np.random.default_rng(9), 500), known_values(500), [1.0] * 3)
    with pytest.raises(ValueError, match="substring not found"):
        predict_chromosome(
            model,
            make_genome(sequence),
            "chr2",
            size=64,
            overlap=16,
            batch_size=4,
            target=tmp_path / "predicted" / "chr2.npy",
        )
    assert not [*(tmp_path / "predicted").iterdir()]
