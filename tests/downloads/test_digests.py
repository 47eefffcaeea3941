"""MD5 sums: listings of them, and those of local files."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from downloads.server_runs import MD5
from rnatracks.downloads.fetch import file_md5, published_md5, size_and_md5, verify_md5
from rnatracks.errors import InputError

LISTING = f"{MD5}  hg38.fa.gz\n{'a' * 32} *b.gtf.gz\r\n{'C' * 32}  ./dir/c d.gz\n\n{'e' * 32}  hg38xfa.gz\n"


@pytest.mark.parametrize(
    ("name", "md5"), [("hg38.fa.gz", MD5), ("b.gtf.gz", "a" * 32), ("dir/c d.gz", "c" * 32), ("hg38xfa.gz", "e" * 32)]
)
def test_a_published_md5_is_found(name: str, md5: str) -> None:
    assert published_md5(LISTING, name) == md5


def test_coreutils_listings_are_read(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    for options in ([], ["--binary"]):
        for names_given in (["a.txt", "b.txt"], ["./a.txt", "./b.txt"]):
            command = ["md5sum", *options, *names_given]
            listing = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
            assert published_md5(listing, "b.txt") == file_md5(tmp_path / "b.txt")


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        ("", "0 other files"),
        (LISTING, "4 other files"),
        ("<html>hg38</html>", "0 other files"),
        (f"{'a' * 32}  x\n{'b' * 32}  x\n", f"{'a' * 32} and {'b' * 32}"),
    ],
)
def test_a_listing_without_the_file_is_refused(listing: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        published_md5(listing, "x", where="http://h/md5sum.txt")
    assert str(refused.value) == f"http://h/md5sum.txt: found {words}; expected one MD5 for x"


def test_md5_of_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert file_md5(path) == "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321, A.5
    verify_md5(path, "900150983CD24FB0D6963F7D28E17F72")
    verify_md5(path, None)
    with pytest.raises(InputError, match="MD5 900150983cd24fb0d6963f7d28e17f72; expected MD5 d41d8c") as refused:
        verify_md5(path, "d41d8cd98f00b204e9800998ecf8427e")
    assert str(refused.value).startswith(str(path))


@pytest.mark.parametrize("record", ['{"accession": "ENCFF000AAP"}', "no JSON"])
def test_size_and_md5_of_a_link_of_the_user(tmp_path: Path, record: str) -> None:
    """What stands beside its target says nothing of it, such as what the portal says of a file."""
    (tmp_path / "theirs.bw").write_bytes(b"1234")
    (tmp_path / "theirs.bw.json").write_text(record)
    (tmp_path / "mine.bw").symlink_to("theirs.bw")
    assert size_and_md5(tmp_path / "mine.bw") == (4, hashlib.md5(b"1234").hexdigest())


def test_size_and_md5_of_a_local_file_beside_an_unrelated_record(tmp_path: Path) -> None:
    """Only a run's link to a download has a record; what stands beside a user's own file is the user's."""
    (tmp_path / "mine.bw").write_bytes(b"1234")
    (tmp_path / "mine.bw.json").write_text('{"notes": "of the user"}')
    assert size_and_md5(tmp_path / "mine.bw") == (4, hashlib.md5(b"1234").hexdigest())
