"""Prediction: what a model says of a base stands at that base, on the right scale, whoever computed it and when."""

import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import torch
from models import TOKEN_IDS, offline, random_bases, small_model, write_fasta  # noqa: F401
from numpy.typing import NDArray

from rnatracks.bigwig import write_coverage
from rnatracks.genome import Genome, tile_starts
from rnatracks.model import CoverageModel
from rnatracks.modelfolder import load_on_devices
from rnatracks.prediction import Precision, TilePlan, predict_region, predict_tiles, track_views, write_region
from rnatracks.stitching import Stitch, View, stitch, tile_weights

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


@pytest.fixture
def genome(tmp_path: Path) -> Genome:
    return Genome(write_fasta(tmp_path / "genome.fa", SEQUENCES))


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


# Every base, once, in its place


@pytest.mark.parametrize("mode", Stitch)
@pytest.mark.parametrize(("size", "overlap"), [(40, 0), (40, 10), (41, 40), (64, 33)])
@pytest.mark.parametrize(
    ("strands", "is_causal"), [("heads", True), ("reverse_complement", True), ("reverse_complement", False)]
)
def test_every_base_of_every_chromosome_comes_back(
    genome: Genome, mode: Stitch, size: int, overlap: int, strands: str, is_causal: bool
) -> None:
    """Neighbours differ by a hundredth and more: within 2e-6, no base can be another's or a mean of several."""
    model = StandIn(SEQUENCES, strands=strands, is_causal=is_causal)
    for chrom, sequence in SEQUENCES.items():
        found = predict([model], genome, chrom, tiles=TilePlan(size=size, overlap=overlap, stitch=mode))
        expected = to_coverage(known_values(sequence), sequence)
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=0, err_msg=chrom)


@pytest.mark.parametrize("mode", Stitch)
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_squashed_values_come_back_exactly(tmp_path: Path, mode: Stitch, batch_size: int) -> None:
    sequence = with_gaps(1003, (20, 45))
    model, starts = StandIn({"chr2": sequence}), tile_starts(1003, 100, 60)
    tiles = predict_tiles([model], make_genome(tmp_path, sequence), "chr2", starts, 100, batch_size=batch_size)
    weights = tile_weights(mode, 100, [View.LEFT, View.RIGHT, View.BOTH])
    np.testing.assert_array_equal(collect(stitch(tiles, 0, 1003, weights)), known_values(sequence))
    assert sorted(model.tiles) == starts, "each tile is computed once"
    assert max(model.batches) == min(batch_size, len(starts))


def test_tiles_of_n_are_zero_and_not_computed(tmp_path: Path) -> None:
    sequence = with_gaps(1000, (0, 150), (280, 520), (899, 1000))
    model, starts = StandIn({"chr2": sequence}), tile_starts(1000, 50, 0)
    tiles = dict(predict_tiles([model], make_genome(tmp_path, sequence), "chr2", starts, 50, batch_size=4))
    unknown = [start for start in starts if sequence[start : start + 50] == "N" * 50]
    assert unknown == [0, 50, 100, 300, 350, 400, 450, 900, 950]
    assert sorted(model.tiles) == [start for start in starts if start not in unknown]
    for start, values in tiles.items():
        expected = np.zeros((3, 50)) if start in unknown else known_values(sequence[start : start + 50], start)
        np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("mode", Stitch)
@pytest.mark.parametrize("digits", [None, 4])
def test_a_region_is_a_slice_of_the_whole(tmp_path: Path, mode: Stitch, digits: int | None) -> None:
    """Exactly, though no two tiles agree: a shard or a locus has the same tiles as the whole chromosome."""
    sequence = with_gaps(1003, (300, 420))
    genome, model = make_genome(tmp_path, sequence), StandIn({"chr2": sequence}, noise=True)
    changes = {"tiles": TilePlan(size=64, overlap=40, stitch=mode), "precision": Precision(bf16=False, digits=digits)}
    whole = predict([model], genome, "chr2", **changes)
    for start, end in [(0, 1), (0, 400), (400, 800), (800, 1003), (63, 64), (310, 330), (939, 940), (1002, 1003)]:
        part = predict([model], genome, "chr2", start, end, **changes, batch_size=2)
        np.testing.assert_array_equal(part, whole[:, start:end])


