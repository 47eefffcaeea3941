"""Nonzero means of the observed tracks next to published ones: a table and a figure."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

import json
from pathlib import Path

from rnatracks.figures.nonzero_means import nonzero_mean_scatter
from rnatracks.figures.style import write_svg
from rnatracks.files import read_text, write_table
from rnatracks.log import open_log
from rnatracks.qc.nonzero_means import MAX_FOLD, compare_nonzero_means
from rnatracks.tracks.average import TrackStatistics

open_log(snakemake.log[0])
statistics = (TrackStatistics(**json.loads(read_text(Path(path)))) for path in snakemake.input)
table = compare_nonzero_means(statistics, snakemake.params.published)
write_table(table, Path(snakemake.output.table))
write_svg(nonzero_mean_scatter(table, MAX_FOLD), Path(snakemake.output.figure))
