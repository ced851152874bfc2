"""The convergence plot: deterministic to the byte, and a picture of the right numbers."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from branin import search
from branin.errors import PlotFormatError
from branin.functions import MINIMUM
from branin.plot import check_format, convergence_plot
from branin.request import Request
from branin.results import Evaluation, Run, comparison_document, render

RUNS = tuple(
    search.run(Request(method, seed, 9)) for method in ("grid", "random") for seed in range(3)
)

DRAW = """
import hashlib, sys
from pathlib import Path
from branin.plot import convergence_plot
from branin.results import read_comparison

for suffix in (".png", ".svg"):
    print(hashlib.sha256(convergence_plot(read_comparison(Path(sys.argv[1])), suffix)).hexdigest())
"""

# A user's own settings, each of which would show in a picture.
SETTINGS = "lines.linewidth: 7\nsavefig.dpi: 30\nfont.size: 20\nsvg.fonttype: none\n"


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """Return both pictures of RUNS."""
    return [convergence_plot(RUNS, suffix) for suffix in (".png", ".svg")]


def test_same_bytes_in_another_process_and_environment(
    python: Callable[..., CompletedProcess[str]], tmp_path: Path, pictures: list[bytes]
) -> None:
    """Other hash seeds, time zones, dates, back ends and user settings."""
    (tmp_path / "results.json").write_bytes(render(comparison_document(RUNS)))
    (tmp_path / "matplotlibrc").write_text(SETTINGS)
    variables = {"PYTHONHASHSEED": "1", "TZ": "Asia/Kolkata", "LC_ALL": "C"}
    variables |= {"SOURCE_DATE_EPOCH": "1", "MPLBACKEND": "svg"}
    result = python("-c", DRAW, "results.json", folder=tmp_path, variables=variables)
    expected = [hashlib.sha256(picture).hexdigest() for picture in pictures]
    assert result.stdout.split() == expected, result.stderr


def test_settings_of_the_caller_are_neither_used_nor_changed(pictures: list[bytes]) -> None:
    """The same bytes again in a process whose user has other settings, which stay as they are."""
    with mpl.rc_context({"lines.linewidth": 7.0, "svg.hashsalt": "mine"}):
        assert [convergence_plot(RUNS, suffix) for suffix in (".png", ".svg")] == pictures
        assert mpl.rcParams["lines.linewidth"] == 7.0
        assert mpl.rcParams["svg.hashsalt"] == "mine"


def test_pictures_do_not_name_date_or_version(pictures: list[bytes]) -> None:
    """Neither in the metadata of SVG nor in that of PNG."""
    png, svg = pictures
    assert b"dc:date" not in svg
    assert mpl.__version__.encode() not in svg
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    for chunk in (b"tEXt", b"tIME", b"iTXt", mpl.__version__.encode()):
        assert chunk not in png


def curve(svg: bytes, colour: str) -> list[float]:
    """Return the heights of the step line with this colour, in the picture's units, downwards."""
    for path in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}path"):  # noqa: S314 - our own file
        style, data = path.get("style", ""), path.get("d", "")
        if colour.lower() in style and "fill: none" in style and data.count("L") > 1:
            return [float(height) for height in re.findall(r"[ML] \S+ (\S+)", data)][::2]
    pytest.fail(f"no curve with the colour {colour}")


def test_line_is_the_median_on_a_logarithmic_axis() -> None:
    """Regrets 100, 10 and 0.01 are one and three decades apart, whatever the other seeds do."""
    values = {0: (900.0, 10.0, 0.001), 1: (100.0, 10.0, 0.01), 2: (100.0, 10.0, 0.5)}
    runs = [
        Run("grid", seed, tuple(Evaluation((0.0, 0.0), MINIMUM + value) for value in regret))
        for seed, regret in values.items()
    ]
    first, second, third = curve(convergence_plot(runs, ".svg"), "#E69F00")
    assert (third - second) / (second - first) == pytest.approx(3, rel=1e-5)


def test_regret_of_zero_can_be_drawn() -> None:
    """A search that hits the minimum exactly, at last or at once."""
    runs = [Run("bayes", 0, (Evaluation((0.0, 0.0), 1.0), Evaluation((0.0, 0.0), MINIMUM)))]
    first, second = curve(convergence_plot(runs, ".svg"), "#0072B2")
    assert second > first
    at_once = [Run("bayes", 0, (Evaluation((0.0, 0.0), MINIMUM),) * 2)]
    assert convergence_plot(at_once, ".svg")


@pytest.mark.parametrize("name", ["plot.jpeg", "plot", "plot.SVG"])
def test_refuses_unknown_formats(name: str) -> None:
    """With the suffix that was wrong and those that are right."""
    with pytest.raises(PlotFormatError) as caught:
        check_format(Path(name), "--plot")
    assert str(caught.value) == (
        f"cannot draw {name!r} (option --plot): the suffix {Path(name).suffix!r} names no known "
        "format; end the name in .png or .svg"
    )
