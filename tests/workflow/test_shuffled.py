"""What the demo must not learn: coverage that has nothing to do with the sequence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import yaml

from workflow.conftest import DEMO
from workflow.runs import demo_folder, snakemake

BLOCK = 64


def shuffle_sample(source: Path, target: Path, seed: int) -> None:
    """Write a bigWig's coverage with its blocks of 64 bases in another order, the same order for one seed."""
    read, write = pyBigWig.open(str(source)), pyBigWig.open(str(target), "w")
    lengths = dict(read.chroms())
    write.addHeader(list(lengths.items()))
    rng = np.random.default_rng(seed)
    for chrom, length in lengths.items():
        values = np.nan_to_num(read.values(chrom, 0, length, numpy=True))
        whole = length // BLOCK * BLOCK
        values[:whole] = rng.permutation(values[:whole].reshape(-1, BLOCK)).ravel()
        write.addEntries(chrom, 0, values=values.astype(float), span=1, step=1)
    read.close()
    write.close()


def test_shuffled_coverage_is_not_predicted(tmp_path: Path) -> None:
    """The demo's U-Net on coverage that has lost its place in the genome, in training and in scoring: nothing to learn.

    A score here would be a leak from what is scored into what is predicted. Blocks are short, so that
    the held-out chromosome holds some 1,500 of them and chance alone stays well below 0.1. On the coverage as it
    was, the same training reaches 0.92.
    """
    folder = demo_folder(tmp_path)
    made = [f"results/demo/simulated/{name}" for name in ("amber_1.plus.bw", "amber_1.minus.bw", "blacklist.bed")]
    run = snakemake(folder, *made, *DEMO)
    assert run.status == 0, run.text[-5000:]
    for seed, path in enumerate(made[:2]):
        shuffle_sample(folder / path, folder / Path(path).name, seed)
    (folder / "samples.tsv").write_text(
        "sample\tcell_type\tsource\tplus\tminus\tunstranded\namber_1\tamber\tlocal\tamber_1.plus.bw\tamber_1.minus.bw\t\n"
    )
    (folder / "cell_types.tsv").write_text("cell_type\tontology\tdescription\namber\t\t\n")
    config = yaml.safe_load((folder / DEMO[1]).read_text())
    config |= {"results": "results/shuffled", "samples": "samples.tsv", "cell_types": "cell_types.tsv"}
    config["genome"]["chromosomes"], config["split"] = ["chr1", "chr3"], {"test": ["chr3"]}
    config["training"]["epochs"] = 3
    config["models"] = {"unet": config["models"]["unet"] | {"cell_types": ["amber"]}}
    del config["simulate"], config["variants"], config["evaluation"]["baselines"], config["loci"]
    (folder / "shuffled.yaml").write_text(yaml.safe_dump(config))
    table = "results/shuffled/evaluation/base_resolution.tsv"
    run = snakemake(folder, table, "--configfile", "shuffled.yaml")
    assert run.status == 0, run.text[-5000:]
    shuffled = pd.read_csv(folder / table, sep="\t").query("split == 'test' and region == 'all'")
    assert len(shuffled) == 2
    assert (shuffled["pearson_log1p"].abs() < 0.1).all()
