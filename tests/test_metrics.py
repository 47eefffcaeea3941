"""Correlations, against SciPy on whole arrays."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bigwigs import mixed_coverage, write_bases
from numpy.typing import NDArray
from scipy import stats

from rnatracks import metrics
from rnatracks.bigwig import Coverage, blocks
from rnatracks.genome import Genome, prepare_fasta
from rnatracks.metrics import (
    BASE_COLUMNS,
    DIFFERENCE_COLUMNS,
    GENE_COLUMNS,
    BaseMoments,
    Moments,
    base_moments,
    base_rows,
    difference_rows,
    gene_rows,
    moments_of_row,
    moments_row,
    score_table,
)
from rnatracks.terms import Split, Strand, Track

TOLERANCE = 1e-9
PLUS, MINUS = Track("B", Strand.PLUS), Track("B", Strand.MINUS)
BOTH = Track("B", Strand.UNSTRANDED)
SPLITS = {"chr1": Split.TRAIN, "chr2": Split.TRAIN, "chr3": Split.VALID, "chr4": Split.TEST}


# Moments


def pairs(name: str, size: int = 5000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=size)
    match name:
        case "normal":
            return x, x + rng.normal(size=size)
        case "far from zero":
            return 1e8 + x, -1e8 + x + rng.normal(size=size)
        case "coverage":
            return np.round(np.exp(3 * x)), rng.poisson(np.exp(2 * x)).astype(float)
        case "tiny":
            return 1e-20 * x, 1e-20 * (x - rng.normal(size=size))
        case "opposite":
            return x, -x
    raise ValueError(name)


@pytest.mark.parametrize("name", ["normal", "far from zero", "coverage", "tiny", "opposite"])
@pytest.mark.parametrize("seed", range(4))
def test_merged_moments_equal_scipy(name: str, seed: int) -> None:
    x, y = pairs(name)
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, len(x) + 1, int(rng.integers(0, 40))))
    parts = [Moments.of(*part) for part in zip(np.split(x, cuts), np.split(y, cuts), strict=True)]
    rng.shuffle(parts)
    merged = sum(parts, Moments())
    assert merged.count == len(x)
    assert merged.mean_x == pytest.approx(x.mean(), rel=TOLERANCE)
    assert merged.square_x == pytest.approx(x.var() * len(x), rel=TOLERANCE)
    assert merged.square_y == pytest.approx(y.var() * len(y), rel=TOLERANCE)
    assert merged.pearson == pytest.approx(stats.pearsonr(x, y).statistic, abs=TOLERANCE)


def test_moments_of_one_pair_at_a_time_equal_scipy() -> None:
    x, y = pairs("far from zero", 500)
    merged = sum((Moments.of(x[at : at + 1], y[at : at + 1]) for at in range(len(x))), Moments())
    assert merged.pearson == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-7)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [2, 3, 12_345, 1_000_003])
@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 1e8 + 0.1])
def test_a_side_that_does_not_vary_has_no_correlation(size: int, value: float) -> None:
    varying, constant = np.random.default_rng(0).random(size), np.full(size, value)
    for x, y in ((varying, constant), (constant, varying), (constant, constant)):
        third = size // 3
        for moments in (Moments.of(x, y), Moments.of(x[:third], y[:third]) + Moments.of(x[third:], y[third:])):
            assert np.isnan(moments.pearson)


@pytest.mark.filterwarnings("error")
def test_fewer_than_two_pairs_have_no_correlation() -> None:
    assert Moments.of([], []) == Moments() == Moments() + Moments()
    assert np.isnan(Moments().pearson)
    assert np.isnan(Moments.of([1.0], [2.0]).pearson)
    assert Moments.of([1, 2], [5, 7]).pearson == pytest.approx(1)
    assert Moments.of([1, 2], [7, 5]).pearson == pytest.approx(-1)


def test_nan_is_not_swallowed() -> None:
    assert np.isnan(Moments.of([1, 2, np.nan], [1, 2, 3]).pearson)


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        Moments.of([1, 2], [1, 2, 3])


# Bases


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, NDArray], dict[str, NDArray], dict]:
    """Two tracks over a genome with N at both ends and inside, where the values would spoil every score."""
    folder = tmp_path_factory.mktemp("tracks")
    rng = np.random.default_rng(1)
    lengths = {"chr1": 1501, "chr2": 700, "chr3": 333, "chr4": 64}
    x = {chrom: mixed_coverage(rng, length) for chrom, length in lengths.items()}
    y = {chrom: (0.5 * array + mixed_coverage(rng, len(array))).astype(np.float32) for chrom, array in x.items()}
    known = {chrom: np.ones(length, bool) for chrom, length in lengths.items()}
    for chrom, start, end in (("chr1", 0, 10), ("chr1", 700, 800), ("chr1", 1500, 1501), ("chr4", 0, 64)):
        known[chrom][start:end] = False
        x[chrom][start:end], y[chrom][start:end] = 1e6, 0
    letters = {chrom: np.where(mask, rng.choice(list("ACGTacgtRY"), len(mask)), "N") for chrom, mask in known.items()}
    text = "".join(f">{chrom}\n{''.join(bases)}\n" for chrom, bases in letters.items())
    (folder / "source.fa").write_text(text)
    prepare_fasta(folder / "source.fa", folder / "genome.fa", list(lengths))
    write_bases(folder / "x.bw", x)
    write_bases(folder / "y.bw", y)
    return folder, x, y, known


@pytest.mark.parametrize("block_size", [64, 1000, 1 << 20])
def test_base_scores_equal_scipy(
    tracks: tuple[Path, dict, dict, dict], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, block_size: int
) -> None:
    monkeypatch.setattr(metrics, "blocks", partial(blocks, size=block_size))
    folder, x, y, known = tracks
    genome = Genome(folder / "genome.fa")
    with Coverage(folder / "x.bw") as observed, Coverage(folder / "y.bw") as predicted:
        rows = [moments_row(chrom, base_moments(observed, predicted, genome, chrom)) for chrom in SPLITS]
    pd.DataFrame(rows).to_csv(tmp_path / "moments.tsv", sep="\t", index=False)
    moments = pd.read_csv(tmp_path / "moments.tsv", sep="\t")
    table = score_table(base_rows("B", PLUS, moments, SPLITS), BASE_COLUMNS).set_index("split")

    assert table.index.tolist() == ["train", "valid", "all"], "chr4, the test split, is N throughout"
    for split, chroms in {"train": ["chr1", "chr2"], "valid": ["chr3"], "all": list(SPLITS)}.items():
        a, b = (np.concatenate([side[chrom][known[chrom]] for chrom in chroms]).astype(np.float64) for side in (x, y))
        row = table.loc[split]
        raw = stats.pearsonr(a, b).statistic
        assert row["bases"] == len(a)
        assert row["pearson"] == pytest.approx(raw, abs=TOLERANCE)
        assert row["pearson_log1p"] == pytest.approx(stats.pearsonr(np.log1p(a), np.log1p(b)).statistic, abs=TOLERANCE)
        assert row["log1p_of_pearson"] == pytest.approx(np.log(1 + raw), abs=TOLERANCE)
        assert row[["model", "cell_type", "strand", "region"]].tolist() == ["B", "B", "plus", "all"]


def test_moments_rows_go_there_and_back() -> None:
    x, y = pairs("coverage", 100)
    moments = BaseMoments(Moments.of(x, y), Moments.of(np.log1p(x), np.log1p(y)))
    row = pd.Series(moments_row("chr1", moments))
    assert row["chrom"] == "chr1"
    assert moments_of_row(row) == moments


def test_no_bases_give_no_rows() -> None:
    moments = pd.DataFrame([moments_row(chrom, BaseMoments()) for chrom in SPLITS])
    assert base_rows("B", PLUS, moments, SPLITS) == []


# Genes


@pytest.fixture
def matrices() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Observed and predicted; genes stand on both strands, and the prediction's rows are in another order."""
    rng = np.random.default_rng(2)
    index = pd.Index([f"G{number}" for number in range(400)], name="gene_id")
    genes = pd.DataFrame(
        {"chrom": rng.choice(["chr1", "chr2", "chr3"], 400), "strand": rng.choice(["+", "-"], 400)}, index=index
    )
    level = rng.lognormal(0, 2, (400, 6)) * rng.integers(0, 2, (400, 6))
    names = [f"{cell_type}.{strand}" for cell_type in ("B", "NK") for strand in ("plus", "minus", "unstranded")]
    observed = genes.assign(**dict(zip(names, level.T, strict=True)))
    noisy = level * rng.lognormal(0, 1, (400, 6)) + rng.random((400, 6))
    predicted = genes.assign(**dict(zip(names, noisy.T, strict=True)))
    return observed, predicted.sample(frac=1, random_state=0)


