"""One model of the Hugging Face hub, as its API and its downloads answer."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .faults import Reply, file_reply, page


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """Files of a model at its only commit, on the branch `main`."""

    hub_id: str
    files: Mapping[str, bytes]

    @classmethod
    def of_folder(cls, hub_id: str, folder: Path) -> "HubModel":
        """The files of a model folder."""
        return cls(hub_id=hub_id, files={path.name: path.read_bytes() for path in sorted(folder.iterdir())})

    @property
    def commit(self) -> str:
        return hashlib.sha1(b"".join(self.files.values())).hexdigest()

    def download(self, name: str) -> str:
        """Path from which a file is downloaded."""
        return f"/{self.hub_id}/resolve/{self.commit}/{name}"

    def answer(self, path: str) -> Reply:
        """What is known of the branch, the list of files, or a file with its commit in a header."""
        model = f"/api/models/{self.hub_id}"
        siblings = [{"rfilename": name} for name in self.files]
        known = {"id": self.hub_id, "sha": self.commit, "siblings": siblings}
        tree = [listed(name, content) for name, content in self.files.items()]
        if path in (f"{model}/revision/{name}" for name in ("main", self.commit)):
            return page(200, json.dumps(known), "application/json")
        if path == f"{model}/tree/{self.commit}":
            return page(200, json.dumps(tree), "application/json")
        for name, content in self.files.items():
            if path == self.download(name):
                reply, tag = file_reply(content), sha256(content) if is_large(name) else git_blob(content)
                return replace(reply, headers={**reply.headers, "ETag": f'"{tag}"', "X-Repo-Commit": self.commit})
        missing = "RevisionNotFound" if path.startswith(f"{model}/revision/") else "EntryNotFound"
        return page(404, json.dumps({"error": missing}), "application/json", X_Error_Code=missing)


def listed(name: str, content: bytes) -> dict[str, object]:
    entry = {"type": "file", "path": name, "size": len(content), "oid": git_blob(content)}
    if is_large(name):
        entry["lfs"] = {"oid": sha256(content), "size": len(content), "pointerSize": 134}
    return entry


def is_large(name: str) -> bool:
    """Whether the hub keeps a file outside git, and names it by its SHA-256."""
    return name.endswith((".safetensors", ".bin"))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_blob(content: bytes) -> str:
    """Git's name for a file's content, which the hub gives as its ETag."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
