"""The audit: matching by OSV's rules, severities, policies, ignores, licences, and what a feed may not be."""

import json
import os
import random
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from packageurl import PackageURL

from cloche.audit import check as judge
from cloche.audit import components, debian_version, feed, match, policy, report, severity, vex, yaml_text
from cloche.audit import record as record_audit
from cloche.audit.licenses import LicensePolicy
from cloche.audit.severity import Level
from cloche.errors import ClocheError
from cloche.untrusted.limits import Limit
from conftest import Outcome

DAY = date(2024, 6, 1)
HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
MEDIUM = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"


def record(name: str = "demo", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of a record
    """Return an OSV record about versions below 2.0 of a package."""
    part = {
        "package": {"ecosystem": "PyPI", "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
    }
    return {"id": "PYSEC-1", "modified": "2024-05-20T00:00:00Z", "details": "A fault.", "affected": [part], **more}


def advisory(value: dict[str, Any]) -> feed.Advisory:
    return feed.read(json.dumps(value).encode(), what="record.json")


def feed_of(*values: dict[str, Any]) -> feed.Feed:
    return feed.Feed(tuple(advisory(value) for value in values))


def sbom(*entries: dict[str, Any]) -> components.Sbom:
    value = {
        "bomFormat": "CycloneDX",
        "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        "components": list(entries),
    }
    return components.read(json.dumps(value).encode(), what="sbom.cdx.json")


def python(name: str = "demo", version: str = "1.5", license: str | None = "MIT") -> dict[str, Any]:  # noqa: A002 - as in the SBOM
    licenses = [{"expression": license}] if license else []
    purl = f"pkg:pypi/{name}@{version}"
    return {"bom-ref": purl, "name": name, "version": version, "purl": purl, "licenses": licenses}


def debian(name: str, version: str, source: str, source_version: str) -> dict[str, Any]:
    purl = f"pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-12"
    properties = [
        {"name": "cloche:source", "value": source},
        {"name": "cloche:source-version", "value": source_version},
    ]
    return {"bom-ref": purl, "name": name, "version": version, "purl": purl, "properties": properties}


def affected(
    events: list[dict[str, str]] | None = None, versions: list[str] | None = None, ecosystem: str = "PyPI"
) -> feed.Affected:
    ranges = [{"type": "ECOSYSTEM", "events": events}] if events else []
    part = {"package": {"ecosystem": ecosystem, "name": "demo"}, "ranges": ranges, "versions": versions or []}
    return advisory(record(affected=[part])).affected[0]


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        ([{"introduced": "0"}, {"fixed": "2.0"}], ["0.1", "1.9", "2.0rc1", "2.0.dev1"], ["2.0", "2.0.post1", "10"]),
        ([{"introduced": "1.2"}, {"fixed": "1.10"}], ["1.2", "1.9"], ["1.1", "1.10", "1.2rc1"]),
        ([{"introduced": "1.0"}, {"last_affected": "1.5"}], ["1.0", "1.5"], ["1.5.1", "0.9"]),
        ([{"introduced": "0"}], ["0", "99"], []),
        ([{"introduced": "0"}, {"limit": "3.0"}], ["2.9"], ["3.0"]),
        ([{"introduced": "0"}, {"limit": "*"}], ["2.9", "99"], []),
        # Two branches, in no order; and two fixes of one introduction, as three of the sample's records have them.
        (
            [{"fixed": "3.1"}, {"introduced": "3.0"}, {"introduced": "1.0"}, {"fixed": "1.4"}],
            ["1.0", "3.0"],
            ["1.4", "2.0", "3.1"],
        ),
        ([{"introduced": "0"}, {"fixed": "1.0"}, {"fixed": "2.0"}], ["0.9"], ["1.0", "1.5", "2.0"]),
        ([{"introduced": "2.0"}, {"fixed": "2.0"}], [], ["2.0", "1.9"]),
    ],
)
def test_ranges_are_evaluated_as_osv_says(events: list[dict[str, str]], inside: list[str], outside: list[str]) -> None:
    part = affected(events)
    assert [version for version in inside if not match.affects(part, version)] == []
    assert [version for version in outside if match.affects(part, version)] == []


def test_listed_versions_match_however_they_are_written() -> None:
    part = affected(versions=["1.0", "weird-version"])
    assert match.affects(part, "1.0.0") == "version 1.0 is listed"
    assert match.affects(part, "1.0.1") is None


def test_what_cannot_be_decided_counts_as_affected() -> None:
    assert match.affects(affected(), "1.0") == "the record gives no versions"
    assert match.affects(affected([{"introduced": "0"}, {"fixed": "whenever"}]), "1.0") == (
        "the range cannot be evaluated: 'whenever' is no version by PEP 440"
    )
    assert (
        match.affects(affected([{"introduced": "0"}]), "dev")
        == "'dev' is no version of PyPI, so nothing is known about it"
    )


@pytest.mark.parametrize(
    ("versions", "how"),
    [
        (["9.0", "< 2.0"], "'< 2.0' is listed, which is no version, so it could be about any"),
        (["9.0", "*"], "'*' is listed, which is no version, so it could be about any"),
        (["9.0", "all"], "'all' is listed, which is no version, so it could be about any"),
        (["trunk"], "none of the versions that are listed is one of PyPI, so nothing is known about it"),
        (["9.0", "trunk"], None),
    ],
)
def test_a_list_that_names_no_versions_does_not_decide(versions: list[str], how: str | None) -> None:
    assert match.affects(affected(versions=versions), "1.0") == how


