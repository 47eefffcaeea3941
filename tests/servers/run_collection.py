"""The published collection against servers on this machine that stand in for ENCODE, recount3, UCSC and the Hub.

    cd tests
    python -m servers.run_collection search              # the search for all 396 cell types
    python -m servers.run_collection whole --number 24   # a whole run of so many, evenly spread over the sheet

Both use the shipped configuration and sheets, with a small simulated genome, made-up experiments and a tiny network.
They meet faults: a refused search and a broken download. They print seconds, jobs and what was made.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import yaml
from models import TINY, backbone_folder

from rnatracks.config.data import SimulatedGenomeSettings, SimulatedSampleSettings
from rnatracks.samples import simulate, simulated_files
from rnatracks.samples.sample import CellType
from rnatracks.samples.sheets import read_cell_types

from .collection import MadeUp, made_up
from .faults import Cut, Status
from .hub import HubModel
from .recount3 import recount3_files
from .server import GENCODE, UCSC, DataServer, with_checksums

REPOSITORY = Path(__file__).parents[2]
GENOME = SimulatedGenomeSettings(seed=3, chromosomes={"chr1": 14_000, "chr2": 9_000}, gap=500)
COLLECTION = REPOSITORY / "config" / "collection"
CONFIGS = [str(COLLECTION / "config.yaml")]
# Levels like those of the published tracks: the total of the human genome, for so many fewer bases.
TOTAL = 1e8 * sum(GENOME.chromosomes.values()) / 2.9e9


class Signals:
    """BigWigs of made-up samples, all different."""

    def __init__(self, genome: simulate.SimulatedGenome, folder: Path) -> None:
        self._genome, self._folder = genome, folder

    def __call__(self, place: int, number: int, output_type: str) -> bytes:
        """The bigWig of a sample, given the number of its cell type and its own; unstranded: the sum of both."""
        if number > 1:  # an experiment that is not to be chosen
            return b"not a bigWig"
        plus, minus = self._folder / "plus.bw", self._folder / "minus.bw"
        sample = SimulatedSampleSettings(depth=1 + number, noise=0.3)
        seed = 10 * place + number
        simulated_files.write_sample(
            self._genome, GENOME, sample, cell_type_index=place % 2, seed=seed, plus=plus, minus=minus
        )
        if output_type.startswith(("plus", "minus")):
            return (plus if output_type.startswith("plus") else minus).read_bytes()
        return both_strands(plus, minus, self._folder / "both.bw")


def both_strands(plus: Path, minus: Path, target: Path) -> bytes:
    """The sum of two bigWigs."""
    strands = [pyBigWig.open(str(path)) for path in (plus, minus)]
    writer = pyBigWig.open(str(target), "w")
    writer.addHeader(list(GENOME.chromosomes.items()))
    for chrom, length in GENOME.chromosomes.items():
        values = sum(np.nan_to_num(file.values(chrom, 0, length, numpy=True)) for file in strands)
        writer.addEntries(chrom, 0, values=values.astype(float), span=1, step=1)
    writer.close()
    return target.read_bytes()


def configure(folder: Path, server: DataServer, cell_types: list[CellType]) -> Path:
    """Write what differs from the shipped configuration: servers, genome, network, and sheets of some cell types."""
    names = {each.name for each in cell_types}
    for sheet, column in (("cell_types", "cell_type"), ("nonzero_means", "track")):
        rows = pd.read_csv(COLLECTION / f"{sheet}.tsv", sep="\t", comment="#", dtype=str, keep_default_na=False)
        rows[rows[column].str.split(".").str[0].isin(names)].to_csv(folder / f"{sheet}.tsv", sep="\t", index=False)
    small = {
        "results": "results",
        "genome": {
            "fasta": server.url(f"{UCSC}/hg38.fa.gz"),
            "md5": server.url(f"{UCSC}/md5sum.txt"),
            "chromosomes": list(GENOME.chromosomes),
        },
        "annotation": {"gtf": server.url(f"{GENCODE}/genes.gtf.gz"), "md5": server.url(f"{GENCODE}/MD5SUMS")},
        "blacklist": None,
        "samples": str(COLLECTION / "samples.tsv"),
        "cell_types": "cell_types.tsv",
        "sources": {
            "encode": server.url(),
            "recount3": server.url("/recount3"),
            "hub": server.url(),
            "gtex_samples": 2,
        },
        "normalisation": {"total": TOTAL},
        "windows": {"size": 512, "overlap": 128},
        "split": {"valid": [], "test": ["chr2"]},
        "models": {"genos": {"backbone": "somebody/tiny", "head": {"widths": [16, 24, 32]}}},
        "training": {
            **{"epochs": 1, "global_batch_size": 4, "micro_batch_size": 4, "precision": "float32"},
            "loader_workers": 0,
        },
        "evaluation": {"block_size": 1000, "resamples": 100},
        "qc": {"bin_size": 500, "nonzero_means": "nonzero_means.tsv"},
        "loci": ["chr2:1-2000"],
    }
    (folder / "small.yaml").write_text(yaml.safe_dump(small))
    return folder / "small.yaml"


def serve(folder: Path, world: MadeUp) -> DataServer:
    """The servers, with the made-up samples, a simulated genome and a tiny network."""
    genome = simulate.simulate_genome(GENOME)
    simulated_files.write_genome(genome, folder / "genome.fa.gz")
    simulated_files.write_annotation(genome, folder / "genes.gtf.gz")
    static = with_checksums(UCSC, {"hg38.fa.gz": (folder / "genome.fa.gz").read_bytes()}, "md5sum.txt")
    static |= with_checksums(GENCODE, {"genes.gtf.gz": (folder / "genes.gtf.gz").read_bytes()}, "MD5SUMS")
    backbone = HubModel.of_folder("somebody/tiny", backbone_folder(folder / "backbone", TINY, 512))
    return DataServer(world.encode, static | recount3_files(world.gtex), backbone)


def run(folder: Path, small: Path, target: str, cores: int) -> tuple[float, str]:
    """Run the workflow for a target; gives its seconds and its log."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), target]
    command += ["--cores", str(cores), "--configfile", *CONFIGS, str(small), "--show-failed-logs"]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "--set-threads", "train_model=1", "predict_chromosome=1"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout[-5000:])
    return time.perf_counter() - start, done.stdout


