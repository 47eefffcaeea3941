"""What backbones see: networks of many kinds, against what their architecture is known to allow."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from backbones import BASE_IDS, KINDS, POSITIONS, save_backbone
from models import SPEC, TOKEN_IDS
from torch import nn
from transformers import AutoConfig, AutoModel, BertConfig, BertForMaskedLM, EsmConfig, EsmForMaskedLM, RobertaConfig

from rnatracks.errors import InputError
from rnatracks.model.backbone import load_backbone
from rnatracks.model.receptive_field import Sight, longest_input, probe

# What each kind can be: masked or not, as told; or what its structure and its pretraining fix.
EITHER = ("mixtral", "gpt2", "bloom", "nemotron_h", "opt", "bert:decoder")
ONE_SIDED = ("mamba", "rwkv", "stablelm")
BOTH_SIDED = ("bert", "esm", "roberta", "modernbert", "mixtral:both")


@torch.no_grad()
def sees_right(backbone: nn.Module, ids: Mapping[str, int] = BASE_IDS) -> bool:
    """Whether the state of any base but the last depends on the last."""
    tokens = torch.tensor([[ids[base] for base in "ACGT"] * 5] * 2)
    tokens[1, -1] = ids["A"]
    first, edited = backbone.eval()(input_ids=tokens).last_hidden_state.double()
    return bool(((first - edited)[:-1].abs() > 1e-6).any())


def load(folder: Path, kind: str, attention: str) -> nn.Module:
    save_backbone(folder, kind)
    return load_backbone(str(folder), attention, max_length=64, family="genos")[0]


@pytest.mark.parametrize(
    ("kind", "attention"),
    [(kind, attention) for kind in EITHER for attention in ("causal", "bidirectional")]
    + [(kind, "causal") for kind in (*ONE_SIDED, "mpt")]
    + [(kind, "bidirectional") for kind in BOTH_SIDED],
)
def test_backbones_see_what_is_asked_and_say_so(kind: str, attention: str, tmp_path: Path) -> None:
    backbone = load(tmp_path / "b", kind, attention)
    assert sees_right(backbone) == (attention == "bidirectional")
    assert backbone.config.is_causal == (attention == "causal")
    again = AutoModel.from_config(AutoConfig.for_model(**backbone.config.to_dict()))
    assert sees_right(again) == (attention == "bidirectional")


@pytest.mark.parametrize("kind", BOTH_SIDED)
def test_networks_of_both_sides_are_not_masked(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    with pytest.raises(InputError) as refusal:
        load(folder, kind, "causal")
    assert str(refusal.value) == (
        f"config, models.genos.attention: found causal, but backbone '{folder}' sees both sides; expected bidirectional"
    )


@pytest.mark.parametrize("kind", ONE_SIDED)
def test_networks_of_one_side_are_not_called_bidirectional(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    with pytest.raises(InputError) as refusal:
        load(folder, kind, "bidirectional")
    assert str(refusal.value) == (
        f"config, models.genos.attention: found bidirectional, but backbone '{folder}' sees only the "
        "bases to the left; expected causal"
    )


def test_a_network_that_fails_without_its_mask_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="found bidirectional, with which backbone .* does not run .*; expected causal"
    ):
        load(tmp_path / "b", "mpt", "bidirectional")


@pytest.mark.parametrize(
    ("kind", "found"), [("t5", r"an encoder with a decoder \(t5\)"), ("vit", "AttributeError: .*dtype")]
)
def test_networks_of_another_use_are_refused(kind: str, found: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"^backbone '{tmp_path}/b': found {found}.*; expected") as refusal:
        load(tmp_path / "b", kind, "causal")
    assert "\n" not in str(refusal.value)


def test_probing_leaves_no_trace(tmp_path: Path) -> None:
    """RWKV divides weights in place when it predicts, a Mixtral with dropout draws random numbers."""
    for kind in ("rwkv", "mixtral"):
        save_backbone(tmp_path / kind, kind)
        expected = AutoModel.from_pretrained(tmp_path / kind).state_dict()
        state = torch.random.get_rng_state()
        backbone, _ = load_backbone(str(tmp_path / kind), max_length=64)
        assert torch.equal(torch.random.get_rng_state(), state)
        assert all(torch.equal(value, expected[name]) for name, value in backbone.state_dict().items())
        assert not any(module._forward_pre_hooks for module in backbone.modules())
        training = backbone.train()
        probe(training, BASE_IDS, "here", longest=64)
        assert training.training


class Local(nn.Module):
    """States that depend on a base and its neighbours at given distances."""

    def __init__(self, *distances: int, weight: float = 1.0) -> None:
        super().__init__()
        self.config = BertConfig(hidden_size=4, vocab_size=12, max_position_embeddings=512)
        self.embedding, self.distances, self.weight = nn.Embedding(12, 4), distances, weight
        self.device = torch.device("cpu")

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embedding

    def forward(self, input_ids: torch.Tensor) -> object:
        own = self.embedding(input_ids)
        states = own + self.weight * sum(own.roll(distance, 1) for distance in self.distances)
        return type("Output", (), {"last_hidden_state": states})


@pytest.mark.parametrize(
    ("distances", "sight"),
    [((1,), Sight.LEFT), ((-1,), Sight.RIGHT), ((1, -1), Sight.BOTH), ((9, -9), Sight.BOTH), ((0,), Sight.NOTHING)],
)
@pytest.mark.parametrize("weight", [1.0, 1e-3])
def test_sight_is_that_of_a_written_out_network(distances: tuple[int, ...], sight: Sight, weight: float) -> None:
    assert probe(Local(*distances, weight=weight), BASE_IDS, "here", longest=512).sight is sight


# Transformers leaves out the masks of layers that see a part of the sequence where this holds the whole of it.


def test_a_window_shorter_than_a_layer_sees_is_probed_as_it_is(tmp_path: Path) -> None:
    """ModernBERT's local layers, 64 bases to each side, heed a setting of theirs only where nothing is beyond."""
    backbone = AutoModel.from_pretrained(save_backbone(tmp_path, "modernbert"))
    backbone.config.is_causal = True
    sights = [probe(backbone, BASE_IDS, "here", longest=longest).sight for longest in (40, 256)]
    assert sights == [Sight.LEFT, Sight.BOTH]