@pytest.mark.parametrize(
    ("events", "version", "inside"),
    [
        # What ends and begins again at one version goes on, in whatever order the events stand.
        ([("introduced", "0"), ("fixed", "2.0"), ("introduced", "2.0"), ("fixed", "3.0")], "2.5", True),
        ([("fixed", "3.0"), ("introduced", "2.0.0"), ("introduced", "0"), ("fixed", "2.0")], "2.0", True),
        ([("introduced", "0"), ("fixed", "2.0"), ("introduced", "2.0"), ("fixed", "3.0")], "3.0", False),
        ([("introduced", "0"), ("last_affected", "2.0"), ("introduced", "2.0")], "2.1", True),
        # What begins and ends at once never was, or was this version alone.
        ([("introduced", "2.0"), ("fixed", "2.0")], "2.0", False),
        ([("introduced", "2.0"), ("last_affected", "2.0")], "2.0", True),
        ([("introduced", "2.0"), ("last_affected", "2.0")], "2.1", False),
    ],
)
def test_events_at_one_version(events: list[tuple[str, str]], version: str, inside: bool) -> None:  # noqa: FBT001 - a parameter of the test
    part = affected([{kind: bound} for kind, bound in events])
    assert (match.affects(part, version) is not None) == inside


def test_a_record_tells_builds_apart_only_of_the_versions_that_it_names_so() -> None:
    part = affected(versions=["2.1.0", "2.0.0+cu118"])
    assert match.affects(part, "2.1.0+cpu") == "version 2.1.0 is listed"
    assert match.affects(part, "2.0.0+cu118") == "version 2.0.0+cu118 is listed"
    assert match.affects(part, "2.0.0+cpu") is None


def test_ecosystems_are_known_however_they_are_spelled() -> None:
    for name in ("pypi", "PyPI:", "PYPI"):
        part = record()["affected"][0] | {"package": {"ecosystem": name, "name": "demo"}}
        found = report.audit(sbom(python()), feed_of(record(affected=[part])), policy.Policy(), DAY)
        assert len(found.findings) == 1, name


def test_commits_alone_do_not_decide() -> None:
    part = {
        "package": {"ecosystem": "PyPI", "name": "demo"},
        "ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}],
    }
    assert match.affects(advisory(record(affected=[part])).affected[0], "1.0") == "the record gives no versions"


def test_names_are_compared_normalised() -> None:
    found = report.audit(sbom(python("demo-package")), feed_of(record("Demo.Package")), policy.Policy(), DAY)
    assert [finding.ids for finding in found.findings] == [("PYSEC-1",)]


