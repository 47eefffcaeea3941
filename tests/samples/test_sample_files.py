"""Files of samples: missing ones, and those that count twice by another name, a link or a copy."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rnatracks.errors import InputError
from rnatracks.samples.sample import CellType, Sample, SignalFile
from rnatracks.samples.sample_files import check_distinct, check_local_files
from rnatracks.samples.sheets import read_cell_types, read_samples
from rnatracks.vocabulary import Source, Strand

MD5 = "0123456789abcdef" * 2


def sample(name: str, location: object, source: Source = Source.LOCAL, md5: str | None = None) -> Sample:
    return Sample(name, "B", source, {Strand.UNSTRANDED: SignalFile(str(location), md5)})


def pair(name: str, cell_type: str, folder: str = "data") -> Sample:
    files = {strand: SignalFile(f"{folder}/{name}.{strand}.bw") for strand in (Strand.PLUS, Strand.MINUS)}
    return Sample(name, cell_type, Source.LOCAL, files)


def test_local_files_are_there_and_not_empty(tmp_path: Path) -> None:
    present, empty, made = tmp_path / "p.bw", tmp_path / "e.bw", tmp_path / "made"
    present.write_bytes(b"x")
    empty.touch()
    samples = [sample("b1", present), sample("b2", "https://example.org/a.bw", Source.URL), sample("b3", made / "a.bw")]
    assert check_local_files(samples, made) == [present]
    for location, found in ((tmp_path / "none.bw", "which is not a file"), (empty, "which is empty")):
        with pytest.raises(InputError, match=f"^samples.tsv, sample b1, unstranded: found {location}, {found}; exp"):
            check_local_files([sample("b1", location)], made, "samples.tsv")
    with pytest.raises(InputError):
        check_local_files([sample("b3", made / "a.bw")])


def other_spelling(folder: Path) -> str:
    (folder / "deep").mkdir()
    return "deep/../first.bw"


def absolute(folder: Path) -> str:
    return str(folder / "first.bw")


def symbolic_link(folder: Path) -> str:
    (folder / "link.bw").symlink_to("first.bw")
    return "link.bw"


def link_to_the_folder(folder: Path) -> str:
    (folder / "linked").symlink_to(folder)
    return "linked/first.bw"


def hard_link(folder: Path) -> str:
    os.link(folder / "first.bw", folder / "hard.bw")
    return "hard.bw"


def copy(folder: Path) -> str:
    (folder / "copy.bw").write_bytes((folder / "first.bw").read_bytes())
    return "copy.bw"


@pytest.mark.parametrize(
    ("again", "what"),
    [
        *(
            (make, "the same file as")
            for make in (other_spelling, absolute, symbolic_link, link_to_the_folder, hard_link)
        ),
        (copy, "a copy of"),
    ],
)
@pytest.mark.parametrize("second", ["plus", "minus"])
def test_a_file_twice_is_refused_with_both_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: Callable[[Path], str], what: str, second: str
) -> None:
    """As a file of another cell type, and as the minus file of its own sample."""
    monkeypatch.chdir(tmp_path)
    for name, content in (("first.bw", b"abc"), ("second.bw", b"abd"), ("third.bw", b"abcd"), ("fourth.bw", b"c")):
        (tmp_path / name).write_bytes(content)
    name = again(tmp_path)
    rows = {
        "plus": ["a\tA\tlocal\tfirst.bw\tsecond.bw", f"b\tB\tlocal\t{name}\tthird.bw"],
        "minus": ["b\tB\tlocal\tthird.bw\tsecond.bw", f"a\tA\tlocal\tfirst.bw\t{name}"],
    }[second]
    Path("s.tsv").write_text("\n".join(["sample\tcell_type\tsource\tplus\tminus\tunstranded", *rows]))
    places = {
        "plus": ("line 3, sample b, plus", "line 2, sample a, plus"),
        "minus": ("line 3, sample a, minus", "line 3, sample a, plus"),
    }[second]
    with pytest.raises(InputError) as caught:
        samples = read_samples(Path("s.tsv"), [CellType("A"), CellType("B")])
        check_local_files(samples, None, "s.tsv")
    if again in (absolute, other_spelling):  # seen in the sheet
        assert str(caught.value).startswith(f"s.tsv, line 3, {second}: found {name!r}, as in line ")
    else:
        found = f"found {name}, {what} first.bw in s.tsv, {places[1]}"
        assert str(caught.value) == f"s.tsv, {places[0]}: {found}; expected each file once"


def test_files_of_one_size_and_other_content_are_different(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.bw").write_bytes(b"x" * 10_000 + bytes([number]))
    assert len(check_local_files([sample(f"s{number}", tmp_path / f"{number}.bw") for number in range(3)])) == 3


def test_the_same_bigwigs_in_another_spelling(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = real_data / "cases"
    monkeypatch.chdir(cases / "clean")
    cell_types = read_cell_types(Path("cell_types.tsv"))
    assert len(check_local_files(read_samples(Path("samples.tsv"), cell_types))) == 8
    with pytest.raises(InputError, match=r"samples.tsv, line 3, plus: found './A1.plus.bw', as in line 2, plus; expec"):
        read_samples(cases / "bw_twice/samples.tsv", cell_types)


def test_samples_of_different_names_and_files_are_distinct() -> None:
    check_distinct([pair("a", "A"), pair("b", "B")])


@pytest.mark.parametrize(
    ("second", "found"),
    [
        (pair("a", "B", "other"), "a sample of A with the same name; expected each name once"),
        (
            Sample("b", "B", Source.URL, pair("a", "A").files),
            "as in sample a of A, plus; expected each file once",
        ),
    ],
)
def test_one_name_or_file_for_two_samples_is_refused(second: Sample, found: str) -> None:
    with pytest.raises(InputError, match=found):
        check_distinct([pair("a", "A"), second])


def test_one_place_or_md5_for_two_samples_is_refused() -> None:
    """As two searches, or a search and a list, may find them."""
    first = sample("a", "https://example.org/files/a.bw", Source.URL, MD5)
    with pytest.raises(InputError, match="as in sample a of B, unstranded; expected each file once"):
        check_distinct([first, sample("b", "http://example.org:80/files/a.bw", Source.ENCODE)])
    second = sample("b", "https://example.org/files/b.bw", Source.URL, MD5)
    with pytest.raises(InputError, match=f"sample b of B, unstranded: found the MD5 {MD5}, as in sample a of B"):
        check_distinct([first, second])
    check_distinct([first, second], excluded=["a"])
