"""Measure evaluation, building, substitution and start-up of an environment, beside uv and pip on the same machine.

Everything is made in one temporary folder (stores, caches, virtual environments) and removed at the end. Each figure
is the median of several runs; a figure and what it is compared with take turns, so that both see the same machine.
uv is the one of Cloche's own lock, pip the toolchain's, and all run on the toolchain's Python: no network is needed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# The group of python/cloche.lock that is measured.
GROUP = "bench"
# ext4 avoids inodes that were freed less than five seconds ago, and searching for others slows what is measured next.
SETTLE = 6
CONSUMER = """{
  inputs.cloche.url = "git+file://%s";
  outputs = { self, cloche }: cloche.lib.mkFlake { inherit self; } ./cloche.nix;
}
"""
CONFIGURATION = """{ config, self, ... }:
let
  inherit (config.cloche) build toolchain;
in
{
  cloche.src = ./.;
  cloche.provenance = {
    enable = true;
    attributes = [ "dependencies" ];
  };
  packages = {
    # What uv and pip install: the lock's packages, without the project.
    dependencies = build.environment {
      name = "dependencies";
      packages = build.selection.names "default";
    };
    uv = build.set.packages.uv;
    sbom = config.cloche.sbom.of {
      name = "dependencies";
      kind = "environment";
      roots = [ config.packages.dependencies ];
      wheel = null;
    };
  };
  legacyPackages.facts = {
    python = toolchain.python.interpreter;
    inherit (toolchain) base pip;
    cloche = self.inputs.cloche.outPath;
    sources = builtins.listToAttrs (
      map (name: {
        inherit name;
        value = build.set.source name build.selection.packages.${name};
      }) (build.selection.names "default")
    );
  };
}
"""
# What no way of building can save: each file read, hashed and written once, each module compiled, in one process per
# core and without a derivation.
FLOOR = """
import gc, hashlib, marshal, multiprocessing, os, sys, warnings, zipfile

def unpack(wheel):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            data, target = archive.read(name), os.path.join(sys.argv[1], name)
            hashlib.sha256(data).digest()
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if name.endswith('/'):
                continue
            with open(target, 'wb') as file:
                file.write(data)
            if name.endswith('.py') and 'tests' not in name.split('/'):
                try:
                    code = marshal.dumps(compile(data, target, 'exec', dont_inherit=True))
                except SyntaxError:
                    continue
                with open(target + 'c', 'wb') as file:
                    file.write(code)

gc.disable()
warnings.simplefilter('ignore')
with multiprocessing.Pool(len(os.sched_getaffinity(0))) as pool:
    pool.map(unpack, sorted(sys.argv[2:], key=os.path.getsize, reverse=True), chunksize=1)
"""
PYPROJECT = """[project]
name = "bench"
version = "1"
requires-python = ">=3.11"

