"""The report page, its methods text, and the tables of software, run times and memory."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

import json
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import pandas as pd
import yaml

from rnatracks.config.settings import chromosome_splits
from rnatracks.errors import shorten
from rnatracks.evaluation.tables import read_scores
from rnatracks.figures.scores import chosen_tracks
from rnatracks.figures.style import track_name
from rnatracks.files import read_text, write_table, write_text
from rnatracks.genome.annotation import read_genes
from rnatracks.log import open_log
from rnatracks.model.outcome import TrainedModel
from rnatracks.model.plan import expand_models
from rnatracks.provenance import describe_commit, read_benchmarks, read_provenance, software_versions
from rnatracks.qc.checks import read_sample_table
from rnatracks.qc.chromosomes import bare_chromosome_warnings, describe_chromosomes, read_by_chromosome
from rnatracks.report.headlines import headline, warnings
from rnatracks.report.methods import methods_text
from rnatracks.report.page import MOST_PICTURES, Data, ReportContent, Scores, TrainingRun, gallery, write_report
from rnatracks.report.published import beside_published, read_published
from rnatracks.report.tables import (
    BASE_COLUMNS,
    BENCHMARK_COLUMNS,
    BESIDE_COLUMNS,
    CHROMOSOME_COLUMNS,
    DIFFERENTIAL_COLUMNS,
    DIFFERENTIAL_GENE_COLUMNS,
    FOUND_COLUMNS,
    GENE_COLUMNS,
    NOT_COMPUTED_COLUMNS,
    OTHERS_COLUMNS,
    RESOLVED_COLUMNS,
    SAMPLE_COLUMNS,
    TRACK_COLUMNS,
    facts,
    plain_columns,
    scores_table,
    table,
)
from rnatracks.samples.search import PUBLISHED
from rnatracks.samples.sheets import read_cell_types
from rnatracks.vocabulary import Strand, Track

open_log(snakemake.log[0])
given, params = snakemake.input, snakemake.params
config = {**snakemake.config}
config_files = config.pop("config_files")
resources = Path(snakemake.scriptdir).parent / "resources"
cell_types = read_cell_types(Path(config["cell_types"]))
models = expand_models(config, [cell_type.name for cell_type in cell_types])
base, genes, differences, different_genes, *empty = (
    read_scores(Path(path))
    for path in (given.base, given.genes, given.differences, given.different_genes, *given.not_computed)
)
samples = read_sample_table(Path(given.samples))
chosen = {
    f"{model}, {track_name(Track(name, Strand(strand)))}" for model, name, strand in chosen_tracks(base, MOST_PICTURES)
}


def figures(name, paths, titles, why=""):
    caption = read_text(resources / f"captions/{name}.rst").strip()
    return gallery(caption, dict(zip(titles, map(Path, paths), strict=True)), chosen if why else (), why)


def track_figures(name, paths):
    titles = [f"{model}, {track_name(Track.parse(track))}" for model, track in params.tracks]
    return figures(name, paths, titles, ", the first of the sheet and those with the lowest scores")


resolved, rejected = (
    pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in (given.resolved, given.rejected)
)
found = pd.DataFrame(
    {
        "cell_type": cell_type.name,
        "ontology": cell_type.ontology,
        "description": cell_type.description,
        "samples": int((resolved["cell_type"] == cell_type.name).sum()),
        "published": PUBLISHED.get(cell_type.ontology or ""),
        "not_taken": int((rejected["cell_type"] == cell_type.name).sum()),
    }
    for cell_type in cell_types
)
chromosomes = describe_chromosomes(
    read_by_chromosome(Path(given.bases)),
    read_genes(Path(given.all_genes)),
    read_by_chromosome(Path(given.signal)),
    chromosome_splits(config),
)
counted = samples[samples["excluded"] == "no"].groupby("cell_type")["sample"].nunique()

trained = [read_provenance(Path(path)) for path in given.provenance]
commit, versions = describe_commit(Path(snakemake.scriptdir)), software_versions()
software = pd.DataFrame(
    {"report": {"commit": commit} | versions}
    | {
        f"training of {name}": {"commit": made.commit} | made.versions
        for name, made in zip(models, trained, strict=True)
    }
).T.reset_index(names="stage")
times = Path(config["results"]) / "benchmarks"
benchmarks = read_benchmarks(sorted(times.rglob("*.tsv")), times)
write_table(software, Path(snakemake.output.software))
write_table(benchmarks, Path(snakemake.output.benchmarks))
used = {f"rnatracks at commit {commit or 'unknown'}, with Python": versions.pop("python")} | versions
for made in trained:
    used |= {name: version for name, version in made.versions.items() if name in ("torch", "transformers")}
became = {
    name: TrainedModel.read(Path(path).parent, models[name], config["training"]["keep"])
    for name, path in zip(models, given.logs, strict=True)
}
methods = methods_text(
    config, cell_types, counted.reindex([each.name for each in cell_types], fill_value=0), models, became, used
)
write_text(Path(snakemake.output.methods), "\n\n".join(methods) + "\n")

ontologies = {cell_type.name: cell_type.ontology for cell_type in cell_types}
beside = beside_published(base, genes, ontologies, read_published(resources / "published.tsv"))
overview = {
    "commit that wrote this report": commit or "unknown (not a git checkout)",
    "commits that trained its models": ", ".join(sorted({made.commit or "unknown" for made in trained})),
    "configuration": config_files,
    "chromosomes": ", ".join(config["genome"]["chromosomes"]),
    "validation chromosomes": ", ".join(config["split"]["valid"]) or "none",
    "held-out chromosomes": ", ".join(config["split"]["test"]) or "none",
    "models": shorten(models),
}
content = ReportContent(
    title="Single-base RNA-seq coverage from DNA",
    warnings=bare_chromosome_warnings(chromosomes)
    + warnings(
        config["split"]["test"],
        config["split"]["valid"],
        simulated=config["simulate"] is not None,
        samples=samples,
        base=base,
        gene=genes,
        controls=[name for name, plan in models.items() if plan.control != "none"],
        kept={name: model.kept for name, model in became.items()},
    ),
    summary=headline(base, genes),
    bars=figures("score_bars", [given.bars], ["Scores of every track"]),
    overview=facts(overview),
    methods=methods,
    config=yaml.safe_dump(config, sort_keys=False),
    data=Data(
        found=table(found.astype({"published": float}), FOUND_COLUMNS),
        chromosomes=table(chromosomes, CHROMOSOME_COLUMNS, {"signal_share": 3}),
        resolved=table(resolved, RESOLVED_COLUMNS),
        samples=table(samples, SAMPLE_COLUMNS),
        correlation=figures(
            "sample_correlation", given.correlation, [f"Correlation of samples, {s}" for s in params.strands]
        ),
        pca=figures("sample_pca", given.pca, [f"Principal components of samples, {s}" for s in params.strands]),
        tracks=table(pd.DataFrame([json.loads(read_text(Path(path))) for path in given.statistics]), TRACK_COLUMNS),
    ),
    training=[
        TrainingRun(
            model=name,
            settings=facts(
                pd.json_normalize({"model": asdict(plan), "training": config["training"]}).iloc[0].to_dict()
            ),
            curve=figures("training_curve", [path], [name]),
        )
        for (name, plan), path in islice(zip(models.items(), given.training, strict=True), MOST_PICTURES)
    ],
    untold_models=max(len(models) - MOST_PICTURES, 0),
    scores=Scores(
        beside=table(beside, {name: BESIDE_COLUMNS[name] for name in beside}, dict.fromkeys(beside, 4)),
        others=table(read_published(resources / "held_out_others.tsv"), OTHERS_COLUMNS),
        base=scores_table(base, BASE_COLUMNS),
        base_scatters=track_figures("base_hexbin", given.base_scatters),
        chromosomes=figures("by_chromosome", [given.chromosomes], ["Scores by chromosome"]),
        seams=figures("seams", given.seams, [f"Stitching seams of {name}" for name in models]),
        gene=scores_table(genes, GENE_COLUMNS),
        gene_scatters=track_figures("gene_scatter", given.gene_scatters),
        levels=track_figures("expression_levels", given.levels),
        differential=scores_table(differences, DIFFERENTIAL_COLUMNS),
        differential_genes=table(different_genes, DIFFERENTIAL_GENE_COLUMNS),
        differences=figures("difference_scatter", given.difference_scatters, params.differences),
        not_computed=table(pd.concat(empty), NOT_COMPUTED_COLUMNS),
    ),
    loci=figures("locus", given.loci, config["loci"]),
    inputs=table(
        pd.read_csv(given.inputs, sep="\t", dtype={"file": str, "md5": str}),
        plain_columns(["file", "bytes", "md5"]),
    ),
    software=table(software.fillna(""), plain_columns(software.columns)),
    benchmarks=table(benchmarks, BENCHMARK_COLUMNS),
)
write_report(Path(snakemake.output.page), content, resources / "report.html.j2")
