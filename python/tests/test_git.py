"""Git is asked, and nothing that a checkout names is run; each attack has a control in which plain git runs it."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloche.attest.outcome import Report
from cloche.cli import cloche
from cloche.errors import ClocheError, ExitCode
from cloche.performance.revisions import checkout
from cloche.regression import accept
from cloche.selection.impact.git import Checkout
from cloche.selection.impact.tree import python_files
from cloche.store import git
from cloche.store.git import ForeignCheckoutError, GitError, NoGitError, Repository, make_known
from cloche.telemetry.git_changes import Hunk, read_changes
from cloche.trace import needs
from cloche.verify.policy import Provenance
from cloche.verify.predicates import Claimed
from cloche.verify.source import check_age
from conftest import Outcome, Workplace

SOURCE = Path(git.__file__).parents[1]
IDENTITY = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgSign=false"]


def plain(folder: Path, *words: str | Path, stdin: bytes = b"", check: bool = True) -> str:
    """Run git as anybody would, and return what it prints; without `check` it may fail."""
    done = subprocess.run(
        ["git", "-C", folder, *IDENTITY, *words], input=stdin, check=check, capture_output=True, timeout=60
    )
    return done.stdout.decode(errors="surrogateescape").strip()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home without a configuration of git."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def project(tmp_path: Path, home: Path) -> Path:  # noqa: ARG001 - the home of its user
    """Return a checkout with two commits of a project, and an edit that is not committed."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    plain(folder, "init", "-q", "-b", "main")
    (folder / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1"\n')
    (folder / "m.py").write_text("def f():\n    return 1\n")
    plain(folder, "add", "-A")
    plain(folder, "commit", "-qm", "one")
    (folder / "m.py").write_text("def f():\n    return 2\n")
    plain(folder, "commit", "-qam", "two")
    (folder / "m.py").write_text("def f():\n    return 3\n")
    return folder


class Trap:
    """Programs that a checkout's own configuration names; each leaves a file with its name."""

    def __init__(self, folder: Path, marks: Path) -> None:
        self.folder, self.marks = folder, marks
        marks.mkdir()

    def program(self, name: str) -> str:
        """Return a command for the shell that leaves its mark."""
        return f"touch {shlex.quote(str(self.marks / name))}; cat"

    def configure(self, **settings: str) -> None:
        """Write the configuration of the checkout; a part of a name ends at two underscores."""
        for name, value in settings.items():
            plain(self.folder, "config", name.replace("__", "."), value)

    def sprung(self) -> set[str]:
        """Return which programs ran, and forget it."""
        found = {path.name for path in self.marks.iterdir()}
        for name in found:
            (self.marks / name).unlink()
        return found


@pytest.fixture
def trap(project: Path, tmp_path: Path) -> Trap:
    """Return the project after a stranger has configured it; the last commit has a signature, and lacks nothing."""
    trap = Trap(project, tmp_path / "marks")
    signed = plain(project, "cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n\n", 1
    )
    name = plain(project, "hash-object", "-t", "commit", "-w", "--stdin", stdin=f"{signed}\n".encode())
    plain(project, "reset", "-q", "--soft", name)
    (project / ".git/info").mkdir(exist_ok=True)
    (project / ".git/info/attributes").write_text("* filter=evil diff=evil\n")
    hook = project / ".git/hooks/post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{trap.program('hook')}\n")
    hook.chmod(0o755)
    gpg = tmp_path / "gpg"
    gpg.write_text(f"#!/bin/sh\n{trap.program('gpg')}\n")
    gpg.chmod(0o755)
    trap.configure(
        core__fsmonitor=trap.program("fsmonitor"),
        core__pager=trap.program("pager"),
        filter__evil__clean=trap.program("clean"),
        filter__evil__smudge=trap.program("smudge"),
        filter__evil__required="true",
        gpg__program=str(gpg),
        log__showSignature="true",
        diff__external=trap.program("external"),
        diff__evil__command=trap.program("command"),
        diff__evil__textconv=trap.program("textconv"),
    )
    trap.sprung()
    return trap


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ls-files", "--others"], {"fsmonitor"}),
        (["diff", "HEAD"], {"clean"}),
        (["diff", "--no-ext-diff", "HEAD~", "HEAD"], {"textconv"}),
        (["diff", "HEAD~", "HEAD"], {"command"}),
        (["log", "--first-parent", "-1"], {"gpg"}),
        (["show", "-s", "--format=%ct"], {"gpg"}),
        (["add", "--intent-to-add", "new.py"], {"hook"}),
        (["checkout-index", "--all", "--prefix=../out/"], {"smudge"}),
    ],
)
def test_control_plain_git_runs_what_a_checkout_names(trap: Trap, words: list[str], expected: set[str]) -> None:
    (trap.folder / "new.py").touch()
    plain(trap.folder, *words, check=False)
    assert expected <= trap.sprung()