@pytest.mark.parametrize(
    ("vectors", "level", "score"),
    [
        ([("CVSS_V3", HIGH)], "high", 7.5),
        ([("CVSS_V3", MEDIUM), ("CVSS_V3", HIGH)], "high", 7.5),
        ([("CVSS_V2", "AV:N/AC:L/Au:N/C:N/I:N/A:P")], "medium", 5.0),
        ([("CVSS_V4", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N")], "critical", 9.3),
        ([("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N")], "none", 0.0),
        ([], "unknown", None),
        ([("CVSS_V3", "nonsense")], "unknown", None),
        ([("Ubuntu", "low")], "unknown", None),
        ([("Ubuntu", "low"), ("CVSS_V3", HIGH)], "high", 7.5),
        # What can't be read could be higher than what can.
        ([("CVSS_V3", MEDIUM), ("CVSS_V3", "nonsense")], "unknown", None),
        ([("CVSS_V3", MEDIUM), ("CVSS_V4", HIGH)], "unknown", None),
        ([("CVSS_V5", "CVSS:5.0/AV:N"), ("CVSS_V3", MEDIUM)], "unknown", None),
    ],
)
def test_severities_come_from_vectors(vectors: list[tuple[str, str]], level: str, score: float | None) -> None:
    found = severity.rate(vectors)
    assert (found.level.name, found.score) == (level, score)


def test_an_unknown_severity_is_above_every_ceiling_unless_the_policy_says_otherwise() -> None:
    listed, advisories = sbom(python()), feed_of(record())
    strict = report.audit(listed, advisories, policy.Policy(ceiling=Level.critical), DAY)
    assert strict.reasons == ["demo 1.5: PYSEC-1: severity unknown (counted as above any ceiling), above critical"]
    lax = report.audit(listed, advisories, policy.Policy(ceiling=Level.medium, unknown=Level.medium), DAY)
    assert lax.reasons == []
    assert [finding.reason for finding in lax.findings] == ["severity unknown (counted as medium), not above medium"]


def test_an_unreadable_vector_hides_none_that_can_be_read() -> None:
    vectors = [{"type": "CVSS_V3", "score": score} for score in (HIGH, "nonsense")]
    listed, advisories = sbom(python()), feed_of(record(severity=vectors))
    found = report.audit(listed, advisories, policy.Policy(ceiling=Level.medium, unknown=Level.low), DAY)
    assert found.reasons == ["demo 1.5: PYSEC-1: severity unknown (counted as high), above medium"]
    found = report.audit(listed, advisories, policy.Policy(ceiling=Level.high), DAY)
    assert found.reasons == ["demo 1.5: PYSEC-1: severity unknown (counted as above any ceiling), above high"]


@pytest.mark.parametrize(("ceiling", "fails"), [("none", True), ("medium", True), ("high", False), ("critical", False)])
def test_a_ceiling_is_the_highest_that_passes(ceiling: str, fails: bool) -> None:  # noqa: FBT001 - a parameter of the test
    advisories = feed_of(record(severity=[{"type": "CVSS_V3", "score": HIGH}]))
    assert bool(report.audit(sbom(python()), advisories, policy.Policy(ceiling=Level[ceiling]), DAY).reasons) == fails


def test_withdrawn_records_find_nothing() -> None:
    found = report.audit(sbom(python()), feed_of(record(withdrawn="2024-05-21T00:00:00Z")), policy.Policy(), DAY)
    assert (found.findings, found.withdrawn, found.reasons) == ([], 1, [])


def test_a_day_to_come_withdraws_nothing_yet() -> None:
    advisories = feed_of(record(withdrawn="2024-06-02T00:00:00Z"))
    found = report.audit(sbom(python()), advisories, policy.Policy(), DAY)
    assert (len(found.findings), found.withdrawn) == (1, 0)
    found = report.audit(sbom(python()), advisories, policy.Policy(), date(2024, 6, 2))
    assert (len(found.findings), found.withdrawn) == (0, 1)


def test_aliases_are_one_finding_with_the_severity_that_any_of_them_states() -> None:
    found = report.audit(
        sbom(python()),
        feed_of(
            record(id="PYSEC-1", aliases=["CVE-1"]),
            record(id="GHSA-1", aliases=["CVE-1"], severity=[{"type": "CVSS_V3", "score": HIGH}]),
            record(id="OTHER-1", aliases=["GHSA-1"]),
            record(id="PYSEC-2"),
        ),
        policy.Policy(),
        DAY,
    )
    assert [(finding.ids, finding.severity.level.name) for finding in found.findings] == [
        (("CVE-1", "GHSA-1", "PYSEC-1", "OTHER-1"), "high"),
        (("PYSEC-2",), "unknown"),
    ]


def test_groups_do_not_depend_on_the_order_of_records() -> None:
    values = [record(id=f"A-{number}", aliases=[f"A-{number + 1}"]) for number in range(6)] + [record(id="B-1")]
    for seed in range(20):
        random.Random(seed).shuffle(values)  # noqa: S311 - no secret
        groups = report.merge([advisory(value) for value in values])
        assert sorted(sorted(member.id for member in group) for group in groups) == [
            [f"A-{n}" for n in range(6)],
            ["B-1"],
        ]


def test_what_no_feed_covers_is_not_audited() -> None:
    found = report.audit(
        sbom(python(), debian("libc6", "2.36-9", "glibc", "2.36-9"), {"name": "thing", "version": "1"}),
        feed_of(record("another")),
        policy.Policy(),
        DAY,
    )
    assert [(component.name, why) for component, why in found.not_audited] == [
        ("libc6", "no advisory of the feed is about Debian:12"),
        ("thing", "it has no package URL"),
    ]
    assert "not audited: 1 components, since no advisory of the feed is about Debian:12: libc6" in report.as_text(found)
    assert report.audit(
        sbom(python(), {"name": "x"}), feed_of(record("another")), policy.Policy(not_audited="fail"), DAY
    ).reasons == ["1 components could not be audited"]


def test_the_project_itself_is_audited_by_its_name() -> None:
    properties = [{"name": "cloche:revision"}, {"name": "cloche:file", "value": "demo-1.5-py3-none-any.whl"}]
    project = {"bom-ref": "project:demo", "name": "demo", "version": "1.5", "properties": properties}
    found = report.audit(sbom(project), feed_of(record()), policy.Policy(), DAY)
    assert [finding.component.ref for finding in found.findings] == ["project:demo"]


STORE = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-base"


def prefix(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of a component
    """Return a prefix as Cloche lists it."""
    properties = [{"name": "cloche:store-path", "value": STORE}]
    return {"bom-ref": "prefix:base", "type": "platform", "name": "base", "properties": properties, **changes}


def in_prefix(path: str = STORE) -> dict[str, Any]:
    return python("other") | {"properties": [{"name": "cloche:prefix", "value": path}]}


def strictly(entries: list[dict[str, Any]], depends: list[str]) -> list[str]:
    """Return the reasons against an SBOM whose prefix depends on these refs, where all must have been audited."""
    value = {
        "bomFormat": "CycloneDX",
        "components": entries,
        "dependencies": [{"ref": "prefix:base", "dependsOn": depends}],
    }
    listed = components.read(json.dumps(value).encode(), what="sbom.cdx.json")
    return report.audit(listed, feed_of(record()), policy.Policy(not_audited="fail"), DAY).reasons


def test_a_prefix_is_audited_by_what_is_in_it() -> None:
    assert strictly([prefix(), in_prefix()], ["pkg:pypi/other@1.5"]) == []


@pytest.mark.parametrize(
    ("entries", "depends"),
    [
        # It depends on nothing, and so could hold anything.
        ([prefix(), in_prefix()], []),
        # What it depends on lies elsewhere, or says nothing of a prefix.
        ([prefix(), in_prefix("/nix/store/another")], ["pkg:pypi/other@1.5"]),
        ([prefix(), python("other")], ["pkg:pypi/other@1.5"]),
        # It is something by itself.
        ([prefix(version="1.0"), in_prefix()], ["pkg:pypi/other@1.5"]),
        ([prefix(properties=[]), in_prefix()], ["pkg:pypi/other@1.5"]),
        ([prefix(type="operating-system"), in_prefix()], ["pkg:pypi/other@1.5"]),
    ],
)
def test_a_platform_that_could_hold_anything_is_not_audited(entries: list[dict[str, Any]], depends: list[str]) -> None:
    assert strictly(entries, depends) == ["1 components could not be audited"]


def test_what_dependencies_name_and_nothing_lists_is_not_audited() -> None:
    # Twice: the prefix then holds something that is not listed.
    assert strictly([prefix(), in_prefix()], ["pkg:pypi/other@1.5", "pkg:pypi/demo@1.5"]) == [
        "2 components could not be audited"
    ]


def test_the_subject_is_audited_where_it_is_a_package() -> None:
    value = {"bomFormat": "CycloneDX", "components": [python("other")], "metadata": {"component": python()}}

    def findings() -> list[str]:
        listed = components.read(json.dumps(value).encode(), what="sbom.cdx.json")
        return [each.component.name for each in report.audit(listed, feed_of(record()), policy.Policy(), DAY).findings]

    assert findings() == ["demo"]
    value["metadata"] = {"component": {"bom-ref": "subject", "name": "app", "components": [python()]}}
    assert findings() == ["demo"]
    value["metadata"] = {"component": {"bom-ref": "subject", "name": "demo"}}
    assert findings() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"name": "harmless"},
            "ValueError the component harmless 1.5 has the package URL pkg:pypi/demo@1.5, which names another package",
        ),
        (
            {"version": "2.5"},
            "ValueError the component demo 2.5 has the package URL pkg:pypi/demo@1.5, which names another version",
        ),
        ({"version": 1.5}, "TypeError version is 1.5, where a text is expected"),
        ({"bom-ref": "pkg:pypi/other@1.5"}, "ValueError two components have the bom-ref 'pkg:pypi/other@1.5'"),
    ],
)
def test_components_that_contradict_themselves_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ClocheError) as caught:
        sbom(python() | changes, python("other"))
    assert str(caught.value) == f"sbom.cdx.json is not as CycloneDX says: {words}"


