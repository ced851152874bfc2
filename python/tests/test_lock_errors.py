"""What `cloche lock` says, word for word, and its exit codes."""

import io
import json
import shutil
import socket
import zipfile
from pathlib import Path

import pytest

from conftest import Workplace
from local_index import sha256

FOLDER = "Publish it on an index (a folder of wheels will do)"


def refused(place: Workplace, *arguments: str, code: int = 2) -> str:
    """Lock, expect a refusal, and return the message with the project's folder written as "..."."""
    outcome = place.lock(*arguments)
    assert outcome.code == code, outcome.err
    assert outcome.out == ""
    _, _, message = outcome.err.partition("error: ")
    return message.replace(str(place.directory), "...")


def pin(place: Workplace, *lines: str) -> None:
    (place.directory / "requirements.txt").write_text("".join(f"{line}\n" for line in lines))


def test_the_project_does_not_run_on_this_python(workplace: Workplace) -> None:
    workplace.project('requires-python = ">=3.13"\ndependencies = []')
    assert refused(workplace) == (
        "The project 'demo' requires Python >=3.13, but the lock is for x86_64-linux, Python 3.11.\n"
        "Choose another --python, or widen requires-python in pyproject.toml.\n"
    )


def test_a_package_does_not_run_on_this_python(workplace: Workplace) -> None:
    content = workplace.index.wheel("alpha", "1.0", fields=("Requires-Python: >=3.12",))
    pin(workplace, f"alpha==1.0 --hash=sha256:{sha256(content)}")
    workplace.project('dependencies = ["alpha"]')
    assert refused(workplace) == (
        "alpha 1.0 requires Python >=3.12, but the lock is for x86_64-linux, Python 3.11.\n"
        "Require a version that runs on it, or leave this Python version out of the lock.\n"
    )


def test_no_wheel_and_no_sdist(workplace: Workplace) -> None:
    contents = [workplace.index.wheel("alpha", "1.0", tag=f"cp311-cp311-{tag}") for tag in ("win_amd64", "win_arm64")]
    pin(workplace, "alpha==1.0 " + " ".join(f"--hash=sha256:{sha256(content)}" for content in contents))
    workplace.project('dependencies = ["alpha"]')
    assert refused(workplace) == (
        "alpha 1.0 has no wheel and no sdist for x86_64-linux, Python 3.11. Its files are:\n"
        "  alpha-1.0-cp311-cp311-win_amd64.whl\n"
        "  alpha-1.0-cp311-cp311-win_arm64.whl\n"
        "Require a version that has one, or leave this system or Python version out of the lock.\n"
    )


