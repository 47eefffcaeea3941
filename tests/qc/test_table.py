"""The table of samples, and the flags that need the other samples."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnatracks.errors import InputError
from rnatracks.files import write_table
from rnatracks.qc.checks import SampleCheck, read_sample_table
from rnatracks.qc.signal_summary import SignalSummary
from rnatracks.qc.table import chromosome_table, outlier_bound, read_correlation, sample_table
from rnatracks.vocabulary import Strand, Track

SCALES = {"total": 1e8}


def check(name: str, cell_type: str, nonzero: int = 500, **totals: float) -> SampleCheck:
    strands = {
        strand: SignalSummary(total=total, nonzero=nonzero, maximum=9.0, bases=1000, stored_negative=strand == "minus")
        for strand, total in (totals or {"unstranded": 100.0}).items()
    }
    return SampleCheck(name, cell_type, strands, 0.98 if "plus" in strands else None)


def square(names: list[str], pairs: dict[tuple[str, str], float], usual: float) -> pd.DataFrame:
    table = pd.DataFrame(usual, index=names, columns=names)
    for (a, b), value in pairs.items():
        table.loc[a, b] = table.loc[b, a] = value
    np.fill_diagonal(table.to_numpy(), 1.0)
    return table


def flags(cell_types: dict[str, str], pairs: dict[tuple[str, str], float], usual: float) -> dict:
    checks = [check(name, cell_type) for name, cell_type in cell_types.items()]
    table = sample_table(checks, SCALES, {"unstranded": square(list(cell_types), pairs, usual)}, [])
    return dict(zip(table["sample"], table["flags"], strict=True))


def test_table_of_samples() -> None:
    checks = [check("B1", "B", plus=300.0, minus=100.0), check("S", "blood")]
    alone = {strand: square(["B1"], {}, 1.0) for strand in ("plus", "minus")}
    table = sample_table(iter(checks), SCALES, alone | {"unstranded": square(["S"], {}, 1.0)}, [])
    assert table["sample"].tolist() == ["B1", "B1", "S"]
    assert table["strand"].tolist() == ["plus", "minus", "unstranded"]
    assert table["stored_negative"].tolist() == ["no", "yes", "no"]
    assert table["share_of_pair"].tolist() == [0.75, 0.25, 1]
    assert table["nonzero_fraction"].tolist() == [0.5, 0.5, 0.5]
    assert (table["total"] * table["scale"]).groupby(table["sample"]).sum().tolist() == pytest.approx([1e8, 1e8])
    np.testing.assert_array_equal(table["concordance"], [0.98, 0.98, np.nan])
    assert table["correlation"].isna().all()
    assert table["flags"].tolist() == ["", "", ""]


def on_chromosomes(name: str, cell_type: str, **totals: float) -> SampleCheck:
    summary = SignalSummary(
        total=sum(totals.values()), nonzero=9, maximum=9.0, bases=99, stored_negative=False, by_chromosome=totals
    )
    return SampleCheck(name, cell_type, {"unstranded": summary}, with_exons={"unstranded": ["chr1", "chr2"]})


def test_a_chromosome_where_others_have_signal_is_flagged(caplog: pytest.LogCaptureFixture) -> None:
    """There are no genes on chrM and chrY: only a comparison shows that a and y lack signal there."""
    checks = [
        on_chromosomes("a", "A", chr1=5, chr2=4, chrM=0, chrY=0),
        on_chromosomes("b", "A", chr1=5, chr2=0, chrM=3, chrY=0),
        on_chromosomes("c", "A", chr1=5, chr2=4, chrM=3, chrY=2),
        on_chromosomes("x", "B", chr1=5, chr2=4, chrM=0, chrY=0),
        on_chromosomes("y", "C", chr1=5, chr2=4, chrM=0, chrY=1),
        on_chromosomes("z", "C", chr1=5, chr2=4, chrM=1, chrY=1),
    ]
    names = [check.sample for check in checks]
    correlations = {"unstranded": square(names, {}, 0.9)}
    table = sample_table(checks, SCALES, correlations, [])
    found = dict(zip(table["sample"], table["flags"], strict=True))
    assert found == {
        "a": "no_signal:chrM",
        "b": "no_signal:chr2",
        "c": "",
        "x": "",
        "y": "no_signal:chrM",
        "z": "",
    }
    assert "no_signal:chrM: sample a of A, unstranded: found no signal on chrM; expected some, because" in caplog.text
    others = [check for check in checks if check.sample not in ("c", "z")]
    without = sample_table(others, SCALES, correlations, [])
    assert dict(zip(without["sample"], without["flags"], strict=True))["y"] == ""
    shares = chromosome_table(checks)
    assert shares.query("sample == 'c'")["share"].tolist() == pytest.approx([5 / 14, 4 / 14, 3 / 14, 2 / 14])


def test_a_table_of_no_samples_is_refused() -> None:
    with pytest.raises(InputError, match="no sample"):
        sample_table([], SCALES, {}, [])


def test_correlation_is_the_upper_median_over_the_others_of_the_cell_type() -> None:
    cell_types = {"a": "A", "b": "A", "c": "A", "d": "A", "x": "B"}
    pairs = {("a", "b"): 0.7, ("a", "c"): 0.8, ("a", "d"): 0.9, ("b", "c"): 0.5, ("b", "d"): 0.6, ("c", "d"): 0.75}
    correlations = {"unstranded": square(list(cell_types), pairs, 0.1)}
    checks = [check(name, cell_type) for name, cell_type in cell_types.items()]
    found = sample_table(checks, SCALES, correlations, [])["correlation"]
    np.testing.assert_array_equal(found, [0.8, 0.6, 0.75, 0.75, np.nan])


def test_an_excluded_sample_has_empty_rows(tmp_path: Path) -> None:
    checks = [check("a", "A", plus=1.0, minus=9.0)]
    correlations = {strand: square(["a"], {}, 1) for strand in ("plus", "minus")}
    excluded = [("NA", Track("A", Strand.PLUS)), ("NA", Track("A", Strand.MINUS))]
    table = sample_table(checks, SCALES, correlations, iter(excluded))
    write_table(table, tmp_path / "samples.tsv")
    lines = [line.split("\t") for line in (tmp_path / "samples.tsv").read_text().splitlines()]
    assert {line[-1] for line in lines[1:3]} == {"no"}
    nothing = [""] * (len(lines[0]) - 4)
    assert lines[3:] == [["NA", "A", strand, *nothing, "yes"] for strand in ("plus", "minus")]
    pd.testing.assert_frame_equal(read_sample_table(tmp_path / "samples.tsv"), table)
    pd.testing.assert_frame_equal(table.iloc[:2], sample_table(checks, SCALES, correlations, []))


def test_one_bad_sample_among_three_is_found_alone(caplog: pytest.LogCaptureFixture) -> None:
    bad = {("a", "c"): 0.1, ("b", "c"): 0.2}
    with caplog.at_level(logging.WARNING):
        assert flags({"a": "A", "b": "A", "c": "A"}, bad, 0.9) == {"a": "", "b": "", "c": "outlier"}
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("outlier: sample c of A, unstranded: found a correlation of 0.20")
    assert "exclude the sample" in line


def test_a_sample_far_from_four_others_that_agree_is_found() -> None:
    names = dict.fromkeys("abcde", "A")
    fallen = {(other, "e"): 0.7 for other in "abcd"}
    assert flags(names, fallen, 0.95) == dict.fromkeys("abcd", "") | {"e": "outlier"}
    slight = {(other, "e"): 0.86 for other in "abcd"}
    assert set(flags(names, slight, 0.95).values()) == {""}


def test_a_sample_under_the_wrong_cell_type_is_found() -> None:
    cell_types = {"a1": "A", "a2": "A", "b1": "B", "b2": "B", "mistaken": "B"}
    pairs = {("a1", "a2"): 0.9, ("b1", "b2"): 0.9, ("a1", "mistaken"): 0.9, ("a2", "mistaken"): 0.9}
    assert flags(cell_types, pairs, 0.5) == dict.fromkeys(cell_types, "") | {"mistaken": "outlier"}
    alone = {name: cell_types[name] for name in ("b1", "b2", "mistaken")}
    assert set(flags(alone, {("b1", "b2"): 0.9}, 0.5).values()) == {""}


def test_a_sparse_sample_is_found() -> None:
    checks = [check("a", "A"), check("b", "A", nonzero=400), check("c", "A", nonzero=111), check("d", "B", nonzero=5)]
    table = sample_table(checks, SCALES, {"unstranded": square(list("abcd"), {}, 0.9)}, [])
    assert table["flags"].tolist() == ["", "", "sparse", ""]


def test_coverage_under_two_names_is_found(caplog: pytest.LogCaptureFixture) -> None:
    """Of another scale and cell type; not where only the bases or only the ranks are alike."""
    cell_types = {"a": "A", "b": "A", "c": "A", "twin": "B"}
    checks = [check(name, kind, 400 if name == "b" else 500) for name, kind in cell_types.items()]
    pairs = {("a", "twin"): 1.0, ("b", "twin"): 1.0, ("c", "twin"): 0.9999}
    table = sample_table(checks, SCALES, {"unstranded": square(list(cell_types), pairs, 0.95)}, [])
    assert [flags.split(",")[0] for flags in table["flags"]] == ["copy", "", "", "copy"]
    assert (
        "copy: sample twin of B, unstranded: found the same coverage as sample a; expected coverage of its own"
        in caplog.text
    )


def test_flags_of_a_sample_and_of_the_comparison_stand_side_by_side() -> None:
    checks = [check("a", "A", plus=9.0, minus=1.0), check("b", "A", plus=1.0, minus=1.0)]
    strands = {strand: square(["a", "b"], {}, 0.2) for strand in ("plus", "minus")}
    table = sample_table(checks, SCALES, strands, [])
    assert table["flags"].tolist() == ["unequal_strands,outlier"] * 2 + ["outlier"] * 2


@pytest.mark.parametrize(
    ("agreement", "bound"),
    [
        ([], 0.3),
        ([0.9, 0.9, 0.9], 0.3),
        ([0.9, 0.9, 0.9, 0.5], 0.8),  # no deviation at all: 0.1 below the median
        ([0.8, 0.84, 0.88, 0.92, 0.96], 0.88 - 5 * 0.04),
        ([0.1, 0.2, 0.3, 0.4], 0.3),
    ],
)
def test_bound_of_an_outlier(agreement: list[float], bound: float) -> None:
    assert outlier_bound(np.array(agreement)) == pytest.approx(bound)


def test_tables_are_read_back(tmp_path: Path) -> None:
    table = sample_table(
        [check("NA", "A", plus=1.0, minus=9.0)], SCALES, {s: square(["NA"], {}, 1) for s in ("plus", "minus")}, []
    )
    write_table(table, tmp_path / "samples.tsv")
    pd.testing.assert_frame_equal(read_sample_table(tmp_path / "samples.tsv"), table)
    (tmp_path / "correlation.tsv").write_text("sample\tNA\t1\nNA\t1.0\t\n1\t\t1.0\n")
    found = read_correlation(tmp_path / "correlation.tsv")
    assert found.index.tolist() == found.columns.tolist() == ["NA", "1"]
    np.testing.assert_array_equal(found, [[1, np.nan], [np.nan, 1]])
