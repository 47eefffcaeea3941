"""Held-out scores of networks or of heads, each trained for the same time from random weights.

    python benchmarks/equal_time.py demo --minutes 2 --out results/equal_time
    python benchmarks/equal_time.py demo --heads --minutes 2 --out results/equal_time
    python benchmarks/equal_time.py counts --data FOLDER --minutes 4 --out results/equal_time

Networks are U-Net, dilated CNN and small language model, each with the head of `preset: unet`; heads are compared on
the small language model. `demo` is the demo's genome. `counts` and `rnaseq` are the real data of `real_chr22.py`, in
sequences cut from chr22. Snakemake makes tracks and windows; then every network is trained with each seed, for as many
steps as fit the time, and scored on the held-out sequence. Speeds are measured in turns, so that other work of the
machine slows all networks alike. Prints a table: mean of the tracks of each strand, and every seed.
"""

import argparse
import itertools
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import yaml
from harness import DEMO, REPOSITORY
from real_chr22 import DATA_SETS, write_run
from stitching import predict

from rnatracks.config.settings import Settings, read_settings
from rnatracks.correlation import Moments
from rnatracks.genome.sequence import UNKNOWN, Genome
from rnatracks.model.folder import load_model
from rnatracks.model.plan import expand_models
from rnatracks.planning.run import plan_run
from rnatracks.prediction.predict import TilePlan
from rnatracks.prediction.stitching import Stitch
from rnatracks.tracks.bigwig import Coverage
from rnatracks.training.job import TrainingJob
from rnatracks.training.stop import StopRequest
from rnatracks.training.train import prepare, train

