"""Input files of the jobs of a run, for use in rules."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..downloads.data_file import DataFile
from ..samples.sample import Sample, halves
from ..tracks.bigwig import blocks
from ..vocabulary import Strand, Track
from .run import Run

MAX_BROWSER_PANELS = 40  # with 12 regions of 8,192 bins and 2 bytes each, in base64, about 10 MB


def path_of(run: Run, file: DataFile) -> str:
    """Path of a local file, or of this run's link to a download."""
    return run.out(f"downloads/{file.key}") if file.remote else file.location


def signals(run: Run, samples: Iterable[Sample], strand: Strand | None = None) -> list[str]:
    """BigWigs of samples, for all their strands or for one."""
    return [
        path_of(run, file)
        for sample in samples
        for each, file in sample.bigwigs.items()
        if strand is None or each == strand
    ]


def checks(run: Run, samples: Iterable[Sample]) -> list[str]:
    """Results of the check of each sample."""
    return [run.out(f"qc/samples/{sample.cell_type}/{sample.name}.json") for sample in samples]


def half(samples: Sequence[Sample], name: str) -> list[Sample]:
    """One half of the samples, `a` or `b`."""
    return halves(samples)["ab".index(name)]


def files_to_fetch(run: Run, samples: Iterable[Sample]) -> dict[str, DataFile]:
    """Remote reference files, VCFs and bigWigs of the samples in use, by the key of their download."""
    files = [*run.named_files, *(file for sample in run.used(samples) for file in sample.bigwigs.values())]
    return {file.key: file for file in files if file.remote}


def start_weights(run: Run, model: str) -> list[str]:
    """Weight files of the model that a model starts from: another model of the run, or a model folder."""
    start = run.models[model].init_from
    if start in run.models:
        return [run.out(f"models/{start}/model.safetensors")]
    return [] if start is None else [str(path) for path in sorted(Path(start).glob("*.safetensors"))]


def hub_records(run: Run, model: str) -> list[str]:
    """Records of the weights from the Hugging Face Hub, for a model with such a backbone."""
    plan = run.models[model]
    return [run.out(f"weights/{plan.weights_name}.json")] if plan.from_hub else []


def predicted_parts(run: Run, model: str, lengths: Mapping[str, int] | None) -> list[str]:
    """Predictions of all parts of the genome, in order: chromosomes, or shards if their lengths are given."""
    parts = run.settings.genome.chromosomes
    if lengths is not None:
        shards = blocks(lengths, run.settings.prediction.shard_size)
        parts = [f"{chrom}.{start}-{end}" for chrom, start, end in shards]
    return [run.out(f"tracks/predicted/{model}/parts/{part}.npy") for part in parts]


def counted_exons(run: Run, strand: str) -> str:
    """Exons over which the genes of a track are summed: without bases shared by several genes, or complete."""
    if run.settings.genes.shared_exons == "count_for_each":
        return run.out("reference/exons.bed.gz")
    return run.out(f"reference/exons_own.{'unstranded' if strand == Strand.UNSTRANDED else 'stranded'}.bed.gz")


def mean_statistics(run: Run, cell_type: str, strand: str) -> list[str]:
    """Statistics of the observed tracks whose nonzero means are averaged into the m of a track."""
    own = Track(cell_type, Strand(strand))
    tracks = [own] if run.settings.normalisation.track_mean == "track" else run.tracks_of[cell_type]
    return [run.out(f"tracks/observed/{track}.json") for track in tracks]


def compared_tracks(run: Run, comparison: str, cell_type: str, strand: str) -> dict[str, str]:
    """An observed track and the track compared with it, a prediction or a baseline; or the means of two halves."""
    observed = f"tracks/observed/{cell_type}.{strand}.bw"
    match comparison:
        case "halves":
            observed, candidate = (f"tracks/halves/{cell_type}.{strand}.{name}.bw" for name in "ab")
        case "other_cell_type":
            candidate = f"tracks/observed/{run.other_cell_type[cell_type]}.{strand}.bw"
        case "mean_of_others":
            candidate = f"tracks/mean.{strand}.bw"
        case prediction:
            candidate = f"tracks/{prediction}/{cell_type}.{strand}.bw"
    return {"observed": run.out(observed), "candidate": run.out(candidate)}


def first_cell_types(panels: Mapping[str, int], limit: int = MAX_BROWSER_PANELS) -> list[str]:
    """Cell types of the browser page: the first ones whose panels together are at most `limit`, but at least one.

    Parameters
    ----------
    panels
        Number of panels of each cell type, observed and predicted.
    limit
        Most panels of a page.
    """
    totals = np.cumsum(list(panels.values()))
    return list(panels)[: max(1, int(np.searchsorted(totals, limit, side="right")))]
