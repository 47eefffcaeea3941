"""The U-Net head: its arithmetic against plain PyTorch and NumPy, shifts, masks, formats, saving and starting."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from flops import FlopsByFormat
from jobs import make_plan
from models import SPEC, small_model
from safetensors.torch import load_file

from rnatracks.config.heads import UNetHeadSettings
from rnatracks.errors import InputError
from rnatracks.model.backbone import make_base_tokenizer
from rnatracks.model.build import assemble
from rnatracks.model.folder import load_model, save_model
from rnatracks.model.half_precision import hold_in_half_precision
from rnatracks.model.heads import TrackHead, UNetHead
from rnatracks.model.layers import Doubling, TrackNorm
from rnatracks.model.network import IGNORED, CoverageModel
from rnatracks.tracks.targets import TargetTrack

HIDDEN, WIDTHS, DILATIONS = 5, [6, 8, 10], [2, 4]
SHARED = {"head_type": "unet", "head_widths": WIDTHS, "head_dilations": DILATIONS}
SETTINGS = UNetHeadSettings(type="unet", widths=tuple(WIDTHS), dropout=0.0)


def small_head(**changes: object) -> UNetHead:
    """Random weights, scales and statistics, in float64, in evaluation mode."""
    torch.manual_seed(0)
    shape = {"widths": WIDTHS, "kernel_size": 5, "dilations": DILATIONS, "dropout": 0.0}
    head = UNetHead(HIDDEN, 3, **shape | changes).double().eval()
    for module in head.modules():
        if isinstance(module, TrackNorm):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    torch.nn.init.normal_(head.scale)
    return head


def some_states(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, HIDDEN, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def written_out(head: UNetHead, states: torch.Tensor, *, training: bool = False) -> np.ndarray:
    """Outputs `[batch, output, length]`: layers of `[batch, channels, length]`, and the last step in NumPy."""
    weights = head.state_dict()

    def layer(states: torch.Tensor, name: str, *, dilation: int = 1, stride: int = 1) -> torch.Tensor:
        kernel = weights[f"{name}.convolution.weight"]
        reach = dilation * (kernel.shape[2] // 2)
        states = F.conv1d(states, kernel, padding=reach, dilation=dilation, stride=stride)
        mean, variance, weight, bias = (
            weights[f"{name}.norm.{key}"] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return F.gelu(F.batch_norm(states, mean.clone(), variance.clone(), weight, bias, training=training))

    states, levels = layer(states.transpose(1, 2), "projection"), []
    for level in range(len(WIDTHS) - 1):
        levels.append(states)
        states = layer(states, f"trunk.down.{level}", stride=2)
    for number, dilation in enumerate(DILATIONS):
        states = states + layer(states, f"trunk.bottom.{number}", dilation=dilation)
    for level in reversed(range(len(WIDTHS) - 1)):
        skipped, step = levels.pop(), weights[f"trunk.doublings.{level}.weight"]
        kernel = step.view(2, WIDTHS[level], WIDTHS[level + 1]).permute(2, 1, 0)
        doubled = F.conv_transpose1d(states, kernel, stride=2)[..., : skipped.shape[2]]
        states = layer(torch.cat([doubled, skipped], 1), f"trunk.up.{level}")
    last = weights["output.weight"][..., 0].numpy()
    values = np.einsum("oc,bcl->bol", last, states.numpy()) + weights["output.bias"].numpy()[:, None]
    return np.log1p(np.exp(values)) * np.log1p(np.exp(weights["scale"].numpy()))[:, None]


@pytest.mark.parametrize("length", [1, 2, 3, 5, 37, 511, 512])
@torch.no_grad()
def test_outputs_equal_the_written_out_network(length: int) -> None:
    """Also at lengths that the halvings do not divide."""
    head, states = small_head(), some_states(2, length)
    np.testing.assert_allclose(head(states).numpy(), written_out(head, states), rtol=1e-9)


@torch.no_grad()
def test_in_training_statistics_are_those_of_the_batch() -> None:
    head, states = small_head().train(), some_states(3, 64)
    expected = written_out(head, states, training=True)
    np.testing.assert_allclose(head(states).numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("length", [1, 511, 512, 32_000])
@torch.no_grad()
def test_windows_of_any_length_keep_it(length: int) -> None:
    outputs = small_head().float()(some_states(1, length).float())
    assert outputs.shape == (1, 3, length)
    assert outputs.isfinite().all() and (outputs >= 0).all()


def test_scales_start_at_0() -> None:
    head = UNetHead(HIDDEN, 4, WIDTHS, 5, DILATIONS, 0.0)
    assert head.scale.tolist() == [0, 0, 0, 0]
    torch.nn.init.zeros_(head.output.weight)
    torch.nn.init.zeros_(head.output.bias)
    found = head.eval()(torch.randn(1, 9, HIDDEN)).detach()
    np.testing.assert_allclose(found.numpy(), np.log(2) ** 2, rtol=1e-6)


def test_scale_outside_multiplies_the_softplus_of_convolutions() -> None:
    """Against NumPy; the same weights with the scale inside give another result."""
    heads = [TrackHead(4, [], 1, 0.0, 8.0, plain_output=True, outside=outside).double() for outside in (True, False)]
    assert [head.scale.item() for head in heads] == [0, 8]
    for head in heads:
        head.load_state_dict(heads[0].state_dict() | {"scale": torch.tensor(1.3)})
    states = torch.randn(2, 9, 4, dtype=torch.float64)
    weight, bias = (value.detach().numpy() for value in heads[0].convolutions[0].parameters())
    values = states.numpy() @ weight[0, :, 0] + bias
    scale = np.float64(heads[0].scale.item())
    outside, inside = (head(states).detach().numpy() for head in heads)
    np.testing.assert_allclose(outside, np.log1p(np.exp(values)) * np.log1p(np.exp(scale)), rtol=1e-12)
    np.testing.assert_allclose(inside, np.log1p(np.exp(values * scale)), rtol=1e-12)


def test_defaults_have_the_weights_counted_by_hand() -> None:
    """On Genos' states, for two tracks; each track more adds a row of 512 weights, a bias and a scale."""
    settings = UNetHeadSettings(type="unet").model_dump(exclude={"type"})
    with torch.device("meta"):
        counts = [sum(value.numel() for value in UNetHead(1024, n, **settings).parameters()) for n in (2, 667)]
    projection = 1024 * 512
    down = 5 * (512 * 768 + 768 * 1024)
    bottom = 2 * 5 * 1024 * 1024
    doublings = 2 * (1024 * 768 + 768 * 512)
    up = 5 * (2 * 768 * 768 + 2 * 512 * 512)
    norms = 2 * (512 + 768 + 1024 + 2 * 1024 + 768 + 512)
    assert counts[0] == projection + down + bottom + doublings + up + norms + 2 * (512 + 2)
    assert counts[1] - counts[0] == 665 * (512 + 2)


