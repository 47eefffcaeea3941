"""deepTools' comparison of samples against SciPy and NumPy on whole arrays."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bigwigs import mixed_coverage, read_bases, write_bases, write_intervals
from scipy.stats import spearmanr

from rnatracks.errors import WorkerError
from rnatracks.qc.bins import bin_width, write_bins
from rnatracks.qc.comparison import (
    Bins,
    group_colours,
    plot_correlation,
    plot_pca,
    read_bins,
    why_incomparable,
    write_incomparable,
)
from rnatracks.qc.table import read_correlation
from rnatracks.tracks.bigwig import BLOCK_BASES, Coverage

LENGTHS = {"chr10": 2050, "chr2": 999, "chr5": 40, "chr1": 100}  # in the genome's order, which is not the alphabet's
WIDTH = 100


def binned(arrays: Mapping[str, np.ndarray], width: int) -> np.ndarray:
    """Means of bins, from whole chromosomes."""
    return np.array([a[start : start + width].mean() for a in arrays.values() for start in range(0, len(a), width)])


def bins_of(
    tmp_path: Path, arrays: Mapping[str, Mapping[str, np.ndarray]], width: int = WIDTH, scale: float = 2.0
) -> Bins:
    files = {}
    for name, values in arrays.items():
        files[name] = tmp_path / f"{name}.bins.bw"
        lengths = {chrom: len(array) for chrom, array in values.items()}
        with Coverage(write_bases(tmp_path / f"{name}.bw", values)) as coverage:
            write_bins(coverage, 2.0, lengths, width, files[name])
    return read_bins(files, width, tmp_path)


def random_samples(names: list[str]) -> dict[str, dict[str, np.ndarray]]:
    """Samples with gaps, some of negative values, over a common truth; chr5 is silent in all."""
    rng = np.random.default_rng(3)
    truth = {chrom: mixed_coverage(rng, length) for chrom, length in LENGTHS.items()}
    found = {}
    for number, name in enumerate(names):
        found[name] = {chrom: array * rng.poisson(1, len(array)) * (-1) ** number for chrom, array in truth.items()}
        found[name]["chr5"][:] = 0
    return found


def by_name(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {chrom: np.abs(arrays[chrom].astype(np.float64)) for chrom in sorted(arrays)}


def test_bins_equal_means_over_whole_arrays(tmp_path: Path) -> None:
    samples = random_samples(["a", "b"])
    bins = bins_of(tmp_path, samples)
    expected = np.column_stack([2 * binned(by_name(arrays), WIDTH) for arrays in samples.values()])
    np.testing.assert_allclose(bins.means, expected[expected.any(axis=1)], rtol=1e-6)
    assert bins.samples == ["a", "b"]


@pytest.mark.parametrize("width", [700, BLOCK_BASES + 3])
def test_bins_across_the_blocks_that_files_are_read_in(tmp_path: Path, width: int) -> None:
    lengths = {"chr1": 3 * BLOCK_BASES + 17}
    intervals = [(0, 5, 1.0), (BLOCK_BASES - 350, BLOCK_BASES + 5, 7.0), (2 * BLOCK_BASES, 3 * BLOCK_BASES + 17, 2.0)]
    path = write_intervals(tmp_path / "a.bw", lengths, {"chr1": intervals})
    with Coverage(path) as coverage:
        write_bins(coverage, 1.0, lengths, width, tmp_path / "bins.bw")
    whole = {"chr1": np.nan_to_num(read_bases(path, "chr1"))}
    stored = read_bases(tmp_path / "bins.bw", "chr1")
    np.testing.assert_allclose(stored[::width], binned(whole, width), rtol=1e-6)
    assert stored.mean() == pytest.approx(whole["chr1"].mean(), rel=1e-6)


@pytest.mark.parametrize(("size", "width"), [(1, 1), (100, 100), (1025, 1025), (1026, 1025), (10**9, 1025)])
def test_bins_are_at_most_half_the_longest_chromosome(size: int, width: int) -> None:
    assert bin_width(LENGTHS, size) == width


def test_bins_longer_than_the_genome_still_compare(tmp_path: Path) -> None:
    samples = random_samples(["a", "b"])
    bins = bins_of(tmp_path, samples, width=bin_width(LENGTHS, 10**9))
    assert bins.means.shape == (4, 2)  # two of chr10, one each of chr2 and chr1; chr5 is silent
    assert why_incomparable(bins) is None


@pytest.mark.parametrize("names", [["b", "a"], ["NA", "1", "x.y", "a-b", "c"]])
def test_correlations_equal_scipy(tmp_path: Path, names: list[str]) -> None:
    samples = random_samples(names)
    bins = bins_of(tmp_path, samples)
    plot_correlation(bins, "title", tmp_path / "c.svg", tmp_path / "c.tsv", tmp_path)
    found = read_correlation(tmp_path / "c.tsv")
    assert found.index.tolist() == found.columns.tolist() == names
    matrix = np.column_stack([binned(by_name(arrays), WIDTH) for arrays in samples.values()])
    matrix = matrix[matrix.any(axis=1)]
    expected = [[spearmanr(a, b).statistic for b in matrix.T] for a in matrix.T]
    np.testing.assert_allclose(found, expected, atol=5.1e-5)
    picture = (tmp_path / "c.svg").read_text()
    assert all(f">{name}<" in picture for name in names)


@pytest.mark.parametrize("names", [["a", "b"], ["Eigenvalue", "Component", "_x", "c.1"]])
def test_pca_equals_numpy(tmp_path: Path, names: list[str]) -> None:
    bins = bins_of(tmp_path, random_samples(names))
    plot_pca(bins, ["A", "A", "B", "B"][: len(names)], "title", tmp_path / "p.svg", tmp_path / "p.tsv", tmp_path)
    found = pd.read_csv(tmp_path / "p.tsv", sep="\t")
    assert found.columns.tolist() == ["component", "share_of_variance", *names]
    features = np.log2(bins.means + 0.01).T
    features = features[:, np.ptp(features, axis=0) > 0]
    features = (features - features.mean(axis=0)) / features.std(axis=0, ddof=1)
    values, vectors = np.linalg.eigh(features @ features.T)
    np.testing.assert_allclose(found["share_of_variance"], values[::-1] / values.sum(), atol=1e-9)
    first = vectors[:, -1] * np.sqrt(values[-1])
    np.testing.assert_allclose(np.abs(found.loc[0, names].astype(float)), np.abs(first), rtol=1e-6)
    picture = (tmp_path / "p.svg").read_text().replace("> ", ">")
    assert all(f">{name}<" in picture for name in names)


@pytest.mark.parametrize(("number", "colours"), [(1, 1), (10, 10), (11, 11), (20, 20), (25, 20)])
def test_groups_have_colours_of_their_own(number: int, colours: int) -> None:
    groups = [f"g{index}" for index in range(number)]
    made = group_colours([*groups, *groups])
    assert made[:number] == made[number:]
    assert len(set(made)) == colours


def test_colours_of_more_than_ten_groups_reach_the_pca(tmp_path: Path) -> None:
    names = [f"s{index}" for index in range(11)]
    plot_pca(bins_of(tmp_path, random_samples(names)), names, "title", tmp_path / "p.svg", tmp_path / "p.tsv", tmp_path)
    picture = (tmp_path / "p.svg").read_text()
    assert all(f"fill: {colour}" in picture for colour in group_colours(names))


def test_one_sample_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    bins = bins_of(tmp_path, random_samples(["a"]))
    reason = why_incomparable(bins)
    assert "nothing to compare" in reason
    pictures = [tmp_path / "c.svg", tmp_path / "p.svg"]
    write_incomparable(bins.samples, reason, pictures, tmp_path / "c.tsv", tmp_path / "p.tsv")
    assert all(reason in path.read_text() for path in pictures)
    assert read_correlation(tmp_path / "c.tsv").isna().to_numpy().tolist() == [[True]]
    assert pd.read_csv(tmp_path / "p.tsv", sep="\t").columns.tolist() == ["component", "share_of_variance", "a"]


@pytest.mark.parametrize(
    "means",
    [
        np.array([[1.0, 2.0], [2.0, 1.0]]),
        np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]),
        np.array([[1.0, 2.0], [1.0, 4.0], [1.0, 9.0]]),
    ],
    ids=["two bins", "alike", "one without differences"],
)
def test_too_few_differences_are_said(means: np.ndarray) -> None:
    assert "cannot be compared" in why_incomparable(Bins(["a", "b"], means))


def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    lengths = {"chr1": 100}
    with Coverage(write_bases(tmp_path / "a.bw", {"chr1": np.ones(100)})) as coverage:
        write_bins(coverage, 1.0, lengths, 50, tmp_path / "bins.bw")
    with pytest.raises(WorkerError, match="multiBigwigSummary ended with exit status 1: .*region"):
        read_bins({"a": tmp_path / "bins.bw", "b": tmp_path / "bins.bw"}, 100, tmp_path)


def test_real_replicates_agree(real_data: Path, tmp_path: Path) -> None:
    """Their files leave gaps: taken as they are, deepTools finds 0.47 in place of 0.75."""
    lengths, files, arrays = {"chr22": 50_818_468}, {}, []
    for name in ("GM12878_rep1", "GM12878_rep2"):
        path = real_data / "hg38_chr22_gm12878_rnaseq" / f"{name}.plus.bw"
        files[name] = tmp_path / f"{name}.bw"
        with Coverage(path) as coverage:
            write_bins(coverage, 1.0, lengths, 10_000, files[name])
        arrays.append(binned({"chr22": np.nan_to_num(read_bases(path, "chr22"))}, 10_000))
    bins = read_bins(files, 10_000, tmp_path)
    plot_correlation(bins, "title", tmp_path / "c.svg", tmp_path / "c.tsv", tmp_path)
    matrix = np.column_stack(arrays)
    expected = spearmanr(matrix[matrix.any(axis=1)]).statistic
    assert expected > 0.7
    assert read_correlation(tmp_path / "c.tsv").iloc[0, 1] == pytest.approx(expected, abs=5.1e-5)