[build-system]
requires = ["poetry-core>=2.0"]
build-backend = "poetry.core.masonry.api"
"""


@dataclass(frozen=True)
class Spent:
    """What one run took, in seconds; `cpu` is user and system time of the command and all that it waited for."""

    wall: float
    cpu: float


@dataclass
class Figure:
    """One line of the table. Without `other`, the target is in seconds, else it is a ratio of medians.

    A figure whose target is None explains another one.
    """

    name: str
    what: str
    target: float | None
    ours: list[Spent] = field(default_factory=list)
    other: list[Spent] = field(default_factory=list)
    other_what: str = ""

    def median(self, kind: str, *, other: bool = False) -> float:
        """Return the median of all runs in seconds; `kind` is wall or cpu."""
        return statistics.median(float(getattr(spent, kind)) for spent in (self.other if other else self.ours))

    def value(self, kind: str = "wall") -> float:
        """Return what is compared with the target: seconds, or the ratio."""
        ours = self.median(kind)
        return ours / self.median(kind, other=True) if self.other else ours


class Bench:
    """The temporary folder and what the figures share; each part is made when the first figure asks for it."""

    def __init__(self, work: Path, memory: Path, runs: int) -> None:
        # Evaluation is measured in a store in memory: in a folder on a disk, making 170 small files takes longer.
        self.work, self.memory, self.runs = work, memory, runs
        # uv and pip are to install the files that they are given, whatever the user has configured.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "PYTHON"))}
        self.environment = {
            **kept,
            "XDG_CACHE_HOME": str(work / "cache"),
            "UV_CACHE_DIR": str(work / "uv-cache"),
            "UV_NO_CONFIG": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(self, *command: str | Path, cwd: Path | None = None, **variables: str) -> str:
        """Run a command to its end and return its output; end the benchmark with its words if it fails."""
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd or self.work, env=self.environment | variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )
        if done.returncode != 0:
            shown = " ".join(str(word) for word in command)[:300]
            sys.exit(f"ci/bench: a command of the measurement failed: {shown}\n{done.stderr[-3000:]}")
        return done.stdout

    def spend(self, *command: str | Path, cwd: Path | None = None, **variables: str) -> Spent:
        """Run a command as `run` does and return what it took."""
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        self.run(*command, cwd=cwd, **variables)
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        return Spent(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    @cached_property
    def checkout(self) -> Path:
        """Return a clean git checkout with the files that git knows here, uncommitted edits included."""
        target = self.work / "checkout"
        for name in self.run("git", "ls-files", "-z", cwd=ROOT).split("\0"):
            if name and (ROOT / name).is_file():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target / name)
        for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=bench", "-c", "user.email=bench", "commit", "-qm", "bench"]):
            self.run("git", *words, cwd=target)
        return target

    @cached_property
    def lock(self) -> dict[str, Any]:
        """Return Cloche's own lock as the lock of a project whose dependencies are the group GROUP."""
        lock: dict[str, Any] = json.loads((ROOT / "python/cloche.lock").read_text())
        project = tomllib.loads(PYPROJECT)
        del project["project"]["version"] # no part of what the lock depends on
        canonical = json.dumps(project, sort_keys=True, separators=(",", ":"))
        for pythons in lock["environments"].values():
            for locked in pythons.values():
                locked["groups"] = {"default": locked["groups"][GROUP], "tools": ["uv"]}
                locked["builds"]["bench"] = locked["builds"].pop("cloche")
        made_from = {"pyproject.toml": hashlib.sha256(canonical.encode()).hexdigest()}
        lock.update({"project": "bench", "made-from": made_from})
        return lock

    @cached_property
    def flake(self) -> str:
        """Return the reference of a flake that imports the checkout, as a user's project does."""
        folder = self.work / "project"
        folder.mkdir()
        (folder / "flake.nix").write_text(CONSUMER % self.checkout)
        (folder / "cloche.nix").write_text(CONFIGURATION)
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "cloche.lock").write_text(json.dumps(self.lock, sort_keys=True, indent=1))
        self.run("nix", "flake", "lock", f"path:{folder}")
        return f"path:{folder}"

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Return the store paths that the flake tells: python, base, pip, cloche, packages, sources, script files."""
        facts: dict[str, Any] = json.loads(self.run("nix", "eval", "--json", f"{self.flake}#facts"))
        everything = json.loads(self.run("nix", "derivation", "show", "-r", f"{self.flake}#dependencies"))
        facts["inputs"] = sorted({path for drv in everything.values() for path in drv["inputSrcs"]})
        facts["builders"] = sorted(
            f"{path}^*" for path, drv in everything.items() if drv["name"] in ("wheel-unpacker", "cloche-base") or "hash" in drv["outputs"]["out"]
        )
        facts["packages"] = len(facts["sources"])
        return facts

    @cached_property
    def sources(self) -> list[str]:
        """Return the base, the builders' tools and the wheels, which are in the store before anything is measured."""
        return self.run("nix", "build", "--no-link", "--print-out-paths", *self.facts["builders"]).split()

    def store(self, name: str, paths: list[str], *, below: Path | None = None) -> Path:
        """Return a store in the temporary folder that holds these paths and what they need."""
        folder = (below or self.work) / name
        self.run("nix", "copy", "--no-check-sigs", "--to", folder, *paths)
        return folder

    def fresh(self, template: Path) -> Path:
        """Return a new copy of a store; its files are hard links, since nothing writes to files of a store."""
        folder = template.parent / "fresh"
        remove(folder)
        shutil.copytree(template / "nix/store", folder / "nix/store", symlinks=True, copy_function=os.link)
        shutil.copytree(template / "nix/var", folder / "nix/var", symlinks=True)
        return folder

    @cached_property
    def environment_path(self) -> str:
        """Return the environment, built in the user's store."""
        return self.run("nix", "build", "--no-link", "--print-out-paths", f"{self.flake}#dependencies").strip()

    @cached_property
    def files(self) -> list[Path]:
        """Return the wheels under their own names."""
        folder = self.work / "wheels"
        folder.mkdir()
        _ = self.sources
        system, python = f"{os.uname().machine}-linux", ".".join(map(str, sys.version_info[:2]))
        packages = self.lock["environments"][system][python]["packages"]
        for name, source in self.facts["sources"].items():
            (folder / packages[name]["file"]).symlink_to(source)
        return sorted(folder.iterdir())

    def virtual_environment(self) -> Path:
        """Return a new empty virtual environment on the toolchain's Python."""
        folder = self.work / "venv"
        remove(folder)
        self.run(self.facts["python"], "-I", "-m", "venv", "--without-pip", folder)
        return folder / "bin/python"

    @cached_property
    def uv(self) -> Path:
        """Return uv of Cloche's lock."""
        return Path(self.run("nix", "build", "--no-link", "--print-out-paths", f"{self.flake}#uv").strip(), "bin/uv")

    def uv_sync(self) -> Spent:
        """Install the lock with uv, byte code included, into an empty virtual environment."""
        requirements = self.work / "requirements.txt"
        requirements.write_text("".join(f"{file}\n" for file in self.files))
        python = self.virtual_environment()
        return self.spend(
            self.uv, "pip", "sync", "--offline", "--no-index", "--compile-bytecode", "--python", python, requirements
        )


