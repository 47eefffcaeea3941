"""Prediction: what a model says of a base stands at that base, on the right scale, whoever computed it and when."""

import contextlib
import dataclasses
import logging
import re
import threading
import time
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from models import TOKEN_IDS, small_model, write_fasta
from numpy.typing import NDArray
from standin import (
    CAUSAL,
    MEANS,
    SEQUENCES,
    TRACKS,
    StandIn,
    collect,
    known_values,
    make_genome,
    predict,
    to_coverage,
    with_gaps,
)

from rnatracks.errors import InputError
from rnatracks.genome.sequence import Genome
from rnatracks.genome.windows import tile_starts
from rnatracks.model.folder import load_on_devices
from rnatracks.model.network import CoverageModel
from rnatracks.prediction.predict import (
    Precision,
    TilePlan,
    predict_region,
    predict_tiles,
    touching_tiles,
    track_views,
    write_region,
)
from rnatracks.prediction.stitching import Stitch, View, stitch, tile_weights
from rnatracks.tracks.squash import squash


@pytest.fixture
def genome(tmp_path: Path) -> Genome:
    return Genome(write_fasta(tmp_path / "genome.fa", SEQUENCES))


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


def test_the_raw_mean_is_that_of_coverage(tmp_path: Path) -> None:
    """Two windows of every base, which disagree, against NumPy: the mean of coverage is not that of squashed values."""
    sequence = with_gaps(300)
    genome, model = make_genome(tmp_path, sequence), StandIn({"chr2": sequence}, noise=True)
    tiles = dict(predict_tiles([model], genome, "chr2", range(0, 201, 50), 100, batch_size=2))
    total, count = np.zeros((3, 300)), np.zeros(300)
    for start, values in tiles.items():
        y = values.astype(np.float64)
        x = np.where(y <= 10, y, (y + 10) ** 2 / 40)
        total[:, start : start + 100] += x ** (4 / 3) * np.array(model.config.track_means)[:, None]
        count[start : start + 100] += 1
    raw, squashed = (
        predict([model], genome, "chr2", tiles=TilePlan(size=100, overlap=50, stitch=mode))
        for mode in (Stitch.MEAN_RAW, Stitch.MEAN)
    )
    np.testing.assert_allclose(raw, total / count, rtol=1e-5)
    inner = slice(50, 250)
    assert (raw[:, inner] > squashed[:, inner]).mean() > 0.9


def test_a_region_computes_only_the_tiles_that_touch_it(tmp_path: Path) -> None:
    sequence = with_gaps(1000)
    model = StandIn({"chr2": sequence})
    tiles = TilePlan(size=100, overlap=50, stitch=Stitch.BLEND)
    predict([model], make_genome(tmp_path, sequence), "chr2", 500, 550, tiles=tiles)
    assert sorted(model.tiles) == [450, 500]


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (7, 5), (70, 72), (71, 90)])
def test_a_region_beyond_the_chromosome_is_refused(genome: Genome, start: int, end: int) -> None:
    tiles = TilePlan(size=40, overlap=10, stitch=Stitch.BLEND)
    with pytest.raises(ValueError, match=r"chr2, start=.* must satisfy 0 <= start < end <= 71"):
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
    """4 million bases of 3 tracks are 96 MB in float64; a stretch of them has 0.8 MB, and some copies."""
    sequence = with_gaps(400_000) + "N" * 3_600_000
    genome, model = make_genome(tmp_path, sequence), StandIn({"chr2": sequence})
    tracemalloc.start()
    stretches = predict_region(
        [model],
        genome,
        "chr2",
        0,
        4_000_000,
        tiles=TilePlan(size=1000, overlap=100, stitch=Stitch.BLEND),
        precision=Precision(bf16=False, digits=4),
        batch_size=4,
    )
    bases = sum(values.shape[1] for _, values in stretches)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert bases == 4_000_000
    assert peak < 12_000_000


