"""Presets of models: values in place of the defaults, by one word."""

from collections.abc import Mapping
from typing import Any

# With the keys of a model.
PRESETS: dict[str, dict[str, Any]] = {
    "unet": {
        "backbone": {"type": "unet"},
        "head": {
            "type": "convolutions",
            "channels": [],
            "kernel_size": 1,
            "dropout": 0,
            "initial_scale": 1,
            "plain_output": True,
        },
        "training": {
            "optimizer": "adamw",
            "learning_rate": 3.0e-3,
            "weight_decay": 0.01,
            "schedule": "cosine",
            "warmup_fraction": 0.05,
            "global_batch_size": 4,
            "micro_batch_size": 4,
            "precision": "auto",
            "gradient_checkpointing": False,
            "augmentation": {"reverse_complement": True},
            # At this learning rate, validation fluctuates until the end of the schedule.
            "keep": "last",
        },
    }
}


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two levels of settings: where both have a section, it is overlaid key by key.

    A section of another `type`, which has other keys, replaces the one below it.
    """
    result = {**below, **above}
    for key, section in below.items():
        if isinstance(section, Mapping) and isinstance(other := above.get(key), Mapping):
            same = "type" not in other or other["type"] == section.get("type")
            result[key] = overlaid(section, other) if same else other
    return result
