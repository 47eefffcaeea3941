"""Planning the run of the published size: 667 tracks on chr1-22, 26,000 jobs, none of which runs.

    python benchmarks/07_plan.py

The sheets list 271 stranded and 71 unstranded ENCODE cell types and 54 GTEx tissues, as many as the 667 published
tracks come from, with three and ten samples each, all located, so that nothing is searched for; one model a cell type;
the rest is `config/config.yaml`. Measured is `snakemake --profile slurm -n --quiet rules all` in a fresh folder.
The peer is the floor that Snakemake itself sets: `plan_floor.smk` has the same number of jobs of every rule, with as
many wildcards, inputs and outputs, in rules that do nothing and ask for nothing. The third way is the part of ours
that reads configuration, sheets and rules, and plans nothing.
"""

import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import yaml
from harness import REPOSITORY, Bench, Numbers, Result, Target, Way, main, rows
from published_run import CHROMOSOMES, KINDS, TRACKS

PLANNED = ["-n", "--quiet", "rules", "all"]


def make_data(folder: Path) -> None:
    """Write the sheets, the configuration and the floor's numbers."""
    shutil.copytree(REPOSITORY / "slurm", folder / "ours/slurm")
    config = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
    config["evaluation"]["pairs"] = "neighbours"
    cell_types = [["cell_type", "ontology", "description", "encode_query", "gtex_tissue", "stranded"]]
    samples = [["sample", "cell_type", "source", "plus", "minus", "unstranded", "donor"]]
    for kind, each in KINDS.items():
        stranded = "plus" in each.strands
        for number in range(each.cell_types):
            name = f"{kind}{number:03}"
            tissue = "" if each.source == "encode" else "LIVER"
            cell_types.append([name, "", "", "", tissue, "yes" if stranded else "no"])
            for sample in range(each.samples):
                url = f"https://files.example.org/{name}_{sample}"
                files = [f"{url}.plus.bw", f"{url}.minus.bw", ""] if stranded else ["", "", f"{url}.bw"]
                samples.append([f"{name}_{sample}", name, each.source, *files, f"donor{sample}"])
    (folder / "ours/config").mkdir()
    (folder / "ours/config/config.yaml").write_text(yaml.safe_dump(config))
    for name, lines in (("cell_types", cell_types), ("samples", samples)):
        (folder / f"ours/config/{name}.tsv").write_text("".join("\t".join(line) + "\n" for line in lines))
    (folder / "floor").mkdir()
    shape = {"kinds": {kind: asdict(each) for kind, each in KINDS.items()}, "chromosomes": CHROMOSOMES}
    (folder / "floor/shape.json").write_text(json.dumps(shape))


def plan(folder: Path, *arguments: str) -> Numbers:
    """Plan in a fresh copy of the folder: the jobs of each rule, and CPU seconds."""
    with tempfile.TemporaryDirectory() as fresh:
        shutil.copytree(folder, fresh, dirs_exist_ok=True)
        command = [sys.executable, "-m", "snakemake", *arguments]
        pipe, out = subprocess.PIPE, subprocess.STDOUT
        run = subprocess.run(command, cwd=fresh, stdout=pipe, stderr=out, text=True, check=False)
    if run.returncode:
        sys.exit(run.stdout[-3000:])
    table = re.search(r"^Job stats:\n.*\n-.*\n((?:.+\n)+)", run.stdout, re.MULTILINE)
    jobs = Counter()
    for line in table[1].splitlines() if table else []:
        name, number = line.split()
        jobs[name.split("__")[0]] += int(number)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {**jobs, "CPU seconds": used.ru_utime + used.ru_stime}


def ours(folder: Path) -> Numbers:
    return plan(folder / "ours", "-s", str(REPOSITORY / "Snakefile"), "--profile", "slurm", *PLANNED)


def floor(folder: Path) -> Numbers:
    return plan(folder / "floor", "-s", str(REPOSITORY / "benchmarks/plan_floor.smk"), "--cores", "1", *PLANNED)


def parsing(folder: Path) -> Numbers:
    return plan(folder / "ours", "-s", str(REPOSITORY / "Snakefile"), "--list-rules")


WAYS = [
    Way("ours", ours),
    Way("floor: the same jobs in rules that do nothing", floor),
    Way("of ours: reading configuration, sheets and rules", parsing),
]


def evaluate(bench: Bench, folder: Path) -> Result:
    measured = bench.measure()
    mine, bare, read = (measured[way.name] for way in WAYS)
    jobs, expected = ({k: n for k, n in each.found.items() if k != "CPU seconds"} for each in (mine, bare))
    if jobs != expected:
        apart = {name for name in {*jobs, *expected} if jobs.get(name) != expected.get(name)}
        sys.exit(f"the floor has other numbers of jobs: {', '.join(sorted(apart))}")
    total = int(jobs["total"])
    cpu, least = (each.found["CPU seconds"] for each in (mine, bare))
    times, each_job = mine.median / bare.median, mine.median / total
    remarks = [
        f"Plan of {total:,} jobs: {cpu:.0f} s of CPU time, the floor {least:.0f} s; {each_job * 1000:.2g} ms a job, "
        f"{times:.2g} times what Snakemake takes for jobs that have nothing; {read.median:.2g} s are reading.",
    ]
    return Result(
        rows(7, f"plan of {TRACKS} tracks, {total:,} jobs", measured),
        [Target(7, "plan of 667 tracks in less than 30 s", f"{mine.median:.3g} s", mine.median < 30)],
        remarks,
    )


if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate, repeats=2)
