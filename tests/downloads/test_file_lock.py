"""A lock for which nobody waits; those of downloads are tested with them."""

from pathlib import Path

import pytest

from rnatracks.downloads.file_lock import file_lock
from rnatracks.errors import InputError


def test_a_lock_is_held_by_one_and_leaves_nothing(tmp_path: Path) -> None:
    target, lock = tmp_path / "folder" / ".some", tmp_path / "folder" / ".some.lock"
    for _ in range(2):
        with (
            file_lock(target, wait=False),
            pytest.raises(InputError, match="a lock of another process"),
            file_lock(target, wait=False),
        ):
            pass
    lock.write_text("of a killed process")
    with file_lock(target, wait=False):
        assert lock.exists()
    assert not [*lock.parent.iterdir()]
