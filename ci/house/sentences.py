"""Check that the documents' sentences are short: at most 25 words in the mean of a page, and 40 in any one.

Run inside a derivation over the repository's documents (checks/own/sentences.nix); `python ci/house/sentences.py` prints
the figures of each page. Standard library only. Code blocks, tables, headings and comments don't count; a span of inline
code or a link's address is one word at most. An item of a list ends a sentence.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEAN = 25
LONGEST = 40
# What the options' own texts say, which are judged where they are written.
GENERATED = frozenset({"docs/options.md"})
# Page -> (its mean, how many of its sentences are longer than LONGEST). A page can only get better: better figures are
# to be written here, and a page without a need is to be taken out.
EXCEPTIONS: Mapping[str, tuple[float, int]] = {}

FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]+\)")
SPAN = re.compile(r"`[^`]+`")
ITEM = re.compile(r"(?:[-*+]|\d+\.) ")
END = re.compile(r"[.!?)\]\"'*_]*[.!?][.!?)\]\"'*_]*")
ABBREVIATIONS = frozenset({"e.g.", "i.e.", "cf.", "vs.", "etc."})


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A sentence: the line on which it begins, counted from 1, and its number of words."""

    line: int
    words: int


def _blank(match: re.Match[str]) -> str:
    """Return the line ends of a match alone, so that the lines after it keep their numbers."""
    return "\n" * match[0].count("\n")


def _blocks(text: str) -> Iterator[list[tuple[str, int]]]:
    """Yield each paragraph and each item of a list, as its words with their lines."""
    text = COMMENT.sub(_blank, FENCE.sub(_blank, text))
    text = SPAN.sub(lambda match: "code" + _blank(match), text)
    text = LINK.sub(lambda match: match[1], text)
    block: list[tuple[str, int]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        plain = line.strip()
        if not plain or plain.startswith(("#", "|")) or ITEM.match(plain):
            yield block
            block = []
        if not plain.startswith(("#", "|")):
            block += [(word, number) for word in ITEM.sub("", plain, count=1).split()]
    yield block


def sentences(text: str) -> list[Sentence]:
    """Return the sentences of a document in their order."""
    found = []
    for block in _blocks(text):
        count, begin = 0, 0
        for position, (word, line) in enumerate(block):
            begin = begin or line
            count += any(letter.isalnum() for letter in word)
            ends = END.fullmatch(word[len(word.rstrip(".!?)]\"'*_")) :]) and word not in ABBREVIATIONS
            if (ends or position == len(block) - 1) and count:
                found.append(Sentence(line=begin, words=count))
                count, begin = 0, 0
    return found


def mean(found: list[Sentence]) -> float:
    """Return the mean number of words, to a tenth; 0 for a page without a sentence."""
    return round(sum(one.words for one in found) / len(found), 1) if found else 0.0


def problems(documents: Mapping[str, str], exceptions: Mapping[str, tuple[float, int]]) -> list[str]:
    """Return what is wrong in the documents (path -> text), one line each, sorted by document."""
    found = [f"{name}: the exception is for no document" for name in sorted(exceptions) if name not in documents]
    for name, text in sorted(documents.items()):
        found += _of_page(name, sentences(text), exceptions.get(name))
    return found


def _of_page(name: str, here: list[Sentence], exception: tuple[float, int] | None) -> list[str]:
    """Return what is wrong in one page, which may have an exception."""
    long = [one for one in here if one.words > LONGEST]
    figures = (max(mean(here), MEAN), len(long))
    allowed = exception or (MEAN, 0)
    found = []
    if figures[0] > allowed[0]:
        found.append(f"{name}: {mean(here)} words per sentence in the mean; at most {allowed[0]} are allowed")
    if figures[1] > allowed[1]:
        words = f"words; at most {LONGEST} are allowed"
        found += [f"{name}:{one.line}: a sentence of {one.words} {words}" for one in long]
    if exception and not long and mean(here) <= MEAN:
        return [f"{name} needs no exception any more; take it out of ci/house/sentences.py"]
    if exception and not found and figures != exception:
        return [f"{name} got better; write {figures} for {exception} in ci/house/sentences.py"]
    return found


def read(root: Path) -> dict[str, str]:
    """Return the documents below a folder by their paths, without those that are generated."""
    pages = ((str(path.relative_to(root)), path) for path in sorted(root.rglob("*.md")))
    return {name: path.read_text(encoding="utf-8") for name, path in pages if name not in GENERATED}


def main(attributes: dict[str, Any]) -> None:
    """Judge the documents below attributes["documents"]."""
    documents = read(Path(attributes["documents"]))
    if found := problems(documents, EXCEPTIONS):
        sys.exit("\n".join(found))
    total = sum(len(sentences(text)) for text in documents.values())
    if not total:
        sys.exit("there is no sentence, so nothing was checked")
    Path(attributes["outputs"]["out"]).write_text(f"{len(documents)} documents, {total} sentences\n")


if __name__ == "__main__":
    for page, content in read(Path()).items():
        listed = sentences(content)
        most = max((one.words for one in listed), default=0)
        print(f"{page}: {mean(listed)} words per sentence in the mean, {most} in the longest")
        for one in listed:
            if one.words > LONGEST:
                print(f"  line {one.line}: {one.words} words")
