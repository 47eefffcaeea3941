"""Make the built-in demo data: genome, annotation, blacklist and the samples' bigWigs."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

from pathlib import Path

from rnatracks.log import open_log
from rnatracks.simulate import (
    SimulatedSample,
    SimulationSettings,
    simulate_genome,
    write_annotation,
    write_blacklist,
    write_genome,
    write_sample,
)

open_log(snakemake.log[0])
settings = SimulationSettings(**snakemake.params.settings)
genome = simulate_genome(settings)
write_genome(genome, Path(snakemake.output.fasta))
write_annotation(genome, Path(snakemake.output.gtf))
write_blacklist(genome, Path(snakemake.output.blacklist))
cell_types = list(dict.fromkeys(sample["cell_type"] for sample in snakemake.params.samples))
for number, sample in enumerate(snakemake.params.samples):
    write_sample(
        genome,
        settings,
        SimulatedSample(
            cell_type_index=cell_types.index(sample["cell_type"]),
            depth=sample["depth"],
            noise=sample["noise"],
            negative_minus=sample["negative_minus"],
            seed=number,
        ),
        plus=Path(sample["plus"]),
        minus=Path(sample["minus"]),
    )
