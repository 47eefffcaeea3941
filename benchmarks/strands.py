"""Held-out scores on the demo: strand modes and attention, the language model and the dilated CNN, over seeds.

Runs the workflow once per seed in `results/strands`, where only training and later steps are
repeated, and also scores each model on shuffled sequence. Writes `docs/strands.md`.

    python benchmarks/strands.py [--seeds 1 2 3] [--cores 2]
"""

import argparse
import logging
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from harness import DEMO, REPOSITORY

from rnatracks.correlation import Moments
from rnatracks.evaluation.tables import read_scores
from rnatracks.genome.sequence import Genome
from rnatracks.model.backbone import token_lookup
from rnatracks.model.folder import load_model
from rnatracks.tracks.bigwig import Coverage
from rnatracks.tracks.squash import unsquash

FOLDER = Path("results/strands")
CNN = {"type": "dilated_cnn", "hidden_size": 32, "num_hidden_layers": 7}
VARIANTS = {
    "heads-causal": {},
    "heads-bidirectional": {"attention": "bidirectional"},
    "reverse_complement-causal": {"strands": "reverse_complement"},
    "reverse_complement-bidirectional": {"strands": "reverse_complement", "attention": "bidirectional"},
    "dilated_cnn-heads": {"backbone": CNN},
    "dilated_cnn-reverse_complement": {"backbone": CNN, "strands": "reverse_complement"},
}
TEXT = """# Strands, attention and the dilated CNN on the demo

This page compares the ways to predict both strands, and the language model with the dilated CNN, by their held-out
scores on the demo.

The table was made by `python benchmarks/strands.py` ({versions}; {cores} cores,
no GPU). Each model is one joint model of both cell types with {parameters}, trained for
{epochs} epochs; everything else is as in `config/demo`. Scores are `pearson_log1p` on the held-out chromosome {chrom}
({bases:,} bases), averaged over the two cell types: mean and standard deviation over the seeds {seeds}.

The data are simulated, and a few minutes of training from random weights say nothing about a pretrained backbone. The
table compares the ways to read strands; it does not measure the quality of Genos.

{table}

- `+ less -` is the score of the plus strand minus that of the minus strand, from the means.
- `train` is the mean of both strands on the training chromosomes.
- `shuffled sequence` is the highest absolute score of the same models, over seeds, cell types and strands, when the
  chromosome's bases are shuffled before the models read them. (If bases are shuffled within each window instead, the
  models reach 0.1 to 0.4 in absolute value: the composition of a window shows where genes are.)

A model with constant output has no correlation at all (an empty cell in the workflow's tables).

A large standard deviation means that with one of the seeds, the model had not learnt the demo's words by the end of
this short training. Its training log shows this (`valid_pearson_log1p`).
"""

log = logging.getLogger("strands")


