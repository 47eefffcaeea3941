"""What a finished demo plans when something changes, or when one step is asked for by name."""

import re
from pathlib import Path

import numpy as np
import pytest
from bigwigs import read_bases

from workflow.conftest import DEMO, Demo
from workflow.runs import REPOSITORY, snakemake

GATHERERS = {"all", "gather_resolved", "gather_observed_genes", "tabulate_samples", "score_bases", "score_genes"}
GATHERERS |= {"compare_samples", "convert_genes", "list_inputs", "write_session"}
GATHERERS |= {"plot_locus", "plot_scores", "write_browser", "write_report"}  # they show all cell types
GATHERERS |= {"average_cell_types", "score_gene_bodies", "score_planted"}

# The commands for single steps in the docs, without what every one of them begins with.
STEPS = re.findall(
    r"^snakemake --profile slurm --use-conda (.*--force.*)$", (REPOSITORY / "docs/cluster.md").read_text(), re.M
)
AMBER = {"cell_type": "amber", "strand": "plus"}
PARTS = [{"model": "small-amber", "part": chrom} for chrom in ("chr1", "chr2", "chr3", "chr4", "chr5")]


def plan_step(demo: Demo, wanted: str) -> dict[str, list[dict[str, str]]]:
    """Plan the docs' only command that ends so, with the demo's names in place of the human ones."""
    (command,) = [step for step in STEPS if step.endswith(wanted)]
    for human, ours in (("results/", "results/demo/"), ("genos-NK", "small-amber"), ("NK", "amber"), ("chr21", "chr3")):
        command = command.replace(human, ours)
    run = snakemake(demo.folder, *command.split(), *DEMO, "--dry-run")
    assert run.status == 0, run.text[-3000:]
    return run.planned()


def test_a_mean_track_is_made_again(demo: Demo) -> None:
    assert plan_step(demo, "observed/NK.plus.bw --force") == {"average_track": [AMBER]}


def test_a_model_is_trained_anew_with_all_that_follows(demo: Demo) -> None:
    planned = plan_step(demo, "--forcerun results/models/genos-NK/model.safetensors")
    assert planned["train_model"] == [{"model": "small-amber"}]
    assert {job["model"] for job in planned["predict_chromosome"]} == {"small-amber"}
    assert {"score_bases", "score_genes", "write_report", "write_browser"} <= set(planned)
    assert not {"check_sample", "average_track", "index_windows", "compare_samples"} & set(planned)


def test_one_chromosome_is_predicted(demo: Demo) -> None:
    assert plan_step(demo, "chr21.npy --force --notemp") == {
        "predict_chromosome": [{"model": "small-amber", "part": "chr3"}]
    }


def test_one_predicted_track_is_made_again(demo: Demo) -> None:
    planned = plan_step(demo, "NK/NK.plus.bw --force")
    assert set(planned) == {"predict_chromosome", "gather_prediction"}
    assert sorted(planned["predict_chromosome"], key=lambda job: job["part"]) == PARTS
    assert planned["gather_prediction"] == [AMBER | {"model": "small-amber"}]


@pytest.mark.parametrize(
    ("wanted", "rule"), [("base_resolution.tsv --force", "score_bases"), ("report.html --force", "write_report")]
)
def test_a_table_or_page_is_made_again_from_what_is_there(demo: Demo, wanted: str, rule: str) -> None:
    assert plan_step(demo, wanted) == {rule: [{}]}


def test_every_step_of_the_docs_is_tested() -> None:
    assert len(STEPS) == 6


def test_a_second_run_has_nothing_to_do(demo: Demo) -> None:
    run = snakemake(demo.folder, "all", *DEMO, "--dry-run")
    assert run.status == 0
    assert "Nothing to be done" in run.text
    assert run.planned() == {}


def test_a_changed_sample_plans_only_what_depends_on_it(demo_copy: Path) -> None:
    """Small files must differ, not just be touched: Snakemake compares their checksums too."""
    folder = demo_copy / "results/demo/simulated"
    (folder / "amber_2.plus.bw").write_bytes((folder / "amber_1.plus.bw").read_bytes())
    planned = snakemake(demo_copy, "all", *DEMO, "--dry-run").planned()
    assert [job["sample"] for job in planned["check_sample"]] == ["amber_2"]
    assert {job["cell_type"] for job in planned["average_track"]} == {"amber"}
    assert {job["model"] for job in planned["train_model"]} == {"small-amber", "unet"}
    assert {job["model"] for job in planned["predict_chromosome"]} == {"small-amber", "unet"}
    assert not {"simulate", "prepare_genome", "prepare_annotation", "index_windows", "resolve_samples"} & set(planned)


def test_a_new_cell_type_plans_only_its_own_jobs(demo_copy: Path) -> None:
    for strand in ("plus", "minus"):
        source = demo_copy / f"results/demo/simulated/indigo_1.{strand}.bw"
        (demo_copy / f"mine.{strand}.bw").write_bytes(source.read_bytes())
    with (demo_copy / "config/demo/samples.tsv").open("a") as sheet:
        sheet.write("teal_1\tteal\tlocal\tmine.plus.bw\tmine.minus.bw\t\n")
    with (demo_copy / "config/demo/cell_types.tsv").open("a") as sheet:
        sheet.write("teal\n")
    planned = snakemake(demo_copy, "all", *DEMO, "--dry-run").planned()
    assert len(planned["average_track"]) == 2
    assert len(planned["train_model"]) == 1
    for rule, jobs in planned.items():
        if rule in GATHERERS:
            continue
        for job in jobs:
            if job.get("comparison") == "mean_of_others":  # it is another one with a third cell type
                continue
            named = " ".join(job.values())
            assert "teal" in named, f"{rule} {job} does not belong to the new cell type"


def test_the_mean_of_cell_types_is_that_of_their_tracks(demo_copy: Path) -> None:
    """The demo's two cell types do not need it as a baseline: from three on, it is."""
    tracks = demo_copy / "results/demo/tracks"
    run = snakemake(demo_copy, "results/demo/tracks/mean.plus.bw", *DEMO)
    assert run.status == 0, run.text[-3000:]
    assert set(run.planned()) == {"average_cell_types"}
    observed = [read_bases(tracks / f"observed/{name}.plus.bw", "chr3") for name in ("amber", "indigo")]
    np.testing.assert_array_equal(
        read_bases(tracks / "mean.plus.bw", "chr3"), np.mean(observed, axis=0).astype(np.float32)
    )
