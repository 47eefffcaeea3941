"""`snakemake --profile slurm --use-conda all` on a small copy of the demo, beside the same run without a cluster.

The environments are made by the stand-in in conda.py: what that shows, and what it does not, is said there.
"""

import gzip
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml
from environments import ENVIRONMENTS

from rnatracks.config.data import SimulationSettings
from rnatracks.samples import simulated_files
from rnatracks.samples.simulate import simulate_genome
from slurm.cluster import Cluster
from slurm.conda import ANY, CALLS, read_specs
from slurm.runs import CLUSTER, REPOSITORY, SNAKEFILE, Background, profile_folder, started

TINY = "config/tiny.yaml"
TINY_RUN = ("--configfile", TINY, "--set-threads", "train_model=2", "predict_chromosome=1")
LENGTHS = {"chr1": 16_000, "chr3": 20_000}  # to train and to validate on
SAMPLES = ("amber_1", "amber_2")
COMPARED = [
    *(f"results/tiny/evaluation/{name}.tsv" for name in ("base_resolution", "gene_expression", "differential")),
    "results/tiny/samples/resolved.tsv",
]
LIMIT = 1800  # seconds for one of the runs, on a machine that does other work, too


def tiny_folder(folder: Path) -> Path:
    """Write the demo's configuration with two short chromosomes, two samples of one strand and one model."""
    shutil.copytree(REPOSITORY / "config", folder / "config")
    config = yaml.safe_load((folder / "config/demo/config.yaml").read_text())
    write_data(folder / "data", SimulationSettings(**config.pop("simulate") | {"chromosomes": LENGTHS}))
    config["genome"]["chromosomes"] = list(LENGTHS)
    del config["models"]["unet"], config["evaluation"]["baselines"], config["variants"]
    config["models"]["small"]["cell_types"] = ["amber"]
    config["split"] = {"valid": ["chr3"]}
    config["training"] |= {"epochs": 1, "micro_batch_size": 2}
    config |= {"results": "results/tiny", "samples": "config/tiny.tsv", "cell_types": "config/tiny_types.tsv"}
    config |= {"loci": ["chr3:1,001-9,000"]}
    (folder / TINY).write_text(yaml.safe_dump(config, sort_keys=False).replace("results/demo/simulated", "data"))
    rows = [f"{name}\tamber\tlocal\t\t\tdata/{name}.bw\n" for name in SAMPLES]
    header = "sample\tcell_type\tsource\tplus\tminus\tunstranded\n"
    (folder / "config/tiny.tsv").write_text(header + "".join(rows))
    (folder / "config/tiny_types.tsv").write_text("cell_type\tontology\tdescription\namber\t\t\n")
    return folder


def write_data(folder: Path, settings: SimulationSettings) -> None:
    """What the rule `simulate` writes; of each sample, the plus strand is kept."""
    folder.mkdir()
    genome = simulate_genome(settings)
    simulated_files.write_genome(genome, folder / "genome.fa.gz")
    simulated_files.write_annotation(genome, folder / "annotation.gtf.gz")
    simulated_files.write_blacklist(genome, folder / "blacklist.bed")
    for seed, name in enumerate(SAMPLES):
        files = {"plus": folder / f"{name}.bw", "minus": folder / "unused.bw"}
        sample = settings.samples[name]
        simulated_files.write_sample(genome, settings, sample, cell_type_index=0, seed=seed, **files)


@dataclass(frozen=True)
class Pair:
    """The two finished runs: their folders, and what the one on the cluster said."""

    cluster: Path
    local: Path
    text: str
    again: str  # what it said when it was asked once more

    @property
    def results(self) -> Path:
        return self.cluster / "results/tiny"


