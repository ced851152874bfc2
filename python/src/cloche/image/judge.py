"""Judge images that were made: does each keep what it says? Standard library only.

Every judgement is first made of an image with a planted fault, and the check fails when the fault is not told.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cloche.image.closure import Closure, development_files, permitted, unwanted
from cloche.image.layer import Layer, measure
from cloche.image.manifest import digest_of
from cloche.untrusted import walk

MOST_LAYERS = 100
LICENSE_FILE = re.compile(r"(.*/)?(licen[cs]e|copying|copyright|notice|unlicense)[^/]*", re.IGNORECASE)
EXPRESSION = re.compile(r"^License-Expression: (.+)$", re.MULTILINE)
# What SPDX calls the licences whose texts Debian's base-files brings under other names.
TEXTS = {
    "Apache-2.0": "Apache-2.0",
    "CC0-1.0": "CC0-1.0",
    **{
        f"GPL-{version}-{suffix}": f"GPL-{version[0]}"
        for version in ("1.0", "2.0", "3.0")
        for suffix in ("only", "or-later")
    },
    **{
        f"LGPL-{version}-{suffix}": f"LGPL-{version.removesuffix('.0')}"
        for version in ("2.0", "2.1", "3.0")
        for suffix in ("only", "or-later")
    },
    "MPL-1.1": "MPL-1.1",
    "MPL-2.0": "MPL-2.0",
}


@dataclass
class Case:
    """One image with all that is needed to judge it."""

    name: str
    manifest: dict[str, Any]
    config: dict[str, Any]
    config_digest: str
    layers: list[Layer]
    closure: Closure
    development: dict[str, str]
    allowed: set[str]
    allow_root: bool
    site_packages: str
    license_texts: Path
    # Digests that were measured already; a control would only measure the same again.
    measured: dict[str, tuple[str, int]] = field(default_factory=dict)
    # Paths that hold compilers or headers, found once.
    culprits: dict[str, str] = field(default_factory=dict)


def layers(case: Case) -> list[str]:
    """Return what is wrong with the layers: manifest, configuration and store must agree on each."""
    found = []
    if len(case.layers) > MOST_LAYERS:
        found.append(f"{len(case.layers)} layers; {MOST_LAYERS} are the most that runtimes take")
    if case.manifest["config"]["digest"] != case.config_digest:
        found.append("the manifest names another configuration")
    named = [layer["digest"] for layer in case.manifest["layers"]]
    if named != case.config["rootfs"]["diff_ids"] or named != [layer.digest for layer in case.layers]:
        found.append("manifest, configuration and description name different layers")
    for layer, entry in zip(case.layers, case.manifest["layers"], strict=False):
        digest, size = case.measured[layer.name]
        if (digest, size) != (entry["digest"], entry["size"]):
            found.append(f"the layer {layer.name} is {entry['digest']} in the manifest, but the store makes {digest}")
    return found


def contents(case: Case) -> list[str]:
    """Return what is wrong with the closure: each path once, none missing, none of development."""
    held = [path for layer in case.layers for path in layer.paths]
    found = [f"{path} is in two layers" for path, times in sorted(Counter(held).items()) if times > 1]
    found += [f"{path} is missing" for path in sorted(case.closure.paths - set(held))]
    found += [f"{path} is no part of the closure" for path in sorted(set(held) - case.closure.paths)]
    found += [str(each).strip() for each in unwanted(case.closure, case.development, case.culprits)]
    return found


def user(case: Case) -> list[str]:
    """Return what is wrong with the user."""
    name = case.config.get("config", {}).get("User", "")
    if not re.fullmatch(r"\d+:\d+", name):
        return [f"the user is {name!r}, not two numbers"]
    if 0 in map(int, name.split(":")) and not case.allow_root:
        return [f"the user {name} is root"]
    return []


def licenses(case: Case) -> list[str]:
    """Return the Python packages of the image without a licence text, and parts of the base without a copyright file."""
    found = []
    linked = {entry.path.removeprefix("usr/share/licenses/") for layer in case.layers for entry in layer.entries}
    for path in sorted(case.closure.paths):
        for folder in sorted(Path(path, case.site_packages).glob("*.dist-info")):
            # An environment only links to what has its own path.
            if folder.resolve() != folder or folder.is_symlink():
                continue
            names = [file.relative_to(folder).as_posix() for file in walk.below(folder) if file.is_file()]
            package = folder.name.partition("-")[0].lower().replace("_", "-")
            if (
                not any(map(LICENSE_FILE.fullmatch, names))
                and package not in linked
                and (lacks := lacking(folder, case))
            ):
                found.append(
                    f"{package} carries no licence text, {lacks}; name one by cloche.images.{case.name}.licenses.{package}, "
                    "or add LICENSE to the project where it is yours"
                )
    if not any(case.license_texts.glob("share/doc/*/copyright")) or str(case.license_texts) not in case.closure.paths:
        found.append("the copyright files of the base are not in it")
    return found


def lacking(folder: Path, case: Case) -> str:
    """Return why the licence of a package without a text of its own is not in the image either; empty if it is."""
    match = EXPRESSION.search((folder / "METADATA").read_text(encoding="utf-8"))
    if match is None:
        return "and its metadata has no licence expression"
    names = set(re.findall(r"[A-Za-z0-9.+-]+", match[1])) - {"AND", "OR", "WITH"}
    texts = case.license_texts / "share/common-licenses"
    absent = sorted(name for name in names if name not in TEXTS or not (texts / TEXTS[name]).exists())
    return f"and the image has no text of {', '.join(absent)}" if absent else ""


def controls(case: Case) -> list[tuple[str, Callable[[Case], list[str]], Case]]:
    """Return faulty images, each with the judgement that must tell of it."""
    swapped = deepcopy(case.manifest)
    swapped["layers"][-1] = {**swapped["layers"][-1], "digest": digest_of(b"another layer")}
    coherent = deepcopy(case.config)
    coherent["rootfs"]["diff_ids"][-1] = swapped["layers"][-1]["digest"]
    described = [*case.layers[:-1], replace(case.layers[-1], digest=swapped["layers"][-1]["digest"])]
    root = deepcopy(case.config)
    root["config"]["User"] = "0:0"
    named = deepcopy(case.config)
    named["config"]["User"] = "app"
    some = max(case.closure.paths - set(case.closure.roots), default=case.closure.roots[0])
    return [
        ("a layer swapped in the manifest", layers, replace(case, manifest=swapped)),
        ("a layer swapped everywhere", layers, replace(case, manifest=swapped, config=coherent, layers=described)),
        ("a store path of development", contents, replace(case, development={some: "a control"})),
        ("a compiler", contents, replace(case, culprits={some: "bin/gcc"})),
        ("a store path left out", contents, replace(case, layers=case.layers[:-1])),
        ("root", user, replace(case, config=root, allow_root=False)),
        ("a user by name", user, replace(case, config=named)),
        ("no licence texts", licenses, replace(case, license_texts=Path("/absent"))),
    ]


def read(attributes: dict[str, Any], name: str) -> Case:
    """Return an image as a case, with its layers measured."""
    folder, options = Path(attributes["images"][name]), attributes["options"][name]
    configuration = (folder / "config.json").read_bytes()
    listed = json.loads((folder / "layers.json").read_text(encoding="utf-8"))["layers"]
    made = [Layer.from_json(layer) for layer in listed]
    said = json.loads((folder / "closure.json").read_text(encoding="utf-8"))
    development = attributes["development"].items()
    graph = attributes[f"closure-{name}"]
    allowed = permitted((node["path"] for node in graph), attributes["development"], options["allowed"])
    culprits: dict[str, str] = {}
    for layer in made:
        culprits.update(development_files(layer))
    return Case(
        name=name,
        manifest=json.loads((folder / "manifest.json").read_bytes()),
        config=json.loads(configuration),
        config_digest=digest_of(configuration),
        layers=made,
        closure=Closure.from_graph(said["roots"], graph),
        development={path: what["why"] for path, what in development if path not in allowed},
        allowed=allowed,
        allow_root=options["allowRoot"],
        site_packages=attributes["sitePackages"],
        license_texts=Path(attributes["licenses"]),
        measured={layer.name: measure(layer) for layer in made},
        culprits={path: file for path, file in culprits.items() if path not in allowed},
    )


def judge(case: Case) -> list[str]:
    """Return all that is wrong with an image, and the controls that were not caught."""
    found = [problem for judgement in (layers, contents, user, licenses) for problem in judgement(case)]
    for fault, judgement, faulty in controls(case):
        if not judgement(faulty):
            found.append(f"the check is blind: an image with {fault} passes it")
    return found


def main(attributes: dict[str, Any]) -> None:
    """Judge attributes["images"] and say so in attributes["outputs"]["out"]."""
    found = {name: judge(read(attributes, name)) for name in sorted(attributes["images"])}
    if any(found.values()):
        lines = [f"{name}: {problem}" for name, problems in found.items() for problem in problems]
        sys.exit("\n".join(["the image is not what it should be:", *lines]))
    lines = [f"{name}: every layer, the closure, the user and the licences are as they should be" for name in found]
    Path(attributes["outputs"]["out"]).write_text("\n".join([*lines, ""]), encoding="utf-8")
