# Observed tracks: every sample scaled to one total, then averaged by cell type and strand.


rule average_track:
    input:
        sizes=out("reference/chrom.sizes"),
        signals=lambda wildcards: inputs.signals(RUN, used_samples(wildcards.cell_type), wildcards.strand),
        checks=lambda wildcards: inputs.checks(RUN, used_samples(wildcards.cell_type)),
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
        total=SETTINGS.normalisation.recorded("per", "over"),
    script:
        "../workflow_scripts/average_track.py"


use rule average_track as average_half with:
    input:
        sizes=out("reference/chrom.sizes"),
        signals=lambda wildcards: inputs.signals(
            RUN, inputs.half(used_samples(wildcards.cell_type), wildcards.half), wildcards.strand
        ),
        checks=lambda wildcards: inputs.checks(RUN, inputs.half(used_samples(wildcards.cell_type), wildcards.half)),
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
            out(f"tracks/observed/{track}.bw") for track in RUN.tracks if track.strand == wildcards.strand
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