def test_other_spellings_of_a_package_are_no_contradiction() -> None:
    for changes in ({"name": "Demo"}, {"version": "1.5.0"}, {"version": ""}, {"purl": "pkg:pypi/demo"}):
        found = report.audit(sbom(python() | changes), feed_of(record()), policy.Policy(), DAY)
        assert [finding.component.package for finding in found.findings] == ["demo"], changes


def test_a_component_without_a_version_is_affected_by_all_that_is_about_it() -> None:
    found = report.audit(sbom({"name": "demo", "purl": "pkg:pypi/demo"}), feed_of(record()), policy.Policy(), DAY)
    assert [finding.how for finding in found.findings] == ["'' is no version of PyPI, so nothing is known about it"]


def test_a_release_that_no_record_knows_is_not_audited() -> None:
    """A record about all releases of Debian is found, and does not make the feed one about this release."""
    part = {"package": {"ecosystem": "Debian", "name": "glibc"}, "ranges": []}
    found = report.audit(
        sbom(python(), debian("libc6", "2.36-9", "glibc", "2.36-9"), debian("bash", "5.2", "bash", "5.2")),
        feed_of(record("another"), record(id="DSA-1", affected=[part])),
        policy.Policy(),
        DAY,
    )
    assert [component.name for component, _ in found.not_audited] == ["bash", "libc6"]
    assert [finding.component.name for finding in found.findings] == ["libc6"]


def test_nothing_to_audit_does_not_pass() -> None:
    found = report.audit(sbom({"name": "thing", "version": "1"}), feed_of(record()), policy.Policy(), DAY)
    assert found.reasons == ["no component could be audited"]


def test_debian_packages_are_audited_by_their_source() -> None:
    part = {
        "package": {"ecosystem": "Debian:12", "name": "openssl"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0.17-1~deb12u3"}]}],
    }
    advisories = feed_of(record(id="DSA-1", affected=[part]))
    old = report.audit(
        sbom(debian("libssl3", "3.0.16-1~deb12u1", "openssl", "3.0.16-1~deb12u1")), advisories, policy.Policy(), DAY
    )
    assert [(finding.component.name, finding.fixed) for finding in old.findings] == [("libssl3", ("3.0.17-1~deb12u3",))]
    new = report.audit(sbom(debian("libssl3", "3.0.17-1", "openssl", "3.0.17-1")), advisories, policy.Policy(), DAY)
    assert new.findings == []
    assert new.audited == 1


def test_debian_versions_sort_as_policy_says() -> None:
    ordered = [
        "0",
        "1.0~~",
        "1.0~rc1",
        "1.0~rc1-2",
        "1.0",
        "1.0-1~deb12u1",
        "1.0-1",
        "1.0-1+b1",
        "1.0a",
        "1.0+dfsg",
        "1.9",
        "1.10",
        "2:0.1",
    ]
    assert sorted(ordered, key=debian_version.key) == ordered
    assert debian_version.key("1.0") == debian_version.key("1.00") == debian_version.key("0:1.0-0")
    with pytest.raises(ValueError, match="'x1' is no version of a Debian package"):
        debian_version.key("x1")


def test_an_old_feed_fails_and_says_how_old() -> None:
    found = report.audit(sbom(python("other")), feed_of(record()), policy.Policy(maximum_age=11), DAY)
    assert found.reasons == ["the newest advisory is of 2024-05-20, 12 days before 2024-06-01; at most 11 are allowed"]
    assert report.audit(sbom(python("other")), feed_of(record()), policy.Policy(maximum_age=12), DAY).reasons == []


def test_a_day_before_the_feed_is_refused() -> None:
    with pytest.raises(ClocheError) as caught:
        report.audit(sbom(python()), feed_of(record()), policy.Policy(), date(2024, 5, 1))
    assert str(caught.value) == (
        "the audit's day is 2024-05-01, but the newest advisory is of 2024-05-20: by a day in the past no age and no\n"
        "expiry can be judged. Correct the clock, --today, or the option cloche.audit.date."
    )


def ignoring(**more: Any) -> policy.Policy:  # noqa: ANN401
    return policy.parse(
        {"ignore": [{"id": "CVE-1", "reason": "unused", "expires": "2024-07-01", **more}]}, what="policy.toml"
    )


def test_an_ignore_holds_until_its_day() -> None:
    listed, advisories = sbom(python()), feed_of(record(aliases=["CVE-1"]))
    held = report.audit(listed, advisories, ignoring(), date(2024, 6, 15))
    assert (held.findings[0].verdict, held.findings[0].reason) == ("ignored", "until 2024-07-01: unused")
    assert held.reasons == []
    assert report.audit(listed, advisories, ignoring(expires="2024-06-15"), date(2024, 6, 15)).reasons == []
    expired = report.audit(listed, advisories, ignoring(expires="2024-06-14"), date(2024, 6, 15))
    assert expired.reasons == [
        "demo 1.5: CVE-1: severity unknown (counted as above any ceiling), above none; its ignore expired on 2024-06-14"
    ]


def test_an_ignore_for_another_package_is_none() -> None:
    found = report.audit(sbom(python()), feed_of(record(aliases=["CVE-1"])), ignoring(package="other"), DAY)
    assert found.findings[0].verdict == "fails"
    assert [ignore.id for ignore in found.unused] == ["CVE-1"]
    assert "unused ignore: CVE-1, which matches no finding" in report.as_text(found)


def test_ignores_come_out_as_vex() -> None:
    listed = sbom(python())
    advisories = feed_of(record(aliases=["CVE-1"], severity=[{"type": "CVSS_V3", "score": HIGH}]), record(id="PYSEC-9"))
    accepted = ignoring(state="not_affected", justification="code_not_reachable")
    text = vex.dumps(report.audit(listed, advisories, accepted, DAY), listed)
    assert text == vex.dumps(report.audit(listed, advisories, accepted, DAY), listed)
    (vulnerability,) = json.loads(text)["vulnerabilities"]
    assert vulnerability["id"] == "CVE-1"
    assert vulnerability["references"] == [{"id": "PYSEC-1", "source": {"name": "Python Packaging Advisory Database"}}]
    assert vulnerability["analysis"] == {
        "detail": "unused",
        "justification": "code_not_reachable",
        "state": "not_affected",
    }
    assert vulnerability["affects"] == [
        {"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Apypi%2Fdemo%401.5"}
    ]
    assert vulnerability["properties"] == [{"name": "cloche:expires", "value": "2024-07-01"}]
    assert vulnerability["ratings"] == [
        {"method": "CVSSv31", "score": 7.5, "severity": "high", "vector": HIGH.removeprefix("CVSS:3.1/")}
    ]
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            {"cieling": "low"},
            "the policy has the unknown key 'cieling'; the keys are ignore, licenses, vulnerabilities",
        ),
        (
            {"vulnerabilities": {"ceiling": "hihg"}},
            'vulnerabilities.ceiling is "hihg"; it is one of none, low, medium, high, critical',
        ),
        (
            {"vulnerabilities": {"maximum-age": "30"}},
            "vulnerabilities.maximum-age is '30', where a number of days is expected",
        ),
        (
            {"vulnerabilities": {"maximum-age": True}},
            "vulnerabilities.maximum-age is True, where a number of days is expected",
        ),
        ({"vulnerabilities": []}, "vulnerabilities is [], where a table is expected"),
        ({"licenses": {"denied": "MIT"}}, "licenses.denied is 'MIT', where a list of texts is expected"),
        ({"ignore": {"id": "X"}}, "ignore is {'id': 'X'}; write each as [[ignore]]"),
        (
            {"ignore": [{"id": "X", "reason": "r"}]},
            "ignore 1 has no expires; an ignore needs an id, a reason and the day on which it expires",
        ),
        (
            {"ignore": [{"id": "X", "reason": "", "expires": "2024-01-01"}]},
            "ignore 1 has no reason; an ignore needs an id, a reason and the day on which it expires",
        ),
        (
            {"ignore": [{"id": "X", "reason": "r", "expires": "soon"}]},
            "ignore 1.expires is 'soon', where a day is expected, such as \"2026-12-31\"",
        ),
        ({"ignore": [{"id": 1, "reason": "r", "expires": "2024-01-01"}]}, "ignore 1.id is 1, where a text is expected"),
        (
            {"ignore": [{"id": "X", "reason": "r", "expires": "2024-01-01", "expire": 1}]},
            "ignore 1 has the unknown key 'expire'; the keys are expires, id, justification, package, reason, state",
        ),
    ],
)
def test_a_policy_with_a_fault_is_refused(value: dict[str, Any], words: str) -> None:
    with pytest.raises(policy.PolicyError) as caught:
        policy.parse(value, what="policy.toml")
    assert str(caught.value) == f"policy.toml: {words}"


