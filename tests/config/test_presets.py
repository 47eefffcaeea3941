"""Presets of models and recipes of runs: what they set, what goes before them, and what is said of it."""

import copy

import jsonschema
import pytest
import yaml
from configurations import CNN, CONFIG, config_with

from rnatracks.config.documentation import json_schema
from rnatracks.config.presets import PRESETS
from rnatracks.config.settings import read_settings
from rnatracks.errors import InputError


def test_a_preset_gives_way_to_the_model_and_comes_before_the_section() -> None:
    config = config_with("training", {"epochs": 7, "learning_rate": 1e-5, "augmentation": {"shift": 3}})
    config["models"]["net"] = {
        "cell_types": "each",
        "preset": "unet",
        "head": {"kernel_size": 5},
        "training": {"weight_decay": 0.2, "augmentation": {"shift": 9}},
    }
    settings = read_settings(config)
    net, own = settings.models["net"], settings.training_of("net")
    assert dict(net.backbone) == {
        "type": "unet",
        "widths": (32, 48, 64, 96, 128, 128, 128),
        "kernel_size": 5,
        "dilations": (2, 4, 8, 16),
        "attention_layers": 0,
        "attention_heads": 4,
        "batch_norm": "batch",
        "dropout": 0,
    }
    assert (net.head.channels, net.head.kernel_size, net.head.plain_output) == ((), 5, True)
    assert (own.epochs, own.optimizer, own.learning_rate, own.weight_decay) == (7, "adamw", 3e-3, 0.2)
    assert dict(own.augmentation) == {"shift": 9, "reverse_complement": True}
    assert settings.training_of("small") == settings.training
    assert read_settings(settings.model_dump(mode="json")) == settings


def test_the_documentation_shows_the_preset() -> None:
    text = (CONFIG.parent / "docs/training.md").read_text().partition("`preset: unet` stands for")[2]
    assert yaml.safe_load(text.split("```")[1].removeprefix("yaml")) == PRESETS["unet"]


def test_a_preset_leaves_another_backbone_or_start_alone() -> None:
    other = read_settings(config_with("models.small", {"cell_types": "each", "preset": "unet", "backbone": CNN}))
    assert other.models["small"].backbone.type == "dilated_cnn"
    moved = read_settings(config_with("models.small", {"cell_types": "each", "preset": "unet", "init_from": "x-B"}))
    assert moved.models["small"].backbone is None


def test_a_backbone_without_type_is_that_of_the_preset() -> None:
    config = config_with("models.small", {"cell_types": "each", "preset": "unet", "backbone": {"widths": [8, 12]}})
    jsonschema.validate(config, json_schema())
    backbone = read_settings(config).models["small"].backbone
    assert (backbone.type, backbone.widths, backbone.kernel_size) == ("unet", (8, 12), 5)


def test_a_recipe_sets_what_is_not_set() -> None:
    settings = read_settings(config_with("recipe", "published"))
    assert (settings.normalisation.per, settings.normalisation.over) == ("file", "all")
    assert (settings.normalisation.track_mean, settings.normalisation.total) == ("track", 1e8)
    assert (settings.windows.size, settings.windows.overlap, settings.prediction.stitch) == (32768, 16384, "mean_raw")
    assert (settings.training.epochs, settings.training.weight_decay, settings.training.seed) == (20, 0.01, 42)
    assert settings.models["small"].head.type == "unet"
    assert settings.departures == []
    assert read_settings(settings.model_dump(mode="json")) == settings


def test_keys_go_before_the_recipe_and_are_named() -> None:
    config = config_with("recipe", "published") | {"training": {"epochs": 3}, "normalisation": {"per": "file"}}
    config["models"]["plain"] = config["models"]["small"] | {"head": {"type": "convolutions", "kernel_size": 3}}
    config["models"]["wide"] = config["models"]["small"] | {"head": {"widths": [8, 16]}}
    config["models"]["unet"] = {"cell_types": "each", "preset": "unet"}
    settings = read_settings(config)
    assert settings.departures[:2] == ["training.epochs: 3", "models.plain.head.type: convolutions"]
    of_preset = settings.departures[2:]
    assert of_preset[0] == "models.unet.head.type: convolutions"
    assert {"models.unet.training.optimizer: adamw", "models.unet.training.global_batch_size: 4"} < set(of_preset)
    assert (settings.models["wide"].head.type, settings.models["wide"].head.widths) == ("unet", (8, 16))
    assert settings.models["unet"].head.channels == ()
    assert read_settings(settings.model_dump(mode="json")).departures == settings.departures
    with pytest.raises(InputError, match="config, recipe: found 'genos'; expected one of: published"):
        read_settings(config_with("recipe", "genos"))


def test_own_training_departs_from_the_recipe() -> None:
    config = config_with("recipe", "published")
    config["models"]["small"]["training"] = {"learning_rate": 1.0, "epochs": 20, "seed": 1}
    assert read_settings(config).departures == ["models.small.training.learning_rate: 1.0"]


@pytest.mark.parametrize(
    ("section", "value", "found"),
    [
        ("windows", {"size": 512}, "windows.overlap: found 16384 (from recipe: published); expected less than"),
        ("windows", {"size": 512, "overlap": 512}, "windows.overlap: found 512; expected less than"),
        ("training", {"micro_batch_size": 7}, "training.micro_batch_size: found 7; expected a divisor"),
    ],
)
def test_what_a_recipe_brought_is_said(section: str, value: dict, found: str) -> None:
    with pytest.raises(InputError) as refused:
        read_settings(config_with("recipe", "published") | {section: value})
    assert str(refused.value).startswith(f"config, {found}")


def test_the_shipped_recipe_is_followed() -> None:
    shipped = read_settings(yaml.safe_load((CONFIG / "published_lab.yaml").read_text()))
    assert (shipped.recipe, shipped.departures) == ("published", [])


def test_settings_share_nothing_with_presets() -> None:
    before = copy.deepcopy(PRESETS)
    settings = read_settings(config_with("models.small", {"cell_types": "each", "preset": "unet"}))
    settings.models["small"].training["augmentation"]["reverse_complement"] = False
    assert before == PRESETS


def test_a_head_of_another_type_replaces_that_of_the_preset() -> None:
    """Not key by key, because the types have different keys; a type that is absent is convolutions."""
    chosen = {"cell_types": "each", "preset": "unet", "head": {"type": "unet", "widths": [8, 16]}}
    head = read_settings(config_with("models.small", chosen)).models["small"].head
    assert dict(head) == {
        "type": "unet",
        "widths": (8, 16),
        "kernel_size": 5,
        "dilations": (2, 4),
        "dropout": 0.1,
        "batch_norm": "batch",
    }
    same = read_settings(config_with("models.small", chosen | {"head": {"type": "convolutions", "scale": "outside"}}))
    assert (same.models["small"].head.channels, same.models["small"].head.scale) == ((), "outside")
    for settings in (head, same.models["small"].head):
        assert type(settings).model_validate(settings.model_dump(mode="json")) == settings
    plain = read_settings(config_with("models.small.head", {"dropout": 0})).models["small"].head
    assert (plain.type, plain.channels) == ("convolutions", (256, 64))