def test_control_without_the_program_for_a_path_the_external_one_runs(trap: Trap) -> None:
    plain(trap.folder, "config", "--unset", "diff.evil.command")
    plain(trap.folder, "diff", "HEAD~", "HEAD", check=False)
    assert "external" in trap.sprung()


def test_a_process_filter_is_not_started_either(trap: Trap) -> None:
    trap.configure(filter__evil__process=trap.program("process"))
    (trap.folder / "m.py").write_text("def f():\n    return 4\n")
    plain(trap.folder, "diff", "HEAD", check=False)
    assert "process" in trap.sprung()
    assert Checkout(trap.folder).changed(plain(trap.folder, "rev-parse", "HEAD"), None) == {"m.py": "M"}
    assert not trap.sprung()


def telemetry(*words: object) -> Outcome:
    """Run `cloche telemetry`."""
    done = CliRunner().invoke(cloche, ["telemetry", *map(str, words)])
    if isinstance(done.exception, ClocheError):
        return Outcome(done.exception.exit_code, done.output, done.exception.message)
    assert done.exception is None, done.exception
    return Outcome(done.exit_code, done.output, "")


def test_no_verb_runs_what_a_checkout_names(trap: Trap, tmp_path: Path, run: Callable[..., Outcome]) -> None:
    folder = trap.folder
    head = Repository(folder).commit("HEAD")
    # Those that read.
    store = tmp_path / "store.sqlite"
    done = telemetry("import", "--store", store, "--project", "p", folder)
    assert done.out == f"{folder}: 2 changes are new, 0 were known\n"
    done = run("select-tests", "--project", str(folder), "--base", "HEAD", "--explain")
    assert (done.code, done.out) == (0, ".\n"), done.err
    assert Checkout(folder).changed(head, None) == {"m.py": "M"}
    assert Checkout(folder).read(head, ["m.py"]) == {"m.py": b"def f():\n    return 2\n"}
    assert python_files(folder) == ["m.py"]
    assert checkout(folder, ".", "HEAD", tmp_path / "base") == head
    assert (tmp_path / "base/m.py").read_text() == "def f():\n    return 2\n"
    report = Report()
    claimed = Claimed("f", "a", head, {}, "b", 0)
    wanted = Provenance("t", "s", ("a",), minimum_revision=head, minimum_date=datetime(2000, 1, 1, tzinfo=UTC))
    check_age(claimed, wanted, folder, report)
    assert [row.refusal for row in report.rows] == [None, None]
    # Those that write: lock and trace-tests a file, accept two.
    for name in ("cloche.lock", needs.FILE):
        (folder / name).write_text("{}")
        assert make_known([folder / name]) is None
    result = tmp_path / "result"
    result.mkdir()
    (result / "result.json").write_text("{}")
    (result / "platform.json").write_text("{}")
    comparison = {"class": "c", "reasons": [], "verdict": "new"}
    accept.write(accept.Candidate("x", result, "baselines/x.json", comparison), folder, "A", "B")
    assert accept.identity(folder) is None
    assert not trap.sprung()
    known = plain(folder, "-c", "core.fsmonitor=false", "ls-files").split()
    assert known == [
        "baselines/x.accepted.json",
        "baselines/x.json",
        needs.FILE,
        "cloche.lock",
        "m.py",
        "pyproject.toml",
    ]


