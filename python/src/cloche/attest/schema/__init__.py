"""The schemas of what Cloche attests, as files beside this module, and what breaks them.

Needs the library jsonschema, which takes over a second to load: for checks and tests, not for builders.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import referencing

from cloche.attest import statement

# Schemas of predicates by predicate type; a CycloneDX document has its own (checks.sbom).
PREDICATES = {statement.PROVENANCE: "provenance", statement.TEST_RESULT: "test-result"}


def _load(name: str) -> Any:  # noqa: ANN401 - JSON is of any shape
    return json.loads((Path(__file__).parent / f"{name}.json").read_text())


def problems(value: dict[str, Any]) -> list[str]:
    """Return what a statement has that its schemas do not allow, each as "where: what"; empty for a good one."""
    found = _against("statement", value)
    kind = PREDICATES.get(str(value.get("predicateType")))
    if kind and isinstance(value.get("predicate"), dict):
        found += [f"predicate.{problem}" for problem in _against(kind, value["predicate"])]
    return found


def _against(name: str, value: object) -> list[str]:
    shared = referencing.Resource.from_contents(_load("statement"))
    registry: referencing.Registry[Any] = referencing.Registry().with_resource(shared.id() or "", shared)
    validator = jsonschema.Draft202012Validator(_load(name), registry=registry)
    errors = sorted(validator.iter_errors(value), key=lambda error: [str(step) for step in error.absolute_path])
    return [f"{'.'.join(map(str, error.absolute_path)) or 'it'}: {error.message}" for error in errors]