def test_not_affected_needs_a_justification() -> None:
    with pytest.raises(policy.PolicyError, match='the state "not_affected", and only that, needs a justification'):
        ignoring(state="not_affected")


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("MIT", ""),
        ("GPL-3.0-only", "GPL-3.0-only"),
        ("MIT OR GPL-3.0-only", ""),
        ("MIT AND GPL-3.0-only", "GPL-3.0-only"),
        ("GPL-2.0-only OR AGPL-3.0-only", "GPL-2.0-only or AGPL-3.0-only"),
        ("(MIT OR Apache-2.0) AND (GPL-3.0-only OR MIT)", ""),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", ""),
        ("Nobody's", None),
        (None, None),
    ],
)
def test_licences_are_judged_by_what_they_demand(expression: str | None, fault: str | None) -> None:
    judge = LicensePolicy(
        policy.Policy(denied=("GPL-*", "AGPL-3.0-only"), permitted=("GPL-3.0-or-later WITH GCC-exception-3.1",))
    )
    assert judge.fault(expression) == fault


def test_a_licence_that_spdx_does_not_have_is_a_typing_error() -> None:
    with pytest.raises(
        policy.PolicyError, match=r"^licenses.denied has 'GPL3', which matches no licence of SPDX's list$"
    ):
        LicensePolicy(policy.Policy(denied=("GPL3",)))
    with pytest.raises(
        policy.PolicyError, match=r"^licenses.permitted has 'GPL3', which is no expression of SPDX's licences$"
    ):
        LicensePolicy(policy.Policy(permitted=("GPL3",)))


def test_denied_and_unknown_licences_are_reasons() -> None:
    found = report.audit(
        sbom(python("one", license="AGPL-3.0-only"), python("two", license=None)),
        feed_of(record()),
        policy.Policy(denied=("AGPL-*",), unknown_license="fail"),
        DAY,
    )
    assert found.reasons == [
        "one 1.5: the licence AGPL-3.0-only is denied",
        "the licences of 1 components are not known",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &x 1\nb: *x\n", "r.yaml, line 1: anchors and aliases are not read"),
        ("a: 1\na: 2\n", "r.yaml, line 2: the key 'a' stands twice"),
        (
            "a: !!python/object:os.system x\n",
            "r.yaml, line 1: the tag tag:yaml.org,2002:python/object:os.system is not read",
        ),
        ("a: 1\n---\nb: 2\n", "r.yaml, line 2: a second document, where one is read"),
        ("[[[[1]]]]", "r.yaml, line 1: nested more than 3 levels deep"),
        ("[1, 2, 3, 4, 5, 6]", "r.yaml: more than 6 members"),
        ("? [a]\n: b\n", "r.yaml, line 1: a key that is no text"),
        ("a: [", "r.yaml: it is no YAML: "),
        ("x" * 60, "r.yaml: 60 bytes, where at most 50 are read"),
        ("a: \udc80", "r.yaml: byte 3 is no UTF-8"),
    ],
)
def test_yaml_that_is_refused(text: str, words: str) -> None:
    with pytest.raises(ClocheError) as caught:
        yaml_text.loads(text.encode(errors="surrogateescape"), what="r.yaml", limit=Limit(bytes=50, depth=3, members=6))
    assert str(caught.value).startswith(words)


