"""First-order effects next to exact ones, with the models of a finished demo: correlation, speed and a figure.

    python benchmarks/gradient_effects.py results/demo small-amber small-indigo unet --figure gradients.png

For each model and its first track, the genes of the held-out chromosome with the highest observed expression: the 300
bases before each transcription start site, and the 300 after it.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import spearmanr

from rnatracks.genome.annotation import read_gtf
from rnatracks.genome.loci import Region
from rnatracks.genome.sequence import Genome
from rnatracks.genome.windows import read_windows
from rnatracks.mutagenesis.measured import measured_gene
from rnatracks.mutagenesis.saturation import COLUMN_BASES, Method, mutagenesis
from rnatracks.prediction.predictor import load_predictor
from rnatracks.tracks.expression import read_matrix
from rnatracks.variants.alleles import Alleles
from rnatracks.vocabulary import Split, Track

BASES, PSEUDOCOUNT = 300, 0.01
PARTS = {"gene": (0, BASES), "promoter": (-BASES, 0)}  # in the direction of the gene, from its start


@dataclass(frozen=True)
class Compared:
    """Effects of the same changes, exact and of first order, and the seconds that both took."""

    exact: NDArray[np.float32]
    first_order: NDArray[np.float32]
    exact_seconds: float
    first_order_seconds: float


def compare(results: Path, model: str, number: int) -> Iterator[tuple[str, Compared]]:
    """Compare both methods on each part of `number` genes, on the model's first track."""
    genome = Genome(results / "reference/genome.fa")
    annotation = read_gtf(results / "reference/annotation.gtf.gz", genome.lengths)
    windows = read_windows(results / "windows/windows.bed.gz")
    held_out = set(windows.loc[windows["split"] == Split.TEST, "chrom"])
    predictor = load_predictor(results / "models" / model, batch_size=16)
    track = Track.parse(predictor.tracks[0])
    observed = read_matrix(results / "genes/observed.tsv.gz")
    chosen = observed[observed["chrom"].isin(held_out) & (observed["strand"] == track.strand.symbol)]
    alleles = Alleles.of(predictor, genome)
    genes = annotation.genes.set_index("gene_id", drop=False)
    for gene_id in chosen.sort_values(str(track), ascending=False).index[:number]:
        gene = genes.loc[gene_id]
        site, direction = (gene["start"], 1) if gene["strand"] == "+" else (gene["end"], -1)
        for part, offsets in PARTS.items():
            ends = sorted(int(site + direction * offset) for offset in offsets)
            region = Region(gene["chrom"], max(ends[0], 0), min(ends[1], genome.lengths[gene["chrom"]]))
            yield part, compare_region(alleles, region, measured_gene(gene, annotation, predictor.tracks))


def compare_region(alleles: Alleles, region: Region, measured) -> Compared:
    """Run both methods on one region; the present bases and N are left out."""
    found, seconds = [], []
    for method in Method:
        began = time.perf_counter()
        result = mutagenesis(alleles, region, measured, PSEUDOCOUNT, method)
        seconds.append(time.perf_counter() - began)
        changes = (result.bases[:, None] != COLUMN_BASES) & ~np.isnan(result.effects[..., 0])
        found.append(result.effects[..., 0][changes])
    return Compared(*found, *seconds)


def main() -> None:
    """Print a Markdown table, and draw each model's effects."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--genes", type=int, default=6)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    figure = Figure(figsize=(3.2 * len(options.models), 3.2), layout="constrained")
    every = figure.subplots(1, len(options.models), squeeze=False)[0]
    rows = ["| model | bases | changes | Pearson | Spearman | slope | exact | gradient |", "| --- " * 8 + "|"]
    for axes, model in zip(every, options.models, strict=True):
        parts = {part: [] for part in PARTS}
        for part, compared in compare(options.results, model, options.genes):
            parts[part].append(compared)
        for (part, each), colour in zip(parts.items(), ("#0072B2", "#E69F00"), strict=True):
            x, y = (np.concatenate([getattr(one, name) for one in each]) for name in ("first_order", "exact"))
            pearson, spearman, slope = np.corrcoef(x, y)[0, 1], spearmanr(x, y).statistic, np.polyfit(x, y, 1)[0]
            times = [sum(getattr(one, f"{name}_seconds") for one in each) for name in ("exact", "first_order")]
            numbers = f"{len(x):,} | {pearson:.2f} | {spearman:.2f} | {slope:.2f} | {times[0]:.1f} s | {times[1]:.2f} s"
            rows.append(f"| {model} | {part} | {numbers} |")
            axes.plot(
                x, y, ".", markersize=2, alpha=0.5, color=colour, label=f"{part}: r = {pearson:.2f}", zorder=-len(x)
            )
        axes.axline((0, 0), slope=1, color="#222222", linewidth=0.6)
        axes.set(title=model, xlabel="first-order log2 ratio", ylabel="exact log2 ratio")
        axes.legend(markerscale=4, loc="upper left", fontsize=7)
    sys.stdout.write("\n".join([*rows, ""]))
    if options.figure:
        figure.savefig(options.figure, dpi=110)


if __name__ == "__main__":
    main()
