"""Writing a user's files and folders: the former one or the new one, whole, and nothing else of the user's."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from cloche.errors import ClocheError, ExitCode
from cloche.store import write

UNCHANGED = "\nThe former one, if any, is unchanged."


def tree(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, the hidden ones, too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    """Return os.umask, which is set back afterwards."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def refused(path: Path, reason: str, act: Callable[[], object], code: ExitCode = ExitCode.BAD_INPUT) -> None:
    """Check that an act is refused in these words, and leaves all beside the path as it was."""
    before = tree(path.parent) if path.parent.exists() else {}
    with pytest.raises(write.NotWrittenError) as caught:
        act()
    assert caught.value.message == f"{path} cannot be written: {reason}.{UNCHANGED}"
    assert caught.value.exit_code == code
    assert (tree(path.parent) if path.parent.exists() else {}) == before


# -- files


@pytest.mark.parametrize("data", ["zwei\n", b"zwei\n", [b"zw", b"ei\n"]])
def test_a_file_is_written(tmp_path: Path, data: str | bytes | list[bytes]) -> None:
    for _ in range(2):
        write.file(tmp_path / "x", data)
        assert tree(tmp_path) == {"x": b"zwei\n"}


def test_modes_are_kept_and_new_ones_are_those_of_the_umask(tmp_path: Path, umask: Callable[[int], int]) -> None:
    for mask, expected in ((0o022, 0o644), (0o077, 0o600), (0o002, 0o664)):
        umask(mask)
        path = tmp_path / str(mask)
        write.file(path, "one")
        assert mode(path) == expected
    for kept in (0o600, 0o640, 0o755, 0o444):
        path.chmod(kept)
        write.file(path, "two")
        assert (mode(path), path.read_text()) == (kept, "two")
    # Not the bit of another user: the sandbox of Nix allows nobody to set it.
    path.chmod(0o1755)
    write.files({path: b"three"})
    assert mode(path) == 0o755


def test_another_name_of_the_file_keeps_what_it_had(tmp_path: Path) -> None:
    write.file(tmp_path / "x", "one")
    (tmp_path / "snapshot").hardlink_to(tmp_path / "x")
    write.file(tmp_path / "x", "two")
    assert tree(tmp_path) == {"x": b"two", "snapshot": b"one"}


@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_written_through_a_link(tmp_path: Path, *, there: bool) -> None:
    place = tmp_path / "elsewhere"
    if there:
        place.write_text("of somebody")
    path = tmp_path / "x"
    path.symlink_to(place)
    reason = (
        f"it is a link to {place}, and nothing is written through links; name that place itself, or remove the link"
    )
    refused(path, reason, lambda: write.file(path, "mine"))
    refused(path, reason, lambda: write.files({path: b"mine"}))
    assert path.is_symlink()
    assert place.exists() is there


def test_a_link_that_comes_while_it_is_written_is_not_followed(tmp_path: Path) -> None:
    path, place = tmp_path / "x", tmp_path / "elsewhere"
    place.write_text("of somebody")

    def blocks() -> Iterator[bytes]:
        yield b"mine"
        path.symlink_to(place)

    with pytest.raises(write.NotWrittenError, match="it is a link to"):
        write.file(path, blocks())
    assert tree(tmp_path) == {"x": b"of somebody", "elsewhere": b"of somebody"}


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inside").mkdir(parents=True)
    refused(folder, "Is a directory", lambda: write.file(folder, "x"))
    missing = tmp_path / "absent" / "x"
    refused(missing, "No such file or directory", lambda: write.file(missing, "x"))
    long = tmp_path / ("x" * 300)
    refused(long, "File name too long", lambda: write.file(long, "x"))


def test_a_full_disk_leaves_the_former_file(tmp_path: Path) -> None:
    """The size of files is limited as a disk's is: the system refuses to write more."""
    path = tmp_path / "x"
    path.write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
        for data in (bytes(1 << 20), [bytes(1 << 15)] * 4, bytes((1 << 16) + 1)):
            refused(path, "File too large", partial(write.file, path, data), ExitCode.ENVIRONMENT_LACKS)
        big = bytes(1 << 17)
        refused(
            path, "File too large", lambda: write.files({tmp_path / "y": b"", path: big}), ExitCode.ENVIRONMENT_LACKS
        )
        write.file(path, bytes(1 << 16))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert tree(tmp_path) == {"x": bytes(1 << 16)}


