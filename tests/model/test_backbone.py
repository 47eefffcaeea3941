"""Backbones: the published layout loads weight for weight, and what does not fit is refused in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from models import SPEC, small_model
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE, WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from rnatracks.errors import InputError
from rnatracks.model.backbone import load_backbone, make_base_tokenizer, token_ids, token_lookup

HIDDEN, FFN, EXPERTS, LAYERS, VOCABULARY = 16, 24, 4, 2, 128
SPECIALS = {"pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
GENOS_IDS = {"<pad>": 0, "<unk>": 1, "<s>": 2, "</s>": 3, "A": 7, "T": 8, "C": 9, "G": 10, "N": 11}


def base_tokenizer(vocabulary: dict[str, int], **specials: str) -> PreTrainedTokenizerFast:
    """One token a base, ids as given."""
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=specials.get("unk_token", "N")))
    tokenizer.pre_tokenizer = Split(Regex("."), behavior="isolated")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **specials)


@pytest.fixture
def genos(tmp_path: Path) -> Path:
    """A folder as the published model's: one tensor an expert matrix, an output layer, padded vocabulary."""
    folder = tmp_path / "genos"
    base_tokenizer(GENOS_IDS, **SPECIALS).save_pretrained(folder)
    config = {
        "architectures": ["MixtralForCausalLM"],
        "model_type": "mixtral",
        "hidden_size": HIDDEN,
        "intermediate_size": FFN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "num_local_experts": EXPERTS,
        "num_experts_per_tok": 2,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 512,
        "rope_theta": 5e7,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    }
    (folder / "config.json").write_text(json.dumps(config))
    shapes = {
        "model.embed_tokens.weight": (VOCABULARY, HIDDEN),
        "model.norm.weight": (HIDDEN,),
        "lm_head.weight": (VOCABULARY, HIDDEN),
    }
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}"
        shapes |= {
            f"{prefix}.input_layernorm.weight": (HIDDEN,),
            f"{prefix}.post_attention_layernorm.weight": (HIDDEN,),
            f"{prefix}.self_attn.q_proj.weight": (HIDDEN, HIDDEN),
            f"{prefix}.self_attn.k_proj.weight": (HIDDEN // 2, HIDDEN),
            f"{prefix}.self_attn.v_proj.weight": (HIDDEN // 2, HIDDEN),
            f"{prefix}.self_attn.o_proj.weight": (HIDDEN, HIDDEN),
            f"{prefix}.block_sparse_moe.gate.weight": (EXPERTS, HIDDEN),
        }
        for expert in range(EXPERTS):
            matrices = f"{prefix}.block_sparse_moe.experts.{expert}"
            shapes |= {f"{matrices}.w{n}.weight": (HIDDEN, FFN) if n == 2 else (FFN, HIDDEN) for n in (1, 2, 3)}
    generator = torch.Generator().manual_seed(1)
    weights = {name: torch.randn(shape, generator=generator).bfloat16() for name, shape in shapes.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


def test_published_layout_loads_every_weight(genos: Path) -> None:
    backbone, tokenizer = load_backbone(str(genos), max_length=512)
    saved = {
        name.removeprefix("model."): value.float() for name, value in load_file(genos / "model.safetensors").items()
    }
    expected = {name: value for name, value in saved.items() if "experts." not in name and name != "lm_head.weight"}
    expected = {name.replace("block_sparse_moe", "mlp"): value for name, value in expected.items()}
    for layer in range(LAYERS):
        matrices = [
            [saved[f"layers.{layer}.block_sparse_moe.experts.{expert}.w{n}.weight"] for expert in range(EXPERTS)]
            for n in (1, 2, 3)
        ]
        gate, down, up = map(torch.stack, matrices)
        expected[f"layers.{layer}.mlp.experts.gate_up_proj"] = torch.cat([gate, up], dim=1)
        expected[f"layers.{layer}.mlp.experts.down_proj"] = down
    loaded = backbone.state_dict()
    assert loaded.keys() == expected.keys()
    for name, value in expected.items():
        assert loaded[name].dtype == torch.float32
        assert torch.equal(loaded[name], value), name
    assert backbone.config.rope_parameters["rope_theta"] == 5e7
    assert token_ids(tokenizer) == {base: GENOS_IDS[base] for base in "ACGTN"}


@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
def test_published_layout_looks_as_told(genos: Path, attention: str) -> None:
    """Editing the last base: who looks both ways answers anew everywhere."""
    backbone, tokenizer = load_backbone(str(genos), attention, max_length=512)
    tokens = tokenizer(["ATCGNNACGT", "ATCGNNACGA"], return_tensors="pt")["input_ids"]
    with torch.no_grad():
        first, edited = backbone(tokens).last_hidden_state
    changed = (first - edited).abs().amax(1) > 1e-5
    assert changed.tolist() == [attention == "bidirectional"] * 9 + [True]
    assert backbone.config.is_causal == (attention == "causal")


def test_published_layout_computes_in_float32_by_the_memory_saving_attention(genos: Path) -> None:
    backbone, tokenizer = load_backbone(str(genos), max_length=512)
    assert backbone.config._attn_implementation == "sdpa"
    output = backbone(tokenizer(["ATCGNNACGT"], return_tensors="pt")["input_ids"])
    assert output.last_hidden_state.dtype == torch.float32
    assert output.past_key_values is None


@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
def test_convolutions_look_both_ways(attention: str) -> None:
    spec = {"type": "dilated_cnn", "hidden_size": 12, "num_hidden_layers": 4, "kernel_size": 5, "dropout": 0.25}
    backbone, tokenizer = load_backbone(spec, attention, max_length=777)
    assert {key: backbone.config.to_dict()[key] for key in spec if key != "type"} == {
        key: value for key, value in spec.items() if key != "type"
    }
    assert backbone.config.vocab_size == len(tokenizer) == 5
    tokens = torch.tensor([[0, 1, 2, 3, 0], [0, 1, 2, 3, 1]])
    with torch.no_grad():
        first, edited = backbone.eval()(tokens).last_hidden_state
    assert ((first - edited).abs().amax(1) > 1e-5).all()


def test_random_backbone_follows_its_settings() -> None:
    backbone, tokenizer = load_backbone(SPEC | {"hidden_size": 32}, max_length=777)
    assert (backbone.config.model_type, backbone.config.hidden_size) == ("mixtral", 32)
    assert backbone.config.max_position_embeddings == 777
    assert backbone.get_input_embeddings().num_embeddings == len(tokenizer) == 5
    assert backbone.config.is_causal
    assert not load_backbone(SPEC, "bidirectional", max_length=64)[0].config.is_causal


def test_our_tokenizer_gives_one_token_a_base(tmp_path: Path) -> None:
    tokenizer = make_base_tokenizer()
    assert tokenizer("ATCGN")["input_ids"] == [0, 3, 1, 2, 4]
    assert token_ids(tokenizer) == {"A": 0, "C": 1, "G": 2, "T": 3, "N": 4}


def kmer_tokenizer() -> PreTrainedTokenizerFast:
    words = {a + b: 4 * i + j for i, a in enumerate("ACGT") for j, b in enumerate("ACGT")}
    tokenizer = Tokenizer(WordLevel(words | {"<unk>": 16}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Split(Regex(".{1,2}"), behavior="isolated")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


def bpe_tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {token: index for index, token in enumerate(["A", "C", "G", "T", "N", "AT", "CG"])}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(BPE(vocabulary, [("A", "T"), ("C", "G")])))


def framed_tokenizer(template: str) -> PreTrainedTokenizerFast:
    tokenizer = base_tokenizer({"[CLS]": 0, "A": 1, "C": 2, "G": 3, "T": 4, "N": 5})
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=template, special_tokens=[("[CLS]", 0)])
    return tokenizer


def drifting_tokenizer() -> PreTrainedTokenizerFast:
    """Merges one pair, and adds a token that hides it in the count."""
    vocabulary = {token: index for index, token in enumerate(["A", "C", "G", "T", "N", "[CLS]", "AAAC"])}
    merges = [("A", "A"), ("AA", "A"), ("AAA", "C")]
    tokenizer = Tokenizer(BPE(vocabulary | {"AA": 7, "AAA": 8}, merges))
    frame = "[CLS] [CLS] [CLS] $A"
    tokenizer.post_processor = TemplateProcessing(single=frame, special_tokens=[("[CLS]", 5)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


@pytest.mark.parametrize(
    "tokenizer",
    [
        bpe_tokenizer(),
        kmer_tokenizer(),
        drifting_tokenizer(),
        base_tokenizer({"<unk>": 0, "a": 1, "c": 2}, unk_token="<unk>"),
        base_tokenizer({"A": 0, "C": 1, "N": 2, "<unk>": 3}, unk_token="<unk>"),
    ],
    ids=[
        "bpe",
        "k-mers",
        "merges and frames",
        "all unknown",
        "G and T unknown",
    ],
)
def test_other_tokenizers_are_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(InputError, match="^tokenizer .*; expected ") as refusal:
        token_ids(tokenizer)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("template", ["[CLS] $A", "$A [CLS]", "[CLS] $A [CLS]"])
def test_tokens_around_a_sequence_are_left_out(template: str) -> None:
    tokenizer = framed_tokenizer(template)
    assert len(tokenizer("ACGTN")["input_ids"]) > 5
    assert token_ids(tokenizer) == {"A": 1, "C": 2, "G": 3, "T": 4, "N": 5}


def test_a_tokenizer_that_cannot_read_a_base_is_refused() -> None:
    with pytest.raises(InputError, match="^tokenizer .*: found no token for N or for unknown letters"):
        token_ids(base_tokenizer({"A": 0, "C": 1, "G": 2, "T": 3}, unk_token="<unk>"))


@pytest.mark.parametrize("others", [{"[UNK]": 0}, {"[UNK]": 0, "N": 5}, {"[UNK]": 4, "N": 0}])
def test_a_tokenizer_of_rna_is_refused(others: dict[str, int]) -> None:
    """It reads T as it reads what it does not know."""
    tokenizer = base_tokenizer({"A": 1, "C": 2, "G": 3, "U": 6} | others, unk_token="[UNK]")
    for each in (tokenizer, PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer)):
        with pytest.raises(InputError, match="^tokenizer .*: found .*, where T has the token of unknown letters; exp"):
            token_ids(each)


def test_lookup_maps_every_byte() -> None:
    table = token_lookup(GENOS_IDS)
    text = b"ACGTNacgtnRYKMSWBDHVryn-*\xff"
    expected = [GENOS_IDS.get(chr(letter).upper(), 11) for letter in text]
    assert table[np.frombuffer(text, np.uint8)].tolist() == expected
    assert len(table) == 256
    assert set(np.delete(table, list(b"ACGTacgt"))) == {11}


def spoil_missing(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def spoil_empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def spoil_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def spoil_model_type(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "no-such-model"}')


def spoil_tokenizer(folder: Path) -> None:
    for path in folder.glob("token*"):
        path.unlink()


def spoil_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def spoil_cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def spoil_no_safetensors(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"<html>not found</html>")


def spoil_layer(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = {name: value for name, value in load_file(path).items() if "layers.1.self_attn" not in name}
    save_file(weights, path, {"format": "pt"})


def spoil_shape(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file(load_file(path) | {"model.norm.weight": torch.ones(HIDDEN + 1)}, path, {"format": "pt"})


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_missing,
        spoil_empty,
        spoil_config,
        spoil_model_type,
        spoil_tokenizer,
        spoil_no_weights,
        spoil_cut_weights,
        spoil_no_safetensors,
        spoil_layer,
        spoil_shape,
    ],
)
def test_spoilt_folders_are_refused(genos: Path, spoil) -> None:
    spoil(genos)
    with pytest.raises(InputError) as refusal:
        load_backbone(str(genos), max_length=512)
    line = str(refusal.value)
    assert line.startswith(f"backbone '{genos}': found ")
    assert "\n" not in line
    assert len(line) < 600


def test_a_weight_of_another_shape_is_named(genos: Path) -> None:
    spoil_shape(genos)
    with pytest.raises(InputError) as refusal:
        load_backbone(str(genos), max_length=512)
    assert str(refusal.value) == (
        f"backbone '{genos}': found norm.weight of shape ({HIDDEN + 1},); expected ({HIDDEN},), as in its config.json"
    )


@pytest.mark.parametrize("name", ["ZhejiangLab/No-Such-Model-0.0B", "no such id", ""])
def test_unknown_hub_ids_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"^backbone '{name}': found .*; expected a model folder or Hub id") as refusal:
        load_backbone(name, max_length=512)
    assert "\n" not in str(refusal.value)


def test_a_trained_model_is_no_backbone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor is anyone asked whether to run the code in its folder."""
    small_model().save_pretrained(tmp_path)
    make_base_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=f"^backbone '{tmp_path}': found .* custom code .*init_from") as refusal:
        load_backbone(str(tmp_path), max_length=64)
    assert "\n" not in str(refusal.value)
    assert capsys.readouterr().out == ""


def test_too_few_positions_are_refused(genos: Path) -> None:
    with pytest.raises(InputError, match="found at most 512 positions; expected at least windows.size = 513"):
        load_backbone(str(genos), max_length=513)
