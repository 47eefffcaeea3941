"""The network: loss, strands, sight and precision against written-out references, and folders that load alone."""

import copy
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from models import small_model
from numpy.typing import NDArray
from transformers import MixtralConfig

from rnatracks.model.backbone import make_base_tokenizer
from rnatracks.model.heads import TrackHead
from rnatracks.model.layers import TrackNorm
from rnatracks.model.network import IGNORED, CoverageConfig, CoverageModel

# The ids of the published tokenizer's kind: other tokens before, between and after the bases.
GENOS_IDS = {"A": 7, "T": 8, "C": 9, "G": 11, "N": 12}
CAUSAL = {"vocab_size": 128, "num_hidden_layers": 2, "initializer_range": 0.4, "is_causal": True}
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
BACKBONES = {
    "causal": CAUSAL,
    "bidirectional": CAUSAL | {"is_causal": False},
    "experts": CAUSAL | EXPERTS,
    "cnn": {"type": "dilated_cnn", "num_hidden_layers": 4},
    "unet": {"type": "unet", "widths": [8, 8, 12], "dilations": [1, 2], "attention_layers": 1, "attention_heads": 2},
}
# A causal backbone whose tracks share a U-Net as their head.
BACKBONES["shared head"] = CAUSAL
HEADS = {"shared head": {"head_type": "unet", "head_widths": [8, 12, 16], "head_dilations": [1, 2]}}
CNN_IDS = {"A": 0, "C": 1, "G": 2, "T": 3, "N": 4}
TRACKS = ["NK.minus", "B.unstranded", "B.plus", "T_CD8.v2.plus", "NK.plus", "B.minus", "T_CD8.v2.minus", "M.unstranded"]
OTHER_STRAND = {
    track: track.replace(*pair)
    for track in TRACKS
    for pair in [(".plus", ".minus") if track.endswith(".plus") else (".minus", ".plus")]
}


def model_of(kind: str, strands: str = "heads", tracks: list[str] | None = None, **changes: object) -> CoverageModel:
    """A small model of one of `BACKBONES`, whose tokens are those of its kind, and whose predictions vary much."""
    tracks = tracks or ["B.plus", "B.minus"]
    model = small_model(
        means=[1.0] * len(tracks),
        backbone=BACKBONES[kind],
        tracks=tracks,
        strands=strands,
        token_ids=CNN_IDS if kind in ("cnn", "unet") else GENOS_IDS,
        **HEADS.get(kind, {}) | changes,
    )
    for norm in model.heads.modules():
        if isinstance(norm, TrackNorm):
            norm.running_var.uniform_(0.01, 0.05)
    return model


def drop_nothing(model: CoverageModel) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def some_bases(*shape: int, seed: int = 0, letters: str = "ACGTN") -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(row) for row in rng.choice(list(letters), shape)]


def tokens_of(model: CoverageModel, sequences: list[str]) -> torch.Tensor:
    return torch.tensor([[model.config.token_ids[base] for base in bases] for bases in sequences])


def reverse_complement(bases: str) -> str:
    return "".join({"A": "T", "T": "A", "C": "G", "G": "C", "N": "N"}[base] for base in reversed(bases))


def some_tokens(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 4, shape, generator=torch.Generator().manual_seed(seed))


def some_labels(*shape: int, ignored: float = 0.3, seed: int = 3) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    labels = rng.gamma(1, 2, shape).astype(np.float32)
    labels[rng.random(shape) < ignored] = IGNORED
    return torch.from_numpy(labels)


def mean_squared_error(predictions: torch.Tensor, labels: torch.Tensor) -> float:
    """Over the labels that count, in float64."""
    counted = labels.numpy() != -100
    error = predictions.detach().numpy().astype(np.float64) - labels.numpy()
    return (error[counted] ** 2).mean()


