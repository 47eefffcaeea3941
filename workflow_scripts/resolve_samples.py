"""Write down which files a cell type's samples are, why they were taken, and what was found and not taken."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

from datetime import UTC, datetime
from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.log import open_log
from rnatracks.samples.search import resolve
from rnatracks.samples.sheets import read_cell_types, read_samples, write_rejected, write_rows

open_log(snakemake.log[0])
# The cell type's own rows are parameters of the rule: rows of others are no reason to ask again.
settings = Settings.of(snakemake.config)
cell_types, excluded = read_cell_types(Path(settings.cell_types)), settings.exclude
listed = read_samples(Path(settings.samples), cell_types, excluded)
cell_type = next(known for known in cell_types if known.name == snakemake.wildcards.cell_type)
found = resolve(cell_type, listed, settings.sources, datetime.now(UTC).date(), excluded)
write_rows(Path(snakemake.output.samples), [sample.as_row() for sample in found.samples])
write_rejected(Path(snakemake.output.rejected), found.rejected)
