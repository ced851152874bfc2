"""What a filter keeps does not depend on where the store is: without root it lies in a folder of the user's."""

from pathlib import Path

import pytest

from conftest import ROOT, built, nix


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        ("source-tree.nix", 'path = base; name = "x"; exclude = [ "docs" ];'),
        ("project-files.nix", 'src = base; path = "src"; option = "x";'),
    ],
)
def test_a_source_in_a_store_below_a_folder_is_not_empty(tmp_path: Path, file: str, arguments: str) -> None:
    project = tmp_path / "base"
    for name in ("pyproject.toml", "src/p/a.py", "docs/a.md"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(name)
    store = tmp_path / "store"
    added = built(nix("store", "add-path", "--store", store, "--name", "base", project))
    expression = f'let base = builtins.storePath "{added}"; in import {ROOT}/pkgs/python/{file} {{ {arguments} }}'
    made = nix("eval", "--store", store, "--impure", "--raw", "--expr", expression)
    assert made.code == 0, made.err
    place = Path(f"{store}{made.out}")
    found = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    assert found == {"src/p/a.py"} | ({"pyproject.toml"} if file == "source-tree.nix" else set())