def test_predictions_are_one_head_a_track() -> None:
    model, tokens = small_model(), some_tokens(3, 50)
    with torch.no_grad():
        predictions = model(tokens).predictions
        states = model.backbone(tokens).last_hidden_state
        expected = [head(states) for head in model.heads]
    assert predictions.shape == (3, 2, 50)
    torch.testing.assert_close(predictions, torch.stack(expected, 1))
    assert not torch.equal(predictions[:, 0], predictions[:, 1])


def test_loss_is_the_mean_over_the_labels_that_count() -> None:
    model, tokens, labels = small_model(), some_tokens(2, 30), some_labels(2, 2, 30)
    with torch.no_grad():
        output = model(tokens, labels)
    assert output.loss.item() == pytest.approx(mean_squared_error(output.predictions, labels), rel=1e-6)


def test_labels_that_do_not_count_do_not_touch_the_gradient() -> None:
    """In training, with batch statistics: the loss is written with the labels that count alone."""
    tokens, labels = some_tokens(2, 30), some_labels(2, 2, 30)
    counted = labels != IGNORED
    model, other = (small_model(head_dropout=0.0).train() for _ in range(2))
    model(tokens, labels).loss.backward()
    (other(tokens, labels).predictions[counted] - labels[counted]).square().mean().backward()
    expected = dict(other.named_parameters())
    for name, value in model.named_parameters():
        torch.testing.assert_close(value.grad, expected[name].grad, msg=name)


def test_nothing_to_compare_with_is_no_loss() -> None:
    model, labels = small_model().train(), torch.full((2, 2, 30), IGNORED)
    loss = model(some_tokens(2, 30), labels).loss
    loss.backward()
    assert loss == 0
    assert all((value.grad == 0).all() for value in model.parameters())


def test_batch_statistics_are_those_of_bases_that_some_track_counts() -> None:
    model, tokens, labels = small_model().train(), some_tokens(2, 30), some_labels(2, 2, 30, ignored=0.6)
    counted = (labels != IGNORED).any(1)
    assert 0 < counted.sum() < counted.numel()
    states = model.backbone(tokens).last_hidden_state
    model(tokens, labels)
    for head in model.heads:
        norm = head.norms[0]
        found = F.conv1d(states.transpose(1, 2), head.convolutions[0].weight, padding=2).transpose(1, 2)[counted]
        torch.testing.assert_close(norm.running_mean, found.mean(0))
        torch.testing.assert_close(norm.running_var, found.var(0, correction=0))


def in_parts(model: CoverageModel, tokens: torch.Tensor, labels: torch.Tensor) -> float:
    """Sum of the losses of micro-batches, of which unequally many labels count."""
    items = (labels != IGNORED).sum()
    parts = ((0, 1), (1, 3), (3, 4))
    return sum(model(tokens[a:b], labels[a:b], num_items_in_batch=items).loss.item() for a, b in parts)


@torch.no_grad()
def test_micro_batches_add_up_to_the_whole() -> None:
    model, tokens, labels = small_model(), some_tokens(4, 30), some_labels(4, 2, 30)
    labels[0, :, :25] = IGNORED
    labels[3] = IGNORED
    whole = model(tokens, labels)
    assert in_parts(model, tokens, labels) == pytest.approx(whole.loss.item(), rel=1e-6)
    assert whole.loss.item() == pytest.approx(mean_squared_error(whole.predictions, labels), rel=1e-6)


def switch_loss(logits: list[NDArray[np.float64]], chosen: int) -> float:
    """N times the sum over experts of share of tokens times mean probability (Fedus 2021, equations 4 to 6).

    `logits` are `[tokens, experts]` of each layer; the layers' tokens are pooled, and `chosen` experts serve each.
    """
    shares, probabilities = [], []
    for layer in logits:
        exponents = np.exp(layer - layer.max(1, keepdims=True))
        probabilities.append(exponents / exponents.sum(1, keepdims=True))
        best = np.argsort(-layer, axis=1)[:, :chosen]
        shares.append([(best == expert).any(1) for expert in range(layer.shape[1])])
    share = np.concatenate(shares, axis=1).mean(1)
    return float(len(share) * share @ np.concatenate(probabilities).mean(0))


