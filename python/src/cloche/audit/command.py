"""`cloche audit` on the command line."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from cloche.errors import ClocheError
from cloche.store import write


@click.command()
@click.option(
    "--sbom",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The SBOM in CycloneDX JSON, such as packages.sbom's sbom.cdx.json.",
)
@click.option(
    "--advisories",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="A folder of advisories in the OSV format, JSON or YAML.",
)
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What is accepted (docs/audit.md), TOML. Without one nothing is.",
)
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")
@click.option("--vex", type=click.Path(dir_okay=False, path_type=Path), help="Write the ignores to this file, as VEX.")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The day on which ages and expiries are judged. Default: today, in UTC.",
)
def audit(  # noqa: PLR0913 - click passes each option as an argument
    *, sbom: Path, advisories: Path, policy_file: Path | None, as_json: bool, vex: Path | None, today: datetime | None
) -> None:
    """Look for known vulnerabilities and denied licences in what an SBOM lists.

    The report goes to standard output. Exit code 1: the audit fails.
    """
    from cloche.audit import components, feed, report  # noqa: PLC0415 - `cloche --help` must not load the verb's libraries
    from cloche.audit.policy import Policy, load  # noqa: PLC0415
    from cloche.audit.vex import dumps  # noqa: PLC0415
    from cloche.untrusted import regular_file  # noqa: PLC0415 - as below
    from cloche.untrusted.limits import SBOM  # noqa: PLC0415

    policy = load(policy_file) if policy_file else Policy()
    try:
        data = regular_file.read(sbom, SBOM)
    except OSError as error:
        raise ClocheError(f"{sbom}: the SBOM cannot be read: {error.strerror}") from error
    listed = components.read(data, what=str(sbom))
    day = (today or datetime.now(UTC)).date()
    found = report.audit(listed, feed.load(advisories), policy, day)
    if vex is not None:
        write.file(vex, dumps(found, listed))
    if as_json:
        click.echo(json.dumps(report.as_data(found), indent=1, sort_keys=True, ensure_ascii=False))
    else:
        click.echo(report.as_text(found), nl=False)
    sys.exit(1 if found.reasons else 0)
