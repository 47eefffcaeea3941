# Genome and annotation: verified and prepared once.


checkpoint prepare_genome:
    input:
        inputs.path_of(RUN, RUN.references["genome"]),
    output:
        fasta=out("reference/genome.fa"),
        index=out("reference/genome.fa.fai"),
        sizes=out("reference/chrom.sizes"),
        bases=out("reference/bases.tsv"),
    log:
        out("logs/prepare_genome.log"),
    benchmark:
        out("benchmarks/prepare_genome.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        md5=None if RUN.references["genome"].remote else RUN.references["genome"].md5,
        chromosomes=SETTINGS.genome.chromosomes,
    script:
        "../workflow_scripts/prepare_genome.py"


rule prepare_annotation:
    input:
        gtf=inputs.path_of(RUN, RUN.references["annotation"]),
        sizes=out("reference/chrom.sizes"),
    output:
        gtf=out("reference/annotation.gtf.gz"),
        genes=out("reference/genes.tsv.gz"),
        bodies=out("reference/gene_bodies.bed.gz"),
        exons=out("reference/exons.bed.gz"),
        own_stranded=out("reference/exons_own.stranded.bed.gz"),
        own_unstranded=out("reference/exons_own.unstranded.bed.gz"),
    log:
        out("logs/prepare_annotation.log"),
    benchmark:
        out("benchmarks/prepare_annotation.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(12000),
        runtime=growing(60),
    params:
        md5=None if RUN.references["annotation"].remote else RUN.references["annotation"].md5,
    script:
        "../workflow_scripts/prepare_annotation.py"
