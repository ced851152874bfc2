"""Measure one layer of an image: digest and size of a tar that is never stored; standard library only."""

import json
from pathlib import Path
from typing import Any

from cloche.image.closure import development_files
from cloche.image.layer import Layer, measure


def main(attributes: dict[str, Any]) -> None:
    """Write the layer's description, with digest and size, to attributes["outputs"]["out"].

    Beside it stands which of its paths hold compilers or headers, so that the image need not look through them again.
    """
    paths = {*attributes["paths"], *(node["path"] for node in attributes.get("closure", []))}
    wanted = tuple(sorted(paths - set(attributes["without"])))
    layer = Layer(name=attributes["layer"], paths=wanted, exclude=attributes["exclude"])
    digest, size = measure(layer)
    described = {**layer.as_json(), "digest": digest, "size": size}
    data = {"layer": described, "development": development_files(layer)}
    Path(attributes["outputs"]["out"]).write_text(json.dumps(data, sort_keys=True) + "\n", encoding="utf-8")