def test_the_log_tells_cost_before_the_first_batch_and_ends_with_the_last_tile(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Bases that several tiles hold count once: of 1,000 bases in a second, tiles of 100 that share 90 hold 9,100."""
    sequence = with_gaps(1000)
    models, starts = [StandIn({"chr2": sequence})] * 2, tile_starts(1000, 100, 90)
    tiles = predict_tiles(models, make_genome(tmp_path, sequence), "chr2", starts, 100, batch_size=4, bf16=True)
    with caplog.at_level(logging.INFO):
        began = time.monotonic()
        next(tiles)
        assert [record.getMessage() for record in caplog.records] == ["chr2: 91 windows of 100 bases, bf16 on cpu, cpu"]
        list(tiles)
        seconds = time.monotonic() - began
    *_, last = (record.getMessage() for record in caplog.records)
    told = re.fullmatch(r"chr2: 91 of 91 windows, ([\d,]+) bases/s, 0 s left", last)
    assert float(told[1].replace(",", "")) >= 0.99 * 1000 / seconds
    assert len(caplog.records) <= 12


def test_the_speed_told_is_of_finished_bases(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With 50 ms a batch of one tile, 3 tiles at 0, 1 and 2 of a chromosome of 102 bases take 0.15 s or more."""
    sequence = with_gaps(102)

    class Slow(StandIn):
        def __call__(self, tokens: torch.Tensor) -> SimpleNamespace:
            time.sleep(0.05)
            return super().__call__(tokens)

    tiles = predict_tiles(
        [Slow({"chr2": sequence})], make_genome(tmp_path, sequence), "chr2", [0, 1, 2], 100, batch_size=1
    )
    with caplog.at_level(logging.INFO):
        list(tiles)
    speed = re.search(r"([\d,]+) bases/s", caplog.records[-1].getMessage())[1].replace(",", "")
    assert float(speed) <= 102 / 0.15 + 1, "three times 100 bases would be 2,000 a second"


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


@pytest.mark.parametrize(
    ("name", "device", "capable", "bf16"),
    [
        ("bf16", "cpu", True, True),
        ("float32", "cpu", True, False),
        ("auto", "cpu", True, False),
        ("bf16", "cuda:0", False, True),
        ("float32", "cuda:0", True, False),
        ("auto", "cuda:0", True, True),
        ("auto", "cuda:0", False, False),
    ],
)
def test_precision_in_the_configurations_words(
    name: str, device: str, capable: bool, bf16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`auto` asks where the model is (on a CPU, it computes in float32) and whether that GPU does more than emulate."""
    monkeypatch.setattr(torch.cuda, "device", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: including_emulation or capable)
    assert Precision.of(name, 4, torch.device(device)) == Precision(bf16=bf16, digits=4)


def test_another_precision_is_refused() -> None:
    with pytest.raises(InputError, match="^precision: found 'bf61'; expected one of: auto, bf16, float32$"):
        Precision.of("bf61", 4, torch.device("cpu"))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_prediction_that_is_not_finite_names_model_track_and_place(tmp_path: Path, bad: float) -> None:
    """Base 1,003 of A.minus, the last one; the same in an assembly gap is not looked at."""
    sequence = with_gaps(1003, (20, 45))

    class Damaged(StandIn):
        def __call__(self, tokens: torch.Tensor) -> SimpleNamespace:
            output = super().__call__(tokens)
            for tile, start in zip(output.predictions, self.tiles[-len(tokens) :], strict=True):
                if start == 903:
                    tile[1, 99] = bad
                if start == 0:
                    tile[:, 20:45] = bad
            return output

    tiles = TilePlan(size=100, overlap=0, stitch=Stitch.CENTER)
    where = rf"^model a/stand-in, track A\.minus, chr2:1,003: found a prediction of {bad}; expected finite"
    with pytest.raises(InputError, match=where):
        predict([Damaged({"chr2": sequence})], make_genome(tmp_path, sequence), "chr2", tiles=tiles)


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


def test_a_model_works_at_one_batch_at_a_time(tmp_path: Path) -> None:
    """Two threads feed each device."""
    sequence = with_gaps(1000)

    class Alone(StandIn):
        busy = threading.Lock()

        def __call__(self, tokens: torch.Tensor) -> SimpleNamespace:
            assert self.busy.acquire(blocking=False), "entered twice"
            time.sleep(0.005)
            self.busy.release()
            return super().__call__(tokens)

    starts = tile_starts(1000, 50, 0)
    tiles = predict_tiles(
        [Alone({"chr2": sequence})], make_genome(tmp_path, sequence), "chr2", starts, 50, batch_size=1
    )
    assert [start for start, _ in tiles] == starts


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


@pytest.mark.parametrize("mode", [Stitch.BLEND, Stitch.CONTEXT])
def test_both_strands_are_averaged(tmp_path: Path, mode: Stitch) -> None:
    """The mean of a prediction and that of the reversed genome, turned back, with swapped strands; with one tile."""
    sequence = with_gaps(90, (20, 25))
    model = small_model(means=MEANS, tracks=list(TRACKS), backbone=CAUSAL)
    turned = sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))
    tiles = TilePlan(size=90, overlap=0, stitch=mode)
    forward, backward = (
        predict([model], make_genome(tmp_path / name, bases), "chr2", tiles=tiles)
        for name, bases in (("there", sequence), ("back", turned))
    )
    both = dataclasses.replace(tiles, reverse_complement=True)
    found = predict([model], make_genome(tmp_path / "both", sequence), "chr2", tiles=both)
    for row, track in enumerate(TRACKS):
        swapped = [1, 0, 2][row]
        other = squash(backward[swapped][::-1], MEANS[row])  # coverage, on the scale of the track itself
        expected = (squash(forward[row], MEANS[row]) + other) / 2
        np.testing.assert_allclose(squash(found[row], MEANS[row]), expected, rtol=1e-4, atol=1e-6, err_msg=track)
        assert not np.allclose(found[row], forward[row], rtol=0.01)
    assert track_views(model, reverse_complement=True) == [View.BOTH] * 3


def test_a_model_that_reads_both_strands_is_run_once(tmp_path: Path) -> None:
    sequence = with_gaps(200, (20, 25))
    model = StandIn({"chr2": sequence}, strands="reverse_complement")
    tiles = TilePlan(size=100, overlap=50, stitch=Stitch.BLEND)
    genome = make_genome(tmp_path, sequence)
    plain, both = (
        predict([model], genome, "chr2", tiles=dataclasses.replace(tiles, reverse_complement=each))
        for each in (False, True)
    )
    np.testing.assert_array_equal(plain, both)
    assert len(model.tiles) == 2 * len(tile_starts(200, 100, 50))


@pytest.mark.parametrize("seed", range(30))
def test_touching_tiles_are_those_of_the_whole_chromosome(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 20))
    tiles = TilePlan(size=size, overlap=int(rng.integers(0, size)), stitch=Stitch.BLEND)
    length = int(rng.integers(1, 90))
    for start in range(length):
        for end in range(start + 1, length + 1):
            expected = [first for first in tile_starts(length, size, tiles.overlap) if start - size < first < end]
            assert touching_tiles(length, start, end, tiles) == expected
