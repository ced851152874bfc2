"""Somebody else's programs: what a checkout, apt's configuration and the cache folder could have run, and has not."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

import pytest

from conftest import ROOT, Ended, run
from machines import HOST_PATH, alone, needs_root, temporary

FLAKE = """{
  outputs = _: { x = derivation { name = "x"; system = builtins.currentSystem or "x86_64-linux"; builder = "/bin/sh"; }; };
}
"""
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone of a stranger's repository, in which a folder with a flake also looks like a bare repository."""
    stranger = tmp_path / "stranger"
    for folder in ("objects", "refs"):
        (stranger / "sub" / folder).mkdir(parents=True)
        (stranger / "sub" / folder / "kept").touch()
    (stranger / "sub/HEAD").write_text("ref: refs/heads/main\n")
    (stranger / "sub/flake.nix").write_text(FLAKE)
    (stranger / "sub/config").write_text(
        f'[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\nfsmonitor = "touch {tmp_path}/ran;"\n'
    )
    run(*GIT, "init", "-q", stranger)
    run(*GIT, "add", "-A", cwd=stranger)
    run(*GIT, "commit", "-qm", "one", cwd=stranger)
    assert run(*GIT, "clone", "-q", stranger, tmp_path / "clone").code == 0
    return tmp_path / "clone"


def test_a_build_of_a_clone_runs_nothing_that_a_folder_of_it_names(clone: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for words, cwd in (
        (["build", "--dry-run", f"{clone}/sub#x"], tmp_path),
        (["flake", "check", "--no-build"], clone / "sub"),
    ):
        ended = run(ROOT / "ci/nix", *words, "--no-write-lock-file", cwd=cwd)
        assert "ci/nix: warning: git can't tell which files of" in ended.err
        assert f"fatal: cannot use bare repository '{clone}/sub' (safe.bareRepository is 'explicit')" in ended.err
        assert not ran.exists()
    # The control: plain git runs it.
    run("git", "ls-files", "--others", cwd=clone / "sub")
    assert ran.exists()


def test_a_build_runs_nothing_that_the_checkout_s_own_configuration_names(tmp_path: Path) -> None:
    checkout, ran, other = tmp_path / "checkout", tmp_path / "ran", tmp_path / "other"
    checkout.mkdir()
    (checkout / "flake.nix").write_text(FLAKE)
    for words in (["init", "-q"], ["add", "-A"], ["init", "-q", other], ["config", "core.fsmonitor", f"touch {ran};"]):
        assert run("git", *words, cwd=checkout).code == 0
    (checkout / "new.py").touch()
    trace = tmp_path / "trace"
    variables = {"GIT_DIR": f"{other}/.git", "GIT_WORK_TREE": str(other), "GIT_TRACE": str(trace)}
    # Of Nix's own calls of git nothing is asked here: without a build it has none.
    ended = run(
        "sh",
        "-c",
        f'here={ROOT} folder=$PWD; say() {{ echo "$@"; }}; . "$here/ci/sources.sh"; warn_of_untracked',
        cwd=checkout,
        env=variables,
    )
    assert (
        ended.out
        == f"warning: {checkout}/new.py is not known to git, so the flake does not see it ('git add -N' is enough)\n"
    )
    assert not ran.exists()
    assert not trace.exists()
    run("git", "ls-files", "--others", cwd=checkout)
    assert ran.exists()


def test_inputs_are_packed_without_the_programs_of_their_checkouts(tmp_path: Path) -> None:
    source, ran = tmp_path / "inputs/flake-parts", tmp_path / "ran"
    source.mkdir(parents=True)
    (source / "file").write_text("x")
    (source / ".gitattributes").write_text("* filter=evil\n")
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["commit", "-qm", "one"],
        ["config", "filter.evil.smudge", f"touch {ran}; cat"],
    ):
        assert run(*GIT, *words, cwd=source).code == 0
    ended = run(ROOT / "ci/offline-inputs", tmp_path / "inputs")
    assert ended.code == 1, ended.err
    assert f"flake-parts refused: {source} has the hash sha256-" in ended.err
    assert not ran.exists()
    run("git", "archive", "HEAD", cwd=source)
    assert ran.exists()