def test_no_sdist_although_asked_for(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    assert refused(workplace, "--sdist", "alpha") == (
        "alpha 1.0 has no sdist, which --sdist asked for, for x86_64-linux, Python 3.11. Its files are:\n"
        "  alpha-1.0-py3-none-any.whl\n"
        "Require a version that has one, or leave this system or Python version out of the lock.\n"
    )


def test_an_sdist_of_a_package_that_nobody_needs(workplace: Workplace) -> None:
    workplace.project("dependencies = []")
    assert refused(workplace, "--sdist", "alpha") == (
        "--sdist alpha: no group of the project needs 'alpha'.\nCheck the spelling.\n"
    )


@pytest.mark.parametrize("hashes", [True, False], ids=["hash on the page", "no hash on the page"])
def test_the_index_has_another_content_than_the_lock(workplace: Workplace, *, hashes: bool) -> None:
    old = sha256(workplace.index.wheel("alpha", "1.0"))
    file = "alpha-1.0-py3-none-any.whl"
    entry = {"name": file, "url": f"https://index.invalid/{file}", "hashes": {"sha256": old}}
    lines = ['lock-version = "1.0"', 'created-by = "test"', "[[packages]]", 'name = "alpha"', 'version = "1.0"']
    lines.append(
        f"wheels = [{{name = {json.dumps(entry['name'])}, url = {json.dumps(entry['url'])}, hashes = {{sha256 = '{old}'}}}}]"
    )
    (workplace.directory / "pylock.toml").write_text("\n".join(lines))
    workplace.project('dependencies = ["alpha"]')
    new = sha256(workplace.index.wheel("alpha", "1.0", "beta"))
    workplace.index.write_page("alpha", hashes=hashes)
    where = (workplace.index.root / "files" / file).as_uri()
    assert refused(workplace) == (
        f"{file} is not the file that was locked: sha256 {new}\n"
        f"from {where},\n"
        f"but expected {old}.\n"
        "Somebody replaced it, or the lock was edited. Ask who runs the index; only then lock again.\n"
    )


def test_none_of_the_hashes_is_on_the_index(workplace: Workplace) -> None:
    found = sha256(workplace.index.wheel("alpha", "1.0"))
    pin(workplace, f"alpha==1.0 --hash=sha256:{'0' * 64} --hash=sha256:{'1' * 64}")
    workplace.project('dependencies = ["alpha"]')
    assert f"alpha-1.0-py3-none-any.whl is not the file that was locked: sha256 {found}\n" in refused(workplace)


def test_a_file_is_gone_from_the_index(workplace: Workplace) -> None:
    (workplace.directory / "poetry.lock").write_text(
        '[[package]]\nname = "alpha"\nversion = "1.0"\n'
        f'files = [{{file = "alpha-1.0-py3-none-any.whl", hash = "sha256:{"0" * 64}"}}]\n'
        '[metadata]\nlock-version = "2.1"\n'
    )
    workplace.index.wheel("alpha", "2.0")
    workplace.project('dependencies = ["alpha"]')
    assert refused(workplace) == (
        "No index lists alpha-1.0-py3-none-any.whl of 'alpha'; among the 1 files listed are: "
        "alpha-2.0-py3-none-any.whl.\n"
        "Add the index that has it to pip's configuration, or lock again with --upgrade.\n"
    )


def test_an_unknown_group_is_included(workplace: Workplace) -> None:
    workplace.project('[dependency-groups]\ntest = []\ndev = [{ include-group = "tests" }]\n')
    assert refused(workplace) == (
        ".../pyproject.toml:6: the dependency group 'dev' includes the unknown group 'tests'.\n"
        "Known groups: dev, test.\n"
    )


def test_groups_that_include_each_other(workplace: Workplace) -> None:
    workplace.project('[dependency-groups]\na = [{ include-group = "b" }]\nb = [{ include-group = "a" }]\n')
    assert refused(workplace) == (
        ".../pyproject.toml: [dependency-groups]: Cyclic dependency group include while resolving a: a -> b, b -> a.\n"
        "Correct the group (PEP 735).\n"
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            "[dependency-groups]\ntest = 3\n",
            ":5: the dependency group 'test' is not a list.\nWrite test = [\"...\"].\n",
        ),
        (
            "[dependency-groups]\ndefault = []\n",
            (
                ":5: a dependency group is called 'default'.\n"
                "That name stands for project.dependencies in cloche.lock: choose another.\n"
            ),
        ),
        (
            'dependencies = ["numpy>>2"]',
            (
                ":4: 'numpy>>2' in project.dependencies is not a requirement: "
                "Expected semicolon (after name with no version specifier) or end.\n"
                'Write it as PEP 508 says, such as "numpy>=2".\n'
            ),
        ),
        (
            'dependencies = "numpy"',
            ': project.dependencies is not a list of strings.\nWrite project.dependencies = ["..."].\n',
        ),
        (
            'dynamic = ["dependencies"]',
            ":4: project.dependencies is dynamic.\nCloche runs no build to lock: write them into pyproject.toml.\n",
        ),
        (
            'requires-python = "3.11"',
            ":4: requires-python '3.11' is not a version specifier.\nWrite for example \">=3.11\".\n",
        ),
        (
            'dependencies = ["alpha @ git+https://example.invalid/alpha"]',
            (
                ":4: 'alpha @ git+https://example.invalid/alpha' in project.dependencies is unsupported "
                "because not addressable by name and hash.\n"
                'Publish alpha on an index (a folder of wheels will do) and write "alpha==VERSION".\n'
            ),
        ),
        (
            '[tool.cloche.build-requires]\nalpha = "cython"\n',
            (
                ": tool.cloche.build-requires.alpha is not a list of strings.\n"
                'Write tool.cloche.build-requires.alpha = ["..."].\n'
            ),
        ),
    ],
)
def test_faults_of_pyproject(workplace: Workplace, table: str, message: str) -> None:
    workplace.project(table)
    assert refused(workplace) == f".../pyproject.toml{message}"


def test_a_build_system_without_requires(workplace: Workplace) -> None:
    workplace.project("dependencies = []", build="\n[build-system]\n")
    assert refused(workplace) == (
        '.../pyproject.toml:5: [build-system] has no requires.\nPEP 518 demands it: add requires = ["..."].\n'
    )