def main() -> None:
    """Search for all cell types, or run some of them, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["search", "whole"])
    parser.add_argument("--number", type=int, default=24, help="cell types of a whole run (default: 24)")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    cell_types = read_cell_types(COLLECTION / "cell_types.tsv")
    if arguments.what == "whole":
        cell_types = [cell_types[len(cell_types) * place // arguments.number] for place in range(arguments.number)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.what == "whole":
            world = made_up(cell_types, Signals(simulate.simulate_genome(GENOME), folder))
        else:
            world = made_up(cell_types, lambda *which: repr(which).encode())
        with serve(folder, world) as server:
            small = configure(folder, server, cell_types)
            server.fail("/search/", Status(503))
            server.fail(next(file for file in world.encode.files if file.file_format == "bigWig").stored, Cut(1000))
            target = "results/samples/resolved.tsv" if arguments.what == "search" else "all"
            seconds, text = run(folder, small, target, arguments.cores)
            requests = Counter(request.status for request in server.requests)
        resolved = pd.read_csv(folder / "results/samples/resolved.tsv", sep="\t", dtype=str)
        found = {name: sorted(rows["sample"]) for name, rows in resolved.groupby("cell_type")}
        if found != {name: sorted(samples[:2]) for name, samples in world.expected.items()}:
            sys.exit("the samples found are not the expected ones")
        jobs = len(re.findall(r"^(?:local)?(?:rule|checkpoint) \w+:$", text, re.MULTILINE))
        said = [f"{len(found)} cell types, {len(resolved)} samples, {jobs} jobs, {seconds:.0f} s"]
        said.append(f"responses by status: {dict(requests)}")
        if arguments.what == "whole":
            means = pd.read_csv(folder / "results/qc/nonzero_means.tsv", sep="\t")
            page = (folder / "results/report.html").read_text()
            shown = all(f">{track}</td>" in page for track in means["track"])
            said.append(f"{len(means)} tracks, all in the report's table: {shown}; {len(page) / 1e6:.1f} MB")
            said.append(means.head().to_string(index=False))
        sys.stdout.write("\n".join(said) + "\n")


if __name__ == "__main__":
    main()
