"""The SBOM of a consumer's application, held against what Nix says of the store."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, built, run
from flakes import SYSTEM, add, cloche, write

NAME = "cloche:"


def values(component: dict[str, Any], name: str) -> list[str | None]:
    """Return the values of a component's property."""
    return [entry.get("value") for entry in component.get("properties", []) if entry["name"] == NAME + name]


def sbom(folder: Path, attribute: str = "sbom") -> dict[str, Any]:
    """Build an SBOM of a consumer and return it, in CycloneDX."""
    path = built(cloche("build", "--no-link", "--print-out-paths", f".#{attribute}", cwd=folder))
    found: dict[str, Any] = json.loads(cloche("store", "cat", f"{path}/sbom.cdx.json", cwd=folder).out)
    return found


def commit(folder: Path) -> str:
    """Commit all files, and return the revision."""
    add(folder)
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    assert run("git", *identity, "commit", "-q", "-m", "all", cwd=folder).code == 0
    return run("git", "rev-parse", "HEAD", cwd=folder).out.strip()


def test_the_sbom_lists_the_closure_and_the_revision(consumer: Path) -> None:
    found = sbom(consumer)
    components = {entry["name"]: entry for entry in found["components"]}
    # A tree without a commit has no revision.
    assert values(components["branin"], "revision") == [None]
    closure = cloche("path-info", "--recursive", ".#default", cwd=consumer).out.split()
    everything = [found["metadata"]["component"], *found["components"]]
    listed = [path for entry in everything for path in values(entry, "store-path")]
    assert sorted(listed, key=str) == sorted(closure)
    # The hash of a NAR is what nix-store and sha256sum say that it is.
    (line,) = values(components["branin"], "nar-sha256")
    nar, path = str(line).split("  ")
    dump = subprocess.run(["nix-store", "--dump", path], check=True, capture_output=True).stdout
    assert hashlib.sha256(dump).hexdigest() == nar
    # Each Python package is as the lock has it, and no other is there.
    lock = json.loads((consumer / "cloche.lock").read_text())["environments"][SYSTEM]["3.11"]
    wanted = {
        (name, lock["packages"][name]["version"], lock["packages"][name]["sha256"], lock["packages"][name]["file"])
        for name in lock["groups"]["default"]
    }
    assert wanted == {
        (entry["name"], entry["version"], entry["hashes"][0]["content"], str(values(entry, "file")[0]))
        for entry in found["components"]
        if entry.get("purl", "").startswith("pkg:pypi/")
    }

    revision = commit(consumer)
    (committed,) = (entry for entry in sbom(consumer)["components"] if entry["name"] == "branin")
    assert values(committed, "revision") == [revision]


def test_the_sbom_of_the_build_lists_what_it_started_from(consumer: Path) -> None:
    ended = cloche("build", "--no-link", "-L", f".#checks.{SYSTEM}.sbom.build", cwd=consumer)
    assert ended.code == 0, ended.err
    names = {entry["name"] for entry in sbom(consumer, "sbom.build")["components"]}
    assert {"numpy", "poetry-core", "installer", "pyproject-hooks", "branin-source", "libc6"} <= names
    # What is in the lock, but was not used to build this.
    assert "mypy" not in names


# An SBOM with one word more, which only the schema of its format does not know.
FALSIFIED = """{ config, ... }:
let
  inherit (config.cloche) toolchain;
  inherit (config.packages) sbom;
  falsified = toolchain.runPython {
    name = "falsified";
    inherit sbom;
    script = builtins.toFile "falsify.py" ''
      import json, pathlib
      def main(attributes):
          out = pathlib.Path(attributes["outputs"]["out"])
          out.mkdir()
          for file in pathlib.Path(attributes["sbom"]).iterdir():
              text = json.loads(file.read_text())
              if file.name == "FILE":
                  text["KEY"][0]["not-in-the-schema"] = "x"
              (out / file.name).write_text(json.dumps(text))
    '';
  };
in
{
  cloche.src = ./.;
  cloche.sbom.enable = true;
  packages.falsified = (import "${inputs.cloche}/checks/sbom.nix" { inherit toolchain; }) {
    name = "falsified-check";
    sbom = sbom // falsified;
  };
}
"""


