"""Model folders: written whole, and refused in one line where they are not."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from models import small_model
from safetensors.torch import load_file, save_file

from rnatracks.errors import InputError
from rnatracks.model.backbone import make_base_tokenizer
from rnatracks.model.folder import load_model, load_on_devices, save_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(small_model(), make_base_tokenizer(), tmp_path / "models" / "B")
    return tmp_path / "models" / "B"


def test_saved_model_comes_back_for_inference(folder: Path) -> None:
    model, again = small_model(), load_model(folder, "cpu")
    assert not again.training
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", "network.py", "heads.py", "dilated_cnn.py", "tokenizer.json"} <= names
    assert [path.name for path in folder.parent.iterdir()] == ["B"]


def test_saving_keeps_what_else_is_in_the_folder(folder: Path) -> None:
    (folder / "training_log.tsv").write_text("step\tloss\n")
    save_model(small_model(seed=1), make_base_tokenizer(), folder)
    assert (folder / "training_log.tsv").read_text() == "step\tloss\n"
    expected = small_model(seed=1).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in load_model(folder, "cpu").state_dict().items())


def test_saved_files_may_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save_model(small_model(), make_base_tokenizer(), tmp_path / "B")
    finally:
        os.umask(before)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "B").iterdir()}
    assert modes["model.safetensors"] == "0o640"
    assert set(modes.values()) == {"0o640"}


def test_more_gpus_than_there_are_is_a_warning(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    there = torch.cuda.device_count()
    with caplog.at_level(logging.WARNING):
        assert len(load_on_devices(folder, 1)) == 1
        assert not caplog.records, "a machine without GPUs computes on its CPU without a word"
        assert len(load_on_devices(folder, there + 8)) == max(there, 1)
    (record,) = caplog.records
    assert record.getMessage() == f"{there + 8} GPUs were requested, but {there} were found"


def test_a_save_that_fails_leaves_the_folder_as_it_was(folder: Path) -> None:
    class Broken:
        def save_pretrained(self, target: str) -> None:
            raise OSError("no space left on device")

    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(OSError, match="no space"):
        save_model(small_model(seed=1), Broken(), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["B"]


def spoil_folder(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def spoil_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def spoil_type(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "mixtral"}))


def spoil_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def spoil_cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def spoil_missing(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file(
        {name: value for name, value in load_file(path).items() if name != "heads.1.scale"}, path, {"format": "pt"}
    )


def spoil_unexpected(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file(load_file(path) | {"heads.9.scale": torch.ones(())}, path, {"format": "pt"})


def spoil_shape(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file(load_file(path) | {"heads.1.norms.0.weight": torch.ones(3)}, path, {"format": "pt"})


def with_setting(**changes: object) -> Callable[[Path], None]:
    """Change settings of config.json; None leaves one out."""

    def spoil(folder: Path) -> None:
        settings = json.loads((folder / "config.json").read_text()) | changes
        kept = {key: value for key, value in settings.items() if value is not None}
        (folder / "config.json").write_text(json.dumps(kept))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (with_setting(tracks=None), "config.json without tracks"),
        (with_setting(tracks=[], track_means=[]), "config.json without tracks"),
        (with_setting(tracks=["B.plus", "B.left"]), "'left' is not a valid Strand"),
        (with_setting(track_means=None), "config.json without track_means"),
        (with_setting(track_means=[1.0]), "2 tracks and 1 track_means"),
        (with_setting(track_means=[1.0, 0]), "track_means of 0, which are not positive"),
        (with_setting(track_means=[-1.0, 1]), "track_means of -1.0, which are not positive"),
        (with_setting(track_means=[1.0, float("nan")]), "track_means of nan, which are not positive"),
        (with_setting(track_means=["a", 1.0]), "track_means of a, which are not positive"),
        (with_setting(window_size=None), "config.json without window_size"),
        (with_setting(window_size=-5), "window_size -5"),
        (with_setting(token_ids=None), "config.json without token_ids"),
        (with_setting(token_ids={"A": 0, "C": 1, "N": 4}), "token_ids that lack (G, T|T, G)"),
        (
            with_setting(token_ids={"A": 0, "C": 1, "G": 2, "T": 3, "N": 99}),
            "ids of bases up to 99, and an embedding of 5",
        ),
        (with_setting(backbone_config=None), "config.json without backbone_config"),
        (with_setting(backbone_config={"hidden_size": 8}), "without a model_type"),
        (spoil_folder, "no config.json"),
        (spoil_config, "not a valid JSON file"),
        (spoil_type, "a model of type 'mixtral'"),
        (spoil_no_weights, "no file named model.safetensors"),
        (spoil_cut_weights, "incomplete metadata"),
        (spoil_missing, "missing_keys heads.1.scale"),
        (spoil_unexpected, "unexpected_keys heads.9.scale"),
        (spoil_shape, "mismatched_keys .*heads.1.norms.0.weight"),
    ],
)
def test_spoilt_folders_are_refused(folder: Path, spoil, found: str) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=f"^{folder}: found .*{found}.*; expected .* model") as refusal:
        load_model(folder, "cpu")
    line = str(refusal.value)
    assert "\n" not in line
    assert len(line) < 600