def remove(folder: Path) -> None:
    """Remove a folder that may hold a store, whose folders are read-only."""
    if folder.exists():
        for path, _, _ in os.walk(folder):
            Path(path).chmod(0o755)
        shutil.rmtree(folder)


def settle(*folders: Path) -> None:
    """Remove folders between runs and wait until the file system has forgotten them."""
    for folder in folders:
        remove(folder)
    time.sleep(SETTLE)


def evaluation(bench: Bench) -> list[Figure]:
    """Evaluate a project's `env.drvPath` with no evaluation cache: where no .drv exists yet, and where all do."""
    command = ["nix", "eval", "--raw", "--option", "eval-cache", "false", f"{bench.flake}#env.drvPath"]
    fresh = Figure("evaluation-fresh", "evaluate env.drvPath in a fresh store, in memory", 0.10)
    again = Figure("evaluation", "evaluate env.drvPath, .drv files exist, in memory", 0.06)
    disk = Figure("evaluation-disk", "evaluate env.drvPath in a fresh store, on the disk", None)
    bench.run(*command)
    for folder, figures in ((bench.memory, [fresh, again]), (bench.work, [disk])):
        template = bench.store("evaluation", [bench.facts["cloche"]], below=folder)
        for _ in range(bench.runs):
            store = bench.fresh(template)
            if folder == bench.work:
                settle()
            for figure in figures:
                figure.ours.append(bench.spend(*command, "--store", store))
    return [fresh, again, disk]


def no_op(bench: Bench) -> list[Figure]:
    """Build what is built, through ci/nix."""
    figure = Figure("no-op", "ci/nix build of what is built", 0.15)
    command: list[str | Path] = [bench.checkout / "ci/nix", "build", "--no-link"]
    # The marks that ci/nix leaves are this checkout's, so they are kept in the temporary folder.
    variables = {"CLOCHE_CACHE": str(bench.work / "cloche-cache")}
    bench.run(*command, cwd=bench.checkout, **variables)
    figure.ours = [bench.spend(*command, cwd=bench.checkout, **variables) for _ in range(bench.runs)]
    return [figure]


def build(bench: Bench) -> list[Figure]:
    """Build the environment from sources in the store, evaluation included, beside uv with a warm cache."""
    figure = Figure("build", "build the environment (no byte code of packages' own tests), sources in the store", 0.8, other_what="uv pip sync --compile-bytecode")
    floor = Figure("build-floor", "the same files unpacked, hashed and compiled without derivations", None, other_what="uv pip sync --compile-bytecode")
    template = bench.store("sources", [*bench.sources, *bench.facts["inputs"], bench.facts["cloche"]])
    bench.uv_sync() # fills its cache
    for _ in range(bench.runs):
        store = bench.fresh(template)
        settle(bench.work / "venv")
        figure.ours.append(bench.spend("nix", "build", "--no-link", "--store", store, f"{bench.flake}#dependencies"))
        settle(store)
        figure.other.append(bench.uv_sync())
        settle(bench.work / "floor")
        floor.ours.append(bench.spend(bench.facts["python"], "-I", "-c", FLOOR, bench.work / "floor", *bench.files))
    floor.other = figure.other
    return [figure, floor]


