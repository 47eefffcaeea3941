"""The strongest variants of a table of effects, its counts, and the sizes of its effects next to random changes."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.figures.style import write_svg
from rnatracks.figures.variant_effects import effect_distribution
from rnatracks.log import open_log
from rnatracks.variants.effect_summary import count_reasons, count_table, summarise_effects, write_summary

open_log(snakemake.log[0])
given, output = snakemake.input, snakemake.output
summary = summarise_effects(Path(given.effects))
random = summarise_effects(Path(given.background[0])) if given.background else None
counts = count_table(summary, random.variants if random else 0, count_reasons(Path(given.skipped)))
write_summary(summary.strongest, Path(output.strongest))
write_summary(counts, Path(output.counts))
title = f"{snakemake.wildcards.model}: {snakemake.wildcards.variants}"
write_svg(effect_distribution(summary.counts, random.counts if random else {}, title), Path(output.figure))