@pytest.fixture(scope="module")
def pair(cluster: Cluster, path_with_conda: str, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A local run up to the scores, and beside it a whole one on the cluster.

    Its training is told once to stop, as before its time is up.
    """
    here = tiny_folder(tmp_path_factory.mktemp("local"))
    there = profile_folder(tiny_folder(tmp_path_factory.mktemp("cluster")), gpu=2)
    environment = cluster.environment | {"PATH": path_with_conda}
    local = ("--cores", "2", "--set-resources", "train_model:gpu=2")
    remote = (*CLUSTER, "--use-conda", "all", *TINY_RUN)
    with (
        started(here, cluster.environment, SNAKEFILE, *COMPARED, *TINY_RUN, *local, nice=19) as beside,
        started(there, environment, SNAKEFILE, *remote) as run,
    ):
        stop_training(run, cluster, there / "results/tiny/logs/train_model/small.log")
        assert run.finish(LIMIT) == 0, run.text[-5000:]
        assert beside.finish(LIMIT) == 0, beside.text[-5000:]
        text = run.text
    with started(there, environment, SNAKEFILE, *remote, "--dry-run") as run:
        assert run.finish(LIMIT) == 0, run.text[-5000:]
        return Pair(there, here, text, run.text)


def stop_training(run: Background, cluster: Cluster, log: Path) -> None:
    """Send the training's job the signal that Slurm sends before the end of its time."""
    run.wait_until(lambda: log.exists() and "global batch" in log.read_text(), LIMIT, "the training does not begin")
    cluster.ask("scancel", "--signal=USR1", *cluster.find("rule_train_model_wildcards_small"))


def test_environments_hold_what_their_files_pin(pair: Pair) -> None:
    """From conda; what pip installed is looked at in `tests/test_environments.py`."""
    made = {path.read_text(): path.with_suffix("") for path in (pair.cluster / ".snakemake/conda").glob("*.yaml")}
    assert set(made) == {path.read_text() for path in ENVIRONMENTS}
    for path in ENVIRONMENTS:
        packages = [each.stem.rsplit("-", 2) for each in made[path.read_text()].glob("conda-meta/*-*.json")]
        versions = {spec.name.normalized: str(spec.version or ANY).strip("=.*") for spec in read_specs(path)}
        assert {name: version for name, version, _ in packages} == versions


def test_every_environment_runs_a_script(pair: Pair) -> None:
    """With packages that pip has installed into it, apart from Snakemake's own."""
    calls = [path.read_text() for path in (pair.cluster / ".snakemake/conda").glob(f"*/{CALLS}")]
    assert len(calls) == len(ENVIRONMENTS)
    assert any("train_model.py" in each for each in calls)


def test_every_rule_is_a_job_of_the_cluster_alone_or_in_its_group(pair: Pair) -> None:
    """Snakemake calls those that it ran itself `localrule`."""
    submitted = re.findall(
        r"has been submitted with SLURM jobid \d+ \(log: .*?/slurm_logs/(rule|group)_(\w+)/", pair.text
    )
    alone = set(re.findall(r"^(?:rule|checkpoint) (\w+):$", pair.text, re.MULTILINE))
    assert alone == {name for kind, name in submitted if kind == "rule"}
    profile = yaml.safe_load((REPOSITORY / "slurm/config.yaml").read_text())
    groups = dict(member.split("=") for member in profile["groups"])
    together = {groups[name] for name in re.findall(r"^ +rule (\w+):$", pair.text, re.MULTILINE)}
    assert together == {name.split("_")[0] for kind, name in submitted if kind == "group"}
    assert {"samples", "tracks"} == together


def test_training_was_told_to_stop_and_went_on_from_its_checkpoint(pair: Pair) -> None:
    assert "= 2 process(es) x" in pair.text
    assert "SIGUSR1: saving a checkpoint at step" in pair.text
    assert "resuming from" in (pair.results / "logs/train_model/small.log").read_text()


def content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_tables_and_tracks_are_those_of_a_run_without_a_cluster(pair: Pair) -> None:
    """To the last byte, though one of the trainings was interrupted; only its log has a line more."""
    folders = [each / "results/tiny" for each in (pair.cluster, pair.local)]
    kept = [
        {
            path.relative_to(folder)
            for path in folder.rglob("*")
            if path.name.endswith((".tsv", ".tsv.gz", ".bw"))
            and path.relative_to(folder).parts[0] not in ("benchmarks", "models")
        }
        for folder in folders
    ]
    assert kept[1] <= kept[0]
    assert len(kept[1]) > 20
    assert [path for path in sorted(kept[1]) if content(folders[0] / path) != content(folders[1] / path)] == []
    logs = [pd.read_csv(folder / "models/small/training_log.tsv", sep="\t") for folder in folders]
    validations = [log.dropna(subset="valid_loss").drop(columns="loss") for log in logs]
    pd.testing.assert_frame_equal(*[each.reset_index(drop=True) for each in validations])


def test_a_second_run_has_nothing_to_do(pair: Pair) -> None:
    assert "Nothing to be done" in pair.again
