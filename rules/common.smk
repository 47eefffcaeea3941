# Configuration, sheets and helpers that every stage uses.
import functools
import hashlib
import itertools
import json
import os
import re
import signal
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from snakemake.logging import logger

# Not `workflow.basedir`: that is where the Snakefile lies that imports this workflow as a module, if one does.
ROOT = Path(str(workflow.current_basedir)).parent
if not ROOT.is_dir():
    sys.exit(
        f"rnatracks: {workflow.current_basedir}: found no folder; expected the Snakefile of a clone on this machine"
    )
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from rnatracks.tracks.bigwig import blocks
from rnatracks.report.browser_page import first_cell_types
from rnatracks.config.validation import (
    check_chromosomes,
    check_pairs,
    known_chromosomes,
    validate_config,
)
from rnatracks.errors import InputError
from rnatracks.genome.sequence import read_sizes
from rnatracks.downloads.locations import check_location, is_recorded
from rnatracks.model.plan import expand_models
from rnatracks.qc.checks import check_headers
from rnatracks.training.job import SPEED_SETTINGS
from rnatracks.downloads.data_file import DataFile, Kind
from rnatracks.planning.requested_hours import RequestedHours
from rnatracks.samples.sample_files import check_local_files
from rnatracks.samples.sample import (
    all_located,
    check_excluded,
    halves,
    neighbour,
    of_one_donor,
    simulated_samples,
    tracks_of,
)
from rnatracks.config.settings import chromosome_splits, loci_by_file, seam_chromosomes
from rnatracks.samples.sheets import read_cell_types, read_samples
from rnatracks.vocabulary import Strand

# Slurm sends its warning to all of a job's processes: the training heeds it, Snakemake must not end by it.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def path_prefixes(modifier):
    """Whether an importing workflow changes the paths of this one's rules."""
    return modifier is not None and bool(
        modifier.prefix or modifier.modifies_prefixes or path_prefixes(modifier.inner_modifier)
    )


CONFIG_FILES = ", ".join(map(os.path.relpath, workflow.configfiles)) or "config"

try:
    if path_prefixes(workflow.modifier.path_modifier):
        raise InputError(
            "module", "a prefix or replace_prefix", "results in its config: the workflow reads files by name"
        )
    check_location("--configfile", CONFIG_FILES)
    CONFIG = validate_config(config, ROOT / "config/schemas/config.schema.yaml", CONFIG_FILES)
    CELL_TYPES = {cell_type.name: cell_type for cell_type in read_cell_types(Path(CONFIG["cell_types"]))}
    SAMPLES = read_samples(Path(CONFIG["samples"]), list(CELL_TYPES.values()), CONFIG["exclude"])
    SAMPLES_OF = {name: [] for name in CELL_TYPES}
    for sample in SAMPLES:
        SAMPLES_OF[sample.cell_type].append(sample)
    # Cell types whose samples are all listed with paths or URLs; those of the others are searched for.
    LOCATED = {
        name for name, cell_type in CELL_TYPES.items() if all_located(cell_type, SAMPLES_OF[name], CONFIG["exclude"])
    }
    SEARCHED = [name for name in CELL_TYPES if name not in LOCATED]
    MODELS = expand_models(CONFIG, list(CELL_TYPES))
    SIMULATED = Path(CONFIG["results"]) / "simulated" if CONFIG["simulate"] else None
    MADE = simulated_samples(SAMPLES, CONFIG["simulate"]["samples"], SIMULATED, CONFIG["samples"]) if SIMULATED else {}
    if workflow.is_main_process:
        known = known_chromosomes(CONFIG)
        if known is not None:
            check_chromosomes(CONFIG, known, CONFIG["genome"]["fasta"])
        listed = [sample for sample in SAMPLES if sample.cell_type in LOCATED]
        check_excluded(CONFIG["exclude"], listed, complete=LOCATED == set(CELL_TYPES))
        used = [sample for sample in SAMPLES if sample.name not in CONFIG["exclude"]]
        check_headers(check_local_files(used, SIMULATED, CONFIG["samples"]), CONFIG["genome"]["chromosomes"])
except InputError as error:
    sys.exit(f"rnatracks: {error}")

if workflow.is_main_process and not any(isinstance(handler, RequestedHours) for handler in logger.handlers):
    logger.addHandler(RequestedHours(logger))

if workflow.is_main_process and not is_recorded(f"{CONFIG['results']}/reference/genome.fa"):
    logger.warning(
        f"rnatracks: {CONFIG_FILES}, results: found results in {CONFIG['results']} of which .snakemake has no record; "
        "expected the path and working directory with which they were made, as changed settings are not noticed here"
    )

# Scripts get these. The dictionary that came in is left as it was, as it is that of the importing workflow, if any.
config = CONFIG | {"config_files": CONFIG_FILES}