def substitution(bench: Bench) -> list[Figure]:
    """Bring the environment from a binary cache in a folder (zstd), beside pip from a folder of wheels."""
    figure = Figure("substitution", "substitute the environment, file:// cache, zstd", 0.1, other_what="pip install")
    cache = f"file://{bench.work}/binary-cache"
    bench.run("nix", "copy", "--to", f"{cache}?compression=zstd&parallel-compression=true", bench.environment_path)
    template = bench.store("base", [bench.facts["base"]])
    for _ in range(bench.runs):
        store = bench.fresh(template)
        settle(bench.work / "venv")
        figure.ours.append(bench.spend("nix", "copy", "--no-check-sigs", "--from", cache, "--to", store, bench.environment_path))
        settle(store)
        python = bench.virtual_environment()
        install: list[str | Path] = [python, "-m", "pip", "install", "--no-index", "--no-deps", *bench.files]
        figure.other.append(bench.spend(*install, PYTHONPATH=bench.facts["pip"]))
    return [figure]


def imports(bench: Bench) -> list[Figure]:
    """Start Python and import the numerical packages, beside a virtual environment made by uv."""
    figure = Figure("import", "import numpy, scipy, sklearn", 1.05, other_what="uv virtual environment")
    bench.uv_sync()
    words = ["-c", "import numpy, scipy, sklearn"]
    pythons = [Path(bench.environment_path, "bin/python"), bench.work / "venv/bin/python"]
    for python in pythons:
        bench.run(python, *words)
    for _ in range(bench.runs):
        figure.ours.append(bench.spend(pythons[0], *words))
        figure.other.append(bench.spend(pythons[1], *words))
    return [figure]


def provenance(bench: Bench) -> list[Figure]:
    """Make the provenance of the environment again, by a derivation: start of the sandbox and closure included."""
    figure = Figure("provenance", "make the provenance of the environment", 1.0)
    bench.run("nix", "build", "--no-link", f"{bench.flake}#provenance")
    derivation = bench.run("nix", "eval", "--raw", f"{bench.flake}#provenance.drvPath")
    for _ in range(bench.runs):
        figure.ours.append(bench.spend("nix-store", "--realise", "--check", derivation))
    return [figure]


def sbom(bench: Bench) -> list[Figure]:
    """Write the SBOM of the environment again: the builder and its sandbox, without evaluation."""
    figure = Figure("sbom", "write the environment's SBOM (nix-store --realise --check)", 1.0)
    bench.run("nix", "build", "--no-link", f"{bench.flake}#sbom")
    derivation = bench.run("nix", "eval", "--raw", f"{bench.flake}#sbom.drvPath").strip()
    figure.ours = [bench.spend("nix-store", "--realise", "--check", derivation) for _ in range(bench.runs)]
    return [figure]


def verify(bench: Bench) -> list[Figure]:
    """Verify an image: 10 layers of 8 MiB, 3 signed statements, an SBOM of 60 components that is compared with a file."""
    figure = Figure("verify", "verify an image of 10 layers, 3 statements, an SBOM of 60 components", 1.5)
    place = bench.work / "verify"
    blobs = place / "image/blobs/sha256"
    blobs.mkdir(parents=True)
    (place / "image/oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def put(data: bytes, kind: str) -> dict[str, Any]:
        sha256 = hashlib.sha256(data).hexdigest()
        (blobs / sha256).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}+json", "digest": f"sha256:{sha256}", "size": len(data)}

    layers = [put(bytes([number]) * (8 << 20), "layer.v1.tar") for number in range(10)]
    manifest = {"schemaVersion": 2, "config": put(b"{}", "config.v1"), "layers": layers}
    digest = put(json.dumps(manifest).encode(), "manifest.v1")["digest"]
    licences = [{"expression": "MIT"}]
    components = [{"type": "library", "name": f"p{n}", "version": "1", "purl": f"pkg:pypi/p{n}@1", "licenses": licences} for n in range(60)]
    sbom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}
    (place / "sbom.cdx.json").write_text(json.dumps(sbom, sort_keys=True, indent=1))
    subject = {"name": "image", "digest": {"sha256": digest.removeprefix("sha256:")}}
    figure.ours = judge(bench, place, subject, sbom, [], "--sbom", "sbom.cdx.json", f"oci:image@{digest}")
    return [figure, verify_closure(bench)]


