"""Requirements and bounds of packages as they were written before PEP 440 and PEP 508 were enforced.

What uv repairs is repaired here, too, and in the same way: uv resolves, and a requirement that it has obeyed must not be
missing from the edges of the lock. An expression of a marker that compares versions and cannot be compared (such as
`python_version < "3.0.*"`) is left out by uv, so that what it guards is in; it is here.

Sources of the repairs: uv's documentation, "Compatibility with pip", and the old metadata on the package index.
"""

import re

from packaging.markers import Marker, UndefinedComparison
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+\s*(?:\[[^\]]*\])?)\s*(?P<open>\()?(?P<bound>.*?)(?(open)\))\s*", re.DOTALL)
_REPAIRS = (
    # `>=2.7'`
    (r"['\"]", ""),
    # `>=7.2<8`
    (r"(?<=[\w*])\s*(?=[<>=!~])", ","),
    # `!=~5.0`
    (r"!=~\s*([\d.]+)", r"!=\1.*"),
    # `!=3.0*`
    (r"(?<=\d)\*", ".*"),
    # `>=0.1.*`
    (r"([<>]=?)(\s*\d+(?:\.\d+)*)\.\*", r"\1\2"),
    # `>dev`
    (r">\s*dev\b", ">0.0.0dev"),
    # `>=9.0.0a1.0`
    (r"(\d(?:a|b|rc|post|dev)\d+)\.0\b", r"\1"),
)
_VERSIONS = "python_version|python_full_version|implementation_version"
_VALUE = r"'[^']*'|\"[^\"]*\""
_COMPARISON = re.compile(
    rf"(?P<name>{_VERSIONS})\s*(?P<operator>[<>=!~]+)\s*(?P<value>{_VALUE})"
    rf"|(?P<first>{_VALUE})\s*(?P<between>[<>=!~]+)\s*(?:{_VERSIONS})\b"
)
# What is true of every Python.
_ALWAYS = 'python_version >= "0"'


def read_specifiers(text: str) -> SpecifierSet:
    """Return a version specifier as uv reads it; raises InvalidSpecifier for what it cannot read either."""
    repaired = text
    for pattern, replacement in (("", ""), *_REPAIRS):
        repaired = re.sub(pattern, replacement, repaired) if pattern else repaired
        try:
            return SpecifierSet(repaired)
        except InvalidSpecifier:
            continue
    return SpecifierSet(text)


def read_requirement(text: str) -> Requirement:
    """Return a requirement as uv reads it; raises InvalidRequirement for what it cannot read either."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        requirement = _repaired(text)
    if requirement.marker is not None:
        requirement.marker = Marker(_COMPARISON.sub(_compared, str(requirement.marker)))
        try:
            requirement.marker.evaluate({"extra": ""})
        except UndefinedComparison as error:
            raise InvalidRequirement(str(error)) from error
    return requirement


def _repaired(text: str) -> Requirement:
    head, semicolon, marker = text.partition(";")
    match = _REQUIREMENT.fullmatch(re.sub(r"['\"]", "", head).strip())
    if match is None or "@" in head:
        return Requirement(text)
    try:
        bound = read_specifiers(match["bound"])
    except InvalidSpecifier as error:
        raise InvalidRequirement(str(error)) from error
    return Requirement(f"{match['name']}{bound}{semicolon}{marker}")


def _compared(match: re.Match[str]) -> str:
    operator, value = match["operator"] or match["between"], match["value"] or match["first"]
    try:
        Specifier(f"{operator}{value[1:-1]}")
    except InvalidSpecifier:
        return _ALWAYS
    return match[0]
