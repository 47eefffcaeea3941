"""Text of any origin: UTF-8 with or without a byte order mark, whatever the locale, and one door for it."""

import ast
import gzip
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pysam
import pytest

from rnatracks.errors import InputError
from rnatracks.files import numbered_lines, read_text, write_text

REPOSITORY = Path(__file__).parents[1]
MARK = b"\xef\xbb\xbf"
# Python's own encoding for text files is ASCII here, as it is Latin-1 under an ISO-8859-1 locale.
ASCII_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("mark", [b"", MARK], ids=["plain", "marked"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_marks_and_line_ends_leave_no_trace(
    tmp_path: Path, mark: bytes, end: bytes, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "text"
    path.write_bytes(pack(mark + end.join(["gène\tα".encode(), b"", b"last"])))
    assert list(numbered_lines(path)) == [(1, "gène\tα"), (2, ""), (3, "last")]
    if pack is bytes:
        assert read_text(path) == "gène\tα\n\nlast"


def test_a_mark_within_the_text_stays(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"a\n" + MARK + b"b\n")
    assert list(numbered_lines(tmp_path / "text")) == [(1, "a"), (2, "\ufeffb")]


@pytest.mark.parametrize("read", [read_text, lambda path: list(numbered_lines(path))], ids=["whole", "lines"])
@pytest.mark.parametrize("bad", ["Müller".encode("latin-1"), "text".encode("utf-16")], ids=["latin-1", "utf-16"])
def test_other_encodings_are_refused_with_their_line(tmp_path: Path, read: Callable, bad: bytes) -> None:
    path = tmp_path / "sheet.tsv"
    path.write_bytes(b"first\nsecond\n" + bad)
    with pytest.raises(InputError) as refused:
        read(path)
    assert str(refused.value).startswith(f"{path}, line 3: found bytes that are not UTF-8")
    assert "\n" not in str(refused.value)


def test_a_cut_gzip_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(os.urandom(1000).hex().encode())[:-20])
    with pytest.raises(InputError, match="a complete gzip file"):
        list(numbered_lines(tmp_path / "cut.gz"))


@pytest.mark.parametrize("end", [28, 100], ids=["without its end", "amid a block"])
def test_a_cut_bgzipped_file_is_refused(tmp_path: Path, end: int) -> None:
    path = tmp_path / "lines.gz"
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write(b"a line\n" * 30_000)  # several blocks
    assert sum(1 for _ in numbered_lines(path)) == 30_000
    path.write_bytes(path.read_bytes()[:-end])
    with pytest.raises(InputError, match="damaged gzip data .*a complete gzip file"):
        list(numbered_lines(path))


def test_text_is_written_as_utf8(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "text", "gène α\n")
    assert (tmp_path / "new" / "text").read_bytes() == "gène α\n".encode()


SHEETS = """
import logging, sys
from pathlib import Path
from rnatracks.log import open_log
from rnatracks.samples.sheets import read_cell_types, read_samples, write_rows

folder = Path(sys.argv[1])
cell_types = read_cell_types(folder / "cell_types.tsv")
samples = read_samples(folder / "samples.tsv", cell_types)
open_log(str(folder / "log"))
logging.info("donor %s", samples[0].provenance.donor)
write_rows(folder / "resolved.tsv", [sample.as_row() for sample in samples])
assert read_samples(folder / "resolved.tsv", cell_types) == samples
"""


def test_sheets_and_logs_do_not_depend_on_the_locale(tmp_path: Path) -> None:
    (tmp_path / "cell_types.tsv").write_bytes("cell_type\tontology\tdescription\nB\t\tβ cells\n".encode())
    rows = "sample\tcell_type\tsource\tplus\tminus\tunstranded\tdonor\nB1\tB\tlocal\t\t\tα.bw\tMüller\n"
    (tmp_path / "samples.tsv").write_bytes(MARK + rows.encode())
    environment = os.environ | ASCII_LOCALE | {"PYTHONPATH": str(REPOSITORY / "workflow_scripts")}
    run = subprocess.run(
        [sys.executable, "-c", SHEETS, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "Logging error" not in run.stderr
    assert "Müller" in (tmp_path / "resolved.tsv").read_text(encoding="utf-8")
    assert "donor Müller" in (tmp_path / "log").read_text(encoding="utf-8")


# One door

PYTHON = [
    *(REPOSITORY / "workflow_scripts").rglob("*.py"),
    *(REPOSITORY / "rules").glob("*.smk"),
    REPOSITORY / "Snakefile",
]
DOOR = REPOSITORY / "workflow_scripts" / "rnatracks" / "files.py"


def text_without_encoding(source: str) -> Iterator[str]:
    """Calls that read or write text in an encoding that is the locale's."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        encoded = any(keyword.arg == "encoding" for keyword in node.keywords)
        words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        as_text = any(keyword.arg == "text" and ast.unparse(keyword.value) == "True" for keyword in node.keywords)
        binary = any(re.fullmatch(r"[rwax]?b[+]?|[rwax]b?[+]?b", word) for word in words if isinstance(word, str))
        own = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in ("pyBigWig", "gzip")
        if name in ("read_text", "write_text") and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node)
        elif encoded:
            continue
        elif (name == "open" and not (binary or own)) or name in ("FileHandler", "TextIOWrapper") or as_text:
            yield ast.unparse(node)


@pytest.mark.parametrize(
    "call",
    [
        "path.read_text()",
        "path.read_text(encoding='utf-8')",
        "Path(a).write_text(b)",
        "open(path)",
        "path.open()",
        "path.open('w')",
        "logging.FileHandler(path)",
        "io.TextIOWrapper(stream)",
        "subprocess.run(command, text=True)",
    ],
)
def test_a_call_in_the_encoding_of_the_locale_is_found(call: str) -> None:
    assert len(list(text_without_encoding(call))) == 1


def test_no_file_is_read_in_the_encoding_of_the_locale() -> None:
    found = []
    for path in PYTHON:
        source = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            calls = [call for call in text_without_encoding(source) if path != DOOR or "encoding=" not in call]
        else:  # a Snakefile is no Python
            calls = re.findall(r"\b(?:read_text|write_text)\(|(?<![\w.])open\(|text=True", source)
        found += [(path.name, call) for call in calls]
    assert found == []
