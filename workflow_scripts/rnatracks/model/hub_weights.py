"""Weights of backbones from the Hugging Face Hub: downloaded once, at one commit, into the shared downloads."""

import hashlib
import textwrap
from pathlib import Path

import httpx2
from huggingface_hub import snapshot_download
from huggingface_hub.errors import RevisionResolutionError

from ..errors import InputError
from ..files import file_checksum
from .plan import FetchedWeights
from .weight_files import check_texts, weight_files

NEWEST = "main"
# The files needed to load a model without remote code.
PATTERNS, FOLDERS = ["*.json", "*.safetensors", "*.txt", "*.model"], "*/*"


def fetch_weights(hub_id: str, revision: str | None, folder: Path, endpoint: str) -> FetchedWeights:
    """Download a model's configuration, tokenizer and weights, resuming where an earlier attempt stopped.

    Parameters
    ----------
    hub_id
        Such as `ZhejiangLab/Genos-1.2B`.
    revision
        Commit, tag or branch; None for the newest commit.
    folder
        Cache folder, in which each file is stored once, whatever the number of revisions.
    endpoint
        Base URL of the Hub.

    Raises
    ------
    InputError
        If the Hub does not have the model, requires a login, or does not answer and the local copy is incomplete; if
        the model has no safetensors files or has an adapter; or if a file does not match its checksum (it is deleted,
        and the next attempt downloads it again).
    """
    where = f"backbone {hub_id!r}" + ("" if revision is None else f", revision {revision!r}")
    try:
        snapshot = snapshot_download(
            hub_id,
            revision=revision,
            cache_dir=folder,
            endpoint=endpoint,
            allow_patterns=PATTERNS,
            ignore_patterns=FOLDERS,
        )
    except (OSError, ValueError, httpx2.HTTPError, RevisionResolutionError) as error:
        expected = (
            f"a model that can be downloaded from {endpoint} (after `hf auth login`, if required), "
            f"and enough space in {folder}"
        )
        raise InputError(where, textwrap.shorten(str(error), 300), expected) from error
    snapshot = folder / Path(snapshot).relative_to(folder.resolve())
    if not (snapshot / "config.json").is_file() or not any(snapshot.glob("*.safetensors")):
        raise InputError(where, f"{sorted(path.name for path in snapshot.iterdir())}", "config.json and *.safetensors")
    _check_content(snapshot, where)
    expected = "a complete model that Transformers can load without remote code"
    check_texts(snapshot, where, expected)
    weight_files(snapshot, where, expected)
    return FetchedWeights(hub_id=hub_id, revision=revision or NEWEST, commit=snapshot.name, folder=str(snapshot))


def _check_content(snapshot: Path, where: str) -> None:
    """Check that files match the checksums in their cache names: SHA-256 of large files, Git's SHA-1 of small ones."""
    for path in sorted(snapshot.iterdir()):
        stored = path.resolve()
        if len(stored.name) == 64:
            digest = file_checksum(stored, "sha256")
        else:
            content = stored.read_bytes()
            digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        if digest != stored.name:
            stored.unlink()
            raise InputError(f"{where}, {path.name}", f"checksum {digest}", f"{stored.name}; the file was deleted")
