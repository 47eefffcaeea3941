"""Fine-tuning: the recipe against references, on one process and several, interrupted and resumed."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from jobs import LENGTHS, SIZE, make_job, make_plan, make_windows, tile, write_data
from models import HEAD, TOKEN_IDS, random_bases
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.data import default_collate

from rnatracks.config.heads import HeadSettings, UNetHeadSettings
from rnatracks.errors import InputError
from rnatracks.genome.windows import read_windows
from rnatracks.model.backbone import make_base_tokenizer, token_lookup
from rnatracks.model.build import assemble
from rnatracks.model.network import CoverageModel
from rnatracks.model.plan import ModelPlan
from rnatracks.model.training_result import Kept, kept_weights
from rnatracks.tracks.targets import target_tracks
from rnatracks.training import train as training
from rnatracks.training.dataset import WindowDataset, WindowSampler
from rnatracks.training.job import TrainingJob
from rnatracks.training.launch import run_in_processes
from rnatracks.training.stop import STOPPED, StopRequest
from rnatracks.training.train import StoppedEarly, prepare, train

SCRIPTS = Path(training.__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


UNET = {"type": "unet", "widths": [8, 12, 16], "kernel_size": 3, "dilations": [1, 2], "dropout": 0.1}
SHARED_HEAD = UNetHeadSettings(type="unet", widths=(8, 12, 16), kernel_size=3, dropout=0)


def weights(target: Path) -> dict[str, torch.Tensor]:
    return load_file(target / "model.safetensors")


def training_log(target: Path) -> pd.DataFrame:
    return pd.read_csv(target / "training_log.tsv", sep="\t")


def assert_same_weights(one: Path, other: Path) -> None:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    assert [name for name, value in first.items() if not torch.equal(value, second[name])] == []


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[training.WindowTrainer]:
    """The trainers that `train` makes, each with the `input_ids` that it trained on in `seen`."""
    made = []

    class Recorder(training.WindowTrainer):
        def __init__(self, **kwargs: object) -> None:
            super().__init__(**kwargs)
            self.seen: list[tuple[int, ...]] = []
            made.append(self)

        def training_step(self, model: torch.nn.Module, inputs: dict, *args: object, **kwargs: object) -> torch.Tensor:
            self.seen += [tuple(row) for row in inputs["input_ids"].tolist()]
            return super().training_step(model, inputs, *args, **kwargs)

    monkeypatch.setattr(training, "WindowTrainer", Recorder)
    return made


# --- The recipe


def adafactor_by_hand(
    value: torch.Tensor, gradient: torch.Tensor, state: dict[str, torch.Tensor], step: int, rate: float
) -> torch.Tensor:
    """Shazeer and Stern 2018, algorithms 4 and 5, with a learning rate from outside."""
    decay, square = 1 - step**-0.8, gradient.square() + 1e-30
    if gradient.dim() >= 2:
        for name, average in (("rows", square.mean(-1)), ("columns", square.mean(-2))):
            state[name] = decay * state[name] + (1 - decay) * average if name in state else (1 - decay) * average
        rows = state["rows"] / state["rows"].mean(-1, keepdim=True)
        second = rows[..., :, None] * state["columns"][..., None, :]
    else:
        state["all"] = decay * state.get("all", torch.zeros_like(square)) + (1 - decay) * square
        second = state["all"]
    update = gradient / second.sqrt()
    return value - rate * update / max(1.0, update.square().mean().sqrt().item())


def test_steps_equal_a_reference_written_by_hand(tmp_path: Path, data: Path) -> None:
    """Three steps of loss, accumulation, clipping, learning rate and Adafactor, on windows with blacklisted bases."""
    (tmp_path / "black.bed").write_text("chr1\t100\t190\nchr1\t1000\t1003\n")
    recipe = {"epochs": 3, "global_batch_size": 32, "micro_batch_size": 8, "learning_rate": 3e-3}
    job = make_job(data, tmp_path / "B", blacklist=tmp_path / "black.bed", warmup_fraction=0.4, **recipe)
    train(job)

    transformers.set_seed(job.settings.seed)
    tracks = target_tracks(job.statistics, job.bigwigs)
    model, _ = assemble(job.plan, tracks, window_size=SIZE)
    windows = read_windows(job.windows).query("split == 'train'")
    black = pd.read_csv(tmp_path / "black.bed", sep="\t", names=["chrom", "start", "end"])
    dataset = WindowDataset(windows, SIZE, job.fasta, tracks, token_lookup(TOKEN_IDS), blacklist=black)
    sampler = WindowSampler(len(windows), 32, shift=0, reverse_complement=False, seed=job.settings.seed)
    states: dict[str, dict[str, torch.Tensor]] = {name: {} for name, _ in model.named_parameters()}
    losses, model = [], model.train()
    for step in (1, 2, 3):
        sampler.epoch = step - 1
        items = [dataset[draw] for draw in sampler]
        counted = sum((item["labels"] != -100).sum() for item in items)
        model.zero_grad()
        total = 0.0
        for first in range(0, 32, 8):
            batch = default_collate(items[first : first + 8])
            # Its own labels tell batch norm what counts; the loss is taken from its predictions here.
            output = model(batch["input_ids"], labels=batch["labels"])
            error = torch.where(batch["labels"] != -100, output.predictions - batch["labels"], 0.0)
            loss = error.square().sum() / counted
            loss.backward()
            total += loss.item()
        losses.append(total)
        norm = torch.sqrt(sum(value.grad.square().sum() for value in model.parameters()))
        rate = 3e-3 * [0.0, 0.5, 1.0][step - 1]  # 0.4 of 3 steps warm up: 2
        with torch.no_grad():
            for name, value in model.named_parameters():
                gradient = value.grad * min(1.0, 1.0 / (norm.item() + 1e-6))
                value.copy_(adafactor_by_hand(value, gradient, states[name], step, rate))

    log = training_log(job.target)
    np.testing.assert_allclose(log["loss"].dropna(), losses, rtol=1e-6)
    trained = CoverageModel.from_pretrained(job.target)
    for (name, value), (_, expected) in zip(trained.named_parameters(), model.named_parameters(), strict=True):
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-6, msg=name)


def test_one_process_uses_one_gpu(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Trainer would share each micro-batch out over all GPUs that it sees, and multiply the global batch."""
    monkeypatch.setattr(transformers.TrainingArguments, "n_gpu", property(lambda arguments: arguments._n_gpu))
    original = transformers.TrainingArguments.__post_init__

    def sees_four(arguments: transformers.TrainingArguments) -> None:
        original(arguments)
        arguments._n_gpu = 4

    monkeypatch.setattr(transformers.TrainingArguments, "__post_init__", sees_four)
    trainer, _, _ = prepare(make_job(data, tmp_path / "B", global_batch_size=8), StopRequest())
    assert trainer.args.n_gpu == 1
    assert trainer.args.train_batch_size * trainer.args.gradient_accumulation_steps == 8


