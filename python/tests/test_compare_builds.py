"""Comparing two builds whose store paths differ: names of paths are told apart from what files hold."""

from pathlib import Path

import pytest

from cloche.reproduce import compare_builds
from cloche.reproduce.compare_builds import Comparison, difference, pair

ONE, OTHER = "a" * 32, "b" * 32


def store(letter: str, name: str) -> str:
    return f"/nix/store/{letter * 32}-{name}"


def test_paths_are_paired_from_the_tops_by_name() -> None:
    first = {
        store("a", "app"): [store("a", "app"), store("b", "env"), store("z", "base")],
        store("b", "env"): [store("c", "app")],
        store("c", "app"): [],
    }
    second = {
        store("d", "app"): [store("d", "app"), store("e", "env"), store("z", "base")],
        store("e", "env"): [store("f", "app")],
        store("f", "app"): [],
    }
    # The application and the wheel in its environment have one name.
    assert pair([(store("a", "app"), store("d", "app"))], first, second) == (
        [(store("a", "app"), store("d", "app")), (store("b", "env"), store("e", "env")), (store("c", "app"), store("f", "app"))],
        [],
    )  # fmt: skip


def test_references_of_one_build_only() -> None:
    first = {store("a", "app"): [store("b", "env")], store("b", "env"): []}
    second: dict[str, list[str]] = {store("d", "app"): []}
    pairs, problems = pair([(store("a", "app"), store("d", "app"))], first, second)
    assert pairs == [(store("a", "app"), store("d", "app"))]
    assert problems == ["app: the two builds do not refer to the same things: env"]


def trees(folder: Path) -> tuple[Path, Path]:
    first, second = folder / "first", folder / "second"
    for top, letter in ((first, "a"), (second, "b")):
        (top / "bin").mkdir(parents=True)
        (top / "bin/tool").write_text(f"#!{store(letter, 'env')}/bin/python\n")
        (top / "bin/tool").chmod(0o755)
        (top / "link").symlink_to(f"{store(letter, 'env')}/link")
    return first, second


def compared(first: Path, second: Path) -> list[str]:
    comparison = Comparison([(store("a", "env"), store("b", "env"))])
    comparison.compare(first, second, "app")
    return comparison.problems


def test_names_of_paths_are_no_difference(tmp_path: Path) -> None:
    assert compared(*trees(tmp_path)) == []


def test_everything_else_is(tmp_path: Path) -> None:
    first, second = trees(tmp_path)
    (second / "bin/tool").write_text(f"#!{store('b', 'env')}/bin/python3\n")
    (second / "link").unlink()
    (second / "link").symlink_to(store("c", "env"))
    (second / "new").touch()
    (first / "kind").touch()
    (second / "kind").mkdir()
    (first / "script").touch(0o644)
    (second / "script").touch(0o755)
    assert compared(first, second) == [
        "app/new: only one of the two builds has it",
        "app/bin/tool: from byte 60 on: b'a-env/bin/python\\n' and b'a-env/bin/python3\\n'",
        "app/kind: its modes are 100644 and 40755",
        f"app/link: a link to {store('a', 'env')}/link and to {store('c', 'env')}",
        "app/script: its modes are 100644 and 100755",
    ]


def test_difference() -> None:
    assert difference(b"abc", b"abd") == "from byte 2 on: b'abc' and b'abd'"
    assert difference(b"abc", b"ab") == "3 and 2 bytes, the shorter of which begins the longer"


def attributes(folder: Path, *, planted: str) -> dict[str, object]:
    first, second = trees(folder)
    (folder / "one").write_text("2026\n")
    (folder / "other").write_text(planted)
    return {
        "variations": ["date"],
        "plantedFirst": [str(folder / "one")],
        "plantedSecond": [str(folder / "other")],
        "topsFirst": [str(first)],
        "topsSecond": [str(second)],
        "first": [{"path": str(first), "references": []}],
        "second": [{"path": str(second), "references": []}],
        "outputs": {"out": str(folder / "out")},
    }


def test_a_variation_without_effect_fails(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="without effect: date; a package that leaks exactly that came out the same"):
        compare_builds.main(attributes(tmp_path, planted="2026\n"))
    assert not (tmp_path / "out").exists()


def test_a_difference_fails_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        # Nobody said that these two paths stand for each other.
        compare_builds.main(attributes(tmp_path, planted="2027\n"))
    text = str(ended.value)
    assert text.startswith("built again with other circumstances (date), not everything came out the same:\n")
    assert text.endswith("'nix run .#reproduce' says which of these it comes from, and shows more of the difference.")
    assert not (tmp_path / "out").exists()


def test_what_was_built_once_is_not_compared(tmp_path: Path) -> None:
    """Where the circumstances do not reach a derivation, both builds have one path, and there is nothing to see."""
    same = attributes(tmp_path, planted="2027\n")
    same |= {"topsSecond": same["topsFirst"], "second": same["first"]}
    with pytest.raises(SystemExit, match="both builds have the same store path, so it was built once"):
        compare_builds.main(same)
    assert not (tmp_path / "out").exists()
