"""The whole configuration, read and checked; everything that follows from it alone."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from ..downloads.locations import normal_path
from ..errors import InputError, shorten
from ..vocabulary import Split
from .data import (
    AnnotationSettings,
    BrowserSettings,
    EvaluationSettings,
    GeneSettings,
    GenomeSettings,
    NormalisationSettings,
    QcSettings,
    SimulationSettings,
    SourceSettings,
    SplitSettings,
    WindowSettings,
)
from .error_messages import first_fault
from .fields import Folder, Location, Name, Section, Texts, Words
from .models import DilatedCnnSettings, ModelSettings
from .training import PredictionSettings, TrainingSettings


class Settings(Section):
    """One run of the workflow. Relative paths are relative to the working directory."""

    results: Folder = "results"
    """Folder that receives everything the workflow makes."""

    genome: GenomeSettings
    """Reference sequence."""

    annotation: AnnotationSettings
    """Gene models, with the chromosome names of the FASTA file."""

    blacklist: Location | None = None
    """BED file of regions with unreliable signal, plain or gzipped, as a path or a URL, or null for none. Windows
    that overlap them too much are left out of training."""

    samples: Location
    """Path of the sample sheet (tab-separated)."""

    cell_types: Location
    """Path of the cell-type sheet (tab-separated)."""

    downloads: Folder = "downloads"
    """Folder for fetched files, which several runs with other results may share; what is there and verified is not
    fetched again."""

    sources: SourceSettings = SourceSettings()
    """Where samples are searched for, how many a search may find, and where backbones come from."""

    normalisation: NormalisationSettings = NormalisationSettings()
    """Common scale of the samples."""

    windows: WindowSettings = WindowSettings()
    """Windows that the genome is cut into for training and prediction."""

    split: SplitSettings = SplitSettings()
    """Chromosomes held out of training; every other chosen chromosome trains."""

    models: Annotated[dict[Name, ModelSettings], Field(min_length=1)]
    """Models to train, by name."""

    training: TrainingSettings = TrainingSettings()
    """How the models are trained."""

    prediction: PredictionSettings = PredictionSettings()
    """How tracks are predicted."""

    genes: GeneSettings = GeneSettings()
    """How genes are scored."""

    exclude: Words = ()
    """Names of samples that are left out, such as flagged ones; they are listed, but neither fetched nor checked."""

    qc: QcSettings = QcSettings()
    """How samples are compared and flagged."""

    evaluation: EvaluationSettings = EvaluationSettings()
    """How predictions are scored."""

    browser: BrowserSettings = BrowserSettings()
    """What the browser page shows beside the loci."""

    loci: Texts = ()
    """Places to draw, each a gene name, a gene id or a region such as chr19:39,407,000-39,439,000 (1-based, both
    ends included)."""

    simulate: SimulationSettings | None = None
    """Built-in demo data, written to {results}/simulated/; null to use real data only."""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """The settings of a job, from what the Snakefile gives to all scripts as `snakemake.config`."""
        return cls.model_validate(config["settings"])

    @property
    def splits(self) -> dict[str, Split]:
        """The split of each chosen chromosome, in their order: `train` unless it is held out."""
        held_out = dict.fromkeys(self.split.valid, Split.VALID) | dict.fromkeys(self.split.test, Split.TEST)
        return {chrom: held_out.get(chrom, Split.TRAIN) for chrom in self.genome.chromosomes}

    @property
    def held_out(self) -> list[str]:
        """Chromosomes that are only scored, in the order of the genome's."""
        return [chrom for chrom in self.genome.chromosomes if chrom in self.split.test]

    @property
    def seam_chromosomes(self) -> tuple[str, ...]:
        """Where seams are looked for: on held-out chromosomes, or on the first one."""
        return self.split.test or self.genome.chromosomes[:1]

    @property
    def loci_by_file(self) -> dict[str, str]:
        """What the configuration calls each locus, by its file name."""
        return {locus_file_name(locus): locus for locus in self.loci}

    @model_validator(mode="after")
    def _check_folders(self) -> Self:
        links = Path(self.results, "downloads")
        if Path(self.downloads).resolve() == links.resolve():
            found = f"{self.downloads!r}, where the run's links to its downloads go"
            raise InputError("downloads", found, "another folder")
        if self.simulate is None:
            return self
        # Simulated files go into a folder of their own, so that nothing of the user's is overwritten.
        folder = Path(self.results, "simulated")
        for key, location in (
            ("genome.fasta", self.genome.fasta),
            ("annotation.gtf", self.annotation.gtf),
            ("blacklist", self.blacklist),
        ):
            if location is None or not Path(location).is_relative_to(folder):
                raise InputError(key, repr(location), f"a file in {folder}, as simulate is given")
        return self

    @model_validator(mode="after")
    def _check_split(self) -> Self:
        chosen, valid, test = self.genome.chromosomes, self.split.valid, self.split.test
        for key, held_out in (("split.valid", valid), ("split.test", test)):
            for name in held_out:
                if name not in chosen:
                    raise InputError(key, repr(name), f"chromosomes of genome.chromosomes: {shorten(chosen)}")
        for name in test:
            if name in valid:
                raise InputError(
                    "split.test", f"{name!r}, which split.valid holds too", "each chromosome in one of them"
                )
        if not set(chosen) - {*valid, *test}:
            raise InputError("split", "every chromosome held out", "at least one left to train on")
        return self

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        named = [locus_file_name(locus) for locus in self.loci]
        for locus, name in zip(self.loci, named, strict=True):
            if named.count(name) > 1:
                found = f"{locus!r}, whose file would be called as that of another locus"
                raise InputError("loci", found, "each locus once")
        for baseline in self.evaluation.baselines:
            if baseline not in self.models:
                raise InputError("evaluation.baselines", repr(baseline), f"keys of models: {shorten(self.models)}")
        return self

    @model_validator(mode="after")
    def _check_depth(self) -> Self:
        most = (self.windows.size - 1).bit_length()
        for name, model in self.models.items():
            if isinstance(model.backbone, DilatedCnnSettings) and model.backbone.num_hidden_layers > most:
                raise InputError(
                    f"models.{name}.backbone.num_hidden_layers",
                    model.backbone.num_hidden_layers,
                    f"at most {most}, as the last layer must be dilated by less than windows.size, {self.windows.size}",
                )
        return self


def read_settings(config: object, where: str = "config") -> Settings:
    """Check a configuration, and fill in what it leaves out.

    Parameters
    ----------
    config
        As loaded from YAML, or what `Settings.model_dump(mode="json")` gave.
    where
        What the error line calls the configuration, such as its file.

    Raises
    ------
    InputError
        For one fault: an unknown key if there is one, because the others may follow from it.
    """
    try:
        settings = Settings.model_validate(config)
    except ValidationError as error:
        raise first_fault(error, Settings, config, where) from error
    # The files of a simulation are named below `results` as it is written.
    folders = ("downloads",) if settings.simulate else ("results", "downloads")
    return settings.model_copy(update={key: _without_links(getattr(settings, key)) for key in folders})


def _without_links(folder: str) -> str:
    """A folder that the workflow writes to, links followed as they would be a second spelling.

    Unless they lead away from the working directory: such a folder was moved to another disk, and keeps its name.
    """
    place = normal_path("", os.path.realpath(folder))
    return folder if Path(place).is_absolute() and ".." not in Path(folder).parts else place


def locus_file_name(locus: str) -> str:
    """Turn a gene name or region into a file name: `chr19:39,407,000-39,439,000` to `chr19_39407000-39439000`."""
    return re.sub(r"[^\w.-]", "_", locus.strip().replace(",", ""))
