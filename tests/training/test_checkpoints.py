"""A training resumes only from a checkpoint that is whole and of its own recipe."""

import json
import logging
import multiprocessing
import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from rnatracks.training.checkpoints import claim_recipe, clear, find_damage, newest_whole, rotate, write_manifest

RECIPE = {"training": {"epochs": 60, "seed": 42}, "head": {"channels": (256, 64)}, "tracks": ["NK.plus"]}


def write_files(checkpoint: Path, best: Path | None = None) -> None:
    """Files as the Trainer saves them, and one in a folder below, as some of its ways to shard do."""
    (checkpoint / "shards").mkdir(parents=True)
    safetensors.torch.save_file({"weight": torch.randn(64, 8)}, checkpoint / "model.safetensors")
    torch.save({"state": {0: torch.randn(1000)}, "step": 7}, checkpoint / "optimizer.pt")
    rng = {"python": random.getstate(), "numpy": np.random.get_state(), "cpu": torch.get_rng_state()}  # noqa: NPY002
    torch.save(rng, checkpoint / "rng_state.pth")
    torch.save(torch.randn(10), checkpoint / "shards" / "0.bin")
    state = TrainerState(global_step=7, best_model_checkpoint=None if best is None else str(best))
    state.save_to_json(str(checkpoint / "trainer_state.json"))


def checkpoint_at(folder: Path, step: int, best: Path | None = None) -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    write_files(checkpoint, best)
    write_manifest(checkpoint)
    return checkpoint


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# The manifest


def test_the_manifest_names_every_file_with_its_size(tmp_path: Path) -> None:
    write_files(tmp_path / "checkpoint-7")
    (tmp_path / "checkpoint-7" / "shards" / "complete.json").write_text("{}")
    files = below(tmp_path / "checkpoint-7")
    write_manifest(tmp_path / "checkpoint-7")
    record = json.loads((tmp_path / "checkpoint-7" / "complete.json").read_text())
    assert record["files"] == {name: len(content) for name, content in files.items()}
    assert "shards/0.bin" in files
    assert below(tmp_path / "checkpoint-7").keys() == files.keys() | {"complete.json"}
    assert find_damage(tmp_path / "checkpoint-7") is None


def test_writing_the_manifest_again_changes_nothing(tmp_path: Path) -> None:
    checkpoint = checkpoint_at(tmp_path, 7)
    files = below(checkpoint)
    write_manifest(checkpoint)
    assert below(checkpoint) == files


def test_a_folder_without_files_gets_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no files in the checkpoint"):
        write_manifest(tmp_path / "checkpoint-7")
    assert list(tmp_path.iterdir()) == []


# Damage


def test_a_save_that_was_killed_left_no_manifest(tmp_path: Path) -> None:
    class Killer:
        def __reduce__(self) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

    checkpoint = tmp_path / "checkpoint-7"

    def save() -> None:
        write_files(checkpoint)
        torch.save([torch.randn(1000), Killer()], checkpoint / "scheduler.pt")
        write_manifest(checkpoint)

    saving = multiprocessing.get_context("fork").Process(target=save)
    saving.start()
    saving.join()
    assert saving.exitcode == -signal.SIGKILL
    assert (checkpoint / "model.safetensors").exists()
    assert find_damage(checkpoint) == "no complete.json: it was not saved completely"


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "rng_state.pth", "shards/0.bin"])
def test_each_damage_of_each_file_is_found(tmp_path: Path, name: str) -> None:
    checkpoint = checkpoint_at(tmp_path, 7)
    path = checkpoint / name
    content = path.read_bytes()
    size = len(content)

    truncate(path)
    assert find_damage(checkpoint) == f"{name}: found {size // 2} bytes; expected {size}"
    path.write_bytes(content + b"\0")
    assert find_damage(checkpoint) == f"{name}: found {size + 1} bytes; expected {size}"
    path.unlink()
    assert find_damage(checkpoint) == f"{name}: missing"
    path.mkdir()
    assert find_damage(checkpoint) == f"{name}: missing"
    path.rmdir()
    path.write_bytes(content)
    assert find_damage(checkpoint) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 200,
        b'{"files": {"model.safet',
        b"[]",
        b"{}",
        b'{"files": []}',
        b'{"files": {"optimizer.pt": {"size": 4}}}',
    ],
)
def test_a_manifest_that_is_none_is_damage(tmp_path: Path, content: bytes) -> None:
    checkpoint = checkpoint_at(tmp_path, 7)
    (checkpoint / "complete.json").write_bytes(content)
    assert find_damage(checkpoint) == "complete.json: not a valid manifest"


