# Base-level scores: comparisons are streamed track by track, then combined by split and region class.


rule compare_bases:
    input:
        unpack(compared_tracks),
        statistics=lambda wildcards: observed_tracks([wildcards.cell_type], ".json"),
        fasta=out("reference/genome.fa"),
        index=out("reference/genome.fa.fai"),
        bodies=out("reference/gene_bodies.bed.gz"),
        exons=out("reference/exons.bed.gz"),
        blacklist=path_of(REFERENCES["blacklist"]) if "blacklist" in REFERENCES else [],
    output:
        sums=out("evaluation/bases/{comparison}/{cell_type}.{strand}.tsv.gz"),
        sample=out("evaluation/bases/{comparison}/{cell_type}.{strand}.npz"),
    log:
        out("logs/compare_bases/{comparison}/{cell_type}.{strand}.log"),
    benchmark:
        out("benchmarks/compare_bases/{comparison}/{cell_type}.{strand}.tsv")
    wildcard_constraints:
        comparison=f"predicted/({any_of(MODELS)})|halves|other_cell_type|mean_of_others",
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        chromosomes=CHROMOSOMES,
        tracks_in_mean=lambda wildcards: (
            SAME_STRAND[wildcards.strand] if wildcards.comparison == "mean_of_others" else None
        ),
        block_size=CONFIG["evaluation"]["block_size"],
        sample_bases=CONFIG["evaluation"]["sample_bases"],
        seed=CONFIG["evaluation"]["seed"],
    script:
        "../workflow_scripts/compare_bases.py"


rule score_bases:
    input:
        predicted=[out(f"evaluation/bases/predicted/{model}/{track}.tsv.gz") for model, track in MODEL_TRACKS],
        samples=[out(f"evaluation/bases/predicted/{model}/{track}.npz") for model, track in MODEL_TRACKS],
        halves=lambda wildcards: [out(f"evaluation/bases/halves/{track}.tsv.gz") for track in halved_tracks()],
        other_cell_type=[
            out(f"evaluation/bases/other_cell_type/{track}.tsv.gz") for track in PREDICTED if OTHER[track.cell_type]
        ],
        mean_of_others=[
            out(f"evaluation/bases/mean_of_others/{track}.tsv.gz")
            for track in PREDICTED
            if SAME_STRAND[track.strand] > 2
        ],
    output:
        scores=report(
            out("evaluation/base_resolution.tsv"),
            caption="../resources/captions/base_resolution.rst",
            category="4 Scores",
            labels={"table": "base_resolution"},
        ),
        chromosomes=out("evaluation/by_chromosome.tsv"),
        not_computed=out("evaluation/not_computed.tsv"),
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
        tracks=[(model, str(track)) for model, track in MODEL_TRACKS],
        half_sizes=half_sizes,
        one_donor=cell_types_of_one_donor,
        same_strand={str(strand): number for strand, number in SAME_STRAND.items()},
        families={name: model.family for name, model in MODELS.items()},
        baselines=CONFIG["evaluation"]["baselines"],
        splits=digest(SPLITS),
        block_size=CONFIG["evaluation"]["block_size"],
        resamples=CONFIG["evaluation"]["resamples"],
        seed=CONFIG["evaluation"]["seed"],
    script:
        "../workflow_scripts/score_bases.py"
