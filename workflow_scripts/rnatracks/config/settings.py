"""The whole configuration, read and checked, with everything that can be derived from it alone."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from ..downloads.locations import without_links
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
from .heads import UNetHeadSettings
from .models import DilatedCnnSettings, ModelSettings, UNetSettings
from .presets import overlaid
from .recipes import departures, name_recipe, with_recipe
from .training import PredictionSettings, TrainingSettings, training_key
from .variants import VariantSettings


class Settings(Section):
    """One run of the workflow. Relative paths are relative to the working directory."""

    results: Folder = "results"
    """Output folder for everything that the workflow produces."""

    recipe: Literal["published"] | None = None
    """Defaults in one word. published: normalisation, windows, head, training and stitching as in the later code of the
    published model's authors; docs/published.md lists them. Keys of the configuration take precedence, and a run warns
    which of them differ from the recipe."""

    genome: GenomeSettings
    """Reference sequence."""

    annotation: AnnotationSettings
    """Gene models, with the same chromosome names as the FASTA file."""

    blacklist: Location | None = None
    """BED file of regions with unreliable signal, plain or gzipped, as a path or a URL; null for none. Windows that
    overlap these regions too much are excluded from training."""

    samples: Location
    """Path of the sample sheet (tab-separated)."""

    cell_types: Location
    """Path of the cell-type sheet (tab-separated)."""

    downloads: Folder = "downloads"
    """Folder for downloaded files. Several runs can share it; files that are already there and verified are not
    downloaded again."""

    sources: SourceSettings = SourceSettings()
    """Servers that are searched for samples and that provide backbones, and the size limit of a search."""

    normalisation: NormalisationSettings = NormalisationSettings()
    """Scale to which all samples are normalised."""

    windows: WindowSettings = WindowSettings()
    """Windows into which the genome is cut for training and prediction."""

    split: SplitSettings = SplitSettings()
    """Chromosomes held out of training. All other chosen chromosomes are used for training."""

    models: Annotated[dict[Name, ModelSettings], Field(min_length=1)]
    """Models to train, by name."""

    training: TrainingSettings = TrainingSettings()
    """How the models are trained."""

    prediction: PredictionSettings = PredictionSettings()
    """How tracks are predicted."""

    genes: GeneSettings = GeneSettings()
    """How genes are scored."""

    exclude: Words = ()
    """Names of samples to leave out, such as flagged ones. They stay listed, but are neither downloaded nor checked."""

    qc: QcSettings = QcSettings()
    """How samples are compared and flagged."""

    evaluation: EvaluationSettings = EvaluationSettings()
    """How predictions are scored."""

    variants: VariantSettings = VariantSettings()
    """VCF files by the name that their results get, such as clinvar: data/clinvar.vcf.gz, plain or gzipped, as a path
    or a URL. Every model predicts what their changes of the sequence do to the expression of genes."""

    browser: BrowserSettings = BrowserSettings()
    """What the browser page shows in addition to the loci."""

    loci: Texts = ()
    """Loci to plot, each given as a gene name, a gene id or a region such as chr19:39,407,000-39,439,000 (1-based, both
    ends included)."""

    simulate: SimulationSettings | None = None
    """Simulated demo data, written to {results}/simulated/; null to use real data only."""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """The settings of a job, from the `snakemake.config` that the Snakefile passes to every script."""
        return cls.model_validate(config["settings"])

    @model_validator(mode="before")
    @classmethod
    def _fill_in_recipe(cls, values: Any) -> Any:
        return with_recipe(values) if isinstance(values, Mapping) else values

    @property
    def departures(self) -> list[str]:
        """Keys with another value than the recipe gives them, as `key: value`; empty if there is no recipe."""
        return [] if self.recipe is None else self.departures_from(self.recipe)

    def departures_from(self, recipe: str) -> list[str]:
        """Keys with another value than this recipe gives them, as `key: value`."""
        models = {name: (dict(model.head), model.training) for name, model in self.models.items()}
        return departures(recipe, self.model_dump(), models)

    @property
    def splits(self) -> dict[str, Split]:
        """The split of each chosen chromosome, in the configured order: `train` unless it is held out."""
        held_out = dict.fromkeys(self.split.valid, Split.VALID) | dict.fromkeys(self.split.test, Split.TEST)
        return {chrom: held_out.get(chrom, Split.TRAIN) for chrom in self.genome.chromosomes}

    @property
    def held_out(self) -> list[str]:
        """Test chromosomes, in the order of `genome.chromosomes`."""
        return [chrom for chrom in self.genome.chromosomes if chrom in self.split.test]

    @property
    def seam_chromosomes(self) -> tuple[str, ...]:
        """Chromosomes on which seams are measured: the test chromosomes, or the first chromosome if there are none."""
        return self.split.test or self.genome.chromosomes[:1]

    @property
    def prediction_overlap(self) -> int:
        """Bases that neighbouring windows share in prediction."""
        return self.windows.overlap if self.prediction.overlap is None else self.prediction.overlap

    @property
    def loci_by_file(self) -> dict[str, str]:
        """Each locus as written in the configuration, by its file name."""
        return {locus_file_name(locus): locus for locus in self.loci}

    def training_of(self, family: str) -> TrainingSettings:
        """The section `training`, with the values that a family of models has of its own.

        Raises
        ------
        InputError
            If these are not valid. `read_settings` has checked them.
        """
        own = self.models[family].training
        together = overlaid(self.training.model_dump(), own)
        try:
            return TrainingSettings.model_validate(together)
        except ValidationError as error:
            where, found, expected = first_fault(error, TrainingSettings, together, f"models.{family}.training").args
            raise InputError(where.replace(", ", ".", 1), found, expected) from error

    @model_validator(mode="after")
    def _check_training(self) -> Self:
        self._check_recipe(self.training, "", {})
        for family, model in self.models.items():
            self._check_recipe(self.training_of(family), family, model.training)
        return self

    def _check_recipe(self, recipe: TrainingSettings, family: str, own: Mapping[Any, Any]) -> None:
        """Check a recipe as a whole; for `family` and `own`, see `training_key`."""
        schedule, each, together = (
            training_key(key, family, own) for key in ("schedule", "micro_batch_size", "global_batch_size")
        )
        if recipe.schedule == "plateau" and not self.split.valid:
            raise InputError(schedule, "plateau without split.valid", "a validation chromosome, or cosine")
        if recipe.global_batch_size % recipe.micro_batch_size:
            expected = f"a divisor of {together} ({recipe.global_batch_size})"
            raise InputError(each, recipe.micro_batch_size, expected)

    @model_validator(mode="after")
    def _check_overlap(self) -> Self:
        if self.prediction_overlap >= self.windows.size:
            expected = f"less than windows.size ({self.windows.size})"
            raise InputError("prediction.overlap", self.prediction.overlap, expected)
        return self

    @model_validator(mode="after")
    def _check_folders(self) -> Self:
        links = Path(self.results, "downloads")
        if Path(self.downloads).resolve() == links.resolve():
            found = f"{self.downloads!r}, which is reserved for the run's links to its downloads"
            raise InputError("downloads", found, "another folder")
        if self.simulate is None:
            return self
        reference = {"genome.fasta": self.genome.fasta, "annotation.gtf": self.annotation.gtf}
        self.simulate.check_files(self.results, reference | {"blacklist": self.blacklist}, self.variants.files)
        return self

    @model_validator(mode="after")
    def _check_split(self) -> Self:
        chosen, valid, test = self.genome.chromosomes, self.split.valid, self.split.test
        for key, held_out in (("split.valid", valid), ("split.test", test)):
            for name in held_out:
                if name not in chosen:
                    raise InputError(key, repr(name), f"chromosomes listed in genome.chromosomes: {shorten(chosen)}")
        for name in test:
            if name in valid:
                raise InputError(
                    "split.test", f"{name!r}, which is also in split.valid", "each chromosome in only one of them"
                )
        if not set(chosen) - {*valid, *test}:
            raise InputError("split", "every chromosome held out", "at least one chromosome left for training")
        return self

    def _check_levels(self, key: str, widths: Sequence[int]) -> None:
        most, spans = self.windows.size.bit_length(), 2 ** (len(widths) - 1)
        if len(widths) > most:
            limit = f"must be at most windows.size ({self.windows.size})"
            expected = f"at most {most}, because a position of the last level spans {spans:,} bases, which {limit}"
            raise InputError(key, f"{len(widths)} levels", expected)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        named = [locus_file_name(locus) for locus in self.loci]
        for locus, name in zip(self.loci, named, strict=True):
            if named.count(name) > 1:
                found = f"{locus!r}, which has the same file name as another locus"
                raise InputError("loci", found, "each locus only once")
        for baseline in self.evaluation.baselines:
            if baseline not in self.models:
                raise InputError("evaluation.baselines", repr(baseline), f"keys of models: {shorten(self.models)}")
        return self

    @model_validator(mode="after")
    def _check_depth(self) -> Self:
        most = (self.windows.size - 1).bit_length()
        for name, model in self.models.items():
            if isinstance(model.backbone, DilatedCnnSettings) and model.backbone.num_hidden_layers > most:
                key, limit = f"models.{name}.backbone.num_hidden_layers", f"windows.size ({self.windows.size})"
                expected = f"at most {most}, because the dilation of the last layer must be less than {limit}"
                raise InputError(key, model.backbone.num_hidden_layers, expected)
            for key, network in (("backbone", model.backbone), ("head", model.head)):
                if isinstance(network, UNetSettings | UNetHeadSettings):
                    self._check_levels(f"models.{name}.{key}.widths", network.widths)
        return self

    @model_validator(mode="after")
    def _check_statistics(self) -> Self:
        for name, model in self.models.items():
            if model.head.batch_norm == "frozen" and model.init_from is None:
                found, expected = "'frozen', without init_from", "batch or renorm, because a new head has no statistics"
                raise InputError(f"models.{name}.head.batch_norm", found, expected)
        return self


def read_settings(config: object, where: str = "config") -> Settings:
    """Check a configuration and fill in the defaults.

    Parameters
    ----------
    config
        As loaded from YAML, or the result of `Settings.model_dump(mode="json")`.
    where
        Name of the configuration in error messages, such as its file.

    Raises
    ------
    InputError
        For one fault only: an unknown key if there is one, because it may be the cause of the others.
    """
    try:
        settings = Settings.model_validate(config)
    except ValidationError as error:
        raise name_recipe(first_fault(error, Settings, config, where), config) from error
    # Simulated files are named with `results` as the user wrote it.
    folders = ("downloads",) if settings.simulate else ("results", "downloads")
    return settings.model_copy(update={key: without_links(getattr(settings, key)) for key in folders})


def locus_file_name(locus: str) -> str:
    """Turn a gene name or region into a file name: `chr19:39,407,000-39,439,000` to `chr19_39407000-39439000`."""
    return re.sub(r"[^\w.-]", "_", locus.strip().replace(",", ""))
