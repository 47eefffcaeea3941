"""Checks of single samples."""

import logging
from pathlib import Path

import numpy as np
import pytest
from bigwigs import mixed_coverage, write_bases, write_intervals

from rnatracks.errors import InputError
from rnatracks.files import write_json
from rnatracks.qc import check_sample, read_check, sample_table
from rnatracks.terms import Strand

LENGTHS = {"chr1": 500, "chr2": 300}


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
        check = check_sample("B1", "B", files, LENGTHS)
    assert (check.sample, check.cell_type, list(check.strands)) == ("B1", "B", ["plus", "minus"])
    for strand, array in values.items():
        summary = check.strands[strand]
        assert summary.total == pytest.approx(array.sum(), rel=1e-12)
        assert (summary.nonzero, summary.maximum, summary.bases) == (np.count_nonzero(array), array.max(), 800)
        assert summary.stored_negative is (strand is Strand.MINUS)
    pair = values[Strand.PLUS].sum() + values[Strand.MINUS].sum()
    assert check.total == pytest.approx(pair, rel=1e-12)
    assert check.scale(1e8) * pair == pytest.approx(1e8, rel=1e-12)
    assert [record.getMessage() for record in caplog.records] == [
        f"B1, minus: {files[Strand.MINUS]} stores negative values; their magnitude is taken"
    ]


def test_an_unstranded_sample_is_scaled_by_its_one_track(tmp_path: Path) -> None:
    path = write_intervals(tmp_path / "a.bw", LENGTHS, {"chr2": [(0, 300, 2.0)]})
    check = check_sample("S", "blood", {Strand.UNSTRANDED: path}, LENGTHS)
    assert check.total == 600
    assert check.scale(1e8) == 1e8 / 600


@pytest.mark.parametrize("bad", [Strand.PLUS, Strand.MINUS])
def test_a_bad_file_is_named(tmp_path: Path, bad: Strand) -> None:
    files, _ = write_pair(tmp_path, "B1")
    write_intervals(files[bad], LENGTHS, {"chr1": [(0, 5, 1), (6, 7, -1)]})
    with pytest.raises(InputError, match="one sign") as refused:
        check_sample("B1", "B", files, LENGTHS)
    assert str(refused.value).startswith(str(files[bad]))


def test_checks_are_read_back(tmp_path: Path) -> None:
    check = check_sample("B1", "B", write_pair(tmp_path, "B1")[0], LENGTHS)
    write_json(tmp_path / "check.json", check)
    assert read_check(tmp_path / "check.json") == check


def test_table_of_samples(tmp_path: Path) -> None:
    files, values = write_pair(tmp_path, "B1")
    single = write_intervals(tmp_path / "S.bw", LENGTHS, {"chr1": [(0, 100, 3.0)]})
    checks = [
        check_sample("B1", "B", files, LENGTHS),
        check_sample("S", "blood", {Strand.UNSTRANDED: single}, LENGTHS),
    ]
    table = sample_table(iter(checks), 1e8)
    assert table["sample"].tolist() == ["B1", "B1", "S"]
    assert table["strand"].tolist() == ["plus", "minus", "unstranded"]
    assert table["stored_negative"].tolist() == ["no", "yes", "no"]
    totals = np.array([values[Strand.PLUS].sum(), values[Strand.MINUS].sum()])
    np.testing.assert_allclose(table["total"], [*totals, 300], rtol=1e-12)
    np.testing.assert_allclose(table["share_of_pair"], [*totals / totals.sum(), 1], rtol=1e-12)
    np.testing.assert_allclose(table["scale"], [*np.full(2, 1e8 / totals.sum()), 1e8 / 300], rtol=1e-12)
    nonzero = [np.mean(values[strand] > 0) for strand in (Strand.PLUS, Strand.MINUS)]
    np.testing.assert_allclose(table["nonzero_fraction"], [*nonzero, 0.125], rtol=1e-12)
    assert (table["total"] * table["scale"]).groupby(table["sample"]).sum().tolist() == pytest.approx([1e8, 1e8])


def test_a_table_of_no_samples_is_refused() -> None:
    with pytest.raises(InputError, match="no sample"):
        sample_table([], 1e8)


def test_real_sample(real_data: Path) -> None:
    folder = real_data / "hg38_chr22_gm12878_rnaseq"
    files = {strand: folder / f"GM12878_rep1.{strand}.bw" for strand in (Strand.PLUS, Strand.MINUS)}
    check = check_sample("GM12878_rep1", "GM12878", files, {"chr22": 50_818_468})
    assert all(not summary.stored_negative for summary in check.strands.values())
    # 49,833 reads of about 50 to 100 bases.
    assert 49_833 * 40 < check.total < 49_833 * 110
