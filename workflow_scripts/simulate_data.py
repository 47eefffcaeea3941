"""Make the built-in demo data: genome, annotation, blacklist and the samples' bigWigs."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.log import open_log
from rnatracks.samples.simulate import simulate_genome
from rnatracks.samples.simulated_files import write_annotation, write_blacklist, write_genome, write_sample

open_log(snakemake.log[0])
settings = Settings.of(snakemake.config).simulate
genome = simulate_genome(settings)
write_genome(genome, Path(snakemake.output.fasta))
write_annotation(genome, Path(snakemake.output.gtf))
write_blacklist(genome, Path(snakemake.output.blacklist))
cell_types = list(dict.fromkeys(cell_type for _, cell_type, _, _ in snakemake.params.samples))
for number, (name, cell_type, plus, minus) in enumerate(snakemake.params.samples):
    write_sample(
        genome,
        settings,
        settings.samples[name],
        cell_type_index=cell_types.index(cell_type),
        seed=number,
        plus=Path(plus),
        minus=Path(minus),
    )
