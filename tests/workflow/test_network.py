"""From queries to the report, through a server that answers like the real ones, faults included."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import yaml
from models import TINY, backbone_folder
from servers import encode as portal
from servers.faults import ALWAYS, Cut, Slow, Status
from servers.hub import HubModel
from servers.recount3 import GtexSample, recount3_files
from servers.server import GENCODE, UCSC, DataServer, with_checksums

from rnatracks.config.data import SimulatedGenomeSettings, SimulatedSampleSettings
from rnatracks.samples import simulate, simulated_files
from workflow.runs import REPOSITORY, close_network, snakemake

SETTINGS = SimulatedGenomeSettings(seed=3, chromosomes={"chr1": 14_000, "chr2": 9_000}, gap=500)
MODEL = {"backbone": "somebody/tiny", "head": {"channels": [4, 4]}}
QUERY = "assay_title=total RNA-seq&biosample_ontology.term_id=EFO:0002784"


@dataclass(frozen=True)
class World:
    """What the server serves, made once: the portal's library and static files by path."""

    library: portal.EncodeLibrary
    files: dict[str, bytes]
    signals: list[portal.EncodeFile]
    backbone: HubModel


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    genome = simulate.simulate_genome(SETTINGS)
    simulated_files.write_genome(genome, folder / "genome.fa.gz")
    simulated_files.write_annotation(genome, folder / "genes.gtf.gz")
    experiments, files = [], []
    for number in (1, 2):
        donor = (portal.Replicate(1, 1, f"00{number}AAA"),)
        experiment = portal.EncodeExperiment(accession=f"ENCSR00{number}AAA", replicates=donor)
        sample = SimulatedSampleSettings(depth=number, noise=0.1, negative_minus=number == 2)
        plus, minus = folder / "plus.bw", folder / "minus.bw"
        simulated_files.write_sample(genome, SETTINGS, sample, cell_type_index=0, seed=number, plus=plus, minus=minus)
        files += [
            experiment.file(
                f"ENCFF00{number}AA{strand[0].upper()}",
                path.read_bytes(),
                output_type=f"{strand} strand signal of unique reads",
                mapped_read_length=101,
            )
            for strand, path in (("plus", plus), ("minus", minus))
        ]
        experiments.append(experiment)
    gtex = GtexSample(content=unstranded(plus, minus, folder / "both.bw"))
    static = with_checksums(UCSC, {"hg38.fa.gz": (folder / "genome.fa.gz").read_bytes()}, "md5sum.txt")
    static |= with_checksums(GENCODE, {"genes.gtf.gz": (folder / "genes.gtf.gz").read_bytes()}, "MD5SUMS")
    static |= recount3_files([gtex])
    backbone = HubModel.of_folder("somebody/tiny", backbone_folder(folder / "backbone", TINY, 512))
    return World(portal.EncodeLibrary(tuple(files), tuple(experiments)), static, files, backbone)


def unstranded(plus: Path, minus: Path, target: Path) -> bytes:
    """The sum of both strands' magnitudes."""
    strands = [pyBigWig.open(str(path)) for path in (plus, minus)]
    writer = pyBigWig.open(str(target), "w")
    writer.addHeader(list(SETTINGS.chromosomes.items()))
    for chrom, length in SETTINGS.chromosomes.items():
        values = sum(np.abs(np.nan_to_num(file.values(chrom, 0, length, numpy=True))) for file in strands)
        writer.addEntries(chrom, 0, values=values.astype(float), span=1, step=1)
    writer.close()
    return target.read_bytes()


@pytest.fixture
def server(world: World) -> Iterator[DataServer]:
    with DataServer(world.library, world.files, world.backbone) as running:
        yield running


def configure(folder: Path, server: DataServer, **changes: object) -> None:
    """Write the sheets and a configuration that asks the server for everything."""
    (folder / "samples.tsv").write_text("sample\tcell_type\tsource\tplus\tminus\tunstranded\n")
    (folder / "cell_types.tsv").write_text(
        "cell_type\tontology\tdescription\tencode_query\tgtex_tissue\tstranded\n"
        f"GM12878\tEFO:0002784\t\t{QUERY}\t\tyes\n"
        "blood\t\t\t\tBLOOD\tno\n"
    )
    config = {
        "genome": {
            "fasta": server.url(f"{UCSC}/hg38.fa.gz"),
            "md5": server.url(f"{UCSC}/md5sum.txt"),
            "chromosomes": list(SETTINGS.chromosomes),
        },
        "annotation": {"gtf": server.url(f"{GENCODE}/genes.gtf.gz"), "md5": server.url(f"{GENCODE}/MD5SUMS")},
        "blacklist": None,
        "samples": "samples.tsv",
        "cell_types": "cell_types.tsv",
        "sources": {"encode": server.url(), "recount3": server.url("/recount3"), "hub": server.url()},
        "windows": {"size": 512, "overlap": 128},
        "split": {"test": ["chr2"]},
        "models": {"tiny": MODEL | {"cell_types": "each"}},
        "training": {
            "epochs": 0.5,
            "global_batch_size": 4,
            "micro_batch_size": 4,
            "precision": "float32",
            "loader_workers": 0,
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config | changes))


