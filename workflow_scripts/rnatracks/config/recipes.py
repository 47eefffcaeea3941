"""Recipes of runs: values in place of the defaults, by one word."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import InputError
from .presets import overlaid

# With the keys of the configuration; `head` is that of each model without a preset.
RECIPES: dict[str, dict[str, Any]] = {
    "published": {
        "normalisation": {"per": "file", "over": "all", "track_mean": "track"},
        "windows": {"size": 32768, "overlap": 16384},
        "head": {"type": "unet"},
        "training": {
            "epochs": 20,
            "global_batch_size": 80,
            "learning_rate": 5.0e-5,
            "warmup_fraction": 0.1,
            "schedule": "cosine",
            "optimizer": "adafactor",
            "weight_decay": 0.01,
            "max_grad_norm": 1.0,
        },
        "prediction": {"stitch": "mean_raw"},
    }
}


def with_recipe(values: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration on top of its recipe, if it has one that exists."""
    name, models = values.get("recipe"), values.get("models")
    if not isinstance(name, str) or name not in RECIPES:
        return dict(values)
    recipe = copy.deepcopy(RECIPES[name])
    head = {"head": recipe.pop("head")}
    if not isinstance(models, Mapping):
        return overlaid(recipe, values)
    models = {
        name: overlaid(head, model) if isinstance(model, Mapping) and not model.get("preset") else model
        for name, model in models.items()
    }
    return overlaid(recipe, {**values, "models": models})


def name_recipe(fault: InputError, config: Any) -> InputError:
    """A fault in a configuration; if its key is not in the configuration but in its recipe, the value names that."""
    where, found, expected = fault.args
    name, keys = config.get("recipe") if isinstance(config, Mapping) else None, where.split(", ")[-1].split(".")
    if not isinstance(name, str) or not _has(RECIPES.get(name, {}), keys) or _has(config, keys):
        return fault
    return InputError(where, f"{found} (from recipe: {name})", expected)


def _has(section: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(section, Mapping) or key not in section:
            return False
        section = section[key]
    return True


def departures(
    name: str, settings: Mapping[str, Any], models: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> list[str]:
    """Keys with another value than a recipe gives them, as `key: value`.

    Parameters
    ----------
    settings
        The sections of the configuration.
    models
        Head, and the training settings that a model has of its own, by model.
    """
    recipe = copy.deepcopy(RECIPES[name])
    head = recipe.pop("head")
    found = [*_differing(recipe, settings, "")]
    for model, (own_head, own_training) in models.items():
        training = {key: value for key, value in recipe["training"].items() if key in own_training}
        found += _differing(head, own_head, f"models.{model}.head.")
        found += _differing(training, own_training, f"models.{model}.training.")
    return found


def _differing(recipe: Mapping[str, Any], found: Mapping[str, Any], above: str) -> Iterator[str]:
    for key, value in recipe.items():
        if isinstance(value, Mapping):
            yield from _differing(value, found[key], f"{above}{key}.")
        elif found[key] != value:
            yield f"{above}{key}: {found[key]}"
