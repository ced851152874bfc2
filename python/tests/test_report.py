"""The report: what is in it, what it links to, what hostile names become, and what is refused."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cloche.report import artifacts, markdown
from cloche.untrusted import limits
from conftest import Outcome
from report_samples import Sample, put

SCHEMA = json.loads((Path(artifacts.__file__).parent / "schema.json").read_text())
HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)> {{ 7 * 7 }} [x](javascript:alert) `|` @you &amp; <!--"
SECTIONS = [
    *["tests", "selection", "lint", "types", "chaos", "regression", "performance", "profiles", "components"],
    *["provenance", "reproducibility"],
]
Run = Callable[..., Outcome]


class Page(HTMLParser):
    """What a browser's parser would see: elements with the names of their attributes, ids, links and texts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.named: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src"}:
                self.links.append(value or "")
            if name in {"aria-labelledby", "for"}:
                self.named += (value or "").split()

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.texts.append(data)


def page_of(folder: Path) -> Page:
    return Page((folder / "index.html").read_text())


@pytest.fixture
def write(tmp_path: Path, run: Run) -> Callable[..., Path]:
    """Write a report into a folder, which must succeed."""

    def written(options: list[str], name: str = "report") -> Path:
        outcome = run("report", "--project", "a", "--output", str(tmp_path / name), *options)
        assert outcome.code == 0, outcome.err
        assert outcome.out == f"{tmp_path / name}/index.html\n"
        return tmp_path / name

    return written


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return Sample(tmp_path / "sample")


