"""What runs again and what does not: dry runs on the finished demo, with the cluster profile's triggers."""

import shutil
from pathlib import Path

import pytest
import yaml

from workflow.conftest import DEMO, Demo
from workflow.runs import REPOSITORY, Run, snakemake

PROFILE = yaml.safe_load((REPOSITORY / "slurm/config.yaml").read_text())
TRIGGERS = ("--rerun-triggers", *PROFILE["rerun-triggers"])
PROFILES = (*TRIGGERS, "--max-checksum-file-size", str(PROFILE["max-checksum-file-size"]))


def plan(folder: Path, *arguments: str, **options: object) -> Run:
    run = snakemake(folder, "all", *DEMO, "--dry-run", *arguments, **options)
    assert run.status == 0, run.text[-3000:]
    return run


@pytest.fixture
def clone(demo: Demo, tmp_path: Path) -> Path:
    """The workflow's files, each newer than anything in the results."""
    for name in ("Snakefile", "rules", "workflow_scripts", "resources", "envs", "config"):
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, tmp_path / name)
    return tmp_path


def test_a_fresh_clone_of_the_code_runs_nothing_again(demo: Demo, clone: Path) -> None:
    assert plan(demo.folder, *PROFILES, snakefile=clone / "Snakefile").planned() == {}
    # Snakemake's own triggers begin with the data and end with the trainings.
    everything = plan(demo.folder, snakefile=clone / "Snakefile").planned()
    assert {"simulate", "train_model"} <= set(everything)


def test_a_touched_bigwig_runs_nothing_again(demo_copy: Path) -> None:
    for path in (demo_copy / "results/demo/simulated").glob("*.bw"):
        path.touch()
    assert plan(demo_copy, *PROFILES).planned() == {}
    small = plan(demo_copy, *TRIGGERS, "--max-checksum-file-size", "1000").planned()
    assert {"check_sample", "train_model"} <= set(small), "without checksums a newer file is another one"


def test_a_changed_bigwig_runs_what_depends_on_it(demo_copy: Path) -> None:
    folder = demo_copy / "results/demo/simulated"
    (folder / "amber_2.plus.bw").write_bytes((folder / "amber_1.plus.bw").read_bytes())
    planned = plan(demo_copy, *PROFILES).planned()
    assert [job["sample"] for job in planned["check_sample"]] == ["amber_2"]
    assert {job["model"] for job in planned["train_model"]} == {"small-amber", "unet"}


@pytest.mark.parametrize("spelling", ["{cwd}/results/demo", "~/results/demo/."])
def test_another_spelling_of_results_runs_nothing_again(demo_copy: Path, spelling: str) -> None:
    path = demo_copy / "config/demo/config.yaml"
    config = yaml.safe_load(path.read_text()) | {"results": spelling.format(cwd=demo_copy)}
    home = {"environment": {"HOME": str(demo_copy)}}
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    assert plan(demo_copy, *PROFILES, **home).planned() == {}
    path.write_text(yaml.safe_dump(config | {"genes": {"pseudocount": 0.5}}, sort_keys=False))
    planned = plan(demo_copy, *PROFILES, **home).planned()
    changed = {"score_genes", "plot_track", "plot_differences", "score_variants", "write_browser", "write_report"}
    assert changed <= set(planned)
    assert not {"sum_genes", "train_model", "score_bases"} & set(planned), "what has no pseudocount"


def test_a_changed_setting_of_training_trains_again(demo_copy: Path) -> None:
    config = yaml.safe_load((demo_copy / "config/demo/config.yaml").read_text())
    config["training"]["epochs"] = 7
    (demo_copy / "config/demo/config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    planned = plan(demo_copy, *PROFILES).planned()
    assert len(planned["train_model"]) == 3
    assert "average_track" not in planned


def test_variants_concern_their_own_jobs_only(demo_copy: Path) -> None:
    """Without them, only the report and the list of inputs are made again, and with other ones, not what is trained."""
    path = demo_copy / "config/demo/config.yaml"
    config = yaml.safe_load(path.read_text())
    without = config | {"variants": {}, "simulate": config["simulate"] | {"variants": 0}}
    path.write_text(yaml.safe_dump(without, sort_keys=False))
    assert set(plan(demo_copy, *PROFILES).planned()) == {"list_inputs", "write_browser", "write_report", "all"}
    more = config | {"simulate": config["simulate"] | {"variants": 161}}
    path.write_text(yaml.safe_dump(more, sort_keys=False))
    planned = plan(demo_copy, *PROFILES).planned()
    assert {"simulate_variants", "check_variants", "score_variants", "score_planted", "plot_planted"} <= set(planned)
    assert not {"simulate", "train_model", "predict_chromosome", "sum_genes"} & set(planned)


def test_another_model_predicts_no_variants_of_the_others(demo_copy: Path) -> None:
    path = demo_copy / "config/demo/config.yaml"
    config = yaml.safe_load(path.read_text())
    extra = {"cell_types": ["amber"], "preset": "unet", "backbone": {"type": "unet", "widths": [16, 24]}}
    path.write_text(yaml.safe_dump(config | {"models": config["models"] | {"extra": extra}}, sort_keys=False))
    planned = plan(demo_copy, *PROFILES).planned()
    for rule in ("train_model", "score_variants", "add_gene_scores", "summarise_effects", "predict_top"):
        assert {job["model"] for job in planned[rule]} == {"extra"}


def test_a_moved_project_runs_nothing_again(demo: Demo, demo_copy: Path) -> None:
    """Nothing that Snakemake has recorded holds the place where the demo ran."""
    records = [path.read_text() for path in (demo_copy / ".snakemake/metadata").rglob("*") if path.is_file()]
    assert len(records) > 100
    assert not [record for record in records if str(demo.folder) in record]
    assert plan(demo_copy, *PROFILES).planned() == {}
