"""One run of the workflow: its cell types, samples, tracks and models, and which tracks are compared."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..config.settings import Settings
from ..downloads.data_file import DataFile, Kind
from ..evaluation.baselines import neighbour
from ..evaluation.scored_tracks import ModelTrack, Scored, ScoredPair
from ..model.plan import ModelPlan, expand_models
from ..qc.checks import check_headers
from ..qc.nonzero_means import read_published_means
from ..samples.sample import CellType, Sample, all_located, check_excluded, halves, simulated_samples, tracks_of
from ..samples.sample_files import check_local_files
from ..samples.sheets import read_cell_types, read_samples
from ..vocabulary import Strand, Track
from .checks import check_chromosomes, check_pairs, check_vcfs, known_chromosomes


@dataclass(frozen=True)
class Run:
    """A run, as defined by its configuration and two sheets; created by `plan_run`.

    Parameters
    ----------
    settings
        The configuration.
    cell_types
        Cell types by name, in the order of the sheet.
    listed
        Samples in the sheet by cell type, including excluded ones.
    models
        Model plans by name.
    simulated
        Samples whose files the workflow simulates, by name.
    published_means
        Published nonzero means by track, from `qc.nonzero_means`; may be empty.
    """

    settings: Settings
    cell_types: Mapping[str, CellType]
    listed: Mapping[str, Sequence[Sample]]
    models: Mapping[str, ModelPlan]
    simulated: Mapping[str, Sample]
    published_means: Mapping[str, float]

    def out(self, path: str) -> str:
        """A path in the output folder."""
        return f"{self.settings.results}/{path}"

    @cached_property
    def located(self) -> set[str]:
        """Cell types whose samples are all listed with paths or URLs, so that no search is needed."""
        excluded = self.settings.exclude
        return {name for name, each in self.cell_types.items() if all_located(each, self.listed[name], excluded)}

    @property
    def searched(self) -> list[str]:
        """Cell types whose samples must be searched for."""
        return [name for name in self.cell_types if name not in self.located]

    @cached_property
    def tracks_of(self) -> dict[str, tuple[Track, ...]]:
        """Tracks by cell type."""
        return {name: tracks_of(each, self.listed[name]) for name, each in self.cell_types.items()}

    @cached_property
    def tracks(self) -> list[Track]:
        """Observed tracks, in the order of the sheet."""
        return [track for tracks in self.tracks_of.values() for track in tracks]

    @property
    def strands(self) -> list[Strand]:
        """Strands with at least one track."""
        return list(dict.fromkeys(track.strand for track in self.tracks))

    @cached_property
    def same_strand(self) -> Counter[Strand]:
        """Number of tracks per strand."""
        return Counter(track.strand for track in self.tracks)

    def tracks_of_model(self, name: str) -> list[Track]:
        """Tracks that a model predicts, in the order of its outputs."""
        return [track for cell_type in self.models[name].cell_types for track in self.tracks_of[cell_type]]

    @cached_property
    def signals(self) -> list[ModelTrack]:
        """Every observed track, with an empty model name, each followed by its predictions."""
        place = {track: number for number, track in enumerate(self.tracks)}
        observed = [ModelTrack("", track) for track in self.tracks]
        return sorted([*observed, *self.model_tracks], key=lambda signal: place[signal.track])

    @cached_property
    def model_tracks(self) -> list[ModelTrack]:
        """All pairs of a model and one of its tracks."""
        return [ModelTrack(name, track) for name in self.models for track in self.tracks_of_model(name)]

    @cached_property
    def predicted(self) -> list[Track]:
        """Tracks predicted by at least one model, without duplicates."""
        return list(dict.fromkeys(track for _, track in self.model_tracks))

    @property
    def predicted_cell_types(self) -> list[str]:
        """Cell types predicted by at least one model, without duplicates."""
        return list(dict.fromkeys(track.cell_type for track in self.predicted))

    @cached_property
    def other_cell_type(self) -> dict[str, str | None]:
        """The other cell type used as a baseline, by cell type; None if no other one has the same strands."""
        return {name: neighbour(name, self.tracks_of) for name in self.cell_types}

    @property
    def hub_models(self) -> dict[str, ModelPlan]:
        """One model for each backbone from the Hugging Face Hub, by the name of the weights."""
        return {model.weights_name: model for model in self.models.values() if model.from_hub}

    @cached_property
    def pairs(self) -> list[ScoredPair]:
        """Pairs of tracks of two cell types on the same strand, predicted by the same family of models."""
        other, everyone = self.other_cell_type, self.settings.evaluation.pairs == "all"
        pairs = []
        for family, group in itertools.groupby(self.models.values(), key=lambda model: model.family):
            tracks = [ModelTrack(model.name, track) for model in group for track in self.tracks_of_model(model.name)]
            for first, second in itertools.combinations(tracks, 2):
                a, b = first.track, second.track
                near = everyone or other[a.cell_type] == b.cell_type or other[b.cell_type] == a.cell_type
                if near and a.strand == b.strand and a.cell_type != b.cell_type:
                    pairs.append(ScoredPair(family, first, second))
        return pairs

    def scored(self, samples: Mapping[str, Sequence[Sample]]) -> Scored:
        """Tracks and pairs to score, given the samples in use of each predicted cell type."""
        return Scored(
            tracks=self.model_tracks,
            pairs=self.pairs,
            families={name: model.family for name, model in self.models.items()},
            others=self.other_cell_type,
            half_sizes={name: [len(half) for half in halves(used)] for name, used in samples.items()},
            baselines=self.settings.evaluation.baselines,
        )

    @cached_property
    def variants(self) -> dict[str, DataFile]:
        """VCF files by name."""
        return {name: DataFile(location, Kind.VCF) for name, location in self.settings.variants.files.items()}

    @cached_property
    def planted(self) -> str | None:
        """Name of the VCF with simulated changes, whose effects are known; None without one."""
        simulate = self.settings.simulate
        path = str(simulate.planted(self.settings.results)) if simulate and simulate.variants else None
        return next((name for name, file in self.variants.items() if file.location == path), None)

    @property
    def references(self) -> dict[str, DataFile]:
        """Reference files: `genome`, `annotation` and, if configured, `blacklist`."""
        genome, annotation = self.settings.genome, self.settings.annotation
        files = {
            "genome": DataFile(genome.fasta, Kind.FASTA, genome.md5),
            "annotation": DataFile(annotation.gtf, Kind.GTF, annotation.md5),
        }
        return files | ({"blacklist": DataFile(self.settings.blacklist, Kind.BED)} if self.settings.blacklist else {})

    @property
    def named_files(self) -> list[DataFile]:
        """Files that the configuration names: references and VCFs."""
        return [*self.references.values(), *self.variants.values()]

    def with_strand(self, strand: str) -> list[str]:
        """Cell types with a track on a strand."""
        return [name for name, tracks in self.tracks_of.items() if strand in [each.strand for each in tracks]]

    def excluded_from(self, samples: Iterable[Sample]) -> list[tuple[str, str]]:
        """Excluded samples, each with the tracks to which it would contribute."""
        return [
            (sample.name, str(track))
            for sample in samples
            for track in self.tracks_of[sample.cell_type]
            if sample.name in self.settings.exclude
        ]

    def used(self, samples: Iterable[Sample]) -> list[Sample]:
        """The samples that are not excluded."""
        return [sample for sample in samples if sample.name not in self.settings.exclude]


def plan_run(settings: Settings) -> Run:
    """Read the sheets and expand the models.

    Raises
    ------
    InputError
        If a sheet, a model, a simulated sample or the table of published nonzero means is invalid.
    """
    cell_types = read_cell_types(Path(settings.cell_types))
    samples = read_samples(Path(settings.samples), cell_types, settings.exclude)
    listed = {each.name: [] for each in cell_types}
    for sample in samples:
        listed[sample.cell_type].append(sample)
    simulated = {}
    if settings.simulate:
        folder = Path(settings.results, "simulated")
        simulated = simulated_samples(samples, settings.simulate.samples, folder, settings.samples)
    models = expand_models(settings.models, list(listed))
    published = {}
    if settings.qc.nonzero_means:
        tracks = [str(track) for each in cell_types for track in tracks_of(each, listed[each.name])]
        published = read_published_means(Path(settings.qc.nonzero_means), dict.fromkeys(tracks))
    return Run(settings, {each.name: each for each in cell_types}, listed, models, simulated, published)


def check_run(run: Run) -> None:
    """Check before any job: chromosomes, local files and their headers, VCFs, excluded samples, pairs of tracks.

    Raises
    ------
    InputError
        For the first problem found.
    """
    settings = run.settings
    check_pairs(settings.evaluation.pairs, len(run.pairs))
    known = known_chromosomes(settings)
    if known is not None:
        check_chromosomes(settings, known, settings.genome.fasta)
    located = [sample for name, samples in run.listed.items() if name in run.located for sample in samples]
    check_excluded(settings.exclude, located, complete=not run.searched)
    simulated = Path(settings.results, "simulated") if settings.simulate else None
    used = run.used(sample for samples in run.listed.values() for sample in samples)
    check_headers(check_local_files(used, simulated, settings.samples), settings.genome.chromosomes)
    check_vcfs({name: file for name, file in run.variants.items() if name != run.planted})
