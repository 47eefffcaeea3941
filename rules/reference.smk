# Genome and annotation: fetched if need be, verified, prepared once.


rule fetch_reference:
    output:
        out("downloads/reference/{name}"),
    log:
        out("logs/fetch_reference/{name}.log"),
    wildcard_constraints:
        name=any_of(REFERENCES),
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=240,
    params:
        url=lambda wildcards: REFERENCES[wildcards.name]["location"],
        md5=lambda wildcards: REFERENCES[wildcards.name]["md5"],
    script:
        "../workflow_scripts/fetch_file.py"


rule prepare_genome:
    input:
        reference_file("genome"),
    output:
        fasta=out("reference/genome.fa"),
        index=out("reference/genome.fa.fai"),
        sizes=out("reference/chrom.sizes"),
    log:
        out("logs/prepare_genome.log"),
    benchmark:
        out("benchmarks/prepare_genome.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        md5=REFERENCES["genome"]["md5"],
        chromosomes=CHROMOSOMES,
    script:
        "../workflow_scripts/prepare_genome.py"


rule prepare_annotation:
    input:
        reference_file("annotation"),
    output:
        gtf=out("reference/annotation.gtf.gz"),
        genes=out("reference/genes.tsv.gz"),
        exons=out("reference/exons.bed.gz"),
    log:
        out("logs/prepare_annotation.log"),
    benchmark:
        out("benchmarks/prepare_annotation.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=12000,
        runtime=60,
    params:
        md5=REFERENCES["annotation"]["md5"],
        chromosomes=CHROMOSOMES,
    script:
        "../workflow_scripts/prepare_annotation.py"
