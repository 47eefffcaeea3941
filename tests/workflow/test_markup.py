"""Texts that would be script in a page, wherever a user may write them: no page runs them, and their changes count.

The small finished run is also predicted in shards.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from bigwigs import read_bases, write_bases
from browser import visit

from workflow.runs import REPOSITORY, snakemake

IMAGE = '"><img src=x onerror=alert({})>'  # without a slash, as it is a folder's name here, too
LENGTHS = {"1<svg": 6000, '2"onload=alert(2)': 4000}
NAME = "<img src=x onerror=alert(8)>"
GENE = f'1<svg\tx\t{{}}\t101\t1500\t.\t+\t.\tgene_id "G1"; gene_name "{NAME}"; gene_type "\'<b x";\n'
LOCI = [NAME, '2"onload=alert(2):101-1,500']
SHOW_ALL = """async () => {
    const painted = () => new Promise(done => setTimeout(done, 5));
    for (const path of Object.keys(results)) { app.showResultInfo(path); await painted(); }
    for (const category of Object.keys(categories)) { app.showCategory(category); await painted(); }
    for (const name of Object.keys(rules)) { app.setView({ navbarMode: "ruleinfo", ruleinfo: name }); await painted(); }
    return [Object.keys(results).length, Object.keys(rules).length];
}"""


def write_data(folder: Path) -> None:
    rng = np.random.default_rng(0)
    folder.mkdir()
    with (folder / "genome.fa").open("w") as fasta:
        for chrom, length in LENGTHS.items():
            fasta.write(f">{chrom}\n{''.join(rng.choice(list('ACGT'), length))}\n")
    (folder / "genes.gtf").write_text(GENE.format("gene") + GENE.format("exon"))
    for name in ("A", "B"):
        write_bases(
            folder / f"{name}.bw",
            {chrom: np.repeat(rng.gamma(0.5, 4, length // 50), 50) for chrom, length in LENGTHS.items()},
        )


def configure(folder: Path, data: str) -> None:
    """Texts that could be markup in paths, chromosomes, genes, loci, gene types, URLs, descriptions and reasons."""
    config = {
        "results": f"results{IMAGE.format(3)}",
        "genome": {"fasta": f"{data}/genome.fa", "chromosomes": list(LENGTHS)},
        "annotation": {"gtf": f"{data}/genes.gtf"},
        "samples": "samples.tsv",
        "cell_types": "cell_types.tsv",
        "sources": {"hub": f"https://example.org/{IMAGE.format(4)}"},
        "qc": {"bin_size": 100},
        "genes": {"types": ["'<b x"]},
        "loci": LOCI,
        "windows": {"size": 256, "overlap": 64},
        "split": {"test": ['2"onload=alert(2)']},
        "evaluation": {"block_size": 500, "resamples": 100, "sample_bases": 1000},
        "models": {
            "m": {
                "cell_types": ["A", "B"],
                "backbone": {"type": "dilated_cnn", "hidden_size": 8, "num_hidden_layers": 2},
                "head": {"channels": [4]},
            }
        },
        "training": {
            "epochs": 1,
            "global_batch_size": 8,
            "micro_batch_size": 8,
            "precision": "float32",
            "loader_workers": 0,
            "stop_unless_falling": False,
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    quoted = data.replace('"', '""')
    samples = ["sample\tcell_type\tsource\tplus\tminus\tunstranded\treason"]
    samples += [f'{name}\t{name}\tlocal\t\t\t"{quoted}/{name}.bw"\tjavascript:alert(5)' for name in ("A", "B")]
    (folder / "samples.tsv").write_text("\n".join(samples) + "\n")
    (folder / "cell_types.tsv").write_text(
        "cell_type\tontology\tdescription\nA\tCL:0000624\t<img src=x onerror=alert(6)>\nB\t\t<script>alert(7)\n"
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Working directory of a small run with `out.html`, the report of Snakemake."""
    folder = tmp_path_factory.mktemp("markup")
    data = f"data{IMAGE.format(1)}"
    write_data(folder / data)
    configure(folder, data)
    for arguments in ((), ("--report", "out.html")):
        run = snakemake(folder, "all", "--configfile", "config.yaml", "--show-failed-logs", *arguments)
        assert run.status == 0, run.text[-5000:]
    return folder


