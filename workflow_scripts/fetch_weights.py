"""Fetch a backbone from the Hugging Face Hub into the shared downloads, and record where it is."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.files import write_json
from rnatracks.log import open_log
from rnatracks.model.hub_weights import fetch_weights

open_log(snakemake.log[0])
settings = Settings.of(snakemake.config)
weights = fetch_weights(
    snakemake.params.hub_id, snakemake.params.revision, Path(settings.downloads) / "hub", settings.sources.hub
)
write_json(Path(snakemake.output[0]), weights)