# -- apt


def archive(folder: Path) -> None:
    """Make a Debian archive that nobody has signed, with a cosign that says that it was run."""
    pool, release = folder / "debian/pool", folder / "debian/dists/trixie"
    index = release / "main/binary-amd64/Packages"
    pool.mkdir(parents=True)
    index.parent.mkdir(parents=True)
    for name in ("cosign", "libc6", "libgcc-s1"):
        package = folder / name
        (package / "DEBIAN").mkdir(parents=True)
        about = f"Package: {name}\nVersion: 1\nArchitecture: amd64\nMaintainer: a <a@example.org>\nDescription: a\n"
        (package / "DEBIAN/control").write_text(about)
        (package / "usr/bin").mkdir(parents=True)
        (package / f"usr/bin/{name}").write_text("#!/bin/sh\necho unsigned\n")
        (package / f"usr/bin/{name}").chmod(0o755)
        deb = pool / f"{name}.deb"
        assert run("dpkg-deb", "-Zgzip", "--root-owner-group", "-b", package, deb).code == 0
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        with index.open("a") as file:
            file.write(f"{about}Filename: pool/{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n\n")
    digest = hashlib.sha256(index.read_bytes()).hexdigest()
    (release / "Release").write_text(
        "Suite: trixie\nCodename: trixie\nComponents: main\nArchitectures: amd64\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n"
        f"SHA256:\n {digest} {index.stat().st_size} main/binary-amd64/Packages\n"
    )


# What an administrator may have set for some archive of the house.
ALLOWED = "".join(
    f'{scope}{name} "true";\n'
    for name in (
        "Acquire::AllowInsecureRepositories",
        "Acquire::AllowWeakRepositories",
        "Acquire::AllowDowngradeToInsecureRepositories",
        "APT::Get::AllowUnauthenticated",
    )
    for scope in ("", "Binary::apt-get::")
)


@needs_root
@pytest.mark.skipif(
    not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists(),
    reason="no Debian, whose keys apt would ask for",
)
@pytest.mark.parametrize("forbidden", [True, False])
def test_an_archive_without_a_signature_is_refused_whatever_apt_is_told(tmp_path: Path, *, forbidden: bool) -> None:
    """The host's configuration is replaced for one process; the control has the same calls without what forbids."""
    with temporary("apt") as folder:
        archive(folder)
        (folder / "apt").mkdir()
        (folder / "apt/apt.conf.d").mkdir()
        (folder / "apt/apt.conf.d/99insecure").write_text(ALLOWED)
        (folder / "apt/sources.list").write_text(f"deb [trusted=yes] file:{folder}/debian trixie main\n")
        shutil.copytree(ROOT / "ci", tmp_path / "ci", ignore=shutil.ignore_patterns("benchmarks", "house"))
        shutil.copytree(ROOT / "pkgs/fetch", tmp_path / "pkgs/fetch")
        if not forbidden:
            for file in (tmp_path / "ci").iterdir():
                file.write_text(re.sub(r'(Acquire|APT)::[A-Za-z:]*Allow[A-Za-z]* "false";', "", file.read_text()))
        script = f"mount --bind {folder}/apt /etc/apt && mkdir -p {folder}/lists/partial && mount --bind {folder}/lists /var/lib/apt/lists && apt-get -q update && exec {tmp_path}/ci/cosign"
        words = ["unshare", "--mount", "--net", "sh", "-c", script]
        ended = alone(
            *words, environment={"HOME": str(tmp_path), "PATH": HOST_PATH, "CLOCHE_CACHE": str(folder / "cache")}
        )
        if forbidden:
            assert ended.code == 3
            assert "unsigned" not in ended.out
            assert f"The repository 'file:{folder}/debian trixie Release' is not signed." in ended.err
            assert f"ci/cosign: apt could not bring cosign from file:{folder}/debian" in ended.err
            assert not (folder / "cache/cosign").exists()
        else:
            assert ended.code == 0, ended.err
            assert ended.out.endswith("unsigned\n")


