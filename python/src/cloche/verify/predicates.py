"""What statements have to say, by the policy: provenance, test results, SBOM."""

import re
from dataclasses import dataclass
from typing import Any

from cloche.attest import statement
from cloche.attest.outcome import Refusal, Refused, Report
from cloche.store import canonical_json
from cloche.untrusted import strict_json
from cloche.untrusted.limits import SBOM
from cloche.verify.policy import LOCAL_BUILDER, REVISION, Policy, Provenance

# What the build type nix-flake/v1 takes from outside; docs/provenance.md says what each means.
EXTERNAL_PARAMETERS = frozenset({"attribute", "flake", "revision"})
# How many of many faults a reason names.
_SHOWN = 5
_STORE_NAME = re.compile(r"[0-9a-df-np-sv-z]{32}-[0-9A-Za-z+._?=-]{1,211}")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_NOT_CANONICAL = "it has a number beyond 2**53, which readers understand differently"
_BUILD_TYPES = {"https://cloche.example/build-types/nix-flake/v1": EXTERNAL_PARAMETERS}


@dataclass(frozen=True)
class Claimed:
    """What accepted provenance says about where an artifact comes from."""

    flake: str
    attribute: str
    revision: str | None
    # "sha256-..." or hexadecimal digests of the source tree, by algorithm.
    source: dict[str, str]
    builder: str
    level: int
    # (HASH-NAME, sha256 of the NAR) of each store path that the artifact needs at run time, itself included.
    closure: tuple[tuple[str, str], ...] = ()


