"""Render the reference of all options as one Markdown page; standard library only.

Runs inside a derivation (pkgs/docs.nix). Its input is what `lib.optionsToDoc` says about the module files: default and
example are Markdown already, and a file is named by its folder and name.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RENEW = "ci/nix run .#docs"
HEAD = f"""\
# Options

Generated from the module files by `{RENEW}`; do not edit. An option is set in the flake module that
`mkFlake` is given (`cloche.nix` in the [tutorial](tutorial.md)), or under `perSystem` with flake-parts.
`<name>` stands for a name that you choose.
"""
TAIL = """
## Outputs of a bare flake

These take what no option of Cloche makes: `packages.report = ...` in the module becomes `packages.<system>.report` of
the flake. Under flake-parts the options of the same names are flake-parts' own.
"""
OPTION_PREFIX = "cloche."


def page(options: Sequence[Mapping[str, Any]]) -> str:
    """Return the whole page, with one newline at its end; options that are not visible are left out."""
    visible = [option for option in options if option["visible"]]
    own = [option for option in visible if option["name"].startswith(OPTION_PREFIX)]
    outputs = [option for option in visible if not option["name"].startswith(OPTION_PREFIX)]
    names = "\n".join(f"- [`{option['name']}`](#{anchor(option['name'])})" for option in own)
    parts = [HEAD, names, "", *map(section, own), TAIL, *map(line, outputs)]
    return "\n".join(parts).rstrip("\n") + "\n"


def anchor(heading: str) -> str:
    """Return the fragment that GitHub and GitLab give a heading: lower case, words joined by hyphens, no other marks."""
    kept = (letter for letter in heading.lower() if letter.isalnum() or letter in "-_ ")
    return "".join(kept).replace(" ", "-")


def section(option: Mapping[str, Any]) -> str:
    """Return the part of the page about one option."""
    lines = [f"## `{option['name']}`", "", option["description"], ""]
    facts = {
        "Type": option["type"],
        "Default": option["default"] or "none: it must be set",
        "Example": option["example"],
    }
    for what, value in facts.items():
        if value is None:
            continue
        lines += [f"- {what}:", "", indented(value), ""] if "\n" in value else [f"- {what}: {value}"]
    lines.append(f"- Declared in: {', '.join(f'`{file}`' for file in option['declarations'])}")
    return "\n".join(lines) + "\n"


def line(option: Mapping[str, Any]) -> str:
    """Return one item of a list: the option's name and what it is for."""
    return f"- `{option['name']}`: {option['description']}"


def indented(text: str) -> str:
    """Return the text as part of a list's item."""
    return "\n".join(f"  {each}".rstrip() for each in text.splitlines())


def main(attributes: dict[str, Any]) -> None:
    """Write the page about attributes["options"] to options.md in attributes["outputs"]["out"]."""
    out = Path(attributes["outputs"]["out"])
    out.mkdir()
    (out / "options.md").write_text(page(attributes["options"]), encoding="utf-8")
