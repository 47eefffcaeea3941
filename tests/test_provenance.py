"""What was run: the commit of a checkout, and the versions that the numbers depend on."""

import os
import platform
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from rnatracks import provenance
from rnatracks.provenance import describe_commit, software_versions


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