@pytest.mark.parametrize("shift", [4, 12])
@torch.no_grad()
def test_shifted_states_give_shifted_outputs_away_from_edges(shift: int) -> None:
    """By a multiple of 2 ** levels; another shift meets other pairs."""
    head, states = small_head(), some_states(1, 240)
    reach = 64
    outputs = [head(states[:, start : start + 200])[..., reach:-reach] for start in (0, shift, 1)]
    inner = outputs[0].shape[2]
    torch.testing.assert_close(outputs[1][..., : inner - shift], outputs[0][..., shift:], rtol=1e-9, atol=1e-12)
    assert not torch.allclose(outputs[2][..., : inner - 1], outputs[0][..., 1:], rtol=1e-3)


@torch.no_grad()
def test_a_state_changes_outputs_on_both_sides_within_reach() -> None:
    """Two halvings, kernels of 5 and dilations of 2 and 4: at most 64 bases on either side."""
    head, states = small_head(), some_states(1, 400)
    edited = states.clone()
    edited[0, 200] += 1
    moved = torch.nonzero((head(edited) - head(states)).abs().amax((0, 1)) > 0).flatten()
    assert 40 < 200 - moved.min() <= 64
    assert 40 < moved.max() - 200 <= 64


@pytest.mark.parametrize("length", [1, 6, 7])
@torch.no_grad()
def test_doubling_is_a_transposed_convolution(length: int) -> None:
    layer, states = Doubling(3, 2).double(), torch.randn(2, 4, 3, dtype=torch.float64)
    kernel = layer.weight.view(2, 2, 3).permute(2, 1, 0)
    expected = F.conv_transpose1d(states.transpose(1, 2), kernel, stride=2)[..., :length].transpose(1, 2)
    torch.testing.assert_close(layer(states, length), expected)


