# Observed tracks: every sample scaled to one total, then averaged by cell type and strand.


rule average_track:
    input:
        sizes=out("reference/chrom.sizes"),
        signals=lambda wildcards: [
            signal_path(sample, Strand(wildcards.strand)) for sample in averaged(wildcards.cell_type)
        ],
        checks=lambda wildcards: [
            out(f"qc/samples/{sample.cell_type}/{sample.name}.json") for sample in averaged(wildcards.cell_type)
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
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        total=CONFIG["normalisation"]["total"],
    script:
        "../workflow_scripts/average_track.py"


use rule average_track as average_half with:
    input:
        sizes=out("reference/chrom.sizes"),
        signals=lambda wildcards: [signal_path(sample, Strand(wildcards.strand)) for sample in half_of(wildcards)],
        checks=lambda wildcards: [
            out(f"qc/samples/{sample.cell_type}/{sample.name}.json") for sample in half_of(wildcards)
        ],
    output:
        bigwig=temp(out("tracks/halves/{cell_type}.{strand}.{half}.bw")),
        statistics=temp(out("tracks/halves/{cell_type}.{strand}.{half}.json")),
    log:
        out("logs/average_half/{cell_type}.{strand}.{half}.log"),
    benchmark:
        out("benchmarks/average_half/{cell_type}.{strand}.{half}.tsv")
    wildcard_constraints:
        half="a|b",


rule average_cell_types:
    input:
        sizes=out("reference/chrom.sizes"),
        tracks=lambda wildcards: [
            out(f"tracks/observed/{track}.bw") for track in TRACKS if track.strand == wildcards.strand
        ],
    output:
        out("tracks/mean.{strand}.bw"),
    log:
        out("logs/average_cell_types/{strand}.log"),
    benchmark:
        out("benchmarks/average_cell_types/{strand}.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: lambda _, input: min(8, 1 + len(input.tracks) // 32)
    resources:
        mem_mb=growing(6000),
        runtime=growing(480),
    script:
        "../workflow_scripts/average_cell_types.py"
