"""Folders in half precision: what trains is float32, heads stay float32, and predictions are those of float32."""

import ast
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from backbones import save_backbone
from jobs import EXPERTS, make_job, make_plan, write_data
from models import backbone_folder, small_model
from safetensors.torch import load_file
from standin import FLOAT32, predict
from training.test_train import stop_after
from transformers import AutoModel

from rnatracks.errors import InputError
from rnatracks.genome.sequence import Genome
from rnatracks.model import build as assembly
from rnatracks.model.backbone import load_backbone, make_base_tokenizer
from rnatracks.model.build import assemble
from rnatracks.model.folder import load_model, save_model
from rnatracks.model.network import CoverageModel
from rnatracks.prediction.predict import TilePlan
from rnatracks.prediction.stitching import Stitch
from rnatracks.training.train import StoppedEarly, train

HALVES = [torch.bfloat16, torch.float16]
DTYPES = pytest.mark.parametrize("dtype", HALVES, ids=["bf16", "fp16"])
SHAPES = {
    "mixtral": {"is_causal": True},
    "experts": {"is_causal": False, "num_local_experts": 4, "num_experts_per_tok": 2},
    "cnn": {"type": "dilated_cnn"},
    "unet": {"type": "unet", "widths": [8, 16], "attention_layers": 1},
}
# The share of an embedding's rows that are of bases in the data: N is not.
SEEN_TOKENS = 4 / 5


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def half_backbone(folder: Path, dtype: torch.dtype, form: str = "safetensors") -> Path:
    """A backbone in half precision, whose configuration says so, in one of several forms."""
    load_backbone(str(backbone_folder(folder, EXPERTS, 64)), max_length=64)[0].to(dtype).save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["dtype"] == str(dtype).removeprefix("torch.")
    if form == "sharded":
        model = AutoModel.from_pretrained(folder)
        (folder / "model.safetensors").unlink()
        model.save_pretrained(folder, max_shard_size="2KB")
    elif form == "bin":
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    elif form == "old name":  # as configurations were written until 2025
        settings = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(settings | {"torch_dtype": settings.pop("dtype")}))
    return folder


def half_model(folder: Path, dtype: torch.dtype, shape: str = "experts") -> CoverageModel:
    """A model folder cast by hand, heads and all; returns the float32 model that it was cast from."""
    model = small_model(backbone=SHAPES[shape])
    cast = small_model(backbone=SHAPES[shape]).to(dtype)
    cast.config.backbone_config.dtype = dtype
    save_model(cast, make_base_tokenizer(), folder)
    settings = json.loads((folder / "config.json").read_text())
    assert settings["dtype"] == settings["backbone_config"]["dtype"] == str(dtype).removeprefix("torch.")
    return model


def assert_saved_in_float32(target: Path) -> None:
    weights = load_file(target / "model.safetensors")
    assert {value.dtype for value in weights.values()} <= {torch.float32, torch.int64}
    settings = json.loads((target / "config.json").read_text())
    assert (settings["dtype"], settings["backbone_config"]["dtype"]) == ("float32", "float32")


def tokens(length: int = 96) -> torch.Tensor:
    return torch.randint(0, 4, (2, length), generator=torch.Generator().manual_seed(3))


@torch.no_grad()
def predictions(model: torch.nn.Module) -> torch.Tensor:
    return model.eval()(tokens()).predictions


