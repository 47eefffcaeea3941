"""The demo: its scores, its files, what it runs again, and what it must not learn."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import torch
import yaml
from safetensors.torch import load_file

from rnatracks.correlation import Moments
from rnatracks.evaluation.tables import BASE_SCORE_COLUMNS, DIFFERENCE_SCORE_COLUMNS, GENE_SCORE_COLUMNS
from rnatracks.genome.sequence import Genome
from rnatracks.model.backbone import token_lookup
from rnatracks.model.folder import load_model
from rnatracks.tracks.bigwig import Coverage
from rnatracks.tracks.squash import unsquash
from workflow.conftest import DEMO, Demo
from workflow.runs import snakemake

TRACKS = [f"{cell_type}.{strand}" for cell_type in ("amber", "indigo") for strand in ("plus", "minus")]

MODELS = ("small-amber", "small-indigo", "unet")
EFFECT_FILES = ("tsv.gz", "background.tsv.gz", "vcf.gz", "vcf.gz.tbi", "h5ad")


def scores(demo: Demo, table: str) -> pd.DataFrame:
    return pd.read_csv(demo.results / f"evaluation/{table}.tsv", sep="\t")


def held_out(demo: Demo, table: str, model: str = "small") -> pd.DataFrame:
    """Rows of the test split, of all bases where regions are told apart."""
    frame = scores(demo, table)
    frame = frame[frame["split"].eq("test") & frame["model"].str.startswith(model)]
    return frame[frame["region"] == "all"] if "region" in frame else frame


def test_held_out_bases_are_predicted(demo: Demo) -> None:
    table = held_out(demo, "base_resolution")
    assert [f"{row.cell_type}.{row.strand}" for row in table.itertuples()] == TRACKS
    assert (table["pearson_log1p"] >= 0.80).all()
    assert table["bases"].between(95_000, 100_000).all()


def test_held_out_genes_are_predicted(demo: Demo) -> None:
    table = held_out(demo, "gene_expression")
    assert (table["pearson_log1p"] >= 0.80).all()
    assert (table.groupby("cell_type")["genes"].sum() >= 40).all()


@pytest.mark.parametrize("table", ["base_resolution", "gene_expression"])
def test_every_score_has_its_interval_ceiling_and_baselines(demo: Demo, table: str) -> None:
    frame = held_out(demo, table)
    assert (frame["ci_low"] < frame["pearson_log1p"]).all()
    assert (frame["pearson_log1p"] < frame["ci_high"]).all()
    assert (frame["replicate_ceiling"] < frame["attainable"]).all()
    assert (frame["pearson_log1p"] < frame["attainable"]).all()
    assert (frame["other_cell_type"] < frame["pearson_log1p"]).all()
    unet = held_out(demo, table, "unet")
    assert frame["baseline_unet"].tolist() == unet["pearson_log1p"].tolist()
    assert unet["baseline_unet"].isna().all()


def test_planted_effects_are_predicted(demo: Demo) -> None:
    """Of changed whole exons nearly all have the right sign, and they stand out from changes that mean nothing."""
    table = scores(demo, "planted_variants")
    every = table[table["kind"] == "all"]
    assert [f"{row.cell_type}.{row.strand}" for row in every.itertuples()] == [*TRACKS, *TRACKS]
    assert (every.groupby("model")["effects"].sum() >= [150, 150, 300]).all()
    assert (every["sign_accuracy"] >= 0.8).all() and (every["spearman"] >= 0.5).all()
    exons = table[table["kind"].str.startswith("exon_")]
    assert len(exons) == 16 and (exons["sign_accuracy"] >= 0.9).all() and (exons["auroc"] >= 0.85).all()


def test_the_alleles_of_the_reference_are_those_of_the_predicted_genes(demo: Demo) -> None:
    """Gene means of the workflow's own prediction, whose bases have as many digits."""
    for model in MODELS:
        effects = pd.read_csv(demo.results / f"variants/{model}/planted.tsv.gz", sep="\t").dropna(subset="gene_id")
        genes = pd.read_csv(demo.results / f"genes/predicted/{model}.tsv.gz", sep="\t").set_index("gene_id")
        expected = [genes.loc[row.gene_id, row.track] for row in effects.itertuples()]
        np.testing.assert_allclose(effects["ref"], expected, rtol=1e-3)
        assert effects["percentile"].notna().all() and effects["gene_score"].notna().all()


def test_the_other_cell_type_is_scored_alike_from_both_sides(demo: Demo) -> None:
    """Of two cell types each is the other of the other, and Pearson's correlation is symmetric."""
    table = held_out(demo, "base_resolution").set_index(["cell_type", "strand"])["other_cell_type"]
    for strand in ("plus", "minus"):
        assert table["amber", strand] == pytest.approx(table["indigo", strand], abs=2e-6)


