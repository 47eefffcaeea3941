"""Training curve of one model."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import pandas as pd

from rnatracks.figures.style import write_svg
from rnatracks.figures.training_curve import training_curve
from rnatracks.log import open_log

open_log(snakemake.log[0])
write_svg(training_curve(pd.read_csv(snakemake.input[0], sep="\t")), Path(snakemake.output[0]))
