"""Tables of the prepared reference, which all later stages read: lengths, genes and exons."""

from pathlib import Path

import numpy as np
import pandas as pd

from ..files import atomic_gzip
from ..vocabulary import Strand

GENE_COLUMNS = (
    *("gene_id", "gene_name", "gene_type", "chrom", "strand", "start", "end"),
    *("exonic_length", "shared_fraction"),
)
EXON_COLUMNS = ("chrom", "start", "end", "gene_id", "strand")


def read_sizes(path: Path) -> dict[str, int]:
    """Lengths of the chosen chromosomes, in their order, from `reference/chrom.sizes`."""
    table = pd.read_csv(
        path, sep="\t", header=None, names=["chrom", "length"], dtype={"chrom": str}, keep_default_na=False
    )
    return dict(zip(table["chrom"], table["length"], strict=True))


def on_strand(table: pd.DataFrame, strand: Strand) -> pd.DataFrame:
    """Rows of genes or exons whose reads fall on a track of this strand."""
    return table.loc[table["strand"].isin([symbol for symbol in "+-" if strand.holds(symbol)])]


def with_gene_numbers(table: pd.DataFrame, genes: pd.DataFrame) -> pd.DataFrame:
    """Intervals of the listed genes, with the row of each in `genes` as column `gene`, sorted by it and by start."""
    numbers = pd.Series(np.arange(len(genes)), index=genes["gene_id"].to_numpy())
    numbered = table.assign(gene=numbers.reindex(table["gene_id"]).to_numpy()).dropna(subset="gene")
    return numbered.astype({"gene": np.int64}).sort_values(["gene", "start"], ignore_index=True)


def write_genes(genes: pd.DataFrame, target: Path) -> None:
    """Write the table of genes (columns `GENE_COLUMNS`), gzipped."""
    _write_table(genes, target)


def read_genes(path: Path) -> pd.DataFrame:
    """Read a table that `write_genes` wrote."""
    texts = dict.fromkeys(("gene_id", "gene_name", "gene_type", "chrom", "strand"), str)
    return pd.read_csv(path, sep="\t", dtype=texts, keep_default_na=False)


def write_exons(exons: pd.DataFrame, target: Path) -> None:
    """Write exons (columns `EXON_COLUMNS`) as gzipped BED with a `#` header line and a score of 0."""
    _write_table(exons.assign(score=0)[["chrom", "start", "end", "gene_id", "score", "strand"]], target, "#")


def read_exons(path: Path) -> pd.DataFrame:
    """Read exons that `write_exons` wrote."""
    names = ["chrom", "start", "end", "gene_id", "score", "strand"]
    texts = dict.fromkeys(("gene_id", "chrom", "strand"), str)
    return pd.read_csv(path, sep="\t", header=None, skiprows=1, names=names, dtype=texts, keep_default_na=False)[
        list(EXON_COLUMNS)
    ]


def _write_table(table: pd.DataFrame, target: Path, mark: str = "") -> None:
    table = table.rename(columns={table.columns[0]: mark + table.columns[0]})
    with atomic_gzip(target) as stream:
        table.to_csv(stream, sep="\t", index=False)


def exonic_lengths(exons: pd.DataFrame) -> pd.Series:
    """Exonic bases of each gene that has any, indexed by `gene_id`."""
    return (exons["end"] - exons["start"]).groupby(exons["gene_id"]).sum()
