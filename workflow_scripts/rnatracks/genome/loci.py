"""The table of the loci that the configuration names: `reference/loci.tsv`."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from .annotation import Region


def read_loci(path: Path, texts: Mapping[str, str]) -> dict[str, Region]:
    """Read the loci's regions.

    Parameters
    ----------
    path
        Columns `locus`, which is the file name of the locus, `chrom`, `start`, `end`, 0-based half-open.
    texts
        What the configuration calls each locus, by its file name.

    Returns
    -------
    Regions by what the configuration calls them, in the order of the table.
    """
    table = pd.read_csv(path, sep="\t", dtype={"locus": str, "chrom": str}, keep_default_na=False)
    return {texts[row.locus].strip(): Region(row.chrom, row.start, row.end) for row in table.itertuples()}