def write_config() -> Path:
    """Write the demo's configuration with our models, for a separate folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = DEMO.read_text().replace("results/demo", str(FOLDER))
    config = yaml.safe_load(text)
    for key in ("samples", "cell_types"):
        sheet = (REPOSITORY / config[key]).read_text().replace("results/demo", str(FOLDER))
        (FOLDER / f"{key}.tsv").write_text(sheet)
        config[key] = str(FOLDER / f"{key}.tsv")
    small = config["models"].pop("small") | {"cell_types": ["amber", "indigo"]}
    config["models"] = {name: small | changes for name, changes in VARIANTS.items()}
    del config["evaluation"]["baselines"]  # they name models that are not trained here
    config["loci"] = []
    path = FOLDER / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def run(config: Path, seed: int, cores: int) -> Path:
    """Run the workflow with a seed, and keep its scores and models."""
    kept = FOLDER / f"seed{seed}"
    if not (kept / "base_resolution.tsv").exists():
        (FOLDER / "seed.yaml").write_text(yaml.safe_dump({"training": {"seed": seed}}))
        subprocess.run(
            [
                *(sys.executable, "-m", "snakemake", f"{FOLDER}/evaluation/base_resolution.tsv"),
                *("--snakefile", str(REPOSITORY / "Snakefile"), "--cores", str(cores)),
                *("--configfile", str(config), str(FOLDER / "seed.yaml"), "--quiet", "all"),
                *("--set-threads", "train_model=1", "predict_chromosome=1", "--rerun-incomplete"),
            ],
            check=True,
        )
        shutil.copytree(FOLDER / "models", kept / "models", dirs_exist_ok=True)
        shutil.copy(FOLDER / "evaluation/base_resolution.tsv", kept)
    return kept


def shuffled_score(folder: Path, chrom: str, size: int) -> float:
    """Highest absolute log1p correlation of a model on a chromosome whose bases were shuffled."""
    model, genome, rng = load_model(folder, "cpu"), Genome(FOLDER / "reference/genome.fa"), np.random.default_rng(0)
    lookup, moments = token_lookup(model.config.token_ids), [Moments() for _ in model.config.tracks]
    observed = [Coverage(FOLDER / f"tracks/observed/{track}.bw") for track in model.config.tracks]
    length = genome.lengths[chrom]
    bases = rng.permutation(genome.bases(chrom, 0, length))
    for start in range(0, length - size + 1, size):
        with torch.inference_mode():
            predicted = model(torch.from_numpy(lookup[bases[start : start + size]])[None]).predictions[0].numpy()
        for row, mean in enumerate(model.config.track_means):
            pair = observed[row].values(chrom, start, start + size), unsquash(predicted[row], mean)
            moments[row] += Moments.of(*map(np.log1p, pair))
    return max(abs(track.pearson) for track in moments)


def main() -> None:
    """Run, score, and write the table."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    path = write_config()
    config = yaml.safe_load(path.read_text())
    chrom = config["split"]["test"][0]
    scores, shuffled = [], dict.fromkeys(VARIANTS, 0.0)
    for seed in options.seeds:
        log.info("seed %d", seed)
        kept = run(path, seed, options.cores)
        scores.append(read_scores(kept / "base_resolution.tsv").assign(seed=seed))
        for name in VARIANTS:
            score = shuffled_score(kept / "models" / name, chrom, config["windows"]["size"])
            shuffled[name] = max(shuffled[name], score)
    table = pd.concat(scores)
    table = table[table["region"] == "all"]
    held_out = table[table["split"] == "test"]
    rows = []
    for name in VARIANTS:
        mine = held_out[held_out["model"] == name].groupby(["strand", "seed"], sort=False)["pearson_log1p"].mean()
        plus, minus = mine["plus"], mine["minus"]
        train = table[(table["split"] == "train") & (table["model"] == name)]["pearson_log1p"].mean()
        rows.append(
            (
                name.replace("-", ", "),
                *(f"{strand.mean():.3f} ± {strand.std():.3f}" for strand in (plus, minus)),
                f"{plus.mean() - minus.mean():+.3f}",
                f"{train:.3f}",
                f"{shuffled[name]:.3f}",
            )
        )
    header = ("model", "+ strand", "- strand", "+ less -", "train", "shuffled sequence")
    lines = [header, ("---",) * len(header), *rows]
    sizes = {name: load_model(FOLDER / "models" / name, "cpu").num_parameters() for name in VARIANTS}
    text = TEXT.format(
        versions=f"torch {torch.__version__}, Python {platform.python_version()}",
        cores=options.cores,
        parameters=f"{min(sizes.values()):,} to {max(sizes.values()):,} parameters",
        epochs=config["training"]["epochs"],
        chrom=chrom,
        bases=int(held_out["bases"].iloc[0]),
        seeds=", ".join(map(str, options.seeds)),
        table="\n".join(f"| {' | '.join(line)} |" for line in lines),
    )
    (REPOSITORY / "docs").mkdir(exist_ok=True)
    (REPOSITORY / "docs/strands.md").write_text(text)
    log.info("%s", text)


if __name__ == "__main__":
    main()
