"""Write the in-toto links and the layout of a project's supply chain, not signed yet; runs inside a derivation.

A link says what one step used (materials) and made (products), each file by its sha256. The layout says which steps
there are, and how the materials of one follow from the products of another. Who may sign and until when the layout
holds is added by `cloche sign`, outside. https://github.com/in-toto/specification, version 1.0.
"""

import hashlib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cloche.store import canonical_json
from cloche.untrusted import walk

Json = dict[str, Any]

README = "Checked by in-toto-verify in a folder with the delivered files; see docs/in-toto.md of Cloche."


def artifacts(entries: list[Json]) -> dict[str, dict[str, str]]:
    """Return {name: {"sha256": hexadecimal}} of materials or products.

    A file is called `at`. The files of a folder lie below `at`, or have their own names where that is empty.
    """
    found = {}
    for entry in entries:
        path = Path(entry["path"])
        files = [path] if path.is_file() else [file for file in walk.below(path) if file.is_file()]
        for file in files:
            name = entry["at"] if file == path else f"{entry['at']}/{file.relative_to(path)}".removeprefix("/")
            with file.open("rb") as stream:
                found[name] = {"sha256": hashlib.file_digest(stream, "sha256").hexdigest()}
    return found


def link(step: Json) -> Json:
    """Return the link of a step, to be signed by who vouches for it."""
    return {
        "_type": "link",
        "name": step["name"],
        "command": step["command"],
        "materials": artifacts(step["materials"]),
        "products": artifacts(step["products"]),
        # What a derivation cannot know, or what its hash says already.
        "byproducts": {},
        "environment": {},
    }


def material_rules(entry: Json) -> list[list[str]]:
    """Return the rules for one material: it must be another step's product (`from`), or is allowed.

    `same` lists files below it that, where they are there, another step had as a material of the same name.
    """
    if entry["from"]:
        rules = []
        for name in artifacts([entry]):
            rules += [["REQUIRE", name], ["MATCH", name, "WITH", "PRODUCTS", "FROM", entry["from"]], ["DISALLOW", name]]
        return rules
    rules = []
    for file, step in sorted(entry["same"].items()):
        if not (Path(entry["path"]) / file).is_file():
            continue
        name = f"{entry['at']}/{file}"
        rules += [
            ["REQUIRE", name],
            ["MATCH", file, "IN", entry["at"], "WITH", "MATERIALS", "FROM", step],
            ["DISALLOW", name],
        ]
    only = entry["at"] if Path(entry["path"]).is_file() else f"{entry['at']}/*"
    return [*rules, ["ALLOW", only]]


def layout(steps: list[Json]) -> Json:
    """Return the layout without keys and expiry date."""
    final = {name: step["name"] for step in steps for entry in step["products"] for name in artifacts([entry])}
    delivered: list[list[str]] = []
    for name, step in sorted(final.items()):
        delivered += [["MATCH", name, "WITH", "PRODUCTS", "FROM", step], ["DISALLOW", name]]
    wheels = [name for name in sorted(final) if fnmatchcase(name, "*.whl")]
    return {
        "_type": "layout",
        "readme": README,
        "steps": [
            {
                "_type": "step",
                "name": step["name"],
                "expected_command": step["command"],
                "expected_materials": [
                    *(rule for entry in step["materials"] for rule in material_rules(entry)),
                    ["DISALLOW", "*"],
                ],
                "expected_products": [
                    *(rule for name in artifacts(step["products"]) for rule in (["REQUIRE", name], ["CREATE", name])),
                    ["DISALLOW", "*"],
                ],
                "threshold": 1,
            }
            for step in steps
        ],
        # An inspection sees the files in the folder where in-toto-verify is started; its command does nothing.
        "inspect": [
            {
                "_type": "inspection",
                "name": "delivered",
                "run": ["true"],
                "expected_materials": [*(["REQUIRE", name] for name in wheels), *delivered, ["DISALLOW", "*"]],
                "expected_products": [["ALLOW", "*"]],
            }
        ],
    }


def main(attributes: Json) -> None:
    """Write `<step>.json` for each step, and `layout.json`."""
    out = Path(attributes["outputs"]["out"])
    out.mkdir()
    for step in attributes["steps"]:
        (out / f"{step['name']}.json").write_bytes(canonical_json.dumps(link(step)))
    (out / "layout.json").write_bytes(canonical_json.dumps(layout(attributes["steps"])))
