"""Check that what the documents name exists: links, headings, files, commands, options; standard library only.

Run inside a derivation over the repository's documents and the names of its files and outputs (checks/own/docs.nix).
A word in capitals (`.#NAME`, `lib/X.nix`) stands for something that the reader fills in, and is not looked for.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

RENEW = "ci/nix run .#docs"
OPTIONS_PAGE = "docs/options.md"
# Where `nix VERB .#NAME` looks, in the order of the Nix manual ("Flake output attributes").
KINDS = {
    "run": ("apps", "packages", "legacyPackages"),
    "build": ("packages", "legacyPackages"),
    "shell": ("packages", "legacyPackages"),
    "develop": ("devShells", "packages"),
}
# Where a capability is, by its name.
LAYERS = {
    "options": ("nix/{}", "nix/{}.nix", "nix/project/{}.nix"),
    "derivations": ("pkgs/{}", "pkgs/{}.nix"),
    "check": ("checks/{}.nix",),
    "library": ("python/src/cloche/{}",),
    "guide": ("docs/{}.md",),
}
# (capability, layer) -> its other name there, and why: a Python package `tests` would be taken for one; statements are
# signed and verified too; the guide is called as the verb is.
ELSEWHERE = {("tests", "library"): "suite", ("provenance", "library"): "attest", ("selection", "guide"): "select-tests"}
TABLE_PAGE = "CONTRIBUTING.md"
FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.*)$", re.MULTILINE)
COMMAND = re.compile(r"\bnix (run|build|shell|develop)\b[^\n`#]*#([\w.<>-]+)")
SCRIPT = re.compile(r"(?<![\w./-])(ci/[\w.-]*\w)")
PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)+/?")
OPTION = re.compile(r"cloche((?:\.(?:\w+|<name>))+)")
PLACEHOLDER = re.compile(r"(?<![A-Za-z])[A-Z]+(?![a-z])")


@dataclass(frozen=True, kw_only=True)
class Repository:
    """What documents may name: files below the root, outputs by kind, options without the word "cloche." in front."""

    files: frozenset[str]
    outputs: Mapping[str, frozenset[str]]
    options: frozenset[str]

    @property
    def top(self) -> set[str]:
        """The folders at the root."""
        return {file.partition("/")[0] for file in self.files if "/" in file}

    def has(self, path: str) -> bool:
        """Return whether a path (with `*` for any part of a name) is that of a file or folder."""
        path = path.rstrip("/")
        depth = path.count("/") + 1
        return any(fnmatchcase("/".join(file.split("/")[:depth]), path) for file in self.files)


def without_code(text: str) -> str:
    """Return a document with its code blanked, so that its links and headings are left."""
    return SPAN.sub(lambda match: match[0].replace("[", "(").replace("]", ")"), FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """Return the fragments of a document's headings, as GitHub and GitLab make them."""
    found = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        kept = (letter for letter in heading.lower() if letter.isalnum() or letter in "-_ ")
        found.add("".join(kept).strip().replace(" ", "-"))
    return found


def bad_links(name: str, documents: Mapping[str, str], repository: Repository) -> list[str]:
    """Return a line for each relative link of a document to a file or heading that is not there."""
    found = []
    for link in LINK.findall(without_code(documents[name])):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, fragment = link.partition("#")
        target = normpath(join(dirname(name), path)) if path else name
        if target != "." and not repository.has(target):
            found.append(f"{name}: the link {link} leads to no file of the repository")
        elif fragment and fragment not in anchors(documents.get(target, "")):
            found.append(f"{name}: the link {link} leads to no heading of {target}")
    return found


def bad_commands(name: str, text: str, repository: Repository) -> list[str]:
    """Return a line for each command of a document that no output or file of the repository answers."""
    found = []
    for verb, attribute in COMMAND.findall(text):
        parts = attribute.rstrip(".").split(".")
        if PLACEHOLDER.fullmatch(parts[-1]):
            continue
        # In full: KIND.SYSTEM.NAME
        kinds: Iterable[str] = KINDS[verb]
        output = parts[0]
        if parts[0] in repository.outputs and len(parts) > 2:  # noqa: PLR2004 - kind, system, name
            kinds, output = [parts[0]], parts[2]
        if not any(output in repository.outputs.get(kind, ()) for kind in kinds):
            found.append(f"{name}: `nix {verb} .#{attribute}` names no output of the flake")
    found += [
        f"{name}: {script} is no file of the repository"
        for script in sorted(set(SCRIPT.findall(text)))
        if not repository.has(script) and not PLACEHOLDER.search(script)
    ]
    return found


