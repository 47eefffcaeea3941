# Fine-tuning: one job per model.
from rnatracks.model.plan import TRAINING_KEYS
from rnatracks.training.job import SPEED_SETTINGS


rule train_model:
    input:
        fasta=out("reference/genome.fa"),
        index=out("reference/genome.fa.fai"),
        windows=out("windows/windows.bed.gz"),
        bigwigs=lambda wildcards: observed_tracks(RUN.models[wildcards.model].cell_types, ".bw"),
        statistics=lambda wildcards: observed_tracks(RUN.models[wildcards.model].cell_types, ".json"),
        blacklist=BLACKLIST,
        start=lambda wildcards: inputs.start_weights(RUN, wildcards.model),
        hub=lambda wildcards: inputs.hub_records(RUN, wildcards.model),
    output:
        weights=out("models/{model}/model.safetensors"),
        config=out("models/{model}/config.json"),
        card=out("models/{model}/README.md"),
        log=out("models/{model}/training_log.tsv"),
        provenance=out("models/{model}/provenance.json"),
    log:
        out("logs/train_model/{model}.log"),
    benchmark:
        out("benchmarks/train_model/{model}.tsv")
    conda:
        "../envs/torch.yaml"
    threads: 8
    resources:
        mem_mb=lambda wildcards, attempt: 16000 * (attempt + 1),
        runtime=2880,
        gpu=1,
        nodes=1,
        slurm_extra="'--signal=USR1@900'",
    params:
        model=lambda wildcards: RUN.models[wildcards.model].recorded(),
        windows=SETTINGS.windows.model_dump(),
        training=lambda wildcards: SETTINGS.training_of(RUN.models[wildcards.model].family).model_dump(
            mode="json", exclude=SPEED_SETTINGS
        ),
        total=SETTINGS.normalisation.recorded("per", "over", "track_mean"),
    script:
        "../workflow_scripts/train_model.py"