def model_calls() -> list[tuple[str, set[str]]]:
    """Place and keywords of every call in the library that loads or builds a model."""
    found = []
    for path in sorted(Path(assembly.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = getattr(node, "func", None)
            loads = getattr(called, "attr", "") in ("from_pretrained", "from_config")
            if loads and getattr(called.value, "id", "").endswith("Model"):
                found.append((f"{path.name}:{node.lineno}", {keyword.arg for keyword in node.keywords}))
    return found


def test_every_load_names_its_type() -> None:
    assert len(model_calls()) >= 5
    assert [place for place, keywords in model_calls() if "dtype" not in keywords] == []


# --- Training


@DTYPES
@pytest.mark.parametrize("form", ["safetensors", "sharded", "bin", "old name"])
@pytest.mark.parametrize("trainable", ["all", "head", "lora"])
def test_a_half_backbone_is_put_together_in_float32(
    dtype: torch.dtype, form: str, trainable: str, tmp_path: Path
) -> None:
    folder = half_backbone(tmp_path / "b", dtype, form)
    model, _ = assemble(make_plan(backbone=str(folder), trainable=trainable), [], window_size=64)
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert model.config.backbone_config.dtype == torch.float32


@DTYPES
def test_weights_of_a_half_backbone_all_move(dtype: torch.dtype, data: Path, tmp_path: Path) -> None:
    """At the published rate, a step is less than half precision can tell from nothing."""
    folder = half_backbone(tmp_path / "b", dtype)
    job = make_job(data, tmp_path / "B", make_plan(backbone=str(folder)), learning_rate=5e-5, epochs=2)
    train(job)
    assert_saved_in_float32(job.target)
    before = load_file(folder / "model.safetensors")
    after = AutoModel.from_pretrained(folder, dtype=torch.float32)
    after.load_state_dict(load_model(job.target, "cpu").backbone.state_dict())
    after.save_pretrained(tmp_path / "after")  # under the names of the hub, as `before` is
    moved = [
        (value != before[name].float()).float().mean().item()
        for name, value in load_file(tmp_path / "after" / "model.safetensors").items()
    ]
    assert min(moved) > 0.99 * SEEN_TOKENS


@DTYPES
@pytest.mark.parametrize("trainable", ["all", "lora"])
def test_a_half_start_trains_in_float32(dtype: torch.dtype, trainable: str, data: Path, tmp_path: Path) -> None:
    source = half_model(tmp_path / "first", dtype, "experts")
    plan = make_plan(backbone=None, init_from="first", trainable=trainable, attention="bidirectional")
    job = make_job(data, tmp_path / "second", plan, start=tmp_path / "first", learning_rate=5e-5)
    train(job)
    assert_saved_in_float32(job.target)
    trained = load_model(job.target, "cpu")
    assert {value.dtype for value in trained.parameters()} == {torch.float32}
    before, after = source.backbone.state_dict(), trained.backbone.state_dict()
    moved = {name: (after[name] != before[name].to(dtype).float()).float().mean().item() for name in before}
    if trainable == "all":
        assert min(moved.values()) > 0.99 * SEEN_TOKENS
    else:
        assert {name for name, share in moved.items() if share > 0.9} == {
            name for name in moved if any(part in name for part in ("q_proj", "k_proj", "v_proj", "o_proj"))
        }


def test_a_half_start_resumed_equals_uninterrupted(data: Path, tmp_path: Path) -> None:
    half_model(tmp_path / "first", torch.bfloat16)
    plan = make_plan(backbone=None, init_from="first", attention="bidirectional")
    jobs = [make_job(data, tmp_path / name, plan, start=tmp_path / "first", epochs=2) for name in ("whole", "cut")]
    train(jobs[0])
    with pytest.raises(StoppedEarly):
        stop_after(jobs[1], 5)
    (checkpoint,) = jobs[1].target.glob("checkpoints/checkpoint-5/model.safetensors")
    assert {value.dtype for value in load_file(checkpoint).values()} <= {torch.float32, torch.int64}
    train(jobs[1])
    expected, found = (load_file(job.target / "model.safetensors") for job in jobs)
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


def test_what_trains_in_half_precision_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, tokenizer = load_backbone(str(save_backbone(tmp_path, "mixtral")), max_length=64)
    network.norm.to(torch.bfloat16)
    monkeypatch.setattr(assembly, "load_backbone", lambda *_, **__: (network, tokenizer))
    with pytest.raises(InputError, match="all: found backbone.norm.weight in torch.bfloat16; expected torch.float32"):
        assemble(make_plan(), [], window_size=64)


# --- Prediction


@DTYPES
@pytest.mark.parametrize("shape", SHAPES)
def test_a_half_folder_predicts_in_float32(dtype: torch.dtype, shape: str, data: Path, tmp_path: Path) -> None:
    """As the float32 model with rounded weights does; and near what it did before they were rounded."""
    source = half_model(tmp_path / "half", dtype, shape)
    loaded = load_model(tmp_path / "half", "cpu")
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}
    tiles = TilePlan(size=64, overlap=32, stitch=Stitch.BLEND)
    found = predict([loaded], Genome(data / "genome.fa"), "chr2", tiles=tiles, precision=FLOAT32)
    near = predict([source], Genome(data / "genome.fa"), "chr2", tiles=tiles, precision=FLOAT32)
    np.testing.assert_allclose(found, near, rtol=0.1)
    with torch.no_grad():
        for value in [*source.parameters(), *source.buffers()]:
            value.copy_(value.to(dtype))
    exact = predict([source], Genome(data / "genome.fa"), "chr2", tiles=tiles, precision=FLOAT32)
    np.testing.assert_allclose(found, exact, rtol=1e-5)


@DTYPES
@pytest.mark.parametrize("shape", SHAPES)
def test_heads_stay_in_float32_when_loaded_in_half(dtype: torch.dtype, shape: str, tmp_path: Path) -> None:
    model = small_model(backbone=SHAPES[shape])
    save_model(model, make_base_tokenizer(), tmp_path)
    half = CoverageModel.from_pretrained(tmp_path, dtype=dtype)
    assert {value.dtype for value in half.backbone.parameters()} == {dtype}
    for name, value in model.heads.state_dict().items():
        assert torch.equal(half.heads.state_dict()[name], value), name
        assert half.heads.state_dict()[name].dtype == value.dtype, name
    assert predictions(half).dtype == torch.float32
    # The states keep 8 or 11 bits; the heads add nothing to that.
    torch.testing.assert_close(predictions(half), predictions(model), rtol=0.05, atol=0.02)
    half.save_pretrained(tmp_path / "again")
    assert {value.dtype for value in load_model(tmp_path / "again", "cpu").parameters()} == {torch.float32}


@DTYPES
def test_a_model_cast_by_hand_still_predicts(dtype: torch.dtype) -> None:
    found = predictions(small_model().to(dtype))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, predictions(small_model()), rtol=0.05, atol=0.05)


