# The jobs of the run that 07_plan.py lays out, in rules that do nothing: what Snakemake itself takes to plan them.
# As many jobs with as many wildcards, inputs and outputs; no function, log, benchmark, resource, environment or script.
# `__` ends the name of a rule in the workflow, where several stand for one here.
import json

KINDS = json.load(open("shape.json"))["kinds"]
CHROMOSOMES = json.load(open("shape.json"))["chromosomes"]
CELLS = [(kind, f"{kind}{i:03}") for kind in KINDS for i in range(KINDS[kind]["cell_types"])]
TRACKS = [(cell, strand) for kind, cell in CELLS for strand in KINDS[kind]["strands"]]
SAMPLES = [(kind, cell, i) for kind, cell in CELLS for i in range(KINDS[kind]["samples"])]
SIZES, GENES, EXONS = "reference/chrom.sizes", "reference/genes.tsv.gz", "reference/exons.bed.gz"
GENOME = ["reference/genome.fa", "reference/genome.fa.fai"]
BLACKLIST = "downloads/reference/blacklist"
CHECKS = [f"qc/samples/{cell}/{i}.json" for _, cell, i in SAMPLES]
OBSERVED = [f"tracks/observed/{cell}.{strand}" for cell, strand in TRACKS]
PREDICTED = [f"tracks/predicted/{cell}/{cell}.{strand}" for cell, strand in TRACKS]
MODEL_TRACKS = [f"{cell}/{cell}.{strand}" for cell, strand in TRACKS]
MATRICES = [f"genes/predicted/{cell}.tsv.gz" for _, cell in CELLS]
STRANDS = list(dict.fromkeys(strand for _, strand in TRACKS))
SIGNALS = [f"downloads/{cell}_{i}/{strand}" for kind, cell, i in SAMPLES for strand in KINDS[kind]["strands"]]
FIRST = [*OBSERVED[:24], *PREDICTED[:24]]
SCORES = [f"evaluation/{name}.tsv" for name in ("base_resolution", "gene_expression", "differential")]
COMPARISONS = ["predicted/{model}", "halves", "other_cell_type", "mean_of_others"]


wildcard_constraints:
    cell=r"[a-z]+\d+",
    model=r"[a-z]+\d+",
    strand="|".join(STRANDS),
    half=r"(\.[ab])?",


def named(paths, ending):
    return [f"{path}{ending}" for path in paths]


def nothing(rule_name, inputs, outputs, **constraints):
    """Add a rule whose jobs do nothing."""

    rule:
        name:
            rule_name
        input:
            [*inputs],
        output:
            [*outputs],
        wildcard_constraints:
            **constraints,
        shell:
            "true"


rule all:
    default_target: True
    input:
        "report.html",
        "samples/resolved.tsv",
        "windows/windows.bed.gz",
        named(OBSERVED, ".bw"),
        named(PREDICTED, ".bw"),
        "genes/observed.tsv.gz",
        MATRICES,
        "genes/observed.h5ad",
        [matrix.replace("tsv.gz", "h5ad") for matrix in MATRICES],
        SCORES,
        "browser.html",
        "tracks/igv_session.xml",
        "tracks/hub/hub.txt",


nothing("fetch_file", [], ["downloads/{key}/{name}"], key="[^/]+", name="[^/]+")
nothing("prepare_genome", ["downloads/reference/genome"], [*GENOME, SIZES])
outputs = ["reference/annotation.gtf.gz", GENES, EXONS, "reference/own.stranded.gz", "reference/own.unstranded.gz"]
nothing("prepare_annotation", ["downloads/reference/annotation"], outputs)
nothing("resolve_samples", [], ["samples/resolved/{cell}.tsv", "samples/rejected/{cell}.tsv"])
inputs = [f"samples/{which}/{cell}.tsv" for which in ("resolved", "rejected") for _, cell in CELLS]
nothing("gather_resolved", inputs, ["samples/resolved.tsv", "samples/rejected.tsv"])
nothing("fetch_weights", [], ["weights/{weights}.json"])
nothing("index_windows", [*GENOME, BLACKLIST], ["windows/windows.bed.gz"])
nothing("tabulate_samples", [*CHECKS, *(f"qc/correlation.{strand}.tsv" for strand in STRANDS)], ["qc/samples.tsv"])
nothing(
    "list_inputs",
    [f"downloads/reference/{name}" for name in ("genome", "annotation", "blacklist")] + SIGNALS,
    ["provenance/inputs.tsv"],
)