def test_all_that_is_known_is_there_and_every_link_leads_somewhere(write: Callable[..., Path], sample: Sample) -> None:
    folder = write(sample.everything())
    data = json.loads((folder / "report.json").read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    assert data["order"] == SECTIONS
    assert data["verdict"] == "fails"
    page = page_of(folder)
    assert [name for name in page.ids if name in SECTIONS] == SECTIONS
    assert [name for name, count in Counter(page.ids).items() if count > 1] == []
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        else:
            assert link == "data:," or (folder / link).is_file(), link
    assert set(page.named) <= set(page.ids)
    # Nothing is loaded from elsewhere.
    assert "://" not in "".join(page.links)
    for each in data["artifacts"]:
        path = folder / each["link"]
        kept = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert hashlib.sha256(kept).hexdigest() == each["sha256"]
        assert Path(each["source"]).read_bytes() == kept
    assert {name for section in data["sections"].values() for name in section["sources"]} == {
        each["id"] for each in data["artifacts"]
    }


def test_every_number_of_a_table_links_to_where_it_is_from(write: Callable[..., Path], sample: Sample) -> None:
    folder = write(sample.everything())
    text = (folder / "index.html").read_text()
    cells = re.findall(r'<td class="r">(.*?)</td>', text, re.DOTALL)
    assert len(cells) > 60
    plain = [cell for cell in cells if re.search(r"[0-9]", re.sub("<[^>]*>", "", cell)) and "href=" not in cell]
    # The overview of artifacts has their own sizes, and what is no evidence has what the options allow.
    assert all(re.fullmatch(r"[0-9.]+ (B|KiB|MiB)", cell) for cell in plain), plain
    assert "plot-trend-1" in page_of(folder).ids


def test_the_facts_are_those_of_the_artifacts(write: Callable[..., Path], sample: Sample) -> None:
    data = json.loads((write(sample.everything()) / "report.json").read_text())
    assert {name: (each["verdict"], each["summary"]) for name, each in data["sections"].items()} == {
        "tests": ("passes", "2 passed, 1 skipped"),
        "selection": ("attention", "1 selected, 2 left out"),
        "lint": ("passes", "1 of 1 command passed"),
        "types": ("fails", "1 of 2 commands passed"),
        "chaos": ("fails", "5 of 6 survived; at least 17.5% with 95 % confidence"),
        "regression": ("fails", "2 experiments: 1 regressed, 1 incomparable"),
        "performance": ("fails", "1 slower"),
        "profiles": ("shown", "1 profile, 812 samples"),
        "components": ("fails", "2 components: 1 Python, 1 other; 1 finding in 1 audited, 1 not audited"),
        "provenance": ("shown", "statements about default"),
        "reproducibility": ("fails", "1 of 2 outputs came out the same"),
    }
    first, second, third = data["sections"]["tests"]["facts"]["tests"]
    assert first == {
        "test": "tests.test_a::test_0[plain]",
        "outcome": "passed",
        "seconds": 0.0,
        "selection": {"state": "selected", "reason": "it ran plain"},
        "before": {"runs": 12, "failures": 3, "changes": 5},
        "chaos": {"survived": 1, "seeds": 2},
    }
    assert second["selection"] == {"state": "left out", "reason": "cannot reach the change"}
    assert (third["outcome"], third["message"]) == ("skipped", "why plain")
    measured = data["sections"]["performance"]
    assert measured["reasons"] == ["fit: test_fit plain: 5 % more plain", "1 change of level in the history"]
    assert [(each["benchmark"], each["unit"], each["case"]) for each in measured["facts"]["history"]] == [
        ("fit", "seconds", "test_fit plain")
    ]
    assert measured["facts"]["constant"] == [{"benchmark": "fit", "unit": "instructions", "values": 1, "results": 12}]
    assert data["sections"]["regression"]["reasons"] == [
        "new: incomparable; there is no baseline",
        "search: regressed; 1 number differs plain",
        "1 change of level in the history",
    ]


def test_what_is_not_there_is_left_out(write: Callable[..., Path], sample: Sample) -> None:
    folder = write(sample.tests()[:1])
    data = json.loads((folder / "report.json").read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    assert (data["order"], data["verdict"]) == (["tests"], "passes")
    text = (folder / "index.html").read_text()
    assert "Seconds" not in text
    assert "Survived" not in text
    # No plot, so no library for plots.
    assert not (folder / "assets").exists()


def test_a_failed_test_is_the_first_thing_to_see(write: Callable[..., Path], sample: Sample) -> None:
    sample.outcomes = ["passed"] * 150 + ["failed"]
    folder = write(sample.tests())
    data = json.loads((folder / "report.json").read_text())
    section = data["sections"]["tests"]
    assert (section["verdict"], section["reasons"]) == ("fails", ["failed tests.test_a::test_150[plain]: why plain"])
    rows = (folder / "index.html").read_text().split("<tbody>")[2]
    assert rows.index("test_150") < rows.index("test_0")
    assert "❌ fails" in (folder / "report.md").read_text().splitlines()[0]


def test_hostile_texts_are_texts(write: Callable[..., Path], sample: Sample, tmp_path: Path) -> None:
    plain = page_of(write(sample.everything(), "plain"))
    folder = write(Sample(tmp_path / "strange", HOSTILE).everything(), "hostile")
    hostile = page_of(folder)
    # The same elements with the same attributes, one after another: no text has become markup.
    assert hostile.elements == plain.elements
    assert not [name for _, names in hostile.elements for name in names if name.startswith("on")]
    shown = "".join(hostile.texts)
    assert "<img src=x onerror=alert(2)> {{ 7 * 7 }}" in shown
    assert all(link.startswith(("#", "artifacts/", "assets/", "report.", "data:,")) for link in hostile.links)
    assert all(re.fullmatch(r"[A-Za-z0-9._/#,:-]+", link) for link in hostile.links)
    data = json.loads((folder / "report.json").read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    assert HOSTILE in data["sections"]["tests"]["facts"]["tests"][0]["test"]


def test_hostile_texts_are_no_markup_of_a_pull_request(
    write: Callable[..., Path], sample: Sample, tmp_path: Path
) -> None:
    plain = (write(sample.everything(), "plain") / "report.md").read_text()
    text = (write(Sample(tmp_path / "strange", HOSTILE).everything(), "hostile") / "report.md").read_text()
    assert len(text.splitlines()) == len(plain.splitlines())
    # Outside of code spans nothing is an element, a link, a cell or a name to tell.
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    for pattern in (r"(?<!\\)<", r"(?<!\\)\]\(", r"@y", "javascript:alert\\)[^\\\\]"):
        assert not re.search(pattern, outside), pattern
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} == {4}
    assert markdown.code("a`b``c|d") == "``` a`b``c\\|d ```"
    assert markdown.code("a\n# b") == "`a # b`"


def test_the_same_artifacts_give_the_same_bytes(sample: Sample, tmp_path: Path) -> None:
    options = sample.everything()
    digests = []
    for seed in ("0", "4242"):
        folder = tmp_path / f"report-{seed}"
        program = "import sys; from cloche.cli import main; sys.argv[0] = 'cloche'; main()"
        subprocess.run(
            [sys.executable, "-c", program, "report", f"--output={folder}", "--project=a", *options],
            env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True,
        )  # fmt: skip
        digests.append(
            {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        )
    assert digests[0].keys() == digests[1].keys()
    assert [name for name in digests[0] if digests[0][name] != digests[1][name]] == []


def test_large_artifacts_are_compressed_and_the_largest_only_named(
    write: Callable[..., Path], sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "PLAIN", 100)
    monkeypatch.setattr(artifacts, "ROOM", 400)
    data = json.loads((write(sample.tests()) / "report.json").read_text())
    links = {each["id"]: each["link"] for each in data["artifacts"]}
    assert links == {
        "tests/durations.json": "artifacts/tests/durations.json.gz",
        "tests/outcomes.json": "artifacts/tests/outcomes.json.gz",
    }
    monkeypatch.setattr(artifacts, "ROOM", 10)
    folder = write(sample.tests())
    assert {each["link"] for each in json.loads((folder / "report.json").read_text())["artifacts"]} == {None}
    assert not [link for link in page_of(folder).links if link.startswith("artifacts/")]


def broken(sample: Sample, name: str, change: Callable[[Any], object]) -> Path:
    """Change what is in one of the sample's files."""
    path = sample.folder / name
    return put(path, change(json.loads(path.read_text())))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("results/outcomes.json", b'{"tests": [', "is no JSON: Expecting value: line 1 column 12 (char 11)"),
        ("results/outcomes.json", b'{"tests": "\xff"}', ": byte 11 is no UTF-8"),
        ("results/outcomes.json", b"[]", ": the whole is a list, and not an object; it was not written by this Cloche; build it again"),
        ("results/outcomes.json", b"{}", ": its version is None, and this Cloche reads 1; make both with the same Cloche"),
        ("results/outcomes.json", b'{"version": 1}', ": the whole has no member 'tests'; it was not written by this Cloche; build it again"),
        (
            "results/outcomes.json",
            b'{"version": 1, "tests": [{"test": 1, "outcome": "passed", "message": ""}]}',
            ": tests[0].test is a whole number, and not a text; it was not written by this Cloche; build it again",
        ),
        (
            "results/outcomes.json",
            b'{"version": 1, "tests": [{"test": "t", "outcome": "fine", "message": ""}]}',
            ": tests[0].outcome is 'fine', and not one of passed, failed, error, flaky, skipped, xfailed; it was not written by this Cloche; build it again",
        ),
        ("results/outcomes.json", None, ": it cannot be read: No such file or directory"),
        ("durations.json", b'{"t": NaN}', ": NaN is no JSON number"),
        ("durations.json", b'{"t": true}', ": t is true or false, and not a number; it was not written by this Cloche; build it again"),
        ("selection.json", b'{"version": 3}', ": its version is 3, and this Cloche reads 2; make both with the same Cloche"),
        ("chaos-1/chaos.json", b'{"version": 1, "settings": {}}', ": settings has no member 'seed'; it was not written by this Cloche; build it again"),
        ("regression/search/comparison.json", b'{"version": 2}', ": its version is 2, and this Cloche reads 1; make both with the same Cloche"),
        ("performance/fit/performance.json", b'{"version": true}', ": its version is True, and this Cloche reads 1; make both with the same Cloche"),
        ("sbom/sbom.cdx.json", b'{"bomFormat": "SPDX"}', ": bomFormat is 'SPDX', and not one of CycloneDX; it was not written by this Cloche; build it again"),
        ("lint/commands.json", b'{"version": 1, "commands": [{"command": "ruff", "code": "0", "output": ""}]}', ": commands[0].code is a text, and not a whole number; it was not written by this Cloche; build it again"),
        ("audit.json", b"null", ": the whole is null, and not an object; it was not written by this Cloche; build it again"),
        ("provenance/default/provenance.json", b'{"_type": 3}', ": _type is a whole number, and not a text; it was not written by this Cloche; build it again"),
        ("reproduce.json", b'{"version": 1}', ": its version is 1, and this Cloche reads 2; make both with the same Cloche"),
        ("history.json", b'{"a": 1, "a": 2}', ": the name 'a' stands twice in one object, which readers understand differently"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(run: Run, tmp_path: Path, name: str, data: bytes | None, message: str) -> None:
    sample = Sample(tmp_path / "sample")
    options = sample.everything()
    path = sample.folder / name
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    outcome = run("report", "--output", str(tmp_path / "report"), *options)
    separator = "" if message.startswith(":") else " "
    assert (outcome.code, outcome.err) == (2, f"error: {path}{separator}{message}\n")
    assert not (tmp_path / "report").exists()


def test_absurd_sizes_and_what_is_no_file_are_refused(
    run: Run, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = sample.tests()
    outcomes = sample.folder / "results/outcomes.json"
    monkeypatch.setattr(limits, "REPORT", limits.REPORT._replace(bytes=10))
    outcome = run("report", "--output", str(tmp_path / "report"), *options)
    assert (outcome.code, outcome.err) == (
        2,
        f"error: {outcomes}: it cannot be read: it has more than 10 bytes, and no more are read\n",
    )
    monkeypatch.setattr(limits, "REPORT", limits.REPORT._replace(bytes=1000, depth=2))
    outcome = run("report", "--output", str(tmp_path / "report"), *options)
    assert (outcome.code, outcome.err) == (2, f"error: {outcomes}: nested more than 2 levels deep\n")
    outcomes.unlink()
    os.mkfifo(outcomes)
    outcome = run("report", "--output", str(tmp_path / "report"), *options)
    assert (outcome.code, outcome.err) == (
        2,
        f"error: {outcomes}: it cannot be read: it is a pipe, and only regular files are read\n",
    )


def test_what_does_not_belong_together_is_refused(run: Run, sample: Sample, tmp_path: Path) -> None:
    sample.everything()
    first = sample.folder / "chaos-1"
    again = put(sample.folder / "again/chaos.json", json.loads((first / "chaos.json").read_text())).parent
    tests = f"--tests={sample.folder}/results"
    for options, message in (
        ([], "there is nothing to report: name at least one artifact, such as --tests (docs/report.md)"),
        (
            [f"--chaos={first}"],
            f"{first}: chaos is judged beside the tests without it, and none are named; name the tests as well",
        ),
        (
            [tests, f"--chaos={first}", f"--chaos={again}"],
            f"{again}/chaos.json: it is about the same as {first}/chaos.json; name each file once",
        ),
        (
            [f"--audit={sample.folder}/audit.json"],
            f"{sample.folder}/audit.json: an audit is of an SBOM, and none is named; name the SBOM as well",
        ),
        ([f"--regression={sample.folder}/sbom"], f"{sample.folder}/sbom: no folder in it has a comparison.json"),
        ([f"--regression={tmp_path}/none"], f"{tmp_path}/none: it cannot be listed: No such file or directory"),
    ):
        outcome = run("report", "--output", str(tmp_path / "report"), *options)
        assert (outcome.code, outcome.err) == (2, f"error: {message}\n")


@pytest.mark.parametrize(
    ("marker", "why"),
    [
        (None, "it has no cloche-report.json"),
        ("[]", 'its cloche-report.json has no "kind": "cloche-report"'),
        ('{"version": 1, "files": ["thesis.tex"]}', 'its cloche-report.json has no "kind": "cloche-report"'),
        (
            '{"kind": "cloche-report", "version": 2, "files": ["thesis.tex"]}',
            "its cloche-report.json is of version 2, and this Cloche knows 1",
        ),
        (
            '{"kind": "cloche-report", "version": 1}',
            '"files" in its cloche-report.json is no list of paths in the folder',
        ),
        *(
            (
                json.dumps({"kind": "cloche-report", "version": 1, "files": ["index.html", name]}),
                '"files" in its cloche-report.json is no list of paths in the folder',
            )
            for name in ("../precious", "/precious", "a/../../precious", "", ".", "a//b", 7)
        ),
        (
            "{",
            "cloche-report.json is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
    ],
)
def test_a_folder_with_somebodys_work_is_refused_and_nothing_in_it_is_touched(
    run: Run, sample: Sample, tmp_path: Path, marker: str | None, why: str
) -> None:
    """`reproduce` and `audit` tell their users to write a report.json into their project."""
    mine = tmp_path / "top/mine"
    put(mine / "report.json", {"verdict": "identical"})
    (mine / "thesis.tex").write_text("my thesis")
    (mine.parent / "precious").write_text("of mine")
    if marker is not None:
        (mine / "cloche-report.json").write_text(marker)
    before = {path: path.read_bytes() for path in mine.parent.rglob("*") if path.is_file()}
    outcome = run("report", "--output", str(mine), *sample.tests())
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        f"error: {mine} is there and is no report of Cloche ({why}), so nothing in it is touched; name another folder: --output\n"
    )
    assert {path: path.read_bytes() for path in mine.parent.rglob("*") if path.is_file()} == before


def test_what_stands_beside_a_report_stays_there(write: Callable[..., Path], sample: Sample) -> None:
    folder = write(sample.everything())
    listed = json.loads((folder / "cloche-report.json").read_text())
    assert sorted(listed["files"]) == sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    mine = {"notes.txt": "mine", "artifacts/chaos/notes.txt": "mine, too", "report.tex": "\\input"}
    for name, text in mine.items():
        (folder / name).write_text(text)
    assert write(sample.tests()) == folder
    # The control: all else of the former report is gone.
    listed = json.loads((folder / "cloche-report.json").read_text())
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {*listed["files"], *mine}
    assert {name: (folder / name).read_text() for name in mine} == mine


def test_a_report_replaces_the_one_before(write: Callable[..., Path], sample: Sample) -> None:
    write(sample.everything())
    folder = write(sample.tests())
    assert not (folder / "artifacts/chaos").exists()
    assert (folder / "index.html").exists()
    assert [path.name for path in folder.parent.glob(".*")] == []


def test_the_history_comes_from_a_telemetry_store(
    run: Run, sample: Sample, tmp_path: Path, write: Callable[..., Path]
) -> None:
    options = sample.tests()
    store = f"--store={tmp_path}/telemetry.sqlite"
    missing = run("report", "--project=a", store, "--save-history", str(tmp_path / "history.json"), *options)
    assert (missing.code, (tmp_path / "history.json").exists()) == (2, False)
    for day, outcomes in enumerate(
        (["passed"] * 3, ["failed", "passed", "passed"], ["passed", "passed", "skipped"]), start=1
    ):
        sample.outcomes = outcomes
        sample.tests()
        at = f"2026-01-0{day}T00:00:00Z"
        done = run(
            "telemetry",
            "import",
            str(sample.folder / "results"),
            store,
            "--project=a",
            f"--commit={day:040}",
            f"--at={at}",
        )
        assert done.code == 0, done.err
    done = run("report", "--project=a", store, "--save-history", str(tmp_path / "history.json"), *options)
    assert (done.code, done.err) == (0, f"wrote {tmp_path}/history.json\n")
    data = json.loads((tmp_path / "history.json").read_text())
    assert [(each["commit"][-1], each["passed"], each["failed"], each["skipped"]) for each in data["revisions"]] == [
        ("1", 3, 0, 0),
        ("2", 2, 1, 0),
        ("3", 2, 0, 1),
    ]
    assert data["tests"][sample.test(0)] == [3, 1, 2]
    assert data["tests"][sample.test(2)] == [2, 0, 0]
    # The file and the store say the same.
    from_store = json.loads((write([*options, store], "one") / "report.json").read_text())
    from_file = json.loads((write([*options, f"--history={tmp_path}/history.json"], "two") / "report.json").read_text())
    assert from_store["sections"] == from_file["sections"]
    assert from_store["sections"]["tests"]["facts"]["tests"][0]["before"] == {"runs": 3, "failures": 1, "changes": 2}
    other = run("report", "--project=b", store, *options)
    assert (other.code, other.err) == (
        2,
        "error: the store has no run and no result of 'b'; import some (nix run .#telemetry -- import ...), or name another --project\n",
    )