LANGUAGE_MODEL = {"type": "mixtral", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
LANGUAGE_MODEL |= {"num_attention_heads": 4, "num_key_value_heads": 2, "num_local_experts": 4}
ON_LANGUAGE_MODEL = {"backbone": LANGUAGE_MODEL, "attention": "bidirectional"}
NETWORKS = {
    "U-Net": {},
    "dilated CNN": {"backbone": {"type": "dilated_cnn", "hidden_size": 64, "num_hidden_layers": 8}},
    "small language model": ON_LANGUAGE_MODEL,
}
# As in config/demo/config.yaml, with the defaults that the preset changes.
CONVOLUTIONS = {"channels": [32, 16], "kernel_size": 9, "dropout": 0.1, "initial_scale": 8, "plain_output": False}
HEADS = {
    "one convolution": ON_LANGUAGE_MODEL,
    "convolutions": ON_LANGUAGE_MODEL | {"head": CONVOLUTIONS},
    "U-Net head": ON_LANGUAGE_MODEL | {"head": {"type": "unet", "widths": [32, 48, 64]}},
}
CALIBRATION, TURNS = 12, 5  # steps of a turn, and turns
MODELS = {name.replace(" ", "-"): changes for name, changes in (NETWORKS | HEADS).items()}


def prepare_run(name: str, data: Path, out: Path, cores: int, window: int | None) -> tuple[Path, Settings]:
    """Write the configuration, and make tracks and windows with the workflow."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    if name == "demo":
        config = yaml.safe_load(DEMO.read_text().replace("results/demo", "results"))
        for key in ("samples", "cell_types"):
            (folder / f"{key}.tsv").write_text(
                (REPOSITORY / config[key]).read_text().replace("results/demo", "results")
            )
            config[key] = f"{key}.tsv"
        del config["evaluation"]["baselines"]
        config["loci"] = []
    else:
        write_run(data, DATA_SETS[name], folder)
        config = yaml.safe_load((folder / "config.yaml").read_text())
    if window is not None:
        config["windows"] = {"size": window, "overlap": window // 2}
    names = [row.split("\t")[0] for row in (folder / "cell_types.tsv").read_text().splitlines()[1:]]
    config["models"] = {key: {"cell_types": names, "preset": "unet"} | changes for key, changes in MODELS.items()}
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    tracks = [f"results/tracks/observed/{cell_type}.{strand}.bw" for cell_type in names for strand in ("plus", "minus")]
    command = ["snakemake", *tracks, "results/windows/windows.bed.gz", "--snakefile", REPOSITORY / "Snakefile"]
    command += ["--configfile", "config.yaml", "--cores", str(cores), "--quiet", "all"]
    subprocess.run([sys.executable, "-m", *command], cwd=folder, check=True)
    return folder, read_settings(config)


def write_job(settings: Settings, family: str, seed: int, epochs: float) -> TrainingJob:
    run = plan_run(settings)
    plan = expand_models(settings.models, list(run.cell_types))[family]
    tracks = [Path(settings.results, f"tracks/observed/{track}") for track in run.tracks_of_model(family)]
    training = settings.training_of(family).model_copy(
        update={"epochs": epochs, "seed": seed, "loader_workers": 0, "keep": "last", "stop_unless_falling": False}
    )
    target = Path(settings.results, "models", f"{family}-{seed}")
    target.mkdir(parents=True, exist_ok=True)
    return TrainingJob(
        plan=plan,
        settings=training,
        target=target,
        windows=Path(settings.results, "windows/windows.bed.gz"),
        window_size=settings.windows.size,
        max_n_fraction=settings.windows.max_n_fraction,
        max_blacklist_fraction=settings.windows.max_blacklist_fraction,
        fasta=Path(settings.results, "reference/genome.fa"),
        statistics=[Path(f"{track}.json") for track in tracks],
        bigwigs=[Path(f"{track}.bw") for track in tracks],
        blacklist=None,
        start=None,
    )


def steps_per_second(jobs: Sequence[TrainingJob]) -> list[tuple[float, int]]:
    """Speed of training with reading, in the fastest of several turns, and the steps of an epoch."""
    trainings, seconds = [], [math.inf] * len(jobs)
    for job in jobs:
        trainer, _, _ = prepare(job, StopRequest())
        loader = trainer.get_train_dataloader()
        optimiser = torch.optim.AdamW(trainer.model.parameters())
        trainings.append(
            (trainer.model, itertools.chain.from_iterable(itertools.repeat(loader)), optimiser, len(loader))
        )
    for turn in range(TURNS + 1):
        for number, (model, batches, optimiser, _) in enumerate(trainings):
            began = time.perf_counter()
            for batch in itertools.islice(batches, CALIBRATION):
                model(**batch).loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                optimiser.zero_grad()
            if turn:  # the first one warms up
                seconds[number] = min(seconds[number], time.perf_counter() - began)
    return [(CALIBRATION / each, epoch) for each, (*_, epoch) in zip(seconds, trainings, strict=True)]


def score(settings: Settings, job: TrainingJob, *, reverse_complement: bool) -> dict[str, float]:
    """Mean pearson_log1p of the tracks of each strand on the held-out sequences."""
    model, genome = load_model(job.target, "cpu"), Genome(job.fasta)
    moments = {track: Moments() for track in model.config.tracks}
    size = settings.windows.size
    both = {"reverse_complement": reverse_complement}
    tiles = TilePlan(size=size, overlap=size // 4, stitch=Stitch.BLEND, **both)
    for chrom in settings.held_out:
        predicted = predict(model, genome, chrom, tiles)
        known = genome.bases(chrom, 0, genome.lengths[chrom]) != UNKNOWN
        for track, path, row in zip(moments, job.bigwigs, predicted, strict=True):
            observed = np.log1p(Coverage(path).values(chrom, 0, len(row)), dtype=np.float64)
            moments[track] += Moments.of(observed[known], row[known])
    return {
        strand: float(np.mean([each.pearson for track, each in moments.items() if track.endswith(strand)]))
        for strand in ("plus", "minus")
    }


def main() -> None:
    """Train and score each network with each seed, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=["demo", *DATA_SETS])
    parser.add_argument("--data", type=Path, default=os.environ.get("RNATRACKS_REAL_DATA"))
    parser.add_argument("--out", type=Path, default=Path("results/equal_time"))
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--window", type=int)
    parser.add_argument("--one-strand", action="store_true", help="do not average the predictions of both strands")
    parser.add_argument("--heads", action="store_true", help="compare heads in place of networks")
    parser.add_argument("--only", nargs="+", help="compare only these, by the names in the table")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = None if options.data is None else Path(options.data).absolute()
    folder, settings = prepare_run(options.name, data, options.out, options.threads, options.window)
    os.chdir(folder)
    sys.stdout.write("| network | steps | minutes | plus | minus | seeds, plus | seeds, minus |\n| --- | --- | --- ")
    sys.stdout.write("| --- | --- | --- | --- |\n")
    chosen = [name for name in (HEADS if options.heads else NETWORKS) if options.only is None or name in options.only]
    families = [name.replace(" ", "-") for name in chosen]
    speeds = steps_per_second([write_job(settings, family, 0, 1) for family in families])
    for name, family, (speed, epoch) in zip(chosen, families, speeds, strict=True):
        found, both, minutes = [], [], []
        steps = int(options.minutes * 60 * speed)
        for seed in options.seeds:
            job = write_job(settings, family, seed, steps / epoch)
            began = time.perf_counter()
            train(job)
            minutes.append((time.perf_counter() - began) / 60)
            found.append(score(settings, job, reverse_complement=False))
            if not options.one_strand:
                both.append(score(settings, job, reverse_complement=True))
        for suffix, scores in (("", found), *([(", both strands averaged", both)] if both else [])):
            means = [f"{np.mean([each[strand] for each in scores]):.3f}" for strand in ("plus", "minus")]
            each = [", ".join(f"{one[strand]:.3f}" for one in scores) for strand in ("plus", "minus")]
            row = [f"{name}{suffix}", f"{steps:,}", f"{np.mean(minutes):.1f}", *means, *each]
            sys.stdout.write(f"| {' | '.join(row)} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