CHROMOSOMES = CONFIG["genome"]["chromosomes"]
SPLITS = {chrom: str(split) for chrom, split in chromosome_splits(CONFIG).items()}
TRACKS_OF = {name: tracks_of(cell_type, SAMPLES_OF[name]) for name, cell_type in CELL_TYPES.items()}
TRACKS = [track for tracks in TRACKS_OF.values() for track in tracks]
MODEL_TRACKS = [
    (name, track) for name, model in MODELS.items() for cell_type in model.cell_types for track in TRACKS_OF[cell_type]
]
HUB_MODELS = {model.weights_name: model for model in MODELS.values() if model.from_hub}
PREDICTED = list(dict.fromkeys(track for _, track in MODEL_TRACKS))
PREDICTED_CELL_TYPES = list(dict.fromkeys(track.cell_type for track in PREDICTED))
SAME_STRAND = Counter(track.strand for track in TRACKS)
# The cell type whose observed tracks stand in for a prediction; None where there is no other of its strandedness.
OTHER = {name: neighbour(name, TRACKS_OF) for name in CELL_TYPES}
STRANDS = list(dict.fromkeys(str(track.strand) for track in TRACKS))
LOCI = loci_by_file(CONFIG)
SCORE_TABLES = ["base_resolution", "gene_expression", "differential"]


def out(path):
    """A path under the output root."""
    return f"{CONFIG['results']}/{path}"


def digest(*values):
    """A parameter that changes with what a script reads from `snakemake.config` or a sheet, in place of it.

    Snakemake writes the parameters of reported rules into a script of its report without escaping them: no text
    of a user may be one of them, but for names of samples, cell types and models.
    """
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def contents_of(*patterns):
    """A digest of files of `resources/`, which a script finds beside its folder: as input files, their places count."""
    paths = sorted(path for pattern in patterns for path in (ROOT / "resources").glob(pattern))
    return digest(*(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths))


def growing(amount):
    """A resource of which a job gets more each time that it is tried again."""
    return lambda wildcards, attempt: amount * attempt


def any_of(names):
    """A regular expression for exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    cell_type=any_of(CELL_TYPES),
    strand=any_of(Strand),
    model=any_of(MODELS),
    chrom=any_of(CHROMOSOMES),
    part=rf"({any_of(CHROMOSOMES)})(\.\d+-\d+)?",
    locus=any_of(LOCI),
    weights=any_of(HUB_MODELS),
    sample=r"[\w.-]+",


REFERENCES = {
    "genome": DataFile(CONFIG["genome"]["fasta"], Kind.FASTA, CONFIG["genome"]["md5"]),
    "annotation": DataFile(CONFIG["annotation"]["gtf"], Kind.GTF, CONFIG["annotation"]["md5"]),
}
if CONFIG["blacklist"]:
    REFERENCES["blacklist"] = DataFile(CONFIG["blacklist"], Kind.BED)


def path_of(file):
    """The file itself if it is local, or where this run's link to its download goes."""
    return out(f"downloads/{file.key}") if file.remote else file.location


def signal_file(sample, strand):
    file = sample.files[strand]
    return DataFile(file.location, Kind.BIGWIG, file.md5, file.size)


def signal_path(sample, strand):
    return path_of(signal_file(sample, strand))


@functools.cache
def remote_files(searched):
    """All files to fetch, by their key: references, listed samples, and samples found for the cell types `searched`."""
    samples = [sample for name in LOCATED for sample in SAMPLES_OF[name]]
    samples += [sample for name in searched for sample in read_resolved(out(f"samples/resolved/{name}.tsv"), name)]
    used = [sample for sample in samples if sample.name not in CONFIG["exclude"]]
    files = [*REFERENCES.values(), *(signal_file(sample, strand) for sample in used for strand in sample.files)]
    return {file.key: file for file in files if file.remote}


def remote_file(wildcards):
    """What a download is. A job of its own sees no checkpoint, so this reads the sheets that are there."""
    sheets = {sheet.stem for sheet in Path(out("samples/resolved")).glob("*.tsv")} if SEARCHED else set()
    there = tuple(name for name in SEARCHED if name in sheets)
    key = f"{wildcards.key}/{wildcards.name}"
    files = remote_files(there)
    if key not in files:
        raise WorkflowError(f"{out(f'downloads/{key}')}: found no sample or reference with this file; expected one")
    return {name: str(value) if name == "kind" else value for name, value in asdict(files[key]).items()}


@functools.cache
def read_resolved(path, cell_type):
    return read_samples(Path(path), [CELL_TYPES[cell_type]], CONFIG["exclude"])


def samples_of(cell_type):
    """Samples of a cell type; where they must be searched for, the DAG waits for the search."""
    if cell_type in LOCATED:
        return SAMPLES_OF[cell_type]
    return read_resolved(checkpoints.resolve_samples.get(cell_type=cell_type).output.samples, cell_type)


def averaged(cell_type):
    """Samples of a cell type that are used, and count in its mean: all but the excluded ones."""
    return [sample for sample in samples_of(cell_type) if sample.name not in CONFIG["exclude"]]


def files_to_fetch(wildcards):
    """Where the links to all downloads of the run go; samples must have been searched for."""
    for name in SEARCHED:
        checkpoints.resolve_samples.get(cell_type=name)
    return [path_of(file) for file in remote_files(tuple(SEARCHED)).values()]