def test_empty_cells_follow_the_documented_rule(demo: Demo) -> None:
    """Two cell types have no mean of others, a baseline none of itself; the validation chromosome has few blocks."""
    for name in ("base_resolution", "gene_expression", "differential"):
        table = scores(demo, name)
        assert table["baseline_unet"].isna().equals(table["model"].eq("unet"))
        assert table["ci_low"].isna().equals(table["split"].eq("valid"))
        assert table["ci_low"].isna().equals(table["ci_high"].isna())
        assert "mean_of_others" not in table or table["mean_of_others"].isna().all()
        assert (table["attainable"].isna() == ~(table["replicate_ceiling"] >= 0)).all()
        ceilings = table["replicate_ceiling"].isna()
        assert not ceilings.any() or set(table.loc[ceilings, "region"]) == {"intergenic"}
        others = {"baseline_unet", "ci_low", "ci_high", "mean_of_others", "attainable", "replicate_ceiling"}
        if "auroc" in table:
            assert table["auroc"].isna().equals(table["region"].ne("all"))
            assert table["auprc"].isna().equals(table["auroc"].isna())
            table = table.drop(columns=["auroc", "auprc"])
        assert table.drop(columns=[*(others & set(table))]).notna().all(axis=None)


def test_the_scores_are_those_of_the_written_tracks(demo: Demo) -> None:
    """An oracle that shares nothing with the workflow: whole arrays of the bigWigs, in float64."""
    blacklist = pd.read_csv(demo.results / "simulated/blacklist.bed", sep="\t", header=None)
    counted = np.ones(100_000, bool)
    for row in blacklist[blacklist[0] == "chr3"].itertuples():
        counted[row[2] : row[3]] = False
    for row in held_out(demo, "base_resolution", "").itertuples():
        name = f"{row.cell_type}.{row.strand}"
        arrays = []
        for path in (f"observed/{name}.bw", f"predicted/{row.model}/{name}.bw"):
            with pyBigWig.open(str(demo.results / "tracks" / path)) as file:
                arrays.append(np.array(file.values("chr3", 0, 100_000))[counted])
        assert row.bases == counted.sum()
        assert row.pearson == pytest.approx(np.corrcoef(*arrays)[0, 1], abs=2e-6)
        assert row.pearson_log1p == pytest.approx(np.corrcoef(*map(np.log1p, arrays))[0, 1], abs=2e-6)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("base_resolution", BASE_SCORE_COLUMNS),
        ("gene_expression", GENE_SCORE_COLUMNS),
        ("differential", DIFFERENCE_SCORE_COLUMNS),
    ],
)
def test_score_tables_have_their_columns_and_no_zero_for_what_is_missing(
    demo: Demo, table: str, columns: list[str]
) -> None:
    frame = scores(demo, table)
    assert list(frame.columns) == [*columns, "baseline_unet"]
    assert not (frame[frame.columns.difference(["genes", "bases"])] == 0).any(axis=None)


def test_every_promised_file_exists(demo: Demo) -> None:
    promised = [
        "reference/genome.fa",
        "reference/genome.fa.fai",
        "reference/annotation.gtf.gz",
        "samples/resolved.tsv",
        "windows/windows.bed.gz",
        "genes/observed.tsv.gz",
        "qc/samples.tsv",
        "qc/correlation.plus.tsv",
        "qc/pca.minus.svg",
        "report.html",
        "browser.html",
        "tracks/igv_session.xml",
        "genes/observed.h5ad",
        "evaluation/differential_genes.tsv",
        "methods.txt",
        "figures/scores.svg",
        "figures/by_chromosome.svg",
        *(f"provenance/{table}.tsv" for table in ("inputs", "software", "benchmarks")),
        *(f"tracks/observed/{track}.{end}" for track in TRACKS for end in ("bw", "json")),
        *(f"tracks/predicted/small-{track.split('.')[0]}/{track}.bw" for track in TRACKS),
        *(f"genes/predicted/small-{name}.tsv.gz" for name in ("amber", "indigo")),
        *(
            f"models/small-{name}/{file}"
            for name in ("amber", "indigo")
            for file in ("model.safetensors", "config.json", "README.md", "training_log.tsv")
        ),
        *(f"variants/{model}/planted.{end}" for model in MODELS for end in EFFECT_FILES),
        *("variants/planted.contents.tsv", "variants/planted.skipped.tsv"),
        *(f"figures/planted/{model}.svg" for model in MODELS),
        *(f"figures/loci/{name}.svg" for name in ("chr3_13401-19000", "chr3-274")),
    ]
    assert [name for name in promised if not (demo.results / name).is_file()] == []