for kind, each in KINDS.items():
    here = {"cell": rf"{kind}\d+"}
    strands, numbers = each["strands"], range(each["samples"])
    signals = [f"downloads/{{cell}}_{{sample}}/{strand}" for strand in strands]
    check = "qc/samples/{cell}/{sample}.json"
    nothing(f"check_sample__{kind}", [SIZES, EXONS, *signals], [check], **here)
    nothing(f"bin_sample__{kind}", [SIZES, check, *signals], ["qc/bins/{cell}/{sample}"], **here)
    for rule_name, path, half in (
        ("average_track__", "observed/{cell}.{strand}", numbers),
        ("average_half__a_", "halves/{cell}.{strand}.a", numbers[::2]),
        ("average_half__b_", "halves/{cell}.{strand}.b", numbers[1::2]),
    ):
        inputs = [SIZES, *(f"downloads/{{cell}}_{i}/{{strand}}" for i in half)]
        inputs += [f"qc/samples/{{cell}}/{i}.json" for i in half]
        nothing(f"{rule_name}{kind}", inputs, [f"tracks/{path}.bw", f"tracks/{path}.json"], **here)
    means = [f"tracks/observed/{{model}}.{strand}" for strand in strands]
    here = {"model": rf"{kind}\d+"}
    nothing(
        f"train_model__{kind}",
        [
            *GENOME,
            "windows/windows.bed.gz",
            *named(means, ".bw"),
            *named(means, ".json"),
            BLACKLIST,
            "weights/genos.json",
        ],
        [f"models/{{model}}/{name}" for name in ("weights", "config", "card", "log", "provenance")],
        **here,
    )
    parts = [f"genes/parts/predicted/{{model}}/{{model}}.{strand}.tsv.gz" for strand in strands]
    nothing(f"gather_predicted_genes__{kind}", [GENES, *parts], ["genes/predicted/{model}.tsv.gz"], **here)
    nothing(
        f"plot_seams__{kind}",
        [f"evaluation/seams/{{model}}/{{model}}.{strand}.tsv" for strand in strands],
        ["figures/seams/{model}.svg"],
        **here,
    )
    statistics = [f"tracks/observed/{{cell}}.{strand}.json" for strand in strands]
    for comparison in COMPARISONS:
        pair = {
            "predicted/{model}": ["tracks/observed/{cell}.{strand}.bw", "tracks/predicted/{model}/{cell}.{strand}.bw"],
            "halves": ["tracks/halves/{cell}.{strand}.a.bw", "tracks/halves/{cell}.{strand}.b.bw"],
            "other_cell_type": ["tracks/observed/{cell}.{strand}.bw", f"tracks/observed/{kind}000.{{strand}}.bw"],
            "mean_of_others": ["tracks/observed/{cell}.{strand}.bw", "tracks/mean.{strand}.bw"],
        }[comparison]
        path = f"evaluation/bases/{comparison}/{{cell}}.{{strand}}"
        nothing(
            f"compare_bases__{kind}{comparison[0]}",
            [*pair, *statistics, *GENOME, GENES, EXONS, BLACKLIST],
            [f"{path}.tsv.gz", f"{path}.npz"],
            cell=rf"{kind}\d+",
        )

for strand in STRANDS:
    inputs = [f"qc/bins/{cell}/{i}" for kind, cell, i in SAMPLES if strand in KINDS[kind]["strands"]]
    outputs = [f"qc/{name}.{strand}.{suffix}" for name in ("correlation", "pca") for suffix in ("svg", "tsv")]
    nothing(f"compare_samples__{strand}", [SIZES, *inputs], outputs)
    inputs = [f"tracks/observed/{cell}.{other}.bw" for cell, other in TRACKS if other == strand]
    nothing(f"average_cell_types__{strand}", [SIZES, *inputs], [f"tracks/mean.{strand}.bw"])

