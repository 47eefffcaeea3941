"""Backbone folders of several architectures: small, with random weights, as Transformers saves them."""

from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

SPECIALS = ("<pad>", "<cls>", "<eos>", "<unk>", "<mask>")
IDS = {token: index for index, token in enumerate([*SPECIALS, *"ACGTN"])}
BASE_IDS = {base: IDS[base] for base in "ACGTN"}
POSITIONS = 256
DECODER = {
    "vocab_size": 12,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
ENCODER = {key: value for key, value in DECODER.items() if key != "num_key_value_heads"}
MAMBA = {"vocab_size": 12, "hidden_size": 16, "num_hidden_layers": 2, "state_size": 4, "time_step_rank": 2}
GPT2 = {"vocab_size": 12, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": POSITIONS}
BLOOM = {"vocab_size": 12, "hidden_size": 16, "n_layer": 2, "n_head": 2}
RWKV = {"vocab_size": 12, "hidden_size": 16, "num_hidden_layers": 8, "context_length": POSITIONS}
HYBRID = DECODER | {
    "layers_block_type": ["mamba", "attention"],
    "mamba_num_heads": 4,
    "mamba_head_dim": 8,
    "ssm_state_size": 4,
    "n_groups": 1,
    "head_dim": 8,
}
MPT = {"vocab_size": 12, "d_model": 16, "n_heads": 2, "n_layers": 1, "max_seq_len": POSITIONS}
T5 = {"vocab_size": 12, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
VIT = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32}
# Kinds that several settings go by: the name after the colon is ours.
KINDS = {
    "mixtral": DECODER | {"num_local_experts": 2, "num_experts_per_tok": 1},
    "mixtral:top2": DECODER | {"num_local_experts": 4, "num_experts_per_tok": 2},
    "qwen3_moe": DECODER | {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "head_dim": 8},
    "olmoe": DECODER | {"num_experts": 4, "num_experts_per_tok": 2},
    "gpt_oss": DECODER | {"num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 8},
    "mistral": DECODER,
    "mixtral:both": DECODER | {"num_local_experts": 2, "is_causal": False},
    "gpt2": GPT2,
    "bloom": BLOOM,
    "mamba": MAMBA,
    "rwkv": RWKV,
    "nemotron_h": HYBRID,
    "stablelm": DECODER,
    "mpt": MPT,
    "opt": ENCODER | {"ffn_dim": 16, "word_embed_proj_dim": 16},
    "bert": ENCODER,
    "bert:decoder": ENCODER | {"is_decoder": True},
    "esm": ENCODER | {"mask_token_id": 4, "position_embedding_type": "rotary", "token_dropout": True},
    "roberta": ENCODER,
    "modernbert": ENCODER | {"cls_token_id": 1, "sep_token_id": 2},
    "albert": ENCODER | {"embedding_size": 8},
    "deberta": ENCODER,
    "big_bird": ENCODER | {"attention_type": "block_sparse", "sep_token_id": 2},
    "xlnet": {"vocab_size": 12, "d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 16},
    "t5": T5,
    "vit": VIT,
}


def framed_tokenizer() -> PreTrainedTokenizerFast:
    """One token a base, put between <cls> and <eos> unless asked not to."""
    tokenizer = Tokenizer(WordLevel(IDS, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Split(Regex("."), behavior="isolated")
    tokenizer.post_processor = TemplateProcessing(
        single="<cls> $A <eos>", special_tokens=[("<cls>", IDS["<cls>"]), ("<eos>", IDS["<eos>"])]
    )
    specials = {f"{token.strip('<>')}_token": token for token in SPECIALS}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **specials)


def save_backbone(folder: Path, kind: str, dtype: torch.dtype = torch.float32, **changes: object) -> Path:
    """Save a network of one of `KINDS`, its configuration changed, and its tokenizer."""
    torch.manual_seed(5)
    config = AutoConfig.for_model(kind.partition(":")[0], **KINDS[kind] | changes)
    AutoModel.from_config(config, dtype=dtype).save_pretrained(folder)
    framed_tokenizer().save_pretrained(folder)
    return folder