def verify_closure(bench: Bench) -> Figure:
    """Verify the environment of 60 packages with its own SBOM: each store path that it needs is read and compared."""
    place = bench.work / "verify-closure"
    place.mkdir()
    environment = bench.environment_path
    made = Path(bench.run("nix", "build", "--no-link", "--print-out-paths", f"{bench.flake}#provenance").strip(), "dependencies")
    sbom = Path(bench.run("nix", "build", "--no-link", "--print-out-paths", f"{bench.flake}#sbom").strip(), "sbom.cdx.json")
    stated = json.loads((made / "provenance.json").read_text())
    byproducts = stated["predicate"]["runDetails"]["byproducts"]
    size = sum(file.lstat().st_size for each in byproducts for file in Path(environment).parent.joinpath(each["name"]).rglob("*"))
    what = f"verify a store path, its closure of {len(byproducts)} paths ({size // 10**6} MB) compared, 3 statements, its SBOM"
    figure = Figure("verify-closure", what, 1.5)
    figure.ours = judge(bench, place, stated["subject"][0], json.loads(sbom.read_text()), byproducts, environment)
    return figure


def judge(bench: Bench, place: Path, subject: dict[str, Any], sbom: dict[str, Any], byproducts: list[Any], *words: str) -> list[Spent]:
    """Sign three statements about a subject and a policy for them, and return what `verify WORDS` takes."""
    revision, builder = "0" * 40, "https://cloche.example/builders/unattested-local/v1"
    definition = {
        "buildType": "https://cloche.example/build-types/nix-flake/v1",
        "externalParameters": {"attribute": "demo", "flake": "git+https://example.org/demo", "revision": revision},
        "resolvedDependencies": [{"digest": {"gitCommit": revision}, "annotations": {"kind": "source"}}],
    }
    predicates = {
        "https://slsa.dev/provenance/v1": {"buildDefinition": definition, "runDetails": {"builder": {"id": builder}, "byproducts": byproducts}},
        "https://in-toto.io/attestation/test-result/v0.1": {"result": "PASSED", "passedTests": ["a"], "failedTests": []},
        "https://cyclonedx.org/bom": sbom,
    }
    (place / "statements").mkdir()
    for number, (kind, predicate) in enumerate(predicates.items()):
        statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [subject], "predicateType": kind, "predicate": predicate}
        (place / f"statements/{number}.json").write_text(json.dumps(statement))
    (place / "policy.toml").write_text(
        'version = 1\n[[signer]]\nname = "it"\nkey-file = "key.pub"\n[statements]\nrequired = ["provenance", "test-result", "sbom"]\n'
        f'[[builder]]\nid = "{builder}"\nsigners = ["it"]\nlevel = 1\n[provenance]\nbuild-type = "{definition["buildType"]}"\n'
        'source = "git+https://example.org/demo"\nattributes = ["demo"]\n'
    )
    bench.run("openssl", "genpkey", "-algorithm", "ed25519", "-out", "key.pem", cwd=place)
    bench.run("openssl", "pkey", "-in", "key.pem", "-pubout", "-out", "key.pub", cwd=place)
    (place / "key.pem").chmod(0o600)
    bench.run("nix", "run", f"{bench.flake}#cloche", "--", "sign", "--key", "key.pem", "--output", "signed", "statements", cwd=place)
    program = bench.run("nix", "eval", "--raw", f"{bench.flake}#apps.{os.uname().machine}-linux.cloche.program")
    command = [program, "verify", "--policy", "policy.toml", "--bundle", "signed", *words]
    bench.run(*command, cwd=place)
    return [bench.spend(*command, cwd=place) for _ in range(bench.runs)]