def test_the_recording_of_tests_runs_nothing(trap: Trap, tmp_path: Path) -> None:
    (trap.folder / "test_m.py").write_text("from m import f\n\n\ndef test_f():\n    assert f() == 3\n")
    # pytest-benchmark asks git by itself.
    words: list[str | Path] = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:benchmark"]
    lines, known = tmp_path / "run.jsonl", tmp_path / "map.json"
    ways: list[list[str | Path]] = [
        ["--telemetry", lines],
        ["-p", "cloche.selection.impact.plugin", "--impact-map", known],
    ]
    for options in ways:
        subprocess.run(
            [sys.executable, *words, *options], cwd=trap.folder, check=True, capture_output=True, timeout=120
        )
    assert not trap.sprung()
    first = json.loads(lines.read_text().partition("\n")[0])
    assert (first["commit"], first["branch"]) == (Repository(trap.folder).commit("HEAD"), "main")
    assert set(json.loads(known.read_text())["functions"]) == {"m.py::f", "test_m.py::test_f"}


def test_a_filter_that_cannot_be_switched_off_is_refused(trap: Trap) -> None:
    """What -c takes ends a name at its first =, so it would switch off another one."""
    plain(trap.folder, "config", "filter.a=b.clean", trap.program("named"))
    (trap.folder / ".git/info/attributes").write_text("* filter=a=b\n")
    with pytest.raises(GitError) as raised:
        Checkout(trap.folder).changed("0" * 40, None)
    assert raised.value.message == (
        f"{trap.folder}: the configuration names 'filter.a=b'; git can't be told not to run it, since its name has a ="
    )
    assert not trap.sprung()


def test_hooks_of_the_configuration_are_switched_off_by_name(trap: Trap) -> None:
    """Known to git 2.54 and later; for an older one there is nothing to switch off, and no control."""
    plain(trap.folder, "config", "hook.a b.c.command", trap.program("configured"))
    plain(trap.folder, "config", "hook.a b.c.event", "post-index-change")
    (trap.folder / "one.py").touch()
    (trap.folder / "two.py").touch()
    plain(trap.folder, "add", "--intent-to-add", "one.py")
    version = [int(number) for number in plain(trap.folder, "--version").split()[2].split(".")[:2]]
    assert ("configured" in trap.sprung()) is (version >= [2, 54])
    assert make_known([trap.folder / "two.py"]) is None
    assert not trap.sprung()
    assert "two.py" in plain(trap.folder, "-c", "core.fsmonitor=false", "ls-files").split()