def test_files_that_the_manifest_does_not_name_are_allowed(tmp_path: Path) -> None:
    checkpoint = checkpoint_at(tmp_path, 7)
    (checkpoint / "notes.txt").write_text("looks good")
    (checkpoint / ".nfs000001").touch()
    assert find_damage(checkpoint) is None


# The newest whole one


def test_steps_are_ordered_as_numbers(tmp_path: Path) -> None:
    for step in (9, 100, 10):
        checkpoint_at(tmp_path, step)
        assert str(newest_whole(tmp_path)) == get_last_checkpoint(str(tmp_path))
    for step in (100, 10, 9):
        assert newest_whole(tmp_path) == tmp_path / f"checkpoint-{step}"
        shutil.rmtree(tmp_path / f"checkpoint-{step}")
    assert newest_whole(tmp_path) is None


def test_other_names_are_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = checkpoint_at(tmp_path, 7)
    others = ("runs", "checkpoint-x", "checkpoint-", "checkpoint-9-old", "checkpoint--9", "old-checkpoint-9")
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / "checkpoint-8").write_text("a file")
    before = below(tmp_path)
    assert newest_whole(tmp_path) == whole
    assert below(tmp_path) == before
    assert all((tmp_path / name).is_dir() for name in others)
    assert messages(caplog) == []


def test_no_folder_and_an_empty_one_have_none(tmp_path: Path) -> None:
    assert newest_whole(tmp_path) is None
    assert newest_whole(tmp_path / "nowhere") is None
    assert list(tmp_path.iterdir()) == []


def test_damaged_ones_are_removed_with_a_warning_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    oldest, whole, cut, killed = (checkpoint_at(tmp_path, step) for step in (9, 10, 100, 1000))
    (killed / "complete.json").unlink()
    size = (cut / "model.safetensors").stat().st_size
    truncate(cut / "model.safetensors")
    truncate(oldest / "optimizer.pt")
    assert newest_whole(tmp_path) == whole
    assert sorted(tmp_path.iterdir()) == sorted([oldest, whole])
    assert messages(caplog) == [
        f"{killed} is damaged and is removed (no complete.json: it was not saved completely): "
        "the training falls back to checkpoint-100",
        f"{cut} is damaged and is removed (model.safetensors: found {size // 2} bytes; expected {size}): "
        "the training falls back to checkpoint-10",
    ]