def image(bench: Bench) -> list[Figure]:
    """Change a line of the example and load its image into a folder, beside buildah copying the same files; then change nothing."""
    saved = Figure("image", "change one line of the example; its image is loaded into an OCI folder", 1.8)
    beside = Figure("image-buildah", "the same", 1.0, other_what="buildah copying the same files into such a folder")
    again = Figure("image-no-op", "build an image that has not changed", 0.15)
    example, folder, tree = bench.checkout / "examples/branin", bench.work / "images", bench.work / "tree"
    changed = example / "src/branin/__init__.py"
    nix, cache = bench.checkout / "ci/nix", {"CLOCHE_CACHE": str(bench.work / "cloche-cache")}
    load: list[str | Path] = [nix, "run", f"{example}#load-image", "--", f"oci:{folder}"]
    bench.run(*load, **cache)
    application = bench.run(nix, "build", "--no-link", "--print-out-paths", f"{example}#default", **cache).strip()
    (tree / "nix/store").mkdir(parents=True)
    bench.run("cp", "-a", *bench.run("nix-store", "--query", "--requisites", application).split(), tree / "nix/store")
    bench.run(ROOT / "pkgs/fetch/fetch.sh", "--tools-only", "--role", "oci")
    toolchain = f'(import {bench.checkout}/pkgs/toolchain {{ system = "{os.uname().machine}-linux"; }})'
    tools = bench.run("nix", "build", "--no-link", "--print-out-paths", "--impure", "--expr", f"{toolchain}.roles.oci").strip()
    (bench.work / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    buildah = [f"{tools}/bin/buildah", "--root", f"{bench.work}/containers", "--runroot", f"{bench.work}/run", "--storage-driver", "vfs"]
    copy = f'set -e; c=$("$@" from scratch); "$@" copy -q $c {tree} / >/dev/null; "$@" commit -q --disable-compression --signature-policy {bench.work}/policy.json $c oci:{bench.work}/buildah >/dev/null; "$@" rm $c >/dev/null'
    for number in range(bench.runs):
        with changed.open("a") as file:
            # What no earlier run has built: the folder's name is random.
            file.write(f"# {bench.work.name} {number}\n")
        saved.ours.append(bench.spend(*load, **cache))
        beside.other.append(bench.spend("sh", "-c", copy, "sh", *buildah))
        again.ours.append(bench.spend(nix, "build", "--no-link", f"{example}#image", **cache))
    beside.ours = saved.ours
    return [saved, beside, again]


GROUPS: dict[str, Callable[[Bench], list[Figure]]] = {
    "evaluation": evaluation,
    "no-op": no_op,
    "build": build,
    "substitution": substitution,
    "import": imports,
    "provenance": provenance,
    "sbom": sbom,
    "verify": verify,
    "image": image,
}


def line(figure: Figure) -> str:
    """Return a figure as a line of the table."""
    seconds = f"{figure.median('wall'):9.3f} {figure.median('cpu'):8.3f}"
    if figure.other:
        other = f"{figure.median('wall', other=True):9.3f} {figure.median('cpu', other=True):8.3f}"
        verdict = f"{figure.value():7.2f} {figure.value('cpu'):7.2f}"
    else:
        other, verdict = f"{'':9} {'':8}", f"{'':7} {'':7}"
    met = ""
    if figure.target is not None:
        verdict += f"   <= {figure.target:.2f}" + ("" if figure.other else " s")
        met = "met" if figure.value() <= figure.target else "not met"
    what = figure.what + (f" / {figure.other_what}" if figure.other else "")
    return f"{figure.name:17}{seconds} {other} {verdict:27} {met:8} {what}"


def main() -> None:
    """Measure what is asked for and print the table."""
    parser = argparse.ArgumentParser(prog="ci/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(GROUPS)} (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each command (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all runs to FILE as well")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in GROUPS]
    if unknown or options.runs < 1:
        parser.error(f"there is no figure called {', '.join(unknown)}; there are: {', '.join(GROUPS)}" if unknown else "--runs must be 1 or more")
    # Ended by a signal, the folder is removed as well.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    work = Path(tempfile.mkdtemp(prefix="cloche-bench."))
    shared = Path("/dev/shm") # noqa: S108
    memory = Path(tempfile.mkdtemp(prefix="cloche-bench.", dir=shared)) if os.access(shared, os.W_OK) else work
    try:
        bench = Bench(work, memory, options.runs)
        cores = len(os.sched_getaffinity(0))
        machine = {"cores": cores, "load": os.getloadavg()[0], "packages": len(bench.facts["sources"]), "runs": options.runs}
        print(f"{machine['packages']} packages, {cores} cores, load {machine['load']:.1f} at the start, medians of {options.runs}; seconds as wall time and cpu time")
        print(f"{'':17}{'ours':>9} {'cpu':>8} {'other':>9} {'cpu':>8} {'ratio':>7} {'of cpu':>7}   target", flush=True)
        figures = []
        for name in options.names or GROUPS:
            for figure in GROUPS[name](bench):
                figures.append(figure)
                print(line(figure), flush=True)
        if options.json:
            report = {"version": 1, "machine": machine, "figures": [asdict(figure) | {"value": figure.value()} for figure in figures]}
            options.json.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    finally:
        remove(work)
        remove(memory)


if __name__ == "__main__":
    main()
