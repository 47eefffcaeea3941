"""The chosen chromosomes: their bases, their genes, and how much of the samples' signal lies on each."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd


def read_by_chromosome(path: Path) -> pd.DataFrame:
    """Read `reference/bases.tsv` or `qc/chromosomes.tsv`; names of chromosomes and samples are text, including `NA`."""
    texts = dict.fromkeys(("sample", "cell_type", "strand", "chrom", "other_letters"), str)
    return pd.read_csv(path, sep="\t", dtype=texts, keep_default_na=False, na_values={"total": "", "share": ""})


def describe_chromosomes(
    bases: pd.DataFrame, genes: pd.DataFrame, signal: pd.DataFrame, splits: Mapping[str, str]
) -> pd.DataFrame:
    """One row per chromosome, for the report.

    Parameters
    ----------
    bases
        The table `reference/bases.tsv`: columns `chrom length unknown other_letters`.
    genes
        Columns `tables.GENE_COLUMNS`.
    signal
        The table `qc/chromosomes.tsv`: columns `sample chrom share` at least.
    splits
        Split of each chromosome.

    Returns
    -------
    Columns `chrom split length unknown other_letters genes signal_share`. The last one is the mean over
    samples of the share of their signal that is on the chromosome, both strands together.
    """
    shares = signal.groupby(["sample", "chrom"])["share"].sum().groupby("chrom").mean()
    return pd.DataFrame(
        {
            "chrom": bases["chrom"],
            "split": bases["chrom"].map(splits),
            "length": bases["length"],
            "unknown": bases["unknown"],
            "other_letters": bases["other_letters"],
            "genes": bases["chrom"].map(genes["chrom"].value_counts()).fillna(0).astype(int),
            "signal_share": bases["chrom"].map(shares),
        }
    )


def bare_chromosome_warnings(chromosomes: pd.DataFrame) -> list[str]:
    """One sentence on chromosomes with signal but no genes; `chromosomes` is as returned by `describe_chromosomes`."""
    bare = chromosomes[(chromosomes["genes"] == 0) & (chromosomes["signal_share"] > 0)]
    named = [f"{row.chrom} ({row.signal_share:.1%} of the samples' signal)" for row in bare.itertuples()]
    if not named:
        return []
    return [
        f"The annotation has no gene on {', '.join(named)}: all coverage there counts as intergenic. Does the GTF use "
        "another name?"
    ]
