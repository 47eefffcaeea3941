"""What was run: the commit of a checkout, and the versions that the numbers depend on."""

import os
import platform
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from rnatracks import provenance
from rnatracks.errors import InputError
from rnatracks.provenance import describe_commit, read_benchmarks, software_versions


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    run = subprocess.run(["git", *identity, "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return run.stdout.strip()


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hook's GIT_DIR, or a repository above the temporary folder, would be asked instead."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "train.py").write_text("pass\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "First")
    return tmp_path


def test_clean_checkout_is_its_commit(checkout: Path) -> None:
    assert describe_commit(checkout) == git(checkout, "rev-parse", "--short=12", "HEAD")
    assert describe_commit(checkout / "scripts") == describe_commit(checkout)


def test_changed_checkout_is_dirty(checkout: Path) -> None:
    commit = describe_commit(checkout)
    (checkout / "scripts" / "train.py").write_text("changed\n")
    assert describe_commit(checkout) == f"{commit}-dirty"


def test_tag_does_not_hide_the_commit(checkout: Path) -> None:
    commit = describe_commit(checkout)
    git(checkout, "tag", "-a", "v1.0", "-m", "Release")
    assert describe_commit(checkout) == commit


def test_no_commit_is_none(tmp_path: Path) -> None:
    assert describe_commit(tmp_path) is None
    git(tmp_path, "init", "--quiet")
    assert describe_commit(tmp_path) is None


def test_no_git_is_none(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert describe_commit(checkout) is None


def test_versions_are_those_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PACKAGES", ["numpy", "torch", "no-such-package"])
    versions = software_versions()
    assert versions == {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__}


def test_read_benchmarks(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    files = [tmp_path / "train" / "amber.tsv", tmp_path / "short.tsv"]
    files[0].write_text("s\th:m:s\tmax_rss\n12.5\t0:00:12\t100.5\n13.5\t0:00:13\t90.0\n")
    files[1].write_text("s\th:m:s\tmax_rss\n0.1\t0:00:00\t-\n")
    frame = read_benchmarks(files, tmp_path)
    assert frame["job"].tolist() == ["train/amber", "short"]
    assert frame["seconds"].tolist() == [13.5, 0.1]
    assert frame["peak_memory_mb"].fillna(-1).tolist() == [100.5, -1]


def test_read_benchmarks_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(InputError, match=r"x.tsv: found 1 rows with the columns a, b; expected a Snakemake benchmark"):
        read_benchmarks([tmp_path / "x.tsv"], tmp_path)