def test_a_region_computes_only_the_tiles_that_touch_it(tmp_path: Path) -> None:
    sequence = with_gaps(1000)
    model = StandIn({"chr2": sequence})
    tiles = TilePlan(size=100, overlap=50, stitch=Stitch.BLEND)
    predict([model], make_genome(tmp_path, sequence), "chr2", 500, 550, tiles=tiles)
    assert sorted(model.tiles) == [450, 500]


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (7, 5), (70, 72), (71, 90)])
def test_a_region_beyond_the_chromosome_is_refused(genome: Genome, start: int, end: int) -> None:
    tiles = TilePlan(size=40, overlap=10, stitch=Stitch.BLEND)
    with pytest.raises(ValueError, match=r"chr2, start=.* must hold 0 <= start < end <= 71"):
        predict([StandIn(SEQUENCES)], genome, "chr2", start, end, tiles=tiles)


# As a stream


def test_few_tiles_are_computed_ahead(tmp_path: Path) -> None:
    sequence = with_gaps(4000)
    model, starts = StandIn({"chr2": sequence}), tile_starts(4000, 50, 0)
    tiles = predict_tiles([model], make_genome(tmp_path, sequence), "chr2", starts, 50, batch_size=4)
    assert next(tiles)[0] == 0
    assert len(model.batches) <= 2
    for _ in range(4):
        next(tiles)
    assert len(model.batches) <= 3
    tiles.close()
    assert len(model.batches) <= 3, "what nobody asks for any more is not computed"


def test_memory_does_not_grow_with_the_chromosome(tmp_path: Path) -> None:
    """400,000 bases of 3 tracks are 4.8 MB; a batch of 4 tiles of 1,000 bases is 48 kB."""
    sequence = with_gaps(400_000)
    genome, model = make_genome(tmp_path, sequence), StandIn({"chr2": sequence})
    tracemalloc.start()
    stretches = predict_region(
        [model],
        genome,
        "chr2",
        0,
        400_000,
        tiles=TilePlan(size=1000, overlap=100, stitch=Stitch.BLEND),
        precision=Precision(bf16=False, digits=4),
        batch_size=4,
    )
    bases = sum(values.shape[1] for _, values in stretches)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert bases == 400_000
    assert peak < 1_500_000


# Scale


@pytest.mark.parametrize("digits", [None, 3])
def test_each_track_is_inverted_with_its_own_mean(genome: Genome, tmp_path: Path, digits: int | None) -> None:
    """Both branches of the inverse: the values reach from 0 to 257, the knee is at 10."""
    target = tmp_path / "parts" / "chr1.npy"
    write_region(
        [StandIn(SEQUENCES)],
        genome,
        "chr1",
        10,
        900,
        tiles=TilePlan(size=64, overlap=16, stitch=Stitch.CONTEXT),
        precision=Precision(bf16=False, digits=digits),
        batch_size=4,
        target=target,
    )
    found = np.load(target)
    assert (found.dtype, found.shape) == (np.float32, (3, 890))
    assert [path.name for path in target.parent.iterdir()] == ["chr1.npy"]
    expected = to_coverage(known_values(SEQUENCES["chr1"]), SEQUENCES["chr1"])[:, 10:900]
    np.testing.assert_allclose(found, expected, rtol=2e-6 if digits is None else 0.5e-2 + 2e-6, atol=0)
    if digits:
        assert all(value == np.float32(f"{value:.2e}") for value in found.ravel())


@pytest.mark.parametrize(("name", "bf16"), [("bf16", True), ("float32", False), ("auto", torch.cuda.is_available())])
def test_precision_in_the_configurations_words(name: str, bf16: bool) -> None:
    assert Precision.of(name, 4) == Precision(bf16=bf16, digits=4)


