"""What stands in the report of a run, put together from the files that the run made."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Self

import pandas as pd
import yaml

from ..config.settings import Settings
from ..errors import shorten
from ..evaluation.scored_tracks import ModelTrack
from ..evaluation.tables import read_scores
from ..figures.scores import chosen_tracks
from ..figures.style import track_name
from ..files import read_text
from ..genome.tables import read_genes
from ..model.plan import ModelPlan
from ..model.training_result import TrainedModel
from ..provenance import Provenance, read_provenance
from ..qc.checks import read_sample_table
from ..qc.chromosomes import bare_chromosome_warnings, describe_chromosomes, read_by_chromosome
from ..samples.sample import PUBLISHED_SAMPLES, CellType, of_one_donor
from ..samples.sheets import read_samples
from ..vocabulary import Strand, Track
from . import tables
from .headlines import headline, warnings
from .methods import methods_text
from .page import MAX_PICTURES, Data, Gallery, ReportContent, Scores, TrainingRun, gallery
from .published import beside_published, read_published
from .tables import facts, plain_columns, scores_table, table

LOWEST = ", the first of the sheet and those with the lowest scores"


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """The files of a run that its report shows; those of several, in the order of models, tracks, pairs or strands."""

    bases: Path
    all_genes: Path
    resolved: Path
    rejected: Path
    samples: Path
    signal: Path
    correlation: tuple[Path, ...]
    pca: tuple[Path, ...]
    statistics: tuple[Path, ...]
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
    """What a report is of.

    Parameters
    ----------
    settings, config_files
        The configuration, and the files that it came from.
    cell_types, models
        Of the run, by name.
    tracks
        Every model with each of its tracks.
    pairs
        Pairs of tracks whose differences are drawn, as the figures are called.
    strands
        On which samples are compared.
    resources
        Folder of the templates and captions.
    made
        Commit and versions that write the report.
    """

    settings: Settings
    config_files: str
    cell_types: Mapping[str, CellType]
    models: Mapping[str, ModelPlan]
    tracks: Sequence[ModelTrack]
    pairs: Sequence[str]
    strands: Sequence[str]
    resources: Path
    made: Provenance

    def figures(
        self, name: str, paths: Sequence[Path], titles: Sequence[str], chosen: Collection[str] = (), why: str = ""
    ) -> Gallery:
        """Figures of one kind, with the caption that `resources` has for it."""
        caption = read_text(self.resources / f"captions/{name}.rst").strip()
        return gallery(caption, dict(zip(titles, paths, strict=True)), chosen, why)


def report_content(
    files: ReportFiles, run: Reported, software: pd.DataFrame, benchmarks: pd.DataFrame
) -> ReportContent:
    """Everything that stands on the page.

    Parameters
    ----------
    software, benchmarks
        As `software_table` and `provenance.read_benchmarks` give them.
    """
    settings = run.settings
    samples = read_sample_table(files.samples)
    base, genes, differences, different_genes = map(
        read_scores, (files.base, files.genes, files.differences, files.different_genes)
    )
    chromosomes = describe_chromosomes(
        read_by_chromosome(files.bases),
        read_genes(files.all_genes),
        read_by_chromosome(files.signal),
        settings.splits,
    )
    trained = [read_provenance(path) for path in files.provenance]
    kept = {
        name: TrainedModel.read(path.parent, run.models[name], settings.training.keep)
        for name, path in zip(run.models, files.logs, strict=True)
    }
    return ReportContent(
        title="Single-base RNA-seq coverage from DNA",
        warnings=bare_chromosome_warnings(chromosomes)
        + warnings(
            settings.split.test,
            settings.split.valid,
            simulated=settings.simulate is not None,
            samples=samples,
            base=base,
            gene=genes,
            controls=[name for name, plan in run.models.items() if plan.control != "none"],
            kept={name: model.kept for name, model in kept.items()},
            one_donor=_of_one_donor(files.resolved, run),
        ),
        summary=headline(base, genes),
        bars=run.figures("score_bars", [files.bars], ["Scores of every track"]),
        overview=facts(_overview(run, trained)),
        methods=_methods(run, samples, kept, trained),
        config=yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False),
        data=_data(files, run, samples, chromosomes),
        training=_training(files, run),
        untold_models=max(len(run.models) - MAX_PICTURES, 0),
        scores=_scores(files, run, base, genes, differences, different_genes),
        loci=run.figures("locus", files.loci, settings.loci),
        inputs=table(
            pd.read_csv(files.inputs, sep="\t", dtype={"file": str, "md5": str}),
            plain_columns(["file", "bytes", "md5"]),
        ),
        software=table(software.fillna(""), plain_columns(software.columns)),
        benchmarks=table(benchmarks, tables.BENCHMARK_NOTES),
    )


def software_table(files: ReportFiles, run: Reported) -> pd.DataFrame:
    """Commit and versions of the report and of each model's training, one row each."""
    stages = {"report": {"commit": run.made.commit} | run.made.versions}
    for name, path in zip(run.models, files.provenance, strict=True):
        trained = read_provenance(path)
        stages[f"training of {name}"] = {"commit": trained.commit} | trained.versions
    return pd.DataFrame(stages).T.reset_index(names="stage")