def _at(value: Any, *path: str) -> Any:  # noqa: ANN401 - JSON is of any shape
    """Return what is at a path of names, or None where a part is missing or no object."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def provenance(
    predicate: dict[str, Any], signers: set[str], policy: Policy, what: str, report: Report
) -> Claimed | None:
    """Report on a provenance predicate (SLSA v1), and return what it claims when nothing was refused."""
    wanted = policy.provenance
    if wanted is None:
        report.refuse(what, Refusal.POLICY, "the policy has no [provenance]")
        return None
    try:
        parameters = _parameters(predicate, wanted)
        builder, level = _builder(predicate, signers, policy)
        source = _source(predicate, parameters)
        _from_source(parameters, wanted)
        closure = _closure(predicate)
    except Refused as refused:
        report.refuse(what, refused.refusal, refused.reason)
        return None
    if level < wanted.minimum_level:
        reason = (
            f"the builder {builder} reaches SLSA build level {level}, and the policy demands {wanted.minimum_level}"
        )
        report.refuse(what, Refusal.WRONG_BUILDER, reason)
        return None
    flake, attribute, revision = (parameters[name] for name in ("flake", "attribute", "revision"))
    claimed = Claimed(flake, attribute, revision, source, builder, level, closure)
    report.accept(what, f"{claimed.flake} at {claimed.revision}, attribute {claimed.attribute}")
    local = " (a local build: nobody vouches for the machine)" if builder == LOCAL_BUILDER else ""
    report.accept(f"builder of {what}", f"{builder}, SLSA build level {level}{local}")
    return claimed


def _parameters(predicate: dict[str, Any], wanted: Provenance) -> dict[str, Any]:
    build_type = _at(predicate, "buildDefinition", "buildType")
    if build_type != wanted.build_type:
        raise Refused(Refusal.UNKNOWN, f"the build type is {build_type!r}, and the policy accepts {wanted.build_type}")
    known = _BUILD_TYPES.get(wanted.build_type)
    if known is None:
        raise Refused(
            Refusal.UNKNOWN,
            f"what the parameters of the build type {build_type} mean is not known; known is {', '.join(_BUILD_TYPES)}",
        )
    parameters = _at(predicate, "buildDefinition", "externalParameters")
    if not isinstance(parameters, dict):
        raise Refused(Refusal.MALFORMED, "buildDefinition.externalParameters is no object")
    unknown = sorted(set(parameters) - known)
    if unknown:
        raise Refused(
            Refusal.UNKNOWN,
            f"there is an unknown external parameter {unknown[0]!r}; known are {', '.join(sorted(known))}",
        )
    for name in ("attribute", "flake", "revision"):
        if not isinstance(parameters.get(name), str) or not parameters[name]:
            reason = f"the external parameter {name} is {parameters.get(name)!r}, so it can't be said what was built; cloche.provenance.source and a commit say it"
            raise Refused(Refusal.WRONG_SOURCE, reason)
    # It becomes a part of a flake reference, in which `&dir=` would choose another flake.
    if not REVISION.fullmatch(parameters["revision"]):
        raise Refused(Refusal.WRONG_SOURCE, f"{parameters['revision']!r} is no revision")
    return parameters


def _builder(predicate: dict[str, Any], signers: set[str], policy: Policy) -> tuple[str, int]:
    found = _at(predicate, "runDetails", "builder", "id")
    accepted = [builder for builder in policy.builders if builder.id == found]
    if not accepted:
        raise Refused(
            Refusal.WRONG_BUILDER,
            f"the builder is {found!r}, and the policy accepts {', '.join(builder.id for builder in policy.builders)}",
        )
    levels = [builder.level for builder in accepted if signers & set(builder.signers)]
    if not levels:
        names = ", ".join(sorted(signers))
        raise Refused(
            Refusal.WRONG_BUILDER, f"the policy does not accept the word of {names} about the builder {found}"
        )
    return str(found), max(levels)


def _source(predicate: dict[str, Any], parameters: dict[str, Any]) -> dict[str, str]:
    """Return the digests of the source tree, which must name the same revision as the parameters."""
    entries = _at(predicate, "buildDefinition", "resolvedDependencies")
    sources = (
        [entry for entry in entries if _at(entry, "annotations", "kind") == "source"]
        if isinstance(entries, list)
        else []
    )
    digest = _at(sources[0], "digest") if len(sources) == 1 else None
    if not isinstance(digest, dict):
        raise Refused(
            Refusal.WRONG_SOURCE, f"resolvedDependencies has {len(sources)} entries for the source, where one belongs"
        )
    revision = digest.get("gitCommit")
    if revision != parameters["revision"]:
        reason = f"the external parameters name the revision {parameters['revision']}, and resolvedDependencies names {revision}"
        raise Refused(Refusal.WRONG_SOURCE, reason)
    return {str(name): str(value) for name, value in digest.items()}


def _from_source(parameters: dict[str, Any], wanted: Provenance) -> None:
    if parameters["flake"] != wanted.source:
        raise Refused(
            Refusal.WRONG_SOURCE, f"the source is {parameters['flake']}, and the policy accepts {wanted.source}"
        )
    if parameters["attribute"] not in wanted.attributes:
        reason = f"the attribute is {parameters['attribute']}, and the policy accepts {', '.join(wanted.attributes)}"
        raise Refused(Refusal.WRONG_SOURCE, reason)
    if wanted.revisions and parameters["revision"] not in wanted.revisions:
        raise Refused(
            Refusal.WRONG_SOURCE, f"the revision {parameters['revision']} is not among those that the policy lists"
        )


def _closure(predicate: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the store paths among the byproducts; a provenance of what stands alone has none."""
    entries = _at(predicate, "runDetails", "byproducts")
    if entries is None:
        return ()
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Refused(Refusal.MALFORMED, "runDetails.byproducts is no list of objects")
    found: dict[str, str] = {}
    for entry in entries:
        if entry.get("mediaType") != statement.NAR:
            continue
        name, sha256 = entry.get("name"), _at(entry, "digest", "sha256")
        if not isinstance(name, str) or not _STORE_NAME.fullmatch(name):
            raise Refused(Refusal.MALFORMED, f"the byproduct {name!r} is a NAR, and its name is none of a store path")
        if not isinstance(sha256, str) or not _HEX64.fullmatch(sha256):
            raise Refused(Refusal.MALFORMED, f"the byproduct {name} has the sha256 {sha256!r}")
        if found.setdefault(name, sha256) != sha256:
            raise Refused(Refusal.MALFORMED, f"the byproduct {name} is listed with two digests")
    return tuple(sorted(found.items()))


