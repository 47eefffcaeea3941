"""The models that a configuration asks for: what each is made of, and which starts from which."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config.fields import Names
from ..config.models import DilatedCnnSettings, ModelSettings
from ..errors import InputError, shorten
from ..files import read_text
from .weight_files import check_texts, weight_files

# What a network that has learned from both sides is not to be turned into.
MASKED = ("causal", "bidirectional")
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


class ModelPlan(ModelSettings):
    """One model to train: what its family says, the family's key under `models`, and the cell types of this one."""

    name: str
    family: str
    cell_types: Names

    @property
    def from_hub(self) -> bool:
        """Whether the backbone's weights are to be fetched from the hub."""
        return isinstance(self.backbone, str) and not Path(self.backbone).is_dir()

    @property
    def weights_name(self) -> str:
        """File name for what comes from the hub, such as `ZhejiangLab--Genos-1.2B`, then any `@REVISION`."""
        return f"{self.backbone}{f'@{self.revision}' if self.revision else ''}".replace("/", "--")


@dataclass(frozen=True, kw_only=True)
class FetchedWeights:
    """Where a backbone's weights are, and which: `folder` is relative to the working directory if `downloads` is."""

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
        `models` of the configuration.
    cell_types
        Names of all cell types, in the order of their sheet.

    Returns
    -------
    Plans by model name: `FAMILY-CELLTYPE` where `cell_types` is `each`, else `FAMILY`.

    Raises
    ------
    InputError
        For an unknown cell type, two models of one name, a backbone that is neither a
        folder nor a hub id, has a revision and is no hub id, or is a folder that lacks
        files or holds an adapter; or a model that starts from itself, from a circle of
        models, from what is neither a model nor a model folder, from a model of the run
        that has other heads or sees more, or with low-rank updates from a network
        without attention.
    """
    plans: dict[str, ModelPlan] = {}
    for family, settings in families.items():
        chosen = settings.cell_types
        where = f"config, models.{family}.cell_types"
        if chosen == "each":
            groups = {f"{family}-{cell_type}": (cell_type,) for cell_type in cell_types}
        else:
            groups = {family: chosen}
        for name, members in groups.items():
            for cell_type in members:
                if cell_type not in cell_types:
                    raise InputError(where, repr(cell_type), f"cell types of the sheet: {shorten(cell_types)}")
            if name in plans:
                raise InputError(where, f"a second model called {name!r}", "names of their own")
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
            f"{where}.backbone", f"{plan.backbone!r}, which is no folder", "a folder, or a hub id OWNER/NAME"
        )
    if plan.revision is not None and not plan.from_hub:
        raise InputError(f"{where}.revision", repr(plan.revision), "no revision, as the backbone is not the hub's")


def _check_files(folder: Path, key: str) -> None:
    where, expected = f"{key}, {folder}", "the folder of a whole model"
    check_texts(folder, where, expected)
    weight_files(folder, where, expected)


def _check_start(plan: ModelPlan, plans: Mapping[str, ModelPlan]) -> None:
    """Follow a model to the one that its chain of `init_from` begins with, and check that it can start there."""
    where = f"config, models.{plan.family}"
    first, passed = plan, [plan.name]
    while first.init_from in plans:
        first = plans[first.init_from]
        if first.name in passed:
            raise InputError(
                f"{where}.init_from",
                f"a circle of models: {' starts from '.join([*passed, first.name])}",
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
    is_cnn = isinstance(first.backbone, DilatedCnnSettings)
    if plan.init_from in plans and not is_cnn and (plan.attention, plans[plan.init_from].attention) == MASKED:
        raise InputError(
            f"{where}.attention",
            f"'causal', though {plan.init_from}, from which {plan.name} starts, sees both sides",
            "bidirectional",
        )
    if plan.trainable == "lora" and is_cnn:
        raise InputError(
            f"{where}.trainable", f"'lora', on the dilated_cnn of {first.name}", "all or head, as it has no attention"
        )


def _check_heads(plan: ModelPlan, start: ModelPlan) -> None:
    """Heads can be copied only between models whose heads have one shape."""
    for key, found, expected in (
        ("strands", plan.strands, start.strands),
        ("head.channels", [*plan.head.channels], [*start.head.channels]),
        ("head.kernel_size", plan.head.kernel_size, start.head.kernel_size),
        ("head.plain_output", plan.head.plain_output, start.head.plain_output),
    ):
        if found != expected:
            raise InputError(
                f"config, models.{plan.family}.{key}",
                json.dumps(found),
                f"{json.dumps(expected)}, as {start.name} has, from which {plan.name} starts",
            )
