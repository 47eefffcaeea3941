"""Models that a configuration names: what is planned for each, what each starts from, and what is refused."""

import re
from pathlib import Path

import pytest
import yaml
from configurations import CNN, CONFIG, MIXTRAL, config_with

from rnatracks.config.heads import ConvolutionHeadSettings
from rnatracks.config.models import LoraSettings, ModelSettings
from rnatracks.config.settings import read_settings
from rnatracks.errors import InputError
from rnatracks.model.plan import ModelPlan, expand_models


def test_expand_models() -> None:
    config = config_with("models.joint", {"cell_types": ["T", "B"], "backbone": MIXTRAL, "control": "shuffled_targets"})
    plans = expand_models(read_settings(config).models, ["B", "T"])
    assert list(plans) == ["small-B", "small-T", "joint"]
    alone = ModelPlan(
        name="small-T",
        family="small",
        cell_types=("T",),
        backbone="some/model",
        revision=None,
        init_from=None,
        strands="heads",
        attention="causal",
        trainable="all",
        lora=LoraSettings(rank=16, alpha=32, dropout=0.05),
        head=ConvolutionHeadSettings(
            channels=(256, 64), kernel_size=9, dropout=0.1, initial_scale=8, batch_norm="batch", plain_output=False
        ),
        control="none",
    )
    assert plans["small-T"] == alone
    assert plans["joint"] == ModelPlan(
        **dict(alone)
        | {"name": "joint", "family": "joint", "cell_types": ("T", "B"), "control": "shuffled_targets"}
        | {"backbone": MIXTRAL | {"num_experts_per_tok": 2}}
    )


def test_what_is_configured_for_a_model_is_planned() -> None:
    chosen = {
        "cell_types": ["B"],
        "backbone": "some/x",
        "strands": "reverse_complement",
        "attention": "bidirectional",
        "trainable": "lora",
        "lora": {"rank": 4, "alpha": 2.5, "dropout": 0},
        "head": {"batch_norm": "renorm", "plain_output": True, "channels": [8], "kernel_size": 3, "dropout": 0.2},
    }
    config = read_settings(config_with("models.one", chosen))
    plan = expand_models(config.models, ["B"])["one"].model_dump(mode="json")
    head = chosen["head"] | {"type": "convolutions", "scale": "inside", "initial_scale": 8}
    assert plan == chosen | {
        "name": "one",
        "family": "one",
        "revision": None,
        "init_from": None,
        "preset": None,
        "training": {},
        "control": "none",
        "head": head,
    }


def plans_of(families: dict[str, dict], cell_types: list[str]) -> dict[str, ModelPlan]:
    """Plans of model families that are each given by what differs from a joint model of the cell types."""
    models = {family: {"cell_types": cell_types} | settings for family, settings in families.items()}
    return expand_models(read_settings(config_with("models", models)).models, cell_types)


def test_models_start_from_models_of_the_run_in_any_order() -> None:
    plans = plans_of(
        {
            "late": {"init_from": "middle"},
            "middle": {"init_from": "first-B"},
            "first": {"cell_types": "each", "backbone": "some/x"},
            "last": {"init_from": "late"},
        },
        ["B", "T"],
    )
    starts = {name: plan.init_from for name, plan in plans.items()}
    assert starts == {"late": "middle", "middle": "first-B", "first-B": None, "first-T": None, "last": "late"}


def test_all_cell_types_are_one_joint_model_in_the_order_of_the_sheet() -> None:
    (plan,) = plans_of({"joint": {"cell_types": "all", "backbone": "some/x"}}, ["T", "B"]).values()
    assert (plan.name, plan.cell_types) == ("joint", ("T", "B"))


def test_a_model_starts_from_a_folder(tmp_path: Path) -> None:
    folder = str(tmp_path / "trained")
    settings = {"small": {"cell_types": "each", "init_from": folder}, "other": {"backbone": "some/x"}}
    with pytest.raises(InputError) as caught:
        plans_of(settings, ["B"])
    assert str(caught.value) == (
        f"config, models.small.init_from: found {folder!r}, neither a model of this configuration "
        "nor a folder with config.json and weights; expected a model folder, or one of: other"
    )
    (tmp_path / "trained").mkdir()
    (tmp_path / "trained" / "config.json").write_text("{}")
    with pytest.raises(InputError, match="nor a folder with config.json and weights"):
        plans_of(settings, ["B"])
    (tmp_path / "trained" / "model.safetensors").write_bytes(b"")
    assert plans_of(settings, ["B"])["small-B"].init_from == folder


