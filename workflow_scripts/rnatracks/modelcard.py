"""The README of a trained model's folder."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import yaml
from huggingface_hub import ModelCard, ModelCardData

from .provenance import Provenance
from .training import TargetTrack

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

The input is one token a base (`config.token_ids`), at best windows of {window_size:,} bases.
`model(input_ids).predictions` is `[batch, track, base]` on the squashed scale. To invert it:
`x = y if y <= 10 else (y + 10)**2 / 40`, then `coverage = m * x**(4/3)` with m from `config.track_means`.

## Training data

{windows:,} windows of split `train`, on {chromosomes}; {held_out}. Mean coverage over the samples of
a cell type, each scaled to a total of {total:g} over the chosen chromosomes, both strands together.

| track | m (nonzero mean) |
| --- | --- |
{means}

{control}## Recipe

Backbone: {backbone}. Mean squared error on squashed coverage, Adafactor, cosine schedule after a linear warm-up.

```yaml
{settings}```

Last training loss {loss:.4f}{valid} (training with dropout, validation without). Software: {software}.

## Limits

Scores are in the run's report, not here. The model has seen no sequence context beyond one window.
It predicts the average of the samples that it was trained on, not a person or a condition.
The ends of a window are predicted worst: overlap windows and blend them. A causal backbone sees only what lies
to the left of a base, so the minus strand is at a disadvantage.
"""


def write_model_card(
    folder: Path,
    *,
    name: str,
    backbone: object,
    tracks: Sequence[TargetTrack],
    windows: pd.DataFrame,
    window_size: int,
    settings: dict,
    history: pd.DataFrame,
    total: float,
    shuffled: bool,
    provenance: Provenance,
) -> None:
    """Write the model card (data, recipe, limits) into the model's folder."""
    training = windows.loc[windows["split"] == "train"]
    losses = history[["loss", "valid_loss"]].ffill().iloc[-1]
    metadata = ModelCardData(library_name="transformers", tags=["genomics", "rna-seq", "rnatracks"])
    text = TEXT.format(
        metadata=metadata.to_yaml(),
        name=name,
        tracks=", ".join(track.name for track in tracks),
        commit=f" at commit {provenance.commit}" if provenance.commit else "",
        software=", ".join(f"{name} {version}" for name, version in provenance.versions.items()),
        window_size=window_size,
        windows=len(training),
        chromosomes=", ".join(dict.fromkeys(training["chrom"])),
        held_out=_held_out(windows),
        total=total,
        means="\n".join(f"| {track.name} | {track.nonzero_mean:.6g} |" for track in tracks),
        control="**A control: its targets were shuffled over windows. It is not meant to predict.**\n\n"
        if shuffled
        else "",
        backbone=f"`{backbone}`" if isinstance(backbone, str) else "random weights, " + str(dict(backbone)),
        settings=yaml.safe_dump(settings, sort_keys=False),
        loss=losses["loss"],
        valid="" if pd.isna(losses["valid_loss"]) else f", validation loss {losses['valid_loss']:.4f}",
    )
    ModelCard(text).save(folder / "README.md")


def _held_out(windows: pd.DataFrame) -> str:
    others = windows.loc[windows["split"] != "train"].groupby("split", sort=True)["chrom"].unique()
    named = [f"{split}: {', '.join(chroms)}" for split, chroms in others.items()]
    return "; ".join(named) if named else "nothing was held out"
