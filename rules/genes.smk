# Gene expression: exonic means of every track, then gene x track matrices.


rule sum_genes:
    input:
        bigwig=out("tracks/{kind}/{cell_type}.{strand}.bw"),
        genes=out("reference/genes.tsv.gz"),
        exons=out("reference/exons.bed.gz"),
    output:
        out("genes/parts/{kind}/{cell_type}.{strand}.tsv.gz"),
    log:
        out("logs/sum_genes/{kind}/{cell_type}.{strand}.log"),
    benchmark:
        out("benchmarks/sum_genes/{kind}/{cell_type}.{strand}.tsv")
    wildcard_constraints:
        kind=f"observed|predicted/({any_of(MODELS)})",
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
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
        mem_mb=2000,
        runtime=10,
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
        mem_mb=2000,
        runtime=10,
    params:
        tracks=model_tracks,
    script:
        "../workflow_scripts/gather_genes.py"
