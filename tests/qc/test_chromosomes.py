"""Chromosomes as the report shows them, against sums by hand."""

from pathlib import Path

import pandas as pd

from rnatracks.qc.chromosomes import bare_chromosome_warnings, describe_chromosomes, read_by_chromosome

BASES = pd.DataFrame(
    [("chr1", 900, 0, ""), ("chrM", 100, 30, "N: 10, X: 20"), ("chr9", 50, 0, "")],
    columns=["chrom", "length", "unknown", "other_letters"],
)
GENES = pd.DataFrame({"gene_id": ["A", "B"], "chrom": ["chr1", "chr1"]})
SIGNAL = pd.DataFrame(
    [
        *(("s1", "plus", "chr1", 0.3), ("s1", "plus", "chrM", 0.2), ("s1", "plus", "chr9", 0.0)),
        *(("s1", "minus", "chr1", 0.1), ("s1", "minus", "chrM", 0.4), ("s1", "minus", "chr9", 0.0)),
        *(("u", "unstranded", "chr1", 0.8), ("u", "unstranded", "chrM", 0.2), ("u", "unstranded", "chr9", 0.0)),
    ],
    columns=["sample", "strand", "chrom", "share"],
)


def test_chromosomes_have_their_genes_and_their_share_of_the_signal() -> None:
    table = describe_chromosomes(BASES, GENES, SIGNAL, {"chr1": "train", "chrM": "test", "chr9": "train"})
    assert table.round(12).to_numpy().tolist() == [
        ["chr1", "train", 900, 0, "", 2, 0.6],
        ["chrM", "test", 100, 30, "N: 10, X: 20", 0, 0.4],
        ["chr9", "train", 50, 0, "", 0, 0.0],
    ]


def test_a_chromosome_with_signal_and_without_genes_is_a_warning() -> None:
    """chr9 has no gene either, but nothing that could be counted as intergenic."""
    table = describe_chromosomes(BASES, GENES, SIGNAL, {})
    (warning,) = bare_chromosome_warnings(table)
    assert warning.startswith("The annotation has no gene on chrM (40.0% of the samples' signal): all coverage there")
    assert bare_chromosome_warnings(table[table["chrom"] != "chrM"]) == []


def test_tables_by_chromosome_are_read_with_names_as_text(tmp_path: Path) -> None:
    """A chromosome or sample may be called 1 or NA; a share that is not known is missing."""
    (tmp_path / "bases.tsv").write_text("chrom\tlength\tunknown\tother_letters\n1\t9\t0\t\nNA\t5\t5\tN: 5\n")
    (tmp_path / "signal.tsv").write_text(
        "sample\tstrand\tchrom\ttotal\tshare\nNA\tplus\t1\t8.0\t1.0\nb\tplus\tNA\t\t\n"
    )
    bases = read_by_chromosome(tmp_path / "bases.tsv")
    assert bases.to_numpy().tolist() == [["1", 9, 0, ""], ["NA", 5, 5, "N: 5"]]
    signal = read_by_chromosome(tmp_path / "signal.tsv")
    assert signal[["sample", "chrom"]].to_numpy().tolist() == [["NA", "1"], ["b", "NA"]]
    assert signal["share"].isna().tolist() == [False, True]