def test_one_tile_equals_a_plain_pass(tmp_path: Path) -> None:
    """A saved and loaded model, over a chromosome that one tile covers."""
    sequence = with_gaps(200, (50, 60))
    small_model(means=MEANS, backbone=CAUSAL).save_pretrained(tmp_path / "model")
    models = load_on_devices(tmp_path / "model", 0)
    assert len(models) == 1
    assert not models[0].training
    tiles = TilePlan(size=200, overlap=100, stitch=Stitch.BLEND)
    found = predict(models, make_genome(tmp_path, sequence), "chr2", tiles=tiles)
    with torch.no_grad():
        squashed = models[0](torch.tensor([[TOKEN_IDS[base] for base in sequence]])).predictions[0].numpy()
    np.testing.assert_allclose(found, to_coverage(squashed, sequence), rtol=1e-5)


# Models, devices and precision


def real_tiles(models: list[CoverageModel], genome: Genome, **changes: object) -> NDArray[np.float32]:
    starts = tile_starts(genome.lengths["chr2"], 128, 64)
    tiles = predict_tiles(models, genome, "chr2", starts, 128, **{"batch_size": 4} | changes)
    return np.stack([values for _, values in tiles])


@pytest.fixture
def real_genome(tmp_path: Path) -> Genome:
    return make_genome(tmp_path, with_gaps(2000, (300, 700)))


@pytest.mark.parametrize("strands", ["heads", "reverse_complement"])
def test_batch_size_changes_nothing(real_genome: Genome, strands: str) -> None:
    model = small_model(backbone=CAUSAL, strands=strands)
    one, eight = (real_tiles([model], real_genome, batch_size=size) for size in (1, 8))
    np.testing.assert_allclose(one, eight, rtol=1e-5, atol=1e-5)


def test_two_devices_are_as_one(real_genome: Genome) -> None:
    one, other = (small_model(backbone=CAUSAL) for _ in range(2))
    np.testing.assert_array_equal(real_tiles([one, other], real_genome), real_tiles([one], real_genome))


def test_batches_go_to_the_devices_in_turn(tmp_path: Path) -> None:
    sequence = with_gaps(1000)
    models, starts = [StandIn({"chr2": sequence}) for _ in range(2)], tile_starts(1000, 50, 0)
    tiles = predict_tiles(models, make_genome(tmp_path, sequence), "chr2", starts, 50, batch_size=2)
    assert [start for start, _ in tiles] == starts, "and come back in order"
    assert [sorted(model.tiles) for model in models] == [
        [start for start in starts if start // 100 % 2 == turn] for turn in (0, 1)
    ]


def test_half_precision_is_close(real_genome: Genome) -> None:
    """The backbone has 8 bits of mantissa then; the heads keep float32."""
    model = small_model(backbone=CAUSAL | {"initializer_range": 0.3})
    full, half = (real_tiles([model], real_genome, bf16=bf16) for bf16 in (False, True))
    assert half.dtype == np.float32
    assert not np.array_equal(half, full)
    assert np.abs(half - full).max() < 0.05 * np.ptp(full)
    assert np.corrcoef(half.ravel(), full.ravel())[0, 1] > 0.999


@pytest.mark.parametrize(
    ("backbone", "strands", "views"),
    [
        (CAUSAL, "heads", [View.LEFT] * 3),
        (CAUSAL, "reverse_complement", [View.LEFT, View.RIGHT, View.BOTH]),
        ({"is_causal": False}, "heads", [View.BOTH] * 3),
        ({"is_causal": False}, "reverse_complement", [View.BOTH] * 3),
        ({"type": "dilated_cnn"}, "heads", [View.BOTH] * 3),
        ({"type": "dilated_cnn", "is_causal": True}, "reverse_complement", [View.BOTH] * 3),
    ],
)
def test_views_are_what_the_model_reads(tmp_path: Path, backbone: dict, strands: str, views: list[View]) -> None:
    """As declared, before and after saving; and as measured, by changing a base and seeing which values change."""
    model = small_model(means=MEANS, kernel_size=1, backbone=backbone, tracks=list(TRACKS), strands=strands)
    model.save_pretrained(tmp_path / "model")
    (loaded,) = load_on_devices(tmp_path / "model", 0)
    assert track_views(model) == track_views(loaded) == views
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 4, 81))[None]
    changed = tokens.clone()
    changed[0, 40] = (tokens[0, 40] + 1) % 4
    with torch.no_grad():
        moved = (loaded(changed).predictions - loaded(tokens).predictions).abs()[0].numpy() > 1e-7
    seen = {(True, False): View.RIGHT, (False, True): View.LEFT, (True, True): View.BOTH}
    assert [seen[bool(row[:40].any()), bool(row[41:].any())] for row in moved] == views


