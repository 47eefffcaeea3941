# Gene expression: exonic means of every track, gene x track matrices, and their scores.


rule sum_genes:
    input:
        bigwig=out("tracks/{kind}/{cell_type}.{strand}{half}.bw"),
        genes=out("reference/genes.tsv.gz"),
        exons=counted_exons,
    output:
        out("genes/parts/{kind}/{cell_type}.{strand}{half}.tsv.gz"),
    log:
        out("logs/sum_genes/{kind}/{cell_type}.{strand}{half}.log"),
    benchmark:
        out("benchmarks/sum_genes/{kind}/{cell_type}.{strand}{half}.tsv")
    wildcard_constraints:
        kind=f"observed|halves|predicted/({any_of(MODELS)})",
        half=r"(\.[ab])?",
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    script:
        "../workflow_scripts/sum_genes.py"


rule gather_observed_genes:
    input:
        genes=out("reference/genes.tsv.gz"),
        parts=[out(f"genes/parts/observed/{track}.tsv.gz") for track in TRACKS],
    output:
        out("genes/observed.tsv.gz"),
    log:
        out("logs/gather_observed_genes.log"),
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        tracks=[str(track) for track in TRACKS],
    script:
        "../workflow_scripts/gather_genes.py"


rule gather_predicted_genes:
    input:
        genes=out("reference/genes.tsv.gz"),
        parts=lambda wildcards: [
            out(f"genes/parts/predicted/{wildcards.model}/{track}.tsv.gz") for track in model_tracks(wildcards)
        ],
    output:
        out("genes/predicted/{model}.tsv.gz"),
    log:
        out("logs/gather_predicted_genes/{model}.log"),
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        tracks=model_tracks,
    script:
        "../workflow_scripts/gather_genes.py"


rule convert_genes:
    input:
        out("genes/{matrix}.tsv.gz"),
    output:
        out("genes/{matrix}.h5ad"),
    log:
        out("logs/convert_genes/{matrix}.log"),
    wildcard_constraints:
        matrix=f"observed|predicted/({any_of(MODELS)})",
    conda:
        "../envs/anndata.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        total=CONFIG["normalisation"]["total"],
        shared_exons=CONFIG["genes"]["shared_exons"],
    script:
        "../workflow_scripts/convert_genes.py"


rule score_genes:
    input:
        observed=out("genes/observed.tsv.gz"),
        predicted=expand(out("genes/predicted/{model}.tsv.gz"), model=MODELS),
        halves=genes_of_halves,
    output:
        genes=report(
            out("evaluation/gene_expression.tsv"),
            caption="../resources/captions/gene_expression.rst",
            category="4 Scores",
            labels={"table": "gene_expression"},
        ),
        differences=report(
            out("evaluation/differential.tsv"),
            caption="../resources/captions/differential.rst",
            category="4 Scores",
            labels={"table": "differential"},
        ),
        different=report(
            out("evaluation/differential_genes.tsv"),
            caption="../resources/captions/differential_genes.rst",
            category="4 Scores",
            labels={"table": "differential_genes"},
        ),
        not_computed=out("evaluation/not_computed_genes.tsv"),
    log:
        out("logs/score_genes.log"),
    benchmark:
        out("benchmarks/score_genes.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        families={name: model.family for name, model in MODELS.items()},
        tracks=[(model, str(track)) for model, track in MODEL_TRACKS],
        others=OTHER,
        half_sizes=half_sizes,
        one_donor=cell_types_of_one_donor,
        same_strand={str(strand): number for strand, number in SAME_STRAND.items()},
        baselines=CONFIG["evaluation"]["baselines"],
        pairs=compared_models(),
        splits=digest(SPLITS),
        gene_types=digest(CONFIG["genes"]["types"]),
        pseudocount=CONFIG["genes"]["pseudocount"],
        bootstrap={key: CONFIG["evaluation"][key] for key in ("block_size", "resamples", "seed")},
    script:
        "../workflow_scripts/score_genes.py"