def test_all_runs_without_a_network_once_everything_is_fetched(
    world: World, server: DataServer, tmp_path: Path
) -> None:
    """As on a cluster whose nodes reach nothing: `fetch` on the login node, then `all`."""
    configure(tmp_path, server, qc={"nonzero_means": "means.tsv"}, models={"tiny": MODEL | {"cell_types": ["blood"]}})
    (tmp_path / "means.tsv").write_text("track\tnonzero_mean\nblood.unstranded\t1\nGM12878.minus\t1e4\n")
    server.fail("/search/", Status(503))
    server.fail(world.signals[0].stored, Cut(2000))
    server.fail(f"{UCSC}/hg38.fa.gz", Status(503), Cut(1000))
    arguments = ("--configfile", "config.yaml", "--show-failed-logs")
    run = snakemake(tmp_path, "fetch", *arguments, environment={"HF_HUB_OFFLINE": "0"})
    assert run.status == 0, run.text[-5000:]
    asked = len(server.requests)
    run = snakemake(tmp_path, "all", *arguments, environment=close_network(tmp_path / "closed"))
    assert run.status == 0, run.text[-5000:]
    assert len(server.requests) == asked
    fetching = {"fetch_file", "fetch_weights", "resolve_samples"}
    assert not fetching & set(run.planned())
    card = (tmp_path / "results/models/tiny/README.md").read_text()
    assert f"Backbone: `somebody/tiny` at commit `{world.backbone.commit}`" in card

    resolved = pd.read_csv(tmp_path / "results/samples/resolved.tsv", sep="\t", dtype=str, keep_default_na=False)
    encode, gtex = (resolved[resolved["source"] == source] for source in ("encode", "gtex"))
    assert sorted(encode["sample"]) == ["ENCSR001AAA", "ENCSR002AAA"]
    assert set(encode["md5_plus"]) == {file.as_json(portal.Frame.OBJECT)["md5sum"] for file in world.signals[::2]}
    assert len(gtex) == 1
    assert resolved["reason"].ne("").all()
    assert {f"{name}.bw" for name in ("GM12878.plus", "GM12878.minus", "blood.unstranded")} <= {
        path.name for path in (tmp_path / "results/tracks/observed").iterdir()
    }
    asked = [(request.path, request.status, request.range) for request in server.requests]
    assert ("/search/", 503, None) in asked
    assert (f"{UCSC}/hg38.fa.gz", 206, "bytes=1000-") in asked
    assert (world.signals[0].stored, 206, "bytes=2000-") in asked
    assert_is_scaled_mean(tmp_path / "results/tracks/observed", world, tmp_path)
    page = (tmp_path / "results/report.html").read_text()
    assert ">ENCSR001AAA<" in page
    assert_nonzero_means_are_those_of_the_tracks(tmp_path / "results")
    assert "qc/nonzero_means.tsv" in page
    assert "have less than 0.4 or more than 2.5 times the published nonzero mean" in page or "1 of 2 has less" in page

    # The project as a whole may move: its links to downloads go along.
    moved = tmp_path.with_name("moved")
    tmp_path.rename(moved)
    run = snakemake(moved, "all", *arguments, "--dry-run")
    assert (run.status, run.planned()) == (0, {}), run.text[-3000:]
    moved.rename(tmp_path)
    assert ">4<" in page  # published samples of EFO:0002784

    # The resolved sheet alone repeats the run: nothing is asked, and nothing that is there is fetched again.
    before = len(server.requests)
    (tmp_path / "again.tsv").write_text((tmp_path / "results/samples/resolved.tsv").read_text())
    configure(tmp_path, server, samples="again.tsv", results="second")
    made = [f"second/qc/samples/GM12878/{name}.json" for name in encode["sample"]]
    run = snakemake(tmp_path, *made, "second/samples/resolved.tsv", "--configfile", "config.yaml")
    assert run.status == 0, run.text[-3000:]
    assert len(server.requests) == before
    again = pd.read_csv(tmp_path / "second/samples/resolved.tsv", sep="\t", dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(again, resolved)


def assert_nonzero_means_are_those_of_the_tracks(results: Path) -> None:
    """The means over bases with signal that pyBigWig and NumPy give, and the furthest from the published one first."""
    table = pd.read_csv(results / "qc/nonzero_means.tsv", sep="\t", index_col="track")
    published = {"blood.unstranded": 1.0, "GM12878.minus": 1e4}
    for track, mean in published.items():
        values = bases(results / f"tracks/observed/{track}.bw")
        assert table.loc[track, "nonzero_mean"] == pytest.approx(values[values > 0].mean(), rel=1e-6)
        assert table.loc[track, "ratio"] == pytest.approx(values[values > 0].mean() / mean, rel=1e-6)
    assert table.index.tolist() == ["blood.unstranded", "GM12878.minus"]  # thousands of times, and a few times
    assert (results / "figures/nonzero_means.svg").read_text().startswith("<?xml")


def assert_is_scaled_mean(tracks: Path, world: World, scratch: Path) -> None:
    """The observed tracks are NumPy's mean of the served files, each pair scaled to 1e8 by its magnitudes."""
    values = []
    for number, file in enumerate(world.signals):
        path = scratch / f"served{number}.bw"
        path.write_bytes(file.content)
        values.append(np.abs(bases(path)))
    totals = [values[0].sum() + values[1].sum(), values[2].sum() + values[3].sum()]
    for index, strand in enumerate(("plus", "minus")):
        expected = (values[index] * 1e8 / totals[0] + values[index + 2] * 1e8 / totals[1]) / 2
        np.testing.assert_allclose(bases(tracks / f"GM12878.{strand}.bw"), expected, rtol=1e-6)


def bases(path: Path) -> np.ndarray:
    with pyBigWig.open(str(path)) as file:
        parts = [file.values(chrom, 0, length, numpy=True) for chrom, length in SETTINGS.chromosomes.items()]
    return np.nan_to_num(np.concatenate(parts)).astype(float)


def noise(target: Path, seed: int) -> bytes:
    """A bigWig that is too large for one read: it hardly compresses."""
    rng = np.random.default_rng(seed)
    writer = pyBigWig.open(str(target), "w")
    writer.addHeader(list(SETTINGS.chromosomes.items()))
    for chrom, length in SETTINGS.chromosomes.items():
        writer.addEntries(chrom, 0, values=rng.random(length), span=1, step=1)
    writer.close()
    return target.read_bytes()


def test_a_killed_run_continues_from_the_bytes_it_had(world: World, tmp_path: Path) -> None:
    experiment = world.library.experiments[0]
    files = [replace(file, content=noise(tmp_path / "noise.bw", seed)) for seed, file in enumerate(world.signals[:2])]
    with DataServer(portal.EncodeLibrary(tuple(files), (experiment,)), world.files) as server:
        kill_and_continue(files[0], server, tmp_path)


def kill_and_continue(big: portal.EncodeFile, server: DataServer, tmp_path: Path) -> None:
    configure(tmp_path, server)
    server.fail(big.stored, Slow(20_000))
    target = "results/qc/samples/GM12878/ENCSR001AAA.json"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "--cores", "2", target]
    child = subprocess.Popen(
        [*command, "--configfile", "config.yaml"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (parts := [part for part in (tmp_path / "downloads").glob("*/ENCFF001AAP*.part") if part.stat().st_size]):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    had = parts[0].stat().st_size
    assert 0 < had < len(big.content)
    server.heal()

    for arguments in (("--unlock",), (target, "--rerun-incomplete")):
        run = snakemake(tmp_path, *arguments, "--configfile", "config.yaml")
        assert run.status == 0, run.text[-3000:]
    last = [request for request in server.requests if request.path == big.stored][-1]
    assert (last.status, last.range, last.sent) == (206, f"bytes={had}-", len(big.content) - had)
    assert (tmp_path / "downloads" / parts[0].parent.name / "ENCFF001AAP.bigWig").read_bytes() == big.content
    jobs_of_a_cluster_find_their_files(tmp_path, f"{parts[0].parent.name}/ENCFF001AAP.bigWig")


def jobs_of_a_cluster_find_their_files(folder: Path, key: str) -> None:
    """Each job of a cluster parses the workflow anew and sees only its own rule: so run some of them that way."""
    (folder / "results/qc/samples/GM12878/ENCSR001AAA.json").unlink()
    (folder / "results/downloads" / key).unlink()
    jobs = (
        ("fetch_file", f"key={key.split('/')[0]},name={key.split('/')[1]}", f"results/downloads/{key}"),
        ("check_sample", "cell_type=GM12878,sample=ENCSR001AAA", "results/qc/samples/GM12878/ENCSR001AAA.json"),
        ("average_track", "cell_type=GM12878,strand=plus", "results/tracks/observed/GM12878.plus.bw"),
    )
    for rule, wildcards, made in jobs:
        job = (
            "--target-jobs",
            f"{rule}:{wildcards}",
            "--allowed-rules",
            rule,
            "--mode",
            "remote",
            "--nolock",
            "--force",
        )
        run = snakemake(folder, *job, "--force", "--configfile", "config.yaml", cores=1)
        assert run.status == 0, run.text[-3000:]
        assert (folder / made).is_file()


def test_a_shared_download_is_checked_against_what_each_run_expects(
    world: World, server: DataServer, tmp_path: Path
) -> None:
    """A second run that expects other bytes is told so, and the first run's file stays as it was."""
    file = world.signals[0]
    sheet = "sample\tcell_type\tsource\tplus\tminus\tunstranded\tmd5_plus\tsize_plus\n"
    urls = "\t".join(server.url(signal.stored) for signal in world.signals[:2])
    key = None
    for name, md5 in (("first", ""), ("second", "0" * 32)):
        configure(tmp_path, server, results=name, genome=local_genome(tmp_path, world))
        (tmp_path / "cell_types.tsv").write_text("cell_type\tontology\tdescription\nGM12878\t\t\n")
        (tmp_path / "samples.tsv").write_text(f"{sheet}s1\tGM12878\turl\t{urls}\t\t{md5}\n")
        target = f"{name}/qc/samples/GM12878/s1.json"
        run = snakemake(tmp_path, target, "--configfile", "config.yaml", "--show-failed-logs")
        assert run.status == (1 if md5 else 0), run.text[-3000:]
        if not md5:
            (key,) = (tmp_path / "first/downloads").glob(f"*/{Path(file.stored).name}")
            stored = key.resolve()
            inode = stored.stat().st_ino
    assert "0" * 32 in run.text
    assert not list((tmp_path / "second/downloads").glob(f"*/{Path(file.stored).name}"))
    assert (stored.read_bytes(), stored.stat().st_ino) == (file.content, inode)


def local_genome(folder: Path, world: World) -> dict:
    (folder / "genome.fa.gz").write_bytes(world.files[f"{UCSC}/hg38.fa.gz"])
    return {"fasta": "genome.fa.gz", "chromosomes": list(SETTINGS.chromosomes)}


def test_a_found_sample_that_is_excluded_is_not_fetched(world: World, server: DataServer, tmp_path: Path) -> None:
    """Its file answers 404, as do a GTEx one, which is rejected, and one that the portal restricts."""
    withheld = [
        world.library.experiments[1].file(
            f"ENCFF003AA{strand[0].upper()}", output_type=f"{strand} strand signal of unique reads", extra=extra
        )
        for strand, extra in (("plus", {"restricted": True}), ("minus", {"no_file_available": True}))
    ]
    library = replace(world.library, files=(*world.library.files, *withheld))
    gtex = [GtexSample(external_id=f"GTEX-ABCD-000{number}-SM-5GHZ7.1", content=b"") for number in (1, 2)]
    good = next(content for path, content in world.files.items() if path.endswith(".ALL.bw"))
    with DataServer(library, world.files | recount3_files([replace(gtex[0], content=good), gtex[1]])) as found:
        configure(tmp_path, found, genome=local_genome(tmp_path, world), exclude=["ENCSR002AAA"])
        for path in (world.signals[2].stored, gtex[1].path):
            found.fail(path, Status(404, times=ALWAYS))
        targets = ("results/qc/samples.tsv", "results/samples/resolved.tsv", "results/tracks/observed/GM12878.plus.bw")
        run = snakemake(tmp_path, *targets, "--configfile", "config.yaml", "--show-failed-logs")
        assert run.status == 0, run.text[-3000:]
        fetched = {request.path for request in found.requests if request.method == "GET" and request.status == 200}
        assert {file.stored for file in world.signals[2:]}.isdisjoint(fetched)
    table = pd.read_csv(tmp_path / "results/qc/samples.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert dict(zip(table["sample"], table["excluded"], strict=True)) == {
        "ENCSR001AAA": "no",
        "ENCSR002AAA": "yes",
        gtex[0].external_id: "no",
    }
    rejected = pd.read_csv(tmp_path / "results/samples/rejected.tsv", sep="\t", index_col="accession")["reason"]
    assert rejected.to_dict() == {
        "ENCFF003AAP": "access to it is restricted",
        "ENCFF003AAM": "the portal says that no file is available",
        gtex[1].external_id: "its bigWig is not available at recount3: HTTP status 404 Not Found",
    }


def test_no_hits_stop_the_run_with_one_line(server: DataServer, tmp_path: Path) -> None:
    configure(tmp_path, server)
    sheet = tmp_path / "cell_types.tsv"
    sheet.write_text(sheet.read_text().replace("EFO:0002784\t\tassay_title=total", "EFO:0002784\t\tassay_title=absent"))
    run = snakemake(tmp_path, "results/qc/samples.tsv", "--configfile", "config.yaml", "--show-failed-logs")
    assert run.status == 1
    assert "Traceback" not in run.text
    assert "absent" in run.text
    assert not (tmp_path / "results/samples/resolved/GM12878.tsv").exists()
