"""Gene models above observed and predicted coverage of every track, at one locus."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import pandas as pd

from rnatracks.evaluation.scored_tracks import model_track
from rnatracks.figures.locus import locus_figure
from rnatracks.figures.shown_tracks import shown_tracks
from rnatracks.figures.style import write_svg
from rnatracks.genome.loci import Region
from rnatracks.genome.tables import read_exons, read_genes
from rnatracks.log import open_log
from rnatracks.vocabulary import Track

open_log(snakemake.log[0])
genes, exons = read_genes(Path(snakemake.input.genes)), read_exons(Path(snakemake.input.exons))
loci = pd.read_csv(snakemake.input.loci, sep="\t", dtype={"locus": str, "chrom": str}, keep_default_na=False)
region = Region(**loci.set_index("locus").loc[snakemake.wildcards.locus])

shown = shown_tracks(
    map(Track.parse, snakemake.params.tracks),
    snakemake.input.observed,
    [model_track(*each) for each in snakemake.params.models],
    snakemake.input.predicted,
)
panels = [track.panel(region) for track in shown]
write_svg(locus_figure(region.chrom, region.start, region.end, genes, exons, panels), Path(snakemake.output[0]))