def buffers_after(head: UNetHead, states: torch.Tensor, counted: torch.Tensor | None) -> dict[str, torch.Tensor]:
    head.train()(states, counted)
    return {name: value.clone() for name, value in head.named_buffers()}


@torch.no_grad()
def test_a_masked_window_changes_no_statistic() -> None:
    """Of any level: as if the window were not in the batch."""
    states, counted = some_states(3, 63), torch.ones(3, 63, dtype=torch.bool)
    counted[1] = False
    alone = buffers_after(small_head(), states[[0, 2]], None)
    for name, value in buffers_after(small_head(), states, counted).items():
        torch.testing.assert_close(value, alone[name], msg=name)


@torch.no_grad()
def test_masked_positions_change_no_statistic() -> None:
    """Other states there, further from what counts than the head sees: the same statistics."""
    states, counted = some_states(2, 256), torch.ones(2, 256, dtype=torch.bool)
    counted[:, 96:] = False
    other = states.clone()
    other[:, 170:] += 3
    found, expected = (buffers_after(small_head(), each, counted) for each in (other, states))
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name], msg=name)
    unmasked = buffers_after(small_head(), other, None)
    assert not torch.allclose(unmasked["projection.norm.running_mean"], found["projection.norm.running_mean"])


def test_labels_that_do_not_count_reach_the_head() -> None:
    tokens, labels = torch.randint(0, 4, (2, 64)), torch.rand(2, 2, 64)
    labels[1] = IGNORED
    model, alone = (small_model(head_dropout=0.0, **SHARED).train() for _ in range(2))
    model(tokens, labels)
    alone(tokens[:1], labels[:1])
    for (name, value), other in zip(model.named_buffers(), alone.buffers(), strict=True):
        torch.testing.assert_close(value, other, msg=name)


def test_under_autocast_all_products_but_the_last_are_bf16() -> None:
    model = small_model(head_dropout=0.0, **SHARED | {"head_widths": [64, 96]}).train()
    tokens, labels = torch.randint(0, 4, (2, 64)), torch.rand(2, 2, 64)
    with FlopsByFormat() as flops:
        with torch.autocast("cpu", torch.bfloat16):
            output = model(tokens, labels)
        output.loss.backward()
    assert output.predictions.dtype == torch.float32
    exact = {key: count for key, count in flops.counts.items() if key[1] == torch.float32}
    assert {name for name, _ in exact} == {"convolution", "convolution_backward"}
    # 64 channels to 2 tracks at 2 x 64 bases, forward and for both gradients.
    assert sum(exact.values()) == 3 * 2 * 64 * 2 * 2 * 64
    assert flops.share(torch.bfloat16) > 0.99
    model.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        expected = model(tokens).predictions
        hold_in_half_precision(model)
        assert torch.equal(model(tokens).predictions, expected)
    kept = {name for name, value in model.heads.named_parameters() if value.dtype == torch.float32}
    assert {"scale", "output.weight", "output.bias"} < kept
    assert all("norm" in name for name in kept - {"scale", "output.weight", "output.bias"})