def test_a_dialog_of_a_page_is_an_error(tmp_path: Path) -> None:
    """What the next tests look for can be seen."""
    (tmp_path / "page.html").write_text("<img src=x onerror=alert(9)>")
    with visit(tmp_path / "page.html") as visited:
        visited.page.wait_for_timeout(100)
        assert "CONSOLE error: a dialog, 9" in visited.log
        assert visited.page.locator("img[src=x]").count() == 1


def test_snakemake_s_report_runs_no_text_of_a_user(finished: Path, tmp_path: Path) -> None:
    """Every result, category and rule is shown, as their captions and parameters become elements only then."""
    with visit(finished / "out.html") as visited:
        visited.page.wait_for_selector("text=Provenance")
        results, rules = visited.page.evaluate(SHOW_ALL)
        assert results > 20
        assert rules > 20
        assert [line for line in visited.log if "error" in line] == []
        assert visited.page.locator("img[src=x]").count() == 0


def test_parameters_of_reported_rules_hold_names_and_numbers(finished: Path) -> None:
    """Or digests: what is in quotes is a name."""
    text = (finished / "out.html").read_text()
    found = set(re.findall(r'"params": "((?:[^"\\]|\\.)*)"', text))
    assert len(found) > 8
    assert {character for params in found for character in params} <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-=, :'()[]{}/"
    )
    assert not any("data" in params or "results" in params for params in found)


@pytest.mark.parametrize("name", ["report.html", "browser.html"])
def test_our_pages_run_no_text_of_a_user(finished: Path, tmp_path: Path, name: str) -> None:
    with visit(finished / f"results{IMAGE.format(3)}" / name) as visited:
        assert visited.log == []
        assert visited.page.locator("img[src=x]").count() == 0
        shown = visited.page.content()
    assert "onerror=alert(8)" in shown


def test_the_report_describes_cell_types_and_chromosomes(finished: Path, tmp_path: Path) -> None:
    with visit(finished / f"results{IMAGE.format(3)}" / "report.html") as visited:
        tables = [
            [row.locator("td").all_text_contents() for row in table.locator("tbody tr").all()]
            for table in visited.page.locator("#data table").all()[:2]
        ]
        warned = visited.page.locator("#warnings").text_content() or ""
    assert tables[0] == [
        ["A", "CL:0000624", "<img src=x onerror=alert(6)>", "1", "–", "0"],
        ["B", "–", "<script>alert(7)", "1", "–", "0"],
    ]
    assert [row[:6] for row in tables[1]] == [
        ["1<svg", "train", "6,000", "0", "–", "1"],
        ['2"onload=alert(2)', "test", "4,000", "0", "–", "0"],
    ]
    share = float(tables[1][1][6])
    assert f'The annotation has no gene on 2"onload=alert(2) ({share:.1%} of the samples' in warned


@pytest.fixture
def moved(finished: Path, tmp_path: Path) -> Path:
    """The finished run in another place, to change."""
    return shutil.copytree(finished, tmp_path / "moved", copy_function=shutil.copy2)


def planned(folder: Path, snakefile: Path = REPOSITORY / "Snakefile") -> dict[str, int]:
    """Number of jobs by rule."""
    run = snakemake(folder, "all", "--configfile", "config.yaml", "--dry-run", snakefile=snakefile)
    assert run.status == 0, run.text[-3000:]
    return {rule: len(jobs) for rule, jobs in run.planned().items() if rule != "all"}


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def describe_otherwise(folder: Path) -> None:
    replace(folder / "cell_types.tsv", "alert(6)", "alert(60)")


