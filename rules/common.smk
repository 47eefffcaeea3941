# Configuration, sheets and helpers that every stage uses.
import functools
import itertools
import os
import re
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, f"{workflow.basedir}/workflow_scripts")

from rnatracks.config import (
    check_chromosomes,
    chromosome_splits,
    expand_models,
    is_url,
    known_chromosomes,
    locus_file_name,
    validate_config,
)
from rnatracks.errors import InputError
from rnatracks.files import download_path
from rnatracks.qc import check_headers
from rnatracks.samples import (
    all_located,
    check_local_files,
    read_cell_types,
    read_samples,
    simulated_samples,
    tracks_of,
)
from rnatracks.terms import Strand

CONFIG_FILES = ", ".join(os.path.relpath(path) for path in workflow.config_settings.configfiles) or "config/config.yaml"

try:
    CONFIG = validate_config(config, Path(workflow.basedir) / "config/schemas/config.schema.yaml", CONFIG_FILES)
    CELL_TYPES = {cell_type.name: cell_type for cell_type in read_cell_types(Path(CONFIG["cell_types"]))}
    SAMPLES = read_samples(Path(CONFIG["samples"]), list(CELL_TYPES.values()))
    MODELS = expand_models(CONFIG, list(CELL_TYPES))
    SIMULATED = Path(CONFIG["results"]) / "simulated" if CONFIG["simulate"] else None
    MADE = simulated_samples(SAMPLES, CONFIG["simulate"]["samples"], SIMULATED, CONFIG["samples"]) if SIMULATED else {}
    if workflow.is_main_process:
        known = known_chromosomes(CONFIG)
        if known is not None:
            check_chromosomes(CONFIG, known, CONFIG["genome"]["fasta"])
        check_headers(check_local_files(SAMPLES, SIMULATED, CONFIG["samples"]), CONFIG["genome"]["chromosomes"])
except InputError as error:
    sys.exit(f"rnatracks: {error}")

# What changes speed and not results is read from here by scripts, not as a parameter that triggers reruns.
config.clear()
config.update(CONFIG)

CHROMOSOMES = CONFIG["genome"]["chromosomes"]
SPLITS = {chrom: str(split) for chrom, split in chromosome_splits(CONFIG).items()}
TRACKS_OF = {name: tracks_of(cell_type, SAMPLES) for name, cell_type in CELL_TYPES.items()}
TRACKS = [track for tracks in TRACKS_OF.values() for track in tracks]
MODEL_TRACKS = [
    (name, track) for name, model in MODELS.items() for cell_type in model.cell_types for track in TRACKS_OF[cell_type]
]
# Cell types whose samples are all listed with paths or URLs; those of the others are searched for.
LOCATED = {name for name, cell_type in CELL_TYPES.items() if all_located(cell_type, SAMPLES)}
LOCI = {locus_file_name(locus): locus for locus in CONFIG["loci"]}
SPEED_KEYS = ["loader_workers", "gradient_checkpointing"]
SCORE_TABLES = ["base_resolution", "gene_expression", "differential"]


def out(path):
    """A path under the output root."""
    return f"{CONFIG['results']}/{path}"


def any_of(names):
    """A regular expression for exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    cell_type=any_of(CELL_TYPES),
    strand=any_of(Strand),
    model=any_of(MODELS),
    chrom=any_of(CHROMOSOMES),
    locus=any_of(LOCI),
    sample=r"[\w.-]+",


REFERENCES = {
    "genome": (CONFIG["genome"]["fasta"], CONFIG["genome"]["md5"], "fasta"),
    "annotation": (CONFIG["annotation"]["gtf"], CONFIG["annotation"]["md5"], "gtf"),
    "blacklist": (CONFIG["blacklist"], None, "bed"),
}
REMOTE = {}  # what the rule fetch_file has to know of a download, by its path: url, md5, size, kind


def local_path(location, md5, size, kind):
    """The file itself if it is local, or where its download goes."""
    if not is_url(location):
        return location
    path = download_path(CONFIG["downloads"], location)
    REMOTE[path] = {"url": location, "md5": md5, "size": size, "kind": kind}
    return path


def reference_file(name):
    location, md5, kind = REFERENCES[name]
    return local_path(location, md5, None, kind)


def signal_path(sample, strand):
    file = sample.files[strand]
    return local_path(file.location, file.md5, file.size, "bigwig")


def remote_file(wildcards):
    """What is known of a download: of the references, and of the samples found so far."""
    path = f"{CONFIG['downloads']}/{wildcards.key}/{wildcards.name}"
    if path not in REMOTE:
        for name in REFERENCES:
            if REFERENCES[name][0]:
                reference_file(name)
        for cell_type in CELL_TYPES:
            if cell_type in LOCATED or Path(out(f"samples/resolved/{cell_type}.tsv")).is_file():
                for sample in samples_of(cell_type):
                    for strand in sample.files:
                        signal_path(sample, strand)
    return REMOTE[path]


@functools.cache
def read_resolved(path, cell_type):
    return read_samples(Path(path), [CELL_TYPES[cell_type]])


def samples_of(cell_type):
    """Samples of a cell type; where they must be searched for, the DAG waits for the search."""
    if cell_type in LOCATED:
        return [sample for sample in SAMPLES if sample.cell_type == cell_type]
    return read_resolved(checkpoints.resolve_samples.get(cell_type=cell_type).output.samples, cell_type)


def sample_named(wildcards):
    return next(sample for sample in samples_of(wildcards.cell_type) if sample.name == wildcards.sample)


def observed_tracks(cell_types, suffix):
    return [out(f"tracks/observed/{track}{suffix}") for name in cell_types for track in TRACKS_OF[name]]


def model_tracks(wildcards):
    return [str(track) for name in MODELS[wildcards.model].cell_types for track in TRACKS_OF[name]]


def compared_models():
    """Pairs of tracks of two cell types that one family of models predicts, on one strand."""
    for family, group in itertools.groupby(MODELS.values(), key=lambda model: model.family):
        tracks = [(model.name, track) for model in group for name in model.cell_types for track in TRACKS_OF[name]]
        for (model_a, a), (model_b, b) in itertools.combinations(tracks, 2):
            if a.strand == b.strand and a.cell_type != b.cell_type:
                yield family, (model_a, str(a)), (model_b, str(b))