@pytest.mark.parametrize(
    ("families", "line"),
    [
        (
            {"a": {"init_from": "a"}},
            "config, models.a.init_from: found a cycle of models: a starts from a; "
            "expected another model, a model folder, or a backbone instead",
        ),
        (
            {"a": {"cell_types": "each", "init_from": "a-B"}},
            "config, models.a.init_from: found a cycle of models: a-B starts from a-B; expected ",
        ),
        (
            {"a": {"init_from": "b"}, "b": {"init_from": "c"}, "c": {"init_from": "a"}},
            "config, models.a.init_from: found a cycle of models: a starts from b starts from c starts from a; ",
        ),
        (
            {"a": {"init_from": "b"}, "b": {"init_from": "b"}},
            "config, models.a.init_from: found a cycle of models: a starts from b starts from b; ",
        ),
        (
            {"each": {"cell_types": "each", "backbone": "some/x"}, "b": {"init_from": "each"}},
            "config, models.b.init_from: found 'each', neither a model of this configuration nor a folder with "
            "config.json and weights; expected a model folder, or one of: each-B, each-T",
        ),
        (
            {"a": {"init_from": "no/such/folder"}},
            "config, models.a.init_from: found 'no/such/folder', neither a model of this configuration nor a folder "
            "with config.json and weights; expected a model folder",
        ),
        (
            {"a": {"backbone": CNN, "trainable": "lora"}},
            "config, models.a.trainable: found 'lora', on the dilated_cnn of a; "
            "expected all or head, because it has no such projections",
        ),
        (
            {"a": {"init_from": "b", "trainable": "lora"}, "b": {"init_from": "c"}, "c": {"backbone": CNN}},
            "config, models.a.trainable: found 'lora', on the dilated_cnn of c; expected all or head",
        ),
        (
            {"a": {"init_from": "b", "strands": "reverse_complement"}, "b": {"backbone": "some/x"}},
            'config, models.a.strands: found "reverse_complement"; expected "heads", as in b, from which a starts',
        ),
        (
            {"a": {"backbone": "some/x", "head": {"channels": [8]}}, "b": {"cell_types": "each", "init_from": "a"}},
            "config, models.b.head.channels: found [256, 64]; expected [8], as in a, from which b-B starts",
        ),
        (
            {"a": {"backbone": "some/x"}, "b": {"init_from": "a", "preset": "unet"}},
            "config, models.b.head.channels: found [], set by preset: unet; expected [256, 64], as in a, from which b",
        ),
        (
            {"a": {"backbone": "some/x"}, "b": {"init_from": "a", "head": {"kernel_size": 3}}},
            "config, models.b.head.kernel_size: found 3; expected 9, as in a",
        ),
        (
            {"a": {"backbone": "some/x"}, "b": {"init_from": "a", "head": {"plain_output": True}}},
            "config, models.b.head.plain_output: found true; expected false, as in a",
        ),
        (
            {"a": {"backbone": "some/x"}, "b": {"init_from": "a", "head": {"scale": "outside"}}},
            'config, models.b.head.scale: found "outside"; expected "inside", as in a',
        ),
        (
            {"a": {"backbone": "some/x"}, "b": {"init_from": "a", "head": {"type": "unet"}}},
            'config, models.b.head.type: found "unet"; expected "convolutions", as in a',
        ),
        (
            {
                "a": {"backbone": "some/x", "head": {"type": "unet", "dropout": 0}},
                "b": {"init_from": "a", "head": {"type": "unet", "widths": [512, 768]}},
            },
            "config, models.b.head.widths: found [512, 768]; expected [512, 768, 1024], as in a",
        ),
        (
            {"a": {"backbone": "some/x", "attention": "bidirectional"}, "b": {"init_from": "a"}},
            "config, models.b.attention: found 'causal', but a, from which b starts, sees both sides; "
            "expected bidirectional",
        ),
        (
            {"a": {"backbone": "no/such/folder"}},
            "config, models.a.backbone: found 'no/such/folder', which is not a folder; "
            "expected a folder, or a Hub id OWNER/NAME",
        ),
        (
            {"a": {"backbone": CNN, "revision": "main"}},
            "config, models.a.revision: found 'main'; expected no revision, because the backbone is not from",
        ),
    ],
    ids=[
        "itself",
        "itself of each",
        "three",
        "circle ahead",
        "family of each",
        "no folder",
        "cnn",
        "cnn ahead",
        "strands",
        "channels",
        "preset",
        "kernel",
        "output",
        "scale",
        "type of head",
        "widths",
        "masked",
        "no hub id",
        "revision of a cnn",
    ],
)
def test_a_model_that_cannot_start_is_refused(families: dict[str, dict], line: str) -> None:
    with pytest.raises(InputError) as caught:
        plans_of(families, ["B", "T"])
    assert str(caught.value).startswith(line)