def router_logits(model: CoverageModel, run: object) -> list[NDArray[np.float64]]:
    """What the routers say while the model runs."""
    found: list[NDArray[np.float64]] = []
    hooks = [
        layer.mlp.gate.register_forward_hook(lambda *call: found.append(call[2][0].detach().double().numpy()))
        for layer in model.backbone.layers
    ]
    run()
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("strands", ["heads", "reverse_complement"])
@torch.no_grad()
def test_router_loss_is_that_of_switch_transformers(strands: str) -> None:
    """Scaled by the share of labels that are here, so that micro-batches make a mean."""
    model = model_of("experts", strands, router_loss=0.25)
    tokens, labels = tokens_of(model, some_bases(2, 30)), some_labels(2, 2, 30)
    expected = switch_loss(router_logits(model, lambda: model(tokens)), 2)
    assert expected > 2  # perfectly balanced, two experts a token
    output = model(tokens, labels)
    error = mean_squared_error(output.predictions, labels)
    assert output.loss.item() == pytest.approx(error + 0.25 * expected, rel=1e-5)
    fourth = model(tokens, labels, num_items_in_batch=4 * (labels != IGNORED).sum())
    assert fourth.loss.item() == pytest.approx((error + 0.25 * expected) / 4, rel=1e-5)


def test_router_loss_reaches_the_routers() -> None:
    gradients = []
    for weight in (0.0, 0.25):
        model = model_of("experts", router_loss=weight).train()
        model(tokens_of(model, some_bases(2, 30)), some_labels(2, 2, 30)).loss.backward()
        gradients.append([layer.mlp.gate.weight.grad for layer in model.backbone.layers])
    for without, with_balance in zip(*gradients, strict=True):
        assert (with_balance - without).abs().max() > 1e-4


@torch.no_grad()
def test_router_loss_is_only_for_comparison() -> None:
    model = model_of("experts", router_loss=0.25)
    assert model(tokens_of(model, some_bases(2, 30))).loss is None


@pytest.mark.parametrize("kind", ["experts", "cnn"])
@torch.no_grad()
def test_heads_under_autocast_are_float32_but_for_hidden_convolutions(kind: str) -> None:
    model = model_of(kind)
    tokens, states = tokens_of(model, some_bases(2, 60)), []
    model.backbone.register_forward_hook(lambda *call: states.append(call[2].last_hidden_state))
    exact = model(tokens).predictions
    with torch.autocast("cpu", torch.bfloat16):
        output = model(tokens, some_labels(2, 2, 60))
    assert output.predictions.dtype == output.loss.dtype == torch.float32
    assert not torch.equal(states[0], states[1])
    expected = torch.stack([by_hand(head, states[1].float()) for head in model.heads], 1)
    assert torch.equal(output.predictions, expected)
    assert (expected - exact).abs().max() < 0.2 * exact.std()


def by_hand(head: TrackHead, values: torch.Tensor) -> torch.Tensor:
    """A head whose convolutions but the last round their inputs, weights and results to bf16."""
    for number, convolution in enumerate(head.convolutions):
        if number < len(head.convolutions) - 1:
            weight, image = convolution.weight.bfloat16()[:, :, None], values.bfloat16().transpose(1, 2)[:, :, None]
            values = F.conv2d(image, weight, padding="same")[:, :, 0].transpose(1, 2).float()
        else:
            values = convolution(values)
        if number < len(head.norms):
            values = F.gelu(head.norms[number](values))
    return F.softplus(values.squeeze(2) * head.scale)


@torch.no_grad()
def test_heads_are_computed_in_float32_on_a_bfloat16_backbone() -> None:
    model = model_of("experts")
    model.backbone.bfloat16()
    tokens = tokens_of(model, some_bases(2, 60))
    states = model.backbone(tokens).last_hidden_state
    assert states.dtype == torch.bfloat16
    expected = torch.stack([head(states.float()) for head in model.heads], 1)
    assert torch.equal(model(tokens).predictions, expected)