model = ["models/{model}/weights", "models/{model}/config"]
nothing("predict_chromosome", [*model, *GENOME], ["tracks/predicted/{model}/parts/{part}.npy"])
parts = [f"tracks/predicted/{{model}}/parts/{chrom}.npy" for chrom in CHROMOSOMES]
nothing("gather_prediction", [*parts, SIZES], ["tracks/predicted/{model}/{cell}.{strand}.bw"])
track = "{kind}/{cell}.{strand}{half}"
nothing("sum_genes", [f"tracks/{track}.bw", GENES, EXONS], [f"genes/parts/{track}.tsv.gz"], kind=r"[a-z]+(/[a-z]+\d+)?")
nothing(
    "gather_observed_genes",
    [GENES, *(f"genes/parts/observed/{c}.{s}.tsv.gz" for c, s in TRACKS)],
    ["genes/observed.tsv.gz"],
)
nothing("convert_genes", ["genes/{matrix}.tsv.gz"], ["genes/{matrix}.h5ad"], matrix=r"observed|predicted/[a-z]+\d+")
halves = [f"genes/parts/halves/{cell}.{strand}.{half}.tsv.gz" for cell, strand in TRACKS for half in "ab"]
outputs = [*SCORES[1:], "evaluation/differential_genes.tsv", "evaluation/not_computed_genes.tsv"]
nothing("score_genes", ["genes/observed.tsv.gz", *MATRICES, *halves], outputs)
inputs = [f"evaluation/bases/predicted/{path}.{suffix}" for path in MODEL_TRACKS for suffix in ("tsv.gz", "npz")]
inputs += [f"evaluation/bases/{name}/{cell}.{s}.tsv.gz" for name in COMPARISONS[1:] for cell, s in TRACKS]
nothing("score_bases", inputs, [SCORES[0], "evaluation/by_chromosome.tsv", "evaluation/not_computed.tsv"])

track = "{model}/{cell}.{strand}"
nothing("plot_training", ["models/{model}/log"], ["figures/training/{model}.svg"])
inputs = [
    GENES,
    "genes/parts/observed/{cell}.{strand}.tsv.gz",
    f"genes/parts/predicted/{track}.tsv.gz",
    f"evaluation/bases/predicted/{track}.npz",
]
nothing("plot_track", inputs, [f"figures/{name}/{track}.svg" for name in ("genes", "bases", "levels")])
inputs = ["tracks/observed/{cell}.{strand}.bw", f"tracks/predicted/{track}.bw"]
nothing("profile_seams", inputs, [f"evaluation/seams/{track}.tsv"])
inputs = [f"genes/parts/observed/{cell}.{strand}.tsv.gz" for cell, strand in TRACKS[:2]]
inputs += [f"genes/parts/predicted/{path}.tsv.gz" for path in MODEL_TRACKS[:2]]
nothing("plot_differences", [GENES, *inputs], ["figures/differences/{family}/{pair}.svg"])
nothing(
    "plot_scores", [*SCORES[:2], "evaluation/by_chromosome.tsv"], ["figures/scores.svg", "figures/by_chromosome.svg"]
)
nothing("locate_loci", [SIZES, GENES], ["reference/loci.tsv"])
nothing("plot_locus", ["reference/loci.tsv", GENES, EXONS, *named(FIRST, ".bw")], ["figures/loci/{locus}.svg"])
inputs = ["reference/loci.tsv", SIZES, GENES, EXONS, *named(FIRST, ".bw"), "genes/observed.tsv.gz", *MATRICES]
nothing("write_browser", inputs, ["browser.html"])
nothing("write_session", ["reference/loci.tsv"], ["tracks/igv_session.xml"])
nothing("write_hub", [], [f"tracks/hub/{name}.txt" for name in ("hub", "genomes", "hg38/trackDb")])
inputs = ["samples/resolved.tsv", "samples/rejected.tsv", "qc/samples.tsv", *SCORES, *named(OBSERVED, ".json")]
inputs += [f"qc/{name}.{strand}.svg" for name in ("correlation", "pca") for strand in STRANDS]
inputs += ["figures/scores.svg", "figures/by_chromosome.svg", "provenance/inputs.tsv", "evaluation/not_computed.tsv"]
inputs += [f"{place}.svg" for _, cell in CELLS for place in (f"figures/training/{cell}", f"figures/seams/{cell}")]
inputs += [f"figures/{name}/{path}.svg" for name in ("genes", "bases", "levels") for path in MODEL_TRACKS]
inputs += [f"figures/differences/genos/{i}.svg" for i in range(60)] + [f"figures/loci/{i}.svg" for i in range(2)]
nothing(
    "write_report",
    [*inputs, *(f"models/{cell}/provenance" for _, cell in CELLS)],
    ["report.html", "methods.txt", "provenance/software.tsv", "provenance/benchmarks.tsv"],
)
