"""The report page."""

import json
from pathlib import Path

import pandas as pd
import yaml

from rnatracks.fetch import size_and_md5
from rnatracks.figures import score_bars, svg_text
from rnatracks.jobs import open_log
from rnatracks.metrics import read_scores
from rnatracks.provenance import describe_commit, read_provenance, software_versions
from rnatracks.qc import read_sample_table
from rnatracks.report import (
    BASE_COLUMNS,
    BENCHMARK_COLUMNS,
    DIFFERENTIAL_COLUMNS,
    FOUND_COLUMNS,
    GENE_COLUMNS,
    RESOLVED_COLUMNS,
    SAMPLE_COLUMNS,
    TRACK_COLUMNS,
    Gallery,
    Picture,
    ReportContent,
    TrainingRun,
    facts,
    headline,
    read_benchmarks,
    split_warnings,
    table,
    write_report,
)
from rnatracks.resolve import PUBLISHED

open_log(snakemake.log[0])
params, config = snakemake.params, snakemake.params.config
captions = {Path(path).stem: Path(path).read_text().strip() for path in snakemake.input.captions}


def gallery(name, paths, titles):
    pictures = [Picture(title, Path(path).read_text()) for title, path in zip(titles, paths, strict=True)]
    return Gallery(captions[name], pictures)


base, genes, differences = (
    read_scores(Path(path)) for path in (snakemake.input.base, snakemake.input.genes, snakemake.input.differences)
)
files = sorted({Path(path) for path in [*snakemake.input.references, *snakemake.input.signals]})
inputs = pd.DataFrame([(str(path), *size_and_md5(path)) for path in files], columns=["file", "bytes", "md5"])
benchmarks = Path(params.benchmarks)
trained = [read_provenance(Path(path)) for path in snakemake.input.provenance]
software = pd.DataFrame(
    {"report": software_versions()}
    | {f"training of {model}": made.versions for model, made in zip(params.models, trained, strict=True)}
).T.fillna("")
overview = {
    "commit that wrote this report": describe_commit(Path(snakemake.scriptdir)) or "unknown (not a git checkout)",
    "commits that trained its models": ", ".join(sorted({made.commit or "unknown" for made in trained})),
    "configuration": params.config_files,
    "chromosomes": ", ".join(config["genome"]["chromosomes"]),
    "validation chromosomes": ", ".join(config["split"]["valid"]) or "none",
    "held-out chromosomes": ", ".join(config["split"]["test"]) or "none",
    "models": ", ".join(params.models),
}
resolved = pd.read_csv(snakemake.input.resolved, sep="\t", dtype=str, keep_default_na=False)
rejected = pd.read_csv(snakemake.input.rejected, sep="\t", dtype=str, keep_default_na=False)
found = pd.DataFrame(
    {
        "cell_type": cell_type["name"],
        "samples": int((resolved["cell_type"] == cell_type["name"]).sum()),
        "published": PUBLISHED.get(cell_type["ontology"] or ""),
        "not_taken": int((rejected["cell_type"] == cell_type["name"]).sum()),
    }
    for cell_type in params.cell_types
)
content = ReportContent(
    title="Single-base RNA-seq coverage from DNA",
    summary=headline(base, genes),
    warnings=split_warnings(config["split"]["test"], simulated=config["simulate"] is not None),
    overview=facts(overview),
    config=yaml.safe_dump(config, sort_keys=False),
    found=table(found.astype({"published": float}), FOUND_COLUMNS),
    resolved=table(resolved, RESOLVED_COLUMNS),
    samples=table(read_sample_table(Path(snakemake.input.samples)), SAMPLE_COLUMNS),
    tracks=table(
        pd.DataFrame([json.loads(Path(path).read_text()) for path in snakemake.input.statistics]), TRACK_COLUMNS
    ),
    training=[
        TrainingRun(
            model=model,
            settings=facts(pd.json_normalize({"model": plan, "training": config["training"]}).iloc[0].to_dict()),
            curve=gallery("training_curve", [path], [model]),
        )
        for (model, plan), path in zip(params.models.items(), snakemake.input.training, strict=True)
    ],
    bars=Gallery(captions["score_bars"], [Picture("Scores of every track", svg_text(score_bars(base, genes)))]),
    base=table(base, BASE_COLUMNS),
    gene=table(genes, GENE_COLUMNS),
    differential=table(differences, DIFFERENTIAL_COLUMNS),
    scatters=gallery("gene_scatter", snakemake.input.scatters, params.scatter_titles),
    loci=gallery("locus", snakemake.input.loci, params.loci.values()),
    inputs=table(inputs, {"file": "", "bytes": "", "md5": ""}),
    software=table(software.reset_index(names="stage"), dict.fromkeys(["stage", *software], "")),
    benchmarks=table(read_benchmarks(sorted(benchmarks.rglob("*.tsv")), benchmarks), BENCHMARK_COLUMNS),
)
write_report(Path(snakemake.output[0]), content, Path(snakemake.input.template))
