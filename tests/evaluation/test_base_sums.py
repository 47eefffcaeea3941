"""Comparison of two tracks base by base, against SciPy and NumPy on whole arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bigwigs import mixed_coverage, write_bases
from numpy.typing import NDArray
from scipy import stats

from rnatracks.evaluation.base_scores import read_sums, write_sums
from rnatracks.evaluation.base_sums import (
    BaseSums,
    Block,
    Comparison,
    CountedBases,
    MeanOfOthers,
    compare,
    read_base_sample,
    sample_positions,
    write_base_sample,
)
from rnatracks.genome.fasta import prepare_fasta
from rnatracks.genome.regions import CODES, IntervalSet, RegionClass, RegionClassifier
from rnatracks.genome.sequence import Genome
from rnatracks.tracks.bigwig import Coverage
from rnatracks.vocabulary import Strand

TOLERANCE = 1e-9
MEAN = 3.7
LENGTHS = {"chr1": 1501, "chr2": 700, "chr3": 333, "chr4": 64}
GENES = pd.DataFrame(
    [("chr1", 0, 400, "+"), ("chr1", 350, 900, "-"), ("chr1", 1400, 1501, "+"), ("chr2", 0, 700, "+")],
    columns=["chrom", "start", "end", "strand"],
)
EXONS = pd.DataFrame(
    [("chr1", 0, 30, "+"), ("chr1", 300, 400, "+"), ("chr1", 1500, 1501, "+"), ("chr2", 0, 700, "+")],
    columns=["chrom", "start", "end", "strand"],
)
BLACKLIST = pd.DataFrame([("chr1", 200, 320), ("chr2", 690, 700)], columns=["chrom", "start", "end"])
UNKNOWN = [("chr1", 0, 10), ("chr1", 750, 800), ("chr1", 1490, 1495), ("chr4", 0, 64)]


@dataclass(frozen=True)
class Case:
    """Two tracks on disk, and the same as arrays: which bases count, and codes of their region classes."""

    folder: Path
    x: dict[str, NDArray]
    y: dict[str, NDArray]
    counts: dict[str, NDArray]
    codes: dict[str, NDArray]

    def run(self, block_size: int, names: tuple[str, str] = ("x", "y"), sample_bases: int = 800) -> Comparison:
        counted = CountedBases(
            Genome(self.folder / "genome.fa"), RegionClassifier(GENES, EXONS, Strand.PLUS), IntervalSet(BLACKLIST)
        )
        with Coverage(self.folder / f"{names[0]}.bw") as x, Coverage(self.folder / f"{names[1]}.bw") as y:
            settings = {"nonzero_mean": MEAN, "sample_bases": sample_bases, "seed": 5}
            return compare(x, y, counted, list(LENGTHS), block_size=block_size, **settings)

    def arrays(self, chrom: str, region: RegionClass) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        chosen = self.counts[chrom] & (self.codes[chrom] == CODES.index(region))
        return self.x[chrom][chosen].astype(np.float64), self.y[chrom][chosen].astype(np.float64)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """N at both ends and inside; values where bases do not count would spoil every sum."""
    folder = tmp_path_factory.mktemp("tracks")
    rng = np.random.default_rng(1)
    x = {chrom: mixed_coverage(rng, length) for chrom, length in LENGTHS.items()}
    y = {chrom: (0.5 * array + mixed_coverage(rng, len(array))).astype(np.float32) for chrom, array in x.items()}
    counts = {chrom: np.ones(length, bool) for chrom, length in LENGTHS.items()}
    for chrom, start, end in UNKNOWN:
        counts[chrom][start:end] = False
    letters = {
        chrom: np.where(mask, rng.choice(list("ACGTacgt"), len(mask)), rng.choice(list("NnXRYU-*"), len(mask)))
        for chrom, mask in counts.items()
    }
    (folder / "source.fa").write_text("".join(f">{chrom}\n{''.join(bases)}\n" for chrom, bases in letters.items()))
    prepare_fasta(folder / "source.fa", folder / "genome.fa", list(LENGTHS))
    for chrom, start, end in BLACKLIST.itertuples(index=False):
        counts[chrom][start:end] = False
    for chrom, mask in counts.items():
        x[chrom][~mask], y[chrom][~mask] = 1e6, 0
    codes = {chrom: np.zeros(length, np.uint8) for chrom, length in LENGTHS.items()}
    for code, table in ((1, GENES), (2, EXONS)):
        for chrom, start, end, strand in table.itertuples(index=False):
            if strand == "+":
                codes[chrom][start:end] = code
    write_bases(folder / "x.bw", x)
    write_bases(folder / "y.bw", y)
    return Case(folder, x, y, counts, codes)


def squashed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    powered = (values / MEAN) ** 0.75
    return np.where(powered > 10, 2 * np.sqrt(10 * powered) - 10, powered)


def total(sums: dict[Block, BaseSums], chrom: str, region: RegionClass) -> BaseSums:
    parts = [part for block, part in sums.items() if (block.chrom, block.region) == (chrom, region)]
    return sum(parts, BaseSums())


@pytest.mark.parametrize("block_size", [1, 7, 64, 500, 1501, 1 << 21])
def test_sums_equal_scipy_in_blocks_of_any_size(case: Case, tmp_path: Path, block_size: int) -> None:
    write_sums(case.run(block_size).sums, tmp_path / "sums.tsv.gz")
    sums = read_sums(tmp_path / "sums.tsv.gz")
    for chrom in LENGTHS:
        for region in CODES:
            x, y = case.arrays(chrom, region)
            found = total(sums, chrom, region)
            assert found.raw.count == found.log1p.count == len(x)
            if len(x) == 0:
                assert np.isnan(found.mse_squashed)
                assert np.isnan(found.raw.pearson)
                continue
            assert found.raw.mean_y == pytest.approx(y.mean(), rel=TOLERANCE)
            assert found.raw.pearson == pytest.approx(stats.pearsonr(x, y).statistic, abs=TOLERANCE)
            expected = stats.pearsonr(np.log1p(x), np.log1p(y)).statistic
            assert found.log1p.pearson == pytest.approx(expected, abs=TOLERANCE)
            expected = stats.pearsonr(np.log1p(x / 2), np.log1p(y / 2)).statistic
            assert found.half_level.pearson == pytest.approx(expected, abs=TOLERANCE)
            expected = stats.pearsonr(np.log1p(2 * x), np.log1p(2 * y)).statistic
            assert found.double_level.pearson == pytest.approx(expected, abs=TOLERANCE)
            expected = stats.pearsonr(np.log1p(x[x > 0]), np.log1p(y[x > 0])).statistic
            assert found.nonzero.count == (x > 0).sum()
            assert found.nonzero.pearson == pytest.approx(expected, abs=TOLERANCE)
            mse = np.mean((squashed(x) - squashed(y)) ** 2)
            assert found.mse_squashed == pytest.approx(mse, rel=TOLERANCE)


@pytest.mark.parametrize("block_size", [64, 500])
def test_each_block_holds_its_own_bases(case: Case, block_size: int) -> None:
    sums = case.run(block_size).sums
    for chrom, length in LENGTHS.items():
        for start in range(0, length, block_size):
            here = slice(start, start + block_size)
            for code, region in enumerate(CODES):
                chosen = case.counts[chrom][here] & (case.codes[chrom][here] == code)
                block = Block(chrom, start, region)
                assert (block in sums) == chosen.any()
                if chosen.any():
                    assert sums[block].raw.count == chosen.sum()
                    mean = case.x[chrom][here][chosen].mean(dtype=np.float64)
                    assert sums[block].raw.mean_x == pytest.approx(mean, rel=TOLERANCE)


def test_sums_go_there_and_back(case: Case, tmp_path: Path) -> None:
    sums = case.run(300).sums
    for name in ("one.tsv.gz", "two.tsv.gz"):
        write_sums(sums, tmp_path / name)
    assert read_sums(tmp_path / "one.tsv.gz") == sums
    assert (tmp_path / "one.tsv.gz").read_bytes() == (tmp_path / "two.tsv.gz").read_bytes()
    write_sums({}, tmp_path / "empty.tsv.gz")
    assert read_sums(tmp_path / "empty.tsv.gz") == {}


def test_a_perfect_prediction_is_perfect(case: Case) -> None:
    for part in case.run(100, ("x", "x")).sums.values():
        assert part.mse_squashed == 0
        assert np.isnan(part.log1p.pearson) or part.log1p.pearson == pytest.approx(1, abs=1e-12)


# The sample


def test_the_sample_is_the_same_for_any_block_size_and_any_track(case: Case, tmp_path: Path) -> None:
    whole = case.run(64)
    first = whole.sample
    for comparison in (case.run(1 << 21), case.run(300, ("y", "x"))):
        for chrom, bases in comparison.sample.items():
            np.testing.assert_array_equal(bases.position, first[chrom].position)
            np.testing.assert_array_equal(bases.region, first[chrom].region)
    write_base_sample(whole, tmp_path / "sample.npz")
    again = read_base_sample(tmp_path / "sample.npz")
    assert list(again) == list(LENGTHS)
    for chrom, bases in again.items():
        for column, before in zip(bases, first[chrom], strict=True):
            np.testing.assert_array_equal(column, before)


def test_the_sample_holds_the_values_of_its_positions(case: Case, tmp_path: Path) -> None:
    write_base_sample(case.run(100), tmp_path / "sample.npz")
    with np.load(tmp_path / "sample.npz") as arrays:
        kinds = {name: str(column.dtype) for name, column in arrays.items() if name != "chromosomes"}
        assert kinds == {
            **{"chrom": "uint16", "position": "uint32", "observed": "float32", "predicted": "float32"},
            **{"region": "uint8", "value_chrom": "uint16", "value": "float32"},
            **{"value_uncovered": "int64", "value_covered": "int64"},
        }
        for index, chrom in enumerate(arrays["chromosomes"]):
            here = arrays["chrom"] == index
            position = arrays["position"][here]
            assert case.counts[chrom][position].all()
            assert (np.diff(position.astype(int)) > 0).all()
            np.testing.assert_array_equal(arrays["observed"][here], case.x[chrom][position])
            np.testing.assert_array_equal(arrays["predicted"][here], case.y[chrom][position])
            np.testing.assert_array_equal(arrays["region"][here], case.codes[chrom][position])
        assert not (arrays["chrom"] == 3).any(), "chr4 is N throughout"


def test_a_sample_of_more_bases_than_there_are_is_all_of_them(case: Case) -> None:
    sample = case.run(100, sample_bases=10**6).sample
    for chrom, mask in case.counts.items():
        np.testing.assert_array_equal(sample[chrom].position, np.flatnonzero(mask))


def test_every_base_is_drawn_with_the_same_probability() -> None:
    lengths = {"chr1": 400, "chr2": 60, "chr3": 1}
    drawn = np.zeros(461)
    trials = 4000
    for seed in range(trials):
        for offset, positions in zip((0, 400, 460), sample_positions(lengths, 46, seed).values(), strict=True):
            drawn[offset + positions] += 1
    share = 46 / 461
    assert drawn.sum() == pytest.approx(trials * 46, rel=0.01)
    spread = np.sqrt(trials * share * (1 - share))
    assert np.abs(drawn - trials * share).max() < 4.5 * spread
    assert (drawn - trials * share).std() == pytest.approx(spread, rel=0.1)


def test_draws_of_two_chromosomes_and_two_seeds_differ() -> None:
    lengths = {"chr1": 10_000, "chr2": 10_000}
    one, two = sample_positions(lengths, 2000, 0).values()
    assert not np.array_equal(one, two)
    assert not np.array_equal(one, sample_positions(lengths, 2000, 1)["chr1"])
    assert {len(part) for part in sample_positions({"chr1": 5}, 10**9, 0).values()} == {5}


# The mean of the other cell types


def test_the_mean_of_the_others_leaves_out_its_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tracks = [{"chr1": mixed_coverage(rng, 800)} for _ in range(4)]
    write_bases(tmp_path / "own.bw", tracks[0])
    write_bases(tmp_path / "mean.bw", {"chr1": np.mean([track["chr1"] for track in tracks], axis=0)})
    with Coverage(tmp_path / "mean.bw") as mean, Coverage(tmp_path / "own.bw") as own:
        values = MeanOfOthers(mean, own, 4).values("chr1", 5, 800)
    expected = np.mean([track["chr1"][5:] for track in tracks[1:]], axis=0, dtype=np.float64)
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5)
    assert values.dtype == np.float32
    assert values.min() >= 0
