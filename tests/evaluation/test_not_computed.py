"""Every empty cell of the score tables has a reason."""

import math

import numpy as np
import pandas as pd
import pytest

from rnatracks.evaluation.differential import Pair, difference_rows
from rnatracks.evaluation.gene_scores import Beside, GeneScoring, Halves, gene_rows
from rnatracks.evaluation.not_computed import REASON_COLUMNS, one_donor, pair_reasons, reasons, track_reasons, whose
from rnatracks.evaluation.references import with_baselines
from rnatracks.evaluation.tables import DIFFERENCE_COLUMNS, GENE_COLUMNS, score_table
from rnatracks.vocabulary import Split, Strand, Track

TRACK = Track("B", Strand.MINUS)
COLUMNS = ["pearson_log1p", "ci_low", "ci_high", "replicate_ceiling", "attainable", "other_cell_type", "mean_of_others"]
FULL = {"cell_type": "B", "strand": "minus", "split": "all", "region": "exon"} | dict.fromkeys(COLUMNS, 0.5)
EVERYTHING = {"samples": 2, "same_strand": 3, "other": True, "block_size": 1_000_000}
FEW = "fewer than 10 blocks of 1,000,000 bases, or signal in too few of them"
FLAT = "fewer than two values, or signal that does not vary"


def found(rows: list[dict], columns: list[str] = COLUMNS, **known: object) -> dict[str, str]:
    told = reasons("base_resolution", rows, columns, {("B", "minus"): track_reasons(**EVERYTHING | known)})
    for row in told:
        assert list(row) == REASON_COLUMNS
        assert (row["table"], row["cell_type"], row["strand"]) == ("base_resolution", "B", "minus")
    return {row["column"]: row["reason"] for row in told}


def test_full_rows_need_no_reason() -> None:
    assert found([FULL]) == {}
    assert reasons("base_resolution", [], COLUMNS, {}) == []


@pytest.mark.parametrize(
    ("same_strand", "reason"),
    [
        (1, "no other cell type with this strand"),
        (2, "2 cell types: the mean of the others is other_cell_type"),
    ],
)
def test_comparisons_that_cannot_be_made(same_strand: int, reason: str) -> None:
    alone = {key: value for key, value in FULL.items() if key not in COLUMNS[3:]}
    assert found([alone], samples=1, same_strand=same_strand, other=False) == {
        "replicate_ceiling": "1 sample: no halves to compare",
        "attainable": "1 sample: no replicate ceiling",
        "other_cell_type": "no other cell type with these strands",
        "mean_of_others": reason,
    }


def test_empty_cells_name_their_splits_and_regions_once_where_others_are_full() -> None:
    short = FULL | {"split": "valid", "ci_low": math.nan, "ci_high": math.nan}
    assert found([FULL, short, short | {"region": "all", "attainable": math.nan}, short]) == {
        "ci_low": f"{FEW}: valid (exon), valid (all)",
        "ci_high": f"{FEW}: valid (exon), valid (all)",
        "attainable": "a replicate ceiling that is empty or below 0: valid (all)",
    }
    assert found([FULL | {"pearson_log1p": math.nan}]) == {"pearson_log1p": FLAT}


def test_a_baseline_s_own_rows_and_those_that_it_does_not_predict() -> None:
    columns = [*COLUMNS, "baseline_cnn"]
    beaten, own = FULL | {"baseline_cnn": 0.4}, FULL
    assert found([beaten, own], columns) == {"baseline_cnn": "the baseline itself"}
    missed = FULL | {"baseline_cnn": np.float64(np.nan)}
    assert found([missed], columns) == {"baseline_cnn": "no score of a model of cnn here"}


def test_a_ceiling_of_one_donor_is_told_though_it_is_not_empty() -> None:
    row = one_donor("gene_expression", TRACK)
    assert list(row) == REASON_COLUMNS
    assert list(row.values())[:4] == ["gene_expression", "replicate_ceiling", "B", "minus"]
    assert row["reason"] == "all samples of one donor: the ceiling is that of technical repeats"


def explained(table: pd.DataFrame, told: list[dict], name: str) -> None:
    """Assert that the empty cells of a table are those that have a reason."""
    empty = {
        (name, column, *whose(row))
        for row in table.to_dict("records")
        for column in table.columns
        if pd.isna(row[column])
    }
    assert empty
    assert {tuple(row.values())[:-1] for row in told} == empty


@pytest.mark.parametrize("samples", [1, 2])
def test_every_empty_cell_of_a_small_run_has_a_reason(samples: int) -> None:
    """Two cell types, a baseline, one chromosome of a single gene and one without signal."""
    rng = np.random.default_rng(0)
    chroms = ["chr1"] * 30 + ["chr2"] + ["chr3"] * 4
    genes = pd.DataFrame({"chrom": chroms, "strand": "+", "start": range(0, 3500, 100)})
    genes = genes.assign(end=genes["start"] + 50, gene_id=[f"G{i}" for i in range(35)]).set_index("gene_id")
    pair = Pair("large", Track("B", Strand.PLUS), Track("NK", Strand.PLUS))
    tracks = [pair.first, pair.second]
    levels = {str(track): rng.lognormal(0, 1, 35) * (genes["chrom"] != "chr3") for track in tracks}
    observed, predicted = genes.assign(**levels), genes.assign(**{name: 1 / (1 + x) for name, x in levels.items()})
    scoring = GeneScoring(
        splits=dict(zip(("chr1", "chr2", "chr3"), Split, strict=False)), block_size=100, resamples=50, seed=0
    )
    halves = {track: Halves(observed[str(track)], 2 * observed[str(track)], (1, 1)) for track in tracks if samples > 1}
    families = {"large": "large", "cnn": "cnn"}
    rows = [
        row
        for model in families
        for track in tracks[: 1 + (model == "large")]
        for row in gene_rows(model, track, observed, predicted, Beside(halves=halves.get(track)), scoring)
    ]
    columns = [*GENE_COLUMNS, "baseline_cnn"]
    rows = with_baselines(rows, families, ["cnn"])
    facts = {"samples": samples, "same_strand": 2, "other": False, "block_size": 100}
    known = {(track.cell_type, "plus"): track_reasons(**facts) for track in tracks}
    explained(score_table(rows, columns), reasons("gene_expression", rows, columns, known), "gene_expression")

    rows = with_baselines(
        difference_rows(pair, observed, predicted, halves, 0.01, scoring), families, ["cnn"], "pearson"
    )
    columns = [*DIFFERENCE_COLUMNS, "baseline_cnn"]
    known = {("B / NK", "plus"): pair_reasons(samples=(samples, 2), block_size=100)}
    explained(score_table(rows, columns), reasons("differential", rows, columns, known), "differential")
