"""Fetch and verify one file in the shared downloads, and link to it."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

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
