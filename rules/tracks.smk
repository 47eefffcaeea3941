# Observed tracks: every sample scaled to one total, then averaged by cell type and strand.


rule average_track:
    input:
        sizes=out("reference/chrom.sizes"),
        signals=lambda wildcards: [
            signal_path(sample, Strand(wildcards.strand)) for sample in samples_of(wildcards.cell_type)
        ],
        checks=lambda wildcards: [
            out(f"qc/samples/{sample.cell_type}/{sample.name}.json") for sample in samples_of(wildcards.cell_type)
        ],
    output:
        bigwig=out("tracks/observed/{cell_type}.{strand}.bw"),
        statistics=out("tracks/observed/{cell_type}.{strand}.json"),
    log:
        out("logs/average_track/{cell_type}.{strand}.log"),
    benchmark:
        out("benchmarks/average_track/{cell_type}.{strand}.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        total=CONFIG["normalisation"]["total"],
    script:
        "../workflow_scripts/average_track.py"