def test_a_project_without_a_name(workplace: Workplace) -> None:
    (workplace.directory / "pyproject.toml").write_text("[tool.other]\n")
    assert refused(workplace) == ('.../pyproject.toml: there is no project.name.\nAdd [project] with name = "...".\n')


def test_no_pyproject(workplace: Workplace) -> None:
    assert refused(workplace) == ".../pyproject.toml cannot be read: No such file or directory.\n"


def test_malformed_toml(workplace: Workplace) -> None:
    workplace.project('dependencies = ["alpha"', build="")
    assert refused(workplace) == (".../pyproject.toml:4:24: not valid TOML: unclosed array.\nCorrect the file.\n")
    workplace.project("dependencies = []\nversion = = 1")
    assert refused(workplace) == (".../pyproject.toml:5:11: not valid TOML: invalid value.\nCorrect the file.\n")


def test_not_utf_8(workplace: Workplace) -> None:
    (workplace.directory / "pyproject.toml").write_bytes(b'[project]\nname = "caf\xe9"\n')
    assert refused(workplace) == (".../pyproject.toml:2:12: byte 0xe9 is not UTF-8.\nSave the file as UTF-8.\n")


def test_malformed_cloche_lock(workplace: Workplace) -> None:
    workplace.project("dependencies = []")
    path = workplace.directory / "cloche.lock"
    path.write_text('{\n "version": x\n}\n')
    assert refused(workplace) == (
        ".../cloche.lock:2:13: not valid JSON: expecting value.\n"
        "Correct the file, or restore it from version control.\n"
    )
    path.write_text('{"version": 1, "project": "demo"}')
    assert refused(workplace) == (
        ".../cloche.lock: the key 'requires-python' is missing.\n"
        "Restore the file from version control, or delete it and run `cloche lock`.\n"
    )


def test_unsupported_cloche_lock(workplace: Workplace) -> None:
    workplace.project("dependencies = []")
    (workplace.directory / "cloche.lock").write_text('{"version": 2}')
    assert refused(workplace) == (
        ".../cloche.lock: lock version 2 is not supported (known: 1).\n"
        "Use the Cloche that wrote it, or delete the file and run `cloche lock`.\n"
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "uv.lock",
            "version = 7\n",
            "7 is not supported (known: 1).\nRun `uv lock` with a uv that writes version 1.\n",
        ),
        (
            "poetry.lock",
            '[metadata]\nlock-version = "3.0"\n',
            "'3.0' is not supported (known: 1.x, 2.x).\nRun `poetry lock` with Poetry 2.\n",
        ),
        (
            "pylock.toml",
            'lock-version = "2.0"\ncreated-by = "x"\npackages = []\n',
            (
                "'2.0' is not supported (known: 1.0).\n"
                "Write it again with the tool that made it, such as `uv export --format pylock.toml`.\n"
            ),
        ),
    ],
)
def test_unsupported_foreign_lock(workplace: Workplace, name: str, text: str, message: str) -> None:
    workplace.project("dependencies = []")
    (workplace.directory / name).write_text(text)
    assert refused(workplace) == f".../{name}: lock version {message}"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "uv.lock",
            "version = 1\n[[package]\n",
            ":2:10: not valid TOML: expected ']]' at the end of an array declaration",
        ),
        ("uv.lock", "version = 1\n[[package]]\n", ": not as uv writes it (KeyError: 'name')"),
        (
            "poetry.lock",
            '[metadata]\nlock-version = "2.1"\n[[package]]\nname = "a"\n',
            ": not as Poetry writes it (KeyError: 'version')",
        ),
        ("pylock.toml", 'lock-version = "1.0"\n', ": Missing required value in 'created-by'"),
    ],
)
def test_malformed_foreign_lock(workplace: Workplace, name: str, text: str, message: str) -> None:
    workplace.project("dependencies = []")
    (workplace.directory / name).write_text(text)
    assert refused(workplace).startswith(f".../{name}{message}.\n")


