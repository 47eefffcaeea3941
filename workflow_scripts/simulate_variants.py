"""Make changes of the simulated genome with known effects: a VCF, and the table of their effects."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.log import open_log
from rnatracks.samples.planted_changes import draw_changes
from rnatracks.samples.planted_effects import write_planted_effects
from rnatracks.samples.planted_vcf import write_planted_variants
from rnatracks.samples.simulate import simulate_genome

open_log(snakemake.log[0])
settings, params = Settings.of(snakemake.config).simulate, snakemake.params
genome = simulate_genome(settings)
changes = draw_changes(genome, chromosomes=params.chromosomes, count=params.number, seed=settings.seed)
planted = {f"planted_{number:04d}": change for number, change in enumerate(changes, 1)}
write_planted_variants(genome, planted, Path(snakemake.output.variants))
write_planted_effects(planted, params.cell_types, Path(snakemake.output.effects))
