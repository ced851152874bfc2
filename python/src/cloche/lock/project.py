"""What a project's pyproject.toml asks for, read statically.

Sources: PEP 621 ([project]), PEP 735 ([dependency-groups]), PEP 517/518 ([build-system]).
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.dependency_groups import DependencyGroupResolver
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from cloche.errors import MISSHAPEN
from cloche.lock.groups import DEFAULT_GROUP, EXTRA_PREFIX, bad_project
from cloche.lock.text import line_of, malformed, parse_toml

LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
LEGACY_REQUIRES = ("setuptools>=40.8.0",)
_PROJECT_KEYS = ("name", "requires-python", "dependencies", "optional-dependencies")
_POETRY_KEYS = ("dependencies", "dev-dependencies", "group", "extras")


@dataclass(frozen=True, kw_only=True)
class BuildSystem:
    """The [build-system] table: the PEP 517 backend and what it requires."""

    backend: str
    requires: tuple[Requirement, ...]


@dataclass(frozen=True, kw_only=True)
class Project:
    """What a lock is made for.

    `groups` maps "default", each dependency group and each "extra:NAME" to its own requirements;
    `build_requires` holds [tool.cloche.build-requires] by package name.
    """

    file: Path
    name: str
    requires_python: str
    groups: dict[str, tuple[Requirement, ...]]
    build_system: BuildSystem | None
    digest: str
    build_requires: dict[str, tuple[Requirement, ...]] = field(default_factory=dict)
    uv: dict[str, Any] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """The folder that holds pyproject.toml."""
        return self.file.parent

    @property
    def requirements(self) -> list[Requirement]:
        """Every requirement of every group, without the project itself (as in "name[extra]")."""
        return [
            requirement
            for requirements in self.groups.values()
            for requirement in requirements
            if canonicalize_name(requirement.name) != self.name
        ]


def read_project(directory: Path) -> Project:
    """Return the project in `directory`.

    Raises ClocheError.
    """
    file = directory / "pyproject.toml"
    data = parse_toml(file)
    try:
        project = _project(file, data)
        _check_uv(project.uv)
    except MISSHAPEN as error:
        fault = f"a part of it has the wrong form ({type(error).__name__}: {error})"
        raise malformed(file, fault, "Correct the file.") from error
    return project


def _check_uv(settings: dict[str, Any]) -> None:
    """Raise TypeError or ValueError where [tool.uv] is not as what reads it later takes it."""
    for name in ("override-dependencies", "exclude-dependencies"):
        for text in settings.get(name, []):
            Requirement(text)
    for name, value in settings.get("sources", {}).items():
        if not all(isinstance(source, dict) for source in (value if isinstance(value, list) else [value])):
            message = f"tool.uv.sources.{name} is no table"
            raise TypeError(message)


def _project(file: Path, data: dict[str, Any]) -> Project:
    tool = data.get("tool", {})
    poetry = tool.get("poetry", {})
    project = data.get("project", {})
    name = project.get("name") or poetry.get("name")
    if not isinstance(name, str):
        raise bad_project(file, "there is no project.name", 'Add [project] with name = "...".')
    normal_name = canonicalize_name(name)
    groups = _groups(file, data, project, poetry)
    return Project(
        file=file,
        name=normal_name,
        requires_python=_requires_python(file, project, poetry),
        groups=groups,
        build_system=None if _is_virtual(tool) else read_build_system(file, data),
        digest=digest(data),
        build_requires=_build_requires(file, tool),
        uv=tool.get("uv", {}),
    )


def digest(data: dict[str, Any]) -> str:
    """Return the sha256 (hexadecimal) of the part of pyproject.toml that a lock depends on.

    `lib/lock/default.nix` computes the same from builtins.fromTOML at each evaluation.
    """
    project = data.get("project", {})
    tool = data.get("tool", {})
    subset: dict[str, Any] = {key: data[key] for key in ("build-system", "dependency-groups") if key in data}
    if "project" in data:
        subset["project"] = {key: project[key] for key in _PROJECT_KEYS if key in project}
    tools = {
        "cloche": tool.get("cloche", {}),
        "uv": tool.get("uv", {}),
        "poetry": {key: tool["poetry"][key] for key in _POETRY_KEYS if key in tool.get("poetry", {})},
    }
    tools = {key: table for key, table in tools.items() if table}
    if tools:
        subset["tool"] = tools
    text = json.dumps(subset, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def refuse_direct_sources(project: Project) -> None:
    """Raise ClocheError when [tool.uv.sources] takes a requirement from a repository, URL or folder."""
    sources = project.uv.get("sources", {})
    for name, value in sources.items():
        for source in value if isinstance(value, list) else [value]:
            kind = next((key for key in ("git", "url", "path", "workspace") if key in source), None)
            if kind and any(canonicalize_name(each.name) == canonicalize_name(name) for each in project.requirements):
                fault = f"{name!r} by {kind} in tool.uv.sources is unsupported because not addressable by name and hash"
                remedy = f"Publish {name} on an index (a folder of wheels will do) and remove its source."
                raise bad_project(project.file, fault, remedy, line_of(project.file, kind))


def read_build_system(file: Path, data: dict[str, Any]) -> BuildSystem:
    """Return the build system that the parsed pyproject.toml `data` of `file` names.

    Without [build-system], or without a backend in it, it is setuptools' legacy backend (PEP 517).
    """
    table = data.get("build-system")
    if table is None:
        return BuildSystem(backend=LEGACY_BACKEND, requires=parse_all(file, "build-system.requires", LEGACY_REQUIRES))
    requires = table.get("requires")
    if requires is None:
        remedy = 'PEP 518 demands it: add requires = ["..."].'
        raise bad_project(file, "[build-system] has no requires", remedy, line_of(file, "[build-system]"))
    return BuildSystem(
        backend=table.get("build-backend", LEGACY_BACKEND),
        requires=parse_all(file, "build-system.requires", requires),
    )


def parse_all(file: Path, key: str, texts: object) -> tuple[Requirement, ...]:
    """Return the PEP 508 requirements of the list `texts`, or raise ClocheError with the line."""
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise bad_project(file, f"{key} is not a list of strings", f'Write {key} = ["..."].')
    return tuple(_parse(file, key, text) for text in texts)


def _parse(file: Path, key: str, text: str) -> Requirement:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        fault = f"{text!r} in {key} is not a requirement: {str(error).splitlines()[0]}"
        raise bad_project(file, fault, 'Write it as PEP 508 says, such as "numpy>=2".', line_of(file, text)) from error
    if requirement.url is not None:
        fault = f"{text!r} in {key} is unsupported because not addressable by name and hash"
        remedy = f'Publish {requirement.name} on an index (a folder of wheels will do) and write "{requirement.name}==VERSION".'
        raise bad_project(file, fault, remedy, line_of(file, text))
    return requirement


def _groups(
    file: Path, data: dict[str, Any], project: dict[str, Any], poetry: dict[str, Any]
) -> dict[str, tuple[Requirement, ...]]:
    dynamic = set(project.get("dynamic", ()))
    groups: dict[str, tuple[Requirement, ...]] = {}
    if poetry.get("dependencies") and ("project" not in data or "dependencies" in dynamic):
        from cloche.lock.poetry_project import poetry_groups  # noqa: PLC0415 - poetry-core is needed for Poetry's own tables only

        groups.update(poetry_groups(file, poetry))
    else:
        for key in ("dependencies", "optional-dependencies"):
            if key in dynamic:
                remedy = "Cloche runs no build to lock: write them into pyproject.toml."
                raise bad_project(file, f"project.{key} is dynamic", remedy, line_of(file, "dynamic"))
        groups[DEFAULT_GROUP] = parse_all(file, "project.dependencies", project.get("dependencies", []))
        for extra, texts in project.get("optional-dependencies", {}).items():
            key = f"project.optional-dependencies.{extra}"
            groups[EXTRA_PREFIX + canonicalize_name(extra)] = parse_all(file, key, texts)
        if poetry.get("group"):
            from cloche.lock.poetry_project import poetry_dependency_groups  # noqa: PLC0415 - as above

            groups.update(poetry_dependency_groups(file, poetry))
    groups.update(_dependency_groups(file, data.get("dependency-groups", {})))
    # uv's older table for the group "dev".
    if older := data.get("tool", {}).get("uv", {}).get("dev-dependencies"):
        groups["dev"] = (*groups.get("dev", ()), *parse_all(file, "tool.uv.dev-dependencies", older))
    return groups


def _dependency_groups(file: Path, table: dict[str, Any]) -> dict[str, tuple[Requirement, ...]]:
    for name, members in table.items():
        _check_members(file, name, members, table)
    if DEFAULT_GROUP in {str(canonicalize_name(name)) for name in table}:
        fault = "a dependency group is called 'default'"
        remedy = "That name stands for project.dependencies in cloche.lock: choose another."
        raise bad_project(file, fault, remedy, line_of(file, DEFAULT_GROUP))
    try:
        resolver = DependencyGroupResolver(table)
        return {canonicalize_name(name): resolver.resolve(name) for name in table}
    except ExceptionGroup as error:
        faults = "; ".join(str(each) for each in error.exceptions)
        raise bad_project(file, f"[dependency-groups]: {faults}", "Correct the group (PEP 735).") from error


def _check_members(file: Path, group: str, members: object, table: dict[str, Any]) -> None:
    """Raise ClocheError, with the line, for what packaging would report without one."""
    if not isinstance(members, list):
        remedy = f'Write {group} = ["..."].'
        raise bad_project(file, f"the dependency group {group!r} is not a list", remedy, line_of(file, group))
    known = {canonicalize_name(name) for name in table}
    for member in members:
        if isinstance(member, str):
            _parse(file, f"dependency-groups.{group}", member)
            continue
        include = member.get("include-group") if isinstance(member, dict) else None
        if isinstance(include, str) and canonicalize_name(include) not in known:
            fault = f"the dependency group {group!r} includes the unknown group {include!r}"
            raise bad_project(file, fault, f"Known groups: {', '.join(sorted(known))}.", line_of(file, f'"{include}"'))


def _requires_python(file: Path, project: dict[str, Any], poetry: dict[str, Any]) -> str:
    text = project.get("requires-python")
    if text is None and "python" in poetry.get("dependencies", {}):
        from cloche.lock.poetry_project import python_constraint  # noqa: PLC0415 - as above

        text = python_constraint(poetry["dependencies"]["python"])
    text = text or ""
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        fault = f"requires-python {text!r} is not a version specifier"
        raise bad_project(file, fault, 'Write for example ">=3.11".', line_of(file, "requires-python")) from error
    return text


def _build_requires(file: Path, tool: dict[str, Any]) -> dict[str, tuple[Requirement, ...]]:
    table = tool.get("cloche", {}).get("build-requires", {})
    return {
        canonicalize_name(name): parse_all(file, f"tool.cloche.build-requires.{name}", texts)
        for name, texts in table.items()
    }


def _is_virtual(tool: dict[str, Any]) -> bool:
    """Whether the project says that it is not a package: then nothing is built."""
    return tool.get("uv", {}).get("package") is False or tool.get("poetry", {}).get("package-mode") is False
