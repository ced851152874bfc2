"""The rules for Nix files are able to fail: each has a file that breaks it and no other."""

from pathlib import Path

import pytest

from nix_style import judge

GOOD = "# What this is for.\n{ lib }:\nlet\n  inherit (lib) mkOption;\nin\nmkOption { }\n"
BAD = {
    "with": ("# x\nlib: with lib; mkOption { }\n", "`with` hides where a name comes from"),
    "rec": ("# x\nrec { a = 1; }\n", "`rec` invites infinite recursion"),
    "tab": ("# x\n{\n\ta = 1;\n}\n", "a tab"),
    "odd": ("# x\n{\n   a = 1;\n}\n", "an odd indentation"),
    "blank": ("# x\n{ } \n", "blanks at the end"),
    "newline": ("# x\n{ }", "no newline at the end"),
    "comment": ("{ }\n", "the first line says in a comment"),
    "long": ("# x\n" + "{ }\n" * 200, "more than one reason to change"),
    "path": ("# x\nbuiltins.path { path = ./.; }\n", "builtins.path without a name"),
    "filter": ("# x\nbuiltins.filterSource (_: _: true) ./.\n", "filterSource names the path after the flake"),
    "self": ('# x\nself: "${self}/a"\n', "changes with any edit of the flake"),
    "search": ("# x\nimport <nixpkgs> { }\n", "a search path is not pure"),
    "string": ("# x\ntoString ./a\n", "toString of a path"),
    "import": ('# x\nd: builtins.readFile "${d}/x"\n', "import from derivation"),
    "lib": ("# x\n{ lib }: lib.cartesianProduct { }\n", "lib.cartesianProduct is not in Cloche's own lib"),
}


def test_a_good_file_passes(tmp_path: Path) -> None:
    (tmp_path / "a.nix").write_text(GOOD)
    assert judge(tmp_path, {"mkOption"}) == (1, [])


@pytest.mark.parametrize("name", BAD)
def test_each_rule_can_fail(tmp_path: Path, name: str) -> None:
    text, message = BAD[name]
    (tmp_path / "nix").mkdir()
    (tmp_path / "nix" / "a.nix").write_text(text)
    good, found = judge(tmp_path, {"mkOption"})
    assert good == 0
    assert len(found) == 1
    assert message in found[0]


def test_what_is_above_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "lib/tests").mkdir(parents=True)
    (tmp_path / "lib/tests/a.nix").write_text("# x\nimport ../../pkgs/image { }\n")
    (tmp_path / "pkgs").mkdir()
    (tmp_path / "pkgs/b.nix").write_text("# x\nimport ../lib/lock { }\n")
    (tmp_path / "pkgs/c.nix").write_text("# x\nimport ../checks/tests.nix { }\n")
    message = "{} is above it; what a file of {}/ needs of there is given to it"
    assert judge(tmp_path, set()) == (
        1,
        [
            f"lib/tests/a.nix: {message.format('../../pkgs/image', 'lib')}",
            f"pkgs/c.nix: {message.format('../checks/tests.nix', 'pkgs')}",
        ],
    )


def test_shell_in_strings_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "a.nix").write_text("# x\n{\n  script = ''\n     with x; rec {\n  '';\n}\n")
    assert judge(tmp_path, set()) == (1, [])
