"""The table of what each simulated change does to genes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from ..files import atomic_write
from .planted_changes import PlantedChange

PLANTED_COLUMNS = ["id", "kind", "gene_id", "cell_type", "level_before", "level_after"]


def write_planted_effects(planted: Mapping[str, PlantedChange], cell_types: Sequence[str], target: Path) -> None:
    """Write one row per change, gene and cell type; genes that are not listed keep their level."""
    rows = [
        (name, str(each.kind), effect.gene_id, cell_type, before, after)
        for name, each in planted.items()
        for effect in each.effects
        for cell_type, before, after in zip(cell_types, effect.before, effect.after, strict=False)
    ]
    with atomic_write(target) as partial:
        table = pd.DataFrame(rows, columns=PLANTED_COLUMNS)
        table.to_csv(partial, sep="\t", index=False, float_format="%.9g")


def read_planted_effects(path: Path) -> pd.DataFrame:
    """Read the table that `write_planted_effects` wrote."""
    return pd.read_csv(path, sep="\t", dtype=dict.fromkeys(PLANTED_COLUMNS[:4], str), keep_default_na=False)