@pytest.mark.parametrize("mode", Stitch)
def test_the_reverse_complement_is_predicted_in_reverse(tmp_path: Path, mode: Stitch) -> None:
    """Tiles lie alike from both ends here, and no base is as far from one tile's middle as from another's."""
    sequence = with_gaps(64 + 10 * 30, (100, 130))
    flipped = sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))
    model = small_model(means=(0.5, 0.5, 2.0), backbone=CAUSAL, tracks=list(TRACKS), strands="reverse_complement")
    forward, backward = (
        predict([model], make_genome(tmp_path / name, bases), "chr2", tiles=TilePlan(size=64, overlap=34, stitch=mode))
        for name, bases in (("forward", sequence), ("backward", flipped))
    )
    np.testing.assert_allclose(backward[[1, 0, 2], ::-1], forward, rtol=1e-4)
    assert not np.allclose(forward[0], forward[1], rtol=0.1)


# Failures


class Failing(StandIn):
    """Fails at its third batch, as a model does when memory runs out."""

    def __call__(self, tokens: torch.Tensor) -> SimpleNamespace:
        if len(self.batches) == 2:
            raise RuntimeError("out of memory")
        return super().__call__(tokens)


def test_a_failure_at_work_surfaces_and_leaves_no_file(genome: Genome, tmp_path: Path) -> None:
    target = tmp_path / "parts" / "chr1.npy"
    with pytest.raises(RuntimeError, match="out of memory"):
        write_region(
            [Failing(SEQUENCES)],
            genome,
            "chr1",
            0,
            997,
            tiles=TilePlan(size=64, overlap=16, stitch=Stitch.BLEND),
            precision=FLOAT32,
            batch_size=2,
            target=target,
        )
    assert list(target.parent.iterdir()) == []


SHARD = """
import os, signal, sys
from pathlib import Path
import torch
from models import small_model
from rnatracks.genome import Genome
from rnatracks.prediction import Precision, TilePlan, write_region
from rnatracks.stitching import Stitch

torch.set_num_threads(1)
model = small_model(backbone={"is_causal": True})
batches = 0

def forward(tokens, answer=model.forward):
    global batches
    batches += 1
    if batches == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return answer(tokens)

model.forward = forward
write_region([model], Genome(sys.argv[1]), "chr1", 100, 900, tiles=TilePlan(size=64, overlap=32, stitch=Stitch.BLEND),
             precision=Precision(bf16=False, digits=4), batch_size=2, target=Path(sys.argv[2]))
"""


