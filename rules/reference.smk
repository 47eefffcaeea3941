# Genome and annotation: fetched if need be, verified, prepared once.


rule fetch_file:
    output:
        # Beside it stands a record with its URL, checksums and date, which must outlast the file.
        f"{CONFIG['downloads']}/{{key}}/{{name}}",
    log:
        out("logs/fetch_file/{key}/{name}.log"),
    wildcard_constraints:
        key="[0-9a-f]{12}",
        name="[^/]+",
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=480,
        downloads=1,
    params:
        remote=remote_file,
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
        md5=None if is_url(CONFIG["genome"]["fasta"]) else CONFIG["genome"]["md5"],
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
        md5=None if is_url(CONFIG["annotation"]["gtf"]) else CONFIG["annotation"]["md5"],
        chromosomes=CHROMOSOMES,
    script:
        "../workflow_scripts/prepare_annotation.py"
