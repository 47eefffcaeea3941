"""Fetch one file into the shared downloads, verified, and link to it."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.downloads.data_file import DataFile, Kind
from rnatracks.downloads.fetch import fetch_and_link
from rnatracks.log import open_log

open_log(snakemake.log[0])
file = dict(snakemake.params.file)
fetch_and_link(
    DataFile(**file | {"kind": Kind(file["kind"])}),
    Path(Settings.of(snakemake.config).downloads),
    Path(snakemake.output[0]),
)
