"""Gene-level scores of every model and track, and of differences between cell types, by split."""

from pathlib import Path

from rnatracks.expression import read_matrix, select_gene_types
from rnatracks.jobs import open_log
from rnatracks.metrics import DIFFERENCE_COLUMNS, GENE_COLUMNS, difference_rows, gene_rows, write_scores
from rnatracks.terms import Split, Track

open_log(snakemake.log[0])
splits = {chrom: Split(split) for chrom, split in snakemake.params.splits.items()}


def matrix(path):
    return select_gene_types(read_matrix(Path(path)), snakemake.params.gene_types)


observed = matrix(snakemake.input.observed)
predicted = {
    model: matrix(path) for model, path in zip(snakemake.params.models, snakemake.input.predicted, strict=True)
}
genes = [
    row
    for model, track in snakemake.params.tracks
    for row in gene_rows(model, Track.parse(track), observed, predicted[model], splits)
]
differences = []
for family, (model_a, track_a), (model_b, track_b) in snakemake.params.pairs:
    both = predicted[model_a].assign(**{track_b: predicted[model_b][track_b]})
    tracks = (Track.parse(track_a), Track.parse(track_b))
    differences += difference_rows(family, tracks, observed, both, splits, snakemake.params.pseudocount)
write_scores(genes, GENE_COLUMNS, Path(snakemake.output.genes))
write_scores(differences, DIFFERENCE_COLUMNS, Path(snakemake.output.differences))
