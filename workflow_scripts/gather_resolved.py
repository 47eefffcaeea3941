"""Put the samples of all cell types into one sheet, which can be used as `samples:`."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import pandas as pd

from rnatracks.config.settings import Settings
from rnatracks.files import write_table
from rnatracks.log import open_log
from rnatracks.samples.sample import check_excluded
from rnatracks.samples.sample_files import check_distinct
from rnatracks.samples.sheets import read_cell_types, read_samples, write_rows

open_log(snakemake.log[0])
settings = Settings.of(snakemake.config)
excluded, cell_types = settings.exclude, read_cell_types(Path(settings.cell_types))
samples = [
    sample
    for path, cell_type in zip(snakemake.input.samples, cell_types, strict=True)
    for sample in read_samples(Path(path), [cell_type], excluded)
]
check_distinct(samples, excluded)
check_excluded(excluded, samples, complete=True)
write_rows(Path(snakemake.output.samples), [sample.as_row() for sample in samples])
rejected = [pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in snakemake.input.rejected]
write_table(pd.concat(rejected), Path(snakemake.output.rejected))
