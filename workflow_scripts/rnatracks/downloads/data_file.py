"""Files that a run needs, local or to be fetched, and where what is fetched goes."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit


class Kind(StrEnum):
    """What a file holds, for a look at its content."""

    BIGWIG = "bigwig"
    FASTA = "fasta"
    GTF = "gtf"
    BED = "bed"


def is_url(text: str) -> bool:
    """Whether `text` is an http or https URL, and not a path.

    Examples
    --------
    >>> is_url("https://example.org/a.bw"), is_url("data/a.bw")
    (True, False)
    """
    return text.startswith(("http://", "https://"))


@dataclass(frozen=True)
class DataFile:
    """A file that a run needs: path or URL, what it holds, and what is known of it.

    `md5` is 32 hex digits or, for a URL, the URL of a published list that holds it; `size` is in bytes.
    """

    location: str
    kind: Kind
    md5: str | None = None
    size: int | None = None

    @property
    def remote(self) -> bool:
        """Whether it has to be fetched."""
        return is_url(self.location)

    @property
    def key(self) -> str:
        """Where it goes below a downloads folder: a folder of its own, named after the URL, and its own name.

        Examples
        --------
        >>> DataFile("https://example.org/a/b.bw?c=d", Kind.BIGWIG).key
        'c4bc2d6b9f13/b.bw'
        """
        name = Path(urlsplit(self.location).path).name or "file"
        return f"{hashlib.sha256(self.location.encode()).hexdigest()[:12]}/{name}"
