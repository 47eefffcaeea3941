"""Models put together for training: what trains, what is taken over from another model, adapters in and out."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from jobs import EXPERTS, make_plan
from models import backbone_folder
from peft import PeftModel
from transformers import AutoModel

from rnatracks.config.models import LoraSettings
from rnatracks.errors import InputError
from rnatracks.model.backbone import make_base_tokenizer
from rnatracks.model.build import assemble
from rnatracks.model.folder import load_model, save_model
from rnatracks.model.layers import TrackNorm
from rnatracks.model.lora import merge_adapters
from rnatracks.model.network import CoverageModel
from rnatracks.model.plan import ModelPlan
from rnatracks.tracks.targets import TargetTrack

SIZE = 64
MIXTRAL = EXPERTS | {"num_hidden_layers": 2}
CNN = {"type": "dilated_cnn", "hidden_size": 8, "num_hidden_layers": 2}
UNET = {"type": "unet", "widths": [6, 8, 10], "kernel_size": 3, "dilations": [1]}
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj")


def make_tracks(*names: str) -> list[TargetTrack]:
    return [TargetTrack(name, Path(f"{name}.bw"), 0.5 + row) for row, name in enumerate(names)]


def put_together(plan: ModelPlan, *names: str, **settings: object) -> CoverageModel:
    model, _ = assemble(plan, make_tracks(*(names or ("B.plus", "B.minus"))), window_size=SIZE, **settings)
    return model


def scramble(model: CoverageModel, seed: int) -> None:
    """Random weights and running statistics, unlike those of any other seed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in [*model.parameters(), *model.buffers()]:
            if value.is_floating_point():
                value.add_(torch.rand(value.shape, generator=generator), alpha=0.3)


def trained_folder(folder: Path, names: Sequence[str] = ("B.plus", "B.minus"), **changes: object) -> Path:
    """A saved model whose every weight can be told from a fresh one's."""
    plan = make_plan(**{"backbone": MIXTRAL} | changes)
    model, tokenizer = assemble(plan, make_tracks(*names), window_size=SIZE)
    scramble(model, 1)
    save_model(model, tokenizer, folder)
    return folder


def some_tokens() -> torch.Tensor:
    return torch.randint(0, 5, (2, SIZE), generator=torch.Generator().manual_seed(3))


@torch.no_grad()
def predictions_of(model: CoverageModel) -> torch.Tensor:
    return model.eval()(some_tokens()).predictions


def assert_same_weights(found: torch.nn.Module, expected: torch.nn.Module) -> None:
    assert found.state_dict().keys() == expected.state_dict().keys()
    for name, value in expected.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name


@pytest.mark.parametrize("backbone", [MIXTRAL, CNN], ids=["mixtral", "cnn"])
def test_model_is_as_planned(backbone: dict[str, object]) -> None:
    plan = make_plan(
        backbone=backbone,
        strands="reverse_complement",
        head_channels=(6, 3),
        head_kernel_size=7,
        head_dropout=0.25,
        head_initial_scale=3.0,
        head_batch_norm="renorm",
        head_plain_output=True,
    )
    model = put_together(plan, "B.plus", "NK.plus", "B.minus", "NK.minus")
    assert (model.config.tracks, model.config.track_means) == (
        ["B.plus", "NK.plus", "B.minus", "NK.minus"],
        [0.5, 1.5, 2.5, 3.5],
    )
    assert model.config.token_ids == {"A": 0, "C": 1, "G": 2, "T": 3, "N": 4}
    assert (model.config.window_size, model.config.strands) == (SIZE, "reverse_complement")
    assert len(model.heads) == 2
    for head in model.heads:
        assert [convolution.weight.shape for convolution in head.convolutions] == [
            (6, backbone["hidden_size"], 7),
            (3, 6, 7),
            (1, 3, 7),
        ]
        assert [norm.mode for norm in head.norms] == ["renorm"] * 2
        assert (head.dropout.p, head.scale.item()) == (0.25, 3)
    assert model(some_tokens()).predictions.shape == (2, 4, SIZE)


@pytest.mark.parametrize("backbone", [MIXTRAL, CNN], ids=["mixtral", "cnn"])
@pytest.mark.parametrize("trainable", ["all", "head"])
def test_what_is_said_trains(trainable: str, backbone: dict[str, object]) -> None:
    model = put_together(make_plan(trainable=trainable, backbone=backbone))
    for name, value in model.named_parameters():
        assert value.requires_grad == (trainable == "all" or name.startswith("heads.")), name


