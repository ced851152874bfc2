"""What is no regular file, or too large a one, is refused at once and with a reason."""

import os
import socket
from pathlib import Path

import pytest

from cloche.untrusted import regular_file
from cloche.untrusted.limits import Limit

SMALL = Limit(bytes=10)


def reason(path: Path) -> str:
    with pytest.raises(OSError, match=r".") as refused:
        regular_file.read(path, SMALL)
    assert refused.value.filename == str(path)
    return str(refused.value.strerror)


def test_a_file_and_what_a_link_leads_to_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "empty").touch()
    assert regular_file.read(tmp_path / "file", SMALL) == regular_file.read(tmp_path / "link", SMALL) == b"0123456789"
    assert regular_file.read(tmp_path / "empty", SMALL) == b""


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    assert reason(tmp_path / "pipe") == "it is a pipe, and only regular files are read"
    assert reason(tmp_path) == "it is a folder, and only regular files are read"
    assert reason(Path("/dev/zero")) == "it is a device, and only regular files are read"
    (tmp_path / "link").symlink_to("/dev/zero")
    assert reason(tmp_path / "link") == "it is a device, and only regular files are read"
    # The system itself does not open a socket.
    assert reason(tmp_path / "socket") == "No such device or address"
    assert reason(tmp_path / "nothing") == "No such file or directory"
    server.close()


def test_no_more_is_read_than_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789a")
    assert reason(tmp_path / "file") == "it has more than 10 bytes, and no more are read"
    # A size that says nothing: files of the system have none.
    assert Path("/proc/self/status").stat().st_size == 0
    assert reason(Path("/proc/self/status")) == "it has more than 10 bytes, and no more are read"
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 40)
    assert reason(tmp_path / "large") == "it has more than 10 bytes, and no more are read"
