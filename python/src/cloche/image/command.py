"""The command line of `cloche load-image`."""

from pathlib import Path

import click

from cloche.errors import ClocheError


@click.command("load-image")
@click.argument("target", metavar="TARGET")
@click.option("--image", "chosen", metavar="NAME", help="Which image of cloche.images, where there are several.")
@click.option("--known", multiple=True, metavar="NAME=PATH", hidden=True, help="The images that there are.")
@click.option(
    "--path", type=click.Path(path_type=Path), help="A folder made by `nix build .#image`, instead of a name."
)
@click.option("--insecure", is_flag=True, help="Speak HTTP without TLS to the registry.")
@click.option(
    "--attach",
    "evidence",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Evidence to attach as a referrer: a bundle (.sigstore.json), an SBOM (.cdx.json, .spdx.json), a statement.",
)
def load_image(  # noqa: PLR0913 - click hands over each option
    target: str,
    chosen: str | None,
    known: tuple[str, ...],
    path: Path | None,
    evidence: tuple[Path, ...],
    *,
    insecure: bool,
) -> None:
    """Bring an image to TARGET, sending only the layers that are not there.

    TARGET is podman, docker, oci:FOLDER[:TAG], docker://HOST/NAME[:TAG], or skopeo:TRANSPORT:REST for anything else
    that skopeo can copy to. Prints the image's digest.
    """
    from cloche.image import load  # noqa: PLC0415 - `cloche --help` must not load it
    from cloche.image.read import read  # noqa: PLC0415

    if path is None:
        images = dict(entry.split("=", 1) for entry in known)
        name = chosen or ("default" if "default" in images or len(images) != 1 else next(iter(images)))
        if name not in images:
            raise ClocheError(
                f"there is no image {name!r} in cloche.images; it has {', '.join(sorted(images))}: name one by --image"
            )
        path = Path(images[name])
    image = read(path)
    documents = load.read_evidence(target, evidence)
    loaded = load.load(image, target, insecure=insecure)
    for descriptor in load.attach(image, loaded, documents):
        click.echo(f"attached {descriptor.artifact_type} as {descriptor.digest}", err=True)
    words = f"sent {', '.join(loaded.sent)}" if loaded.sent else "everything was there"
    click.echo(f"{loaded.where}: {len(image.layers)} layers, {words}", err=True)
    click.echo(image.digest)
