"""Reasons why cells of the base-level scores are empty."""

import math

import pytest

from rnatracks.notcomputed import REASON_COLUMNS, reasons
from rnatracks.terms import Strand, Track

TRACK = Track("B", Strand.MINUS)
SCORED = {"split": "all", "region": "exon", "pearson_log1p": 0.9, "ci_low": 0.8, "ci_high": 0.95, "attainable": 0.9}
ALL = {"replicate_ceiling": 0.8, "other_cell_type": 0.3, "mean_of_others": 0.2}


def found(rows: list[dict], references: dict, samples: int = 2, same_strand: int = 3, baselines: tuple = ()) -> dict:
    told = reasons(
        TRACK,
        [row | references for row in rows],
        references,
        samples=samples,
        same_strand=same_strand,
        block_size=1_000_000,
        baselines=baselines,
    )
    assert all(list(row) == REASON_COLUMNS and (row["cell_type"], row["strand"]) == ("B", "minus") for row in told)
    return {row["column"]: row["reason"] for row in told}


def test_full_rows_need_no_reason() -> None:
    assert found([SCORED], ALL) == {}


@pytest.mark.parametrize(
    ("same_strand", "reason"),
    [
        (1, "no other cell type with this strand"),
        (2, "2 cell types: the mean of the others is other_cell_type"),
    ],
)
def test_comparisons_that_cannot_be_made(same_strand: int, reason: str) -> None:
    assert found([SCORED], {}, samples=1, same_strand=same_strand) == {
        "replicate_ceiling": "1 sample: no halves to compare",
        "attainable": "1 sample: no replicate ceiling",
        "other_cell_type": "no other cell type with these strands",
        "mean_of_others": reason,
    }


def test_empty_cells_name_their_splits_and_regions_once() -> None:
    short = SCORED | {"split": "valid", "ci_low": math.nan, "ci_high": math.nan}
    told = found([SCORED, short, short | {"region": "all", "attainable": math.nan}, short], ALL)
    few = "fewer than 10 blocks of 1,000,000 bases, or signal in too few of them: valid (exon), valid (all)"
    assert told == {
        "ci_low": few,
        "ci_high": few,
        "attainable": "a replicate ceiling that is empty or below 0: valid (all)",
    }
    flat = SCORED | {"pearson_log1p": math.nan}
    assert found([flat], ALL) == {"pearson_log1p": "signal that does not vary: all (exon)"}
    assert found([SCORED], ALL | {"other_cell_type": math.nan}) == {
        "other_cell_type": "signal that does not vary: all (exon)"
    }


def test_a_baseline_is_missed_only_in_the_rows_of_other_models() -> None:
    beaten, own = SCORED | {"baseline_cnn": 0.5}, SCORED
    assert found([beaten, own], ALL, baselines=("cnn",)) == {}
    assert found([SCORED | {"baseline_cnn": math.nan}, own], ALL, baselines=("cnn",)) == {
        "baseline_cnn": "no score of a model of cnn for this track"
    }
