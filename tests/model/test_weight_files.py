"""Model folders whose files are not what they should be: one line, when planning if that can be, else when loading."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from backbones import save_backbone
from configurations import config_with
from jobs import make_job, make_plan, write_data
from models import small_model
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModel

from rnatracks.config.settings import read_settings
from rnatracks.errors import InputError
from rnatracks.model import build as assembly
from rnatracks.model.backbone import load_backbone, make_base_tokenizer
from rnatracks.model.build import assemble
from rnatracks.model.folder import load_model, save_model
from rnatracks.model.plan import expand_models
from rnatracks.training.train import train

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"5e" * 32 + b"\nsize 2492038656\n"
OLD_POINTER = POINTER.replace(b"git-lfs.github.com", b"hawser.github.com")


def replaced(name: str, content: bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return spoil


def cut(name: str, part: float) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * part)])

    return spoil


def lost(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def quantised(folder: Path) -> None:
    settings = json.loads((folder / "config.json").read_text())
    settings["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    (folder / "config.json").write_text(json.dumps(settings))


def adapted(folder: Path) -> None:
    """The folder into which PEFT, told the wrong place, saved an adapter of the model."""
    adapter = LoraConfig(r=2, target_modules=["q_proj", "v_proj"])
    get_peft_model(AutoModel.from_pretrained(folder), adapter).save_pretrained(folder)


def plain(folder: Path) -> Path:
    return save_backbone(folder, "mixtral")


def sharded(folder: Path) -> Path:
    AutoModel.from_pretrained(plain(folder)).save_pretrained(folder, max_shard_size="4KB")
    (folder / "model.safetensors").unlink()
    assert len([*folder.glob("model-*-of-*.safetensors")]) > 2
    return folder


def pickled(folder: Path, *, zipped: bool = True) -> Path:
    weights = load_file(plain(folder) / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    return folder


def pickled_of_old(folder: Path) -> Path:
    return pickled(folder, zipped=False)


def pickled_shards(folder: Path) -> Path:
    content = torch.load(pickled(folder) / "pytorch_model.bin")
    (folder / "pytorch_model.bin").unlink()
    places = {name: f"pytorch_model-0000{1 + row % 2}-of-00002.bin" for row, name in enumerate(content)}
    for file in set(places.values()):
        torch.save({name: content[name] for name in content if places[name] == file}, folder / file)
    index = {"metadata": {}, "weight_map": places}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    return folder


@pytest.mark.parametrize("make", [plain, sharded, pickled, pickled_of_old, pickled_shards])
def test_every_form_of_weights_loads_alike(make: Callable[[Path], Path], tmp_path: Path) -> None:
    expected = AutoModel.from_pretrained(plain(tmp_path / "plain")).state_dict()
    loaded = load_backbone(str(make(tmp_path / "other")), max_length=64)[0].state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in loaded.items())


# Known when planning, from the names and first bytes of files and from what is JSON.
PLANNED = [
    (
        plain,
        replaced("model.safetensors", POINTER),
        "model.safetensors, a Git LFS pointer; expected the file itself",
    ),
    (plain, replaced("model.safetensors", OLD_POINTER), "model.safetensors, a Git LFS pointer"),
    (plain, replaced("tokenizer.json", POINTER), "tokenizer.json, a Git LFS pointer"),
    (plain, replaced("config.json", POINTER), "config.json, a Git LFS pointer"),
    (pickled, replaced("pytorch_model.bin", POINTER), "pytorch_model.bin, a Git LFS pointer"),
    (sharded, replaced("model.safetensors.index.json", POINTER), "model.safetensors.index.json, a Git LFS pointer"),
    (sharded, replaced("model.safetensors.index.json", b"{}"), "model.safetensors.index.json without a weight_map"),
    (
        pickled_shards,
        replaced("pytorch_model-00002-of-00002.bin", POINTER),
        "pytorch_model-00002.* a Git LFS pointer",
    ),
    (
        pickled_shards,
        lost("pytorch_model-00002-of-00002.bin"),
        "no file pytorch_model-00002.*, which .*index.json lists",
    ),
    (plain, lost("model.safetensors"), "no file named model.safetensors or pytorch_model.bin"),
    (plain, lost("config.json"), "no config.json in the folder"),
    (plain, cut("config.json", 0.5), "config.json, which is not a valid JSON file"),
    (plain, cut("tokenizer.json", 0.5), "tokenizer.json, which is not a valid JSON file"),
    (plain, replaced("tokenizer_config.json", b""), "tokenizer_config.json, which is not a valid JSON file"),
    (plain, replaced("config.json", b"\xff\xfe{}"), "config.json, which is not a valid JSON file .* not UTF-8"),
    (plain, quantised, r"quantised weights \(quantization_config in config.json\)"),
    (plain, adapted, "adapter_config.json, an adapter that Transformers would also load"),
    (sharded, adapted, "adapter_config.json, an adapter that Transformers would also load"),
]
# Known when loading, in the job that trains.
LOADED = [
    (plain, cut("model.safetensors", 0.9), "model.safetensors, which is damaged .*incomplete metadata"),
    (plain, replaced("model.safetensors", b""), "model.safetensors, which is damaged .*header too small"),
    (
        plain,
        replaced("model.safetensors", b"<html>moved</html>"),
        "model.safetensors, which is damaged .*header too large",
    ),
    (pickled, cut("pytorch_model.bin", 0.5), "pytorch_model.bin, which is damaged"),
    (pickled_of_old, cut("pytorch_model.bin", 0.5), "pytorch_model.bin, which is damaged .*EOF"),
    (pickled, replaced("pytorch_model.bin", b""), "pytorch_model.bin, which is damaged .*EOF"),
    (
        pickled,
        replaced("pytorch_model.bin", b"<html>moved</html>"),
        "pytorch_model.bin, which does not contain PyTorch weights",
    ),
    (
        pickled,
        replaced("pytorch_model.bin", pickle.dumps({"a": print})),
        "pytorch_model.bin, which does not contain PyTorch weights",
    ),
    (
        pickled_shards,
        cut("pytorch_model-00002-of-00002.bin", 0.3),
        "pytorch_model-00002-of-00002.bin, which is damaged",
    ),
    (plain, replaced("tokenizer.json", b'{"model": {"type": "Other"}}'), "KeyError"),
]


def refused(spoilt: list[tuple]) -> list:
    return [pytest.param(*case, id=f"{case[0].__name__}: {case[2][:40]}") for case in spoilt]


@pytest.mark.parametrize(("make", "spoil", "found"), refused([*PLANNED, *LOADED]))
def test_a_spoilt_backbone_is_one_line(make: Callable, spoil: Callable, found: str, tmp_path: Path) -> None:
    spoil(make(tmp_path / "b"))
    with pytest.raises(InputError, match=f"^backbone '{tmp_path}/b': found {found}") as refusal:
        load_backbone(str(tmp_path / "b"), max_length=64)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 600


@pytest.mark.parametrize(("make", "spoil", "found"), refused(PLANNED))
def test_a_spoilt_backbone_is_known_when_planning(make: Callable, spoil: Callable, found: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "b")
    config = read_settings(config_with("models", {"a": {"cell_types": ["B"], "backbone": str(folder)}}))
    assert expand_models(config.models, ["B"])["a"].backbone == str(folder)
    spoil(folder)
    with pytest.raises(InputError, match=f"^config, models.a.backbone, {folder}: found {found}") as refusal:
        expand_models(config.models, ["B"])
    assert "\n" not in str(refusal.value)


def test_what_is_not_loaded_may_be_anything(tmp_path: Path) -> None:
    """A clone of a repository that holds the weights in several formats, of which one was pulled."""
    plain(tmp_path)
    for name in ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "training_args.bin", "onnx.json"):
        (tmp_path / name).write_bytes(POINTER)
    settings = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(settings | {"quantization_config": None}))
    assert load_backbone(str(tmp_path), max_length=64)[0].config.hidden_size == 16
    config = read_settings(config_with("models", {"a": {"cell_types": ["B"], "backbone": str(tmp_path)}}))
    expand_models(config.models, ["B"])


# --- Trained models


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    save_model(small_model(), make_base_tokenizer(), tmp_path / "first")
    return tmp_path / "first"


def stray(folder: Path) -> None:
    """An adapter's configuration, as a copy of `adapter/*` one folder up would leave it."""
    settings = LoraConfig(r=2, target_modules=["q_proj"], base_model_name_or_path="x", task_type=None)
    settings.save_pretrained(folder)


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (stray, "adapter_config.json, an adapter that Transformers would also load"),
        (replaced("model.safetensors", POINTER), "model.safetensors, a Git LFS pointer"),
        (cut("model.safetensors", 0.5), "model.safetensors, which is damaged .*incomplete metadata"),
        (replaced("config.json", POINTER), "config.json, a Git LFS pointer"),
    ],
    ids=["adapter", "pointer", "cut", "configuration"],
)
def test_a_spoilt_trained_model_is_one_line(trained: Path, spoil: Callable, found: str) -> None:
    spoil(trained)
    with pytest.raises(InputError, match=f"^{trained}: found {found}.*; expected ") as refusal:
        load_model(trained, "cpu")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("spoil", "found"), [(stray, "adapter_config"), (replaced("model.safetensors", POINTER), "LFS")]
)
def test_a_spoilt_start_is_known_when_planning(trained: Path, spoil: Callable, found: str) -> None:
    config = read_settings(config_with("models", {"a": {"cell_types": ["B"], "init_from": str(trained)}}))
    expand_models(config.models, ["B"])
    spoil(trained)
    with pytest.raises(InputError, match=f"^config, models.a.init_from, {trained}: found .*{found}"):
        expand_models(config.models, ["B"])


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lost("tokenizer.json"), "^{folder}: found .*; expected the tokenizer that the model was saved with"),
        (
            lambda folder: shutil.copy(save_backbone(folder / "b", "gpt2") / "tokenizer.json", folder),
            r"^{folder}, tokenizer: found {{'A': 5, .*}}; expected {{'A': 0, .*}}, the token_ids of its config.json",
        ),
    ],
    ids=["none", "another's"],
)
def test_a_start_needs_its_own_tokenizer(trained: Path, spoil: Callable, found: str, tmp_path: Path) -> None:
    spoil(trained)
    data = write_data(tmp_path / "data")
    job = make_job(data, tmp_path / "second", make_plan(backbone=None, init_from="first"), start=trained)
    with pytest.raises(InputError, match=found.format(folder=trained)):
        train(job)


