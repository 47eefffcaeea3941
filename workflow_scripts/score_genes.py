"""Gene-level scores of every model and track, and of differences between cell types, by split."""

from pathlib import Path

import pandas as pd

from rnatracks.context import baseline_columns, with_baselines
from rnatracks.differences import DIFFERENT_COLUMNS, Pair, difference_rows, most_different
from rnatracks.expression import read_matrix, read_means, select_gene_types
from rnatracks.genescores import GeneScoring, beside, gene_rows
from rnatracks.jobs import open_log
from rnatracks.scoretables import DIFFERENCE_COLUMNS, GENE_COLUMNS, write_scores
from rnatracks.terms import Split, Track

open_log(snakemake.log[0])
params = snakemake.params
splits = {chrom: Split(split) for chrom, split in params.splits.items()}
scoring = GeneScoring(splits=splits, **params.bootstrap)


def matrix(path):
    return select_gene_types(read_matrix(Path(path)), params.gene_types)


observed = matrix(snakemake.input.observed)
predicted = {model: matrix(path) for model, path in zip(params.families, snakemake.input.predicted, strict=True)}
halves = {Path(path).name.removesuffix(".tsv.gz"): read_means(Path(path)) for path in snakemake.input.halves}

rows = []
for model, name in params.tracks:
    track = Track.parse(name)
    near = beside(track, params.others[track.cell_type], observed, halves)
    rows += gene_rows(model, track, observed, predicted[model], near, scoring)
rows = with_baselines(rows, params.families, params.baselines)

differences, different = [], []
for family, (model_a, a), (model_b, b) in params.pairs:
    pair = Pair(family, Track.parse(a), Track.parse(b))
    both = pd.DataFrame({a: predicted[model_a][a], b: predicted[model_b][b]})
    differences += difference_rows(pair, observed, both, params.pseudocount, scoring)
    different += most_different(pair, observed, both, params.pseudocount, splits)

write_scores(rows, [*GENE_COLUMNS, *baseline_columns(params.baselines)], Path(snakemake.output.genes))
write_scores(differences, DIFFERENCE_COLUMNS, Path(snakemake.output.differences))
write_scores(different, DIFFERENT_COLUMNS, Path(snakemake.output.different))