def test_without_a_whole_one_the_training_starts_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (checkpoint_at(tmp_path, 7) / "rng_state.pth").unlink()
    assert newest_whole(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    assert messages(caplog)[0].endswith("(rng_state.pth: missing): the training falls back to its start")


# The best one


def test_the_best_one_is_kept_when_newer_ones_are_damaged(tmp_path: Path) -> None:
    best = checkpoint_at(tmp_path, 10, best=tmp_path / "checkpoint-10")
    second, newest = (checkpoint_at(tmp_path, step, best) for step in (20, 30))
    truncate(newest / "optimizer.pt")
    assert newest_whole(tmp_path) == second
    truncate(second / "optimizer.pt")
    assert newest_whole(tmp_path) == best
    assert find_damage(best) is None


def test_a_damaged_best_one_takes_with_it_all_that_name_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = checkpoint_at(tmp_path, 10)
    best = checkpoint_at(tmp_path, 20, best=tmp_path / "checkpoint-20")
    newest = checkpoint_at(tmp_path, 30, best)
    path = best / "model.safetensors"
    size = path.stat().st_size
    truncate(path)
    assert newest_whole(tmp_path) == before
    assert list(tmp_path.iterdir()) == [before]
    assert messages(caplog) == [
        f"{newest} is damaged and is removed (its best checkpoint, checkpoint-20: model.safetensors: "
        f"found {size // 2} bytes; expected {size}): the training falls back to checkpoint-20",
        f"{best} is damaged and is removed (model.safetensors: found {size // 2} bytes; expected {size}): "
        "the training falls back to checkpoint-10",
    ]


def test_a_best_one_that_was_rotated_away_is_no_damage(tmp_path: Path) -> None:
    newest = checkpoint_at(tmp_path, 30, best=tmp_path / "checkpoint-20")
    assert newest_whole(tmp_path) == newest


def test_the_best_one_is_found_where_the_folder_lies_now(tmp_path: Path) -> None:
    best = checkpoint_at(tmp_path / "old", 20, best=tmp_path / "old" / "checkpoint-20")
    checkpoint_at(tmp_path / "old", 30, best)
    moved = (tmp_path / "old").rename(tmp_path / "new")
    assert newest_whole(moved) == moved / "checkpoint-30"
    truncate(moved / "checkpoint-20" / "model.safetensors")
    assert newest_whole(moved) is None


# Recipes


def test_the_same_recipe_touches_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "new" / "folder"
    claim_recipe(folder, RECIPE)
    assert json.loads((folder / "recipe.json").read_text()) == json.loads(json.dumps(RECIPE))
    checkpoint_at(folder, 7)
    (checkpoint_at(folder, 8) / "complete.json").unlink()
    files, written = below(folder), (folder / "recipe.json").stat()
    reordered = dict(reversed(RECIPE.items()))
    for same in (
        RECIPE,
        reordered,
        json.loads(json.dumps(RECIPE)),
        RECIPE | {"training": {"seed": 42, "epochs": 60.0}},
    ):
        claim_recipe(folder, same)
    assert below(folder) == files
    assert (folder / "recipe.json").stat().st_ino == written.st_ino
    assert (folder / "recipe.json").stat().st_mtime_ns == written.st_mtime_ns
    assert messages(caplog) == []


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        (lambda recipe: recipe | {"training": {"epochs": 60, "seed": 43}}, "training"),
        (lambda recipe: recipe | {"head": {"channels": [64, 256]}}, "head"),
        (lambda recipe: recipe | {"windows": "5f2a"}, "windows"),
        (lambda recipe: recipe | {"windows": None}, "windows"),
        (lambda recipe: {key: recipe[key] for key in ("training", "tracks")}, "head"),
        (lambda recipe: recipe | {"tracks": [], "training": {}}, "training, tracks"),
        (lambda recipe: recipe | dict.fromkeys("abcdefg", 1), "a, b, c, d, e, ... (7 in all)"),
    ],
)
def test_checkpoints_of_another_recipe_are_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: Callable[[dict], dict], keys: str
) -> None:
    claim_recipe(tmp_path, RECIPE)
    for step in (9, 10):
        checkpoint_at(tmp_path, step)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "events").write_text("log")
    changed = change(RECIPE)
    claim_recipe(tmp_path, changed)
    assert messages(caplog) == [
        f"{tmp_path}: checkpoints of another recipe are removed (changed: {keys}): checkpoint-10, checkpoint-9"
    ]
    assert below(tmp_path).keys() == {"recipe.json", "runs/events"}
    assert json.loads((tmp_path / "recipe.json").read_text()) == json.loads(json.dumps(changed))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no recipe.json"),
        (b"", "recipe.json is not JSON"),
        (b'{"training": {"epo', "recipe.json is not JSON"),
        (b"\xff\xfe\x00", "recipe.json is not JSON"),
        (b"[1, 2]", "recipe.json does not contain a recipe"),
    ],
)
def test_checkpoints_of_an_unknown_recipe_are_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes | None, reason: str
) -> None:
    checkpoint_at(tmp_path, 7)
    if content is not None:
        (tmp_path / "recipe.json").write_bytes(content)
    claim_recipe(tmp_path, RECIPE)
    assert messages(caplog) == [f"{tmp_path}: checkpoints of another recipe are removed ({reason}): checkpoint-7"]
    assert below(tmp_path).keys() == {"recipe.json"}
    caplog.clear()
    claim_recipe(tmp_path, RECIPE)
    assert messages(caplog) == []


