"""The page of options says what was declared."""

from pathlib import Path
from typing import Any

from option_reference import main, page

SRC: dict[str, Any] = {
    "name": "cloche.src",
    "type": "absolute path",
    "description": "The project's folder.",
    "default": None,
    "example": "`./.`",
    "declarations": ["nix/project/default.nix"],
    "visible": True,
}
EXCLUDE = {**SRC, "name": "cloche.exclude", "default": '```nix\n[\n  "docs"\n]\n```', "example": None}
HIDDEN = {**SRC, "name": "cloche.build", "visible": False}
OUTPUT = {**SRC, "name": "packages", "description": "Derivations for `nix build`."}


def test_one_option() -> None:
    text = page([SRC])
    assert "- [`cloche.src`](#clochesrc)\n" in text
    expected = """\
## `cloche.src`

The project's folder.

- Type: absolute path
- Default: none: it must be set
- Example: `./.`
- Declared in: `nix/project/default.nix`
"""
    assert expected in text


def test_a_long_default_is_a_block_inside_the_item() -> None:
    assert '- Default:\n\n  ```nix\n  [\n    "docs"\n  ]\n  ```\n\n- Declared in' in page([EXCLUDE])


def test_internal_options_are_left_out_and_outputs_come_last() -> None:
    text = page([HIDDEN, OUTPUT, SRC])
    assert "cloche.build" not in text
    assert text.endswith("- `packages`: Derivations for `nix build`.\n")


def test_main_writes_the_page(tmp_path: Path) -> None:
    main({"options": [SRC], "outputs": {"out": str(tmp_path / "out")}})
    assert (tmp_path / "out/options.md").read_text() == page([SRC])
