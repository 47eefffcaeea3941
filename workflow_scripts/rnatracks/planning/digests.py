"""Parameters of rules in place of what they stand for.

Snakemake writes the parameters of reported rules into a script of its report without escaping them: no text of a user
may be one of them, but for names of samples, cell types and models. And of an input file the place counts, not only
what is in it: a file of the repository would be another one in another clone.
"""

import hashlib
import json
from pathlib import Path


def digest(*values: object) -> str:
    """A parameter that changes with what a script reads from the settings or a sheet."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def digest_of_files(folder: Path, *patterns: str) -> str:
    """A parameter that changes with the content of files in a folder."""
    paths = sorted(path for pattern in patterns for path in folder.glob(pattern))
    return digest(*(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths))
