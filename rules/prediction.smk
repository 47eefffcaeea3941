# Prediction: one job per model and part of the genome, then one file per track.
# A part is a chromosome, or `{chrom}.{start}-{end}` (0-based, half-open) if prediction.shard_size is set.
from rnatracks.genome.tables import read_sizes


rule predict_chromosome:
    input:
        weights=out("models/{model}/model.safetensors"),
        config=out("models/{model}/config.json"),
        fasta=out("reference/genome.fa"),
        index=out("reference/genome.fa.fai"),
    output:
        temp(out("tracks/predicted/{model}/parts/{part}.npy")),
    log:
        out("logs/predict_chromosome/{model}/{part}.log"),
    benchmark:
        out("benchmarks/predict_chromosome/{model}/{part}.tsv")
    wildcard_constraints:
        part=rf"({any_of(SETTINGS.genome.chromosomes)})(\.\d+-\d+)?",
    conda:
        "../envs/torch.yaml"
    threads: 4
    resources:
        mem_mb=growing(16000),
        runtime=growing(480),
        gpu=1,
    params:
        # Only if it is set: another parameter would repeat the predictions of older runs.
        **({"reverse_complement": True} if SETTINGS.prediction.reverse_complement else {}),
        size=SETTINGS.windows.size,
        overlap=SETTINGS.prediction_overlap,
        stitch=SETTINGS.prediction.stitch,
        precision=SETTINGS.prediction.precision,
        digits=SETTINGS.prediction.significant_digits,
    script:
        "../workflow_scripts/predict_chromosome.py"


rule gather_prediction:
    input:
        parts=lambda wildcards: inputs.predicted_parts(
            RUN,
            wildcards.model,
            (
                read_sizes(Path(checkpoints.prepare_genome.get().output.sizes))
                if SETTINGS.prediction.shard_size
                else None
            ),
        ),
        sizes=out("reference/chrom.sizes"),
    output:
        out("tracks/predicted/{model}/{cell_type}.{strand}.bw"),
    log:
        out("logs/gather_prediction/{model}/{cell_type}.{strand}.log"),
    benchmark:
        out("benchmarks/gather_prediction/{model}/{cell_type}.{strand}.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        # pyBigWig makes the zoom levels of a chromosome at once: 14 bytes per base if all values differ.
        mem_mb=growing(5000),
        runtime=growing(240),
    params:
        row=lambda wildcards: model_tracks(wildcards).index(f"{wildcards.cell_type}.{wildcards.strand}"),
    script:
        "../workflow_scripts/gather_prediction.py"