def test_an_error_of_who_writes_is_its_own_and_leaves_nothing(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"half"
        raise FileNotFoundError(errno.ENOENT, "gone", "source")

    with pytest.raises(FileNotFoundError, match="source"):
        write.file(tmp_path / "x", blocks())
    assert tree(tmp_path) == {}


def test_pipes_and_open_descriptors_are_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write.file(pipe, "through the pipe")
    reader.join()
    assert found == [b"through the pipe"]
    assert pipe.is_fifo()
    write.file(Path(os.devnull), "nowhere")
    assert Path(os.devnull).is_char_device()
    # A shell's `>> log`: what is in it stays.
    log = tmp_path / "log"
    log.write_text("before\n")
    code = "import sys; from pathlib import Path; from cloche.store import write; write.file(Path(sys.argv[1]), 'after\\n')"
    for name in ("/dev/stdout", "/dev/fd/1"):
        with log.open("a") as stream:
            subprocess.run([sys.executable, "-c", code, name], stdout=stream, check=True)
    assert log.read_text() == "before\nafter\nafter\n"
    assert Path("/dev/stdout").exists()


def test_files_that_belong_together_are_all_ready_before_the_first_is_put(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").mkdir()
    refused(tmp_path / "b", "Is a directory", lambda: write.files({tmp_path / "a": b"new", tmp_path / "b": b"new"}))
    write.files({tmp_path / "a": b"new", tmp_path / "c": b"new"})
    assert tree(tmp_path) == {"a": b"new", "c": b"new"}
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, limit[1]))
        write.files({tmp_path / str(number): b"%d" % number for number in range(100)})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    assert len(tree(tmp_path)) == 102


# -- parts


def test_a_part_stays_and_is_gone_on_with_by_one_at_a_time(tmp_path: Path) -> None:
    target = tmp_path / "x"
    with write.Part(target) as part:
        part.write(b"half and wrong")
    assert tree(tmp_path) == {"x.part": b"half and wrong"}
    order: list[str] = []

    def other() -> None:
        with write.Part(target) as part:
            order.append(f"{part.size} {target.exists()}")

    with write.Part(target) as part:
        waiting = threading.Thread(target=other)
        waiting.start()
        part.cut(5)
        part.write(b"whole")
        order.append("put")
        part.put()
    waiting.join()
    # It has a part of its own, since the one that it waited for is in its place.
    assert order == ["put", "0 True"]
    assert tree(tmp_path) == {"x": b"half whole", "x.part": b""}


def test_a_part_that_is_a_link_or_a_pipe_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    place.write_text("of somebody")
    (tmp_path / "x.part").symlink_to(place)
    refused(tmp_path / "x", "Too many levels of symbolic links", lambda: write.Part(tmp_path / "x").write(b"mine"))
    os.mkfifo(tmp_path / "y.part")
    refused(tmp_path / "y.part", "it is no regular file", lambda: write.Part(tmp_path / "y").write(b"mine"))
    assert place.read_text() == "of somebody"


# -- journals


def test_a_journal_is_appended_to_and_never_through_a_link(tmp_path: Path) -> None:
    for line in (b"one\n", b"two\n"):
        descriptor = write.appending(tmp_path / "journal")
        os.write(descriptor, line)
        os.close(descriptor)
    (tmp_path / "link").symlink_to("journal")
    refused(
        tmp_path / "link",
        "it is a link to journal, and nothing is written through links; name that place itself, or remove the link",
        lambda: write.appending(tmp_path / "link"),
    )
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "it is no regular file", lambda: write.appending(tmp_path / "pipe"))
    assert (tmp_path / "journal").read_bytes() == b"one\ntwo\n"


# -- folders


def own(folder: Path) -> list[str]:
    """Return what a folder's list names."""
    listed = folder / "list"
    if not listed.exists() and any(folder.iterdir()):
        raise write.NotWrittenError(folder, "it is somebody else's")
    return listed.read_text().split() if listed.exists() else []


def listed(**files: str) -> dict[str, bytes]:
    """Return files, by names with / for __, and their list, which is the first."""
    named = {name.replace("__", "/"): data.encode() for name, data in files.items()}
    return {"list": " ".join(["list", *named]).encode(), **named}


OLD = listed(page="old", gone="old", part__gone="old", part__deep__page="old")
NEW = listed(page="new", part__deep__page="new", fresh__page="new")


