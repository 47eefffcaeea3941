"""Planning a run of the published size: 667 tracks on chr1-22, 26,000 jobs, none of which is run.

    python benchmarks/07_plan.py

The sheets list 271 stranded and 71 unstranded ENCODE cell types and 54 GTEx tissues, the numbers behind the 667
published tracks, with three (ENCODE) and ten (GTEx) samples each. All have URLs, so nothing is searched for. There is
one model per cell type; everything else is as in `config/config.yaml`. The command is
`snakemake --profile slurm -n --quiet rules all` in a fresh folder. The part that only reads configuration, sheets and
rules is also measured. The share of Snakemake itself was measured once: 41 of 72 s, for the same number of jobs,
wildcards, inputs and outputs in rules that do nothing.
"""

import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import yaml
from harness import REPOSITORY, Bench, Numbers, Result, Target, Way, main, rows
from published_run import KINDS, TRACKS

PLANNED = ["-n", "--quiet", "rules", "all"]


def make_data(folder: Path) -> None:
    """Write the sheets and the configuration."""
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


def parsing(folder: Path) -> Numbers:
    return plan(folder / "ours", "-s", str(REPOSITORY / "Snakefile"), "--list-rules")


WAYS = [
    Way("ours", ours),
    Way("ours: only reading configuration, sheets and rules", parsing),
]


def evaluate(bench: Bench, folder: Path) -> Result:
    measured = bench.measure()
    mine, read = (measured[way.name] for way in WAYS)
    total, cpu = int(mine.found["total"]), mine.found["CPU seconds"]
    remarks = [
        f"Plan of {total:,} jobs: {cpu:.0f} s of CPU time, {mine.median / total * 1000:.2g} ms per job; reading takes "
        f"{read.median:.2g} s."
    ]
    return Result(
        rows(7, f"plan of {TRACKS} tracks, {total:,} jobs", measured),
        [Target(7, "plan of 667 tracks in less than 30 s", f"{mine.median:.3g} s", mine.median < 30)],
        remarks,
    )


if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate, repeats=2)
