"""Regions as users type them, and `reference/loci.tsv`, the table of the loci in the configuration."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..errors import InputError, alias_hint, shorten

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Region:
    """A stretch of a chromosome, 0-based and half-open; printed 1-based and inclusive."""

    chrom: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.chrom}:{self.start + 1:,}-{self.end:,}"


# A chromosome may have colons in its name, such as HLA-A*01:01.
REGION = re.compile(r"(?P<chrom>\S+):(?P<start>\d[\d,]*)[-–](?P<end>\d[\d,]*)")


def locate(text: str, genes: pd.DataFrame, lengths: Mapping[str, int], margin: float = 0.2) -> Region:
    """Turn what a user types into a region.

    Parameters
    ----------
    text
        `chr19:39,407,000-39,439,000` (1-based, inclusive; an en dash also works), or a gene name or id.
    genes
        Columns `GENE_COLUMNS`.
    lengths
        Lengths of the available chromosomes.
    margin
        Share of a gene's length shown on either side of it.

    Raises
    ------
    InputError
        If the region is not on an available chromosome, no gene has that name or id, or the gene is not within one.

    Notes
    -----
    If several genes have the name, the first in `genes` is used, with a warning in the log.
    """
    text = text.strip()
    match = REGION.fullmatch(text)
    if match:
        chrom = match["chrom"]
        start, end = (int(match[key].replace(",", "")) for key in ("start", "end"))
        if chrom not in lengths:
            raise InputError(f"locus {text!r}", f"chromosome {chrom!r}", f"one of {shorten(lengths)}")
        if not 1 <= start <= end <= lengths[chrom]:
            raise InputError(f"locus {text!r}", f"{start}-{end}", f"1 <= start <= end <= {lengths[chrom]:,}")
        return Region(chrom, start - 1, end)
    gene = find_gene(text, genes, lengths)
    chrom, start, end = gene["chrom"], int(gene["start"]), int(gene["end"])
    pad = int(margin * (end - start)) + 200
    return Region(chrom, max(0, start - pad), min(lengths[chrom], end + pad))


def find_gene(text: str, genes: pd.DataFrame, lengths: Mapping[str, int]) -> pd.Series:
    """Row of the gene with a name or id; of several with the name, the first, with a warning in the log.

    Raises
    ------
    InputError
        If no gene has that name or id, or it is not within one of the chromosomes with these `lengths`.
    """
    named = genes.loc[(genes["gene_name"] == text) | (genes["gene_id"] == text)]
    if named.empty:
        raise InputError(
            f"locus {text!r}", "no gene with that name or id", "a gene in the annotation, or chrom:start-end"
        )
    gene = named.iloc[0]
    if len(named) > 1:
        log.warning("%d genes are called %s; using %s", len(named), text, gene["gene_id"])
    chrom, start, end = gene["chrom"], int(gene["start"]), int(gene["end"])
    if end > lengths.get(chrom, 0):
        where, found = f"locus {text!r}", f"a gene at {Region(chrom, start, end)}"
        if chrom not in lengths:
            raise InputError(where, found, f"one on {shorten(lengths)}{alias_hint(chrom, lengths)}")
        raise InputError(where, found, f"one within {lengths[chrom]:,} bases: is the annotation for another assembly?")
    return gene


def read_loci(path: Path, texts: Mapping[str, str]) -> dict[str, Region]:
    """Read the loci's regions.

    Parameters
    ----------
    path
        Columns `locus`, which is the file name of the locus, `chrom`, `start`, `end`, 0-based half-open.
    texts
        The name of each locus in the configuration, by its file name.

    Returns
    -------
    Regions by their name in the configuration, in the order of the table.
    """
    table = pd.read_csv(path, sep="\t", dtype={"locus": str, "chrom": str}, keep_default_na=False)
    return {texts[row.locus].strip(): Region(row.chrom, row.start, row.end) for row in table.itertuples()}