def test_lora_trains_heads_and_updates_of_every_projection() -> None:
    plan = make_plan(trainable="lora", backbone=MIXTRAL, lora=LoraSettings(rank=3, alpha=6, dropout=0.0))
    model = put_together(plan)
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    updates = {name: value for name, value in trained.items() if not name.startswith("heads.")}
    assert {name for name in trained if name.startswith("heads.")} == {
        f"heads.{name}" for name, _ in model.heads.named_parameters()
    }
    places = {
        f"layers.{layer}.self_attn.{projection}.lora_{matrix}."
        for layer in range(2)
        for projection in PROJECTIONS
        for matrix in "AB"
    }
    assert len(updates) == len(places)
    assert all(any(place in name for name in updates) for place in places)
    # 16 channels in and out; one of two heads for keys and values, so that these are 8 wide.
    widths = {"q_proj": 16 + 16, "k_proj": 16 + 8, "v_proj": 16 + 8, "o_proj": 16 + 16}
    assert sum(value.numel() for value in updates.values()) == 2 * 3 * sum(widths.values())


def test_lora_begins_at_the_backbone(tmp_path: Path) -> None:
    folder = backbone_folder(tmp_path / "backbone", MIXTRAL, SIZE)
    found = []
    for trainable in ("all", "lora"):
        torch.manual_seed(9)  # for the heads
        model = put_together(make_plan(backbone=str(folder), trainable=trainable))
        found.append(predictions_of(model))
    torch.testing.assert_close(*found)


def test_updates_learn_alike_with_gradient_checkpointing(tmp_path: Path) -> None:
    """Though nothing before the first update has a gradient."""
    folder, gradients = backbone_folder(tmp_path / "backbone", MIXTRAL, SIZE), []
    for checkpointing in (False, True):
        model = adapted_model(folder).train()
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        if checkpointing:
            model.activation_checkpointing_enable()
        model(some_tokens(), torch.ones(2, 2, SIZE)).loss.backward()
        gradients.append({name: value.grad for name, value in model.named_parameters() if value.requires_grad})
    plain, checkpointed = gradients
    for name, value in plain.items():
        assert (value != 0).any(), name
        torch.testing.assert_close(checkpointed[name], value, msg=name)


def adapted_model(folder: Path) -> CoverageModel:
    """With updates as training would leave them: not 0."""
    plan = make_plan(backbone=str(folder), trainable="lora", lora=LoraSettings(rank=4, alpha=12, dropout=0.1))
    torch.manual_seed(2)
    model = put_together(plan)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "lora_B" in name:
                value.normal_(0, 0.3)
    return model


def test_merged_adapters_predict_the_same(tmp_path: Path) -> None:
    folder = backbone_folder(tmp_path / "backbone", MIXTRAL, SIZE)
    model = adapted_model(folder)
    before = predictions_of(model)
    merge_adapters(model, tmp_path / "adapter")
    after = predictions_of(model)
    torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-5)
    original = put_together(make_plan(backbone=str(folder)))
    assert model.state_dict().keys() == original.state_dict().keys()
    assert all(value.requires_grad for value in model.parameters())
    original.heads.load_state_dict(model.heads.state_dict())
    assert (predictions_of(original) - before).abs().max() > 1e-3

    save_model(model, make_base_tokenizer(), tmp_path / "model")
    assert torch.equal(predictions_of(load_model(tmp_path / "model", "cpu")), after)


def test_merging_adds_the_scaled_product_to_the_projections_alone(tmp_path: Path) -> None:
    folder = backbone_folder(tmp_path / "backbone", MIXTRAL, SIZE)
    model = adapted_model(folder)
    updates = {name: value.detach().double() for name, value in model.named_parameters() if "lora_" in name}
    merge_adapters(model, tmp_path / "adapter")
    merged = model.backbone.state_dict()
    changed = 0
    for name, value in AutoModel.from_pretrained(folder).state_dict().items():
        layer, _, kind = name.partition(".self_attn.")
        if kind.removesuffix(".weight") not in PROJECTIONS:
            assert torch.equal(merged[name], value), name
            continue
        down, up = (
            next(value for key, value in updates.items() if f"{layer}.self_attn.{kind[:6]}.lora_{matrix}" in key)
            for matrix in "AB"
        )
        torch.testing.assert_close(merged[name].double(), value.double() + 12 / 4 * up @ down, rtol=0, atol=1e-6)
        changed += 1
    assert changed == 2 * 4