@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
def test_a_sliding_window_is_probed_beyond_it(attention: str, tmp_path: Path) -> None:
    save_backbone(tmp_path, "mistral", sliding_window=48)
    backbone, _ = load_backbone(str(tmp_path), attention, max_length=200)
    tokens = torch.tensor([[BASE_IDS[base] for base in "ACGT"] * 50] * 2)
    tokens[1, 100] = BASE_IDS["N"]
    with torch.no_grad():
        first, edited = backbone(input_ids=tokens).last_hidden_state
    changed = (first - edited).abs().amax(-1) > 1e-7
    assert changed[:100].any() == (attention == "bidirectional")
    assert changed[101:].any()
    assert not changed[:4].any()  # two layers reach twice as far as one
    assert not changed[-3:].any()


def test_sparse_attention_stays_sparse(tmp_path: Path) -> None:
    """BigBird turns to full attention for good when it is given less than a few blocks."""
    blocks = {"max_position_embeddings": 512, "block_size": 16, "num_random_blocks": 2}
    save_backbone(tmp_path, "big_bird", **blocks)
    backbone, _ = load_backbone(str(tmp_path), "bidirectional", max_length=512)
    assert backbone.attention_type == "block_sparse"


def test_rounding_is_no_sight() -> None:
    """A mixture's experts get other batches when one token changes, which changes the last bits of the others."""
    assert probe(Local(1, -1, weight=1e-7), BASE_IDS, "here", longest=512).sight is Sight.NOTHING


def test_states_that_are_not_finite_are_refused() -> None:
    network = Local(1)
    network.embedding.weight.data[:] = torch.inf
    with pytest.raises(InputError, match="^here: found states that are not finite; expected finite weights$"):
        probe(network, BASE_IDS, "here", longest=512)


def test_states_of_another_width_are_refused() -> None:
    network = Local(1)
    network.config.hidden_size = 5
    with pytest.raises(InputError, match=r"^here: found states of shape \(1, 32, 4\) for 32 tokens, and hidden_size 5"):
        probe(network, BASE_IDS, "here", longest=512)


@pytest.mark.parametrize("kind", ["bert", "mamba", "gpt2"])
def test_tokens_beyond_the_embedding_are_refused(kind: str, tmp_path: Path) -> None:
    save_backbone(tmp_path, kind, vocab_size=8)
    with pytest.raises(InputError) as refusal:
        load_backbone(str(tmp_path), "bidirectional", max_length=64)
    assert str(refusal.value) == (
        f"backbone '{tmp_path}': found a tokenizer with ids of bases up to 9, and an embedding of 8 tokens; "
        "expected a tokenizer and a model that belong together"
    )


