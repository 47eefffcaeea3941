"""Files that are either complete or absent (written under another name, then renamed), and text, always UTF-8."""

import gzip
import hashlib
import io
import json
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import pandas as pd

from .errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")  # SAM specification, 4.1.2


@contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Yield a temporary path next to `target`, which is renamed to `target` only if the block succeeds.

    The path keeps the target's suffixes, because libraries choose formats by them.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".partial.{os.getpid()}.{target.name}")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def remove_partials(target: Path) -> None:
    """Remove temporary files left by killed writers of `target`; call this before its only writer starts."""
    left = re.compile(rf"\.partial\.\d+\.{re.escape(target.name)}")
    for path in target.parent.glob(".partial.*"):
        if left.fullmatch(path.name):
            path.unlink(missing_ok=True)


def open_plain_or_gzip(path: Path) -> BinaryIO:
    """Open a file for reading bytes; a file that starts with the gzip magic number is decompressed.

    Raises
    ------
    InputError
        If it is bgzipped and lacks the end marker: cut off between two blocks, it would be read as a shorter file.
    """
    with Path(path).open("rb") as stream:
        start = stream.read(18)
        if not start.startswith(GZIP_MAGIC):
            return Path(path).open("rb")
        if is_bgzf(start):
            stream.seek(-min(Path(path).stat().st_size, len(BGZF_END)), os.SEEK_END)
            if stream.read() != BGZF_END:
                raise InputError(path, "damaged gzip data (no end marker of BGZF)", "a complete gzip file")
    return gzip.open(path)


def is_bgzf(start: bytes) -> bool:
    """Whether gzip data that starts with these bytes (at least 14) is bgzipped, by its extra field."""
    return len(start) >= 14 and bool(start[3] & 4) and start[12:14] == b"BC"


def read_text(path: Path) -> str:
    """Read a UTF-8 text file, with or without a byte order mark; all line endings become line feeds.

    Raises
    ------
    InputError
        If it is not UTF-8.
    """
    content = Path(path).read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _not_utf8(path, line, error) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def write_text(target: Path, text: str) -> None:
    """Write a text file in UTF-8, atomically."""
    with atomic_write(target) as partial:
        partial.write_text(text, encoding="utf-8")


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines of a text file, plain or gzipped, in UTF-8 with or without a byte order mark.

    Yields
    ------
    The line number, counted from 1, and the line without its ending (LF, CRLF or CR).

    Raises
    ------
    InputError
        If the file does not exist, is damaged or is not UTF-8.
    """
    if not Path(path).is_file():
        raise InputError(path, "no such file", "a text file, plain or gzipped")
    with open_plain_or_gzip(path) as stream:
        try:
            lines = (line for chunk in stream for line in chunk.rstrip(b"\r\n").split(b"\r"))
            for number, line in enumerate(lines, 1):
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise _not_utf8(path, number, error) from error
                yield number, text
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(path, f"damaged gzip data ({error})", "a complete gzip file") from error


def _not_utf8(path: Path, line: int, error: UnicodeDecodeError) -> InputError:
    found = f"bytes that are not UTF-8 ({error.object[error.start : error.start + 4]!r})"
    return InputError(f"{path}, line {line}", found, "text in UTF-8")


def file_checksum(path: Path, algorithm: str) -> str:
    """Checksum of a file in hexadecimal, with a hashlib algorithm such as `md5` or `sha256`."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def write_table(frame: pd.DataFrame, target: Path, *, header: bool = True) -> None:
    """Write a tab-separated table without its index, atomically."""
    with atomic_write(target) as partial:
        frame.to_csv(partial, sep="\t", index=False, header=header)


@contextmanager
def atomic_gzip(target: Path) -> Iterator[TextIO]:
    """Yield a text stream that becomes the gzipped `target` only if the block succeeds.

    The gzip header has neither name nor time, so the same text gives the same bytes.
    """
    with (
        atomic_write(target) as partial,
        partial.open("wb") as stream,
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as zipped,
        io.TextIOWrapper(zipped, encoding="utf-8", newline="") as text,
    ):
        yield text


def write_json(target: Path, record: Any) -> None:
    """Write a dataclass instance as JSON, atomically."""
    write_text(target, json.dumps(asdict(record), indent=2) + "\n")


def check_output_folder(folder: Path) -> None:
    """Raise `InputError` unless a folder exists or can be created."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"output folder {folder}", f"{there}, which is a file", "a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"output folder {folder}", f"{there}, which is not writable", "a writable folder")
