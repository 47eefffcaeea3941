# Scores: moments are streamed track by track, then combined by split.


rule sum_moments:
    input:
        observed=out("tracks/observed/{cell_type}.{strand}.bw"),
        predicted=out("tracks/predicted/{model}/{cell_type}.{strand}.bw"),
        fasta=out("reference/genome.fa"),
        index=out("reference/genome.fa.fai"),
    output:
        out("evaluation/moments/{model}/{cell_type}.{strand}.tsv"),
    log:
        out("logs/sum_moments/{model}/{cell_type}.{strand}.log"),
    benchmark:
        out("benchmarks/sum_moments/{model}/{cell_type}.{strand}.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        chromosomes=CHROMOSOMES,
    script:
        "../workflow_scripts/sum_moments.py"


rule score_bases:
    input:
        [out(f"evaluation/moments/{model}/{track}.tsv") for model, track in MODEL_TRACKS],
    output:
        report(
            out("evaluation/base_resolution.tsv"),
            caption="../resources/captions/base_resolution.rst",
            category="Scores",
            labels={"table": "base_resolution"},
        ),
    log:
        out("logs/score_bases.log"),
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        tracks=[(model, str(track)) for model, track in MODEL_TRACKS],
        splits=SPLITS,
    script:
        "../workflow_scripts/score_bases.py"


rule score_genes:
    input:
        observed=out("genes/observed.tsv.gz"),
        predicted=expand(out("genes/predicted/{model}.tsv.gz"), model=MODELS),
    output:
        genes=report(
            out("evaluation/gene_expression.tsv"),
            caption="../resources/captions/gene_expression.rst",
            category="Scores",
            labels={"table": "gene_expression"},
        ),
        differences=report(
            out("evaluation/differential.tsv"),
            caption="../resources/captions/differential.rst",
            category="Scores",
            labels={"table": "differential"},
        ),
    log:
        out("logs/score_genes.log"),
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        models=list(MODELS),
        tracks=[(model, str(track)) for model, track in MODEL_TRACKS],
        pairs=list(compared_models()),
        splits=SPLITS,
        gene_types=CONFIG["genes"]["types"],
        pseudocount=CONFIG["genes"]["pseudocount"],
    script:
        "../workflow_scripts/score_genes.py"
