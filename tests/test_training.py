"""Fine-tuning: what a window holds, what is learned from, the recipe, and what a failure leaves."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pyfaidx
import pytest
import torch
import transformers
from models import HEAD, SPEC, TOKEN_IDS, offline, random_bases, settings, write_fasta, write_tracks  # noqa: F401
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from rnatracks import training
from rnatracks.backbone import make_base_tokenizer, token_lookup
from rnatracks.errors import InputError
from rnatracks.model import CoverageModel
from rnatracks.training import (
    LOG_COLUMNS,
    FiniteLoss,
    TargetTrack,
    WindowDataset,
    accumulation_steps,
    shuffled_targets,
    target_tracks,
    tidy_history,
    train,
    training_windows,
)

SIZE = 64
LOOKUP = token_lookup(TOKEN_IDS)


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    chr1 = random_bases(rng, 1000)
    sequences = {
        "chr1": chr1[:300] + "N" * 50 + chr1[350:400].lower() + "RYKM" + chr1[404:],
        "chr2": random_bases(rng, 500),
        "chr3": random_bases(rng, 500),
        "chr4": random_bases(rng, 40),
    }
    return write_fasta(tmp_path / "genome.fa", sequences)


@pytest.fixture
def tracks(tmp_path: Path) -> list[TargetTrack]:
    rng = np.random.default_rng(1)
    lengths = {"chr1": 1000, "chr2": 500, "chr3": 500, "chr4": 40}
    coverage = {
        name: {chrom: rng.gamma(0.3, 20, length) for chrom, length in lengths.items()} for name in ("B.plus", "B.minus")
    }
    return write_tracks(tmp_path, coverage, [0.4, 1.7])


def make_windows(*places: tuple[str, int, int, str]) -> pd.DataFrame:
    windows = pd.DataFrame(places, columns=["chrom", "start", "end", "split"])
    return windows.assign(n_fraction=0.0, blacklist_fraction=0.0)


def tile(chrom: str, length: int, split: str) -> list[tuple[str, int, int, str]]:
    return [(chrom, start, start + SIZE, split) for start in range(0, length - SIZE + 1, SIZE)]


@pytest.mark.parametrize(
    ("chrom", "start", "end"),
    [
        ("chr1", 0, 64),
        ("chr1", 290, 354),
        ("chr1", 380, 444),
        ("chr1", 936, 1000),
        ("chr2", 10, 60),
        ("chr2", 480, 500),
        ("chr4", 0, 40),
    ],
    ids=["first", "gap", "lower case and RYKM", "last", "shorter", "shorter at the end", "shorter chromosome"],
)
def test_window_equals_its_sources(fasta: Path, tracks: list[TargetTrack], chrom: str, start: int, end: int) -> None:
    item = WindowDataset(make_windows((chrom, start, end, "train")), SIZE, fasta, tracks, LOOKUP)[0]
    bases = str(pyfaidx.Fasta(str(fasta))[chrom][start:end]).upper().ljust(SIZE, "N")
    assert item["input_ids"].tolist() == [TOKEN_IDS.get(base, TOKEN_IDS["N"]) for base in bases]
    assert item["mask"].tolist() == [base != "N" for base in bases]
    assert item["labels"].dtype == torch.float32
    for row, track in enumerate(tracks):
        values = pyBigWig.open(str(track.path)).values(chrom, start, end)
        for position, value in enumerate([*values, *[0.0] * (SIZE - (end - start))]):
            x = (value / track.nonzero_mean) ** 0.75
            y = x if x <= 10 else 2 * (10 * x) ** 0.5 - 10
            assert item["labels"][row, position].item() == pytest.approx(y, rel=1e-5)


def test_loader_processes_read_the_same(fasta: Path, tracks: list[TargetTrack]) -> None:
    """Readers that were opened before the fork must not be shared."""
    dataset = WindowDataset(make_windows(*tile("chr1", 1000, "train")), SIZE, fasta, tracks, LOOKUP)
    here = [dataset[index] for index in range(len(dataset))]
    loader = DataLoader(dataset, batch_size=1, num_workers=2, multiprocessing_context="fork")
    for expected, batch in zip(here, loader, strict=True):
        for key, value in expected.items():
            assert torch.equal(batch[key][0], value), key


def test_target_tracks_average_over_the_strands_of_a_cell_type(tmp_path: Path) -> None:
    means = {"B.cell.plus": 1.0, "NK.plus": 10.0, "B.cell.minus": 3.0, "NK.minus": 30.0, "T.unstranded": 7.0}
    for name, mean in means.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"track": name, "nonzero_mean": mean}))
    bigwigs = [tmp_path / f"{name}.bw" for name in means]
    found = target_tracks([tmp_path / f"{name}.json" for name in means], bigwigs)
    assert [track.name for track in found] == list(means)
    assert [track.path for track in found] == bigwigs
    assert [track.nonzero_mean for track in found] == [2.0, 20.0, 2.0, 20.0, 7.0]


@pytest.mark.parametrize("mean", ["0.0", "-1.0", "NaN", "Infinity"])
def test_tracks_without_signal_are_refused(tmp_path: Path, mean: str) -> None:
    path = tmp_path / "B.plus.json"
    path.write_text(f'{{"track": "B.plus", "nonzero_mean": {mean}}}')
    with pytest.raises(InputError, match=r"B.plus.json, nonzero_mean: found .*; expected a positive finite number"):
        target_tracks([path], [tmp_path / "B.plus.bw"])


def test_training_windows_drop_gaps_and_blacklist() -> None:
    windows = make_windows(*tile("chr1", 4 * SIZE, "train")).assign(
        n_fraction=[0, 0.5, 0.51, 0], blacklist_fraction=[0.2, 0, 0, 0.21]
    )
    kept = training_windows(windows, 0.5, 0.2)
    assert kept["start"].tolist() == [0, SIZE]
    assert kept.index.tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_targets_permute_without_fixed_points(seed: int) -> None:
    lengths = np.random.default_rng(seed).permutation([64] * 20 + [50] * 2 + [33])
    windows = make_windows(*(("chr1", 0, int(length), "train") for length in lengths))
    target_of = shuffled_targets(windows, seed)
    assert sorted(target_of) == list(range(23))
    assert (lengths[target_of] == lengths).all()
    assert (target_of == np.arange(23)).tolist() == (lengths == 33).tolist()
    assert (target_of == shuffled_targets(windows, seed)).all()
    assert (target_of != shuffled_targets(windows, seed + 1)).any()


def test_shuffled_windows_keep_their_bases(fasta: Path, tracks: list[TargetTrack]) -> None:
    windows = make_windows(*tile("chr2", 500, "train"))
    target_of = shuffled_targets(windows, 0)
    plain = WindowDataset(windows, SIZE, fasta, tracks, LOOKUP)
    shuffled = WindowDataset(windows, SIZE, fasta, tracks, LOOKUP, target_of)
    for index in range(len(windows)):
        assert torch.equal(shuffled[index]["input_ids"], plain[index]["input_ids"])
        assert torch.equal(shuffled[index]["labels"], plain[int(target_of[index])]["labels"])


def test_accumulation_steps() -> None:
    assert accumulation_steps(settings(global_batch_size=256, micro_batch_size=1), 64) == 4
    assert accumulation_steps(settings(global_batch_size=4, micro_batch_size=4), 1) == 1
    with pytest.raises(InputError, match="global_batch_size: found 256; expected a multiple of .* = 3 x 1"):
        accumulation_steps(settings(global_batch_size=256, micro_batch_size=1), 3)


def test_tidy_history_is_one_row_a_step() -> None:
    history = tidy_history(
        [
            {"step": 1, "epoch": 0.5, "loss": 3.0, "learning_rate": 0.1, "grad_norm": 9.0},
            {"step": 2, "epoch": 1.0, "loss": 2.0, "learning_rate": 0.2},
            {"step": 2, "epoch": 1.0, "eval_loss": 2.5, "eval_runtime": 1.0},
            {"step": 2, "epoch": 1.0, "train_loss": 2.5, "train_runtime": 1.0},
        ]
    )
    assert tuple(history.columns) == LOG_COLUMNS
    assert history["step"].tolist() == [1, 2]
    assert history["loss"].tolist() == [3.0, 2.0]
    assert np.isnan(history["valid_loss"][0])
    assert history["valid_loss"][1] == 2.5


def run_training(
    target: Path,
    fasta: Path,
    tracks: list[TargetTrack],
    windows: pd.DataFrame,
    shuffle: bool = False,
    **changes: object,
) -> pd.DataFrame:
    target.parent.mkdir(exist_ok=True)
    return train(
        target,
        backbone=SPEC,
        head=HEAD,
        tracks=tracks,
        windows=windows,
        window_size=SIZE,
        fasta=fasta,
        settings=settings(**changes),
        shuffle_targets=shuffle,
    )


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[transformers.Trainer]:
    """The trainers that `train` makes, each with the `input_ids` that it trained on in `seen`."""
    made = []

    class Recorder(transformers.Trainer):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            self.seen: list[tuple[int, ...]] = []
            made.append(self)

        def training_step(self, model: torch.nn.Module, inputs: dict, *args: object, **kwargs: object) -> torch.Tensor:
            self.seen += [tuple(row) for row in inputs["input_ids"].tolist()]
            return super().training_step(model, inputs, *args, **kwargs)

    monkeypatch.setattr(training, "Trainer", Recorder)
    return made


def tokens_of(fasta: Path, windows: pd.DataFrame) -> set[tuple[int, ...]]:
    genome = pyfaidx.Fasta(str(fasta), sequence_always_upper=True)
    return {
        tuple(TOKEN_IDS.get(base, 4) for base in str(genome[row.chrom][row.start : row.end]))
        for row in windows.itertuples()
    }


@pytest.mark.parametrize("shuffle", [False, True])
def test_held_out_windows_never_train(
    tmp_path: Path, fasta: Path, tracks: list[TargetTrack], recorded: list, shuffle: bool
) -> None:
    windows = make_windows(*tile("chr2", 500, "valid"), *tile("chr1", 1000, "train"), *tile("chr3", 500, "test"))
    history = run_training(tmp_path / "m" / "B", fasta, tracks, windows, shuffle, epochs=2)
    seen = recorded[0].seen
    assert set(seen) == tokens_of(fasta, windows[windows["split"] == "train"])
    assert len(seen) == 2 * 15
    assert not set(seen) & tokens_of(fasta, windows[windows["split"] != "train"])
    assert history["valid_loss"].count() == 2


def test_no_training_window_is_refused(tmp_path: Path, fasta: Path, tracks: list[TargetTrack]) -> None:
    with pytest.raises(InputError, match="no window of split train"):
        run_training(tmp_path / "m" / "B", fasta, tracks, make_windows(*tile("chr2", 500, "test")))
    assert not (tmp_path / "m" / "B").exists()


def test_recipe_adafactor_warm_up_and_cosine(
    tmp_path: Path, fasta: Path, tracks: list[TargetTrack], recorded: list
) -> None:
    windows = make_windows(*tile("chr1", 1000, "train"))
    history = run_training(tmp_path / "m" / "B", fasta, tracks, windows, epochs=10, learning_rate=0.01)
    optimiser = recorded[0].optimizer
    assert type(getattr(optimiser, "optimizer", optimiser)) is transformers.Adafactor
    steps, warm_up = 40, 2
    assert history["step"].tolist() == list(range(1, steps + 1))
    done = history["step"].to_numpy() - 1  # a step's rate is that of the steps before it: the first warms up from 0
    cosine = 0.5 * (1 + np.cos(np.pi * (done - warm_up) / (steps - warm_up)))
    expected = 0.01 * np.where(done < warm_up, done / warm_up, cosine)
    np.testing.assert_allclose(history["learning_rate"], expected, rtol=1e-6, atol=1e-12)
    assert history["learning_rate"].iloc[-1] < 0.002 * 0.01


@pytest.mark.parametrize(("fraction", "highest"), [(0.0, 1), (0.5, 5), (1.0, 8)])
def test_warm_up_fraction_reaches_both_ends(
    tmp_path: Path, fasta: Path, tracks: list[TargetTrack], fraction: float, highest: int
) -> None:
    windows = make_windows(*tile("chr1", 1000, "train"))
    history = run_training(tmp_path / "m" / "B", fasta, tracks, windows, epochs=2, warmup_fraction=fraction)
    assert len(history) == 8
    assert history["step"][history["learning_rate"].argmax()] == highest


def test_accumulation_equals_one_large_batch(
    tmp_path: Path, fasta: Path, tracks: list[TargetTrack], recorded: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With fixed batch norm statistics: in training each micro-batch has its own, see `TrainingSettings`."""

    def fixed(self: torch.nn.BatchNorm1d, states: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.batch_norm(states, self.running_mean, self.running_var, self.weight, self.bias)

    monkeypatch.setattr(torch.nn.BatchNorm1d, "forward", fixed)
    windows = make_windows(*tile("chr2", 500, "train"), ("chr3", 0, 64, "train"))
    logs = []
    for micro in (8, 4, 1):
        recipe = {"epochs": 8, "global_batch_size": 8, "micro_batch_size": micro, "learning_rate": 5e-3}
        run_training(tmp_path / "m" / str(micro), fasta, tracks, windows, **recipe)
        logs.append(pd.DataFrame([entry for entry in recorded[-1].state.log_history if "loss" in entry]))
    assert logs[0]["loss"].iloc[-1] < 0.95 * logs[0]["loss"].iloc[0]
    for other in logs[1:]:
        assert len(other) == 8
        np.testing.assert_allclose(other["loss"], logs[0]["loss"], rtol=1e-3)
        np.testing.assert_allclose(other["grad_norm"], logs[0]["grad_norm"], rtol=1e-2)


def test_same_seed_same_weights(tmp_path: Path, fasta: Path, tracks: list[TargetTrack]) -> None:
    windows = make_windows(*tile("chr1", 1000, "train"), *tile("chr2", 500, "valid"))
    weights, histories = [], []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        target = tmp_path / "m" / name
        histories.append(run_training(target, fasta, tracks, windows, seed=seed))
        weights.append((target / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]
    pd.testing.assert_frame_equal(histories[0], histories[1])
    assert weights[0] != weights[2]


def test_half_precision_and_checkpointing_run(tmp_path: Path, fasta: Path, tracks: list[TargetTrack]) -> None:
    windows = make_windows(*tile("chr2", 500, "train"))
    target = tmp_path / "m" / "B"
    history = run_training(target, fasta, tracks, windows, precision="bf16", gradient_checkpointing=True)
    assert np.isfinite(history["loss"]).all()
    assert CoverageModel.from_pretrained(target).dtype == torch.float32


def test_folder_holds_the_trained_model(tmp_path: Path, fasta: Path, tracks: list[TargetTrack], recorded: list) -> None:
    target = tmp_path / "m" / "B"
    run_training(target, fasta, tracks, make_windows(*tile("chr2", 500, "train")))
    names = {path.name for path in target.iterdir()}
    assert names == {"config.json", "model.safetensors", "model.py", "tokenizer.json", "tokenizer_config.json"}
    assert [path.name for path in target.parent.iterdir()] == ["B"]
    model, trained = CoverageModel.from_pretrained(target), recorded[0].model
    for name, value in trained.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    assert model.config.tracks == ["B.plus", "B.minus"]
    assert model.config.track_means == [0.4, 1.7]
    assert model.config.window_size == SIZE
    assert model.config.token_ids == TOKEN_IDS


def spoilt_tracks(folder: Path, value: float) -> list[TargetTrack]:
    lengths = {"chr1": 1000, "chr2": 500, "chr3": 500, "chr4": 40}
    coverage = {chrom: np.full(length, value) for chrom, length in lengths.items()}
    return write_tracks(folder, {"B.plus": coverage}, [1e-3])


@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered:RuntimeWarning")
@pytest.mark.parametrize("value", [-1.0, 3e38], ids=["NaN targets", "infinite targets"])
def test_targets_that_are_not_finite_stop_the_training(tmp_path: Path, fasta: Path, value: float) -> None:
    """Negative coverage has no power 3/4: its target is NaN. 3e38 / 1e-3 is beyond float32."""
    target = tmp_path / "m" / "B"
    with pytest.raises(InputError, match=r"^training, step 1: found loss = (nan|inf); expected a finite loss"):
        run_training(target, fasta, spoilt_tracks(tmp_path, value), make_windows(*tile("chr1", 1000, "train")))
    assert not target.exists()


@pytest.mark.parametrize("name", ["loss", "eval_loss", "train_loss"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_every_logged_loss_must_be_finite(name: str, value: float) -> None:
    """`train_loss`, the mean over all steps, also tells of steps after the last one logged."""
    state = transformers.TrainerState(global_step=7)
    FiniteLoss().on_log(None, state, None, {name: 1.0, "grad_norm": 2.0})
    with pytest.raises(InputError, match=f"^training, step 7: found {name} = {value}; expected a finite loss"):
        FiniteLoss().on_log(None, state, None, {name: value})


def test_diverged_training_is_refused(tmp_path: Path, fasta: Path, tracks: list[TargetTrack]) -> None:
    target = tmp_path / "m" / "B"
    with pytest.raises(InputError, match=r"^training, step \d+: found .*loss = (nan|inf)") as refusal:
        run_training(
            target, fasta, tracks, make_windows(*tile("chr1", 1000, "train")), epochs=5, learning_rate=float("1e30")
        )
    assert "\n" not in str(refusal.value)
    assert not target.exists()


@pytest.mark.parametrize("already", [False, True], ids=["no folder", "an empty folder"])
def test_failed_save_leaves_nothing(
    tmp_path: Path, fasta: Path, tracks: list[TargetTrack], monkeypatch: pytest.MonkeyPatch, already: bool
) -> None:
    """The weights are saved, then the disk is full: neither they nor a leftover may remain."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    target = tmp_path / "m" / "B"
    if already:
        target.mkdir(parents=True)
    monkeypatch.setattr(type(make_base_tokenizer()), "save_pretrained", fail)
    with pytest.raises(OSError, match="No space left"):
        run_training(target, fasta, tracks, make_windows(*tile("chr2", 500, "train")))
    assert [*target.parent.rglob("*")] == ([target] if already else [])


def motif_genome(folder: Path) -> tuple[Path, list[TargetTrack], NDArray[np.float64]]:
    """Coverage 4 on the 16 bases from each planted motif on, else 0.1."""
    rng, motif, length = np.random.default_rng(5), "GATTACAG", 16_384
    bases, coverage = list(random_bases(rng, length)), np.full(length, 0.1)
    for start in range(10, length - 30, 64):
        place = start + int(rng.integers(0, 40))
        bases[place : place + len(motif)] = motif
        coverage[place : place + 16] = 4
    tracks = write_tracks(folder, {"B.plus": {"chr1": coverage}}, [1.0])
    return write_fasta(folder / "genome.fa", {"chr1": "".join(bases)}), tracks, coverage


def test_a_planted_motif_is_learned(tmp_path: Path) -> None:
    """On windows held out; the best constant prediction's error is the variance of the targets."""
    fasta, tracks, coverage = motif_genome(tmp_path)
    windows = make_windows(*tile("chr1", 16_384, "train"))
    windows.loc[windows.index % 8 == 0, "split"] = "valid"
    history = run_training(tmp_path / "m" / "B", fasta, tracks, windows, epochs=15, learning_rate=5e-3)
    constant = (coverage**0.75).var()
    assert history["valid_loss"].dropna().iloc[-1] < 0.5 * constant
    assert history["loss"].dropna().iloc[-1] < 0.5 * constant
