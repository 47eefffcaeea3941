"""Write down which files a cell type's samples are, and why they were taken."""

from pathlib import Path

from rnatracks.errors import InputError
from rnatracks.jobs import open_log
from rnatracks.samples import write_rows

open_log(snakemake.log[0])
if not snakemake.params.listed:
    raise InputError(
        f"cell type {snakemake.wildcards.cell_type}",
        "samples named by query or accession",
        "rows of source local or url: finding files at ENCODE and recount3 is not built yet",
    )
write_rows(Path(snakemake.output[0]), [row | {"reason": "listed in the sample sheet"} for row in snakemake.params.rows])