def test_a_new_recipe_without_checkpoints_is_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    claim_recipe(tmp_path, RECIPE)
    claim_recipe(tmp_path, RECIPE | {"tracks": []})
    assert json.loads((tmp_path / "recipe.json").read_text())["tracks"] == []
    assert messages(caplog) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Path("a"), {1, 2}])
def test_a_recipe_that_json_cannot_hold_touches_nothing(tmp_path: Path, value: object) -> None:
    claim_recipe(tmp_path, RECIPE)
    checkpoint_at(tmp_path, 7)
    files = below(tmp_path)
    with pytest.raises((TypeError, ValueError)):
        claim_recipe(tmp_path, RECIPE | {"tracks": value})
    assert below(tmp_path) == files


def test_clear(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    claim_recipe(folder, RECIPE)
    checkpoint_at(folder, 7)
    clear(folder)
    assert list(tmp_path.iterdir()) == []
    clear(folder)


# With the Trainer


class Line(torch.nn.Module):
    """The error of a line through points; its dropout makes each step depend on the random state."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = torch.nn.Linear(4, 1)
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, points: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": torch.nn.functional.mse_loss(self.slope(self.dropout(points)), labels)}


class WritesManifests(TrainerCallback):
    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        write_manifest(Path(args.output_dir) / f"checkpoint-{state.global_step}")


def trained(folder: Path, resume_from: Path | None = None) -> Line:
    """Three epochs of two steps, saved after each, at a learning rate that makes the loss grow: the first is best."""
    torch.manual_seed(0)
    points = torch.randn(8, 4)
    rows = [{"points": point, "labels": point.sum()[None]} for point in points]
    model = Line()
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(folder),
            num_train_epochs=3,
            per_device_train_batch_size=4,
            optim="sgd",
            learning_rate=10.0,
            max_grad_norm=0,
            eval_strategy="epoch",
            save_strategy="epoch",
            metric_for_best_model="loss",
            greater_is_better=False,
            use_cpu=True,
            prediction_loss_only=True,
            disable_tqdm=True,
            report_to="none",
        ),
        train_dataset=rows,
        eval_dataset=rows,
        callbacks=[WritesManifests()],
    )
    trainer.train(resume_from_checkpoint=None if resume_from is None else str(resume_from))
    return model


def test_the_trainer_resumes_from_what_is_whole_and_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    expected = trained(tmp_path / "undisturbed").state_dict()
    folder = tmp_path / "disturbed"
    trained(folder)
    assert {path.name for path in folder.glob("checkpoint-*")} == {"checkpoint-2", "checkpoint-4", "checkpoint-6"}
    assert str(newest_whole(folder)) == get_last_checkpoint(str(folder))

    truncate(folder / "checkpoint-6" / "optimizer.pt")
    whole = newest_whole(folder)
    assert whole == folder / "checkpoint-4"
    resumed = trained(folder, whole).state_dict()
    assert resumed.keys() == expected.keys()
    assert all(torch.equal(resumed[name], expected[name]) for name in expected)
    assert newest_whole(folder) == folder / "checkpoint-6"

    state = TrainerState.load_from_json(str(folder / "checkpoint-6" / "trainer_state.json"))
    assert state.best_model_checkpoint == str(folder / "checkpoint-2")
    truncate(folder / "checkpoint-2" / "model.safetensors")
    assert newest_whole(folder) is None


@pytest.mark.parametrize(("best", "left"), [(None, {90, 100}), (8, {8, 90, 100}), (90, {90, 100}), (7, {90, 100})])
def test_the_newest_and_the_best_are_kept(tmp_path: Path, best: int | None, left: set[int]) -> None:
    for step in (8, 9, 90, 100):
        checkpoint_at(tmp_path, step)
    (tmp_path / "checkpoint-x").mkdir()
    rotate(tmp_path, 2, None if best is None else str(tmp_path / f"checkpoint-{best}"))
    assert {path.name for path in tmp_path.iterdir()} == {f"checkpoint-{step}" for step in left} | {"checkpoint-x"}
