"""Names: what the Nix store takes, and what is no plain file name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import ClocheError
from cloche.lock.names import check_file_name, name_and_version
from cloche.store.store_name import store_name


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("numpy-2.4.0-cp311-cp311-manylinux_2_28_x86_64.whl", "numpy-2.4.0-cp311-cp311-manylinux_2_28_x86_64.whl"),
        ("torch-2.0+cpu-py3-none-any.whl", "torch-2.0+cpu-py3-none-any.whl"),
        ("libc6_2.36-9+deb12u1~x_amd64.deb", "libc6_2.36-9+deb12u1_x_amd64.deb"),
        ("a b!c@d%e.whl", "a_b_c_d_e.whl"),
        (".hidden", "_.hidden"),
        ("é.whl", "__.whl"),
        ("a" * 300 + ".whl", "a" * 196 + ".whl"),
    ],
)
def test_store_name(file: str, expected: str) -> None:
    assert store_name(file) == expected


@given(st.text(min_size=1))
def test_a_store_name_is_legal(file: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9+._?=-]{1,200}", store_name(file))


@given(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9+._?=-]{0,199}", fullmatch=True))
def test_a_legal_name_is_its_own_store_name(file: str) -> None:
    assert store_name(file) == file


@given(st.text())
def test_a_checked_file_name_is_one_component(name: str) -> None:
    try:
        assert check_file_name(name, "a lock") == name
    except ClocheError as error:
        if "is not a plain file name" not in error.message:
            raise
        return
    assert "/" not in name
    assert name not in {"", ".", ".."}
    assert name.isprintable()


@pytest.mark.parametrize(
    ("file", "package", "expected"),
    [
        ("a_b-1.0-py3-none-any.whl", "a-b", ("a-b", "1.0")),
        ("a-b-1.0.tar.gz", "a-b", ("a-b", "1.0")),
        ("a.b-1.0.tar.bz2", "A_b", ("a-b", "1.0")),
        ("a-b-1.0.tgz", "a-b", ("a-b", "1.0")),
        ("a-b-1.0.zip", "a-b", ("a-b", "1.0")),
        ("a-b-c-1.0.tar.xz", "a-b", None),
        ("nonsense.whl", "a-b", None),
        ("nonsense", "a-b", None),
    ],
)
def test_name_and_version(file: str, package: str, expected: tuple[str, str] | None) -> None:
    found = name_and_version(file, package)
    assert (None if found is None else (found[0], str(found[1]))) == expected