def test_a_folder_is_replaced_and_what_it_does_not_list_stays(tmp_path: Path, umask: Callable[[int], int]) -> None:
    umask(0o027)
    path = tmp_path / "report"
    write.folder(path, OLD, own)
    assert tree(path) == OLD
    assert (mode(path), mode(path / "part/deep"), mode(path / "page")) == (0o750, 0o750, 0o640)
    path.chmod(0o711)
    mine = {"thesis.tex": b"\\title", "part/notes": b"n", "own/deep/.hidden": b"h"}
    for name, data in mine.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    (path / "own/empty").mkdir(mode=0o700)
    (path / "own/link").symlink_to("nowhere")
    (path / "own").chmod(0o500)
    inodes = {name: (path / name).stat().st_ino for name in mine}
    try:
        write.folder(path, NEW, own)
        assert tree(path) == {**NEW, **mine}
        assert {name: (path / name).stat().st_ino for name in mine} == inodes
        assert (path / "own/link").readlink() == Path("nowhere")
        assert (mode(path), mode(path / "own/empty"), mode(path / "own")) == (0o711, 0o700, 0o500)
        assert [each.name for each in tmp_path.iterdir()] == ["report"]
    finally:
        (path / "own").chmod(0o700)


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report"
    path.mkdir()
    (path / "thesis.tex").write_text("mine")
    refused(path, "it is somebody else's", lambda: write.folder(path, NEW, own))
    link = tmp_path / "link"
    link.symlink_to(path)
    reason = f"it is a link to {path}, and nothing is written through links; name that place itself, or remove the link"
    refused(link, reason, lambda: write.folder(link, NEW, own))
    file = tmp_path / "file"
    file.write_text("mine")
    refused(file, "Not a directory", lambda: write.folder(file, NEW, own))
    absent = tmp_path / "absent/report"
    refused(absent, "No such file or directory", lambda: write.folder(absent, NEW, own))
    here = tmp_path / "here/below"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    for name in (".", "..", "../../here", here):
        place = tmp_path / "here" if name in {"..", "../../here"} else here
        reason = "it is replaced as a whole, and you stand in it; stand elsewhere"
        refused(place, reason, partial(write.folder, Path(name), NEW, own))


def test_what_is_in_the_way_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report"
    for mine in ("fresh", "fresh/page", "fresh/page/deep"):
        write.folder(path, OLD, own)
        (path / mine).parent.mkdir(parents=True, exist_ok=True)
        (path / mine).write_text("mine")
        refused(
            path,
            f"{mine} in it is not of the former one, and in the way; move it elsewhere",
            lambda: write.folder(path, NEW, own),
        )
        (path / mine).unlink()
        for folder in Path(mine).parents[:-1]:
            (path / folder).rmdir()
    (path / "part/gone").unlink()
    for name in ("page", "gone"):
        (path / "part" / name).write_text("of a stranger")
    # A folder of the former one became a link: nothing is removed through it.
    elsewhere = tmp_path / "elsewhere"
    (path / "part").rename(elsewhere)
    (path / "part").symlink_to(elsewhere)
    before = tree(elsewhere)
    reason = "part in it is not of the former one, and in the way; move it elsewhere"
    refused(path, reason, lambda: write.folder(path, NEW, own))
    write.folder(path, listed(page="new"), own)
    assert tree(elsewhere) == before
    assert (path / "part").readlink() == elsewhere


def test_what_comes_into_a_folder_meanwhile_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report"
    write.folder(path, OLD, own)
    swap = write._swap  # noqa: SLF001 - the moment is what matters

    def late(*arguments: Path) -> None:
        swap(*arguments)
        (arguments[2] / "late").write_text("mine")

    monkeypatch.setattr(write, "_swap", late)
    with pytest.raises(ClocheError) as caught:
        write.folder(path, NEW, own)
    left = tmp_path / ".cloche-old-report"
    assert caught.value.message == (
        f"{path} is written, but what came into the former one meanwhile is in {left} now; move it from there"
    )
    assert tree(left) == {"late": b"mine"}
    assert tree(path) == NEW
    monkeypatch.undo()
    reason = f"{left} is there, left by a call that was killed; move it elsewhere"
    refused(path, reason, lambda: write.folder(path, OLD, own))


