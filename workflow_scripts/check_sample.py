"""Read and check a sample's bigWigs before anything is made from them."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

import logging
from dataclasses import replace
from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.downloads.fetch import size_and_md5, verify_md5
from rnatracks.files import write_json
from rnatracks.genome.tables import read_exons, read_sizes
from rnatracks.log import open_log
from rnatracks.qc.checks import check_sample, stop_on_flags
from rnatracks.vocabulary import Strand

open_log(snakemake.log[0])
settings = Settings.of(snakemake.config)
paths = [Path(path) for path in snakemake.input.signals]
for path, md5 in zip(paths, snakemake.params.md5, strict=True):
    verify_md5(path, md5)
check = check_sample(
    snakemake.wildcards.sample,
    snakemake.wildcards.cell_type,
    dict(zip(map(Strand, snakemake.params.strands), paths, strict=True)),
    read_sizes(Path(snakemake.input.sizes)),
    read_exons(Path(snakemake.input.exons)),
    whole_file=settings.normalisation.over == "all",
)
if settings.qc.stop_on_flags:
    stop_on_flags([check])
for problems in (check.problems(), *map(check.strand_problems, check.strands)):
    for flag, problem in problems.items():
        logging.warning("%s: %s", flag, problem)
md5 = {strand: size_and_md5(path)[1] for strand, path in zip(snakemake.params.strands, paths, strict=True)}
write_json(Path(snakemake.output[0]), replace(check, md5=md5))
