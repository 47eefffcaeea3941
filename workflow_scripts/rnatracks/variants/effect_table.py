"""Columns of the table of effects, which has a row per variant, gene and track, and its reading in parts.

docs/variants.md explains the columns, with units and coordinates.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..files import atomic_gzip

VARIANT_COLUMNS = ("chrom", "pos", "id", "ref_allele", "alt_allele")
PLACE_COLUMNS = ("gene_id", "gene_name", "strand", "tss_distance", "consequence")
NUMBER_COLUMNS = (
    "reach",
    "ref",
    "alt",
    "log2_ratio",
    "shift_log2_ratio",
    "largest_base_log2_ratio",
    "largest_base_position",
)
ROW_COLUMNS = (*VARIANT_COLUMNS, *PLACE_COLUMNS, "track", *NUMBER_COLUMNS)
EFFECT_COLUMNS = (*ROW_COLUMNS, "gene_score", "percentile")
PART_ROWS = 200_000  # in memory at once
_TEXTS = {*VARIANT_COLUMNS, *PLACE_COLUMNS, "track"} - {"pos", "tss_distance"}


def read_effects(path: Path, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
    """Parts of a table of effects, or of some of its columns, with at most `PART_ROWS` rows each.

    `pos` is an integer (1-based); texts are as written, an empty one for no gene; numbers are float64, NaN where empty.
    """
    kinds = {"pos": np.int64, **dict.fromkeys(_TEXTS, str)}
    names = pd.read_csv(path, sep="\t", nrows=0).columns
    yield from pd.read_csv(
        path,
        sep="\t",
        usecols=columns,
        dtype={name: kinds.get(name, np.float64) for name in names},
        keep_default_na=False,
        na_values={name: [""] for name in names if name not in kinds},
        quoting=csv.QUOTE_NONE,
        chunksize=PART_ROWS,
    )


def read_effect_texts(path: Path, names: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
    """Parts of a table of effects as `read_effects` gives them, but all columns as text.

    Parameters
    ----------
    names
        Columns of a table without a header line.
    """
    plain = {"sep": "\t", "dtype": str, "keep_default_na": False, "quoting": csv.QUOTE_NONE}
    yield from pd.read_csv(path, names=names, chunksize=PART_ROWS, **plain)


def write_effects(parts: Iterable[pd.DataFrame], target: Path) -> None:
    """Write parts of a table with columns `EFFECT_COLUMNS`, gzipped and with a header line, atomically."""
    with atomic_gzip(target) as stream:
        stream.write("\t".join(EFFECT_COLUMNS) + "\n")
        for part in parts:
            part.to_csv(stream, sep="\t", index=False, header=False, float_format="%.6g", quoting=csv.QUOTE_NONE)