def test_yaml_scalars_stay_as_they_are_written() -> None:
    text = 'a: 1.10\nb: 2020-01-01 10:00:00\nc: null\nd: "null"\ne: [no, ~]\nf: {}\n'
    assert yaml_text.loads(text.encode(), what="x", limit=Limit(bytes=1000)) == {
        "a": "1.10",
        "b": "2020-01-01 10:00:00",
        "c": None,
        "d": "null",
        "e": ["no", None],
        "f": {},
    }


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "it is no object"),
        ({"modified": "2024-01-01"}, "it lacks 'id'"),
        (record(modified="yesterday"), "Invalid isoformat string: 'yesterday'"),
        (record(modified="0001-01-01T00:00:00+23:00"), "date value out of range"),
        (record(aliases=[1]), "aliases is 1, where a text is expected"),
        (
            record(
                affected=[
                    {
                        "package": {"ecosystem": "PyPI", "name": "x"},
                        "ranges": [{"type": "ECOSYSTEM", "events": [{"fixd": "1"}]}],
                    }
                ]
            ),
            "'fixd' is no event of a range",
        ),
        (
            record(affected=[{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": [1.0]}]),
            "versions is 1.0, where a text is expected",
        ),
        # A text in place of a list would be read letter by letter.
        (
            record(affected=[{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": "1.0"}]),
            "versions is '1.0', where a list is expected",
        ),
        (record(aliases="CVE-1"), "aliases is 'CVE-1', where a list is expected"),
        (record(affected={}), "affected is {}, where a list is expected"),
        (record(severity=""), "severity is '', where a list is expected"),
        # About versions of no package at all.
        (record(affected=[{"versions": ["1.0"]}]), "it lacks 'package'"),
        (record(affected=[{"package": {}, "versions": ["1.0"]}]), "it lacks 'ecosystem'"),
        (record(affected=[{}]), "it lacks 'package'"),
    ],
)
def test_a_record_that_is_none_is_an_error(value: Any, words: str) -> None:  # noqa: ANN401
    with pytest.raises(ClocheError) as caught:
        feed.read(json.dumps(value).encode(), what="r.json")
    assert str(caught.value) == f"r.json is not an advisory in the OSV format: {words}"


def test_an_empty_feed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ClocheError, match="there is no advisory in it"):
        feed.load(tmp_path)
    with pytest.raises(ClocheError, match="there is no such folder of advisories"):
        feed.load(tmp_path / "absent")


def test_a_record_in_two_files_is_an_error(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(record()))
    with pytest.raises(ClocheError, match=r"^b\.json: PYSEC-1 stands in another file too$"):
        feed.load(tmp_path)


def test_components_inside_of_components_are_audited() -> None:
    found = report.audit(sbom({"name": "outer", "components": [python()]}), feed_of(record()), policy.Policy(), DAY)
    assert [finding.component.name for finding in found.findings] == ["demo"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"spdxVersion": "SPDX-2.3"}, 's.json is no SBOM in CycloneDX JSON (it has no "bomFormat": "CycloneDX")'),
        ({"bomFormat": "CycloneDX", "components": [], "version": "one"}, "s.json is not as CycloneDX says: ValueError"),
        ({"bomFormat": "CycloneDX"}, "s.json lists no component, so there is nothing to audit"),
        (
            {"bomFormat": "CycloneDX", "components": [{"version": "1"}]},
            "s.json is not as CycloneDX says: KeyError 'name'",
        ),
        (
            {"bomFormat": "CycloneDX", "components": [{"name": "x", "purl": "nonsense"}]},
            "s.json is not as CycloneDX says: ValueError purl is missing the required \"pkg\" scheme component: 'nonsense'",
        ),
    ],
)
def test_an_sbom_that_is_none_is_an_error(value: Any, words: str) -> None:  # noqa: ANN401
    with pytest.raises(ClocheError) as caught:
        components.read(json.dumps(value).encode(), what="s.json")
    assert str(caught.value).replace("'pkg'", '"pkg"').startswith(words[:60])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with an SBOM, a feed and a policy."""
    value = {"bomFormat": "CycloneDX", "components": [python()]}
    (tmp_path / "sbom.cdx.json").write_text(json.dumps(value))
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed/one.json").write_text(json.dumps(record(aliases=["CVE-1"])))
    (tmp_path / "policy.toml").write_text('[[ignore]]\nid = "CVE-1"\nreason = "unused"\nexpires = 2024-07-01\n')
    return tmp_path


def test_the_verb_reports_and_fails(run: Callable[..., Outcome], files: Path) -> None:
    arguments = ["audit", "--sbom", f"{files}/sbom.cdx.json", "--advisories", f"{files}/feed", "--today", "2024-06-01"]
    outcome = run(*arguments)
    assert outcome.code == 1
    assert outcome.err == ""
    assert outcome.out == (
        "advisories: 1 records (0 withdrawn) for PyPI; the newest is of 2024-05-20, 12 days before 2024-06-01\n"
        "audited: 1 components, 1 findings\n"
        "fails: demo 1.5: CVE-1, PYSEC-1 (unknown)\n"
        "  severity unknown (counted as above any ceiling), above none; affected: introduced 0, fixed 2.0; fixed in 2.0\n"
        "the audit fails:\n"
        "  demo 1.5: CVE-1: severity unknown (counted as above any ceiling), above none\n"
    )
    found = run(*arguments, "--policy", f"{files}/policy.toml", "--vex", f"{files}/vex.cdx.json", "--json")
    assert found.code == 0
    assert json.loads(found.out)["findings"][0]["verdict"] == "ignored"
    assert json.loads((files / "vex.cdx.json").read_text())["vulnerabilities"][0]["id"] == "CVE-1"


def test_the_verb_takes_the_day_of_the_clock(run: Callable[..., Outcome], files: Path) -> None:
    outcome = run("audit", "--sbom", f"{files}/sbom.cdx.json", "--advisories", f"{files}/feed")
    assert outcome.code == 1
    assert "at most 30 are allowed" in outcome.out


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("policy.toml", "[[ignore]", "policy.toml: not valid TOML: "),
        ("policy.json", '{"ignore": NaN}', "policy.json: NaN is no JSON number"),
        ("policy.json", '{"ignore": [], "ignore": []}', "policy.json: the name 'ignore' stands twice in one object"),
    ],
)
def test_a_policy_that_cannot_be_read_ends_with_2(
    run: Callable[..., Outcome], files: Path, name: str, text: str, words: str
) -> None:
    (files / name).write_text(text)
    outcome = run(
        "audit", "--sbom", f"{files}/sbom.cdx.json", "--advisories", f"{files}/feed", "--policy", f"{files}/{name}"
    )
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err


def test_a_vex_document_that_cannot_be_written_is_an_error(run: Callable[..., Outcome], files: Path) -> None:
    outcome = run(
        "audit",
        *("--sbom", f"{files}/sbom.cdx.json", "--advisories", f"{files}/feed", "--today", "2024-06-01"),
        *("--vex", f"{files}/absent/vex.json"),
    )
    assert outcome.code == 2
    assert (
        outcome.err
        == f"error: {files}/absent/vex.json cannot be written: No such file or directory.\nThe former one, if any, is unchanged.\n"
    )


def test_names_cannot_write_lines_of_the_report() -> None:
    name = "x\nthe audit passes\x1b[2J"
    entry = python(name) | {"purl": PackageURL("pypi", None, name, "1.5").to_string()}
    text = report.as_text(report.audit(sbom(entry), feed_of(record(name.lower())), policy.Policy(), DAY))
    assert "the audit passes" not in text.splitlines()
    assert "\x1b" not in text


def recorded(files: Path, tmp_path: Path, **options: Any) -> Path:  # noqa: ANN401
    """Return the folder that the derivation's script writes."""
    out = tmp_path / "out"
    given = {"sbom": str(files), "advisories": f"{files}/feed", "date": "2024-06-01", "policy": {}, **options}
    record_audit.main({"outputs": {"out": str(out)}, **given})
    return out


