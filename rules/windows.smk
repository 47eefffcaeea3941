# Windows: the genome cut into overlapping pieces, each with its split.


rule index_windows:
    input:
        fasta=out("reference/genome.fa"),
        index=out("reference/genome.fa.fai"),
        blacklist=BLACKLIST,
    output:
        out("windows/windows.bed.gz"),
    log:
        out("logs/index_windows.log"),
    benchmark:
        out("benchmarks/index_windows.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        splits=digest(SETTINGS.splits),
        size=SETTINGS.windows.size,
        overlap=SETTINGS.windows.overlap,
    script:
        "../workflow_scripts/index_windows.py"
