"""The check of the documents' sentences counts words as a reader does, and is able to fail."""

from pathlib import Path
from typing import Any

import pytest

import sentences as house
from sentences import Sentence, main, mean, problems, sentences

SHORT = "This is a sentence of seven words. "
LONG = f"A {'very ' * 39}long one."  # 42 words
PAGE = """\
# A heading isn't a sentence

One two three. Four `five and more` six ([seven](eight.md)). Nine
ten, e.g. eleven

- twelve
- thirteen: `--all`.
  Fourteen? Yes!

| a table | isn't one |
|---|---|

```sh
nor is code. At all.
```

1. *Fifteen.* Sixteen
<!-- a comment is
not counted -->
2. seventeen - eighteen
"""


def test_words_are_counted_by_sentence_with_its_line() -> None:
    found = [(one.line, one.words) for one in sentences(PAGE)]
    assert found == [(3, 3), (3, 4), (3, 4), (6, 1), (7, 2), (8, 1), (8, 1), (17, 1), (17, 1), (20, 2)]


def test_the_mean_of_nothing_is_no_error() -> None:
    assert mean([]) == 0
    assert mean([Sentence(line=1, words=3), Sentence(line=2, words=4)]) == 3.5


def test_short_sentences_pass() -> None:
    assert problems({"README.md": SHORT * 50}, {}) == []


def test_a_long_sentence_fails_with_page_line_and_count() -> None:
    found = problems({"README.md": f"# Title\n\n{SHORT * 9}\n{LONG}\n"}, {})
    assert found == ["README.md:4: a sentence of 42 words; at most 40 are allowed"]


def test_a_sentence_of_forty_words_passes() -> None:
    assert problems({"README.md": f"{SHORT * 9}{LONG.replace('very ', '', 2)}"}, {}) == []


def test_a_mean_above_the_limit_fails() -> None:
    found = problems({"README.md": f"{'word ' * 26}. " * 3}, {})
    assert found == ["README.md: 26.0 words per sentence in the mean; at most 25 are allowed"]


def test_an_exception_allows_todays_figures_and_no_worse_ones() -> None:
    page = f"{SHORT * 9}{LONG}"
    assert problems({"a.md": page}, {"a.md": (25, 1)}) == []
    line = "a.md:1: a sentence of 42 words; at most 40 are allowed"
    assert problems({"a.md": f"{page}\n{LONG}"}, {"a.md": (25, 1)}) == [line, line.replace(":1:", ":2:")]
    assert problems({"a.md": f"{'word ' * 30}. "}, {"a.md": (29.5, 0)}) == [
        "a.md: 30.0 words per sentence in the mean; at most 29.5 are allowed"
    ]


def test_an_exception_follows_a_page_that_got_better() -> None:
    page = f"{SHORT * 9}{LONG}"
    where = "ci/house/sentences.py"
    assert problems({"a.md": page}, {"a.md": (27, 2)}) == [f"a.md got better; write (25, 1) for (27, 2) in {where}"]
    assert problems({"a.md": SHORT}, {"a.md": (27, 2)}) == [f"a.md needs no exception any more; take it out of {where}"]
    assert problems({}, {"a.md": (27, 2)}) == ["a.md: the exception is for no document"]


@pytest.fixture
def attributes(tmp_path: Path) -> dict[str, Any]:
    """Return what the derivation would give to main: a page, and a generated one that is not judged."""
    (tmp_path / "tree/docs").mkdir(parents=True)
    (tmp_path / "tree/README.md").write_text(SHORT * 2)
    (tmp_path / "tree/docs/options.md").write_text(LONG)
    return {"documents": str(tmp_path / "tree"), "outputs": {"out": str(tmp_path / "out")}}


def test_main_counts_and_fails(attributes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "EXCEPTIONS", {})
    main(attributes)
    assert Path(attributes["outputs"]["out"]).read_text() == "1 documents, 2 sentences\n"
    Path(attributes["documents"], "README.md").write_text(LONG)
    with pytest.raises(SystemExit, match=r"(?m)^README\.md:1: a sentence of 42 words; at most 40 are allowed$"):
        main(attributes)
    Path(attributes["documents"], "README.md").write_text("")
    with pytest.raises(SystemExit, match="nothing was checked"):
        main(attributes)
