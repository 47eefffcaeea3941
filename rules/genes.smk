# Gene expression: exonic means of every track, gene x track matrices, and their scores.


rule sum_genes:
    input:
        bigwig=out("tracks/{kind}/{cell_type}.{strand}{half}.bw"),
        genes=out("reference/genes.tsv.gz"),
        exons=lambda wildcards: inputs.counted_exons(RUN, wildcards.strand),
    output:
        out("genes/parts/{kind}/{cell_type}.{strand}{half}.tsv.gz"),
    log:
        out("logs/sum_genes/{kind}/{cell_type}.{strand}{half}.log"),
    benchmark:
        out("benchmarks/sum_genes/{kind}/{cell_type}.{strand}{half}.tsv")
    wildcard_constraints:
        kind=f"observed|halves|predicted/({any_of(RUN.models)})",
        half=r"(\.[ab])?",
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        columns=["mean", "gene_body"],  # what the file contains, so that files of older versions are made again
    script:
        "../workflow_scripts/sum_genes.py"


rule gather_observed_genes:
    input:
        genes=out("reference/genes.tsv.gz"),
        parts=[out(f"genes/parts/observed/{track}.tsv.gz") for track in RUN.tracks],
    output:
        out("genes/observed.tsv.gz"),
    log:
        out("logs/gather_observed_genes.log"),
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        tracks=names_of(RUN.tracks),
    script:
        "../workflow_scripts/gather_genes.py"


rule gather_predicted_genes:
    input:
        genes=out("reference/genes.tsv.gz"),
        parts=lambda wildcards: [
            out(f"genes/parts/predicted/{wildcards.model}/{track}.tsv.gz") for track in model_tracks(wildcards)
        ],
    output:
        out("genes/predicted/{model}.tsv.gz"),
    log:
        out("logs/gather_predicted_genes/{model}.log"),
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        tracks=model_tracks,
    script:
        "../workflow_scripts/gather_genes.py"


rule convert_genes:
    input:
        out("genes/{matrix}.tsv.gz"),
    output:
        out("genes/{matrix}.h5ad"),
    log:
        out("logs/convert_genes/{matrix}.log"),
    wildcard_constraints:
        matrix=f"observed|predicted/({any_of(RUN.models)})",
    conda:
        "../envs/anndata.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        normalisation=SETTINGS.normalisation.scaling,
        shared_exons=SETTINGS.genes.shared_exons,
    script:
        "../workflow_scripts/convert_genes.py"


rule score_gene_bodies:
    input:
        genes=out("reference/genes.tsv.gz"),
        observed=[out(f"genes/parts/observed/{track}.tsv.gz") for _, track in RUN.model_tracks],
        predicted=[out(f"genes/parts/predicted/{model}/{track}.tsv.gz") for model, track in RUN.model_tracks],
    output:
        out("evaluation/gene_bodies.tsv"),
    log:
        out("logs/score_gene_bodies.log"),
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        tracks=[(model, str(track)) for model, track in RUN.model_tracks],
        splits=digest(SETTINGS.splits),
    script:
        "../workflow_scripts/score_gene_bodies.py"


rule score_genes:
    input:
        observed=out("genes/observed.tsv.gz"),
        bodies=out("evaluation/gene_bodies.tsv"),
        predicted=expand(out("genes/predicted/{model}.tsv.gz"), model=RUN.models),
        halves=lambda wildcards: [
            out(f"genes/parts/halves/{track}.{half}.tsv.gz") for track in what_is_scored().halved for half in "ab"
        ],
    output:
        genes=report(
            out("evaluation/gene_expression.tsv"),
            caption="../resources/captions/gene_expression.rst",
            category="4 Scores",
            labels={"table": "gene_expression"},
        ),
        differences=report(
            out("evaluation/differential.tsv"),
            caption="../resources/captions/differential.rst",
            category="4 Scores",
            labels={"table": "differential"},
        ),
        different=report(
            out("evaluation/differential_genes.tsv"),
            caption="../resources/captions/differential_genes.rst",
            category="4 Scores",
            labels={"table": "differential_genes"},
        ),
    log:
        out("logs/score_genes.log"),
    benchmark:
        out("benchmarks/score_genes.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        scored=lambda wildcards: what_is_scored().to_plain(),
        splits=digest(SETTINGS.splits),
        gene_types=digest(SETTINGS.genes.types),
        pseudocount=SETTINGS.genes.pseudocount,
        bootstrap=[SETTINGS.evaluation.block_size, SETTINGS.evaluation.resamples, SETTINGS.evaluation.seed],
    script:
        "../workflow_scripts/score_genes.py"
