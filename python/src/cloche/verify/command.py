"""`cloche verify` on the command line."""

import json
from pathlib import Path

import click

from cloche.attest.key_options import key_options, password_options


@click.command()
@click.argument("artifact")
# What can't be read is told by what reads it, to every user in the same words and with the same exit code.
@click.option(
    "--policy", type=click.Path(readable=False, path_type=Path), required=True, help="The policy (docs/verify.md)."
)
@click.option(
    "--bundle",
    "bundles",
    type=click.Path(readable=False, path_type=Path),
    multiple=True,
    help="An envelope or bundle, or a folder of them (repeatable). Default: what a registry holds for the image.",
)
@click.option(
    "--sbom", type=click.Path(readable=False, path_type=Path), help="An SBOM file that must be the signed one."
)
@click.option(
    "--advisories",
    type=click.Path(readable=False, path_type=Path),
    help="A folder of advisories, for the policy's ceiling.",
)
@click.option(
    "--source-repository",
    "repository",
    type=click.Path(readable=False, path_type=Path),
    help="A git checkout that you trust, for the policy's minimum revision or date.",
)
@click.option("--rebuild", is_flag=True, help="Then build the signed source here, and compare the bytes.")
@click.option(
    "--source", type=click.Path(readable=False, path_type=Path), help="With --rebuild: the signed source, in a folder."
)
@click.option("--insecure-registry", "insecure", is_flag=True, help="Ask the registry without TLS.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--vsa",
    type=click.Path(readable=False, path_type=Path),
    help="Write a verification summary here if all is accepted.",
)
@key_options("vsa-", "that signs the summary; without one it is marked UNSIGNED")
@password_options
@click.pass_context
def verify(  # noqa: PLR0913 - click passes each option as an argument
    context: click.Context,
    *,
    artifact: str,
    policy: Path,
    bundles: tuple[Path, ...],
    sbom: Path | None,
    advisories: Path | None,
    repository: Path | None,
    rebuild: bool,
    source: Path | None,
    insecure: bool,
    as_json: bool,
    vsa: Path | None,
    key_file: Path | None,
    key_fd: int | None,
    key_env: str | None,
    password_fd: int | None,
    password_env: str | None,
) -> None:
    """Accept or refuse ARTIFACT by a policy, and give a reason for everything.

    ARTIFACT is a file, a store path or other folder, oci:FOLDER@sha256:..., or REGISTRY/NAME@sha256:....
    Ends with 0 when it is accepted, and else with the code of the first class of refusal in docs/verify.md.
    """
    from cloche.attest import key_options as options  # noqa: PLC0415 - `cloche --help` must not load the verb's libraries
    from cloche.verify import report, run  # noqa: PLC0415 - as above

    key = options.key(key_file, key_fd, key_env, password_fd, password_env)
    if source is not None and not rebuild:
        message = "--source goes with --rebuild"
        raise click.UsageError(message)
    if key is not None and vsa is None:
        message = "a key was given, and no --vsa FILE that it could sign"
        raise click.UsageError(message)
    # The key is read first, so that a fault of it is known before anything is accepted.
    signer = None
    if key is not None:
        from cloche.attest import keys  # noqa: PLC0415 - as above

        signer = keys.load(key)
    request = run.Request(artifact, policy, bundles, sbom, advisories, repository, rebuild, source, insecure)
    outcome = run.verify(request)
    if vsa is not None and outcome.report.refusal is None:
        from cloche.attest import dsse  # noqa: PLC0415 - as above
        from cloche.attest.outcome import Refusal  # noqa: PLC0415 - as above
        from cloche.store import write  # noqa: PLC0415 - as above
        from cloche.verify import vsa as summaries  # noqa: PLC0415 - as above

        summary = summaries.statement(outcome, request)
        try:
            write.file(
                vsa, summaries.unsigned(summary) if signer is None else dsse.text(dsse.envelope(summary, signer))
            )
        except write.NotWrittenError as error:
            outcome.report.refuse("summary", Refusal.MISSING, error.message)
    refusal = outcome.report.refusal
    click.echo(
        json.dumps(run.json_of(outcome), indent=2, sort_keys=True)
        if as_json
        else report.table(outcome.report, artifact)
    )
    context.exit(0 if refusal is None else int(refusal))
