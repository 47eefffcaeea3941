# From tables of effects to what the report and the browser show: sizes of effects, and the strongest variants.
from itertools import product

from rnatracks.variants.top_variants import MAX_TOP

VARIANT_SETS = list(RUN.variants)
# The report shows results by model and, within a model, by set of variants.
EFFECT_TABLES = [f"{model}/{name}" for model, name in product(RUN.models, VARIANT_SETS)]
TOP_MODELS = list(RUN.models) if VARIANT_SETS else []
TOP_FIGURES = [out(f"figures/variants/{{model}}/top/{rank}.svg") for rank in range(1, MAX_TOP + 1)]


if VARIANT_SETS:

    rule summarise_effects:
        input:
            effects=out("variants/{model}/{variants}.tsv.gz"),
            background=[out("variants/{model}/{variants}.background.tsv.gz")] if SETTINGS.variants.background else [],
            skipped=out("variants/{variants}.skipped.tsv"),
        output:
            strongest=out("variants/{model}/{variants}.strongest.tsv"),
            counts=out("variants/{model}/{variants}.counts.tsv"),
            figure=report(
                out("figures/variants/{model}/{variants}.svg"),
                caption="../resources/captions/variant_effects.rst",
                category="5 Sequence changes",
                labels={"figure": "sizes of effects", "model": "{model}", "variants": "{variants}"},
            ),
        log:
            out("logs/summarise_effects/{model}/{variants}.log"),
        benchmark:
            out("benchmarks/summarise_effects/{model}/{variants}.tsv")
        conda:
            "../envs/report.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(60),
        script:
            "../workflow_scripts/summarise_effects.py"

    rule predict_top:
        input:
            weights=out("models/{model}/model.safetensors"),
            config=out("models/{model}/config.json"),
            fasta=out("reference/genome.fa"),
            index=out("reference/genome.fa.fai"),
            strongest=[out(f"variants/{{model}}/{name}.strongest.tsv") for name in VARIANT_SETS],
        output:
            table=out("variants/{model}/top.tsv"),
            folder=directory(out("variants/{model}/top")),
        log:
            out("logs/predict_top/{model}.log"),
        benchmark:
            out("benchmarks/predict_top/{model}.tsv")
        conda:
            "../envs/torch.yaml"
        threads: 4
        resources:
            mem_mb=growing(16000),
            runtime=growing(60),
            gpu=1,
        params:
            variants=VARIANT_SETS,
            pseudocount=SETTINGS.genes.pseudocount,
            prediction=PREDICTION,
        script:
            "../workflow_scripts/predict_top.py"

    rule plot_variants:
        input:
            table=out("variants/{model}/top.tsv"),
            alternatives=out("variants/{model}/top"),
            genes=out("reference/genes.tsv.gz"),
            exons=out("reference/exons.bed.gz"),
            predicted=lambda wildcards: [
                out(f"tracks/predicted/{wildcards.model}/{track}.bw") for track in model_tracks(wildcards)
            ],
        output:
            report(
                TOP_FIGURES,
                caption="../resources/captions/variant_locus.rst",
                category="5 Sequence changes",
                labels={"figure": "strongest variants", "model": "{model}"},
            ),
        log:
            out("logs/plot_variants/{model}.log"),
        localrule: True
        conda:
            "../envs/report.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(10),
        params:
            tracks=model_tracks,
        script:
            "../workflow_scripts/plot_variants.py"
