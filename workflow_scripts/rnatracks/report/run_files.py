"""What a report describes: the run, and the files that it made."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from ..config.settings import Settings
from ..evaluation.scored_tracks import ModelTrack
from ..files import read_text
from ..model.plan import ModelPlan
from ..provenance import Provenance
from ..samples.sample import CellType
from .pictures import Gallery, gallery


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """The files of a run that its report shows; lists are in the order of models, tracks, pairs or strands.

    `nonzero_means` and `nonzero_mean_figure` are empty if no published nonzero means were given; what concerns variants
    is empty if there are none. It is in the order of models and, within a model, of the sets of variants, but
    `variant_loci`, which has `MAX_TOP` figures per model.
    """

    bases: Path
    all_genes: Path
    resolved: Path
    rejected: Path
    samples: Path
    signal: Path
    correlation: tuple[Path, ...]
    pca: tuple[Path, ...]
    statistics: tuple[Path, ...]
    nonzero_means: tuple[Path, ...]
    nonzero_mean_figure: tuple[Path, ...]
    base: Path
    genes: Path
    differences: Path
    different_genes: Path
    bars: Path
    chromosomes: Path
    training: tuple[Path, ...]
    base_scatters: tuple[Path, ...]
    gene_scatters: tuple[Path, ...]
    levels: tuple[Path, ...]
    difference_scatters: tuple[Path, ...]
    seams: tuple[Path, ...]
    loci: tuple[Path, ...]
    variant_counts: tuple[Path, ...]
    variant_strongest: tuple[Path, ...]
    variant_distributions: tuple[Path, ...]
    variant_tops: tuple[Path, ...]
    variant_loci: tuple[Path, ...]
    planted: tuple[Path, ...]
    planted_figures: tuple[Path, ...]
    logs: tuple[Path, ...]
    provenance: tuple[Path, ...]
    inputs: Path

    @classmethod
    def of(cls, named: Mapping[str, Any]) -> Self:
        """From the inputs of a rule, which have these names."""
        return cls(
            **{
                field.name: Path(named[field.name]) if field.type is Path else tuple(map(Path, named[field.name]))
                for field in fields(cls)
            }
        )


@dataclass(frozen=True, kw_only=True)
class Reported:
    """The run that a report describes.

    Parameters
    ----------
    settings, config_files
        The configuration, and the files that it was read from.
    cell_types, models
        Of the run, by name.
    tracks
        Every model with each of its tracks.
    pairs
        Pairs of tracks whose differences are drawn, by the names of the figures.
    strands
        Strands on which samples are compared.
    resources
        Folder of the templates and captions.
    variants
        Names of the sets of variants.
    made
        Commit and versions of the software that writes the report.
    """

    settings: Settings
    config_files: str
    cell_types: Mapping[str, CellType]
    models: Mapping[str, ModelPlan]
    tracks: Sequence[ModelTrack]
    pairs: Sequence[str]
    strands: Sequence[str]
    variants: Sequence[str]
    resources: Path
    made: Provenance

    def figures(
        self, name: str, paths: Sequence[Path], titles: Sequence[str], chosen: Collection[str] = (), why: str = ""
    ) -> Gallery:
        """Figures of one kind, with their caption from `resources`."""
        caption = read_text(self.resources / f"captions/{name}.rst").strip()
        return gallery(caption, dict(zip(titles, paths, strict=True)), chosen, why)
