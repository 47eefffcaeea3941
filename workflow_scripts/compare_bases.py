"""Compare a track base by base with a prediction or its stand-in: sums by block, and a sample of bases."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.evaluation.base_scores import write_sums
from rnatracks.evaluation.base_sums import CountedBases, MeanOfOthers, compare, write_base_sample
from rnatracks.genome.bed import read_bed
from rnatracks.genome.regions import IntervalSet, RegionClassifier
from rnatracks.genome.sequence import Genome
from rnatracks.genome.tables import read_exons
from rnatracks.log import open_log
from rnatracks.tracks.bigwig import Coverage
from rnatracks.tracks.squash import strand_pair_mean
from rnatracks.vocabulary import Strand

open_log(snakemake.log[0])
files, params = snakemake.input, snakemake.params
classes = RegionClassifier(
    read_exons(Path(files.bodies)), read_exons(Path(files.exons)), Strand(snakemake.wildcards.strand)
)
blacklist = IntervalSet(read_bed(Path(files.blacklist))) if files.get("blacklist") else None
with Coverage(files.observed) as observed, Coverage(files.candidate) as candidate:
    comparison = compare(
        observed,
        MeanOfOthers(candidate, observed, params.tracks_in_mean) if params.tracks_in_mean else candidate,
        CountedBases(Genome(Path(files.fasta)), classes, blacklist),
        params.chromosomes,
        nonzero_mean=strand_pair_mean(map(Path, files.statistics)),
        block_size=params.block_size,
        sample_bases=params.sample_bases,
        seed=params.seed,
        details=params.details,
    )
write_sums(comparison.sums, Path(snakemake.output.sums))
write_base_sample(comparison, Path(snakemake.output.sample))
