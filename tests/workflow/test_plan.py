"""Plans that need no data: the default configuration, and configurations that cannot be run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from models import write_bigwig

from rnatracks.samples.sheets import read_cell_types
from workflow.runs import REPOSITORY, close_network, demo_folder, snakemake

DEMO = "config/demo/config.yaml"


def test_the_default_configuration_is_planned_on_a_cluster(tmp_path: Path) -> None:
    """The human run, from a fresh copy of the repository."""
    for name in ("config", "slurm"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    run = snakemake(tmp_path, "--profile", "slurm", "--dry-run", "all")
    assert run.status == 0, run.text[-3000:]
    planned = run.planned()
    assert {job["model"] for job in planned["train_model"]} == {"genos-GM12878", "genos-NK"}
    assert len(planned["predict_chromosome"]) == 2 * 22
    hours = run.text.split("Maximum requested")[1]
    assert re.search(r"^train_model +2 .* 96\.0$", hours, re.MULTILINE)  # two jobs of 48 h with one GPU
    assert re.search(r"^total +\d+ .* 448\.0$", hours, re.MULTILINE)  # and 44 predictions of 8 h


def test_the_published_recipe_is_planned_on_a_cluster(tmp_path: Path) -> None:
    """With another value, the plan says so."""
    for name in ("config", "slurm"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    command = ["--profile", "slurm", "--dry-run", "all", "--configfile", "config/published_lab.yaml"]
    run = snakemake(tmp_path, *command)
    assert run.status == 0, run.text[-3000:]
    assert {job["model"] for job in run.planned()["train_model"]} == {"genos-GM12878", "genos-NK"}
    assert "recipe: published" not in run.text
    (tmp_path / "mine.yaml").write_text("training: {epochs: 3}\n")
    run = snakemake(tmp_path, *command, "mine.yaml")
    assert run.status == 0, run.text[-3000:]
    assert "config/published_lab.yaml, mine.yaml, recipe: published, except training.epochs: 3" in run.text


def test_the_closed_network_is_closed(tmp_path: Path) -> None:
    """The check below can fail: a connection in such a process is an error."""
    command = [sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', 9))"]
    run = subprocess.run(command, env=os.environ | close_network(tmp_path / "closed"), capture_output=True, text=True)
    assert run.returncode == 1
    assert "a connection was tried" in run.stderr


def test_a_dry_run_of_the_default_configuration_opens_no_socket(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    run = snakemake(tmp_path, "--dry-run", "all", environment=close_network(tmp_path / "closed"))
    assert run.status == 0, run.text[-3000:]
    assert "a connection was tried" not in run.text


def test_the_small_genome_is_planned_with_own_samples(tmp_path: Path) -> None:
    """Without a network: the genome and its genes are downloaded by jobs."""
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    config = "config/small_genome/config.yaml"
    chromosomes = yaml.safe_load((tmp_path / config).read_text())["genome"]["chromosomes"]
    samples = pd.read_csv(tmp_path / "config/small_genome/samples.tsv", sep="\t")
    for level, name in enumerate([*samples["plus"], *samples["minus"]], 1):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_bigwig(tmp_path / name, {chrom: np.full(100, level) for chrom in chromosomes})
    command = ["--configfile", config, "--cores", "2", "all", "--dry-run"]
    run = snakemake(tmp_path, *command, environment=close_network(tmp_path / "closed"))
    assert run.status == 0, run.text[-3000:]
    planned = run.planned()
    assert [job["model"] for job in planned["train_model"]] == ["unet"]
    assert len(planned["predict_chromosome"]) == len(chromosomes)


def test_the_collection_is_planned_from_a_resolved_sheet_offline(tmp_path: Path) -> None:
    """All 667 tracks, two samples of every tenth cell type, one joint model; no socket is opened."""
    folder = demo_folder(tmp_path)
    columns = ["sample", "cell_type", "source", "plus", "minus", "unstranded", "donor"]
    rows, repeated = [], 0
    for place, cell_type in enumerate(read_cell_types(folder / "config/collection/cell_types.tsv")):
        source = "gtex" if cell_type.gtex_tissue else "encode"
        strands = ("plus", "minus") if cell_type.stranded else ("unstranded",)
        samples = 1 if place % 10 else 2
        repeated += len(strands) * (samples - 1)
        for number in range(samples):
            name = f"{cell_type.name}_{number}"
            files = {strand: f"https://files.example.org/{name}.{strand}.bw" for strand in strands}
            rows.append({"sample": name, "cell_type": cell_type.name, "source": source, "donor": f"d{number}"} | files)
    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    (folder / "resolved.tsv").write_text("".join("\t".join(line) + "\n" for line in lines))
    files = ("--configfile", "config/collection/config.yaml")
    run = snakemake(
        folder,
        *("all", "--dry-run", "--quiet", "rules", *files, "--config", "samples=resolved.tsv"),
        environment=close_network(tmp_path / "closed"),
    )
    assert run.status == 0, run.text[-3000:]
    assert "a connection was tried" not in run.text
    jobs = dict(re.findall(r"^(\w+) +([\d,]+) +[\d,]+\.\d +", run.text.split("Maximum requested")[1], re.MULTILINE))
    number = {name: int(count.replace(",", "")) for name, count in jobs.items()}
    assert number["train_model"] == 1
    assert number["predict_chromosome"] == 22
    assert number["average_track"] == number["gather_prediction"] == 667
    assert number["average_half"] == 2 * repeated > 100
    assert number["fetch_file"] == 667 + repeated + 3
    assert number["compare_nonzero_means"] == 1


def test_shards_are_planned_once_the_lengths_are_known(tmp_path: Path) -> None:
    """Cut at multiples of the shard's size; a chromosome that is shorter is one shard. Without it, one job each."""
    folder = demo_folder(tmp_path)
    config = yaml.safe_load((folder / DEMO).read_text())
    sharded = config | {"prediction": {"shard_size": 40_000}}
    (folder / DEMO).write_text(yaml.safe_dump(sharded))
    track = "results/demo/tracks/predicted/small-amber/amber.plus.bw"
    first = snakemake(folder, track, "--configfile", DEMO, "--dry-run")
    assert first.status == 0, first.text[-3000:]
    assert set(first.planned()) == {"simulate", "prepare_genome", "gather_prediction"}
    prepared = snakemake(folder, "results/demo/reference/chrom.sizes", "--configfile", DEMO)
    assert prepared.status == 0, prepared.text[-3000:]
    planned = snakemake(folder, track, "--configfile", DEMO, "--dry-run").planned()
    assert sorted(job["part"] for job in planned["predict_chromosome"]) == sorted(
        f"{chrom}.{start}-{min(start + 40_000, length)}"
        for chrom, length in config["simulate"]["chromosomes"].items()
        for start in range(0, length, 40_000)
    )
    assert {job["model"] for job in planned["predict_chromosome"]} == {"small-amber"}
    assert len(planned["gather_prediction"]) == len(planned["train_model"]) == 1
    (folder / DEMO).write_text(yaml.safe_dump(config))
    planned = snakemake(folder, track, "--configfile", DEMO, "--dry-run").planned()
    assert sorted(job["part"] for job in planned["predict_chromosome"]) == config["genome"]["chromosomes"]


