# Fine-tuning: one job a model.


rule train_model:
    input:
        fasta=out("reference/genome.fa"),
        index=out("reference/genome.fa.fai"),
        windows=out("windows/windows.bed.gz"),
        bigwigs=lambda wildcards: observed_tracks(MODELS[wildcards.model].cell_types, ".bw"),
        statistics=lambda wildcards: observed_tracks(MODELS[wildcards.model].cell_types, ".json"),
        blacklist=path_of(REFERENCES["blacklist"]) if "blacklist" in REFERENCES else [],
        start=start_weights,
        hub=hub_weights,
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
        model=lambda wildcards: asdict(MODELS[wildcards.model]),
        windows=CONFIG["windows"],
        training={key: value for key, value in CONFIG["training"].items() if key not in SPEED_SETTINGS},
        total=CONFIG["normalisation"]["total"],
    script:
        "../workflow_scripts/train_model.py"