@pytest.mark.parametrize("kind", BACKBONES)
@torch.no_grad()
def test_reverse_complement_sees_both_strands_alike(kind: str) -> None:
    """Read the other way round, the sequence has the other strand's tracks, mirrored."""
    model = model_of(kind, "reverse_complement", TRACKS)
    outputs = model.heads.scale if kind == "shared head" else model.heads
    assert len(outputs) == len({track.rpartition(".")[0] for track in TRACKS})
    sequences = some_bases(3, 61)
    there = model(tokens_of(model, sequences)).predictions
    back = model(tokens_of(model, [reverse_complement(bases) for bases in sequences])).predictions
    for row, track in enumerate(TRACKS):
        other = TRACKS.index(OTHER_STRAND[track])
        torch.testing.assert_close(back[:, row], there[:, other].flip(1), rtol=1e-5, atol=1e-5, msg=track)
        assert there[:, row].std() > 0.01
        if not track.endswith("unstranded"):
            assert not torch.allclose(there[:, row], there[:, other], atol=0.01)


@pytest.mark.parametrize("kind", BACKBONES)
def test_reverse_complement_learns_alike_from_both_strands(kind: str) -> None:
    """The same loss and gradients for the other strand with its labels, in training with batch statistics."""
    found = []
    labels, sequences = some_labels(3, len(TRACKS), 41), some_bases(3, 41)
    labels[:, :, :12] = IGNORED
    others = [TRACKS.index(OTHER_STRAND[track]) for track in TRACKS]
    mirrored = labels.flip(2)[:, others], [reverse_complement(bases) for bases in sequences]
    for own_labels, own_sequences in ((labels, sequences), mirrored):
        model = model_of(kind, "reverse_complement", TRACKS, router_loss=0.1 * (kind == "experts")).train()
        drop_nothing(model)
        loss = model(tokens_of(model, own_sequences), own_labels).loss
        loss.backward()
        found.append({name: value.grad for name, value in model.named_parameters()} | {"loss": loss.detach()})
    there, back = found
    for name, value in there.items():
        torch.testing.assert_close(back[name], value, rtol=1e-3, atol=2e-5 * float(1 + value.abs().max()), msg=name)


@pytest.mark.parametrize("kind", ["causal", "cnn"])
@torch.no_grad()
def test_one_head_a_track_does_not_see_both_strands_alike(kind: str) -> None:
    model = model_of(kind, "heads")
    sequences = some_bases(3, 61)
    there = model(tokens_of(model, sequences)).predictions
    back = model(tokens_of(model, [reverse_complement(bases) for bases in sequences])).predictions
    assert (back.flip(1, 2) - there).abs().max() > 0.01


@torch.no_grad()
def test_an_unstranded_track_is_the_mean_of_both_strands() -> None:
    model = model_of("bidirectional", "reverse_complement", ["B.unstranded", "B.plus", "B.minus"])
    unstranded, plus, minus = model(tokens_of(model, some_bases(2, 40))).predictions.unbind(1)
    torch.testing.assert_close(unstranded, (plus + minus) / 2)
    alone = model_of("bidirectional", "reverse_complement", ["B.unstranded"])
    alone.load_state_dict(model.state_dict())
    torch.testing.assert_close(alone(tokens_of(alone, some_bases(2, 40))).predictions[:, 0], unstranded)