def test_low_rank_updates_may_start_from_a_language_model() -> None:
    plans = plans_of({"a": {"backbone": MIXTRAL}, "b": {"init_from": "a", "trainable": "lora"}}, ["B"])
    assert plans["b"].trainable == "lora"


@pytest.mark.parametrize(
    ("start", "attention"),
    [
        ({"backbone": MIXTRAL, "attention": "causal"}, "bidirectional"),
        ({"backbone": MIXTRAL, "attention": "bidirectional"}, "bidirectional"),
        ({"backbone": CNN, "attention": "bidirectional"}, "causal"),
    ],
    ids=["opened", "both", "cnn"],
)
def test_a_model_may_see_more_than_its_start(start: dict, attention: str) -> None:
    assert plans_of({"a": start, "b": {"init_from": "a", "attention": attention}}, ["B"])["b"].attention == attention


def test_the_models_of_the_readme_are_valid() -> None:
    example = yaml.safe_load(re.search(r"^```yaml\n(.*?)^```$", (CONFIG / "README.md").read_text(), re.M | re.S)[1])
    config = read_settings(config_with("models", example["models"]))
    assert list(expand_models(config.models, ["GM12878", "NK"])) == [
        "genos-GM12878",
        "genos-NK",
        "unet-GM12878",
        "unet-NK",
        "both",
        "moved",
    ]


def test_a_second_file_replaces_a_backbone_by_a_start() -> None:
    config = config_with("models.small", {"cell_types": ["B"], "backbone": None, "init_from": "base"})
    config["models"]["base"] = {"cell_types": ["B"], "backbone": "some/x"}
    plan = expand_models(read_settings(config).models, ["B"])["small"]
    assert (plan.backbone, plan.init_from) == (None, "base")


def test_expand_models_refuses_unknown_cell_types() -> None:
    config = read_settings(config_with("models.small.cell_types", ["B", "liver"]))
    with pytest.raises(InputError, match=r"^config, models.small.cell_types: found 'liver'; expected .*B, T$"):
        expand_models(config.models, ["B", "T"])


def test_expand_models_refuses_two_models_of_one_name() -> None:
    config = read_settings(config_with("models.small-B", {"cell_types": ["B"], "backbone": "some/x"}))
    with pytest.raises(
        InputError, match=r"^config, models\.small-B\.cell_types: found a second model called 'small-B'"
    ):
        expand_models(config.models, ["B"])


@pytest.mark.parametrize(
    ("head", "more"), [({}, []), ({"scale": "inside"}, []), ({"scale": "outside"}, ["scale"])], ids=str
)
def test_plans_are_recorded_as_before_heads_had_a_type(head: dict, more: list[str]) -> None:
    """Rules and checkpoints compare what they recorded then: new keys would train every model again."""
    keys = ["channels", "kernel_size", "dropout", "initial_scale", "batch_norm", "plain_output"]
    settings = ModelSettings.model_validate({"cell_types": ["A"], "backbone": "some/model", "head": head})
    plan = expand_models({"m": settings}, ["A"])["m"]
    assert sorted(plan.recorded()["head"]) == sorted(keys + more)
    assert ModelPlan.of_job(plan.recorded(), {"m": settings}) == plan
