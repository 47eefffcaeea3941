"""The profile and the environments, as far as that needs no cluster."""

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml
from environments import ENVIRONMENTS
from workflow.runs import demo_folder, snakemake

from slurm.conda import read_specs
from slurm.runs import REPOSITORY, SNAKEFILE, started

PROFILE = yaml.safe_load((REPOSITORY / "slurm/config.yaml").read_text())
RULES = {
    name
    for path in (REPOSITORY / "rules").glob("*.smk")
    for name in re.findall(r"^ *(?:rule|checkpoint|use rule \w+ as) (\w+)(?:| with):", path.read_text(), re.MULTILINE)
}


def test_every_rule_that_the_profile_names_exists() -> None:
    """Snakemake itself would say nothing."""
    groups = dict(pair.split("=") for pair in PROFILE["groups"])
    assert set(groups) <= RULES
    assert "group-components" not in PROFILE  # they grow with every checkpoint


def test_no_rule_has_retries_of_its_own() -> None:
    """A job of the cluster is a Snakemake, too: it would repeat within the job, and each time with less left."""
    assert [path.name for path in (REPOSITORY / "rules").glob("*.smk") if "retries:" in path.read_text()] == []


def test_a_training_is_warned_before_its_time_is_up() -> None:
    """What comes of it on a cluster is seen in test_mishaps.py."""
    signal = """slurm_extra="'--signal=USR1@900'","""
    assert signal in (REPOSITORY / "rules/training.smk").read_text()
    assert signal in (REPOSITORY / "tests/slurm/mishaps.smk").read_text()


def test_a_moved_project_with_environments_runs_nothing_again(path_with_conda: str, tmp_path: Path) -> None:
    """Its environments are made again, as they hold their place; Snakemake would run every job again, too."""
    settings = {"environment": {"PATH": path_with_conda}}
    sizes = "results/demo/reference/chrom.sizes"
    command = (sizes, "--configfile", "config/demo/config.yaml", "--use-conda")
    (tmp_path / "project").mkdir()
    run = snakemake(demo_folder(tmp_path / "project"), *command, **settings)
    assert run.status == 0, run.text[-3000:]
    moved = (tmp_path / "project").rename(tmp_path / "moved")
    triggers = ("--dry-run", "--rerun-triggers", *PROFILE["rerun-triggers"])
    for conda in (("--use-conda",), ()):
        run = snakemake(moved, *command[:3], *conda, *triggers, **settings)
        assert (run.status, run.planned()) == (0, {}), run.text[-3000:]
        run = snakemake(moved, *command[:3], *conda, *triggers, "software-env", **settings)
        assert set(run.planned()) == {"simulate", "prepare_genome"}, "without it, the profile need not leave it out"


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.name)
def test_environment_files_are_what_conda_takes(environment: Path) -> None:
    specs = read_specs(environment)
    assert {spec.name.normalized for spec in specs} >= {"python", "pip"}


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A fresh copy of what the repository has for the human run."""
    for name in ("config", "slurm"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    return tmp_path


def run_with_conda(folder: Path, path_with_conda: str, *arguments: str) -> str:
    with started(folder, os.environ | {"PATH": path_with_conda}, SNAKEFILE, *arguments) as run:
        assert run.finish(120) == 0, run.text[-5000:]
        return run.text


def test_the_human_run_is_planned_with_its_environments(path_with_conda: str, fresh: Path) -> None:
    """Its first command."""
    text = run_with_conda(fresh, path_with_conda, "--profile", "slurm", "--use-conda", "-n", "all")
    assert re.search(r"^train_model +2$", text, re.MULTILINE)
    assert re.search(r"^predict_chromosome +44$", text, re.MULTILINE)
    planned = set(re.findall(r"^Conda environment .*/envs/(\w+)\.yaml will be created", text, re.MULTILINE))
    assert planned >= {"genomics", "report", "torch"}


def test_all_environments_are_made_and_nothing_else(path_with_conda: str, fresh: Path) -> None:
    """On a node with a network, before anything is fetched."""
    run_with_conda(fresh, path_with_conda, "--use-conda", "--conda-create-envs-only", "--cores", "1", "all")
    made = {path.read_text() for path in (fresh / ".snakemake/conda").glob("*.yaml")}
    assert made == {path.read_text() for path in ENVIRONMENTS}
    assert not (fresh / "results").exists()


def test_a_container_of_all_environments_is_described(path_with_conda: str, fresh: Path) -> None:
    text = run_with_conda(fresh, path_with_conda, "--containerize")
    copied = re.findall(r"^COPY \S+/envs/(\w+)\.yaml (/\S+)$", text, re.MULTILINE)
    assert [name for name, _ in copied] == [path.stem for path in ENVIRONMENTS]
    assert re.findall(r"conda env create --prefix \S+ --file (\S+)", text) == [path for _, path in copied]
