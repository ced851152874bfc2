"""Where the links of a folder lead: what lies outside of it can be replaced without a byte of it changing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cloche.store import nar
from conftest import Outcome
from test_closure import APPLICATION, NUMPY, PYTHON, UNLISTED, Store
from trust import Release

NAME = f"{'0123456789abcdfghijklmnpqrsvwxyz'}-numpy-2.0"
BEFORE = "it has links that lead out of it and to no path of a store: "
BEHIND = ", where anybody may put something else"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with folders, a file, and a link to a folder."""
    made = tmp_path / "folder"
    (made / "a/b").mkdir(parents=True)
    (made / "a/file").touch()
    (made / "deep").symlink_to("a/b")
    return made


@pytest.mark.parametrize(
    "target",
    [
        "../x",
        "/etc/passwd",
        "/",
        "..",
        "../",
        "a/../../x",
        # Behind a link to a folder, the parent is that of where it leads.
        "deep/../../../x",
        "deep/../b/../../../x",
        "a//.//../..//x",
        # A file has no parent for the kernel, but whoever makes it a folder makes it lead out.
        "a/file/../../../x",
        "/nix/store",
        "/nix/store/",
        "/nix/store/.links",
        f"/nix/store/{NAME}/../x",
        f"/nix/store/{NAME}/..",
        f"/NIX/store/{NAME}",
        f"/nix/store/{NAME.upper()}",
        f"/opt/../nix/store/{NAME}",
        f"../{NAME}/../x",
        f"../../store/{NAME}",
        f"/nix/var/../store/{NAME}",
    ],
)
def test_links_that_lead_elsewhere(folder: Path, target: str) -> None:
    assert nar.read(folder).elsewhere == frozenset()
    (folder / "link").symlink_to(target)
    assert nar.read(folder).elsewhere == {f"link -> {target}"}


@pytest.mark.parametrize(
    "target",
    [
        "a",
        "a/",
        "a/b/..",
        "a/../a/b/../file",
        "deep/../file",
        "deep/../../a",
        "./a/./b//",
        "link",
        "nothing",
        "nothing/../../x",
        ".",
    ],
)
def test_links_that_stay(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)
    found = nar.read(folder)
    assert (found.elsewhere, found.named) == (frozenset(), frozenset())


@pytest.mark.parametrize("link", ["../link", "../../link"])
def test_a_link_counts_from_its_own_folder(folder: Path, link: str) -> None:
    (folder / "a/b/link").symlink_to(f"{link}/../x")
    assert nar.read(folder).elsewhere == frozenset()
    (folder / "link").symlink_to("..")
    assert nar.read(folder).elsewhere == {"link -> .."} | (
        {f"a/b/link -> {link}/../x"} if link.startswith("../..") else set()
    )


def test_links_through_links(folder: Path) -> None:
    """The last one leads out only because of the one before."""
    (folder / "a/b/up").symlink_to("../..")
    (folder / "out").symlink_to("deep/up/../x")
    assert nar.read(folder).elsewhere == {"out -> deep/up/../x"}
    (folder / "out").unlink()
    (folder / "out").symlink_to("deep/up/a/../a")
    assert nar.read(folder).elsewhere == frozenset()
    # From a path of the store, the parent of a folder could be any.
    (folder / "store").symlink_to(f"/nix/store/{NAME}/lib")
    (folder / "behind").symlink_to(f"store/../../{NAME}")
    assert nar.read(folder).elsewhere == {f"behind -> store/../../{NAME}"}


def test_a_loop_leads_nowhere(folder: Path) -> None:
    (folder / "one").symlink_to("two/../x")
    (folder / "two").symlink_to("one/../x")
    assert nar.read(folder).elsewhere == frozenset()


@pytest.mark.parametrize(
    "target",
    [
        f"/nix/store/{NAME}",
        f"/nix/store//{NAME}/",
        f"//nix///store/./{NAME}/lib",
        f"../{NAME}",
        f"a/../../{NAME}/lib",
    ],
)
def test_links_to_the_store_are_named_however_they_are_written(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)
    found = nar.read(folder)
    assert (set(found.named), set(found.elsewhere)) == ({NAME}, set())