@pytest.mark.parametrize(
    "file",
    [
        "../alpha-1.0-py3-none-any.whl",
        "/alpha-1.0-py3-none-any.whl",
        "a\\\\b.whl",
        "alpha-1.0\\u0007.whl",
        "..",
        "",
    ],
)
def test_a_file_name_that_leads_out_of_the_environment(workplace: Workplace, file: str) -> None:
    workplace.project('dependencies = ["alpha"]')
    (workplace.directory / "poetry.lock").write_text(
        f'[[package]]\nname = "alpha"\nversion = "1.0"\nfiles = [{{file = "{file}", hash = "sha256:00"}}]\n'
        '[metadata]\nlock-version = "2.1"\n'
    )
    plain = json.loads(f'"{file}"')
    assert refused(workplace) == (
        f"{plain!r} (in poetry.lock) is not a plain file name: it is empty, too long, hidden, or has a\n"
        "separator or control character, and could lead out of the environment.\n"
        "Make the lock again from an index that you trust.\n"
    )


def test_a_file_name_in_cloche_lock_that_leads_out(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    workplace.locked()
    path = workplace.directory / "cloche.lock"
    path.write_text(path.read_text().replace("alpha-1.0-py3", "../alpha-1.0-py3"))
    assert refused(workplace).startswith("'../alpha-1.0-py3-none-any.whl' (in cloche.lock) is not a plain file name")


def test_a_file_of_another_package(workplace: Workplace) -> None:
    workplace.project('dependencies = ["alpha"]')
    (workplace.directory / "poetry.lock").write_text(
        '[[package]]\nname = "alpha"\nversion = "1.0"\nfiles = [{file = "beta-1.0-py3-none-any.whl", hash = "sha256:00"}]\n'
        '[metadata]\nlock-version = "2.1"\n'
    )
    assert refused(workplace) == (
        "poetry.lock: 'beta-1.0-py3-none-any.whl' is listed for alpha, but is not the name of a wheel or sdist of it.\n"
        "Make that lock again with the tool that wrote it.\n"
    )


AGAIN = "Write it again, such as by `uv pip compile --generate-hashes`.\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("beta==1.0", f"'beta==1.0' has no sha256 hash.\n{AGAIN}"),
        (f"beta==1.0 --hash=md5:{'0' * 32}", f"'beta==1.0' has no sha256 hash.\n{AGAIN}"),
        (f"beta>=1 --hash=sha256:{'0' * 64}", f"'beta>=1' does not name one version (NAME==VERSION).\n{AGAIN}"),
        (
            "beta=1",
            "'beta=1' is not a requirement: Expected semicolon (after name with no version specifier) or end.\n"
            + AGAIN,
        ),
        (
            "-r other.txt",
            "the option '-r' is not supported in a lock.\nWrite one complete file, without includes and constraints.\n",
        ),
        (
            "-e .",
            f"'-e .' is unsupported because not addressable by name and hash.\n{FOLDER} and require NAME==VERSION.\n",
        ),
        (
            "beta @ https://index.invalid/beta-1.0.tar.gz",
            (
                "'beta @ https://index.invalid/beta-1.0.tar.gz' is unsupported because not addressable by name and hash.\n"
                f"{FOLDER} and require NAME==VERSION.\n"
            ),
        ),
    ],
)
def test_lines_of_requirements_that_cannot_be_obeyed(workplace: Workplace, line: str, message: str) -> None:
    workplace.project("dependencies = []")
    pin(
        workplace, "--index-url https://index.invalid/simple", f"alpha==1 \\\n  --hash=sha256:{'0' * 64}  # a", "", line
    )
    assert refused(workplace) == f".../requirements.txt:5: {message}"


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ('{ git = "https://index.invalid/alpha#00" }', "a git repository (https://index.invalid/alpha#00)"),
        ('{ url = "https://index.invalid/alpha.whl" }', "a URL (https://index.invalid/alpha.whl)"),
        ('{ editable = "../alpha" }', "the folder '../alpha'"),
    ],
)
def test_sources_in_uv_lock(workplace: Workplace, source: str, what: str) -> None:
    workplace.project('dependencies = ["alpha"]')
    (workplace.directory / "uv.lock").write_text(
        f'version = 1\n[[package]]\nname = "alpha"\nversion = "1.0"\nsource = {source}\n'
    )
    assert refused(workplace) == (
        f"uv.lock: alpha comes from {what}: unsupported because not addressable by name and hash.\n"
        f'{FOLDER} and require "alpha==1.0".\n'
    )