def test_a_killed_shard_leaves_no_file_and_is_repeated_as_if_nothing_was(genome: Genome, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole.npy", tmp_path / "killed.npy"

    def run(target: Path, kill_at: int) -> int:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        command = [sys.executable, "-c", SHARD, str(tmp_path / "genome.fa"), str(target), str(kill_at)]
        return subprocess.run(command, env=environment, check=False).returncode

    assert run(whole, 0) == 0
    assert run(killed, 5) == -signal.SIGKILL
    assert not killed.exists()
    assert run(killed, 0) == 0
    assert killed.read_bytes() == whole.read_bytes()


# As a bigWig


@pytest.fixture
def written(genome: Genome, tmp_path: Path) -> tuple[Path, dict[str, NDArray[np.float32]]]:
    """Track A.minus as the workflow writes it, to 3 digits and from parts; and what the model said, unrounded."""
    model, parts = StandIn(SEQUENCES, noise=True), []
    tiles = TilePlan(size=40, overlap=25, stitch=Stitch.BLEND)
    for chrom, length in genome.lengths.items():
        for start in range(0, length, 400):
            parts.append(tmp_path / f"{chrom}.{start}.npy")
            write_region(
                [model],
                genome,
                chrom,
                start,
                min(start + 400, length),
                tiles=tiles,
                precision=Precision(bf16=False, digits=3),
                batch_size=4,
                target=parts[-1],
            )
    write_coverage(tmp_path / "A.minus.bw", genome.lengths, (np.load(path, mmap_mode="r")[1] for path in parts))
    exact = {chrom: predict([model], genome, chrom, tiles=tiles)[1] for chrom in genome.lengths}
    return tmp_path / "A.minus.bw", exact


def check_digits(found: NDArray, exact: NDArray[np.float32]) -> None:
    """Within half of the third digit; what is 0 is 0; and nothing but three digits is there."""
    np.testing.assert_allclose(found, exact, rtol=0.5e-2 * (1 + 1e-5), atol=0)
    assert all(np.float32(value) == np.float32(f"{value:.2e}") for value in found)


def test_a_written_track_holds_the_promised_digits(written: tuple[Path, dict]) -> None:
    path, exact = written
    with pyBigWig.open(str(path)) as file:
        assert file.chroms() == {chrom: len(values) for chrom, values in exact.items()}
        for chrom, values in exact.items():
            check_digits(file.values(chrom, 0, len(values), numpy=True), values)


def test_pybigtools_reads_the_same(written: tuple[Path, dict]) -> None:
    pybigtools = pytest.importorskip("pybigtools")
    path, exact = written
    file = pybigtools.open(str(path))
    assert file.chroms() == {chrom: len(values) for chrom, values in exact.items()}
    for chrom, values in exact.items():
        check_digits(file.values(chrom, 0, len(values), fillna=None), values)
    file.close()


def test_deeptools_bins_it_without_a_missing_bin(written: tuple[Path, dict], tmp_path: Path) -> None:
    """Bins of 10 bases, which deepTools reads from the data; larger ones it takes from the file's zoom levels."""
    pytest.importorskip("deeptools")
    path, exact = written
    table = tmp_path / "bins.tsv"
    command = [sys.executable, str(Path(sys.executable).parent / "multiBigwigSummary"), "bins", "--bwfiles", str(path)]
    options = ["--binSize", "10", "--outFileName", str(tmp_path / "bins.npz"), "--outRawCounts", str(table)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    bins = pd.read_csv(table, sep="\t", quotechar="'", header=0, names=["chrom", "start", "end", "mean"])
    assert set(bins["chrom"]) >= {"chr1", "chr2"}
    assert bins["mean"].notna().all()
    for row in bins.itertuples():
        assert row.mean == pytest.approx(exact[row.chrom][row.start : row.end].mean(dtype=float), rel=0.5e-2, abs=1e-12)


def test_fewer_digits_make_a_smaller_file(tmp_path: Path) -> None:
    values = np.random.default_rng(0).gamma(0.5, 3, 50_000).cumsum().astype(np.float32)
    sizes = []
    for digits in (None, 4, 2):
        kept = values if digits is None else np.array([np.float32(f"{value:.{digits - 1}e}") for value in values])
        write_coverage(tmp_path / f"{digits}.bw", {"chr1": 50_000}, [kept])
        sizes.append((tmp_path / f"{digits}.bw").stat().st_size)
    assert sizes[0] > 2 * sizes[1] > 2 * sizes[2]
