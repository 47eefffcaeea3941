"""Scores of gene bodies, against SciPy."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rnatracks.evaluation.gene_bodies import gene_body_rows, with_gene_bodies
from rnatracks.evaluation.scored_tracks import model_track
from rnatracks.evaluation.tables import GENE_BODY_SCORE_COLUMNS, read_scores, write_scores
from rnatracks.tracks.expression import write_means
from rnatracks.vocabulary import Split

SPLITS = {"chr1": Split.TRAIN, "chr2": Split.TRAIN, "chr3": Split.TEST, "chr4": Split.TEST}
CHROMOSOMES = pd.Series(
    ["chr1"] * 20 + ["chr2"] * 9 + ["chr3"] * 12, index=[f"G{number}" for number in range(40)] + ["NA"]
)
TRACKS = [model_track("m", "B.plus"), model_track("m", "B.minus")]


@pytest.fixture
def means() -> list[pd.DataFrame]:
    """Observed and predicted means of two tracks, in an order of their own; some genes have no body, or no exons."""
    made = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        body = rng.lognormal(0, 2, len(CHROMOSOMES))
        body[seed :: 7 + seed] = np.nan
        frame = pd.DataFrame({"mean": np.nan, "gene_body": body}, index=CHROMOSOMES.index)
        made.append(frame.sample(frac=1, random_state=seed))
    return made


def test_scores_equal_scipy(means: list[pd.DataFrame], tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.tsv.gz" for number in range(4)]
    for frame, path in zip(means, paths, strict=True):
        write_means(frame, path)
    rows = gene_body_rows(TRACKS, SPLITS, CHROMOSOMES, paths[:2], paths[2:])
    write_scores(rows, GENE_BODY_SCORE_COLUMNS, tmp_path / "scores.tsv")
    table = read_scores(tmp_path / "scores.tsv")
    parts = [("train", "all"), ("test", "all"), ("all", "all"), ("train", "chr1"), ("train", "chr2"), ("test", "chr3")]
    found = list(zip(table["strand"], table["split"], table["chrom"], strict=True))
    assert found == [(strand, *part) for strand in ("plus", "minus") for part in parts]
    for row in rows:
        number = ["plus", "minus"].index(row["strand"])
        chroms = [
            chrom
            for chrom, split in SPLITS.items()
            if row["split"] in ("all", split) and row["chrom"] in ("all", chrom)
        ]
        genes = CHROMOSOMES.index[CHROMOSOMES.isin(chroms)]
        pair = (
            pd.concat([means[number]["gene_body"], means[2 + number]["gene_body"]], axis=1)
            .loc[genes]
            .dropna()
            .to_numpy()
        )
        assert row["gene_bodies"] == len(pair)
        expected = stats.pearsonr(*np.log1p(pair).T).statistic
        assert row["pearson_log1p_gene_body"] == pytest.approx(expected, abs=1e-8)  # means have 9 digits in files


def test_scores_are_added_to_the_rows_of_their_track() -> None:
    keys = {"model": "m", "cell_type": "B", "strand": "plus"}
    body = {"gene_bodies": 7, "pearson_log1p_gene_body": 0.5}
    bodies = pd.DataFrame(
        [
            {**keys, "split": "train", "chrom": "chr1", "gene_bodies": 3, "pearson_log1p_gene_body": 0.1},
            {**keys, "split": "train", "chrom": "all", **body},
        ]
    )
    rows = [{**keys, "split": split, "genes": 2} for split in ("train", "all")]
    assert with_gene_bodies(rows, bodies) == [rows[0] | body, rows[1]]
