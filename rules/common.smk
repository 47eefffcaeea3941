# The run, and what several stages need to name its files. All functions are here, as Snakemake's linter requires.
import functools
import os
import re
import signal
import sys
from pathlib import Path

from snakemake.logging import logger

# Not `workflow.basedir`: if another Snakefile imports this workflow as a module, that is the folder of that Snakefile.
ROOT = Path(str(workflow.current_basedir)).parent
if not ROOT.is_dir():
    sys.exit(f"rnatracks: {workflow.current_basedir}: found no folder; expected the Snakefile of a local clone")
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from rnatracks.config.settings import read_settings
from rnatracks.downloads.locations import check_location
from rnatracks.errors import InputError
from rnatracks.planning import checks, inputs
from rnatracks.planning.digests import digest, digest_of_files
from rnatracks.planning.requested_hours import RequestedHours
from rnatracks.planning.run import check_run, plan_run
from rnatracks.samples.sheets import read_samples
from rnatracks.vocabulary import Strand

# Slurm sends its warning signal to all processes of a job: training reacts to it, and Snakemake must not exit.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def path_prefixes(modifier):
    """Whether an importing workflow changes the paths of this one's rules."""
    return modifier and (modifier.prefix or modifier.modifies_prefixes or path_prefixes(modifier.inner_modifier))


CONFIG_FILES = ", ".join(map(os.path.relpath, workflow.configfiles)) or "config"

try:
    if path_prefixes(workflow.modifier.path_modifier):
        raise InputError(
            "module", "a prefix or replace_prefix", "results set in its config: the workflow reads files by name"
        )
    check_location("--configfile", CONFIG_FILES)
    RUN = plan_run(read_settings(config, CONFIG_FILES))
    if workflow.is_main_process:
        check_run(RUN)
except InputError as error:
    sys.exit(f"rnatracks: {error}")

if workflow.is_main_process and not any(isinstance(handler, RequestedHours) for handler in logger.handlers):
    logger.addHandler(RequestedHours(logger))

SETTINGS = RUN.settings
for key, warning in checks.warnings_of(SETTINGS).items() if workflow.is_main_process else ():
    logger.warning(f"rnatracks: {CONFIG_FILES}, {key}: {warning}")

# What scripts get. The original dictionary is not changed, because it may belong to an importing workflow.
config = {"settings": SETTINGS.model_dump(mode="json"), "files": CONFIG_FILES}
out = RUN.out


def growing(amount):
    """A resource that grows with each attempt of a job."""
    return lambda wildcards, attempt: amount * attempt


def any_of(names):
    """A regular expression for exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    cell_type=any_of(RUN.cell_types),
    strand=any_of(Strand),
    model=any_of(RUN.models),
    chrom=any_of(SETTINGS.genome.chromosomes),
    locus=any_of(SETTINGS.loci_by_file),
    sample=r"[\w.-]+",


BLACKLIST = inputs.path_of(RUN, RUN.references["blacklist"]) if SETTINGS.blacklist else []


@functools.cache
def read_resolved(path, cell_type):
    return read_samples(Path(path), [RUN.cell_types[cell_type]], SETTINGS.exclude)


def samples_of(cell_type):
    """Samples of a cell type; if they must be searched for, the DAG waits for the search."""
    if cell_type in RUN.located:
        return RUN.listed[cell_type]
    return read_resolved(checkpoints.resolve_samples.get(cell_type=cell_type).output.samples, cell_type)


def used_samples(*cell_types):
    """Samples that are used in the means of cell types: all except the excluded ones."""
    return [sample for name in cell_types for sample in RUN.used(samples_of(name))]


def sample_of(wildcards):
    """The sample that a job works on."""
    return next(sample for sample in samples_of(wildcards.cell_type) if sample.name == wildcards.sample)


@functools.cache
def files_to_fetch(searched):
    """Files to download, by key: references, listed samples, and samples in the sheets that searches wrote."""
    samples = [sample for name in RUN.located for sample in RUN.listed[name]]
    samples += [sample for name in searched for sample in read_resolved(out(f"samples/resolved/{name}.tsv"), name)]
    return inputs.files_to_fetch(RUN, samples)


def input_downloads(wildcards):
    """Paths of the links to all downloads of the run; this waits for all sample searches."""
    for name in RUN.searched:
        checkpoints.resolve_samples.get(cell_type=name)
    return [out(f"downloads/{key}") for key in files_to_fetch(tuple(RUN.searched))]


def file_to_fetch(wildcards):
    """The file behind a download. A job's own process sees no checkpoint, so this reads the sheets that exist."""
    there = {sheet.stem for sheet in Path(out("samples/resolved")).glob("*.tsv")} if RUN.searched else set()
    key = f"{wildcards.key}/{wildcards.name}"
    file = files_to_fetch(tuple(name for name in RUN.searched if name in there)).get(key)
    if file is None:
        raise WorkflowError(f"{out(f'downloads/{key}')}: found no sample or reference with this file; expected one")
    return vars(file) | {"kind": str(file.kind)}


def what_is_scored():
    """Everything that is scored; this waits for all sample searches."""
    return RUN.scored({name: used_samples(name) for name in RUN.predicted_cell_types})


def observed_tracks(cell_types, suffix):
    """Files of the observed tracks of cell types."""
    return [out(f"tracks/observed/{track}{suffix}") for name in cell_types for track in RUN.tracks_of[name]]


def names_of(tracks):
    """Names of tracks, for use as parameters."""
    return [str(track) for track in tracks]


def model_tracks(wildcards):
    """Names of the tracks of a model."""
    return names_of(RUN.tracks_of_model(wildcards.model))