def score_all_genes(folder: Path) -> None:
    config = yaml.safe_load((folder / "config.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump(config | {"genes": {}}))


def read_genome(path: Path) -> np.ndarray:
    return np.concatenate([read_bases(path, chrom) for chrom in LENGTHS])


PAGES = {"write_browser": 1, "write_report": 1}
LOCI_PAGES = {"locate_loci": 1, "plot_locus": 2, "write_session": 1} | PAGES
CHANGES = {
    describe_otherwise: {"write_report": 1},
    score_all_genes: LOCI_PAGES | {"plot_track": 2, "plot_differences": 1, "score_genes": 1, "plot_scores": 1},
}


@pytest.mark.parametrize(("change", "jobs"), CHANGES.items(), ids=[change.__name__ for change in CHANGES])
def test_a_changed_text_plans_the_jobs_that_read_it(
    moved: Path, change: Callable[[Path], None], jobs: dict[str, int]
) -> None:
    change(moved)
    assert planned(moved) == jobs


def test_a_moved_repository_plans_nothing_until_a_page_changes(moved: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    for name in ("rules", "envs", "resources", "config", "workflow_scripts"):
        shutil.copytree(REPOSITORY / name, copy / name)
    shutil.copy(REPOSITORY / "Snakefile", copy)
    assert planned(moved, copy / "Snakefile") == {}
    replace(copy / "resources/browser_drawing.js", "\n", "\n\n")
    assert planned(moved, copy / "Snakefile") == {"write_browser": 1}
    replace(copy / "resources/captions/seams.rst", " ", "  ")
    assert planned(moved, copy / "Snakefile") == PAGES
    shutil.copy(REPOSITORY / "resources/captions/seams.rst", copy / "resources/captions")
    shutil.copy(REPOSITORY / "resources/browser_drawing.js", copy / "resources")
    replace(copy / "resources/report.css", "\n", "\n\n")
    assert planned(moved, copy / "Snakefile") == {"write_report": 1}


def test_shards_give_the_same_tracks_and_a_lost_one_is_repeated_alone(moved: Path) -> None:
    """Also when the last step is a job of its own, as a cluster runs it."""
    config = yaml.safe_load((moved / "config.yaml").read_text()) | {"prediction": {"shard_size": 4096}}
    (moved / "config.yaml").write_text(yaml.safe_dump(config))
    folder, configured = f"{config['results']}/tracks/predicted/m", ("--configfile", "config.yaml")
    tracks = [f"{folder}/{name}.unstranded.bw" for name in ("A", "B")]
    whole = [read_genome(moved / track) for track in tracks]
    for track in tracks:
        (moved / track).unlink()
    run = snakemake(moved, *tracks, *configured, "--notemp")
    assert run.status == 0, run.text[-5000:]
    sharded = [read_genome(moved / track) for track in tracks]
    for before, after in zip(whole, sharded, strict=True):
        # Batches are composed otherwise, which moves a value by an ulp of float32, and seldom over a rounding's edge.
        np.testing.assert_allclose(after, before, rtol=1.001e-3)
        assert (after == before).mean() > 0.99

    assert len(list((moved / folder / "parts").iterdir())) == 2 + 1
    lost = "1<svg.4096-6000"
    (moved / folder / f"parts/{lost}.npy").unlink()
    (moved / tracks[0]).unlink()
    plan = snakemake(moved, tracks[0], *configured, "--notemp", "--dry-run").planned()
    assert plan == {
        "predict_chromosome": [{"model": "m", "part": lost}],
        "gather_prediction": [{"model": "m", "cell_type": "A", "strand": "unstranded"}],
    }
    assert snakemake(moved, f"{folder}/parts/{lost}.npy", *configured, "--notemp").status == 0
    job = "gather_prediction:model=m,cell_type=A,strand=unstranded"
    alone = ("--target-jobs", job, "--allowed-rules", "gather_prediction", "--mode", "remote", "--nolock", "--force")
    run = snakemake(moved, *alone, *configured, cores=1)
    assert run.status == 0, run.text[-5000:]
    np.testing.assert_array_equal(read_genome(moved / tracks[0]), sharded[0])
