"""Odd inputs after public reports, through the workflow: see `tests/test_cases.py` for what each is read as."""

import gzip
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from safetensors import safe_open

from workflow.runs import Run, snakemake

# Python's own encoding for text files is ASCII here, as it is Latin-1 under an ISO-8859-1 locale.
ASCII_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def lay_over_clean(folder: Path, cases: Path, *names: str) -> None:
    """Copy the clean folder, and the cases over it."""
    for name in ("clean", *names):
        for path in (cases / name).iterdir():
            shutil.copyfile(path, folder / path.name)


def run(folder: Path, *targets: str, **options: object) -> Run:
    return snakemake(folder, *targets, "--configfile", "config.yaml", **options)


def test_odd_text_files_give_the_values_of_clean_ones(tmp_path: Path, real_data: Path) -> None:
    """GTF without blanks, quoted sheet, BED with track lines; a mark, other letters, and a locale that has neither."""
    lay_over_clean(tmp_path, real_data / "cases", "gtf_nospace", "sheet_r", "bed_track")
    for name, text in (
        ("genes.gtf", "\ufeff" + (tmp_path / "genes.gtf").read_text()),
        ("cell_types.tsv", "cell_type\tontology\tdescription\t\nA\t\tβ cells\t\nB\t\tcells B\t\n"),
        ("genome.fa", (tmp_path / "genome.fa").read_text().replace(">chr1", ">chr1 Gène α", 1)),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = run(
        tmp_path,
        *("results/genes/observed.tsv.gz", "results/windows/windows.bed.gz", "results/samples/resolved.tsv"),
        environment=ASCII_LOCALE,
    )
    assert done.status == 0, done.text[-3000:]
    genes = pd.read_csv(tmp_path / "results/genes/observed.tsv.gz", sep="\t").set_index("gene_id")
    assert genes["gene_name"].to_dict() == {"G1": "ALPHA", "G2": "BETA", "G3": "GAMMA", "G4": "DELTA"}
    assert (genes["gene_type"] == "protein_coding").all()
    assert genes.loc["G1", "exonic_length"] == 800
    assert genes.loc["G1", "A.plus"] == pytest.approx(29.403, abs=5e-4)
    windows = pd.read_csv(tmp_path / "results/windows/windows.bed.gz", sep="\t").set_index(["#chrom", "start"])
    assert windows.loc[("chr1", 1536), "blacklist_fraction"] == pytest.approx((2000 - 1536) / 512, rel=1e-5)
    assert windows.loc[("chr2", 0), "blacklist_fraction"] == pytest.approx(100 / 512, rel=1e-5)


def test_names_with_hashes_train_and_are_read_back(tmp_path: Path, real_data: Path) -> None:
    lay_over_clean(tmp_path, real_data / "cases", "pansn")
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    config["training"]["epochs"] = 0.4
    config["genome"]["chromosomes"].pop()
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    done = run(tmp_path, "results/tracks/predicted/m-A/A.plus.bw")
    assert done.status == 0, done.text[-3000:]
    with gzip.open(tmp_path / "results/windows/windows.bed.gz", "rt") as lines:
        names = list(dict.fromkeys(line.split("\t")[0] for line in lines))
    assert names == ["#chrom", "GRCh38#0#chr1"]
    log = pd.read_csv(tmp_path / "results/models/m-A/training_log.tsv", sep="\t")
    assert len(log) > 1
    with safe_open(tmp_path / "results/models/m-A/model.safetensors", "pt") as weights:
        assert len(list(weights.keys())) > 10
