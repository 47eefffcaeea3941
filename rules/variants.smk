# Changes of the sequence: what each model predicts that the variants of VCF files do to genes.

# Arguments of `load_predictor`: alleles are predicted as the tracks are.
PREDICTION = {
    "size": SETTINGS.windows.size,
    "overlap": SETTINGS.prediction_overlap,
    "stitch": SETTINGS.prediction.stitch,
    "reverse_complement": SETTINGS.prediction.reverse_complement,
    "precision": SETTINGS.prediction.precision,
    "digits": SETTINGS.prediction.significant_digits,
}


wildcard_constraints:
    variants=any_of(RUN.variants),


rule check_variants:
    input:
        variants=lambda wildcards: inputs.path_of(RUN, RUN.variants[wildcards.variants]),
        fasta=out("reference/genome.fa"),
        index=out("reference/genome.fa.fai"),
    output:
        contents=out("variants/{variants}.contents.tsv"),
        skipped=out("variants/{variants}.skipped.tsv"),
    log:
        out("logs/check_variants/{variants}.log"),
    priority: 10  # reports another assembly before the long jobs start
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        chromosomes=SETTINGS.genome.chromosomes,
    script:
        "../workflow_scripts/check_variants.py"


rule score_variants:
    input:
        variants=lambda wildcards: inputs.path_of(RUN, RUN.variants[wildcards.variants]),
        contents=out("variants/{variants}.contents.tsv"),
        weights=out("models/{model}/model.safetensors"),
        config=out("models/{model}/config.json"),
        fasta=out("reference/genome.fa"),
        index=out("reference/genome.fa.fai"),
        genes=out("reference/genes.tsv.gz"),
        exons=out("reference/exons.bed.gz"),
        bodies=out("reference/gene_bodies.bed.gz"),
    output:
        out("variants/{model}/predicted/{variants}.tsv.gz"),
        out("variants/{model}/predicted/{variants}.skipped.tsv"),
        [out("variants/{model}/predicted/{variants}.background.tsv.gz")] if SETTINGS.variants.background else [],
    log:
        out("logs/score_variants/{model}/{variants}.log"),
    benchmark:
        out("benchmarks/score_variants/{model}/{variants}.tsv")
    conda:
        "../envs/torch.yaml"
    threads: 4
    resources:
        mem_mb=growing(16000),
        runtime=growing(480),
        gpu=1,
    params:
        chromosomes=SETTINGS.genome.chromosomes,
        background=SETTINGS.variants.background,
        seed=SETTINGS.evaluation.seed,
        gene_types=SETTINGS.genes.types,
        shared_exons=SETTINGS.genes.shared_exons,
        pseudocount=SETTINGS.genes.pseudocount,
        prediction=PREDICTION,
    script:
        "../workflow_scripts/score_variants.py"


# Gene scores are added apart, so that new ones predict no effects again. They are those of evaluation/gene_expression.tsv,
# which changes with every other model, and are computed from the model's own tracks, which do not.
rule add_gene_scores:
    input:
        effects=out("variants/{model}/predicted/{table}.tsv.gz"),
        genes=out("reference/genes.tsv.gz"),
        observed=lambda wildcards: [out(f"genes/parts/observed/{track}.tsv.gz") for track in model_tracks(wildcards)],
        predicted=lambda wildcards: [
            out(f"genes/parts/predicted/{wildcards.model}/{track}.tsv.gz") for track in model_tracks(wildcards)
        ],
    output:
        out("variants/{model}/{table}.tsv.gz"),
    log:
        out("logs/add_gene_scores/{model}/{table}.log"),
    wildcard_constraints:
        table=rf"({any_of(RUN.variants)})(\.background)?",
    localrule: True
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        tracks=model_tracks,
        held_out=SETTINGS.held_out,
        gene_types=SETTINGS.genes.types,
    script:
        "../workflow_scripts/add_gene_scores.py"


rule annotate_variants:
    input:
        variants=lambda wildcards: inputs.path_of(RUN, RUN.variants[wildcards.variants]),
        effects=out("variants/{model}/{variants}.tsv.gz"),
        sizes=out("reference/chrom.sizes"),
    output:
        out("variants/{model}/{variants}.vcf.gz"),
    log:
        out("logs/annotate_variants/{model}/{variants}.log"),
    conda:
        "../envs/torch.yaml"  # for pysam
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        pseudocount=SETTINGS.genes.pseudocount,
    script:
        "../workflow_scripts/annotate_variants.py"


rule convert_variants:
    input:
        out("variants/{model}/{variants}.tsv.gz"),
    output:
        out("variants/{model}/{variants}.h5ad"),
    log:
        out("logs/convert_variants/{model}/{variants}.log"),
    conda:
        "../envs/anndata.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        pseudocount=SETTINGS.genes.pseudocount,
    script:
        "../workflow_scripts/convert_variants.py"


if RUN.planted:

    rule score_planted:
        input:
            effects=out("simulated/planted_effects.tsv"),
            observed=out("genes/observed.tsv.gz"),
            variants=[out(f"variants/{model}/{RUN.planted}.tsv.gz") for model in RUN.models],
        output:
            report(
                out("evaluation/planted_variants.tsv"),
                caption="../resources/captions/planted_variants.rst",
                category="4 Scores",
                labels={"table": "planted_variants"},
            ),
        log:
            out("logs/score_planted.log"),
        conda:
            "../envs/genomics.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(30),
        params:
            models=list(RUN.models),
            pseudocount=SETTINGS.genes.pseudocount,
        script:
            "../workflow_scripts/score_planted.py"

    rule plot_planted:
        input:
            effects=out("simulated/planted_effects.tsv"),
            genes=out("reference/genes.tsv.gz"),
            observed=lambda wildcards: [
                out(f"genes/parts/observed/{track}.tsv.gz") for track in RUN.tracks_of_model(wildcards.model)
            ],
            variants=out(f"variants/{{model}}/{RUN.planted}.tsv.gz"),
        output:
            report(
                out("figures/planted/{model}.svg"),
                caption="../resources/captions/planted_scatter.rst",
                category="4 Scores",
                labels={"figure": "planted effects", "model": "{model}"},
            ),
        log:
            out("logs/plot_planted/{model}.log"),
        localrule: True
        conda:
            "../envs/report.yaml"
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        params:
            tracks=model_tracks,
            pseudocount=SETTINGS.genes.pseudocount,
        script:
            "../workflow_scripts/plot_planted.py"