def test_adapters_of_our_own_are_in_nobodys_way(tmp_path: Path) -> None:
    """In their own folder, and merged: the model that they belong to trains whole when another starts from it."""
    data = write_data(tmp_path / "data")
    first = make_job(data, tmp_path / "first", make_plan(trainable="lora", backbone=str(plain(tmp_path / "b"))))
    train(first)
    assert (first.target / "adapter/adapter_config.json").exists()
    second = make_job(data, tmp_path / "second", make_plan(backbone=None, init_from="first"), start=first.target)
    train(second)
    before, after = (load_file(job.target / "model.safetensors") for job in (first, second))
    still = [name for name, value in before.items() if torch.equal(value, after[name])]
    assert still == []
    load_model(second.target, "cpu")


def test_a_start_with_a_stray_adapter_is_refused_before_data(trained: Path, tmp_path: Path) -> None:
    stray(trained)
    data = write_data(tmp_path / "data")
    (data / "windows.bed.gz").write_bytes(b"not read")
    with pytest.raises(InputError, match="adapter_config.json"):
        train(make_job(data, tmp_path / "B", make_plan(backbone=None, init_from="first"), start=trained))


@pytest.mark.parametrize("trainable", ["all", "head", "lora"])
def test_weights_frozen_or_not_by_someone_else_are_noticed(
    trainable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that freezes a part of itself, or that cannot be frozen."""
    network, tokenizer = load_backbone(str(plain(tmp_path)), max_length=64)
    if trainable == "all":
        network.norm.requires_grad_(False)
    else:
        monkeypatch.setattr(type(network), "requires_grad_", lambda self, _=True: self)
    monkeypatch.setattr(assembly, "load_backbone", lambda *_, **__: (network, tokenizer))
    if trainable == "lora":
        monkeypatch.setattr(assembly, "get_peft_model", lambda backbone, _: backbone)
    found = "norm.weight, which would be frozen" if trainable == "all" else "which would be trained"
    with pytest.raises(InputError, match=f"^model B, trainable: {trainable}: found .*{found}"):
        assemble(make_plan(trainable=trainable), [], window_size=64)
