"""Weights of backbones from the Hugging Face hub: fetched once, at one commit, into the shared downloads."""

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
# What loading without code from there needs.
PATTERNS, FOLDERS = ["*.json", "*.safetensors", "*.txt", "*.model"], "*/*"


def fetch_weights(hub_id: str, revision: str | None, folder: Path, endpoint: str) -> FetchedWeights:
    """Fetch a model's configuration, tokenizer and weights, going on where an earlier attempt stopped.

    Parameters
    ----------
    hub_id
        As in `ZhejiangLab/Genos-1.2B`.
    revision
        Commit, tag or branch; None for the newest.
    folder
        The hub's cache: files are stored once, whatever the number of revisions.
    endpoint
        Address of the hub.

    Raises
    ------
    InputError
        If the hub does not have it, asks for a login, or does not answer while the weights are not there whole;
        if there are no safetensors in it, or an adapter; or if a file is not what its checksum says: the next attempt
        fetches it anew.
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
        expected = f"a model that {endpoint} has and gives (after `hf auth login`, if it asks), and room in {folder}"
        raise InputError(where, textwrap.shorten(str(error), 300), expected) from error
    snapshot = folder / Path(snapshot).relative_to(folder.resolve())
    if not (snapshot / "config.json").is_file() or not any(snapshot.glob("*.safetensors")):
        raise InputError(where, f"{sorted(path.name for path in snapshot.iterdir())}", "config.json and *.safetensors")
    _check_content(snapshot, where)
    expected = "a model that Transformers loads whole and without code from there"
    check_texts(snapshot, where, expected)
    weight_files(snapshot, where, expected)
    return FetchedWeights(hub_id=hub_id, revision=revision or NEWEST, commit=snapshot.name, folder=str(snapshot))


def _check_content(snapshot: Path, where: str) -> None:
    """Compare with the checksums that the cache names files by: SHA-256 of large ones, git's SHA-1 of small ones."""
    for path in sorted(snapshot.iterdir()):
        stored = path.resolve()
        if len(stored.name) == 64:
            digest = file_checksum(stored, "sha256")
        else:
            content = stored.read_bytes()
            digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        if digest != stored.name:
            stored.unlink()
            raise InputError(f"{where}, {path.name}", f"checksum {digest}", f"{stored.name}; what came is deleted")
