"""Say what an environment holds: that it is there and works."""

from pathlib import Path

from rnatracks.files import write_json
from rnatracks.jobs import open_log
from rnatracks.provenance import Provenance, describe_commit, software_versions

open_log(snakemake.log[0])
write_json(Path(snakemake.output[0]), Provenance(describe_commit(Path(snakemake.scriptdir)), software_versions()))
