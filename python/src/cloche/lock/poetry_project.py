"""Poetry's own tables of pyproject.toml, turned into PEP 508 by the library poetry-core."""

import re
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from poetry.core.constraints.version import parse_constraint
from poetry.core.factory import Factory

from cloche.errors import MISSHAPEN
from cloche.lock.groups import DEFAULT_GROUP, EXTRA_PREFIX, bad_project
from cloche.lock.text import line_of

_DIRECT = ("git", "url", "path", "file")


def poetry_groups(file: Path, poetry: dict[str, Any]) -> dict[str, tuple[Requirement, ...]]:
    """Return "default", the groups and the extras of [tool.poetry]; raises ClocheError."""
    extras = {
        canonicalize_name(extra): list(map(canonicalize_name, names))
        for extra, names in poetry.get("extras", {}).items()
    }
    optional = {name for names in extras.values() for name in names}
    default: list[Requirement] = []
    by_name: dict[str, list[Requirement]] = {}
    for name, value in poetry.get("dependencies", {}).items():
        if name.lower() == "python":
            continue
        requirements = _requirements(file, name, value)
        by_name[canonicalize_name(name)] = requirements
        values = value if isinstance(value, list) else [value]
        if canonicalize_name(name) not in optional and not any(
            isinstance(each, dict) and each.get("optional") for each in values
        ):
            default.extend(requirements)
    groups = {DEFAULT_GROUP: tuple(default), **poetry_dependency_groups(file, poetry)}
    for extra, names in extras.items():
        groups[EXTRA_PREFIX + extra] = tuple(each for name in names for each in by_name.get(name, ()))
    return groups


def poetry_dependency_groups(file: Path, poetry: dict[str, Any]) -> dict[str, tuple[Requirement, ...]]:
    """Return the groups of [tool.poetry.group.*.dependencies], optional ones too."""
    tables: dict[str, Any] = {
        canonicalize_name(name): group.get("dependencies", {}) for name, group in poetry.get("group", {}).items()
    }
    if "dev-dependencies" in poetry:
        tables.setdefault("dev", poetry["dev-dependencies"])
    return {
        name: tuple(each for package, value in table.items() for each in _requirements(file, package, value))
        for name, table in tables.items()
    }


def python_constraint(value: str) -> str:
    """Return Poetry's constraint on Python, such as "^3.11", as a PEP 440 specifier."""
    text = str(parse_constraint(value))
    return "" if text == "*" else text


def pep508(name: str, constraint: str | dict[str, Any]) -> Requirement:
    """Return a dependency in Poetry's notation as a requirement.

    A constraint that PEP 440 cannot say ("1.* || 3.*") leaves no bound, as the lock says the version.
    """
    try:
        text = Factory.create_dependency(name, constraint).to_pep_508()
    except Exception as error:
        # Its parsers raise what their own generator raises, from a package of poetry-core that has no name for others.
        message = f"{name!r}: {' '.join(str(error).split()) or type(error).__name__}"
        raise ValueError(message) from error
    try:
        return Requirement(text)
    except InvalidRequirement:
        return Requirement(re.sub(r"\s*\([^)]*\|\|[^)]*\)", "", text))


def _requirements(file: Path, name: str, value: Any) -> list[Requirement]:  # noqa: ANN401 - TOML has any type
    found = []
    for constraint in value if isinstance(value, list) else [value]:
        kind = next((key for key in _DIRECT if isinstance(constraint, dict) and key in constraint), None)
        if kind:
            fault = f"the dependency {name!r} by {kind} is unsupported because not addressable by name and hash"
            remedy = f"Publish it on an index (a folder of wheels will do) and give a version of {name!r}."
            raise bad_project(file, fault, remedy, line_of(file, name))
        try:
            found.append(pep508(name, constraint))
        except MISSHAPEN as error:
            remedy = "Write a constraint that Poetry knows."
            raise bad_project(file, f"the dependency {name!r}: {error}", remedy, line_of(file, name)) from error
    return found