def test_gene_matrices_hold_genes_by_tracks(demo: Demo) -> None:
    own = ["gene_id", "gene_name", "gene_type", "chrom", "strand", "start", "end", "exonic_length", "shared_fraction"]
    observed = pd.read_csv(demo.results / "genes/observed.tsv.gz", sep="\t")
    predicted = pd.read_csv(demo.results / "genes/predicted/small-amber.tsv.gz", sep="\t")
    assert list(observed.columns) == own + TRACKS
    assert list(predicted.columns) == own + TRACKS[:2]


def test_predicted_tracks_hold_every_base_of_every_chromosome(demo: Demo) -> None:
    lengths = yaml.safe_load((demo.folder / "config/demo/config.yaml").read_text())["simulate"]["chromosomes"]
    for track in TRACKS:
        file = pyBigWig.open(str(demo.results / f"tracks/predicted/small-{track.split('.')[0]}/{track}.bw"))
        assert dict(file.chroms()) == lengths
        assert all(file.stats(chrom, type="coverage", exact=True) == [1.0] for chrom in lengths)
        file.close()


def test_every_sample_was_scaled_to_one_total(demo: Demo) -> None:
    for cell_type in ("amber", "indigo"):
        records = [
            json.loads((demo.results / f"tracks/observed/{cell_type}.{strand}.json").read_text())
            for strand in ("plus", "minus")
        ]
        assert sum(record["total"] for record in records) == pytest.approx(2e5, rel=1e-5)
        assert all(record["samples"] == 3 for record in records)


def test_peak_memory_of_two_jobs_side_by_side_stays_under_4_gb(demo: Demo) -> None:
    peaks = [
        pd.read_csv(path, sep="\t", na_values="-")["max_rss"].max()
        for path in (demo.results / "benchmarks").rglob("*.tsv")
    ]
    assert sum(sorted(peaks)[-2:]) < 4000


def test_the_run_ends_with_scores_and_the_place_of_the_report(demo: Demo) -> None:
    assert "Base resolution on held-out chromosomes, amber plus, model small-amber: 0.9" in demo.run.text
    assert "Report: results/demo/report.html" in demo.run.text


def test_a_model_that_starts_from_another_waits_for_it(demo_copy: Path) -> None:
    config = yaml.safe_load((demo_copy / DEMO[1]).read_text())
    config["models"]["late"] = {"cell_types": ["indigo"], "init_from": "small-amber", "trainable": "head"}
    config["models"]["late"]["head"] = config["models"]["small"]["head"]
    (demo_copy / DEMO[1]).write_text(yaml.safe_dump(config, sort_keys=False))
    table = "results/demo/models/late/training_log.tsv"
    planned = snakemake(demo_copy, table, *DEMO, "--dry-run").planned()
    assert [job["model"] for job in planned["train_model"]] == ["late"]
    config["training"]["epochs"] = 0.1
    (demo_copy / DEMO[1]).write_text(yaml.safe_dump(config, sort_keys=False))
    run = snakemake(demo_copy, table, *DEMO)
    assert run.status == 0, run.text[-5000:]
    assert run.text.index("small-amber: 1,001 windows") < run.text.index("late: 1,001 windows")
    weights = {
        name: load_file(demo_copy / f"results/demo/models/{name}/model.safetensors") for name in ("small-amber", "late")
    }
    backbone = [name for name in weights["late"] if name.startswith("backbone.")]
    assert backbone
    assert all(torch.equal(weights["late"][name], weights["small-amber"][name]) for name in backbone)
    assert any(not torch.equal(value, weights["small-amber"][name]) for name, value in weights["late"].items())


def test_shuffled_sequence_is_not_predicted_from(demo: Demo) -> None:
    """Of a chromosome whose bases were shuffled nothing can be known. A constant prediction has no score."""
    model = load_model(demo.results / "models/small-amber", "cpu")
    genome, rng = Genome(demo.results / "reference/genome.fa"), np.random.default_rng(0)
    lookup, moments = token_lookup(model.config.token_ids), [Moments(), Moments()]
    observed = [Coverage(demo.results / f"tracks/observed/{track}.bw") for track in model.config.tracks]
    bases = rng.permutation(genome.bases("chr3", 0, 100_000))
    for start in range(0, 100_000 - 512, 512):
        with torch.inference_mode():
            predicted = model(torch.from_numpy(lookup[bases[start : start + 512]])[None]).predictions[0].numpy()
        for row, mean in enumerate(model.config.track_means):
            pair = observed[row].values("chr3", start, start + 512), unsquash(predicted[row], mean)
            moments[row] += Moments.of(*map(np.log1p, pair))
    assert all(abs(track.pearson) < 0.1 for track in moments)
    assert np.isnan(Moments.of(observed[0].values("chr3", 0, 1000), np.full(1000, 0.3)).pearson)