def sample_named(wildcards):
    return next(sample for sample in samples_of(wildcards.cell_type) if sample.name == wildcards.sample)


def signals_of(wildcards):
    sample = sample_named(wildcards)
    return [signal_path(sample, strand) for strand in sample.files]


def strands_of(wildcards):
    return [str(strand) for strand in sample_named(wildcards).files]


def samples_on(strand):
    """Samples of all cell types that are used and have a file of this strand."""
    here = [name for name, tracks in TRACKS_OF.items() if strand in [track.strand for track in tracks]]
    return [sample for name in here for sample in averaged(name)]


def excluded_samples(wildcards):
    """Each excluded sample with the tracks that it would count in."""
    return [
        (sample.name, str(track))
        for name, tracks in TRACKS_OF.items()
        for sample in samples_of(name)
        for track in tracks
        if sample.name in CONFIG["exclude"]
    ]


def observed_tracks(cell_types, suffix):
    return [out(f"tracks/observed/{track}{suffix}") for name in cell_types for track in TRACKS_OF[name]]


def model_tracks(wildcards):
    return [str(track) for name in MODELS[wildcards.model].cell_types for track in TRACKS_OF[name]]


def start_weights(wildcards):
    """Weights of the model that this one starts from: another model of the run, or those in a folder."""
    start = MODELS[wildcards.model].init_from
    if start is None:
        return []
    return [out(f"models/{start}/model.safetensors")] if start in MODELS else sorted(Path(start).glob("*.safetensors"))


def hub_weights(wildcards):
    """What says where the weights from the hub are, for a model with such a backbone."""
    model = MODELS[wildcards.model]
    return out(f"weights/{model.weights_name}.json") if model.from_hub else []


def parts_of(wildcards):
    """Parts of the whole genome, in its order; shards are known once the genome's lengths are."""
    size = CONFIG["prediction"]["shard_size"]
    if size is None:
        return CHROMOSOMES
    lengths = read_sizes(Path(checkpoints.prepare_genome.get().output.sizes))
    return [f"{chrom}.{start}-{end}" for chrom, start, end in blocks(lengths, size)]


def counted_exons(wildcards):
    """Exons over which the genes of a track are summed: what is left of them without shared bases, or all."""
    if CONFIG["genes"]["shared_exons"] == "count_for_each":
        return out("reference/exons.bed.gz")
    stranded = "unstranded" if wildcards.strand == Strand.UNSTRANDED else "stranded"
    return out(f"reference/exons_own.{stranded}.bed.gz")


def half_of(wildcards):
    """Samples of one half of a cell type's."""
    return halves(averaged(wildcards.cell_type))["ab".index(wildcards.half)]


def half_sizes(wildcards):
    """Number of samples in both halves of each predicted cell type's."""
    return {name: [len(half) for half in halves(averaged(name))] for name in PREDICTED_CELL_TYPES}


def cell_types_of_one_donor(wildcards):
    """Predicted cell types of whose samples the halves are those of one donor."""
    return [name for name in PREDICTED_CELL_TYPES if of_one_donor(averaged(name))]


def halved_tracks():
    """Predicted tracks that are means of two samples or more."""
    return [track for track in PREDICTED if len(averaged(track.cell_type)) > 1]


def compared_tracks(wildcards):
    """An observed track and what stands in for a prediction of it; or the means of two halves of its samples."""
    cell_type, strand = wildcards.cell_type, wildcards.strand
    observed = f"tracks/observed/{cell_type}.{strand}.bw"
    match wildcards.comparison:
        case "halves":
            observed, candidate = (f"tracks/halves/{cell_type}.{strand}.{half}.bw" for half in "ab")
        case "other_cell_type":
            candidate = f"tracks/observed/{OTHER[cell_type]}.{strand}.bw"
        case "mean_of_others":
            candidate = f"tracks/mean.{strand}.bw"
        case prediction:
            candidate = f"tracks/{prediction}/{cell_type}.{strand}.bw"
    return {"observed": out(observed), "candidate": out(candidate)}


def genes_of_halves(wildcards):
    """Exonic means of both halves of the samples behind every predicted track, where there are two samples."""
    return [out(f"genes/parts/halves/{track}.{half}.tsv.gz") for track in halved_tracks() for half in "ab"]


@functools.cache
def compared_models():
    """Pairs of tracks of two cell types that one family of models predicts, on one strand."""
    pairs = []
    everyone = CONFIG["evaluation"]["pairs"] == "all"
    for family, group in itertools.groupby(MODELS.values(), key=lambda model: model.family):
        tracks = [(model.name, track) for model in group for name in model.cell_types for track in TRACKS_OF[name]]
        for (model_a, a), (model_b, b) in itertools.combinations(tracks, 2):
            near = everyone or OTHER[a.cell_type] == b.cell_type or OTHER[b.cell_type] == a.cell_type
            if near and a.strand == b.strand and a.cell_type != b.cell_type:
                pairs.append((family, (model_a, str(a)), (model_b, str(b))))
    return pairs


try:
    check_pairs(CONFIG["evaluation"]["pairs"], len(compared_models()))
except InputError as error:
    sys.exit(f"rnatracks: {error}")