def tests(predicate: dict[str, Any], policy: Policy, what: str, report: Report) -> None:
    """Report on a test-result predicate (in-toto test-result v0.1)."""
    result = predicate.get("result")
    passed, failed = (predicate.get(name, []) for name in ("passedTests", "failedTests"))
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in (passed, failed)):
        report.refuse(what, Refusal.MALFORMED, "passedTests or failedTests is no list of names")
        return
    if failed or result not in policy.accepted_results:
        names = f": {', '.join(failed[:3])}" if failed else ""
        accepted = " or ".join(policy.accepted_results)
        report.refuse(
            what,
            Refusal.FAILED_CHECK,
            f"the result is {result!r} with {len(failed)} failed tests, where {accepted} is accepted{names}",
        )
        return
    if predicate.get("warnedTests") and "WARNED" not in policy.accepted_results:
        report.refuse(what, Refusal.FAILED_CHECK, f"the result is {result!r}, and there are warnedTests all the same")
        return
    if not passed:
        report.refuse(what, Refusal.FAILED_CHECK, "no test is among those that passed, so nothing was shown")
        return
    missing = sorted(set(policy.required_tests) - set(passed))
    if missing:
        reason = f"the required test {missing[0]} is not among those that passed"
        if (name := _recorded(missing[0])) in passed:
            reason += f"; the statement has {name}"
        report.refuse(what, Refusal.FAILED_CHECK, reason)
        return
    report.accept(what, f"{result}: {len(passed)} tests passed")


def _recorded(test: str) -> str:
    """Return the name that a test's record (junit.xml) has for what pytest's terminal calls FILE.py::CLASS::FUNCTION."""
    place, _, function = test.rpartition("::")
    file, *classes = place.split("::")
    return ".".join([file.removesuffix(".py").replace("/", "."), *classes]) + f"::{function}"


def sbom(predicate: dict[str, Any], what: str, report: Report) -> bool:
    """Report on an SBOM predicate (CycloneDX), and return whether it is one."""
    found = predicate.get("components")
    if predicate.get("bomFormat") != "CycloneDX" or not isinstance(found, list):
        report.refuse(what, Refusal.MALFORMED, "it is no CycloneDX document with a list of components")
        return False
    if not all(isinstance(item, dict) and isinstance(item.get("name"), str) and item["name"] for item in found):
        report.refuse(what, Refusal.MALFORMED, "one of its components has no name")
        return False
    if _canonical(predicate) is None:
        report.refuse(what, Refusal.MALFORMED, _NOT_CANONICAL)
        return False
    report.accept(what, f"lists {len(found)} components")
    return True


def sbom_file(data: bytes, predicates: list[dict[str, Any]], report: Report) -> None:
    """Report whether an SBOM file is the one that was signed, to the byte.

    A statement holds the SBOM as a value. The file must be one of the two texts that Cloche writes for that value: RFC
    8785's, or JSON with sorted names and an indentation; so that no byte of it is left to chance.
    """
    what = "SBOM file"
    if not predicates:
        report.refuse(
            what, Refusal.MISSING_STATEMENT, "no accepted statement holds an SBOM with which it could be compared"
        )
        return
    try:
        value = strict_json.loads(data, what=what, limit=SBOM)
    except strict_json.BadJsonError as error:
        report.refuse(what, Refusal.MALFORMED, str(error))
        return
    found = _canonical(value)
    if found is None:
        report.refuse(what, Refusal.MALFORMED, _NOT_CANONICAL)
    elif not any(found == _canonical(predicate) for predicate in predicates):
        report.refuse(what, Refusal.TAMPERED, _difference(value, predicates[0]))
    elif data not in _texts(value):
        report.refuse(what, Refusal.TAMPERED, "it says the same as the signed one in other bytes")
    else:
        report.accept(what, f"is the signed one, with {len(_components(value))} components")


def _canonical(value: Any) -> bytes | None:  # noqa: ANN401 - JSON is of any shape
    try:
        return canonical_json.dumps(value)
    except ValueError:
        return None


def _texts(value: Any) -> set[bytes]:  # noqa: ANN401 - JSON is of any shape
    import json  # noqa: PLC0415 - strict_json reads

    texts = {canonical_json.dumps(value)}
    for indent in (1, 2):
        for ascii_only in (True, False):
            texts.add(json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=ascii_only).encode())
    return texts | {text + b"\n" for text in texts}


def _components(value: Any) -> list[Any]:  # noqa: ANN401 - JSON is of any shape
    found = value.get("components") if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _difference(value: Any, predicate: dict[str, Any]) -> str:  # noqa: ANN401 - JSON is of any shape
    def names(components: list[Any]) -> set[str]:
        return {
            f"{item.get('name')} {item.get('version', '')}".strip() for item in components if isinstance(item, dict)
        }

    signed, found = names(_components(predicate)), names(_components(value))
    for only, where in ((signed - found, "it lacks"), (found - signed, "it has, and the signed one has not,")):
        if only:
            return f"it is not the signed one: {where} {', '.join(sorted(only)[:_SHOWN])}"
    return "it is not the signed one: it has the same components, and says something else about them"
