"""The models of a configuration: what each consists of, and which model starts from which."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..config.fields import Names
from ..config.heads import FREE_HEAD_KEYS
from ..config.models import DilatedCnnSettings, ModelSettings, UNetSettings
from ..config.presets import PRESETS
from ..config.training import training_key
from ..errors import InputError, shorten
from ..files import read_text
from .weight_files import check_texts, weight_files

# Attention of a model and of the model it starts from, if refused: a network trained on both sides must not be masked.
MASKED = ("causal", "bidirectional")
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
# Keys of a model that matter for its training settings only.
TRAINING_KEYS = {"preset", "training"}
NEWER_HEAD_DEFAULTS = {"type": "convolutions", "scale": "inside"}.items()


class ModelPlan(ModelSettings):
    """One model to train: the settings of its family, the family's key under `models`, and the model's cell types."""

    name: str
    family: str
    cell_types: Names

    @classmethod
    def of_job(cls, params: Mapping[str, Any], families: Mapping[str, ModelSettings]) -> Self:
        """The plan of a job, from its parameters, which lack `TRAINING_KEYS`, and the section `models`."""
        return cls.model_validate(params | families[params["family"]].model_dump(include=TRAINING_KEYS))

    def recorded(self) -> dict[str, Any]:
        """What a rule and checkpoints record of the plan: without `TRAINING_KEYS`, which they record by themselves.

        Keys of the head that versions up to 0.3.0 did not have are left out if they have their defaults: otherwise
        their models would be trained again after an update.
        """
        dumped = self.model_dump(mode="json", exclude=TRAINING_KEYS)
        head = {key: value for key, value in dumped["head"].items() if (key, value) not in NEWER_HEAD_DEFAULTS}
        return dumped | {"head": head}

    @property
    def from_hub(self) -> bool:
        """Whether the weights of the backbone are to be downloaded from the Hugging Face Hub."""
        return isinstance(self.backbone, str) and not Path(self.backbone).is_dir()

    def training_key(self, key: str) -> str:
        """Full name in the configuration of a training setting of this model: see `training.training_key`."""
        return training_key(key, self.family, self.training)

    @property
    def weights_name(self) -> str:
        """File name for weights from the Hub, such as `ZhejiangLab--Genos-1.2B`, followed by `@REVISION` if set."""
        return f"{self.backbone}{f'@{self.revision}' if self.revision else ''}".replace("/", "--")


@dataclass(frozen=True, kw_only=True)
class FetchedWeights:
    """Downloaded weights of a backbone; `folder` is relative to the working directory if `downloads` is."""

    hub_id: str
    revision: str
    commit: str
    folder: str

    @classmethod
    def read(cls, path: Path) -> "FetchedWeights":
        """Read back what `files.write_json` wrote."""
        return cls(**json.loads(read_text(path)))


def expand_models(families: Mapping[str, ModelSettings], cell_types: Sequence[str]) -> dict[str, ModelPlan]:
    """List the models to train, in the order of the configuration.

    Parameters
    ----------
    families
        The `models` section of the configuration.
    cell_types
        Names of all cell types, in the order of their sheet.

    Returns
    -------
    Plans by model name: `FAMILY-CELLTYPE` if `cell_types` is `each`, otherwise `FAMILY`.

    Raises
    ------
    InputError
        For an unknown cell type; two models with the same name; a backbone that is neither
        a folder nor a Hub id, that has a revision without being a Hub id, or that is a
        folder with missing files or an adapter; a model that starts from itself, from a
        cycle of models, from something that is neither a model nor a model folder, or from
        a model of the run that has different heads or sees more; or low-rank updates of a
        network without attention.
    """
    plans: dict[str, ModelPlan] = {}
    for family, settings in families.items():
        chosen = settings.cell_types
        where = f"config, models.{family}.cell_types"
        if chosen == "each":
            groups = {f"{family}-{cell_type}": (cell_type,) for cell_type in cell_types}
        else:
            groups = {family: tuple(cell_types) if chosen == "all" else chosen}
        for name, members in groups.items():
            for cell_type in members:
                if cell_type not in cell_types:
                    raise InputError(where, repr(cell_type), f"cell types of the sheet: {shorten(cell_types)}")
            if name in plans:
                raise InputError(where, f"a second model called {name!r}", "unique names of models")
            plans[name] = ModelPlan.model_validate(
                dict(settings) | {"name": name, "family": family, "cell_types": members}
            )
    for plan in plans.values():
        _check_backbone(plan)
        _check_start(plan, plans)
        if plan.init_from in plans:
            _check_heads(plan, plans[plan.init_from])
    for plan in {plan.family: plan for plan in plans.values()}.values():
        if isinstance(plan.backbone, str) and not plan.from_hub:
            _check_files(Path(plan.backbone), f"config, models.{plan.family}.backbone")
        elif plan.init_from is not None and plan.init_from not in plans:
            _check_files(Path(plan.init_from), f"config, models.{plan.family}.init_from")
    return plans


def _check_backbone(plan: ModelPlan) -> None:
    where = f"config, models.{plan.family}"
    if plan.from_hub and HUB_ID.fullmatch(plan.backbone) is None:
        raise InputError(
            f"{where}.backbone", f"{plan.backbone!r}, which is not a folder", "a folder, or a Hub id OWNER/NAME"
        )
    if plan.revision is not None and not plan.from_hub:
        expected = "no revision, because the backbone is not from the Hugging Face Hub"
        raise InputError(f"{where}.revision", repr(plan.revision), expected)


def _check_files(folder: Path, key: str) -> None:
    where, expected = f"{key}, {folder}", "the folder of a complete model"
    check_texts(folder, where, expected)
    weight_files(folder, where, expected)


def _check_start(plan: ModelPlan, plans: Mapping[str, ModelPlan]) -> None:
    """Follow the chain of `init_from` to its first model, and check that the model can start there."""
    where = f"config, models.{plan.family}"
    first, passed = plan, [plan.name]
    while first.init_from in plans:
        first = plans[first.init_from]
        if first.name in passed:
            raise InputError(
                f"{where}.init_from",
                f"a cycle of models: {' starts from '.join([*passed, first.name])}",
                "another model, a model folder, or a backbone instead",
            )
        passed.append(first.name)
    folder = None if first.init_from is None else Path(first.init_from)
    if folder is not None and not ((folder / "config.json").is_file() and any(folder.glob("*.safetensors"))):
        others = [name for name in plans if name != first.name]
        raise InputError(
            f"config, models.{first.family}.init_from",
            f"{first.init_from!r}, neither a model of this configuration nor a folder with config.json and weights",
            f"a model folder{f', or one of: {shorten(others)}' if others else ''}",
        )
    is_convolutional = isinstance(first.backbone, UNetSettings | DilatedCnnSettings)
    if plan.init_from in plans and not is_convolutional and (plan.attention, plans[plan.init_from].attention) == MASKED:
        raise InputError(
            f"{where}.attention",
            f"'causal', but {plan.init_from}, from which {plan.name} starts, sees both sides",
            "bidirectional",
        )
    if plan.trainable == "lora" and is_convolutional:
        raise InputError(
            f"{where}.trainable",
            f"'lora', on the {first.backbone.type} of {first.name}",
            "all or head, because it has no such projections",
        )


def _check_heads(plan: ModelPlan, start: ModelPlan) -> None:
    """Check that heads can be copied, which requires heads of the same shape."""
    other = dict(start.head)
    # Another type has other keys, and is reported first.
    shape = [(f"head.{key}", value, other.get(key)) for key, value in plan.head if key not in FREE_HEAD_KEYS]
    for key, found, expected in (("strands", plan.strands, start.strands), *shape):
        if found != expected:
            preset = PRESETS.get(plan.preset, {}).get("head", {})
            is_preset = json.dumps(preset.get(key.removeprefix("head."))) == json.dumps(found)
            raise InputError(
                f"config, models.{plan.family}.{key}",
                json.dumps(found) + (f", set by preset: {plan.preset}" if is_preset else ""),
                f"{json.dumps(expected)}, as in {start.name}, from which {plan.name} starts",
            )