def test_a_start_that_has_seen_what_is_held_out_is_refused(tmp_path: Path, data: Path) -> None:
    first = make_job(data, tmp_path / "first")
    train(first)
    assert CoverageModel.from_pretrained(first.target).config.training_chromosomes == ["chr1"]
    other = write_data(tmp_path / "other", make_windows(*tile("chr2", "train"), *tile("chr1", "test")))
    plan = make_plan(name="NK", backbone=None, init_from="first")
    with pytest.raises(InputError, match="to start NK from: found a model that was trained on chr1; expected"):
        train(make_job(other, tmp_path / "second", plan, start=first.target))
    wide = write_data(tmp_path / "wide", make_windows(*tile("chr2", "train"), *tile("chr3", "test")))
    train(make_job(wide, tmp_path / "third", plan, start=first.target))
    assert CoverageModel.from_pretrained(tmp_path / "third").config.training_chromosomes == ["chr1", "chr2"]


def test_adafactor_warm_up_and_cosine(tmp_path: Path, data: Path, recorded: list) -> None:
    job = make_job(data, tmp_path / "B", epochs=5, learning_rate=0.01)
    train(job)
    optimiser = recorded[0].optimizer
    assert type(getattr(optimiser, "optimizer", optimiser)) is transformers.Adafactor
    log, steps, warm_up = training_log(job.target).dropna(subset="loss"), 40, 2
    assert log["step"].tolist() == list(range(1, steps + 1))
    done = log["step"].to_numpy() - 1  # a step's rate is that of the steps before it: the first warms up from 0
    cosine = 0.5 * (1 + np.cos(np.pi * (done - warm_up) / (steps - warm_up)))
    expected = 0.01 * np.where(done < warm_up, done / warm_up, cosine)
    np.testing.assert_allclose(log["learning_rate"], expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_adamw_decays_weights_on_other_schedules(schedule: str, tmp_path: Path, data: Path, recorded: list) -> None:
    """A rate on a plateau is halved after 2 epochs without a better score; the first epoch's here stays the best."""
    recipe = {"optimizer": "adamw", "weight_decay": 0.1, "schedule": schedule, "stop_unless_falling": False}
    job = make_job(data, tmp_path / "B", epochs=5, learning_rate=0.01, **recipe)
    train(job)
    optimiser = getattr(recorded[0].optimizer, "optimizer", recorded[0].optimizer)
    assert type(optimiser) is torch.optim.AdamW
    assert {group["weight_decay"] for group in optimiser.param_groups} == {0.1, 0.0}  # none of norms and biases
    log = training_log(job.target)
    rates = log.dropna(subset="loss").set_index("step")["learning_rate"]
    if schedule == "constant":
        np.testing.assert_allclose(rates.iloc[2:], 0.01)
        return
    scores, rate, best, waited = log.dropna(subset="valid_loss")["valid_pearson_log1p"], 0.01, -np.inf, 0
    for epoch, score in enumerate(scores, 1):
        assert rates[8 * epoch] == pytest.approx(rate)
        # Better by more than PyTorch's threshold, a ten-thousandth of the best.
        waited = 0 if score > best * (1 + 1e-4 * np.sign(best)) else waited + 1
        best = max(best, score)
        if waited > 2:
            rate, waited = rate / 2, 0


@pytest.mark.parametrize(("fraction", "highest"), [(0.0, 1), (0.5, 5), (1.0, 8)])
def test_warm_up_fraction_reaches_both_ends(tmp_path: Path, data: Path, fraction: float, highest: int) -> None:
    job = make_job(data, tmp_path / "B", warmup_fraction=fraction)
    train(job)
    log = training_log(job.target).dropna(subset="loss")
    assert len(log) == 8
    assert log["step"].iloc[log["learning_rate"].argmax()] == highest


def test_accumulation_equals_one_large_batch(tmp_path: Path, data: Path) -> None:
    """Also where micro-batches hold different numbers of bases that count; batch norm, which sees slices, is frozen."""
    (tmp_path / "black.bed").write_text("chr1\t0\t300\nchr1\t1000\t1030\n")
    logs = []
    for micro in (8, 2, 1):
        recipe = {"epochs": 3, "global_batch_size": 8, "micro_batch_size": micro, "learning_rate": 5e-3}
        plan = make_plan(head_batch_norm="frozen")
        job = make_job(data, tmp_path / str(micro), plan, blacklist=tmp_path / "black.bed", **recipe)
        train(job.model_copy(update={"max_blacklist_fraction": 1.0}))
        logs.append(training_log(job.target).dropna(subset="loss"))
    assert logs[0]["loss"].iloc[-4:].mean() < 0.95 * logs[0]["loss"].iloc[:4].mean()
    for other in logs[1:]:
        assert len(other) == 12
        np.testing.assert_allclose(other["loss"], logs[0]["loss"], rtol=1e-5)


def tokens_of(data: Path, split: str) -> set[tuple[int, ...]]:
    windows = read_windows(data / "windows.bed.gz").query(f"split == '{split}'")
    lines = (data / "genome.fa").read_text().split(">")[1:]
    genome = {record.split("\n", 1)[0]: record.split("\n", 1)[1].replace("\n", "") for record in lines}
    return {tuple(TOKEN_IDS[base] for base in genome[row.chrom][row.start : row.end]) for row in windows.itertuples()}


@pytest.mark.parametrize("control", ["none", "shuffled_targets"])
def test_held_out_windows_never_train(tmp_path: Path, data: Path, recorded: list, control: str) -> None:
    job = make_job(data, tmp_path / "B", make_plan(control=control), epochs=2)
    train(job)
    seen = recorded[0].seen
    assert len(seen) == 2 * 32
    assert set(seen) == tokens_of(data, "train")
    assert training_log(job.target)["valid_loss"].count() == 2


def test_no_training_window_is_refused(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", make_windows(*tile("chr2", "test")))
    job = make_job(data, tmp_path / "B")
    with pytest.raises(InputError, match="no window of split train"):
        train(job)
    assert not [*job.target.iterdir()]


def test_same_seed_same_weights(tmp_path: Path, data: Path) -> None:
    plan = make_plan(head_dropout=0.1)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(make_job(data, tmp_path / name, plan, seed=seed))
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    pd.testing.assert_frame_equal(training_log(tmp_path / "a"), training_log(tmp_path / "b"))
    assert (tmp_path / "a/model.safetensors").read_bytes() != (tmp_path / "c/model.safetensors").read_bytes()


@pytest.mark.parametrize("head", [HEAD, SHARED_HEAD], ids=["convolutions", "unet"])
def test_half_precision_and_checkpointing_run(head: HeadSettings, tmp_path: Path, data: Path) -> None:
    recipe = {"precision": "bf16", "gradient_checkpointing": True, "router_loss": 0.01}
    job = make_job(data, tmp_path / "B", make_plan(head=head), **recipe)
    train(job)
    assert np.isfinite(training_log(job.target)["loss"].dropna()).all()
    assert CoverageModel.from_pretrained(job.target).dtype == torch.float32


# --- What is left behind


def test_folder_holds_the_trained_model(tmp_path: Path, data: Path, recorded: list) -> None:
    job = make_job(data, tmp_path / "B")
    train(job)
    code = {"network.py", "heads.py", "layers.py", "dilated_cnn.py", "unet.py", "experts.py"}
    model_files = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in job.target.iterdir()} == code | model_files | {"training_log.tsv", "tensorboard"}
    assert [path.name for path in tmp_path.iterdir()] == ["B"]
    model, trained = CoverageModel.from_pretrained(job.target), recorded[0].model
    for name, value in trained.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    assert model.config.tracks == ["B.plus", "B.minus"]
    assert model.config.track_means == [0.5, 0.5]
    assert model.config.window_size == SIZE
    assert model.config.token_ids == TOKEN_IDS


def test_tensorboard_holds_the_training_log(tmp_path: Path, data: Path) -> None:
    job = make_job(data, tmp_path / "B")
    train(job)
    events = EventAccumulator(str(job.target / "tensorboard")).Reload()
    losses = [event.value for event in events.Scalars("train/loss")]
    np.testing.assert_allclose(losses, training_log(job.target)["loss"].dropna(), rtol=1e-6)
    assert "eval/pearson_log1p.B.plus" in events.Tags()["scalars"]


def test_cost_is_told_before_it_starts(tmp_path: Path, data: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        train(make_job(data, tmp_path / "B", epochs=2.5, global_batch_size=8, micro_batch_size=2))
    said = "\n".join(record.message for record in caplog.records)
    assert "32 windows of 64 bases, 7 for validation;" in said
    assert "global batch 8 = 1 process(es) x 2 window(s) x 4 accumulated; device cpu; 10 steps, 5,120 tokens" in said
    assert "estimated from one micro-batch (" in said
    assert said.index("estimated") < said.index("step ")


@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered:RuntimeWarning")
@pytest.mark.parametrize("value", [-1.0, 3e38], ids=["NaN targets", "infinite targets"])
def test_targets_that_are_not_finite_stop_the_training(tmp_path: Path, value: float) -> None:
    """Negative coverage has no power 3/4: its target is NaN. 3e38 / 1e-3 is beyond float32."""
    coverage = {
        name: {chrom: np.full(length, level) for chrom, length in LENGTHS.items()}
        for name, level in (("B.plus", 1.0), ("B.minus", value))
    }
    job = make_job(write_data(tmp_path / "data", coverage=coverage, mean=1e-3), tmp_path / "B")
    with pytest.raises(InputError, match=r"^training, step 1: found loss = (nan|inf); expected a finite loss"):
        train(job)
    assert not (job.target / "model.safetensors").exists()


def test_diverged_training_is_refused(tmp_path: Path, data: Path) -> None:
    job = make_job(data, tmp_path / "B", epochs=5, learning_rate=1e30)
    with pytest.raises(InputError, match=r"^training, step \d+: found .*loss = (nan|inf)") as refusal:
        train(job)
    assert "\n" not in str(refusal.value)
    assert not (job.target / "model.safetensors").exists()


def test_loss_that_does_not_fall_is_refused(tmp_path: Path) -> None:
    """All windows are alike, and the rate is so low that nothing is learned."""
    recipe = {"epochs": 20, "learning_rate": 1e-30}
    flat = {name: {chrom: np.full(length, 0.5) for chrom, length in LENGTHS.items()} for name in ("B.plus", "B.minus")}
    poly_a = {chrom: "A" * length for chrom, length in LENGTHS.items()}
    data = write_data(tmp_path / "flat", coverage=flat, sequences=poly_a)
    plan = make_plan(head_batch_norm="frozen")
    with pytest.raises(InputError, match=r"^training, step 32 of 160: found a loss of .* expected a falling loss"):
        train(make_job(data, tmp_path / "B", plan, **recipe))
    train(make_job(data, tmp_path / "C", plan, **recipe, stop_unless_falling=False))


def test_failed_save_leaves_nothing(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights are saved, then the disk is full: the model's folder must not look finished."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(make_base_tokenizer()), "save_pretrained", fail)
    job = make_job(data, tmp_path / "B")
    with pytest.raises(OSError, match="No space left"):
        train(job)
    left = {path.name for path in job.target.iterdir()}
    assert left == {"checkpoints", "tensorboard", "training_log.tsv"}
    assert [path.name for path in tmp_path.iterdir()] == ["B"]


def test_keep_chooses_the_weights(tmp_path: Path, data: Path) -> None:
    """Random coverage: validation gets worse while training gets better, so that the last epoch is not the best."""
    kept = {}
    for keep in ("best", "last"):
        job = make_job(data, tmp_path / keep, keep=keep, epochs=6, learning_rate=5e-3)
        train(job)
        kept[keep] = training_log(job.target).dropna(subset="valid_pearson_log1p")
    pd.testing.assert_frame_equal(kept["best"], kept["last"])
    best = kept["best"]["valid_pearson_log1p"].argmax()
    assert best != 5
    one = make_job(data, tmp_path / "until best", keep="last", epochs=6, learning_rate=5e-3)
    with pytest.raises(StoppedEarly):
        stop_after(one, steps=8 * (best + 1))
    checkpoint = load_file(one.target / f"checkpoints/checkpoint-{8 * (best + 1)}/model.safetensors")
    model = CoverageModel.from_pretrained(tmp_path / "best")
    for name, value in model.state_dict().items():
        if "num_batches" not in name:
            assert torch.equal(value, checkpoint[name]), name
    assert any(
        not torch.equal(weights(tmp_path / "last")[name], value) for name, value in weights(tmp_path / "best").items()
    )


@pytest.mark.parametrize(
    ("plan", "silent", "why", "warning"),
    [
        (
            make_plan(),
            ("B.plus", "B.minus"),
            Kept.UNSCORED,
            "the signal of B.plus, B.minus does not vary in the windows of split valid",
        ),
        (
            make_plan(),
            ("B.minus",),
            Kept.BEST,
            "the signal of B.minus does not vary in the windows of split valid, so it does not affect",
        ),
        (make_plan(control="shuffled_targets"), (), Kept.CONTROL, None),
    ],
    ids=["no signal", "one silent track", "control"],
)
def test_the_log_says_which_weights_were_kept(
    tmp_path: Path,
    plan: ModelPlan,
    silent: tuple[str, ...],
    why: Kept,
    warning: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Validation that cannot choose is warned of, and what is said to be kept is what the Trainer kept."""
    rng = np.random.default_rng(0)
    coverage = {
        name: {
            chrom: np.zeros(length) if chrom == "chr2" and name in silent else rng.gamma(0.3, 20, length)
            for chrom, length in LENGTHS.items()
        }
        for name in ("B.plus", "B.minus")
    }
    data = write_data(tmp_path / "data", coverage=coverage)
    recipe = {"epochs": 4, "global_batch_size": 8, "learning_rate": 5e-3}
    with caplog.at_level(logging.WARNING):
        train(make_job(data, tmp_path / "best", plan, keep="best", **recipe))
    assert [record.message for record in caplog.records if "split valid" in record.message][:1] == (
        [message for message in caplog.messages if warning and message.startswith(warning)]
    )
    kept = kept_weights(training_log(tmp_path / "best"), "best", plan.control)
    assert kept.why is why
    train(make_job(data, tmp_path / "last", plan, keep="last", **recipe))
    same = all(
        torch.equal(value, weights(tmp_path / "last")[name]) for name, value in weights(tmp_path / "best").items()
    )
    assert same == (kept.epoch == kept.last_epoch == 4)


@pytest.mark.parametrize(
    "blacklisted", [None, (0, 100), (0, LENGTHS["chr2"])], ids=["flat", "hidden", "nothing counts"]
)
def test_validation_that_cannot_choose_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, blacklisted: tuple[int, int] | None
) -> None:
    """The same signal everywhere; signal at blacklisted bases alone; no base that counts, which costs no training."""
    rng = np.random.default_rng(0)
    coverage = {
        name: {chrom: rng.gamma(0.3, 20, length) for chrom, length in LENGTHS.items()} for name in ("B.plus", "B.minus")
    }
    for chroms in coverage.values():
        chroms["chr2"][100:] = 0 if blacklisted else 3
        chroms["chr2"][:100] += 0 if blacklisted else 3 - chroms["chr2"][:100]
    data, blacklist = write_data(tmp_path / "data", coverage=coverage), None
    if blacklisted:
        blacklist = tmp_path / "blacklist.bed"
        blacklist.write_text("chr2\t{}\t{}\n".format(*blacklisted))
    train(make_job(data, tmp_path / "B", keep="best", blacklist=blacklist))
    assert "the signal of B.plus, B.minus does not vary in the windows of split valid, so no epoch is" in caplog.text
    kept = kept_weights(training_log(tmp_path / "B"), "best", "none")
    assert kept.why is (Kept.UNWATCHED if blacklisted == (0, LENGTHS["chr2"]) else Kept.UNSCORED)


def test_windows_without_a_base_that_counts_end_no_training(tmp_path: Path) -> None:
    """Neither one that is watched nor a whole batch of them: the Trainer then divides by 0 labels."""
    data, blacklist = write_data(tmp_path / "data"), tmp_path / "blacklist.bed"
    blacklist.write_text(f"chr1\t{SIZE}\t{LENGTHS['chr1']}\nchr2\t0\t{SIZE}\n")
    train(make_job(data, tmp_path / "B", keep="best", blacklist=blacklist, global_batch_size=2, micro_batch_size=1))
    log = training_log(tmp_path / "B")
    assert np.isfinite(log["loss"]).all()
    assert kept_weights(log, "best", "none").why is Kept.BEST


def test_validation_without_a_usable_window_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    windows = make_windows(*tile("chr1", "train"), *tile("chr2", "valid"))
    windows.loc[windows["split"] == "valid", "n_fraction"] = 0.9
    data = write_data(tmp_path / "data", windows)
    train(make_job(data, tmp_path / "B", keep="best"))
    assert "no window of split valid can be used" in caplog.text
    assert kept_weights(training_log(tmp_path / "B"), "best", "none").why is Kept.UNWATCHED


# --- What trains, and from where


def test_a_frozen_unet_keeps_its_statistics(tmp_path: Path, data: Path) -> None:
    job = make_job(data, tmp_path / "B", make_plan(trainable="head", backbone=UNET), learning_rate=1e-2)
    train(job)
    transformers.set_seed(job.settings.seed)
    tracks = target_tracks(job.statistics, job.bigwigs)
    start, _ = assemble(make_plan(backbone=UNET), tracks, window_size=SIZE)
    trained = CoverageModel.from_pretrained(job.target)
    for name, value in start.backbone.state_dict().items():
        assert torch.equal(value, trained.backbone.state_dict()[name]), name
    assert not torch.equal(start.heads[0].convolutions[0].weight, trained.heads[0].convolutions[0].weight)


@pytest.mark.parametrize("trainable", ["head", "lora"])
def test_only_what_is_trainable_changes(tmp_path: Path, data: Path, trainable: str) -> None:
    plan = make_plan(trainable=trainable)
    job = make_job(data, tmp_path / "B", plan, keep="best", learning_rate=1e-2)
    train(job)
    transformers.set_seed(job.settings.seed)
    start, _ = assemble(make_plan(), target_tracks(job.statistics, job.bigwigs), window_size=SIZE)
    trained = CoverageModel.from_pretrained(job.target).state_dict()
    changed = {name for name, value in start.state_dict().items() if not torch.equal(value, trained[name])}
    assert {name for name in changed if name.startswith("heads.")}
    in_backbone = {name.rsplit(".", 2)[1] for name in changed if name.startswith("backbone.")}
    assert in_backbone == (set() if trainable == "head" else {"q_proj", "k_proj", "v_proj", "o_proj"})
    assert (job.target / "adapter/adapter_model.safetensors").exists() == (trainable == "lora")


def test_training_goes_on_from_another_model(tmp_path: Path, data: Path) -> None:
    first = make_job(data, tmp_path / "first", epochs=10, learning_rate=5e-3)
    train(first)
    plan = make_plan(name="NK", backbone=None, init_from="first")
    second = make_job(data, tmp_path / "second", plan, start=first.target, learning_rate=1e-6, keep="last")
    train(second)
    assert training_log(second.target)["loss"].iloc[0] < 0.8 * training_log(first.target)["loss"].iloc[0]


def motif_data(folder: Path) -> Path:
    """Coverage of 4 on the 16 bases from each planted motif on, in the motif's direction, on its strand; else 0.1."""
    rng, motif, length = np.random.default_rng(5), "GATTACAG", 16_384
    reverse = motif[::-1].translate(str.maketrans("ACGT", "TGCA"))
    bases, coverage = list(random_bases(rng, length)), np.full((2, length), 0.1)
    for start in range(10, length - 40, 64):
        place = start + int(rng.integers(0, 30))
        if rng.random() < 0.5:
            bases[place : place + 8] = motif
            coverage[0, place : place + 16] = 4
        else:
            bases[place : place + 8] = reverse
            coverage[1, place - 8 : place + 8] = 4
    windows = make_windows(*tile("chr1", "train", length))
    windows.loc[windows.index % 8 == 0, "split"] = "valid"
    tracks = {"B.plus": {"chr1": coverage[0]}, "B.minus": {"chr1": coverage[1]}}
    return write_data(folder, windows, tracks, {"chr1": "".join(bases)}, mean=1.0)


CNN = {"type": "dilated_cnn", "hidden_size": 16, "num_hidden_layers": 3, "kernel_size": 3, "dropout": 0.0}


@pytest.mark.parametrize(
    ("plan", "augmentation"),
    [
        ({"attention": "bidirectional"}, {}),
        ({"backbone": UNET}, {"shift": 9, "reverse_complement": True}),
        ({"backbone": CNN, "strands": "reverse_complement"}, {"shift": 9, "reverse_complement": True}),
    ],
    ids=["bidirectional", "augmented unet", "all"],
)
def test_a_planted_motif_is_learned_on_its_strand(tmp_path: Path, plan: dict, augmentation: dict) -> None:
    """On windows held out; swapped strands or shifted bases would leave no correlation."""
    recipe = {"epochs": 12, "learning_rate": 1e-2, "keep": "best"}
    augmentation = {"shift": 0, "reverse_complement": False} | augmentation
    job = make_job(
        motif_data(tmp_path / "data"), tmp_path / "B", make_plan(**plan), augmentation=augmentation, **recipe
    )
    train(job)
    best = training_log(job.target)[["valid_pearson_log1p.B.plus", "valid_pearson_log1p.B.minus"]].max()
    assert (best > 0.7).all(), best


# --- Interrupted and resumed


def stop_after(job: TrainingJob, steps: int) -> None:
    """Train with a SIGTERM to this process at the end of a step."""

    class Terminated(transformers.TrainerCallback):
        def on_step_end(self, args: object, state: transformers.TrainerState, *_: object, **__: object) -> None:
            if state.global_step == steps:
                os.kill(os.getpid(), signal.SIGTERM)

    class Trainer(training.WindowTrainer):
        def __init__(self, **kwargs: object) -> None:
            super().__init__(**kwargs)
            self.add_callback(Terminated())

    original, training.WindowTrainer = training.WindowTrainer, Trainer
    try:
        train(job)
    finally:
        training.WindowTrainer = original


LONG = {
    "epochs": 3,
    "keep": "best",
    "micro_batch_size": 2,
    "augmentation": {"shift": 20, "reverse_complement": True},
    "loader_workers": 1,
}


def long_plan(**changes: object):
    return make_plan(head_dropout=0.1, head_batch_norm="renorm", **changes)


@pytest.fixture(scope="module")
def uninterrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with dropout, augmentation and running statistics, trained without a break."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    job = make_job(data, tmp_path_factory.mktemp("whole") / "B", long_plan(), **LONG)
    train(job)
    torch.set_num_threads(threads)
    return job.target


@pytest.mark.parametrize("steps", [5, 8, 16, 23], ids=["first epoch", "its end", "second end", "near the end"])
def test_terminated_and_resumed_equals_uninterrupted(
    tmp_path: Path, data: Path, uninterrupted: Path, steps: int
) -> None:
    """To the last weight, and in the log: optimiser, schedule, order, augmentation, dropout, statistics, best epoch."""
    job = make_job(data, tmp_path / "B", long_plan(), **LONG)
    with pytest.raises(StoppedEarly) as stop:
        stop_after(job, steps)
    assert stop.value.code == STOPPED
    assert (job.target / f"checkpoints/checkpoint-{steps}/complete.json").is_file()
    assert not (job.target / "model.safetensors").exists()
    train(job)
    assert_same_weights(job.target, uninterrupted)
    pd.testing.assert_frame_equal(training_log(job.target), training_log(uninterrupted))
    assert not (job.target / "checkpoints").exists()


@pytest.mark.parametrize("changes", [{}, {"backbone": UNET}], ids=["mixtral", "unet"])
def test_resumed_in_bf16_with_adamw_equals_uninterrupted(tmp_path: Path, data: Path, changes: dict) -> None:
    recipe = LONG | {"precision": "bf16", "optimizer": "adamw", "weight_decay": 0.01}
    whole, broken = (make_job(data, tmp_path / name, long_plan(**changes), **recipe) for name in ("whole", "broken"))
    train(whole)
    with pytest.raises(StoppedEarly):
        stop_after(broken, 8)
    train(broken)
    assert_same_weights(broken.target, whole.target)


def start_process(job: TrainingJob) -> subprocess.Popen:
    job.write(job.target / "job.json")
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "rnatracks.training.train", str(job.target / "job.json")]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_killed_and_resumed_equals_uninterrupted(
    tmp_path: Path, data: Path, uninterrupted: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """kill -9 in the midst of saving after every step; then the newest checkpoint is damaged besides."""
    job = make_job(data, tmp_path / "B", long_plan(), **LONG, checkpoint_minutes=1e-9)
    process = start_process(job)
    said = []
    for line in process.stderr:
        said.append(line)
        if " step 10/" in line:
            process.kill()
    assert process.wait() == -signal.SIGKILL, "".join(said)
    whole = sorted(job.target.glob("checkpoints/checkpoint-*/complete.json"), key=lambda path: path.stat().st_mtime)
    assert len(whole) >= 2
    with (whole[-1].parent / "optimizer.pt").open("r+b") as stream:
        stream.truncate(1000)
    with caplog.at_level("INFO"):
        train(job)
    said = "\n".join(record.message for record in caplog.records)
    assert f"{whole[-1].parent} is damaged and is removed (optimizer.pt: found 1000 bytes" in said
    assert f"resuming from {whole[-2].parent}" in said
    assert_same_weights(job.target, uninterrupted)


def test_another_recipe_starts_anew(tmp_path: Path, data: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(StoppedEarly):
        stop_after(make_job(data, tmp_path / "B"), 3)
    with caplog.at_level("INFO"):
        train(make_job(data, tmp_path / "B", learning_rate=2e-3))
    assert "checkpoints of another recipe are removed (changed: training)" in caplog.text
    train(make_job(data, tmp_path / "C", learning_rate=2e-3))
    assert_same_weights(tmp_path / "B", tmp_path / "C")


def test_speed_settings_are_no_recipe(tmp_path: Path, data: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(StoppedEarly):
        stop_after(make_job(data, tmp_path / "B"), 3)
    with caplog.at_level("INFO"):
        train(make_job(data, tmp_path / "B", loader_workers=1, keep_checkpoints=3))
    assert "resuming from" in caplog.text


# --- Several processes


LAUNCHER = """
import sys
from pathlib import Path
from rnatracks.log import open_log
from rnatracks.training.launch import run_in_processes
open_log(sys.argv[2])
run_in_processes("rnatracks.training.train", Path(sys.argv[1]), processes=2, threads=2)
"""


def assert_same_logs(one: Path, other: Path) -> None:
    logs = [training_log(target) for target in (one, other)]
    for column in ("loss", "valid_loss", "valid_pearson_log1p.B.plus", "valid_pearson_log1p.B.minus"):
        np.testing.assert_allclose(logs[1][column], logs[0][column], rtol=1e-4, atol=1e-4, err_msg=column)


def test_two_processes_stopped_and_resumed_equal_one(tmp_path: Path, data: Path) -> None:
    """In other micro-batches, with statistics frozen; SIGTERM goes to the launcher alone."""
    plan = make_plan(head_batch_norm="frozen")
    recipe = {"epochs": 6, "global_batch_size": 8, "keep": "best"}
    one = make_job(data, tmp_path / "one", plan, **recipe, micro_batch_size=4)
    train(one)
    two = make_job(data, tmp_path / "two", plan, **recipe, micro_batch_size=1)
    two.write(tmp_path / "job.json")
    command = [sys.executable, "-c", LAUNCHER, str(tmp_path / "job.json"), str(tmp_path / "log")]
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    said = []
    for line in process.stderr:
        said.append(line)
        if " step 4/" in line:
            process.terminate()
    assert process.wait() == 1, "".join(said)
    assert "it saved a checkpoint, from which the next run resumes" in (tmp_path / "log").read_text(), "".join(said)
    assert [*two.target.glob("checkpoints/checkpoint-*/complete.json")]
    run_in_processes("rnatracks.training.train", tmp_path / "job.json", processes=2, threads=2)
    assert_same_logs(one.target, two.target)