def test_a_bad_configuration_stops_the_plan_with_one_line(tmp_path: Path) -> None:
    """Of its fields, and of what the genome lacks; the others are tried in `config` and `planning`."""
    folder = demo_folder(tmp_path)
    config = yaml.safe_load((folder / DEMO).read_text())
    (folder / DEMO).write_text(yaml.safe_dump(config | {"training": {"epoch": 3}}))
    assert_stops_with_one_line(folder, f"{DEMO}, training.epoch", "did you mean epochs?")
    config["genome"]["chromosomes"] = ["1", "chr3", "chr4"]
    (folder / DEMO).write_text(yaml.safe_dump(config))
    assert_stops_with_one_line(folder, "genome.fa.gz", "the file calls it 'chr1'")


def test_a_bad_sample_row_stops_the_plan_with_one_line(tmp_path: Path) -> None:
    """Of the sheet, and of its files; the others are tried in `samples`."""
    folder = demo_folder(tmp_path)
    sheet = folder / "config/demo/samples.tsv"
    good = sheet.read_text()
    for row, where, found in (
        ("new ambre local a.bw b.bw", "line 9, cell_type", "'ambre'"),
        ("new amber local a.bw b.bw", "sample new, plus", "a.bw, which is not a file"),
    ):
        sheet.write_text(good + row.replace(" ", "\t") + "\n")
        assert_stops_with_one_line(folder, where, found)


def assert_stops_with_one_line(folder: Path, where: str, found: str) -> None:
    run = snakemake(folder, "--configfile", DEMO, "--dry-run", "all")
    lines = [line for line in run.text.splitlines() if line]
    assert run.status == 1
    assert len(lines) == 1
    assert lines[0].startswith("rnatracks: ")
    assert where in lines[0]
    assert found in lines[0]