def test_each_private_configuration_of_apt_forbids_the_same() -> None:
    """It is read by -c, after the host's, and never by APT_CONFIG alone, which is read before."""
    texts = {path: path.read_text() for path in (ROOT / "ci").iterdir() if path.is_file()}
    private = {path.name: text for path, text in texts.items() if "Dir::Etc::sourcelist" in text}
    assert {"update-toolchain"} < private.keys()
    for text in private.values():
        found = re.findall(r'((?:Acquire|APT)::(?:Get::)?Allow\w+) "false"', text)
        assert len(found) == len(set(found)) == 4
        calls = re.findall(r'"?apt-get"?,? (?!indextargets)[^\n]*(?:update|install|download)', text)
        assert calls
        assert not [call for call in calls if "-c" not in call and 'self.run("apt-get"' not in text]
        assert not re.search(r"APT_CONFIG=\S+ (xargs )?apt-get", text)


# -- the cache folder


def started(cache: Path, program: str = "nix") -> Ended:
    """Run a program of ci/ with a cache folder in which a Nix and a cosign lie that say that they were run."""
    for file in ("nix/bin/nix", "cosign/root/usr/bin/cosign"):
        (cache / file).parent.mkdir(parents=True, exist_ok=True)
        (cache / file).write_text("#!/bin/sh\necho planted\n")
        (cache / file).chmod(0o755)
    # Without sources, for which the planted Nix would be asked.
    environment = {"HOME": "/nowhere", "PATH": HOST_PATH, "CLOCHE_CACHE": str(cache), "CLOCHE_INSIDE": "yes"}
    return alone(ROOT / "ci" / program, "--version", environment=environment)


def refusal(program: str, folder: Path, why: str, cache: Path) -> str:
    """Return what is said where others can write to a folder."""
    return (
        f"ci/{program}: others can write to {folder} ({why}), so what would be run out of {cache} could be theirs. Take that right from\n"
        "them, and remove the cache, since nobody knows what was written meanwhile:\n"
        f"  chmod go-w '{folder}'; rm -rf '{cache}'\nor name a folder of your own for it: CLOCHE_CACHE\n"
    )


@pytest.mark.parametrize("program", ["nix", "cosign"])
def test_a_cache_folder_of_ones_own_is_used(program: str) -> None:
    """The control of all below: what lies there is run."""
    with temporary("cache") as folder:
        cache = folder / "a/cache"
        cache.mkdir(parents=True)
        assert "planted\n" in started(cache, program).out
        # A link is as good as what it leads to.
        (folder / "link").symlink_to("a")
        assert "planted\n" in started(folder / "link/cache/", program).out


@pytest.mark.parametrize("program", ["nix", "cosign"])
@pytest.mark.parametrize(
    ("place", "mode", "shown"),
    [
        ("a/cache", 0o777, "drwxrwxrwx"),
        ("a/cache", 0o775, "drwxrwxr-x"),
        ("a/cache", 0o1777, "drwxrwxrwt"),
        ("a", 0o757, "drwxr-xrwx"),
        ("a", 0o2775, "drwxrwsr-x"),
    ],
)
def test_a_cache_folder_that_others_can_write_to_is_refused(program: str, place: str, mode: int, shown: str) -> None:
    with temporary("cache") as folder:
        cache = folder / "a/cache"
        cache.mkdir(parents=True)
        (folder / place).chmod(mode)
        ended = started(cache, program)
        assert (ended.code, ended.out, ended.err) == (
            3,
            "",
            refusal(program, folder / place, f"its mode is {shown}", cache),
        )
        # The cure that is told is one.
        run("sh", "-c", ended.err.splitlines()[2].strip())
        assert "planted\n" in started(cache, program).out


