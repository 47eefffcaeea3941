"""The workflow from elsewhere: as a module of another one, and with another working directory."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
import yaml
from servers.server import DataServer

from workflow.runs import REPOSITORY, Run, demo_folder, snakemake

DEMO = "config/demo/config.yaml"
RESULTS = "results/demo"
MODULE = """
import copy
configfile: "settings.yaml"
before = copy.deepcopy(config)
rule mine:
    input: "results/demo/windows/windows.bed.gz"
    output: "mine.txt"
    shell: "zcat {{input}} | wc -l > {{output}}"
module rnatracks:
    snakefile: "{snakefile}"
    config: config["rnatracks"]
{further}
{use}
assert config == before
"""
WITH_PREFIX = """
use rule * from rnatracks as rnatracks_*
use rule train_model from rnatracks as rnatracks_train_model with:
    threads: 3
"""


@pytest.fixture
def decoy(tmp_path: Path) -> Mapping[str, str]:
    """Environment in which another rnatracks is installed, which no process may import."""
    (tmp_path / "site/rnatracks").mkdir(parents=True)
    (tmp_path / "site/rnatracks/__init__.py").write_text("raise RuntimeError('the wrong library')")
    return {"PYTHONPATH": str(tmp_path / "site")}


def write_module(folder: Path, use: str, further: str = "", snakefile: str = str(REPOSITORY / "Snakefile")) -> Path:
    """Write a workflow that imports this one, with the demo's configuration in a part of its own."""
    demo_folder(folder)
    config = yaml.safe_load((folder / DEMO).read_text()) | {"prediction": {"shard_size": 40_000}}
    (folder / "settings.yaml").write_text(yaml.safe_dump({"rnatracks": config, "mine": 1}, sort_keys=False))
    (folder / "Snakefile").write_text(MODULE.format(use=use, further=further, snakefile=snakefile))
    return folder


def run(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Run:
    finished = snakemake(folder, *arguments, snakefile=folder / "Snakefile", environment=environment)
    assert finished.status == 0, finished.text[-3000:]
    return finished


def counts(finished: Run) -> dict[str, int]:
    return {rule: len(jobs) for rule, jobs in finished.planned().items()}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """What the demo plans when nothing is there: jobs by rule."""
    folder = demo_folder(tmp_path_factory.mktemp("plain"))
    return counts(snakemake(folder, "all", "--configfile", DEMO, "--dry-run"))


def test_a_module_plans_and_runs_as_the_workflow_does(
    tmp_path: Path, decoy: Mapping[str, str], plan: dict[str, int]
) -> None:
    folder, prefix = write_module(tmp_path / "own", WITH_PREFIX), "rnatracks_"
    resolved, sizes = f"{RESULTS}/samples/resolved.tsv", f"{RESULTS}/reference/chrom.sizes"
    ran = run(folder, resolved, sizes, environment=decoy)
    assert {f"{prefix}resolve_samples", f"{prefix}gather_resolved", f"{prefix}prepare_genome"} <= set(ran.planned())
    assert len(pd.read_csv(folder / resolved, sep="\t")) == 6
    lengths = dict(line.split() for line in (folder / sizes).read_text().splitlines())

    dry = run(folder, f"{prefix}all", "--dry-run", environment=decoy)
    shards = plan["train_model"] * sum(-(-int(length) // 40_000) for length in lengths.values())
    done = ("simulate", "prepare_genome", "resolve_samples", "gather_resolved")
    left = {rule: number for rule, number in plan.items() if rule not in done} | {"predict_chromosome": shards}
    assert counts(dry) == {f"{prefix}{rule}": number for rule, number in left.items()}
    assert dry.text.count("Maximum requested") == 1


def test_a_module_leaves_the_default_target_and_local_jobs_alone(tmp_path: Path) -> None:
    """Jobs of seconds stay beside Snakemake on a cluster, whatever the rules are called."""
    folder = write_module(tmp_path / "own", f"{WITH_PREFIX}\nprint(sorted(workflow._localrules))")
    dry = run(folder, "--dry-run")
    assert "mine" in dry.planned()
    local = next(line for line in dry.text.splitlines() if line.startswith("["))
    assert {f"'rnatracks_{rule}'" for rule in ("all", "fetch", "plot_track", "tabulate_samples")} <= {
        *local.strip("[]").split(", ")
    }
    assert local.count("'") == 2 * local.count("'rnatracks_")


@pytest.mark.parametrize("further", ['    prefix: "sub"', '    replace_prefix: {"results/": "other/"}'])
def test_a_module_with_other_paths_is_one_line(tmp_path: Path, further: str) -> None:
    folder = write_module(tmp_path / "own", WITH_PREFIX, further)
    refused = snakemake(folder, "--dry-run", snakefile=folder / "Snakefile")
    assert (refused.status, refused.text.strip()) == (
        1,
        "rnatracks: module: found a prefix or replace_prefix; expected results set in its config: the workflow reads "
        "files by name",
    )


def test_a_module_from_a_server_is_one_line(tmp_path: Path) -> None:
    files = {f"/{name}": (REPOSITORY / name).read_bytes() for name in ("Snakefile", "rules/common.smk")}
    with DataServer(files=files) as server:
        folder = write_module(tmp_path / "own", WITH_PREFIX, snakefile=server.url("/Snakefile"))
        refused = snakemake(folder, "--dry-run", snakefile=folder / "Snakefile")
        assert (refused.status, refused.text.strip()) == (
            1,
            f"rnatracks: {server.url('/rules')}: found no folder; expected the Snakefile of a local clone",
        )


def test_another_working_directory_is_that_of_all_paths(
    tmp_path: Path, decoy: Mapping[str, str], plan: dict[str, int]
) -> None:
    """The Snakefile and the configuration file are named from where the command is typed."""
    folder, typed = demo_folder(tmp_path / "run"), tmp_path / "typed"
    typed.mkdir()
    (tmp_path / "repository").symlink_to(REPOSITORY)
    where = ("--directory", "../run", "--configfile", f"../run/{DEMO}")
    snakefile = Path("../repository/Snakefile")
    ran = snakemake(typed, f"{RESULTS}/samples/resolved.tsv", *where, environment=decoy, snakefile=snakefile)
    assert ran.status == 0, ran.text[-3000:]
    assert len(pd.read_csv(folder / RESULTS / "samples/resolved.tsv", sep="\t")) == 6
    assert [path.name for path in typed.iterdir()] == []
    assert counts(snakemake(typed, "all", *where, "--dry-run", "--forceall", snakefile=snakefile)) == plan
    (folder / DEMO).write_text((folder / DEMO).read_text() + "unknown: 1\n")
    refused = snakemake(typed, "all", *where, "--dry-run", snakefile=snakefile)
    assert refused.text.startswith(f"rnatracks: {DEMO}, unknown: found ")
