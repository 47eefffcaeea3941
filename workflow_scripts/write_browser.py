"""The browser page: the loci, and the genes that are predicted best, missed and invented."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.evaluation.extreme_genes import find_standouts
from rnatracks.evaluation.scored_tracks import model_track
from rnatracks.figures.shown_tracks import read_shown_variants, shown_tracks
from rnatracks.genome.loci import read_loci
from rnatracks.genome.tables import read_exons, read_genes, read_sizes
from rnatracks.log import open_log
from rnatracks.report.browser_page import PageText, places_of, variant_places, write_browser
from rnatracks.tracks.expression import read_matrix, select_gene_types
from rnatracks.vocabulary import Track

open_log(snakemake.log[0])
given, params, settings = snakemake.input, snakemake.params, Settings.of(snakemake.config)
genes, tracks = read_genes(Path(given.genes)), [model_track(*each) for each in params.predicted]
found = find_standouts(
    select_gene_types(read_matrix(Path(given.observed_genes)), settings.genes.types),
    {model: read_matrix(Path(path)) for model, path in zip(params.models, given.predicted_genes, strict=True)},
    tracks,
    settings.held_out or settings.genome.chromosomes,
    settings.genes.pseudocount,
    settings.browser.genes,
)
places = places_of(read_loci(Path(given.loci), settings.loci_by_file), found, genes, read_sizes(Path(given.sizes)))
write_browser(
    Path(snakemake.output[0]),
    Path(snakemake.scriptdir).parent / "resources/browser.html.j2",
    [*places, *variant_places(read_shown_variants(params.variant_models, given.variants))],
    shown_tracks(map(Track.parse, params.observed), given.observed, tracks, given.predicted),
    genes,
    read_exons(Path(given.exons)),
    PageText(held_out=settings.held_out, left_out=params.left_out, pseudocount=settings.genes.pseudocount),
)
