"""`cloche verify` of a store path: what it needs besides itself is compared with what its provenance lists."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloche.store import nar
from conftest import Outcome
from trust import Release

APPLICATION = "0" * 32 + "-demo-1.0"
PYTHON = "1" * 32 + "-python-3.11"
NUMPY = "2" * 32 + "-numpy-2.0"
UNLISTED = "3" * 32 + "-evil-1.0"
NOTE = "its links lead to /nix/store, so run it where the one is mounted as the other"


class Store:
    """A small store folder with an application, and a release of it whose provenance lists the closure."""

    def __init__(self, release: Release) -> None:
        self.release, self.folder = release, release.folder / "root/nix/store"
        self.application = self.folder / APPLICATION
        write(self.folder / PYTHON / "bin/python3", "an interpreter", 0o755)
        write(self.folder / NUMPY / "lib/numpy.py", f"needs = '/nix/store/{PYTHON}/bin/python3'\n")
        write(self.application / "bin/demo", f"#!/nix/store/{PYTHON}/bin/python3 -I\n", 0o755)
        (self.application / "lib").symlink_to(f"/nix/store/{NUMPY}/lib")
        self.state(*sorted(path.name for path in self.folder.iterdir()))

    def state(self, *names: str) -> None:
        """Let the provenance list these paths as they are now."""
        self.release.predicates["provenance"]["runDetails"]["byproducts"] = [
            {
                "name": name,
                "digest": {"sha256": nar.read(self.folder / name).sha256},
                "mediaType": "application/x-nix-nar",
                "annotations": {"serialization": "nix-archive-1"},
            }
            for name in names
        ]

    @property
    def byproducts(self) -> list[Any]:
        """What the provenance lists."""
        found: list[Any] = self.release.predicates["provenance"]["runDetails"]["byproducts"]
        return found

    def sign(self) -> "Store":
        """Sign the statements about the application as they are now."""
        self.release.signed(statements=self.release.statements(subject=self.application))
        return self

    def rows(self, **options: Any) -> tuple[int, list[tuple[str, str]]]:  # noqa: ANN401 - as verify takes them
        """Return the exit code, and verdict and reason of what is said about the closure."""
        code, rows = self.release.rows(**{"artifact": self.application, **options})
        return code, [(row["verdict"], row["reason"]) for row in rows if row["what"] == "closure"]

    def refused(self, code: int, *reasons: str, **options: Any) -> None:  # noqa: ANN401 - as verify takes them
        """Verify, which must refuse with this code, and only because of the closure."""
        found, rows = self.release.rows(**{"artifact": self.application, **options})
        bad = [(row["what"], row["reason"]) for row in rows if row["verdict"] not in {"accepted", "note"}]
        assert (found, bad) == (code, [("closure", reason) for reason in reasons])
        assert not any(row["what"] == "closure" and row["verdict"] == "accepted" for row in rows)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


@pytest.fixture
def store(tmp_path: Path, run: Callable[..., Outcome]) -> Store:
    return Store(Release(tmp_path, run))


def ignoring(release: Release) -> Path:
    statements = '[statements]\nrequired = ["provenance", "test-result", "sbom"]\nclosure = "ignored"\n'
    return release.policy(statements=statements)


def test_an_untouched_closure_is_accepted_by_path_and_by_link(store: Store) -> None:
    store.sign()
    link = store.release.folder / "result"
    link.symlink_to(store.application)
    for artifact in (store.application, link):
        code, rows = store.release.rows(artifact=artifact)
        assert code == 0
        assert [(row["verdict"], row["reason"]) for row in rows if row["what"] in {"closure", "store"}] == [
            ("accepted", "3 paths, 1 MB, each as the provenance lists it"),
            ("note", f"the paths in {store.folder} were compared; {NOTE}"),
        ]


def changes() -> dict[str, Callable[[Path], object]]:
    """Return what somebody may do to a dependency."""

    def link_to_copy(path: Path) -> None:
        path.rename(path.parent / "copy")
        path.symlink_to("copy")

    def file_instead(path: Path) -> None:
        shutil.rmtree(path)
        path.write_text("")

    return {
        "byte": lambda path: (path / "lib/numpy.py").write_text((path / "lib/numpy.py").read_text().replace("s", "S")),
        "mode": lambda path: (path / "lib/numpy.py").chmod(0o755),
        "more": lambda path: (path / "lib/sitecustomize.py").write_text(""),
        "less": lambda path: (path / "lib/numpy.py").unlink(),
        "link": link_to_copy,
        "file": file_instead,
    }


@pytest.mark.parametrize("what", changes())
def test_a_changed_dependency_is_tampering(store: Store, what: str) -> None:
    store.sign()
    good = nar.read(store.folder / NUMPY).sha256
    changes()[what](store.folder / NUMPY)
    found = nar.read(store.folder / NUMPY).sha256
    reason = f"{NUMPY} was altered: its NAR has the sha256 {found}, and the provenance lists {good}"
    store.refused(15, reason)


def test_a_pipe_in_a_dependency_is_tampering(store: Store) -> None:
    store.sign()
    pipe = store.folder / NUMPY / "lib/pipe"
    os.mkfifo(pipe)
    store.refused(15, f"{pipe} is a device, socket or pipe, which has no place in a store directory")


def test_a_missing_dependency(store: Store) -> None:
    store.sign()
    shutil.rmtree(store.folder / NUMPY)
    store.refused(12, f"of the 3 paths that the provenance lists, {store.folder} lacks {NUMPY}")


def test_a_copy_outside_of_its_store_is_accepted_only_by_a_policy_that_ignores_the_closure(store: Store) -> None:
    store.sign()
    release = store.release
    copies = [release.folder / "copy", release.folder / "elsewhere" / APPLICATION]
    for copy in copies:
        shutil.copytree(store.application, copy, symlinks=True)
    reason = (
        f"{copies[0]} is no path of a store by its name, so the 3 paths that the provenance lists are not beside it; "
        "name the artifact in its store, or let the policy say what it is to be without them"
    )
    store.refused(12, reason, artifact=copies[0])
    lacks = f"of the 3 paths that the provenance lists, {copies[1].parent} lacks {PYTHON}, {NUMPY}"
    store.refused(12, lacks, artifact=copies[1])
    for copy in copies:
        code, rows = store.rows(artifact=copy, policy=ignoring(release))
        assert code == 0
        assert rows == [
            ("note", "not compared, as the policy says: whatever else the artifact needs may be altered"),
        ]


def test_a_reference_that_is_not_listed(store: Store) -> None:
    """By a link, by the first line of a script, and by any other text of the application."""
    write(store.folder / UNLISTED / "lib/evil.py", "")
    for place in ("link", "bin/evil", "text"):
        path = store.application / place
        if place == "link":
            path.symlink_to(f"/nix/store/{UNLISTED}/lib")
        else:
            write(path, f"#!/nix/store/{UNLISTED}/bin/python3\n", 0o755)
        store.state(APPLICATION, PYTHON, NUMPY)
        store.sign()
        reason = f"{APPLICATION} refers to {UNLISTED}, and the provenance does not list what is in there"
        store.refused(25, reason)
        # Whether it is there or not.
        (store.folder / UNLISTED).rename(store.folder / "away")
        store.refused(25, reason)
        (store.folder / "away").rename(store.folder / UNLISTED)
        path.unlink()


def test_a_reference_of_a_dependency_counts_where_it_leads_to_something(store: Store) -> None:
    """As for Nix: a package may tell of paths in the store of another machine."""
    write(store.folder / NUMPY / "lib/readme", f"see /nix/store/{UNLISTED}/lib.\n")
    store.state(APPLICATION, PYTHON, NUMPY)
    store.sign()
    assert store.rows()[0] == 0
    write(store.folder / UNLISTED / "lib/evil.py", "")
    store.refused(25, f"{NUMPY} refers to {UNLISTED}, and the provenance does not list what is in there")


def test_provenance_without_closure(store: Store) -> None:
    store.byproducts.clear()
    store.sign()
    reason = f"it refers to {PYTHON}, {NUMPY}, and no accepted provenance lists what is in there"
    store.refused(25, reason)
    assert store.rows(policy=ignoring(store.release))[0] == 0


def test_a_policy_that_asks_for_no_provenance_accepts_only_what_stands_alone(store: Store) -> None:
    release = store.release
    del release.predicates["provenance"]
    without = {"statements": '[statements]\nrequired = ["test-result", "sbom"]\n', "provenance": "", "builder": ""}
    store.sign()
    reason = f"it refers to {PYTHON}, {NUMPY}, and no accepted provenance lists what is in there"
    store.refused(25, reason, policy=release.policy(**without))
    shutil.rmtree(store.application)
    write(store.application / "data", f"of /nix/store/{APPLICATION} itself\n")
    store.sign()
    assert store.rows(policy=release.policy(**without)) == (
        0,
        [("accepted", "it refers to no path of a store, so it stands alone")],
    )


def test_provenance_that_is_refused_lists_nothing(store: Store) -> None:
    store.sign()
    policy = store.release.policy(
        builder='[[builder]]\nid = "https://other.example"\nsigners = ["release"]\nlevel = 1\n'
    )
    assert store.rows(policy=policy) == (
        26,
        [("note", "not compared, because no provenance was accepted that could list it")],
    )


def test_a_file_stands_alone_unless_its_provenance_lists_a_closure(store: Store) -> None:
    release = store.release
    script = store.folder / ("4" * 32 + "-script")
    write(script, f"#!/nix/store/{PYTHON}/bin/python3 -I\n", 0o755)
    store.state(script.name, PYTHON)
    release.signed(statements=release.statements(subject=script))
    assert store.rows(artifact=script)[1] == [("accepted", "2 paths, 1 MB, each as the provenance lists it")]
    (store.folder / PYTHON / "bin/python3").chmod(0o644)
    assert store.rows(artifact=script)[0] == 15
    store.byproducts.clear()
    release.signed(statements=release.statements(subject=script))
    assert store.rows(artifact=script) == (0, [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "../../etc"}, "the byproduct '../../etc' is a NAR, and its name is none of a store path"),
        ({"name": None}, "the byproduct None is a NAR, and its name is none of a store path"),
        ({"digest": {"sha256": "0"}}, f"the byproduct {APPLICATION} has the sha256 '0'"),
        ({"digest": None}, f"the byproduct {APPLICATION} has the sha256 None"),
        ({"name": PYTHON}, f"the byproduct {PYTHON} is listed with two digests"),
    ],
)
def test_a_list_of_another_form(store: Store, change: dict[str, Any], reason: str) -> None:
    store.byproducts[0].update(change)
    store.sign()
    store.release.refused(14, reason, artifact=store.application)


def test_byproducts_that_are_no_list(store: Store) -> None:
    values: list[Any] = ["text", [1], {}]
    for value in values:
        store.release.predicates["provenance"]["runDetails"]["byproducts"] = value
        store.sign()
        store.release.refused(14, "runDetails.byproducts is no list of objects", artifact=store.application)


def test_other_byproducts_are_no_store_paths(store: Store) -> None:
    store.byproducts.append({"name": "log", "mediaType": "text/plain"})
    store.sign()
    assert store.rows()[0] == 0


def test_what_the_policy_may_say_of_it(store: Store) -> None:
    store.sign()
    for value, reason in {
        '"requird"': "statements.closure is 'requird', where required or ignored belongs",
        "true": "statements.closure is True, where a text belongs",
        '""': "statements.closure is empty",
    }.items():
        policy = store.release.policy(statements=f'[statements]\nrequired = ["provenance"]\nclosure = {value}\n')
        store.release.refused(11, f"the policy {policy}: {reason}", artifact=store.application, policy=policy)
    policy = store.release.policy(statements='[statements]\nrequired = ["provenance"]\nclosur = "ignored"\n')
    reason = "there is no key statements.closur; did you mean closure?"
    store.release.refused(11, f"the policy {policy}: {reason}", artifact=store.application, policy=policy)