@pytest.mark.parametrize("path", [f"/nix/store//{NAME}", f"/nix/./store/.//{NAME}", f"/nix//store/{NAME}"])
def test_texts_name_the_store_however_they_are_written(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text(f"#!{path}/bin/python3\n")
    assert nar.read(tmp_path / "file").named == {NAME}


def test_a_link_that_is_no_folder_leads_to_what_is_beside_it(tmp_path: Path) -> None:
    for target, elsewhere in ((f"{NAME}/lib", False), ("other", True), (f"../store/{NAME}", True), ("/etc", True)):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(target)
        assert bool(nar.read(tmp_path / "link").elsewhere) == elsewhere, target


# What verify says.


@pytest.fixture
def store(tmp_path: Path, run: Callable[..., Outcome]) -> Store:
    return Store(Release(tmp_path, run))


@pytest.fixture
def alone(tmp_path: Path, run: Callable[..., Outcome]) -> Callable[..., tuple[int, list[str]]]:
    """Return a function that signs a folder with one link to a target, and says what is told of its closure."""

    def judge(target: str, name: str = "artifact") -> tuple[int, list[str]]:
        release = Release(tmp_path, run)
        release.artifact = tmp_path / "here" / name
        (release.artifact / "bin").mkdir(parents=True, exist_ok=True)
        (release.artifact / "bin/demo").write_text("demo")
        (release.artifact / "link").unlink(missing_ok=True)
        (release.artifact / "link").symlink_to(target)
        release.signed()
        code, rows = release.rows()
        return code, [row["reason"] for row in rows if row["what"] in {"closure", "store"}]

    return judge


def test_a_folder_stands_alone_only_where_no_link_leaves_it(alone: Callable[..., tuple[int, list[str]]]) -> None:
    fine = "it refers to no path of a store, so it stands alone"
    assert alone("bin/demo") == (0, [fine])
    for target in ("../code.py", "/opt/code.py", "bin/../../code.py"):
        assert alone(target) == (25, [f"{BEFORE}link -> {target}{BEHIND}"])
    for target in (f"/nix/store//{NAME}", f"../{NAME}", f"/nix/store/{NAME}/"):
        reason = f"it refers to {NAME}, and no accepted provenance lists what is in there"
        assert alone(target) == (25, [reason])


def test_a_folder_that_names_itself_in_the_store_has_to_be_there(
    alone: Callable[..., tuple[int, list[str]]], tmp_path: Path
) -> None:
    note = f"it refers to itself in /nix/store, so run it where {tmp_path / 'here'} is mounted as that"
    code, reasons = alone(f"/nix/store/{NAME}/bin/demo", name=NAME)
    assert (code, reasons) == (0, ["it refers to no path of a store, so it stands alone", note])


def test_the_artifact_leads_to_nothing_but_what_is_listed(store: Store) -> None:
    (store.application / "more").symlink_to("/opt/code.py")
    store.state(APPLICATION, PYTHON, NUMPY)
    store.sign().refused(25, f"{BEFORE}more -> /opt/code.py{BEHIND}")
    (store.application / "more").unlink()
    (store.application / "more").symlink_to(f"/nix/store//{UNLISTED}/code.py")
    store.state(APPLICATION, PYTHON, NUMPY)
    store.sign().refused(25, f"{APPLICATION} refers to {UNLISTED}, and the provenance does not list what is in there")
    (store.application / "more").unlink()
    (store.application / "more").symlink_to(f"/nix//store/{NUMPY}/lib/")
    store.state(APPLICATION, PYTHON, NUMPY)
    assert store.sign().rows()[0] == 0


def test_a_link_of_a_dependency_to_what_is_there_and_not_listed(store: Store) -> None:
    (store.folder / UNLISTED).mkdir()
    (store.folder / NUMPY / "lib/more").symlink_to(f"/nix/store/./{UNLISTED}")
    store.state(APPLICATION, PYTHON, NUMPY)
    store.sign().refused(25, f"{NUMPY} refers to {UNLISTED}, and the provenance does not list what is in there")


def test_a_link_of_a_dependency_out_of_the_store_is_told(store: Store) -> None:
    (store.folder / NUMPY / "lib/zone").symlink_to("/etc/localtime")
    store.state(APPLICATION, PYTHON, NUMPY)
    code, rows = store.sign().release.rows(artifact=store.application)
    assert code == 0
    notes = [row["reason"] for row in rows if row["what"] == f"links of {NUMPY}"]
    assert notes == [f"{BEFORE}lib/zone -> /etc/localtime; what is there was not compared"]


def test_the_kernel_agrees(folder: Path) -> None:
    """Of links whose targets are there, exactly those that are told lead out of the folder."""
    (folder.parent / "x").touch()
    (folder / "a/b/up").symlink_to("../..")
    for number, target in enumerate(["a", "deep/..", "deep/../..", "deep/../../..", "../x", "deep/up/..", "deep/up/a"]):
        (folder / f"link-{number}").symlink_to(target)
    out = {
        f"{link.name} -> {link.readlink()}"
        for link in folder.glob("link-*")
        if not link.resolve().is_relative_to(folder.resolve())
    }
    assert nar.read(folder).elsewhere == out
    assert len(out) == 3
