"""Writing cloche.lock: the whole file or nothing."""

from pathlib import Path

import pytest

from cloche.lock.write import UnwritableLockError, write_atomically


def test_the_mode_of_the_former_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "cloche.lock"
    write_atomically(path, "one\n")
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o600)
    write_atomically(path, "two\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == "two\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "cloche.lock"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(UnwritableLockError) as caught:
        write_atomically(path, "one\n")
    assert caught.value.message == (
        f"{path} cannot be written: Is a directory.\nThe former lock, if any, is unchanged."
    )
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UnwritableLockError):
        write_atomically(tmp_path / "absent" / "cloche.lock", "one\n")