@pytest.mark.parametrize(("kind", "what"), [("git", "a git repository"), ("directory", "a folder"), ("file", "a path")])
def test_sources_in_poetry_lock(workplace: Workplace, kind: str, what: str) -> None:
    workplace.project('dependencies = ["alpha"]')
    (workplace.directory / "poetry.lock").write_text(
        f'[[package]]\nname = "alpha"\nversion = "1.0"\n[package.source]\ntype = "{kind}"\nurl = "../alpha"\n'
        '[metadata]\nlock-version = "2.1"\n'
    )
    assert refused(workplace) == (
        f"poetry.lock: alpha comes from {what} (../alpha): unsupported because not addressable by name and hash.\n"
        f'{FOLDER} and require "alpha==1.0".\n'
    )


def test_a_repository_in_pylock(workplace: Workplace) -> None:
    workplace.project('dependencies = ["alpha"]')
    (workplace.directory / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "alpha"\n'
        f'vcs = {{ type = "git", url = "https://index.invalid/a", commit-id = "{"0" * 40}" }}\n'
    )
    assert refused(workplace) == (
        "pylock.toml: alpha comes from a repository: unsupported because not addressable by name and hash.\n"
        f'{FOLDER} and require "alpha==0".\n'
    )


def test_a_git_dependency_in_poetry_s_tables(workplace: Workplace) -> None:
    (workplace.directory / "pyproject.toml").write_text(
        '[tool.poetry]\nname = "demo"\n[tool.poetry.dependencies]\npython = "^3.11"\n'
        'alpha = { git = "https://index.invalid/alpha" }\n'
    )
    assert refused(workplace) == (
        ".../pyproject.toml:5: the dependency 'alpha' by git is unsupported because not addressable by name and hash.\n"
        f"{FOLDER} and give a version of 'alpha'.\n"
    )


@pytest.mark.parametrize("kind", ["git", "url", "path"])
def test_direct_sources_of_uv(workplace: Workplace, kind: str) -> None:
    workplace.project(f'dependencies = ["Alpha"]\n[tool.uv.sources]\nalpha = [{{ {kind} = "../alpha" }}]\n')
    assert refused(workplace) == (
        f".../pyproject.toml:6: 'alpha' by {kind} in tool.uv.sources is unsupported "
        "because not addressable by name and hash.\n"
        "Publish alpha on an index (a folder of wheels will do) and remove its source.\n"
    )


def test_conflicts_in_uv_lock(workplace: Workplace) -> None:
    workplace.project("dependencies = []")
    (workplace.directory / "uv.lock").write_text('version = 1\nconflicts = [[{ package = "demo", extra = "cpu" }]]\n')
    assert refused(workplace) == (
        ".../uv.lock:2: the lock declares conflicts between groups or extras, which is not supported.\n"
        "One environment holds one version of a package: remove [tool.uv] conflicts, or split the project.\n"
    )


def test_a_package_that_no_index_has(workplace: Workplace) -> None:
    pin(workplace, f"alpha==1.0 --hash=sha256:{'0' * 64}")
    workplace.project('dependencies = ["alpha"]')
    assert refused(workplace) == (
        "No index has the package 'alpha'.\n"
        "Check the spelling; if it lives on an index of your own, add that one to pip's extra-index-url.\n"
    )


def test_uv_explains_a_package_that_no_index_has(workplace: Workplace) -> None:
    workplace.project('dependencies = ["alpha"]')
    message = refused(workplace)
    assert message.startswith("The requirements of demo cannot be met together. uv says:\n")
    assert "alpha was not found in the package registry" in message


