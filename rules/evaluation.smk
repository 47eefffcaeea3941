# Base-level scores: comparisons are streamed track by track, then combined by split and region class.


rule compare_bases:
    input:
        unpack(
            lambda wildcards: inputs.compared_tracks(RUN, wildcards.comparison, wildcards.cell_type, wildcards.strand)
        ),
        statistics=lambda wildcards: inputs.mean_statistics(RUN, wildcards.cell_type, wildcards.strand),
        fasta=out("reference/genome.fa"),
        index=out("reference/genome.fa.fai"),
        bodies=out("reference/gene_bodies.bed.gz"),
        exons=out("reference/exons.bed.gz"),
        blacklist=BLACKLIST,
    output:
        sums=out("evaluation/bases/{comparison}/{cell_type}.{strand}.tsv.gz"),
        sample=out("evaluation/bases/{comparison}/{cell_type}.{strand}.npz"),
    log:
        out("logs/compare_bases/{comparison}/{cell_type}.{strand}.log"),
    benchmark:
        out("benchmarks/compare_bases/{comparison}/{cell_type}.{strand}.tsv")
    wildcard_constraints:
        comparison=f"predicted/({any_of(RUN.models)})|halves|other_cell_type|mean_of_others",
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        chromosomes=SETTINGS.genome.chromosomes,
        tracks_in_mean=lambda wildcards: (
            RUN.same_strand[wildcards.strand] if wildcards.comparison == "mean_of_others" else None
        ),
        block_size=SETTINGS.evaluation.block_size,
        sample_bases=SETTINGS.evaluation.sample_bases,
        seed=SETTINGS.evaluation.seed,
        details=lambda wildcards: wildcards.comparison.startswith("predicted/"),
    script:
        "../workflow_scripts/compare_bases.py"


rule score_bases:
    input:
        predicted=[out(f"evaluation/bases/predicted/{model}/{track}.tsv.gz") for model, track in RUN.model_tracks],
        samples=[out(f"evaluation/bases/predicted/{model}/{track}.npz") for model, track in RUN.model_tracks],
        halves=lambda wildcards: [out(f"evaluation/bases/halves/{track}.tsv.gz") for track in what_is_scored().halved],
        other_cell_type=[
            out(f"evaluation/bases/other_cell_type/{track}.tsv.gz")
            for track in RUN.predicted
            if RUN.other_cell_type[track.cell_type]
        ],
        mean_of_others=[
            out(f"evaluation/bases/mean_of_others/{track}.tsv.gz")
            for track in RUN.predicted
            if RUN.same_strand[track.strand] > 2
        ],
    output:
        scores=report(
            out("evaluation/base_resolution.tsv"),
            caption="../resources/captions/base_resolution.rst",
            category="4 Scores",
            labels={"table": "base_resolution"},
        ),
        chromosomes=out("evaluation/by_chromosome.tsv"),
    log:
        out("logs/score_bases.log"),
    benchmark:
        out("benchmarks/score_bases.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        # Without the parts that the script does not read.
        scored=lambda wildcards: what_is_scored().to_plain() | {"pairs": [], "others": {}},
        splits=digest(SETTINGS.splits),
        resamples=SETTINGS.evaluation.resamples,
        seed=SETTINGS.evaluation.seed,
    script:
        "../workflow_scripts/score_bases.py"
