"""Odd inputs after public reports: each is read right or refused in one line, whatever room reads it.

Each case is a folder laid over a clean one; the right values are those of the cases' own README, found without this
project. `tests/workflow/test_cases.py` runs the workflow on some of them.
"""

from pathlib import Path

import numpy as np
import pyBigWig
import pytest

from rnatracks.errors import InputError
from rnatracks.genome.annotation import read_gtf
from rnatracks.genome.bed import read_bed
from rnatracks.genome.fasta import prepare_fasta
from rnatracks.genome.regions import CODES, RegionClass, RegionClassifier
from rnatracks.genome.sequence import Genome
from rnatracks.genome.windows import make_windows
from rnatracks.qc.checks import check_headers, check_sample
from rnatracks.tracks.average import average
from rnatracks.vocabulary import Split, Strand

LENGTHS = {"chr1": 6000, "chr2": 4000}


@pytest.fixture
def cases(real_data: Path) -> Path:
    return real_data / "cases"


def values(path: Path, chrom: str) -> np.ndarray:
    """Magnitudes of all bases; nothing where the header has no such chromosome."""
    with pyBigWig.open(str(path)) as file:
        length = file.chroms(chrom)
        return np.zeros(1) if length is None else np.abs(np.nan_to_num(file.values(chrom, 0, length, numpy=True)))


@pytest.mark.parametrize("name", ["clean", "gtf_nospace", "gtf_semicolon"])
def test_attributes_give_four_genes(cases: Path, name: str) -> None:
    genes = read_gtf(cases / name / "genes.gtf", LENGTHS).genes
    columns = ["gene_id", "gene_name", "gene_type", "chrom", "strand", "start", "end", "exonic_length"]
    assert genes[columns].to_numpy().tolist() == [
        ["G1", "ALPHA", "protein_coding", "chr1", "+", 500, 1900, 800],
        ["G2", "BETA", "protein_coding", "chr1", "-", 3000, 4200, 800],
        ["G3", "GAMMA", "protein_coding", "chr2", "+", 500, 1400, 900],
        ["G4", "DELTA", "protein_coding", "chr2", "-", 2000, 2900, 900],
    ]


def test_an_empty_gene_id_names_the_line(cases: Path) -> None:
    path = cases / "gtf_emptyid" / "genes.gtf"
    with pytest.raises(InputError) as refused:
        read_gtf(path, LENGTHS)
    assert str(refused.value).startswith(f"{path}, line 1: found a record without a gene_id")


def test_two_copies_of_a_gene_have_no_intron_between(cases: Path) -> None:
    annotation = read_gtf(cases / "gtf_copies" / "genes.gtf", LENGTHS)
    codes = RegionClassifier(annotation.bodies, annotation.exons, Strand.MINUS).codes("chr1", 0, 6000)
    counts = dict(zip(CODES, np.bincount(codes, minlength=3).tolist(), strict=True))
    assert counts == {RegionClass.INTERGENIC: 4600, RegionClass.INTRON: 400, RegionClass.EXON: 1000}


def test_a_chromosome_without_genes_is_reported(cases: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = cases / "gtf_chrMT" / "genes.gtf"
    read_gtf(path, LENGTHS | {"chrM": 1000})
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.message.startswith(f"{path}: no gene on chrM, ")
    assert record.message.endswith("(the nearest name in the file: 'chrMT')")


def test_bed_with_track_lines_is_read(cases: Path) -> None:
    regions = read_bed(cases / "bed_track" / "mask.bed")
    assert regions.to_numpy().tolist() == [["chr1", 0, 2000], ["chr2", 100, 200]]


def test_a_mask_of_x_is_unknown(cases: Path, tmp_path: Path) -> None:
    found = prepare_fasta(cases / "fa_maskX" / "genome.fa", tmp_path / "genome.fa", list(LENGTHS))
    assert {chrom: each.other_letters for chrom, each in found.items()} == {"chr1": {"X": 1000}, "chr2": {}}
    splits = dict.fromkeys(LENGTHS, Split.TRAIN)
    windows = make_windows(Genome(tmp_path / "genome.fa"), splits, size=512, overlap=256, blacklist=None)
    masked = (cases / "fa_maskX" / "genome.fa").read_text().split(">")[1].partition("\n")[2].replace("\n", "")
    for window in windows.itertuples():
        letters = masked[window.start : window.end] if window.chrom == "chr1" else "A"
        assert window.n_fraction == pytest.approx(letters.count("X") / len(letters))
    assert windows["n_fraction"].max() == 1


def test_a_sparse_header_counts_as_zero(cases: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole, sparse = cases / "clean" / "A1.minus.bw", cases / "bw_sparse_header" / "A2.minus.bw"
    check_headers([whole, sparse], LENGTHS)
    (record,) = caplog.records
    missing = next(chrom for chrom in LENGTHS if values(sparse, chrom).size == 1)
    assert record.message == f"{sparse}: no {missing} in its header; coverage there counts as 0"
    average([(whole, 1.0), (sparse, 1.0)], LENGTHS, tmp_path / "mean.bw", "A.minus")
    for chrom in LENGTHS:
        expected = (values(whole, chrom) + values(sparse, chrom)) / 2
        np.testing.assert_allclose(values(tmp_path / "mean.bw", chrom), expected, rtol=1e-6)


def test_a_sample_that_lost_a_chromosome_is_flagged(cases: Path, tmp_path: Path) -> None:
    """Its mean there would be 1.656 instead of 2.484: a third too low."""
    lengths = {f"chr{number}": 20_000 for number in range(1, 13)}
    annotation = read_gtf(cases / "big_clean" / "genes.gtf", lengths)
    checks = {}
    for name, folder in (("s1", "big_clean"), ("s2", "big_clean"), ("s3", "big_lost")):
        files = {strand: cases / folder / f"{name}.{strand}.bw" for strand in (Strand.PLUS, Strand.MINUS)}
        checks[name] = check_sample(name, "A", files, lengths, annotation.exons)
    flags = {name: [*check.strand_problems("plus"), *check.strand_problems("minus")] for name, check in checks.items()}
    assert flags == {"s1": [], "s2": [], "s3": ["no_signal:chr12", "no_signal:chr12"]}

    def mean_of_plus(names: list[str], target: Path) -> float:
        """Of chr12, samples scaled to a pair of 1e6."""
        folders = {name: cases / ("big_lost" if name == "s3" else "big_clean") for name in names}
        samples = [(folders[name] / f"{name}.plus.bw", checks[name].scales(1e6)["plus"]) for name in names]
        average(samples, lengths, target, "A.plus")
        return float(values(target, "chr12").mean(dtype=float))

    assert mean_of_plus(["s1", "s2", "s3"], tmp_path / "all.bw") == pytest.approx(1.656, abs=1e-3)
    assert mean_of_plus(["s1", "s2"], tmp_path / "two.bw") == pytest.approx(2.484, abs=1e-3)