def test_writers_of_one_folder_at_once(tmp_path: Path) -> None:
    path = tmp_path / "report"
    made = [listed(page=str(number), **{f"only{number}": "x"}) for number in range(8)]
    threads = [threading.Thread(target=write.folder, args=(path, each, own)) for each in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tree(path) in made
    assert [each.name for each in tmp_path.iterdir()] == ["report"]


# -- kill -9


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out fsync, which `kill -9` has nothing to do with, and which takes most of the time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def killed_at_each_step(tmp_path: Path, begin: Callable[[Path], None], act: Callable[[Path], None]) -> list[Path]:
    """Return folders in which `act`, after `begin`, was killed before each of its lines in turn; in the last it was not."""
    places = []
    for number in range(1, 1000):
        places.append(tmp_path / str(number))
        places[-1].mkdir()
        begin(places[-1])
        child = os.fork()
        if child == 0:
            try:
                _kill_at(number)
                act(places[-1])
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return places
        assert os.WTERMSIG(status) == signal.SIGKILL
    raise AssertionError


def _kill_at(number: int) -> None:
    left = number

    def trace(frame: FrameType, event: str, _: Any) -> Any:  # noqa: ANN401 - a tracer's
        nonlocal left
        if frame.f_code.co_filename != write.__file__:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


@pytest.mark.usefixtures("quick")
def test_a_file_whose_writer_is_killed_is_the_old_or_the_new(tmp_path: Path) -> None:
    places = killed_at_each_step(
        tmp_path, lambda here: write.file(here / "x", "old"), lambda here: write.file(here / "x", [b"ne", b"w"])
    )
    found = [(place / "x").read_bytes() for place in places]
    assert len(found) > 20
    # The control: it was killed before and after the one moment.
    assert sorted(set(found)) == [b"new", b"old"]
    assert found == sorted(found, reverse=True)
    drafts = [len(list(place.iterdir())) - 1 for place in places]
    assert max(drafts) == 1
    for place in places:
        write.file(place / "x", "newer")
        assert tree(place) == {"x": b"newer"}


@pytest.mark.usefixtures("quick")
def test_files_whose_writer_is_killed_are_each_the_old_or_the_new(tmp_path: Path) -> None:
    def begin(here: Path) -> None:
        write.files({here / "a": b"old", here / "b": b"old"})

    places = killed_at_each_step(tmp_path, begin, lambda here: write.files({here / "a": b"new", here / "b": b"new"}))
    found = {((place / "a").read_bytes(), (place / "b").read_bytes()) for place in places}
    assert found == {(b"old", b"old"), (b"new", b"old"), (b"new", b"new")}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("exchange", [True, False])
def test_a_folder_whose_writer_is_killed_is_the_old_or_the_new(tmp_path: Path, *, exchange: bool) -> None:
    """By one exchange, and by two renames where the system refuses to exchange (as it does an unknown flag)."""
    old, new = listed(page="old", part__gone="old"), listed(page="new", part__new="new")
    mine = {"part/notes": b"mine"}

    def begin(here: Path) -> None:
        write.folder(here / "report", old, own)
        for name, data in mine.items():
            (here / "report" / name).write_bytes(data)

    def act(here: Path) -> None:
        if not exchange:
            write._EXCHANGE = 1 << 20  # noqa: SLF001 - in this child only
        write.folder(here / "report", new, own)

    places = killed_at_each_step(tmp_path, begin, act)
    assert len(places) > 100
    states = []
    for place in places:
        path, aside = place / "report", place / ".cloche-old-report"
        if not path.exists():
            # Between the two renames: all of the old one is there, and the next call brings it back.
            assert not exchange
            states.append("aside")
            assert tree(aside) == {**old, **mine}
        else:
            states.append("new" if tree(path) == {**new, **mine} else "old")
            assert tree(path) == {**(new if states[-1] == "new" else old), **mine}
        write.folder(path, listed(page="newest"), own)
        assert tree(place) == {f"report/{name}": data for name, data in {**listed(page="newest"), **mine}.items()}
        assert [each.name for each in place.iterdir()] == ["report"]
    assert list(dict.fromkeys(states)) == (["old", "new"] if exchange else ["old", "aside", "new"])


# -- power


def test_all_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, replace, rename = os.fsync, Path.replace, Path.rename

    def synced(descriptor: int) -> None:
        steps.append(f"sync {'folder' if stat.S_ISDIR(os.fstat(descriptor).st_mode) else 'file'}")
        fsync(descriptor)

    def replaced(path: Path, target: Path) -> Path:
        steps.append(f"name {target.name}")
        return replace(path, target)

    def renamed(path: Path, target: Path) -> Path:
        steps.append(f"name {target.name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(Path, "rename", renamed)
    write.file(tmp_path / "x", "x")
    assert steps == ["sync file", "name x", "sync folder"]
    steps.clear()
    write.files({tmp_path / "a": b"", tmp_path / "b": b""})
    assert steps == ["sync file", "sync file", "name a", "sync folder", "name b", "sync folder"]
    steps.clear()
    write.folder(tmp_path / "report", listed(part__page="x"), own)
    assert steps == ["sync file", "sync file", "sync folder", "sync folder", "name report", "sync folder"]