def test_what_a_partial_clone_lacks_is_not_fetched(trap: Trap) -> None:
    folder = trap.folder
    blob = plain(folder, "-c", "core.fsmonitor=false", "rev-parse", "HEAD~:m.py")
    (folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    trap.configure(
        core__repositoryFormatVersion="1",
        extensions__partialClone="origin",
        remote__origin__promisor="true",
        remote__origin__url=f"ext::touch {trap.marks / 'fetch'}",
        protocol__ext__allow="always",
    )
    plain(folder, "cat-file", "-p", blob, check=False)
    assert trap.sprung() == {"fetch"}
    with pytest.raises(GitError) as raised:
        Checkout(folder).read(plain(folder, "rev-parse", "HEAD~"), ["m.py"])
    assert raised.value.message == (
        f"{folder} does not have the object {blob}, as it is a partial clone, perhaps; 'git fetch --refetch' brings all"
    )
    assert not trap.sprung()


# -- another repository than the one that was meant


def test_a_folder_of_a_clone_that_looks_like_a_repository_is_none(tmp_path: Path, home: Path) -> None:  # noqa: ARG001
    stranger, marks = tmp_path / "stranger", tmp_path / "marks"
    marks.mkdir()
    for folder in ("objects", "refs"):
        (stranger / "sub" / folder).mkdir(parents=True)
        (stranger / "sub" / folder / "kept").touch()
    (stranger / "sub/HEAD").write_text("ref: refs/heads/main\n")
    (stranger / "sub/config").write_text(
        f'[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\nfsmonitor = "touch {marks}/embedded;"\n'
    )
    plain(stranger, "init", "-q")
    plain(stranger, "add", "-A")
    plain(stranger, "commit", "-qm", "one")
    clone = tmp_path / "clone"
    plain(tmp_path, "clone", "-q", stranger, clone)
    plain(clone / "sub", "ls-files", "--others")
    assert (marks / "embedded").exists()
    (marks / "embedded").unlink()
    for question in (Repository(clone / "sub").untracked, Repository(clone / "sub").index):
        with pytest.raises(
            GitError, match=r"cannot be .*; git says:\nfatal: cannot use bare repository '.*/clone/sub'"
        ):
            question()
    (clone / "sub/cloche.lock").touch()
    assert "fatal: cannot use bare repository" in str(make_known([clone / "sub/cloche.lock"]))
    assert not any(marks.iterdir())


def test_variables_of_git_choose_no_other_repository(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, marks = tmp_path / "other", tmp_path / "marks"
    plain(tmp_path, "init", "-q", other)
    head = plain(project, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", f"touch {marks};")
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    assert plain(project, "rev-parse", "--verify", "HEAD", check=False) == ""
    (tmp_path / "trace").unlink()
    done = telemetry("import", "--store", tmp_path / "store.sqlite", "--project", "p", project)
    assert done.out == f"{project}: 2 changes are new, 0 were known\n"
    assert Checkout(project).changed(head, None) == {"m.py": "M"}
    assert not marks.exists()
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("name", ["--output={}", "--exec-path={}", "-h", "@{}", "", "HEAD --output={}"])
def test_a_name_of_a_commit_is_no_option(project: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "written"
    text = name.format(target)
    plain(project, "log", f"--output={target}")
    assert target.exists()
    target.unlink()
    done = telemetry("import", "--store", tmp_path / "s.sqlite", "--project", "p", f"--branch={text}", project)
    words = f"{project}: {text!r} names no commit; git says:\nfatal: Needed a single revision"
    assert (done.code, done.err) == (2, words) or text == ""
    for use in (Repository(project).commit, Checkout(project).revision):
        with pytest.raises(GitError) as raised:
            use(text)
        assert raised.value.message == words
    assert not target.exists()


@pytest.mark.parametrize("name", ["HEAD", "--output=x", "", "0" * 39, "0" * 40 + "\n", "A" * 40])
def test_after_that_only_hexadecimal_names_are_taken(project: Path, name: str) -> None:
    repository = Repository(project)
    with repository.objects() as objects:
        for use in (repository.tree, repository.edited, repository.first_parents, objects.read):
            with pytest.raises(GitError, match="is no hexadecimal name of an object"):
                use(name)


def test_names_of_files_are_no_patterns(project: Path) -> None:
    for name in ("[ab].lock", "a.lock", ":(top)m.lock", "--all"):
        (project / name).touch()
    assert make_known([project / name for name in ("[ab].lock", ":(top)m.lock", "--all")]) is None
    assert Repository(project).untracked() == ["a.lock"]


# -- what git prints is read to the letter


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\f", "\x1c", "\r", "\x00no"])
def test_names_hold_what_python_takes_for_ends_of_lines(project: Path, separator: str) -> None:
    # Git itself drops a name's NUL and what follows.
    shown = separator.partition("\x00")[0]
    data = plain(project, "cat-file", "commit", "HEAD").replace("author A", f"author A{separator}B")
    name = plain(project, "hash-object", "--literally", "-t", "commit", "-w", "--stdin", stdin=f"{data}\n".encode())
    with Repository(project).objects() as objects:
        author = objects.commit(name).author
    assert author == f"A{separator}B <a@example.org>"
    if shown:
        plain(project, "reset", "-q", "--soft", name)
        assert [change.author for change in read_changes(project, None)] == ["A <a@example.org>", author]


def test_a_commit_is_read_in_its_own_encoding(project: Path) -> None:
    (project / "m.py").write_text("")
    plain(
        project, "-c", "i18n.commitEncoding=latin-1", "commit", "-qam", "three", "--author", "Jos\u00e9 <j@example.org>"
    )
    data = plain(project, "cat-file", "commit", "HEAD")
    cases = {"latin-1": "Jos\u00e9", "no-such-encoding": "Jos\ufffd", "undefined": "Jos\ufffd", "hex": "Jos\ufffd"}
    for encoding, shown in cases.items():
        text = re.sub("author .* <j@", "author Jos\udce9 <j@", re.sub("encoding .*", f"encoding {encoding}", data))
        stdin = f"{text}\n".encode(errors="surrogateescape")
        name = plain(project, "hash-object", "-t", "commit", "-w", "--stdin", stdin=stdin)
        with Repository(project).objects() as objects:
            assert objects.commit(name).author == f"{shown} <j@example.org>"


@pytest.mark.parametrize("when", ["99999999999999999 +0000", "x", ""])
def test_a_commit_without_a_time_is_refused(project: Path, when: str) -> None:
    data = re.sub("(committer .*>).*", rf"\1 {when}", plain(project, "cat-file", "commit", "HEAD"))
    name = plain(project, "hash-object", "--literally", "-t", "commit", "-w", "--stdin", stdin=f"{data}\n".encode())
    with Repository(project).objects() as objects, pytest.raises(GitError) as raised:
        objects.commit(name)
    assert raised.value.message.startswith(f"{project}: the commit {name} does not say when it was made ('A <a@")


def test_changes_of_type_and_lines_that_look_like_headers(project: Path) -> None:
    (project / "a").write_text("1\n2\n")
    (project / "b.py").write_text("x = 1\n\f@@ -1 +9 @@ y\n")
    (project / "c").write_bytes(b"\0")
    plain(project, "add", "-A")
    plain(project, "commit", "-qm", "three")
    (project / "a").unlink()
    (project / "a").symlink_to("b.py")
    (project / "b.py").write_text("x = 1\n\f@@ -1 +8 @@ y\n++ b\ndiff --git a/x b/x\n@@ -5 +5 @@\n\\ no newline")
    (project / "c").write_bytes(b"\0\1")
    (project / 'd\n@@ -7 +7 @@\t"').write_text("")
    plain(project, "add", "-A")
    plain(project, "commit", "-qm", "four")
    last = list(read_changes(project, None))[-1]
    assert {file.path: (file.kind, file.added, file.deleted, file.hunks) for file in last.files} == {
        "a": ("edited", 1, 2, [Hunk(1, 2, 0, 0), Hunk(0, 0, 1, 1)]),
        "b.py": ("edited", 5, 1, [Hunk(2, 1, 2, 5)]),
        "c": ("edited", None, None, []),
        'd\n@@ -7 +7 @@\t"': ("added", 0, 0, []),
    }
    counts = plain(project, "diff-tree", "--numstat", "-r", "--no-commit-id", "HEAD").splitlines()
    assert [line.split("\t")[:2] for line in counts] == [["1", "2"], ["5", "1"], ["-", "-"], ["0", "0"]]


# -- filters, submodules


@pytest.fixture
def filtered(project: Path) -> Path:
    """Return the project with a file that its user's own filter (as git-lfs and nbstripout are) writes in another way."""
    plain(project, "config", "filter.upper.clean", "tr a-z A-Z")
    (project / ".gitattributes").write_text("*.nb filter=upper\n")
    (project / "a.nb").write_text("cell")
    # What is as young as the index could have been edited since, as far as git knows.
    os.utime(project / "a.nb", (1, 1))
    plain(project, "add", "-A")
    plain(project, "commit", "-qm", "three")
    assert plain(project, "cat-file", "blob", "HEAD:a.nb") == "CELL"
    return project


def test_a_file_with_a_filter_is_compared_by_its_blob(filtered: Path) -> None:
    base = plain(filtered, "rev-parse", "HEAD")
    assert Checkout(filtered).changed(base, None) == {}
    (filtered / "a.nb").write_text("other cell")
    assert Checkout(filtered).changed(base, None) == {"a.nb": "M"}
    plain(filtered, "commit", "-qam", "four")
    assert Checkout(filtered).changed(base, plain(filtered, "rev-parse", "HEAD")) == {"a.nb": "M"}
    assert Checkout(filtered).changed(base, None) == {"a.nb": "M"}
    assert Checkout(filtered).read(base, ["a.nb"]) == {"a.nb": b"CELL"}


def test_a_file_with_a_filter_that_was_only_touched_is_unknown_and_so_changed(filtered: Path) -> None:
    """Only the filter could tell; a file without one is read."""
    base = plain(filtered, "rev-parse", "HEAD")
    for name in ("a.nb", "pyproject.toml"):
        os.utime(filtered / name, (2, 2))
    assert Checkout(filtered).changed(base, None) == {"a.nb": "M"}


CONVERTED = {
    "* text=auto": (b"a\nb\n", b"a\r\nb\r\n"),
    "* ident": (b"$Id$\n", b"$Id: other $\n"),
    # One that the C library knows without a file of its own.
    "* working-tree-encoding=UCS-4": ("a\n".encode("utf-32-be"), "ab\n".encode("utf-32-be")),
}


@pytest.mark.parametrize("attributes", CONVERTED)
def test_what_git_converts_is_compared_as_it_lies_there(project: Path, attributes: str) -> None:
    """A test that reads the file sees another one, though a commit would not have it."""
    plain(project, "commit", "-qam", "three")
    before, after = CONVERTED[attributes]
    (project / ".gitattributes").write_text(attributes.replace("*", "*.txt"))
    for name in ("edited.txt", "same.txt"):
        (project / name).write_bytes(before)
    plain(project, "add", "-A")
    plain(project, "commit", "-qm", "four")
    head = plain(project, "rev-parse", "HEAD")
    assert Checkout(project).changed(head, None) == {}
    (project / "edited.txt").write_bytes(after)
    assert Checkout(project).changed(head, None) == {"edited.txt": "M"}


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_what_git_was_told_not_to_look_at_is_looked_at(project: Path, flag: str) -> None:
    head = plain(project, "rev-parse", "HEAD")
    (project / "link").symlink_to("m.py")
    plain(project, "add", "-A")
    plain(project, "commit", "-qm", "three")
    plain(project, "update-index", flag, "m.py", "link", "pyproject.toml")
    head = plain(project, "rev-parse", "HEAD")
    assert Checkout(project).changed(head, None) == {}
    (project / "m.py").write_text("x")
    (project / "link").unlink()
    (project / "link").symlink_to("n.py")
    assert plain(project, "diff", "--raw", "HEAD") == ""
    assert Checkout(project).changed(head, None) == {"link": "M", "m.py": "M"}
    (project / "link").unlink()
    # A sparse checkout has no file there.
    gone = {} if flag == "--skip-worktree" else {"link": "D"}
    assert Checkout(project).changed(head, None) == {"m.py": "M"} | gone


def test_a_file_of_the_same_size_and_time_is_read(project: Path) -> None:
    for name, value in {"core.checkStat": "minimal", "core.trustctime": "false"}.items():
        plain(project, "config", name, value)
    os.utime(project / "m.py", (1, 1))
    plain(project, "commit", "-qam", "three")
    head, text = plain(project, "rev-parse", "HEAD"), (project / "m.py").read_text()
    other = project / "other"
    other.write_text(text.replace("3", "4"))
    other.rename(project / "m.py")
    os.utime(project / "m.py", (1, 1))
    assert plain(project, "diff", "--raw", "HEAD") == ""
    assert Checkout(project).changed(head, None) == {"m.py": "M"}


def test_the_files_are_those_of_the_checkout_itself(project: Path, tmp_path: Path) -> None:
    head = plain(project, "rev-parse", "HEAD")
    plain(project, "worktree", "add", "-q", tmp_path / "linked", "HEAD")
    plain(project, "config", "core.worktree", tmp_path / "linked")
    assert plain(project, "diff", "--raw", "HEAD") == ""
    assert Checkout(project).changed(head, None) == {"m.py": "M"}


def test_a_submodule_is_asked_with_its_own_programs_switched_off(trap: Trap, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    plain(tmp_path, "init", "-q", outer)
    plain(tmp_path, "clone", "-q", trap.folder, outer / "sub")
    plain(outer, "add", "sub")
    plain(outer, "commit", "-qm", "one")
    inner = Trap(outer / "sub", tmp_path / "inner")
    inner.configure(core__fsmonitor=inner.program("fsmonitor"), filter__own__clean=inner.program("clean"))
    (outer / "sub/.git/info").mkdir(exist_ok=True)
    (outer / "sub/.git/info/attributes").write_text("* filter=own\n")
    base = plain(outer, "rev-parse", "HEAD")
    inner.sprung()
    assert Checkout(outer).changed(base, None) == {}
    (outer / "sub/m.py").write_text("x")
    assert Checkout(outer).changed(base, None) == {"sub": "M"}
    plain(outer / "sub", "-c", "core.fsmonitor=false", "-c", "filter.own.clean=", "checkout", "-q", "m.py")
    (outer / "sub/new").write_text("x")
    inner.sprung()
    assert Checkout(outer).changed(base, None) == {"sub": "M"}
    assert not inner.sprung()
    plain(outer, "diff", "HEAD")
    assert "fsmonitor" in inner.sprung()
    assert checkout_of(outer, base, tmp_path / "taken") == ["pyproject.toml", "sub"]


def checkout_of(folder: Path, commit: str, target: Path) -> list[str]:
    """Return the names in the checkout of a commit that also has a project."""
    (folder / "pyproject.toml").touch()
    plain(folder, "add", "pyproject.toml")
    plain(folder, "commit", "-qm", f"after {commit}")
    checkout(folder, ".", "HEAD", target)
    return sorted(path.name for path in target.iterdir())


# -- revisions.checkout writes below its target alone


def test_a_checkout_has_links_and_modes_as_git_has_them(project: Path, tmp_path: Path) -> None:
    (project / "run").write_text("#!/bin/sh\n")
    (project / "run").chmod(0o755)
    (project / "link").symlink_to("/nowhere")
    plain(project, "add", "-A")
    plain(project, "commit", "-qm", "three")
    checkout(project, ".", "HEAD", tmp_path / "taken")
    assert os.access(tmp_path / "taken/run", os.X_OK)
    assert not os.access(tmp_path / "taken/m.py", os.X_OK)
    assert (tmp_path / "taken/link").readlink() == Path("/nowhere")


@pytest.mark.parametrize("name", ["..", ".git", ".GIT", "link/x"])
def test_a_tree_with_a_path_that_leads_elsewhere_is_refused(project: Path, tmp_path: Path, name: str) -> None:
    blob, link = (plain(project, "hash-object", "-w", "--stdin", stdin=text) for text in (b"x", str(tmp_path).encode()))
    toml = plain(project, "rev-parse", "HEAD:pyproject.toml")
    inner = plain(project, "mktree", stdin=f"100644 blob {blob}\tx\n".encode())
    entries = {name.partition("/")[0]: ("40000", inner), "pyproject.toml": ("100644", toml)}
    parts = sorted(entries.items())
    if name == "link/x":
        parts.insert(0, ("link", ("120000", link)))
    tree = b"".join(f"{mode} {entry}\0".encode() + bytes.fromhex(digest) for entry, (mode, digest) in parts)
    written = plain_bytes(project, "hash-object", "--literally", "-t", "tree", "-w", "--stdin", stdin=tree)
    commit = plain(project, "commit-tree", written, "-m", "bad")
    with pytest.raises(GitError) as raised:
        checkout(project, ".", commit, tmp_path / "deep/taken")
    path = name if name == "link/x" else f"{name}/x"
    assert raised.value.message == f"{project}: {path!r} is no path that can be checked out"
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "deep/x").exists()


def plain_bytes(folder: Path, *words: str, stdin: bytes) -> str:
    """Run git with bytes that are no text."""
    return plain(folder, *words, stdin=stdin)


# -- no git, and one that refuses


def test_without_git(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    words = f"git can't be started (No such file or directory), and {project} needs it; install it, or put it on PATH"
    for use in (
        lambda: Repository(project).commit("HEAD"),
        lambda: Checkout(project).merge_base("HEAD"),
        lambda: accept.identity(project),
        lambda: list(read_changes(project, None)),
        lambda: checkout(project, ".", "HEAD", tmp_path / "taken"),
    ):
        with pytest.raises(NoGitError) as raised:
            use()
        assert (raised.value.message, raised.value.exit_code) == (words, ExitCode.ENVIRONMENT_LACKS)
    assert python_files(project) == ["m.py"]
    assert make_known([project / "cloche.lock"]) == (
        f"git add -N cloche.lock failed, and Nix does not see untracked files: {words}"
    )
    assert make_known([tmp_path / "cloche.lock"]) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to somebody else")
def test_a_checkout_of_somebody_else(project: Path, workplace: Workplace) -> None:
    for path in (project, *project.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    words = (
        f"{project / 'sub'} belongs to another user (nobody), so git refuses it; make it yours with\n"
        f"  cp -r {project} ~/checkout\nor trust its owner with\n  git config --global --add safe.directory {project}"
    )
    (project / "sub").mkdir()
    os.chown(project / "sub", 65534, 65534)
    with pytest.raises(ForeignCheckoutError) as raised:
        Repository(project / "sub").commit("HEAD")
    assert (raised.value.message, raised.value.exit_code) == (words, ExitCode.ENVIRONMENT_LACKS)
    with pytest.raises(ForeignCheckoutError):
        python_files(project)
    (project / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1"\ndependencies = []\n')
    outcome = workplace.run(*("lock", "--project", str(project), "--system", "x86_64-linux", "--python", "3.11"))
    assert outcome.code == 0
    assert (
        f"git add -N cloche.lock failed, and Nix does not see untracked files: {project} belongs to another"
        in outcome.err
    )
    plain(project, "config", "--global", "--add", "safe.directory", project)
    assert len(Repository(project / "sub").commit("HEAD")) == 40


def test_a_recording_without_its_commit_says_so(project: Path, tmp_path: Path) -> None:
    (project / "test_m.py").write_text("def test_m():\n    pass\n")
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--telemetry",
        tmp_path / "run.jsonl",
    ]
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(
        command, cwd=project, env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    words = "telemetry: the run is recorded without its commit: git can't be started (No such file or directory), and "
    assert words in done.stdout
    assert json.loads((tmp_path / "run.jsonl").read_text().partition("\n")[0])["commit"] is None


# -- the rule itself


def test_nothing_else_starts_git() -> None:
    """The kinds of sources in locks of others have that name, too."""
    found = {
        f"{path.relative_to(SOURCE)}:{line.strip()}"
        for path in sorted(SOURCE.rglob("*.py"))
        for line in path.read_text().splitlines()
        if '"git"' in line
    }
    others = {each for each in found if not each.startswith(("store/git.py:", "lock/"))}
    assert others == set()
    assert any(each.startswith("store/git.py:") for each in found)
    in_locks = [each for each in found if each.startswith("lock/")]
    assert in_locks
    assert not [each for each in in_locks if "subprocess" in each or "run(" in each or "which(" in each]
