"""Made-up tables of effects."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from rnatracks.variants.effect_table import EFFECT_COLUMNS


def effect(
    variant: tuple[str, int, str, str], gene: str, track: str, log2_ratio: float = np.nan, **more: object
) -> dict[str, object]:
    """A row of the table."""
    chrom, pos, ref, alt = variant
    names = {"chrom": chrom, "pos": pos, "id": ".", "ref_allele": ref, "alt_allele": alt}
    of_gene = {"gene_id": gene, "gene_name": gene.lower(), "strand": "+" if gene else "", "track": track}
    return dict.fromkeys(EFFECT_COLUMNS, "") | names | of_gene | {"log2_ratio": log2_ratio} | more


def write_effects(path: Path, rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    table = pd.DataFrame(list(rows), columns=list(EFFECT_COLUMNS))
    table.to_csv(path, sep="\t", index=False, float_format="%.6g", quoting=csv.QUOTE_NONE)
    return table