def test_saved_adapters_fit_the_original_backbone(tmp_path: Path) -> None:
    folder = backbone_folder(tmp_path / "backbone", MIXTRAL, SIZE)
    model = adapted_model(folder)
    before = predictions_of(model)
    merge_adapters(model, tmp_path / "adapter")
    files = {path.name for path in (tmp_path / "adapter").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors"} <= files
    settings = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (settings["r"], settings["lora_alpha"]) == (4, 12)

    other = put_together(make_plan(backbone=str(folder)))
    other.heads.load_state_dict(model.heads.state_dict())
    other.backbone = PeftModel.from_pretrained(AutoModel.from_pretrained(folder), tmp_path / "adapter")
    torch.testing.assert_close(predictions_of(other), before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("trainable", ["all", "head"])
def test_without_adapters_there_is_nothing_to_merge(trainable: str, tmp_path: Path) -> None:
    model = put_together(make_plan(trainable=trainable))
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    merge_adapters(model, tmp_path / "adapter")
    assert not (tmp_path / "adapter").exists()
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


def start_from(folder: Path, *names: str, **changes: object) -> CoverageModel:
    plan = make_plan(**{"backbone": None, "init_from": str(folder)} | changes)
    return put_together(plan, *names, start=folder)


@pytest.mark.parametrize("backbone", [MIXTRAL, CNN], ids=["mixtral", "cnn"])
@pytest.mark.parametrize("strands", ["heads", "reverse_complement"])
def test_start_takes_backbone_and_heads_by_name(
    strands: str, backbone: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In another order, with another mean and another batch norm."""
    names = ("NK.plus", "NK.minus", "B.plus", "B.minus")
    folder = trained_folder(tmp_path / "start", names, strands=strands, backbone=backbone)
    source = load_model(folder, "cpu")
    model = start_from(folder, "B.minus", "B.plus", strands=strands, head_batch_norm="frozen")
    assert "custom code" not in capsys.readouterr().out  # a question on the terminal
    assert_same_weights(model.backbone, source.backbone)
    origins = {"heads": [3, 2], "reverse_complement": [1]}[strands]
    for head, origin in zip(model.heads, origins, strict=True):
        assert_same_weights(head, source.heads[origin])
        assert {norm.mode for norm in head.norms} == {"frozen"}
    assert model.config.tracks == ["B.minus", "B.plus"]
    assert model.config.track_means == [0.5, 1.5]
    torch.testing.assert_close(predictions_of(model), predictions_of(source)[:, [3, 2]])
    assert all(value.requires_grad for value in model.parameters())


@pytest.mark.parametrize("mode", ["batch", "renorm", "frozen"])
def test_a_unet_that_is_started_from_follows_the_batch_norm_of_the_head(
    mode: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also in the folder that is saved."""
    folder = trained_folder(tmp_path / "start", backbone=UNET | {"batch_norm": "renorm"})
    with caplog.at_level(logging.INFO, "rnatracks"):
        model = start_from(folder, "B.plus", "B.minus", head_batch_norm=mode)
    norms = [module for module in model.modules() if isinstance(module, TrackNorm)]
    assert len(norms) > 8
    assert {norm.mode for norm in norms} == {mode}
    said = f"batch norm of the backbone of B: {mode}, as in models.B.head.batch_norm; it was renorm before"
    assert (said in caplog.messages) == (mode != "renorm")
    model.save_pretrained(tmp_path / "saved")
    assert CoverageModel.from_pretrained(tmp_path / "saved").backbone.config.batch_norm == mode


def test_start_takes_the_only_head_of_a_strand(tmp_path: Path) -> None:
    folder = trained_folder(tmp_path / "start", ("B.minus", "B.plus"))
    source = load_model(folder, "cpu")
    model = start_from(folder, "NK.plus", "T.minus", "B.minus", "T.plus")
    for head, origin in zip(model.heads, (1, 0, 0, 1), strict=True):
        assert_same_weights(head, source.heads[origin])


def test_start_takes_the_only_head_of_both_strands(tmp_path: Path) -> None:
    folder = trained_folder(tmp_path / "start", strands="reverse_complement")
    source = load_model(folder, "cpu")
    model = start_from(folder, "NK.plus", "NK.minus", "T.unstranded", strands="reverse_complement")
    for head in model.heads:
        assert_same_weights(head, source.heads[0])


@pytest.mark.parametrize(
    ("names", "strands", "wanted"),
    [
        (("B.plus", "B.minus"), "heads", "NK.unstranded"),
        (("B.plus", "T.plus"), "heads", "NK.plus"),
        (("B.plus", "T.plus"), "reverse_complement", "NK.plus"),
    ],
    ids=["no such strand", "two of that strand", "two cell types"],
)
def test_a_head_without_a_like_starts_anew(
    names: Sequence[str], strands: str, wanted: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = trained_folder(tmp_path / "start", names, strands=strands)
    source = load_model(folder, "cpu")
    with caplog.at_level(logging.INFO, "rnatracks"):
        model = start_from(folder, "B.plus", wanted, strands=strands)
    assert_same_weights(model.heads[0], source.heads[0])
    fresh = model.heads[1]
    assert all((norm.running_mean == 0).all() and (norm.running_var == 1).all() for norm in fresh.norms)
    for other in source.heads:
        assert not torch.equal(fresh.convolutions[0].weight, other.convolutions[0].weight)
    name = wanted if strands == "heads" else "NK"
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    found = f"{folder} has neither a head of that name nor a single match"
    assert warnings == [f"head {name} starts from random weights: {found}"]


def test_start_can_look_another_way(tmp_path: Path) -> None:
    folder = trained_folder(tmp_path / "start", attention="causal")
    edited = some_tokens()
    edited[:, -1] = (edited[:, -1] + 1) % 4
    for attention in ("causal", "bidirectional"):
        model = start_from(folder, "B.plus", "B.minus", attention=attention).eval()
        with torch.no_grad():
            states = [model.backbone(tokens).last_hidden_state for tokens in (some_tokens(), edited)]
        assert torch.equal(states[0][:, :-1], states[1][:, :-1]) == (attention == "causal")
        assert model.config.backbone_config.is_causal == (attention == "causal")


@pytest.mark.parametrize("trainable", ["head", "lora"])
def test_start_can_train_less(trainable: str, tmp_path: Path) -> None:
    folder = trained_folder(tmp_path / "start")
    model = start_from(folder, "B.plus", "B.minus", trainable=trainable)
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    assert {name for name in trained if "lora_" not in name} == {
        f"heads.{name}" for name, _ in model.heads.named_parameters()
    }
    assert any("lora_" in name for name in trained) == (trainable == "lora")
    expected = predictions_of(load_model(folder, "cpu"))
    torch.testing.assert_close(predictions_of(model), expected)
    merge_adapters(model, tmp_path / "adapter")
    torch.testing.assert_close(predictions_of(model), expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strands": "reverse_complement"}, "strands: found heads; expected reverse_complement, as in the new model"),
        ({"head_channels": (8, 5)}, "head_channels: found [8, 4]; expected [8, 5], as in the new model"),
        ({"head_kernel_size": 3}, "head_kernel_size: found 5; expected 3, as in the new model"),
        ({"head_plain_output": True}, "head_plain_output: found False; expected True, as in the new model"),
    ],
    ids=["strands", "channels", "kernel", "output"],
)
def test_other_heads_are_refused(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    folder = trained_folder(tmp_path / "start")
    with pytest.raises(InputError) as refusal:
        start_from(folder, "B.plus", "B.minus", **changes)
    assert str(refusal.value) == f"{folder}, to start from, {message}"


def test_a_backbone_is_no_model_to_start_from(tmp_path: Path) -> None:
    folder = backbone_folder(tmp_path / "backbone", MIXTRAL, SIZE)
    with pytest.raises(InputError) as refusal:
        start_from(folder, "B.plus", "B.minus")
    assert str(refusal.value) == f"{folder}: found a model of type 'mixtral'; expected the folder of a trained model"


def test_router_loss_is_for_experts(caplog: pytest.LogCaptureFixture) -> None:
    """It is one setting for all models of a run: those without experts go without."""
    assert put_together(make_plan(backbone=MIXTRAL), router_loss=0.02).config.router_loss == 0.02
    with caplog.at_level(logging.INFO, "rnatracks"):
        model = put_together(make_plan(backbone=CNN), router_loss=0.02)
    assert model.config.router_loss == 0
    assert caplog.messages == ["training.router_loss has no effect on B, because its backbone has no experts"]
    assert model(some_tokens(), torch.ones(2, 2, SIZE)).loss.isfinite()


def test_windows_longer_than_the_backbone_are_refused(tmp_path: Path) -> None:
    folder = backbone_folder(tmp_path / "backbone", MIXTRAL, SIZE)
    with pytest.raises(
        InputError, match="^backbone .*: found at most 64 positions; expected at least windows.size = 65"
    ):
        assemble(make_plan(backbone=str(folder)), make_tracks("B.plus"), window_size=65)
