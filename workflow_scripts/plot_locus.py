"""Gene models above observed and predicted coverage of every track, at one locus."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

from pathlib import Path

import pandas as pd

from rnatracks.figures.colours import Origin
from rnatracks.figures.locus import Panel, locus_figure
from rnatracks.figures.style import write_svg
from rnatracks.genome.annotation import Region, read_exons, read_genes
from rnatracks.log import open_log
from rnatracks.tracks.bigwig import Coverage
from rnatracks.vocabulary import Track

open_log(snakemake.log[0])
genes, exons = read_genes(Path(snakemake.input.genes)), read_exons(Path(snakemake.input.exons))
loci = pd.read_csv(snakemake.input.loci, sep="\t", dtype={"locus": str, "chrom": str}, keep_default_na=False)
region = Region(**loci.set_index("locus").loc[snakemake.wildcards.locus])


def panel(path, track, kind, model):
    parsed = Track.parse(track)
    label = f"{parsed.cell_type} {parsed.strand}" + (f"\n{model}" if model else "")
    with Coverage(path) as coverage:
        return Panel(
            label, kind, parsed.strand, coverage.values(region.chrom, region.start, region.end), parsed.cell_type
        )


panels = []
for track, path in zip(snakemake.params.tracks, snakemake.input.observed, strict=True):
    panels.append(panel(path, track, Origin.OBSERVED, None))
    panels += [
        panel(predicted, track, Origin.PREDICTED, model)
        for (model, name), predicted in zip(snakemake.params.models, snakemake.input.predicted, strict=True)
        if name == track
    ]
write_svg(locus_figure(region.chrom, region.start, region.end, genes, exons, panels), Path(snakemake.output[0]))