@DTYPES
def test_a_half_model_computes_a_finite_loss(dtype: torch.dtype, tmp_path: Path) -> None:
    small_model().save_pretrained(tmp_path)
    model = CoverageModel.from_pretrained(tmp_path, dtype=dtype).train()
    loss = model(tokens(), torch.full((2, 2, 96), 3.0)).loss
    assert loss.dtype == torch.float32
    loss.backward()
    assert all(value.grad.isfinite().all() for value in model.parameters() if value.grad is not None)


def test_the_type_that_a_backbone_once_had_does_not_matter(tmp_path: Path) -> None:
    """Folders of old: float32 weights, and a backbone whose own configuration says bfloat16."""
    model = small_model()
    save_model(model, make_base_tokenizer(), tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    settings["backbone_config"]["dtype"] = "bfloat16"
    (tmp_path / "config.json").write_text(json.dumps(settings))
    for loaded in (load_model(tmp_path, "cpu"), CoverageModel.from_pretrained(tmp_path)):
        assert {value.dtype for value in loaded.parameters()} == {torch.float32}
        assert torch.equal(predictions(loaded), predictions(model))


README = """
    import sys, torch, numpy as np
    from transformers import AutoModel
    model = AutoModel.from_pretrained(sys.argv[1], dtype=torch.bfloat16, trust_remote_code=True)
    assert model.backbone.dtype == torch.bfloat16 and model.heads[0].scale.dtype == torch.float32
    with torch.no_grad():
        np.save(sys.argv[3], model(torch.from_numpy(np.load(sys.argv[2]))).predictions.numpy())
    """


def test_the_call_of_the_readme_works_in_half_precision(tmp_path: Path) -> None:
    """Without this project: only with the code in the folder."""
    model = small_model()
    save_model(model, make_base_tokenizer(), tmp_path / "model")
    np.save(tmp_path / "tokens.npy", tokens().numpy())
    program = textwrap.dedent(README)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"HF_HOME": str(tmp_path / "hub"), "OMP_NUM_THREADS": "1"}
    arguments = [tmp_path / name for name in ("model", "tokens.npy", "found.npy")]
    subprocess.run([sys.executable, "-c", program, *map(str, arguments)], env=environment, cwd=tmp_path, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), predictions(model).numpy(), rtol=0.05, atol=0.02)


@DTYPES
def test_an_adapter_of_a_half_backbone_is_float32(dtype: torch.dtype, data: Path, tmp_path: Path) -> None:
    folder = half_backbone(tmp_path / "b", dtype)
    job = make_job(data, tmp_path / "B", make_plan(backbone=str(folder), trainable="lora"))
    train(job)
    assert_saved_in_float32(job.target)
    adapter = load_file(job.target / "adapter/adapter_model.safetensors")
    assert {value.dtype for value in adapter.values()} == {torch.float32}