def _of_one_donor(resolved: Path, run: Reported) -> list[str]:
    """Predicted cell types of whose samples the halves are those of one donor."""
    predicted = dict.fromkeys(track.cell_type for _, track in run.tracks)
    excluded = run.settings.exclude
    samples = read_samples(resolved, list(run.cell_types.values()), excluded)
    used = [sample for sample in samples if sample.name not in excluded]
    return [name for name in predicted if of_one_donor([each for each in used if each.cell_type == name])]


def _overview(run: Reported, trained: Sequence[Provenance]) -> dict[str, str]:
    settings = run.settings
    return {
        "commit that wrote this report": run.made.commit or "unknown (not a git checkout)",
        "commits that trained its models": ", ".join(sorted({made.commit or "unknown" for made in trained})),
        "configuration": run.config_files,
        "chromosomes": ", ".join(settings.genome.chromosomes),
        "validation chromosomes": ", ".join(settings.split.valid) or "none",
        "held-out chromosomes": ", ".join(settings.split.test) or "none",
        "models": shorten(run.models),
    }


def _methods(
    run: Reported, samples: pd.DataFrame, kept: Mapping[str, TrainedModel], trained: Sequence[Provenance]
) -> list[str]:
    counted = samples[samples["excluded"] == "no"].groupby("cell_type")["sample"].nunique()
    versions = dict(run.made.versions)
    used = {f"rnatracks at commit {run.made.commit or 'unknown'}, with Python": versions.pop("python")} | versions
    for made in trained:
        used |= {name: version for name, version in made.versions.items() if name in ("torch", "transformers")}
    counts = counted.reindex(list(run.cell_types), fill_value=0)
    return methods_text(run.settings, list(run.cell_types.values()), counts, run.models, kept, used)


def _data(files: ReportFiles, run: Reported, samples: pd.DataFrame, chromosomes: pd.DataFrame) -> Data:
    resolved, rejected = (
        pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in (files.resolved, files.rejected)
    )
    found = pd.DataFrame(
        {
            "cell_type": each.name,
            "ontology": each.ontology,
            "description": each.description,
            "samples": int((resolved["cell_type"] == each.name).sum()),
            "published": PUBLISHED_SAMPLES.get(each.ontology or ""),
            "not_taken": int((rejected["cell_type"] == each.name).sum()),
        }
        for each in run.cell_types.values()
    )
    statistics = pd.DataFrame([json.loads(read_text(path)) for path in files.statistics])
    return Data(
        found=table(found.astype({"published": float}), tables.FOUND_NOTES),
        chromosomes=table(chromosomes, tables.CHROMOSOME_NOTES, {"signal_share": 3}),
        resolved=table(resolved, tables.RESOLVED_NOTES),
        samples=table(samples, tables.SAMPLE_NOTES),
        correlation=run.figures(
            "sample_correlation", files.correlation, [f"Correlation of samples, {each}" for each in run.strands]
        ),
        pca=run.figures("sample_pca", files.pca, [f"Principal components of samples, {each}" for each in run.strands]),
        tracks=table(statistics, tables.TRACK_NOTES),
    )


def _training(files: ReportFiles, run: Reported) -> list[TrainingRun]:
    recipe = run.settings.training.model_dump(mode="json")
    return [
        TrainingRun(
            model=name,
            settings=facts(
                pd.json_normalize({"model": plan.model_dump(mode="json"), "training": recipe}).iloc[0].to_dict()
            ),
            curve=run.figures("training_curve", [path], [name]),
        )
        for (name, plan), path in islice(zip(run.models.items(), files.training, strict=True), MAX_PICTURES)
    ]


def _scores(
    files: ReportFiles,
    run: Reported,
    base: pd.DataFrame,
    genes: pd.DataFrame,
    differences: pd.DataFrame,
    different_genes: pd.DataFrame,
) -> Scores:
    ontologies = {name: each.ontology for name, each in run.cell_types.items()}
    beside = beside_published(base, genes, ontologies, read_published(run.resources / "published.tsv"))
    chosen = {
        f"{model}, {track_name(Track(name, Strand(strand)))}"
        for model, name, strand in chosen_tracks(base, MAX_PICTURES)
    }

    def track_figures(name: str, paths: Sequence[Path]) -> Gallery:
        titles = [f"{model}, {track_name(track)}" for model, track in run.tracks]
        return run.figures(name, paths, titles, chosen, LOWEST)

    shown = {name: tables.PUBLISHED_NOTES[name] for name in beside}
    return Scores(
        beside=table(beside, shown, dict.fromkeys(beside, 4)),
        others=table(read_published(run.resources / "held_out_others.tsv"), tables.OTHERS_NOTES),
        base=scores_table(base, tables.BASE_NOTES),
        base_scatters=track_figures("base_hexbin", files.base_scatters),
        chromosomes=run.figures("by_chromosome", [files.chromosomes], ["Scores by chromosome"]),
        seams=run.figures("seams", files.seams, [f"Stitching seams of {name}" for name in run.models]),
        gene=scores_table(genes, tables.GENE_NOTES),
        gene_scatters=track_figures("gene_scatter", files.gene_scatters),
        levels=track_figures("expression_levels", files.levels),
        differential=scores_table(differences, tables.DIFFERENTIAL_NOTES),
        differential_genes=table(different_genes, tables.DIFFERENTIAL_GENE_NOTES),
        differences=run.figures("difference_scatter", files.difference_scatters, run.pairs),
    )
