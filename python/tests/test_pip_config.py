"""The user's pip configuration, as pip itself reads it."""

import os
from pathlib import Path

import pytest

from cloche.errors import ClocheError
from cloche.lock.pip_config import read_pip_config

SITE = {"VIRTUAL_ENV": "/nonexistent", "XDG_CONFIG_DIRS": "/nonexistent"}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_later_sources_win(tmp_path: Path) -> None:
    write(tmp_path / "etc" / "pip" / "pip.conf", "[global]\nindex-url = one\nfind-links = a\n b\nno_index = yes\n")
    write(tmp_path / ".pip" / "pip.conf", "[global]\ntrusted-host = old\n")
    write(tmp_path / ".config" / "pip" / "pip.conf", "[install]\nindex-url = two\n[list]\nindex-url = other\n")
    write(tmp_path / "venv" / "pip.conf", "[download]\nextra-index-url = three four\n")
    write(tmp_path / "chosen.conf", "[global]\ntimeout = 60\ncert = /certs.pem\n")
    environ = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_DIRS": str(tmp_path / "etc"),
        "VIRTUAL_ENV": str(tmp_path / "venv"),
        "PIP_CONFIG_FILE": str(tmp_path / "chosen.conf"),
        "PIP_TRUSTED_HOST": "new",
        "PIP_NO_INDEX": "0",
    }
    config = read_pip_config(environ)
    assert config.index_url == "two"
    assert config.extra_index_urls == ("three", "four")
    assert config.find_links == ("a", "b")
    assert config.trusted_hosts == ("new",)
    assert config.cert == "/certs.pem"
    assert config.timeout == 60
    assert not config.no_index


def test_no_files_at_all() -> None:
    config = read_pip_config({"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "x", "PIP_EXTRA_INDEX_URL": ""})
    assert (config.index_url, config.extra_index_urls, config.timeout) == ("x", (), 15)


def test_a_malformed_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("index-url = x\n")
    with pytest.raises(ClocheError) as caught:
        read_pip_config({**SITE, "PIP_CONFIG_FILE": str(file)})
    assert caught.value.message == (
        f"{file}: not a pip configuration file: File contains no section headers. "
        f"file: '{file}', line: 1 'index-url = x\\n'.\nSee `pip config debug`."
    )
