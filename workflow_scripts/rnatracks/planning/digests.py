"""Digests that rules use as parameters, in place of texts and of files of the repository.

Snakemake writes the parameters of reported rules unescaped into a script of its report, so that no text of a user may
be a parameter, except the names of samples, cell types and models. Input files count by their path as well as by their
content: as an input, a file of the repository would be a different one in each clone.
"""

import hashlib
import json
from pathlib import Path


def digest(*values: object) -> str:
    """Digest of values that a script reads from the settings or a sheet; it changes with them."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def digest_of_files(folder: Path, *patterns: str) -> str:
    """Digest of the content of files in a folder; it changes with their content only."""
    paths = sorted(path for pattern in patterns for path in folder.glob(pattern))
    return digest(*(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths))
