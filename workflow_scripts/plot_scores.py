"""Scores of all tracks as bars, and by chromosome."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.evaluation.tables import read_scores
from rnatracks.figures.scores import chromosome_scores, score_bars
from rnatracks.figures.style import write_svg
from rnatracks.log import open_log

open_log(snakemake.log[0])
base, genes, by_chromosome = (read_scores(Path(path)) for path in snakemake.input)
write_svg(score_bars(base, genes), Path(snakemake.output.bars))
write_svg(chromosome_scores(by_chromosome), Path(snakemake.output.chromosomes))
