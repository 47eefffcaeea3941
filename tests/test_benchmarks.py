"""Benchmark scripts: what they do where they cannot measure."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "benchmarks/base_scores.py"


def test_base_scores_make_their_folder_and_stop_where_the_data_cannot_be_made(tmp_path: Path) -> None:
    too_short_for_its_genes = ["--length", "50000", "--folder", str(tmp_path / "new" / "folder")]
    done = subprocess.run(
        [sys.executable, SCRIPT, *too_short_for_its_genes], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "the data could not be made: exit code 1"
    assert (tmp_path / "new" / "folder" / "genome.fa").exists()
