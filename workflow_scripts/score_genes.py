"""Gene-level scores of every model and track, and of differences between cell types, by split."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

from pathlib import Path

import pandas as pd

from rnatracks.config.settings import chromosome_splits
from rnatracks.evaluation.differential import DIFFERENT_COLUMNS, Pair, difference_rows, most_different
from rnatracks.evaluation.gene_scores import GeneScoring, beside, gene_rows, read_halves
from rnatracks.evaluation.not_computed import REASON_COLUMNS, one_donor, pair_reasons, reasons, track_reasons, whose
from rnatracks.evaluation.references import baseline_columns, with_baselines
from rnatracks.evaluation.tables import DIFFERENCE_COLUMNS, GENE_COLUMNS, write_scores
from rnatracks.log import open_log
from rnatracks.tracks.expression import read_matrix, select_gene_types
from rnatracks.vocabulary import Track

open_log(snakemake.log[0])
params = snakemake.params
splits = chromosome_splits(snakemake.config)
scoring = GeneScoring(splits=splits, **params.bootstrap)


def matrix(path):
    return select_gene_types(read_matrix(Path(path)), snakemake.config["genes"]["types"])


observed = matrix(snakemake.input.observed)
predicted = {model: matrix(path) for model, path in zip(params.families, snakemake.input.predicted, strict=True)}
halves = read_halves(map(Path, snakemake.input.halves), params.half_sizes)

baselines = baseline_columns(params.baselines)
samples = {cell_type: sum(sizes) for cell_type, sizes in params.half_sizes.items()}
block_size = params.bootstrap["block_size"]

rows, known = [], {}
for model, name in params.tracks:
    track = Track.parse(name)
    near = beside(track, params.others[track.cell_type], observed, halves)
    rows += gene_rows(model, track, observed, predicted[model], near, scoring)
    known[track.cell_type, str(track.strand)] = track_reasons(
        samples=samples[track.cell_type],
        same_strand=params.same_strand[str(track.strand)],
        other=near.other is not None,
        block_size=block_size,
    )
rows = with_baselines(rows, params.families, params.baselines)

differences, different, known_pairs = [], [], {}
for family, (model_a, a), (model_b, b) in params.pairs:
    pair = Pair(family, Track.parse(a), Track.parse(b))
    both = pd.DataFrame({a: predicted[model_a][a], b: predicted[model_b][b]})
    differences += difference_rows(pair, observed, both, halves, params.pseudocount, scoring)
    different += most_different(pair, observed, both, params.pseudocount, splits)
    known_pairs[whose(pair.columns)] = pair_reasons(
        samples=(samples[pair.first.cell_type], samples[pair.second.cell_type]), block_size=block_size
    )
families = {family: family for family in params.families.values()}
differences = with_baselines(differences, families, params.baselines, "pearson")

gene_columns, difference_columns = [*GENE_COLUMNS, *baselines], [*DIFFERENCE_COLUMNS, *baselines]
empty = reasons("gene_expression", rows, gene_columns, known)
tracks = dict.fromkeys(Track.parse(name) for _, name in params.tracks)
empty += [one_donor("gene_expression", track) for track in tracks if track.cell_type in params.one_donor]
empty += reasons("differential", differences, difference_columns, known_pairs)

write_scores(rows, gene_columns, Path(snakemake.output.genes))
write_scores(differences, difference_columns, Path(snakemake.output.differences))
write_scores(different, DIFFERENT_COLUMNS, Path(snakemake.output.different))
write_scores(empty, REASON_COLUMNS, Path(snakemake.output.not_computed))
