"""Record which files a cell type's samples have and why they were chosen, and which files were found but rejected."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from datetime import UTC, datetime
from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.log import open_log
from rnatracks.samples.search import resolve
from rnatracks.samples.sheets import read_cell_types, read_samples, write_rejected, write_rows

open_log(snakemake.log[0])
# Only the cell type's own rows are parameters of the rule, so rows of others do not trigger a new search.
settings = Settings.of(snakemake.config)
cell_types, excluded = read_cell_types(Path(settings.cell_types)), settings.exclude
listed = read_samples(Path(settings.samples), cell_types, excluded)
cell_type = next(known for known in cell_types if known.name == snakemake.wildcards.cell_type)
found = resolve(cell_type, listed, settings.sources, datetime.now(UTC).date(), excluded)
write_rows(Path(snakemake.output.samples), [sample.as_row() for sample in found.samples])
write_rejected(Path(snakemake.output.rejected), found.rejected)