def genes_of(observed: pd.DataFrame, strands: str, split: str) -> pd.Index:
    chroms = {"train": ["chr1", "chr2"], "valid": ["chr3"], "all": ["chr1", "chr2", "chr3"]}[split]
    return observed.index[observed["chrom"].isin(chroms) & observed["strand"].isin(list(strands))]


@pytest.mark.parametrize(("track", "strands"), [(PLUS, "+"), (MINUS, "-"), (BOTH, "+-")])
def test_gene_scores_equal_scipy(matrices: tuple[pd.DataFrame, pd.DataFrame], track: Track, strands: str) -> None:
    observed, predicted = matrices
    table = score_table(gene_rows("B", track, observed, predicted, SPLITS), GENE_COLUMNS).set_index("split")
    assert table.index.tolist() == ["train", "valid", "all"]
    for split, row in table.iterrows():
        genes = genes_of(observed, strands, split)
        a, b = observed.loc[genes, str(track)], predicted.loc[genes, str(track)]
        raw = stats.pearsonr(a, b).statistic
        assert row["genes"] == len(genes)
        assert row["pearson"] == pytest.approx(raw, abs=TOLERANCE)
        assert row["pearson_log1p"] == pytest.approx(stats.pearsonr(np.log1p(a), np.log1p(b)).statistic, abs=TOLERANCE)
        assert row["spearman"] == pytest.approx(stats.spearmanr(a, b).statistic, abs=TOLERANCE)
        assert row["log1p_of_pearson"] == pytest.approx(np.log(1 + raw), abs=TOLERANCE)
        assert row[["model", "cell_type", "strand"]].tolist() == ["B", "B", str(track.strand)]


