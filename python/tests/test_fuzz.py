"""What fuzzing once found, and inputs that each parser reads: none ends in an exception that nobody documented."""

import pytest

from fuzz_targets import CORPUS, TARGETS, run


@pytest.mark.parametrize("name", TARGETS)
def test_each_parser_reads_its_seeds_and_refuses_what_was_found(name: str) -> None:
    target = TARGETS[name]
    parser = target.make()
    outcomes = {run(parser, seed) for seed in target.seeds()}
    # A target that refuses everything would show nothing.
    # No bundle of ours has a certificate that sigstore's public instance made.
    assert "read" in outcomes or name == "bundle", outcomes
    for path in sorted((CORPUS / name).glob("*")):
        run(parser, path.read_bytes())


def test_corpus_belongs_to_targets() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= TARGETS.keys()


def test_an_error_that_nobody_documented_comes_through() -> None:
    """The control: otherwise nothing above could fail."""

    def parser(data: bytes) -> object:
        return {b"": 0}[data]

    with pytest.raises(KeyError):
        run(parser, b"x")