def test_tokens_beyond_one_hot_bases_are_refused(tmp_path: Path) -> None:
    spec = {"type": "dilated_cnn", "hidden_size": 4, "num_hidden_layers": 1}
    load_backbone(spec, max_length=64)[0].save_pretrained(tmp_path)
    save_backbone(tmp_path / "other", "gpt2")
    for path in (tmp_path / "other").glob("token*"):
        path.rename(tmp_path / path.name)
    with pytest.raises(InputError, match="ids of bases up to 9, and an embedding of 5 tokens"):
        load_backbone(str(tmp_path), max_length=64)


# --- The longest input


@pytest.mark.parametrize(("kind", "limit"), [("mixtral", POSITIONS), ("gpt2", POSITIONS), ("mpt", POSITIONS)])
def test_limits_by_any_name_hold(kind: str, limit: int, tmp_path: Path) -> None:
    save_backbone(tmp_path, kind)
    assert longest_input(load_backbone(str(tmp_path), max_length=limit)[0]) == limit
    with pytest.raises(
        InputError, match=f"found at most {limit} positions; expected at least windows.size = {limit + 1}"
    ):
        load_backbone(str(tmp_path), max_length=limit + 1)


@pytest.mark.parametrize("kind", ["mamba", "bloom"])
def test_networks_without_a_limit_take_any_window(kind: str, tmp_path: Path) -> None:
    save_backbone(tmp_path, kind)
    backbone, _ = load_backbone(str(tmp_path), max_length=1_000_000)
    assert longest_input(backbone) is None
    with torch.no_grad():
        assert backbone(input_ids=torch.full((1, 300), 5)).last_hidden_state.shape == (1, 300, 16)


@pytest.mark.parametrize("padding", [0, 3])
def test_positions_that_begin_late_end_early(padding: int, tmp_path: Path) -> None:
    """RoBERTa counts from its padding's id on: a table of 256 rows takes as many bases less."""
    save_backbone(tmp_path, "roberta", pad_token_id=padding)
    longest = POSITIONS - padding - 1
    backbone, _ = load_backbone(str(tmp_path), "bidirectional", max_length=longest)
    with torch.no_grad():
        backbone(input_ids=torch.full((1, longest), 5))
        with pytest.raises((IndexError, RuntimeError)):
            backbone(input_ids=torch.full((1, longest + 1), 5))
    with pytest.raises(
        InputError, match=f"found at most {longest} positions; expected at least windows.size = {longest + 1}"
    ):
        load_backbone(str(tmp_path), "bidirectional", max_length=longest + 1)


# --- Encoders as they are published: with a head of their own, and without a pooler


@pytest.mark.parametrize(
    ("network", "config"),
    [(BertForMaskedLM, BertConfig), (EsmForMaskedLM, EsmConfig)],
)
def test_published_encoders_load_without_their_heads(network: type, config: type, tmp_path: Path) -> None:
    kind = config.model_type
    save_backbone(tmp_path, kind)
    torch.manual_seed(1)
    published = network(config(**KINDS[kind])).eval()
    published.save_pretrained(tmp_path)
    backbone, _ = load_backbone(str(tmp_path), "bidirectional", max_length=64)
    tokens = torch.tensor([[BASE_IDS[base] for base in "GATTACANNACGT"]])
    with torch.no_grad():
        expected = getattr(published, kind)(input_ids=tokens).last_hidden_state
        torch.testing.assert_close(backbone.eval()(input_ids=tokens).last_hidden_state, expected)
    left_out = {name.partition(".")[0] for name, _ in backbone.named_parameters()} & {"pooler", "contact_head"}
    assert not left_out


def test_a_published_encoder_that_lacks_a_layer_is_refused(tmp_path: Path) -> None:
    save_backbone(tmp_path, "roberta", num_hidden_layers=1)
    RobertaConfig(**KINDS["roberta"]).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"found no weights for encoder.layer.1.* \(16 in all\); expected a complete"):
        load_backbone(str(tmp_path), "bidirectional", max_length=64)


def test_a_built_backbone_is_probed_too() -> None:
    for attention in ("causal", "bidirectional"):
        backbone, _ = load_backbone(SPEC, attention, max_length=64)
        assert sees_right(backbone, TOKEN_IDS) == (attention == "bidirectional")
