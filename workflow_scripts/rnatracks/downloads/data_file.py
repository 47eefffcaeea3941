"""Files that a run needs, local or remote, and where downloads are stored."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit


class Kind(StrEnum):
    """The type of a file, which its content is checked against."""

    BIGWIG = "bigwig"
    FASTA = "fasta"
    GTF = "gtf"
    BED = "bed"
    VCF = "vcf"


def is_url(text: str) -> bool:
    """Whether `text` is an http or https URL rather than a path.

    Examples
    --------
    >>> is_url("https://example.org/a.bw"), is_url("data/a.bw")
    (True, False)
    """
    return text.startswith(("http://", "https://"))


@dataclass(frozen=True)
class DataFile:
    """A file that a run needs: its path or URL, its type, and what is known about it.

    `md5` is 32 hex digits or, for a URL, the URL of a published list that contains it; `size` is in bytes.
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
        """Its path in a downloads folder: a folder named after a hash of the URL, then the file's own name.

        Examples
        --------
        >>> DataFile("https://example.org/a/b.bw?c=d", Kind.BIGWIG).key
        'c4bc2d6b9f13/b.bw'
        """
        name = Path(urlsplit(self.location).path).name or "file"
        return f"{hashlib.sha256(self.location.encode()).hexdigest()[:12]}/{name}"