def test_the_derivation_stores_a_report_and_the_check_judges_it(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = recorded(files, tmp_path)
    assert sorted(path.name for path in out.iterdir()) == ["report.json", "report.txt", "vex.cdx.json"]
    verdict = tmp_path / "verdict"
    with pytest.raises(SystemExit) as ended:
        judge.main({"report": str(out), "outputs": {"out": str(verdict)}})
    assert str(ended.value) == f"{(out / 'report.txt').read_text()}the whole report is in {out}"
    assert not verdict.exists()
    shutil.rmtree(out)
    recorded(files, tmp_path, policy={"vulnerabilities": {"ceiling": "low", "unknown-severity": "low"}})
    judge.main({"report": str(out), "outputs": {"out": str(verdict)}})
    assert verdict.read_text() == capsys.readouterr().out
    assert verdict.read_text().endswith("the audit passes\n")


def test_the_derivation_tells_what_is_wrong_with_its_input(files: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        recorded(files, tmp_path, policy={"vulnerabilities": {"ceiling": "x"}})
    assert str(ended.value) == (
        'the options cloche.audit: vulnerabilities.ceiling is "x"; it is one of none, low, medium, high, critical'
    )
    assert not (tmp_path / "out").exists()


def test_an_audit_that_finds_nothing_planted_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "affects", lambda *_: None)
    with pytest.raises(
        SystemExit, match=r"^the audit did not find the advisory that was planted for pkg:pypi/demo@1\.5$"
    ):
        record_audit.control(sbom(python()), DAY)


DATA = Path(os.environ.get("CLOCHE_DATA", "/absent"), "advisories")


@pytest.mark.skipif(not DATA.is_dir(), reason="CLOCHE_DATA names no folder with advisories")
def test_the_sample_of_real_records() -> None:
    real = feed.load(DATA)
    assert len(real.advisories) == 123
    assert real.newest == date(2024, 7, 11)
    rated = [advisory for advisory in real.advisories if severity.rate(list(advisory.severities)).score is not None]
    assert len(rated) == 7
    found = report.audit(
        sbom(python("idna", "3.6"), python("idna", "3.7"), python("urllib3", "1.26.4")),
        real,
        policy.Policy(),
        date(2024, 8, 1),
    )
    by_version: dict[str, list[str]] = {}
    for finding in found.findings:
        by_version.setdefault(f"{finding.component.name} {finding.component.version}", []).append(finding.ids[0])
    assert by_version["idna 3.6"] == ["CVE-2024-3651"]
    assert "idna 3.7" not in by_version
    assert sorted(by_version["urllib3 1.26.4"]) == ["CVE-2021-33503", "CVE-2023-43804", "CVE-2023-45803"]


@pytest.mark.parametrize(
    ("version", "part", "how"),
    [
        ("2.1.0+cpu", {"versions": ["2.1.0"]}, "version 2.1.0 is listed"),
        (
            "2.1.0+cpu",
            {"ranges": [["introduced", "0"], ["last_affected", "2.1.0"]]},
            "introduced 0, last affected 2.1.0",
        ),
        ("2.1.0+cpu", {"ranges": [["introduced", "0"], ["fixed", "2.1.0"]]}, None),
        ("2.1.0+b2", {"ranges": [["introduced", "0"], ["fixed", "2.1.0+b2"]]}, None),
        (
            "1.0",
            {"ranges": [["fixed", "2.0"]]},
            "the range cannot be evaluated: it does not say in which version it begins",
        ),
        ("1.0", {"ranges": []}, "the range cannot be evaluated: it does not say in which version it begins"),
    ],
)
def test_what_an_attack_on_versions_found(version: str, part: dict[str, Any], how: str | None) -> None:
    ranges = [{"type": "ECOSYSTEM", "events": [dict([event]) for event in part["ranges"]]}] if "ranges" in part else []
    affected = {"package": {"ecosystem": "PyPI", "name": "a"}, "ranges": ranges, "versions": part.get("versions", [])}
    text = json.dumps({"id": "X-1", "modified": "2026-01-01T00:00:00Z", "affected": [affected]}).encode()
    assert match.affects(feed.read(text, what="X-1.json").affected[0], version) == how


def test_withdrawn_is_a_time() -> None:
    text = b'{"id": "X-1", "modified": "2026-01-01T00:00:00Z", "withdrawn": "no"}'
    with pytest.raises(ClocheError, match="Invalid isoformat string: 'no'"):
        feed.read(text, what="X-1.json")


@pytest.mark.parametrize(
    ("listed", "expression"),
    [
        (
            [{"license": {"name": "MIT) OR (MIT"}}, {"license": {"id": "AGPL-3.0-only"}}],
            '"MIT) OR (MIT" AND (AGPL-3.0-only)',
        ),
        ([{"license": {"id": "MIT"}}, {"license": {}}], "(MIT) AND (NOASSERTION)"),
        ([{"expression": "MIT", "license": {"id": "AGPL-3.0-only"}}], "(MIT) AND (AGPL-3.0-only)"),
        ([{"expression": "MIT OR Apache-2.0"}], "MIT OR Apache-2.0"),
    ],
)
def test_licences_that_are_no_choice(listed: list[Any], expression: str) -> None:
    text = {"bomFormat": "CycloneDX", "components": [{"name": "a", "licenses": listed}]}
    (component,) = components.read(json.dumps(text).encode(), what="sbom").components
    assert component.license == expression
    denies = LicensePolicy(policy.parse({"licenses": {"denied": ["AGPL-3.0-only"]}}, what="policy"))
    assert (denies.fault(component.license) == "") == (expression == "MIT OR Apache-2.0")


@pytest.mark.parametrize(
    ("denied", "expression", "fault"),
    [
        # No version of it remains that could be chosen.
        ("AGPL-3.0-only", "AGPL-3.0-or-later", "AGPL-3.0-or-later"),
        ("GPL-3.0-only", "GPL-3.0-or-later", "GPL-3.0-or-later"),
        ("GPL-3.0-only", "GPL-3.0+", "GPL-3.0-or-later"),
        ("GPL-3.0-only", "GPL-3.0-or-later WITH GCC-exception-3.1", "GPL-3.0-or-later WITH GCC-exception-3.1"),
        # One remains: version 3.
        ("GPL-2.0-only", "GPL-2.0-or-later", ""),
        ("GPL-2.0-only", "GPL-2.0-only", "GPL-2.0-only"),
        ("LGPL-2.1-only", "LGPL-2.1-or-later", ""),
        # An earlier version is none that could be chosen.
        ("GPL-2.0-only", "GPL-3.0-or-later", ""),
        ("AGPL-1.0-only", "AGPL-3.0-or-later", ""),
        # Each version from this one on is denied.
        ("AGPL-3.0-or-later", "AGPL-3.0-only", "AGPL-3.0-only"),
        ("GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-only"),
        ("GPL-2.0-or-later", "GPL-3.0-or-later", "GPL-3.0-or-later"),
        ("GPL-2.0-or-later", "GPL-1.0-or-later", ""),
        ("GPL-2.0-or-later", "LGPL-3.0-or-later", ""),
        ("GFDL-1.3-invariants-only", "GFDL-1.3-invariants-or-later", "GFDL-1.3-invariants-or-later"),
        ("GFDL-1.3-invariants-only", "GFDL-1.3-or-later", ""),
        ("[AG]*PL-*-only", "GPL-2.0-or-later AND MIT", "GPL-2.0-or-later"),
    ],
)
def test_later_versions_of_a_licence(denied: str, expression: str, fault: str) -> None:
    assert LicensePolicy(policy.Policy(denied=(denied,))).fault(expression) == fault


@pytest.mark.parametrize("make", ["folder", "nothing", "pipe"])
def test_no_advisory_is_left_out_silently(tmp_path: Path, make: str) -> None:
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed/X-1.json").write_text('{"id": "X-1", "modified": "2026-01-01T00:00:00Z"}')
    assert len(feed.load(tmp_path / "feed").advisories) == 1
    path = tmp_path / "feed" / ("more" if make == "folder" else "X-2.json")
    if make == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path if make == "folder" else tmp_path / "absent")
    words = {
        "folder": f"{path}: a link to a folder, or to nothing, is not followed; give the folder itself",
        "nothing": f"{path}: the advisory cannot be read: No such file or directory",
        "pipe": f"{path}: the advisory cannot be read: it is a pipe, and only regular files are read",
    }
    with pytest.raises(ClocheError, match=f"^{re.escape(words[make])}$"):
        feed.load(tmp_path / "feed")


@pytest.mark.parametrize("option", ["--sbom", "--policy"])
@pytest.mark.parametrize(("place", "kind"), [("pipe", "a pipe"), ("zero", "a device")])
def test_what_has_no_end_is_not_read(
    run: Callable[..., Outcome], tmp_path: Path, option: str, place: str, kind: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "sbom.json").write_text("{}")
    words = ["audit", "--sbom", str(tmp_path / "sbom.json"), "--advisories", str(tmp_path)]
    what = "SBOM" if option == "--sbom" else "policy"
    ended = run(*words, option, str(tmp_path / place))
    message = f"error: {tmp_path / place}: the {what} cannot be read: it is {kind}, and only regular files are read\n"
    assert (ended.code, ended.out, ended.err) == (2, "", message)
