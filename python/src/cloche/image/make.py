"""Put an image together from its layers' descriptions; standard library only.

Only the small layers are measured here (what the image needs beside store paths, the application, and what no other
layer has), so that after an edit of the application nothing large is read again.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cloche.image import manifest
from cloche.image.closure import Closure, development_files, permitted, refusal, unwanted
from cloche.image.layer import STORE, Entry, Layer, measure

VERSION = 1
STORE_NAME = r"/([0-9a-df-np-sv-z]{32}-[0-9A-Za-z+._?=-]+)"


def entries(attributes: dict[str, Any]) -> tuple[Entry, ...]:
    """Return the files, folders and links of the image that are no store paths."""
    uid, gid = (int(number) for number in attributes["user"].split(":"))
    passwd = ["root:x:0:0:root:/root:/bin/sh"]
    group = ["root:x:0:"]
    home = attributes["home"].lstrip("/")
    if uid:
        passwd.append(f"app:x:{uid}:{gid}::/{home}:/bin/sh")
    if gid:
        group.append(f"app:x:{gid}:")
    found = {
        "etc/passwd": Entry(path="etc/passwd", text="\n".join([*passwd, ""]), mode=0o644),
        "etc/group": Entry(path="etc/group", text="\n".join([*group, ""]), mode=0o644),
        "tmp": Entry(path="tmp", mode=0o1777),
        home: Entry(path=home, uid=uid, gid=gid, mode=0o755),
    }
    for path, target in attributes["links"].items():
        found[path] = Entry(path=path, target=target)
    for path in list(found):
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            found.setdefault(folder, Entry(path=folder))
    return tuple(found[path] for path in sorted(found))


def measured(layer: Layer) -> Layer:
    """Return the layer with its digest and size."""
    digest, size = measure(layer)
    return replace(layer, digest=digest, size=size)


def assemble(attributes: dict[str, Any], closure: Closure) -> tuple[list[Layer], dict[str, str]]:
    """Return the image's layers in their order, and which paths hold compilers or headers."""
    layers: list[Layer] = []
    culprits: dict[str, str] = {}
    taken: set[str] = set()
    for file in attributes["layers"]:
        data = json.loads(Path(file).read_text(encoding="utf-8"))
        layer = Layer.from_json(data["layer"])
        # A layer is used as a whole, or its paths come with the rest.
        if set(layer.paths) <= closure.paths - taken and layer.paths:
            layers.append(layer)
            culprits.update(data["development"])
            taken |= set(layer.paths)
    own = Layer(name="files", entries=entries(attributes))
    layers.insert(min(1, len(layers)), measured(own))
    application = [path for path in attributes["application"] if path in closure.paths]
    for name, paths in (("rest", closure.paths - taken - set(application)), ("application", set(application) - taken)):
        if paths:
            layer = Layer(name=name, paths=tuple(sorted(paths)))
            culprits.update(development_files(layer))
            layers.append(measured(layer))
    return layers, culprits


def named(configuration: bytes) -> frozenset[str]:
    """Return the store paths that a configuration names."""
    return frozenset(f"/{STORE}/{name}" for name in re.findall(STORE + STORE_NAME, configuration.decode()))


def start_fault(settings: manifest.Settings, links: Mapping[str, str]) -> str:
    """Return why a container of the image would end at once: what speaks against its entry point; empty if nothing does."""
    if not settings.entrypoint or not settings.entrypoint[0]:
        return "has no entry point: let its option `entrypoint' name the program that a container starts"
    first = settings.entrypoint[0]
    if first.startswith("/"):
        places = [first]
    elif "/" in first:
        return f"starts {first}, which depends on the working directory: let its option `entrypoint' begin with a whole path"
    else:
        places = [f"{folder}/{first}" for folder in settings.environment.get("PATH", "").split(":")]
    # What is in the image lies in the store, or is one of the links into it.
    found = [Path(links.get(place.lstrip("/"), place)) for place in places]
    there = [path for path in found if str(path).startswith(f"/{STORE}/") and path.exists()]
    if not there:
        where = "" if first.startswith("/") else f" in its PATH ({settings.environment.get('PATH', '')})"
        return f"starts {first}, which is not in it{where}: let its option `entrypoint' name a program of its package or contents"
    if not there[0].is_file() or not os.access(there[0], os.X_OK):
        return f"starts {first}, which is no program: it is a folder, or cannot be executed"
    return ""


def main(attributes: dict[str, Any]) -> None:
    """Write the image's files to attributes["outputs"]["out"]; see docs/image.md for what each is."""
    out = Path(attributes["outputs"]["out"])
    closure = Closure.from_graph(attributes["roots"], attributes["closure"])
    layers, culprits = assemble(attributes, closure)
    allowed = attributes["allowed"]
    wanted = permitted(closure.paths, attributes["development"], allowed)
    development = {path: what["why"] for path, what in attributes["development"].items() if path not in wanted}
    culprits = {path: file for path, file in culprits.items() if path not in wanted}
    if found := unwanted(closure, development, culprits):
        sys.exit(refusal(found, attributes["image"]))
    settings = manifest.Settings(created=int(attributes["SOURCE_DATE_EPOCH"]), **attributes["settings"])
    configuration = manifest.config(settings, layers)
    if absent := named(configuration) - closure.paths:
        # A container would end at once, or find nothing where a variable points to.
        sys.exit(
            f"the image {attributes['image']} names {', '.join(sorted(absent))} (in its entry point, command, environment "
            f"or labels) and does not hold it; add it to cloche.images.{attributes['image']}.contents"
        )
    if fault := start_fault(settings, attributes["links"]):
        sys.exit(f"the image {attributes['image']} {fault}")
    document = manifest.manifest(configuration, layers, settings.annotations)
    where = {path: layer.name for layer in layers for path in layer.paths}
    nodes = [
        {**{name: node[name] for name in ("path", "narHash", "narSize", "references")}, "layer": where[node["path"]]}
        for node in attributes["closure"]
    ]
    out.mkdir()
    (out / "manifest.json").write_bytes(document)
    (out / "config.json").write_bytes(configuration)
    (out / "digest").write_text(f"{manifest.digest_of(document)}\n")
    write(
        out / "layers.json",
        {
            "version": VERSION,
            "name": attributes["imageName"],
            "tag": attributes["tag"],
            "layers": [layer.as_json() for layer in layers],
        },
    )
    write(
        out / "closure.json",
        {"version": VERSION, "roots": list(closure.roots), "paths": sorted(nodes, key=lambda node: str(node["path"]))},
    )


def write(path: Path, value: object) -> None:
    """Write JSON that is the same for the same value."""
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
