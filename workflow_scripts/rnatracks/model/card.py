"""The README of a trained model's folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from huggingface_hub import ModelCard, ModelCardData

from ..config.data import NormalisationSettings
from ..config.training import TrainingSettings
from ..files import read_text
from ..provenance import Provenance
from ..tracks.targets import TargetTrack
from .descriptions import STRAND_WORDS, head_words, mean_words, optimiser_words, scaling_words, trained_words
from .plan import FetchedWeights, ModelPlan
from .training_result import Kept, KeptWeights, describe_sight, kept_weights, sees_right

TEXT = """---
{metadata}
---

# {name}

Predicts single-base RNA-seq coverage from DNA: {tracks}. Trained with rnatracks{commit}.

## Use

```python
from transformers import AutoModel

model = AutoModel.from_pretrained("path/to/this/folder", trust_remote_code=True)
```

Weights are saved in float32. With `dtype=torch.bfloat16` the backbone takes half the memory; the heads stay in float32.
The input has one token per base (`config.token_ids`), ideally in windows of {window_size:,} bases.
`model(input_ids).predictions` has the shape `[batch, track, base]`; values y are on the squashed scale. To convert them
to coverage: `x = y if y <= 10 else (y + 10)**2 / 40`, then `coverage = m * x**(4/3)` with m from `config.track_means`.

## Training data

{windows:,} windows of split `train`, on {chromosomes}; {held_out}. The targets are the mean coverage of the samples of
each cell type.
{scaling}. m is the {mean_words}.

| track | m (nonzero mean) |
| --- | --- |
{means}

{seen}{control}## Recipe

Backbone: {backbone}, {sight}. Trained: {trained}. Strands: {strands}.
{heads}.
Loss: mean squared error on squashed coverage. Optimiser: {optimiser}.

```yaml
{settings}```

Last training loss {loss:.4f}{noise}. {valid}Software: {software}.

## Limits

Scores are in the report of the run, not here. The model has not seen any sequence context longer than one window.
It predicts the average of the samples that it was trained on, not an individual or a condition.
Predictions are worst at the ends of a window: overlap windows and blend them.{causal}
"""

SEEN = """Chromosomes that this model, or one that it started from, has seen: `train` for training, `valid` for
validation and to choose an epoch. MD5 is that of the upper-case sequence, with N for all letters but A, C, G and T.

| chromosome | split | bases | MD5 |
| --- | --- | --- | --- |
{rows}

"""
MERGED = ", merged into the weights (also saved separately in `adapter/`)"
CAUSAL = """
A causal backbone sees only the sequence to the left of a base, so the minus strand is at a disadvantage."""


def write_model_card(
    folder: Path,
    *,
    plan: ModelPlan,
    tracks: Sequence[TargetTrack],
    windows: pd.DataFrame,
    window_size: int,
    settings: TrainingSettings,
    history: pd.DataFrame,
    normalisation: NormalisationSettings,
    provenance: Provenance,
    weights: FetchedWeights | None = None,
) -> None:
    """Write the model card (data, recipe, validation scores, limits) into the folder of a saved model.

    Parameters
    ----------
    folder
        Folder of the model; its `config.json` contains the type of the backbone and the sequences that were seen.
    plan
        Plan of the model.
    tracks
        Tracks that it predicts.
    windows
        Windows usable for training or validation, with columns `chrom` and `split`.
    window_size
        Window size in bases.
    settings
        The recipe of the training: the section `training`, with the values that this model has of its own.
    history
        The training log: see `callbacks.LOG_COLUMNS`.
    normalisation
        How the tracks were normalised.
    provenance
        Commit and software versions.
    weights
        Downloaded weights of the backbone, if it is from the Hugging Face Hub.
    """
    training = windows.loc[windows["split"] == "train"]
    config = json.loads(read_text(folder / "config.json"))
    metadata = ModelCardData(
        library_name="transformers",
        tags=["genomics", "rna-seq", "rnatracks"],
        base_model=None if weights is None else weights.hub_id,
    )
    text = TEXT.format(
        metadata=metadata.to_yaml(),
        name=plan.name,
        tracks=", ".join(track.name for track in tracks),
        commit=f" at commit {provenance.commit}" if provenance.commit else "",
        software=", ".join(f"{name} {version}" for name, version in provenance.versions.items()),
        window_size=window_size,
        windows=len(training),
        chromosomes=", ".join(dict.fromkeys(training["chrom"])),
        held_out=_held_out(windows),
        scaling=scaling_words(normalisation, "the chosen chromosomes"),
        mean_words=mean_words(normalisation),
        means="\n".join(f"| {track.name} | {track.nonzero_mean:.6g} |" for track in tracks),
        seen=_seen(config.get("seen_sequences", [])),
        control="**This model is a control: its targets were shuffled between windows. Do not use it to predict.**\n\n"
        if plan.control == "shuffled_targets"
        else "",
        backbone=_backbone(plan, weights),
        sight=describe_sight(config, plan.attention),
        trained=trained_words(plan) + (MERGED if plan.trainable == "lora" else ""),
        strands=STRAND_WORDS[plan.strands],
        heads=head_words(plan.head),
        optimiser=optimiser_words(settings),
        settings=yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False),
        noise=" (with dropout)" if _has_dropout(config, plan) else "",
        loss=history["loss"].dropna().iloc[-1],
        valid=_validation(kept_weights(history, settings.keep, plan.control)),
        causal=CAUSAL if not sees_right(config, plan.attention) and plan.strands == "heads" else "",
    )
    ModelCard(text).save(folder / "README.md")


def _backbone(plan: ModelPlan, weights: FetchedWeights | None) -> str:
    if plan.init_from is not None:
        return f"that of the model `{plan.init_from}`"
    if weights is not None:
        return f"`{weights.hub_id}` at commit `{weights.commit}`"
    return f"`{plan.backbone}`" if isinstance(plan.backbone, str) else f"random weights, {dict(plan.backbone)}"


def _has_dropout(config: Mapping[str, Any], plan: ModelPlan) -> bool:
    """Whether training drops values anywhere; language models have several rates, such as `attention_dropout`."""
    backbone = config["backbone_config"]
    rates = [backbone[key] for key in backbone if "drop" in key and isinstance(backbone[key], float)]
    rates += [plan.lora.dropout] if plan.trainable == "lora" else []
    no_layer = config["head_type"] == "convolutions" and not config["head_channels"] and config["head_plain_output"]
    rates += [] if no_layer else [config["head_dropout"]]
    return any(rates)


def _seen(sequences: Sequence[Mapping[str, str | int]]) -> str:
    rows = [f"| {seen['name']} | {seen['split']} | {seen['length']:,} | {seen['md5']} |" for seen in sequences]
    return SEEN.format(rows="\n".join(rows)) if rows else ""


def _validation(kept: KeptWeights) -> str:
    """Epoch of the weights, and their results on the validation windows."""
    if kept.why is Kept.UNWATCHED:
        return ""
    correlation = "undefined" if np.isnan(kept.pearson_log1p) else f"{kept.pearson_log1p:.4f}"
    return (
        f"The weights are those {kept.why}. Validation windows after that epoch ({kept.epoch:g} of "
        f"{kept.last_epoch:g}): loss {kept.loss:.4f}, pearson_log1p {correlation}. "
    )


def _held_out(windows: pd.DataFrame) -> str:
    others = windows.loc[windows["split"] != "train"].groupby("split", sort=True)["chrom"].unique()
    named = [f"{split}: {', '.join(chroms)}" for split, chroms in others.items()]
    return "; ".join(named) if named else "nothing was held out"