def planted(kind: str, tracks: list[str]) -> CoverageModel:
    """A model whose one head lights up at an A, and at nothing else: weights set by hand."""
    model = model_of(kind, "reverse_complement", tracks, head_kernel_size=3)
    backbone = model.backbone
    for name, value in backbone.named_parameters():
        value.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
    if kind == "cnn":
        backbone.stem.weight[0, 0, backbone.stem.kernel_size[0] // 2] = 1
    else:
        backbone.embed_tokens.weight[GENOS_IDS["A"], 0] = 1
    for head in model.heads:
        for convolution, norm in zip(head.convolutions, head.norms, strict=True):
            convolution.weight.zero_()
            convolution.weight[0, 0, 1] = 1
            norm.running_mean.zero_(), norm.running_var.fill_(1), norm.weight.fill_(1), norm.bias.zero_()
        head.scale.fill_(2)
    return model


@pytest.mark.parametrize("kind", ["causal", "bidirectional", "cnn"])
@torch.no_grad()
def test_a_planted_signal_is_found_at_its_base_on_its_strand(kind: str) -> None:
    """A on the forward strand is plus coverage, T is an A of the other strand: at both ends of the window too."""
    tracks = ["B.minus", "B.unstranded", "B.plus"]
    model = planted(kind, tracks)
    sequences = ["ACCTGNATTTA", "TGGANNCACGT", "ANNNNNNNNNT", "CCGGNCCGGCC"]
    predictions = model(tokens_of(model, sequences)).predictions
    dark, bright = predictions.min(), predictions.max()
    assert dark.item() == pytest.approx(np.log(2), rel=1e-5)
    assert bright > 5
    for bases, (minus, unstranded, plus) in zip(sequences, predictions, strict=True):
        assert "".join("A" if value > 5 else "." for value in plus) == "".join(
            base if base == "A" else "." for base in bases
        )
        assert "".join("T" if value > 5 else "." for value in minus) == "".join(
            base if base == "T" else "." for base in bases
        )
        expected = torch.tensor([(bright + dark) / 2 if base in "AT" else dark for base in bases])
        torch.testing.assert_close(unstranded, expected)


def edited_at(tokens: torch.Tensor, place: int) -> torch.Tensor:
    """Another base there."""
    others = tokens.clone()
    others[:, place] = torch.where(tokens[:, place] == GENOS_IDS["A"], GENOS_IDS["C"], GENOS_IDS["A"])
    return others


@pytest.mark.parametrize("place", [0, 17, 39])
@torch.no_grad()
def test_causal_attention_looks_left_and_bidirectional_both_ways(place: int) -> None:
    for kind in ("causal", "bidirectional"):
        model = model_of(kind)
        tokens = tokens_of(model, some_bases(1, 40))
        with patch.object(F, "scaled_dot_product_attention", wraps=F.scaled_dot_product_attention) as attention:
            states = [model.backbone(ids).last_hidden_state for ids in (tokens, edited_at(tokens, place))]
        change = (states[1] - states[0]).abs().amax(-1)[0]
        if kind == "causal":
            assert (change[:place] == 0).all()
            assert (change[place:] > 1e-5).all()
        else:
            assert (change > 1e-5).all()
        assert attention.call_count == 2 * len(model.backbone.layers)
        for call in attention.call_args_list:  # No [length, length] mask: such a one costs memory and the fast kernels.
            assert call.kwargs["attn_mask"] is None
            assert call.kwargs["is_causal"] == (kind == "causal")


@torch.no_grad()
def test_causal_plus_looks_left_and_minus_right() -> None:
    """Each strand towards its own promoters; heads of one base do not blur the border."""
    model = model_of("causal", "reverse_complement", head_kernel_size=1)
    tokens = tokens_of(model, some_bases(1, 40))
    change = model(edited_at(tokens, 17)).predictions - model(tokens).predictions
    (plus,) = change[:, 0].abs()
    (minus,) = change[:, 1].abs()
    assert plus[:17].max() < 1e-6 < 1e-4 < plus[17:].mean()
    assert minus[18:].max() < 1e-6 < 1e-4 < minus[:18].mean()


def trained_once(kind: str, *, checkpointing: bool, frozen: bool = False) -> tuple[dict[str, torch.Tensor], int]:
    """Gradients of one pass without dropout, and how often it ran the first layer."""
    model = model_of(kind, "reverse_complement", router_loss=0.1 * (kind == "experts")).train()
    drop_nothing(model)
    if checkpointing:
        model.activation_checkpointing_enable()
    model.backbone.requires_grad_(not frozen)
    passes = []
    inside = model.backbone.blocks[0].dilated if kind == "cnn" else model.backbone.layers[0].self_attn
    inside.register_forward_hook(lambda *call: passes.append(call))
    model(tokens_of(model, some_bases(2, 30)), some_labels(2, 2, 30)).loss.backward()
    return {name: value.grad for name, value in model.named_parameters() if value.grad is not None}, len(passes)


@pytest.mark.parametrize("kind", ["bidirectional", "experts", "cnn"])
def test_gradient_checkpointing_changes_no_gradient(
    kind: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """The backbone must take the setting up, or memory is not saved: it computes its layers twice."""
    (plain, once), (checkpointed, twice) = (trained_once(kind, checkpointing=setting) for setting in (False, True))
    assert once > 0
    assert twice == 2 * once
    assert (
        plain.keys()
        == checkpointed.keys()
        == {name for name, _ in model_of(kind, "reverse_complement").named_parameters()}
    )
    for name, value in plain.items():
        torch.testing.assert_close(checkpointed[name], value, msg=name)
    assert not caplog.records
    assert not capsys.readouterr().err


@pytest.mark.parametrize("kind", ["experts", "cnn"])
def test_no_gradient_goes_through_a_frozen_backbone(kind: str) -> None:
    """Nor is it computed twice where checkpointing is on."""
    (plain, once), (checkpointed, still_once) = (
        trained_once(kind, checkpointing=setting, frozen=True) for setting in (False, True)
    )
    assert once == still_once
    assert {name.partition(".")[0] for name in plain} == {"heads"}
    for name, value in plain.items():
        torch.testing.assert_close(checkpointed[name], value, msg=name)


def test_published_shape_has_the_published_size() -> None:
    """Genos-1.2B: 1.246 billion parameters, not counting 2.5 million a track in the heads."""
    backbone = MixtralConfig(
        num_hidden_layers=12,
        hidden_size=1024,
        intermediate_size=4096,
        num_local_experts=8,
        num_experts_per_tok=2,
        num_attention_heads=16,
        num_key_value_heads=8,
        vocab_size=128,
        max_position_embeddings=1_000_000,
        rope_theta=5e7,
        tie_word_embeddings=False,
    )
    tracks = ["B.plus", "B.minus"]
    with torch.device("meta"):
        model = CoverageModel(CoverageConfig(backbone_config=backbone, tracks=tracks))
        shared = CoverageModel(
            CoverageConfig(backbone_config=backbone, tracks=tracks, strands="reverse_complement"), model.backbone
        )
    assert model.backbone.num_parameters() == pytest.approx(1.246e9, abs=0.001e9)
    convolutions = (1024 * 256 + 256 * 64 + 64 * 1) * 9
    batch_norms, scale = 2 * (256 + 64 + 1), 1
    assert sum(value.numel() for value in model.heads.parameters()) == 2 * (convolutions + batch_norms + scale)
    assert sum(value.numel() for value in shared.heads.parameters()) == convolutions + batch_norms + scale


SAVED = [("experts", "heads"), ("bidirectional", "reverse_complement"), ("cnn", "heads"), ("cnn", "reverse_complement")]
SAVED += [("shared head", "heads"), ("shared head", "reverse_complement")]


@pytest.mark.parametrize(("kind", "strands"), SAVED)
def test_saved_model_returns_bitwise(kind: str, strands: str, tmp_path: Path) -> None:
    """Experts too, which Transformers saves under other names, each matrix by itself."""
    model = model_of(kind, strands, ["NK.minus", "B.plus", "NK.plus"], head_batch_norm="renorm", head_plain_output=True)
    tokens = tokens_of(model, some_bases(2, 40))
    model.save_pretrained(tmp_path)
    again = CoverageModel.from_pretrained(tmp_path).eval()
    assert again.state_dict().keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    with torch.no_grad():
        assert torch.equal(again(tokens).predictions, model(tokens).predictions)
    fresh = CoverageConfig()
    ours = [key for key in vars(fresh) if key.startswith("head_") or key in ("tracks", "track_means", "strands")]
    for key in [*ours, "router_loss", "window_size", "token_ids"]:
        assert getattr(again.config, key) == getattr(model.config, key), key
    assert {norm.mode for norm in again.heads.modules() if isinstance(norm, TrackNorm)} == {"renorm"}
    code = {"network.py", "heads.py", "layers.py", "dilated_cnn.py", "unet.py", "experts.py"}
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"} | code


LOADER = """
    import sys
    sys.modules["rnatracks"] = None  # importing it is an error, also where it is installed
    import numpy as np, torch
    from transformers import AutoModel, AutoTokenizer
    for folder in sys.argv[1:]:
        model = AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
        tokens = np.load(folder + "/tokens.npy")
        with torch.no_grad():
            np.save(folder + "/predictions.npy", model(torch.from_numpy(tokens)).predictions.numpy())
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
        assert tokenizer("ACGTN")["input_ids"] == [model.config.token_ids[base] for base in "ACGTN"]
        assert type(model).__module__.startswith("transformers_modules."), type(model).__module__
    """
# Our own code and theirs in one process: the classes that a folder brings must not get in the way of ours.
BESIDE = """
    import sys
    import torch
    from transformers import AutoModel
    from pathlib import Path
    from rnatracks.model.backbone import load_backbone
    from rnatracks.model.folder import load_model
    theirs = AutoModel.from_pretrained(sys.argv[1], trust_remote_code=True).eval()
    ours = load_model(Path(sys.argv[1]), "cpu")
    assert type(theirs) is not type(ours)
    tokens = torch.arange(40)[None] % 5
    assert torch.equal(theirs(tokens).predictions, ours(tokens).predictions)
    spec = {"type": "dilated_cnn", "hidden_size": 4, "num_hidden_layers": 1}
    assert load_backbone(spec, max_length=64)[0](tokens).last_hidden_state.shape == (1, 40, 4)
    """


def run_program(program: str, *arguments: Path, folder: Path, **environment: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        | {"HF_HOME": str(folder / "hub"), "OMP_NUM_THREADS": "1"}
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_folders_load_without_this_project(tmp_path: Path) -> None:
    """In another process, one after the other."""
    expected, tokens = {}, some_tokens(2, 40)
    for kind, strands in (*SAVED[:3], ("unet", "heads")):
        folder = tmp_path / f"{kind}-{strands}"
        model = small_model(backbone=BACKBONES[kind] | {"vocab_size": 5}, strands=strands)
        model.save_pretrained(folder)
        make_base_tokenizer().save_pretrained(folder)
        np.save(folder / "tokens.npy", tokens.numpy())
        with torch.no_grad():
            expected[folder] = model(tokens).predictions.numpy()
    run_program(LOADER, *expected, folder=tmp_path)
    for folder, predictions in expected.items():
        np.testing.assert_array_equal(np.load(folder / "predictions.npy"), predictions, err_msg=folder.name)


def test_folder_with_code_loads_beside_this_project(tmp_path: Path) -> None:
    small_model(backbone=BACKBONES["cnn"]).save_pretrained(tmp_path / "saved")
    library = Path(__file__).parents[2] / "workflow_scripts"
    run_program(BESIDE, tmp_path / "saved", folder=tmp_path, PYTHONPATH=str(library))


def test_sight_is_part_of_a_saved_model(tmp_path: Path) -> None:
    for kind in ("causal", "bidirectional"):
        model = model_of(kind)
        model.save_pretrained(tmp_path / kind)
        assert CoverageModel.from_pretrained(tmp_path / kind).backbone.config.is_causal == (kind == "causal")
        unlike = copy.deepcopy(model)
        unlike.backbone.config.is_causal = kind != "causal"
        tokens = tokens_of(model, some_bases(1, 40))
        with torch.no_grad():
            assert not torch.allclose(unlike(tokens).predictions, model(tokens).predictions, atol=1e-3)
