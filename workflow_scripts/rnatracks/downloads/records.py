"""Records of downloads: the record of a file `x` is `x.json`, next to it."""

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from ..errors import InputError


class Checksum(StrEnum):
    """Where the checksum of a record comes from: given by the publisher, or computed at the first fetch."""

    PUBLISHED = "published"
    PINNED = "pinned"


@dataclass(frozen=True, kw_only=True)
class FetchRecord:
    """Record of a download: `size` in bytes, digests in hexadecimal, the time in UTC."""

    url: str
    size: int
    md5: str
    sha256: str
    etag: str | None
    fetched: str
    checksum: Checksum


def read_record(target: Path) -> FetchRecord | None:
    """Record of a fetched file, from `{target}.json`; None if there is none.

    Raises
    ------
    InputError
        If the record cannot be read.
    """
    path = record_path(target)
    if not path.exists():
        return None
    try:
        record = FetchRecord(**json.loads(path.read_bytes()))
        return replace(record, checksum=Checksum(record.checksum))
    except (TypeError, ValueError) as error:
        raise InputError(path, error, "a record of a download, as JSON; delete it to pin the file again") from error


def record_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")
