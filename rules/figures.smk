# Figures. With many cell types, joint figures show the first ones of the sheet.

MOST_CELL_TYPES = 12  # in a locus figure
MOST_DIFFERENCES = 60  # figures of differences between two cell types
LOCUS_TRACKS = [track for name in list(RUN.cell_types)[:MOST_CELL_TYPES] for track in RUN.tracks_of[name]]
LOCUS_MODEL_TRACKS = [(model, track) for model, track in RUN.model_tracks if track in LOCUS_TRACKS]
# Pairs of (model, track) by the path of their figure: the family, the two cell types and their strand.
DIFFERENCES = {
    f"{family}/{first.track.cell_type}-{second.track}": (first, second)
    for family, first, second in RUN.pairs[:MOST_DIFFERENCES]
}


rule plot_training:
    input:
        out("models/{model}/training_log.tsv"),
    output:
        report(
            out("figures/training/{model}.svg"),
            caption="../resources/captions/training_curve.rst",
            category="3 Training",
            labels={"figure": "training curve", "model": "{model}"},
        ),
    log:
        out("logs/plot_training/{model}.log"),
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    script:
        "../workflow_scripts/plot_training.py"


rule plot_track:
    input:
        genes=out("reference/genes.tsv.gz"),
        observed=out("genes/parts/observed/{cell_type}.{strand}.tsv.gz"),
        predicted=out("genes/parts/predicted/{model}/{cell_type}.{strand}.tsv.gz"),
        bases=out("evaluation/bases/predicted/{model}/{cell_type}.{strand}.npz"),
    output:
        genes=report(
            out("figures/genes/{model}/{cell_type}.{strand}.svg"),
            caption="../resources/captions/gene_scatter.rst",
            category="4 Scores",
            labels={"figure": "genes", "model": "{model}", "track": "{cell_type} {strand}"},
        ),
        bases=report(
            out("figures/bases/{model}/{cell_type}.{strand}.svg"),
            caption="../resources/captions/base_hexbin.rst",
            category="4 Scores",
            labels={"figure": "single bases", "model": "{model}", "track": "{cell_type} {strand}"},
        ),
        levels=report(
            out("figures/expression_levels/{model}/{cell_type}.{strand}.svg"),
            caption="../resources/captions/expression_levels.rst",
            category="4 Scores",
            labels={"figure": "error by expression level", "model": "{model}", "track": "{cell_type} {strand}"},
        ),
    log:
        out("logs/plot_track/{model}/{cell_type}.{strand}.log"),
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        splits=digest(SETTINGS.splits),
        gene_types=digest(SETTINGS.genes.types),
        pseudocount=SETTINGS.genes.pseudocount,
    script:
        "../workflow_scripts/plot_track.py"


rule plot_differences:
    input:
        genes=out("reference/genes.tsv.gz"),
        observed=lambda wildcards: [
            out(f"genes/parts/observed/{track}.tsv.gz")
            for _, track in DIFFERENCES[f"{wildcards.family}/{wildcards.pair}"]
        ],
        predicted=lambda wildcards: [
            out(f"genes/parts/predicted/{model}/{track}.tsv.gz")
            for model, track in DIFFERENCES[f"{wildcards.family}/{wildcards.pair}"]
        ],
    output:
        report(
            out("figures/differences/{family}/{pair}.svg"),
            caption="../resources/captions/difference_scatter.rst",
            category="4 Scores",
            labels={"figure": "differences between cell types", "model": "{family}", "track": "{pair}"},
        ),
    log:
        out("logs/plot_differences/{family}/{pair}.log"),
    wildcard_constraints:
        family=any_of(SETTINGS.models),
        pair=r"[^/]+",
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        tracks=lambda wildcards: [str(track) for _, track in DIFFERENCES[f"{wildcards.family}/{wildcards.pair}"]],
        splits=digest(SETTINGS.splits),
        gene_types=digest(SETTINGS.genes.types),
        pseudocount=SETTINGS.genes.pseudocount,
    script:
        "../workflow_scripts/plot_differences.py"


rule profile_seams:
    input:
        observed=out("tracks/observed/{cell_type}.{strand}.bw"),
        predicted=out("tracks/predicted/{model}/{cell_type}.{strand}.bw"),
    output:
        out("evaluation/seams/{model}/{cell_type}.{strand}.tsv"),
    log:
        out("logs/profile_seams/{model}/{cell_type}.{strand}.log"),
    benchmark:
        out("benchmarks/profile_seams/{model}/{cell_type}.{strand}.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        chromosomes=SETTINGS.seam_chromosomes,
        period=SETTINGS.windows.size - SETTINGS.prediction_overlap,
    script:
        "../workflow_scripts/profile_seams.py"


rule plot_seams:
    input:
        lambda wildcards: [out(f"evaluation/seams/{wildcards.model}/{track}.tsv") for track in model_tracks(wildcards)],
    output:
        report(
            out("figures/seams/{model}.svg"),
            caption="../resources/captions/seams.rst",
            category="4 Scores",
            labels={"figure": "stitching seams", "model": "{model}"},
        ),
    log:
        out("logs/plot_seams/{model}.log"),
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        tracks=model_tracks,
        chromosomes=digest(SETTINGS.seam_chromosomes),
        size=SETTINGS.windows.size,
        overlap=SETTINGS.prediction_overlap,
        stitch=SETTINGS.prediction.stitch,
    script:
        "../workflow_scripts/plot_seams.py"


rule plot_scores:
    input:
        out("evaluation/base_resolution.tsv"),
        out("evaluation/gene_expression.tsv"),
        out("evaluation/by_chromosome.tsv"),
    output:
        bars=report(
            out("figures/scores.svg"),
            caption="../resources/captions/score_bars.rst",
            category="1 Overview",
            labels={"figure": "scores"},
        ),
        chromosomes=report(
            out("figures/by_chromosome.svg"),
            caption="../resources/captions/by_chromosome.rst",
            category="4 Scores",
            labels={"figure": "scores by chromosome"},
        ),
    log:
        out("logs/plot_scores.log"),
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    script:
        "../workflow_scripts/plot_scores.py"


rule plot_locus:
    input:
        loci=out("reference/loci.tsv"),
        genes=out("reference/genes.tsv.gz"),
        exons=out("reference/exons.bed.gz"),
        observed=[out(f"tracks/observed/{track}.bw") for track in LOCUS_TRACKS],
        predicted=[out(f"tracks/predicted/{model}/{track}.bw") for model, track in LOCUS_MODEL_TRACKS],
    output:
        report(
            out("figures/loci/{locus}.svg"),
            caption="../resources/captions/locus.rst",
            category="5 Loci",
            labels={"locus": "{locus}"},
        ),
    log:
        out("logs/plot_locus/{locus}.log"),
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        tracks=names_of(LOCUS_TRACKS),
        models=[(model, str(track)) for model, track in LOCUS_MODEL_TRACKS],
    script:
        "../workflow_scripts/plot_locus.py"