def bad_names(name: str, text: str, repository: Repository) -> list[str]:
    """Return a line for each path or option in a document's inline code that is not there."""
    found = []
    groups = {option.partition(".")[0] for option in repository.options}
    for span in SPAN.findall(FENCE.sub("", text)):
        match = OPTION.match(span)
        if match and match[1].split(".")[1] in groups and not _is_option(match[1][1:], repository):
            found.append(f"{name}: `cloche{match[1]}` is no option")
        # Scripts are looked for in code blocks too, by bad_commands.
        if not PATH.fullmatch(span) or PLACEHOLDER.search(span) or SCRIPT.fullmatch(span):
            continue
        if span.partition("/")[0] in repository.top and not repository.has(span):
            found.append(f"{name}: `{span}` is no file of the repository")
    return found


def _is_option(path: str, repository: Repository) -> bool:
    """Return whether a path names an option, a set of options, or a place inside an option's value."""
    wanted = path.split(".")
    for option in repository.options:
        parts = option.split(".")
        pairs = zip(wanted, parts, strict=False)
        if all(part in ("<name>", word) for word, part in pairs) and (
            len(wanted) <= len(parts) or _is_open(option, repository)
        ):
            return True
    return False


def _is_open(option: str, repository: Repository) -> bool:
    """Return whether nothing is declared inside an option, so that a longer path may lie in its value."""
    return not any(other.startswith(f"{option}.") for other in repository.options)


def problems(documents: Mapping[str, str], repository: Repository) -> list[str]:
    """Return what is wrong in the documents (path -> text), one line each, sorted by document."""
    found = []
    for name, text in sorted(documents.items()):
        found += bad_links(name, documents, repository)
        found += bad_commands(name, text, repository)
        found += bad_names(name, text, repository)
    return found


def capabilities(repository: Repository) -> str:
    """Return the table of capabilities: what has a guide and a place in at least one layer, and where it is in each."""
    guides = {path.removeprefix("docs/").removesuffix(".md") for path in repository.files if path.startswith("docs/")}
    names = {name for name in guides if name not in ELSEWHERE.values()} | {name for name, _ in ELSEWHERE}
    rows = []
    for name in sorted(names):
        cells = []
        for layer, patterns in LAYERS.items():
            here = ELSEWHERE.get((name, layer), name)
            cells.append(next((path for one in patterns if repository.has(path := one.format(here))), ""))
        if cells[-1] and any(cells[:-1]):
            rows.append([name, *(f"`{cell}`" if cell else "" for cell in cells)])
    head = ["capability", *LAYERS]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def options_of(page: str) -> frozenset[str]:
    """Return the options that the reference page has, without the word "cloche." in front."""
    return frozenset(re.findall(r"^## `cloche\.(.*)`$", page, re.MULTILINE))


def main(attributes: dict[str, Any]) -> None:
    """Judge attributes["documents"] against the names of files and outputs and against the generated reference."""
    root = Path(attributes["documents"])
    documents = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.md"))}
    page = Path(attributes["reference"], "options.md").read_text(encoding="utf-8")
    repository = Repository(
        files=frozenset(attributes["files"]),
        outputs={kind: frozenset(names) for kind, names in attributes["flake"].items()},
        options=options_of(page),
    )
    found = problems(documents, repository)
    if documents.get(OPTIONS_PAGE) != page:
        found.append(f"{OPTIONS_PAGE} is not what the options say; renew it with '{RENEW}' and commit it")
    if capabilities(repository) not in documents.get(TABLE_PAGE, ""):
        found.append(f"{TABLE_PAGE} has another table of capabilities; renew it with 'python ci/house/check_docs.py'")
    if found:
        sys.exit("\n".join(found))
    if not documents or not repository.options:
        sys.exit("there is no document or no option, so nothing was checked")
    Path(attributes["outputs"]["out"]).write_text(f"{len(documents)} documents, {len(repository.options)} options\n")


if __name__ == "__main__":
    listed = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.split()
    table = capabilities(Repository(files=frozenset(listed), outputs={}, options=frozenset()))
    text = Path(TABLE_PAGE).read_text(encoding="utf-8")
    former = re.compile(r"^\| capability \|.*?\n(?=\n)", re.MULTILINE | re.DOTALL)
    Path(TABLE_PAGE).write_text(former.sub(lambda _: table, text, count=1), encoding="utf-8")
