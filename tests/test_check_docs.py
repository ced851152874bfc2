"""The check of the documents is able to fail: each kind of name has one that is not there."""

from pathlib import Path
from typing import Any

import pytest

from check_docs import Repository, capabilities, main, problems

REPOSITORY = Repository(
    files=frozenset({"README.md", "docs/guide.md", "ci/nix", "ci/test", "lib/lock.nix", "lib/store-name.nix"}),
    outputs={
        "packages": frozenset({"env", "wheel"}),
        "apps": frozenset({"lock"}),
        "checks": frozenset({"tests"}),
        "devShells": frozenset({"default"}),
    },
    options=frozenset({"src", "python.overrides", "python.overrides.<name>.exclude", "tests.variables"}),
)
GUIDE = "# Guide\n\n## Sources that won't build (`sdist`)\n"
GOOD = """\
[a](docs/guide.md), [b](docs/guide.md#sources-that-wont-build-sdist), [c](docs), [d](https://example.org/x.md)
`ci/test`, `lib/*.nix`, `lib/`, `lib/NAME.nix`, `nix run .#lock`, `nix run .#env`, `nix build .#wheel`,
`ci/nix build .#checks.x86_64-linux.tests`, `nix develop .#NAME`, `src/else/where.py`, `[x](gone.md)`
`cloche.src`, `cloche.python`, `cloche.python.overrides.numpy.exclude`, `cloche.tests.variables.OMP`, `cloche.lock`

```sh
ci/nix develop .#default -c python
cat not/checked.md lib/gone.nix [x](gone.md)
```
"""
BAD = {
    "[a](docs/gone.md)": "the link docs/gone.md leads to no file",
    "[a](docs/guide.md#gone)": "the link docs/guide.md#gone leads to no heading of docs/guide.md",
    "[a](#gone)": "the link #gone leads to no heading of README.md",
    "`lib/gone.nix`": "`lib/gone.nix` is no file",
    "`lib/gone-*.nix`": "`lib/gone-*.nix` is no file",
    "`ci/gone`": "ci/gone is no file",
    "```sh\nci/gone --all\n```": "ci/gone is no file",
    "```sh\nci/nix run .#gone\n```": "`nix run .#gone` names no output",
    "`nix run ./examples#tests`": "`nix run .#tests` names no output",
    "`nix build .#lock`": "`nix build .#lock` names no output",
    "`nix build -L .#checks.x86_64-linux.gone`": "`nix build .#checks.x86_64-linux.gone` names no output",
    "`nix develop .#gone`": "`nix develop .#gone` names no output",
    "`cloche.python.gone`": "`cloche.python.gone` is no option",
    "`cloche.python.overrides.numpy.gone`": "`cloche.python.overrides.numpy.gone` is no option",
}


def test_good_documents_pass() -> None:
    assert problems({"README.md": GOOD, "docs/guide.md": GUIDE}, REPOSITORY) == []


def test_links_start_at_their_document() -> None:
    found = problems({"docs/guide.md": "[a](../README.md) [b](README.md)"}, REPOSITORY)
    assert found == ["docs/guide.md: the link README.md leads to no file of the repository"]


@pytest.mark.parametrize("text", BAD)
def test_each_kind_of_name_can_fail(text: str) -> None:
    found = problems({"README.md": f"# Title\n\n{text}\n", "docs/guide.md": GUIDE}, REPOSITORY)
    assert len(found) == 1
    assert BAD[text] in found[0]


TABLE = "| capability | options | derivations | check | library | guide |\n|---|---|---|---|---|---|\n"


def test_the_table_of_capabilities_is_made_of_the_tree() -> None:
    files = {
        *(
            "docs/image.md",
            "nix/image/default.nix",
            "pkgs/image/layer.nix",
            "checks/image.nix",
            "python/src/cloche/image/a.py",
        ),
        *("docs/lock.md", "nix/project/lock.nix", "docs/tests.md", "python/src/cloche/suite/run.py"),
        *("docs/alone.md", "nix/guideless.nix"),
    }
    assert capabilities(Repository(files=frozenset(files), outputs={}, options=frozenset())) == (
        f"{TABLE}"
        "| image | `nix/image` | `pkgs/image` | `checks/image.nix` | `python/src/cloche/image` | `docs/image.md` |\n"
        "| lock | `nix/project/lock.nix` |  |  |  | `docs/lock.md` |\n"
        "| tests |  |  |  | `python/src/cloche/suite` | `docs/tests.md` |\n"
    )


def test_a_former_table_fails_and_names_the_command(attributes: dict[str, Any]) -> None:
    attributes["files"] += ["docs/lock.md", "nix/lock.nix"]
    with pytest.raises(
        SystemExit,
        match=r"^CONTRIBUTING.md has another table of capabilities; renew it with 'python ci/house/check_docs.py'$",
    ):
        main(attributes)


@pytest.fixture
def attributes(tmp_path: Path) -> dict[str, Any]:
    """Return what the derivation would give to main: two documents, the second generated."""
    page = "# Options\n\n## `cloche.src`\n"
    (tmp_path / "tree/docs").mkdir(parents=True)
    (tmp_path / "tree/CONTRIBUTING.md").write_text(TABLE)
    (tmp_path / "tree/README.md").write_text("`cloche.src` is in [the reference](docs/options.md#clochesrc)\n")
    (tmp_path / "tree/docs/options.md").write_text(page)
    (tmp_path / "made").mkdir()
    (tmp_path / "made/options.md").write_text(page)
    return {
        "documents": str(tmp_path / "tree"),
        "reference": str(tmp_path / "made"),
        "files": ["CONTRIBUTING.md", "README.md", "docs/options.md"],
        "flake": {"apps": ["docs"]},
        "outputs": {"out": str(tmp_path / "out")},
    }


def test_main_counts(attributes: dict[str, Any]) -> None:
    main(attributes)
    assert Path(attributes["outputs"]["out"]).read_text() == "3 documents, 1 options\n"


def test_an_old_reference_fails_and_names_the_command(attributes: dict[str, Any]) -> None:
    Path(attributes["reference"], "options.md").write_text("# Options\n\n## `cloche.src`\n\n## `cloche.name`\n")
    with pytest.raises(SystemExit) as ended:
        main(attributes)
    words = "docs/options.md is not what the options say; renew it with 'ci/nix run .#docs' and commit it"
    assert ended.value.code == words


def test_nothing_to_check_is_no_success(attributes: dict[str, Any]) -> None:
    for file in ("tree/docs/options.md", "made/options.md"):
        Path(attributes["documents"]).parent.joinpath(file).write_text("")
    Path(attributes["documents"], "README.md").write_text("")
    Path(attributes["documents"], "CONTRIBUTING.md").write_text(TABLE)
    with pytest.raises(SystemExit, match="nothing was checked"):
        main(attributes)