def put_together(*names: str, start: Path | None = None, **changes: object) -> CoverageModel:
    torch.manual_seed(7)
    origin = {"backbone": SPEC} if start is None else {"backbone": None, "init_from": str(start)}
    plan = make_plan(**{"head": SETTINGS} | origin | changes)
    tracks = [TargetTrack(name, Path(f"{name}.bw"), 1.0) for name in names]
    return assemble(plan, tracks, window_size=64, start=start)[0]


@pytest.mark.parametrize("trainable", ["head", "lora"])
def test_the_whole_head_trains_whatever_else_does(trainable: str) -> None:
    model = put_together("B.plus", "B.minus", trainable=trainable).train()
    model.activation_checkpointing_enable()
    tokens = torch.randint(0, 4, (2, 64))
    with torch.autocast("cpu", torch.bfloat16):
        model(tokens, torch.rand(2, 2, 64)).loss.backward()
    for name, value in model.heads.named_parameters():
        assert value.grad is not None and value.grad.abs().max() > 0, name
    assert all("lora_" in name for name, value in model.backbone.named_parameters() if value.requires_grad)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = put_together("NK.plus", "NK.minus", "B.plus", "B.minus")
    torch.nn.init.normal_(model.heads.scale)
    save_model(model, make_base_tokenizer(), tmp_path / "start")
    return tmp_path / "start"


def test_folder_has_the_shape_and_returns_bitwise(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert (config["head_type"], config["head_widths"], config["head_dilations"]) == ("unet", WIDTHS, DILATIONS)
    model = load_model(folder, "cpu")
    weights = load_file(folder / "model.safetensors")
    heads = {name.removeprefix("heads."): value for name, value in weights.items() if name.startswith("heads.")}
    assert heads.keys() == model.heads.state_dict().keys()
    assert all(torch.equal(value, heads[name]) for name, value in model.heads.state_dict().items())


def test_older_folder_without_the_new_keys_has_convolutions(tmp_path: Path) -> None:
    model, tokens = small_model(), torch.randint(0, 4, (1, 50))
    save_model(model, make_base_tokenizer(), tmp_path)
    path = tmp_path / "config.json"
    new = ("head_type", "head_scale", "head_widths", "head_dilations")
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key not in new}))
    again = load_model(tmp_path, "cpu")
    assert [again.config.head_type, again.config.head_scale] == ["convolutions", "inside"]
    with torch.no_grad():
        assert torch.equal(again(tokens).predictions, model(tokens).predictions)


@pytest.mark.parametrize("changes", [{"head_type": "linear"}, {"head_scale": "beside"}])
def test_folder_with_an_unknown_head_is_refused(changes: dict[str, str], tmp_path: Path) -> None:
    save_model(small_model(), make_base_tokenizer(), tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    (key, value), *_ = changes.items()
    with pytest.raises(InputError, match=f"{key} '{value}', which is neither"):
        load_model(tmp_path, "cpu")


def test_start_takes_shared_weights_and_outputs_by_name(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    source, tokens = load_model(folder, "cpu"), torch.randint(0, 4, (2, 64))
    with caplog.at_level(logging.WARNING, "rnatracks"):
        model = put_together("B.minus", "T.plus", "NK.plus", start=folder).eval()
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "head T.plus starts from random weights"
    ]
    with torch.no_grad():
        found, expected = model(tokens).predictions, source(tokens).predictions
    torch.testing.assert_close(found[:, [0, 2]], expected[:, [3, 0]])
    assert not torch.allclose(found[:, 1], expected[:, 0])
    assert model.heads.scale[1] == 0


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (UNetHeadSettings(type="unet"), "head_widths: found [6, 8, 10]; expected [512, 768, 1024], as in the new"),
        (None, "head_type: found unet; expected convolutions, as in the new model"),
    ],
)
def test_start_with_another_head_is_refused(head: UNetHeadSettings | None, message: str, folder: Path) -> None:
    with pytest.raises(InputError) as refusal:
        put_together("B.plus", "B.minus", start=folder, head=make_plan().head if head is None else head)
    assert message in str(refusal.value)
