"""The content of a run's report, put together from the files that the run made."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import yaml

from ..errors import shorten
from ..evaluation.tables import read_scores
from ..genome.tables import read_genes
from ..model.training_result import TrainedModel
from ..provenance import Provenance, read_provenance
from ..qc.checks import read_sample_table
from ..qc.chromosomes import bare_chromosome_warnings, describe_chromosomes, read_by_chromosome
from ..qc.nonzero_means import read_nonzero_means
from ..samples.sample import of_one_donor
from ..samples.sheets import read_samples
from . import tables
from .methods import methods_text
from .page import ReportContent
from .pictures import MAX_PICTURES
from .run_files import Reported, ReportFiles
from .score_warnings import baseline_warnings, level_warnings
from .sections import data_section, scores_section, training_section
from .summary import NOTHING_HELD_OUT, summarise
from .tables import facts, plain_columns, table
from .variants import changes_section, effect_warnings
from .warnings import (
    PageSection,
    chromosome_warnings,
    donor_warnings,
    flag_warnings,
    nonzero_mean_warnings,
    simulation_warnings,
    split_warnings,
    training_warnings,
)

_NAMED = 4  # models, cell types or chromosomes of the run line


def report_content(
    files: ReportFiles, run: Reported, software: pd.DataFrame, benchmarks: pd.DataFrame
) -> ReportContent:
    """Everything on the page.

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
        name: TrainedModel.read(path.parent, run.models[name], settings.training_of(run.models[name].family).keep)
        for name, path in zip(run.models, files.logs, strict=True)
    }
    families = {name: plan.family for name, plan in run.models.items()}
    controls = [name for name, plan in run.models.items() if plan.control != "none"]
    counts = _sample_counts(samples, run)
    means = read_nonzero_means(files.nonzero_means[0]) if files.nonzero_means else None
    everywhere = base[base["region"] == "all"]
    return ReportContent(
        title="Single-base RNA-seq coverage from DNA",
        run_line=_run_line(run, counts),
        summary=summarise(
            base,
            genes,
            families=families,
            controls=controls,
            one_sample=[name for name, number in counts.items() if number == 1],
        ),
        warnings=[
            *split_warnings(settings.split.test, settings.split.valid),
            *simulation_warnings(settings.simulate is not None),
            *baseline_warnings(everywhere, PageSection.BASE, controls, families),
            *baseline_warnings(genes, PageSection.GENE, controls, families),
            *flag_warnings(samples),
            *nonzero_mean_warnings(means),
            *level_warnings(base, controls),
            *chromosome_warnings(bare_chromosome_warnings(chromosomes)),
            *training_warnings({name: model.kept for name, model in kept.items()}, settings.split.valid),
            *effect_warnings(bool(run.variants), settings.split.test),
            *donor_warnings(_of_one_donor(files.resolved, run)),
        ],
        bars=run.figures("score_bars", [files.bars], ["Scores of every track"]),
        overview=facts(_overview(run, trained)),
        methods=_methods(run, counts, kept, trained),
        config=yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False),
        data=data_section(files, run, samples, chromosomes, means),
        training=training_section(files, run),
        untold_models=max(len(run.models) - MAX_PICTURES, 0),
        scores=scores_section(files, run, base, genes, differences, different_genes),
        loci=run.figures("locus", files.loci, settings.loci),
        changes=changes_section(files, run) if run.variants else None,
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


def _sample_counts(samples: pd.DataFrame, run: Reported) -> pd.Series:
    """Number of samples of each cell type that count in its mean."""
    counted = samples[samples["excluded"] == "no"].groupby("cell_type")["sample"].nunique()
    return counted.reindex(list(run.cell_types), fill_value=0)


def _run_line(run: Reported, counts: pd.Series) -> dict[str, str]:
    """What the run is, in a few words each."""
    settings = run.settings
    names = list(dict.fromkeys(plan.family for plan in run.models.values()))
    number = len(settings.genome.chromosomes)
    chromosomes = "1 chromosome" if number == 1 else f"{number:,} chromosomes"
    split = f"{shorten(settings.split.test, _NAMED)} held out" if settings.split.test else NOTHING_HELD_OUT
    if settings.split.valid:
        split += f", {shorten(settings.split.valid, _NAMED)} for validation"
    samples = "1 sample" if counts.sum() == 1 else f"{counts.sum():,} samples"
    return {
        "Models" if len(names) > 1 else "Model": shorten(names, _NAMED),
        "Cell types" if len(counts) > 1 else "Cell type": f"{shorten(counts.index, _NAMED)} ({samples})",
        "Genome": f"{settings.genome.assembly or Path(settings.genome.fasta).name}, {chromosomes}",
        "Split": split,
    }


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
    run: Reported, counts: pd.Series, kept: Mapping[str, TrainedModel], trained: Sequence[Provenance]
) -> list[str]:
    versions = dict(run.made.versions)
    used = {f"rnatracks at commit {run.made.commit or 'unknown'}, with Python": versions.pop("python")} | versions
    for made in trained:
        used |= {name: version for name, version in made.versions.items() if name in ("torch", "transformers")}
    return methods_text(run.settings, list(run.cell_types.values()), counts, run.models, kept, used)