@pytest.mark.parametrize(
    ("file", "key", "words"),
    [
        (
            "sbom.cdx.json",
            "components",
            "sbom.cdx.json: not valid by CycloneDX's schema: Additional properties are not allowed ('not-in-the-schema' was unexpected)",
        ),
        (
            "sbom.spdx.json",
            "packages",
            "sbom.spdx.json: not valid by SPDX's schema: $.packages[0]: Additional properties are not allowed ('not-in-the-schema' was unexpected)",
        ),
    ],
)
def test_the_check_fails_for_a_document_that_only_the_schema_refuses(
    consumer: Path, file: str, key: str, words: str
) -> None:
    text = FALSIFIED.replace("${inputs.cloche}", str(ROOT)).replace("FILE", file).replace("KEY", key)
    write(consumer, {"cloche.nix": text})
    ended = cloche("build", "--no-link", "-L", "--impure", ".#falsified", cwd=consumer)
    assert ended.code == 1
    told = [
        line.partition("> ")[2].strip()
        for line in ended.err.splitlines()
        if "not valid by" in line or "sound SBOM" in line
    ]
    assert told[0].endswith("is not a sound SBOM:")
    # That and nothing else.
    assert told[1:2] == [words]
    faults = [line for line in ended.err.splitlines() if "> " in line and line.partition("> ")[2].startswith("  sbom.")]
    assert len(faults) == 1


def test_executables_that_were_patched_are_told(consumer: Path) -> None:
    write(
        consumer,
        {
            "cloche.nix": """{ config, ... }:
{
  cloche.src = ./.;
  cloche.python.groups = [ "lint" ];
  packages.sbom-of-env = config.cloche.sbom.of {
    kind = "environment";
    roots = [ config.packages.env ];
  };
}
"""
        },
    )
    components = {entry["name"]: entry for entry in sbom(consumer, "sbom-of-env")["components"]}
    assert values(components["ruff"], "patched-executable") == ["bin/ruff"]
    assert [name for name, entry in components.items() if values(entry, "patched-executable")] == ["ruff"]


UNKNOWN = """{ config, ... }:
let
  inherit (config.cloche) toolchain build;
  tool = toolchain.runBash {
    name = "tool-1.0";
    script = "mkdir -p $out/bin; printf '#!%s\\n' $base/bin/bash > $out/bin/tool; chmod +x $out/bin/tool";
  };
in
{
  cloche.src = ./.;
  cloche.sbom.enable = true;
  packages.default = toolchain.runBash {
    name = "with-tool";
    inherit tool;
    inherit (build) application;
    script = "mkdir -p $out/bin; ln -s $application/bin/* $tool/bin/* $out/bin/";
  };
  cloche.sbom.components = [ COMPONENTS ];
}
"""


def test_a_path_of_which_nothing_is_known_is_an_error_until_it_is_declared(consumer: Path) -> None:
    application = '{ path = build.application; name = "links"; version = "1"; } { path = build.application.environment; name = "more-links"; version = "1"; }'
    write(consumer, {"cloche.nix": UNKNOWN.replace("COMPONENTS", application)})
    ended = cloche("build", "--no-link", ".#sbom", cwd=consumer)
    assert ended.code == 1
    assert (
        "the closure has store paths of which no published package is known, so the SBOM would not be complete:"
        in ended.err
    )
    assert "-tool-1.0\n" in ended.err
    assert "-with-tool\n" in ended.err
    assert "or say what they are by the option cloche.sbom.components." in ended.err
    tool = '{ path = tool; name = "tool"; version = "1.0"; purl = "pkg:generic/tool@1.0"; license = "MIT"; }'
    write(consumer, {"cloche.nix": UNKNOWN.replace("COMPONENTS", f"{application} {tool}")})
    (found,) = (entry for entry in sbom(consumer)["components"] if entry["name"] == "tool")
    assert found["purl"] == "pkg:generic/tool@1.0"
    ended = cloche("build", "--no-link", f".#checks.{SYSTEM}.sbom", cwd=consumer)
    assert ended.code == 0, ended.err


def test_without_the_option_there_is_no_output(consumer: Path) -> None:
    write(consumer, {"cloche.nix": "{ cloche.src = ./.; }\n"})
    for kind, name in (("packages", "sbom"), ("checks", "sbom"), ("checks", "audit"), ("apps", "audit")):
        ended = cloche("eval", f".#{kind}.{SYSTEM}", "--apply", f'outputs: outputs ? "{name}"', cwd=consumer)
        assert ended.out == "false\n", (kind, name, ended.err)
