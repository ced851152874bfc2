"""The links and the layout of the steps, before anybody signs them. in-toto-verify itself: tests/test_in_toto.py."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cloche.attest import in_toto
from cloche.store import canonical_json


def entry(at: str, path: Path, step: str | None = None, **same: str) -> dict[str, Any]:
    return {
        "at": at,
        "path": str(path),
        "from": step,
        "same": {name.replace("_", "."): at for name, at in same.items()},
    }


@pytest.fixture
def steps(tmp_path: Path) -> list[dict[str, Any]]:
    for name in ("pyproject.toml", "cloche.lock", "source/pyproject.toml", "source/src/a.py", "wheel/a-1.whl"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(Path(name).name)
    lock = tmp_path / "cloche.lock"
    return [
        {
            "name": "lock",
            "command": ["l"],
            "materials": [entry("pyproject.toml", tmp_path / "pyproject.toml")],
            "products": [entry("cloche.lock", lock)],
        },
        {
            "name": "build",
            "command": ["b"],
            "materials": [
                entry("cloche.lock", lock, "lock"),
                entry("source", tmp_path / "source", pyproject_toml="lock", setup_cfg="lock"),
            ],
            "products": [entry("", tmp_path / "wheel")],
        },
    ]


def test_links_name_every_file(steps: list[dict[str, Any]]) -> None:
    link = in_toto.link(steps[1])
    names = ("cloche.lock", "source/pyproject.toml", "source/src/a.py")
    assert link["materials"] == {
        name: {"sha256": hashlib.sha256(Path(name).name.encode()).hexdigest()} for name in names
    }
    assert list(link["products"]) == ["a-1.whl"]
    assert (link["_type"], link["name"], link["command"]) == ("link", "build", ["b"])


def test_each_material_is_a_product_or_allowed_and_nothing_else_is(steps: list[dict[str, Any]]) -> None:
    layout = in_toto.layout(steps)
    assert [step["expected_materials"] for step in layout["steps"]] == [
        [["ALLOW", "pyproject.toml"], ["DISALLOW", "*"]],
        [
            ["REQUIRE", "cloche.lock"],
            ["MATCH", "cloche.lock", "WITH", "PRODUCTS", "FROM", "lock"],
            ["DISALLOW", "cloche.lock"],
            ["REQUIRE", "source/pyproject.toml"],
            ["MATCH", "pyproject.toml", "IN", "source", "WITH", "MATERIALS", "FROM", "lock"],
            ["DISALLOW", "source/pyproject.toml"],
            ["ALLOW", "source/*"],
            ["DISALLOW", "*"],
        ],
    ]
    assert layout["steps"][1]["expected_products"] == [
        ["REQUIRE", "a-1.whl"],
        ["CREATE", "a-1.whl"],
        ["DISALLOW", "*"],
    ]
    (inspection,) = layout["inspect"]
    assert inspection["expected_materials"] == [
        ["REQUIRE", "a-1.whl"],
        ["MATCH", "a-1.whl", "WITH", "PRODUCTS", "FROM", "build"],
        ["DISALLOW", "a-1.whl"],
        ["MATCH", "cloche.lock", "WITH", "PRODUCTS", "FROM", "lock"],
        ["DISALLOW", "cloche.lock"],
        ["DISALLOW", "*"],
    ]


def test_the_builder_writes_a_file_for_each_step(steps: list[dict[str, Any]], tmp_path: Path) -> None:
    out = tmp_path / "out"
    in_toto.main({"steps": steps, "outputs": {"out": str(out)}})
    assert sorted(file.name for file in out.iterdir()) == ["build.json", "layout.json", "lock.json"]
    data = (out / "layout.json").read_bytes()
    assert canonical_json.dumps(json.loads(data)) == data