def test_uv_explains_a_conflict(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0", "beta<2")
    for version in ("1.0", "2.0"):
        workplace.index.wheel("beta", version)
    workplace.project('dependencies = ["alpha", "beta>=2"]')
    message = refused(workplace)
    assert message.startswith("The requirements of demo cannot be met together. uv says:\n")
    # uv breaks its lines by the terminal's width.
    words = " ".join(message.split())
    assert "because you require beta>=2, we can conclude that your requirements are unsatisfiable" in words


def closed_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_an_index_that_does_not_answer(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    where = f"http://127.0.0.1:{closed_port()}/simple"
    monkeypatch.setenv("PIP_INDEX_URL", where)
    pin(workplace, f"alpha==1.0 --hash=sha256:{'0' * 64}")
    workplace.project('dependencies = ["alpha"]')
    assert refused(workplace, code=3) == (
        f"The index at {where}/alpha/ cannot be used: [Errno 111] Connection refused.\n"
        "Check the network, and the index-url, extra-index-url, find-links, cert and proxy that\n"
        "`pip config list` shows.\n"
    )


def test_an_index_that_does_not_answer_uv(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    where = f"http://user:secret@127.0.0.1:{closed_port()}/simple"
    monkeypatch.setenv("PIP_INDEX_URL", where)
    workplace.project('dependencies = ["alpha"]')
    message = refused(workplace, code=3)
    assert message.startswith("No index could be reached to resolve the requirements of demo. uv says:\n")
    assert "secret" not in message
    assert message.endswith(
        "Check the network, and the index-url, extra-index-url, find-links, cert and proxy that\n"
        "`pip config list` shows.\n"
    )


def test_uv_is_not_installed(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    import uv

    def nothing() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(uv, "find_uv_bin", nothing)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    workplace.project('dependencies = ["alpha"]')
    assert refused(workplace, code=3) == (
        "uv is not installed beside this Python.\nInstall it with `python -m pip install uv`.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--system", "riscv64-linux"),
            "'riscv64-linux' is not a system that Cloche can lock for.\nChoose from: x86_64-linux, aarch64-linux.\n",
        ),
        (("--python", "3"), "'3' is not a Python version.\nGive major and minor, such as --python 3.11.\n"),
    ],
)
def test_unknown_targets(workplace: Workplace, arguments: tuple[str, ...], message: str) -> None:
    workplace.project("dependencies = []")
    assert refused(workplace, *arguments) == message


def test_a_lock_that_cannot_be_written_leaves_the_former(workplace: Workplace) -> None:
    workplace.project("dependencies = []")
    (workplace.directory / "cloche.lock").mkdir()
    assert refused(workplace) == ".../cloche.lock cannot be read: it is a folder, and only regular files are read.\n"


def test_a_wheel_with_the_metadata_of_two_packages(workplace: Workplace) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for folder in ("alpha-1.0.dist-info", "beta-1.0.dist-info"):
            archive.writestr(f"{folder}/METADATA", "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n")
    content = workplace.index.add("alpha", "alpha-1.0-py3-none-any.whl", buffer.getvalue())
    pin(workplace, f"alpha==1.0 --hash=sha256:{sha256(content)}")
    workplace.project('dependencies = ["alpha"]')
    assert refused(workplace) == (
        "alpha-1.0-py3-none-any.whl: the wheel cannot be read: there are 2 METADATA in it.\n"
        "Use another version of the package.\n"
    )


def test_a_wheel_without_metadata(workplace: Workplace) -> None:
    content = workplace.index.add("alpha", "alpha-1.0-py3-none-any.whl", b"PK\x05\x06" + b"\0" * 18)
    pin(workplace, f"alpha==1.0 --hash=sha256:{sha256(content)}")
    workplace.project('dependencies = ["alpha"]')
    assert refused(workplace) == (
        "alpha-1.0-py3-none-any.whl: the wheel cannot be read: there is no METADATA in it.\n"
        "Use another version of the package.\n"
    )


def test_check_names_what_differs(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]\n[dependency-groups]\nold = []\n')
    assert refused(workplace, "--check", code=1) == (
        ".../cloche.lock is stale:\n  there is no cloche.lock\nRun `nix run .#lock`.\n"
    )
    workplace.locked()
    before = (workplace.directory / "cloche.lock").read_bytes()
    workplace.project(
        'requires-python = ">=3.11"\ndependencies = ["alpha>=2", "beta"]\n[dependency-groups]\nnew = []\n'
    )
    (workplace.directory / "uv.lock").write_text("version = 1\n")
    assert refused(workplace, "--check", "--system", "x86_64-linux", "--system", "aarch64-linux", code=1) == (
        ".../cloche.lock is stale:\n"
        "  pyproject.toml changed\n"
        "  uv.lock is new, and is to be obeyed\n"
        "  requires-python is now '>=3.11', was ''\n"
        "  the group 'new' is not locked\n"
        "  the group 'old' is gone\n"
        "  alpha>=2 of the group 'default' is not met by 1.0\n"
        "  beta of the group 'default' is not locked\n"
        "  aarch64-linux, Python 3.11 is not locked\n"
        "Run `nix run .#lock`.\n"
    )
    assert (workplace.directory / "cloche.lock").read_bytes() == before


def test_check_is_content_with_a_fresh_lock(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    workplace.locked()
    outcome = workplace.lock("--check")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == f"{workplace.directory / 'cloche.lock'} is up to date.\n"


def test_the_message_names_the_file_as_the_user_did(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace.directory)
    assert workplace.run("lock").err == "error: pyproject.toml cannot be read: No such file or directory.\n"
    assert Path.cwd() == workplace.directory
