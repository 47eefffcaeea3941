"""The browser page: the loci, and the genes that are predicted best, missed and invented."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

from pathlib import Path

from rnatracks.config.settings import chromosome_splits, loci_by_file
from rnatracks.evaluation.extreme_genes import find_standouts
from rnatracks.genome.annotation import locate, read_exons, read_genes
from rnatracks.genome.loci import read_loci
from rnatracks.genome.sequence import read_sizes
from rnatracks.log import open_log
from rnatracks.report.browser_page import PageText, Place, Source, Why, write_browser
from rnatracks.tracks.expression import read_matrix, select_gene_types
from rnatracks.vocabulary import Split, Track

open_log(snakemake.log[0])
config, params, sizes = snakemake.config, snakemake.params, read_sizes(Path(snakemake.input.sizes))
genes = read_genes(Path(snakemake.input.genes))
tracks = [(model, Track.parse(track)) for model, track in params.predicted]
splits = chromosome_splits(config)
held_out = [chrom for chrom, split in splits.items() if split == Split.TEST]

found = find_standouts(
    select_gene_types(read_matrix(Path(snakemake.input.observed_genes)), config["genes"]["types"]),
    {
        model: read_matrix(Path(path))
        for model, path in zip(params.models, snakemake.input.predicted_genes, strict=True)
    },
    tracks,
    held_out or list(splits),
    params.pseudocount,
    params.number,
)
places = [
    Place(name=name, why=Why.LOCUS, region=region)
    for name, region in read_loci(Path(snakemake.input.loci), loci_by_file(config)).items()
]
places += [
    Place(name=gene.gene_name, why=why, region=locate(gene.gene_id, genes, sizes), gene=gene)
    for why, chosen in ((Why.BEST, found.best), (Why.MISSED, found.missed), (Why.INVENTED, found.invented))
    for gene in chosen
]
sources = []
for name, path in zip(params.observed, snakemake.input.observed, strict=True):
    track = Track.parse(name)
    sources.append(Source(track, Path(path)))
    sources += [
        Source(track, Path(predicted), model)
        for (model, other), predicted in zip(tracks, snakemake.input.predicted, strict=True)
        if other == track
    ]
write_browser(
    Path(snakemake.output[0]),
    Path(snakemake.scriptdir).parent / "resources/browser.html.j2",
    places,
    sources,
    genes,
    read_exons(Path(snakemake.input.exons)),
    PageText(held_out=held_out, left_out=params.left_out, pseudocount=params.pseudocount),
)
