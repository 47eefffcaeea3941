"""The parts of the report that show tables and figures: data, training and scores."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pandas as pd

from ..figures.scores import chosen_tracks
from ..figures.style import track_name
from ..files import read_text
from ..model.plan import TRAINING_KEYS
from ..samples.sample import PUBLISHED_SAMPLES
from ..vocabulary import Strand, Track
from . import tables
from .page import Data, Scores, TrainingRun
from .pictures import MAX_PICTURES, Gallery
from .published import beside_published, read_published, remaining_differences
from .run_files import Reported, ReportFiles
from .tables import facts, scores_table, table

LOWEST = ": the first of the sheet and those with the lowest scores"


def data_section(
    files: ReportFiles, run: Reported, samples: pd.DataFrame, chromosomes: pd.DataFrame, means: pd.DataFrame | None
) -> Data:
    resolved, rejected = (
        pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in (files.resolved, files.rejected)
    )
    taken, not_taken = (sheet["cell_type"].value_counts() for sheet in (resolved, rejected))
    found = pd.DataFrame(
        {
            "cell_type": each.name,
            "ontology": each.ontology,
            "description": each.description,
            "samples": int(taken.get(each.name, 0)),
            "published": PUBLISHED_SAMPLES.get(each.published_ontology or ""),
            "not_taken": int(not_taken.get(each.name, 0)),
        }
        for each in run.cell_types.values()
    )
    titles = ["Nonzero means, next to published ones"] if means is not None else []
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
        nonzero_means=None if means is None else table(means, tables.NONZERO_MEAN_NOTES, {"ratio": 2}),
        nonzero_mean_figure=run.figures("nonzero_means", files.nonzero_mean_figure, titles),
    )


def training_section(files: ReportFiles, run: Reported) -> list[TrainingRun]:
    return [
        TrainingRun(
            model=name,
            settings=facts(
                pd.json_normalize(
                    {
                        "model": plan.model_dump(mode="json", exclude=TRAINING_KEYS),
                        "training": run.settings.training_of(plan.family).model_dump(mode="json"),
                    }
                )
                .iloc[0]
                .to_dict()
            ),
            curve=run.figures("training_curve", [path], [name]),
        )
        for (name, plan), path in islice(zip(run.models.items(), files.training, strict=True), MAX_PICTURES)
    ]


def scores_section(
    files: ReportFiles,
    run: Reported,
    base: pd.DataFrame,
    genes: pd.DataFrame,
    differences: pd.DataFrame,
    different_genes: pd.DataFrame,
) -> Scores:
    ontologies = {name: each.published_ontology for name, each in run.cell_types.items()}
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
        published=table(beside, shown, dict.fromkeys(beside, 4)),
        differences_from_published=remaining_differences(run.settings),
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
