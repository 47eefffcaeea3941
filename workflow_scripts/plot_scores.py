"""Scores of all tracks as bars, and by chromosome."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

from pathlib import Path

from rnatracks.figures import write_svg
from rnatracks.jobs import open_log
from rnatracks.scorefigures import chromosome_scores, score_bars
from rnatracks.scoretables import read_scores

open_log(snakemake.log[0])
base, genes, by_chromosome = (read_scores(Path(path)) for path in snakemake.input)
write_svg(score_bars(base, genes), Path(snakemake.output.bars))
write_svg(chromosome_scores(by_chromosome), Path(snakemake.output.chromosomes))
