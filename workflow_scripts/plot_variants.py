"""Both alleles of a model's strongest variants, below gene models."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from itertools import zip_longest
from pathlib import Path

from rnatracks.figures.shown_tracks import allele_panels, read_shown_variants
from rnatracks.figures.style import write_svg
from rnatracks.figures.variant_effects import no_variant_figure, shown_region, variant_figure
from rnatracks.genome.tables import read_exons, read_genes
from rnatracks.log import open_log
from rnatracks.vocabulary import Track

open_log(snakemake.log[0])
given, model = snakemake.input, snakemake.wildcards.model
genes, exons = read_genes(Path(given.genes)), read_exons(Path(given.exons))
predicted = dict(zip(map(Track.parse, snakemake.params.tracks), map(Path, given.predicted), strict=True))
for shown, target in zip_longest(read_shown_variants([model], [given.table])[0], snakemake.output):
    figure = no_variant_figure()
    if shown is not None:
        region = shown_region(shown.variant, genes)
        figure = variant_figure(shown.variant, region, genes, exons, allele_panels(shown, region, predicted))
    write_svg(figure, Path(target))
