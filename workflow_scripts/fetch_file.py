"""Fetch one file into the shared downloads, verified, and link to it."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

from pathlib import Path

from rnatracks.fetch import fetch_and_link
from rnatracks.jobs import open_log
from rnatracks.remote import DataFile, Kind

open_log(snakemake.log[0])
file = dict(snakemake.params.file)
fetch_and_link(
    DataFile(**file | {"kind": Kind(file["kind"])}),
    Path(snakemake.config["downloads"]),
    Path(snakemake.output[0]),
)
