"""Mean coverage over the exons of 1,400 genes on a chromosome as long as chr22, for observed and predicted tracks.

Ours is what the workflow runs for each track. It is compared with the following, each on one core:

- deepTools: `multiBigwigSummary BED-file --metagene` on genes with merged exons (BED12), which gives the same matrix.
  Its times include about half a second of start-up. It takes long exons from zoom levels, so its means are approximate;
- pyBigWig: `stats(type="sum", exact=True)` exon by exon;
- pybigtools: `average_over_bed` on the exons, summed by gene.

    python benchmarks/03_gene_matrix.py [--folder FOLDER] [--json FILE]
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pybigtools
import pyBigWig
from harness import Bench, Measured, Numbers, Result, Target, Way, main, rows
from made_tracks import CHROM, LENGTH
from mean_tracks import observed, predicted, write_track

from rnatracks.genome.tables import EXON_COLUMNS, exonic_lengths, read_exons, read_genes, write_exons, write_genes
from rnatracks.tracks.bigwig import Coverage
from rnatracks.tracks.expression import exonic_means

CASES = {"observed": [f"observed_{n}" for n in range(4)], "predicted": [f"predicted_{n}" for n in range(2)]}
TRACKS = {"observed": observed, "predicted": predicted}
GENES, EXONS = 1400, 10


def make_data(folder: Path) -> None:
    """Mean tracks (runs of equal values), predicted tracks (a value per base), and genes, half of them expressed."""
    for case, names in CASES.items():
        for sample, name in enumerate(names):
            write_track(folder / f"{name}.bw", TRACKS[case](sample))
    rng = np.random.default_rng(0)
    expressed = np.flatnonzero(observed(0) > 0.5)
    centres = np.append(rng.choice(expressed, GENES // 2), rng.integers(LENGTH // 10, LENGTH, GENES // 2))
    exons = pd.concat([_exons(rng, f"gene{n:04}", centre) for n, centre in enumerate(centres)])
    exons = exons.sort_values(["chrom", "start", "end", "gene_id"], ignore_index=True)
    genes = exons.groupby("gene_id").agg(chrom=("chrom", "first"), start=("start", "min"), end=("end", "max"))
    genes = genes.assign(gene_name=genes.index, gene_type="", strand="+", shared_fraction=0.0).reset_index()
    write_genes(genes.assign(exonic_length=genes["gene_id"].map(exonic_lengths(exons))), folder / "genes.tsv.gz")
    write_exons(exons, folder / "exons.bed.gz")
    exons[["chrom", "start", "end", "gene_id"]].to_csv(folder / "exons.bed", sep="\t", header=False, index=False)
    lines = ("\t".join(map(str, _bed12(gene, exons))) + "\n" for gene, exons in exons.groupby("gene_id"))
    (folder / "genes.bed").write_text("".join(lines))


def _exons(rng: np.random.Generator, gene: str, centre: int) -> pd.DataFrame:
    """About ten disjoint exons, most of one or two hundred bases, in a gene of about 10 kb around `centre`."""
    size = int(np.clip(rng.lognormal(9.3, 1.3), 2000, 500_000))
    starts = np.sort(rng.choice(size, EXONS, replace=False)) + np.clip(centre - size // 2, 0, LENGTH - size - 5000)
    ends = np.minimum(starts + np.clip(rng.lognormal(5.1, 0.8, EXONS), 20, 5000).astype(int), [*(starts[1:]), LENGTH])
    return pd.DataFrame(dict(zip(EXON_COLUMNS, (CHROM, starts, ends, gene, "+"), strict=True)))


def _bed12(gene: str, exons: pd.DataFrame) -> list[object]:
    start, end = exons["start"].min(), exons["end"].max()
    sizes, offsets = (",".join(map(str, column)) for column in (exons["end"] - exons["start"], exons["start"] - start))
    return [CHROM, start, end, gene, 0, "+", start, end, 0, len(exons), sizes, offsets]


def ours(folder: Path, case: str) -> Numbers:
    genes, exons, means = read_genes(folder / "genes.tsv.gz"), read_exons(folder / "exons.bed.gz"), {}
    for name in CASES[case]:
        with Coverage(folder / f"{name}.bw") as coverage:
            means[name] = exonic_means(coverage, genes, exons)
    return _found(pd.DataFrame(means))


def deeptools(folder: Path, case: str) -> Numbers:
    """One command. Its table identifies a gene by the starts of its exons."""
    bigwigs, table = [folder / f"{name}.bw" for name in CASES[case]], folder / f"{case}.deeptools.tsv"
    command = [Path(sys.executable).parent / "multiBigwigSummary", "BED-file", "--metagene", "-p", "1", "-b", *bigwigs]
    command += ["--BED", folder / "genes.bed", "-o", folder / "deeptools.npz", "--outRawCounts", table]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    matrix = pd.read_csv(table, sep="\t", names=["chrom", "start", "end", *CASES[case]], comment="#")
    exons = read_exons(folder / "exons.bed.gz").groupby("gene_id")["start"]
    genes = {",".join(map(str, starts)): gene for gene, starts in exons}
    return _found(matrix.set_index(matrix["start"].astype(str).map(genes))[CASES[case]])


def pybigwig(folder: Path, case: str) -> Numbers:
    exons, means = read_exons(folder / "exons.bed.gz"), {}
    places = list(zip(exons["chrom"], exons["start"].tolist(), exons["end"].tolist(), strict=True))
    for name in CASES[case]:
        with pyBigWig.open(str(folder / f"{name}.bw")) as file:
            sums = [file.stats(*place, type="sum", exact=True)[0] for place in places]
        means[name] = exons.assign(sum=sums).groupby("gene_id")["sum"].sum() / exonic_lengths(exons)
    return _found(pd.DataFrame(means))


def by_pybigtools(folder: Path, case: str) -> Numbers:
    exons, means = read_exons(folder / "exons.bed.gz"), {}
    for name in CASES[case]:
        with pybigtools.open(str(folder / f"{name}.bw")) as file:
            sums = pd.DataFrame(file.average_over_bed(str(folder / "exons.bed"), names=4, stats="sum"))
        means[name] = sums.groupby(0)[1].sum() / exonic_lengths(exons)
    return _found(pd.DataFrame(means))


def _found(matrix: pd.DataFrame) -> Numbers:
    return {f"{gene} {track}": mean for track, means in matrix.items() for gene, mean in means.items()}


WAYS = [Way("ours", ours), Way("deepTools", deeptools), Way("pyBigWig", pybigwig), Way("pybigtools", by_pybigtools)]


def evaluate(bench: Bench, folder: Path) -> Result:
    lines, targets, remarks = [], [], []
    for case, names in CASES.items():
        measured = bench.measure(case)
        table = rows(3, f"gene x track matrix, {len(names)} {case} tracks", measured)
        lines += table
        ratios = {row.way: row.ratio for row in table}
        for way, wanted in (("deepTools", 10), ("pybigtools", 1)):
            showed = f"{ratios[way]:.3g} times"
            targets.append(Target(3, f"{case}: {wanted} times as fast as {way}", showed, ratios[way] >= wanted))
        remarks.append(f"{case} tracks: {_agreement(measured)}")
    return Result(lines, targets, remarks)


def _agreement(measured: dict[str, Measured]) -> str:
    """Differences relative to our means, or to 0.001 if these are smaller; stops if the ways disagree."""
    apart, mine = {}, measured["ours"].found
    for way in ("pyBigWig", "pybigtools", "deepTools"):
        found = measured[way].found
        if found.keys() != mine.keys():
            sys.exit(f"{way} and ours have different genes or tracks")
        apart[way] = np.array([abs(found[key] - mean) / max(mean, 0.001) for key, mean in mine.items()])
    near, off = max(apart["pyBigWig"].max(), apart["pybigtools"].max()), apart["deepTools"]
    if near > 1e-6 or np.median(off) > 0.05:
        sys.exit(f"means differ from ours by up to {near:.1e}, those of deepTools by a median of {np.median(off):.1%}")
    return (
        f"means differ from ours, in relative terms, by at most {apart['pybigtools'].max():.1e} (pybigtools) and "
        f"{apart['pyBigWig'].max():.1e} (pyBigWig), and by a median of {np.median(off):.1e} and at most "
        f"{off.max():.2g} (deepTools, from zoom levels)."
    )


if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate)
