"""Model folders: written whole, and refused in one line where they are not."""

import json
from pathlib import Path

import pytest
import torch
from models import offline, small_model  # noqa: F401
from safetensors.torch import load_file, save_file

from rnatracks.backbone import make_base_tokenizer
from rnatracks.errors import InputError
from rnatracks.modelfolder import load_model, save_model


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
    assert {"config.json", "model.safetensors", "model.py", "heads.py", "dilated_cnn.py", "tokenizer.json"} <= names
    assert [path.name for path in folder.parent.iterdir()] == ["B"]


def test_saving_keeps_what_else_is_in_the_folder(folder: Path) -> None:
    (folder / "training_log.tsv").write_text("step\tloss\n")
    save_model(small_model(seed=1), make_base_tokenizer(), folder)
    assert (folder / "training_log.tsv").read_text() == "step\tloss\n"
    expected = small_model(seed=1).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in load_model(folder, "cpu").state_dict().items())


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


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
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