def test_a_sticky_folder_above_is_no_danger_and_what_a_link_lies_in_may_be() -> None:
    with temporary("cache") as folder:
        (folder / "tmp").mkdir()
        (folder / "tmp").chmod(0o1777)
        (folder / "good/cache").mkdir(parents=True)
        assert "planted\n" in started(folder / "tmp/cache").out
        # Who may write to the folder of the link can let it lead elsewhere.
        (folder / "open").mkdir()
        (folder / "open/link").symlink_to("../good")
        (folder / "open").chmod(0o777)
        (folder / "outer").symlink_to("open/link")
        for cache in (folder / "open/link/cache", folder / "outer/cache"):
            ended = started(cache)
            assert ended.code == 3
            assert "drwxrwxrwx" in ended.err
            assert str(folder / "open") in ended.err
        # A link to a folder as /tmp: not as the cache itself, but above it.
        (folder / "temporary").symlink_to("tmp")
        assert "planted\n" in started(folder / "temporary/cache").out
        assert started(folder / "temporary").err == refusal(
            "nix", folder / "tmp", "its mode is drwxrwxrwt", folder / "temporary"
        )


@needs_root
@pytest.mark.parametrize("place", ["a/cache", "a", "link"])
def test_a_cache_folder_of_somebody_else_is_refused(place: str) -> None:
    with temporary("cache") as folder:
        cache = folder / "a/cache"
        cache.mkdir(parents=True)
        (folder / "link").symlink_to("a")
        assert "planted\n" in started(folder / "link/cache").out
        os.chown(folder / place, 4321, 4321, follow_symlinks=False)
        ended = started(folder / "link/cache")
        assert ended.code == 3
        assert "/" + place.rpartition("/")[2] in ended.err
        assert "(it belongs to the user with the number 4321), so what would be run out of" in ended.err


@needs_root
def test_in_a_container_without_root_its_owner_has_another_number() -> None:
    """A user namespace with one user shows all others, root among them, as 65534."""
    with temporary("cache") as folder:
        os.chown(folder, 4321, 4321)
        words = ["setpriv", "--reuid", "4321", "--clear-groups", "unshare", "--user", "--map-current-user"]
        cache = folder / "cache"
        listed = run(*words, "ls", "-ldn", "/")
        assert " 65534 " in listed.out
        command = f'stop() {{ echo "$@" >&2; exit 3; }}; . {ROOT}/pkgs/fetch/cache.sh; check_cache {cache}'
        assert run(*words, "sh", "-c", command, cwd=Path("/")).code == 0
        (folder / "cache").chmod(0o777)
        assert run(*words, "sh", "-c", command, cwd=Path("/")).code == 3


def test_a_cache_folder_that_cannot_be_made() -> None:
    with temporary("cache") as folder:
        (folder / "file").touch()
        environment = {"HOME": "/nowhere", "PATH": HOST_PATH, "CLOCHE_CACHE": f"{folder}/file/cache"}
        ended = alone(ROOT / "ci/nix", "--version", environment=environment)
        assert ended.code == 3
        assert ended.err.endswith(
            "ci/nix: the cache folder can't be made (see above); name another one: CLOCHE_CACHE\n"
        )


def test_the_other_programs_refuse_it_too() -> None:
    with temporary("cache") as folder:
        folder.chmod(0o777)
        environment = {"HOME": "/nowhere", "PATH": os.environ["PATH"], "CLOCHE_CACHE": str(folder)}
        for command, name in (
            (["sh", ROOT / "pkgs/fetch/fetch.sh", "vendor", folder / "x"], "cloche"),
            ([ROOT / "ci/sigstore", folder], "ci/sigstore"),
        ):
            ended = alone(*command, environment=environment)
            assert ended.code == 3
            assert ended.err.startswith(f"{name}: others can write to {folder} (its mode is drwxrwxrwx), so what")
        assert not (folder / "x").exists()