@pytest.mark.parametrize(("strand", "strands"), [(Strand.PLUS, "+"), (Strand.MINUS, "-"), (Strand.UNSTRANDED, "+-")])
def test_difference_scores_equal_scipy(
    matrices: tuple[pd.DataFrame, pd.DataFrame], strand: Strand, strands: str
) -> None:
    observed, predicted = matrices
    pair = (Track("B", strand), Track("NK", strand))
    rows = difference_rows("joint", pair, observed, predicted, SPLITS, 0.01)
    table = score_table(rows, DIFFERENCE_COLUMNS).set_index("split")
    assert table.index.tolist() == ["train", "valid", "all"]
    for split, row in table.iterrows():
        genes = genes_of(observed, strands, split)
        a, b = (
            np.log2(matrix.loc[genes, f"B.{strand}"].to_numpy() + 0.01)
            - np.log2(matrix.loc[genes, f"NK.{strand}"].to_numpy() + 0.01)
            for matrix in (observed, predicted)
        )
        assert row["genes"] == len(genes)
        assert row["pearson"] == pytest.approx(stats.pearsonr(a, b).statistic, abs=TOLERANCE)
        assert row[["model", "cell_type_a", "cell_type_b", "strand"]].tolist() == ["joint", "B", "NK", str(strand)]


@pytest.mark.filterwarnings("error")
def test_splits_without_genes_have_no_row(matrices: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    observed, predicted = matrices
    assert gene_rows("B", PLUS, observed.iloc[:0], predicted.iloc[:0], SPLITS) == []
    minus_only = observed[observed["strand"] == "-"]
    assert gene_rows("B", PLUS, minus_only, predicted, SPLITS) == []
    assert difference_rows("B", (PLUS, PLUS), minus_only, predicted, SPLITS, 1.0) == []


# Tables


@pytest.mark.parametrize(
    ("columns", "contract"),
    [
        (
            BASE_COLUMNS,
            "model cell_type strand split region bases pearson_log1p ci_low ci_high pearson log1p_of_pearson "
            "replicate_ceiling other_cell_type",
        ),
        (
            GENE_COLUMNS,
            "model cell_type strand split genes pearson_log1p ci_low ci_high spearman pearson log1p_of_pearson "
            "replicate_ceiling other_cell_type",
        ),
        (DIFFERENCE_COLUMNS, "model cell_type_a cell_type_b strand split genes pearson ci_low ci_high"),
    ],
)
def test_columns_are_the_contract(columns: list[str], contract: str) -> None:
    assert " ".join(columns) == contract


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_computed_is_empty() -> None:
    chroms = ["chr1", "chr3", "chr4", "chr4"]
    genes = pd.DataFrame({"chrom": chroms, "strand": "+"}, index=pd.Index(["G1", "G2", "G3", "G4"], name="gene_id"))
    levels = np.array([1.0, 3.0, 1.0, 3.0])
    rows = gene_rows("B", PLUS, genes.assign(**{"B.plus": levels}), genes.assign(**{"B.plus": 4 - levels}), SPLITS)
    train, valid, _, everything = score_table(rows, GENE_COLUMNS).to_csv(sep="\t", index=False).splitlines()[1:]
    assert train.split("\t") == ["B", "B", "plus", "train", "1", *[""] * 8]
    assert valid.split("\t") == ["B", "B", "plus", "valid", "1", *[""] * 8]
    # log(1 - 1) is not finite: empty too.
    assert everything.split("\t")[4:] == ["4", everything.split("\t")[5], "", "", "-1.0", "-1.0", "", "", ""]


@pytest.mark.filterwarnings("error")
def test_a_flat_prediction_has_an_empty_score() -> None:
    x, _ = pairs("coverage", 1000)
    flat = np.full(1000, 0.1)
    moments = BaseMoments(Moments.of(x, flat), Moments.of(np.log1p(x), np.log1p(flat)))
    rows = base_rows("B", PLUS, pd.DataFrame([moments_row("chr1", moments), moments_row("chr2", moments)]), SPLITS)
    lines = score_table(rows, BASE_COLUMNS).to_csv(sep="\t", index=False).splitlines()[1:]
    assert lines[0].split("\t") == ["B", "B", "plus", "train", "all", "2000", *[""] * 7]


@pytest.mark.parametrize("columns", [BASE_COLUMNS, GENE_COLUMNS, DIFFERENCE_COLUMNS])
def test_a_table_without_rows_keeps_its_columns(columns: list[str]) -> None:
    assert score_table([], columns).to_csv(sep="\t", index=False) == "\t".join(columns) + "\n"
