"""The convergence plot. The same runs give the same bytes, whatever the user's own settings."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from branin.errors import PlotFormatError
from branin.results import Run, regrets

# A file's metadata holds neither the date nor the version that drew it.
_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Creator": None, "Date": None},
}

# Okabe and Ito's colours, which colour-blind people can tell apart; the dashes serve on paper.
_STYLES = {"bayes": ("#0072B2", "-"), "grid": ("#E69F00", "--"), "random": ("#009E73", ":")}

# A regret of zero has no place on a logarithmic axis.
_FLOOR = 1e-12


def check_format(path: Path, option: str) -> None:
    """Raise PlotFormatError, which names the option, unless the suffix is .png or .svg."""
    if path.suffix not in _METADATA:
        raise PlotFormatError(path, option, tuple(_METADATA))


def convergence_plot(runs: Sequence[Run], suffix: str) -> bytes:
    """Return a picture, as .png or .svg, of each method's regret after each evaluation.

    A line is the median over a method's runs, which have the same length; the band around it
    reaches from the best run to the worst.
    """
    with mpl.rc_context():
        # Not pyplot: it would choose a backend and keep the figure.
        mpl.rcdefaults()
        # SVG derives the names of its parts from this instead of a random number.
        mpl.rcParams["svg.hashsalt"] = "branin"
        figure = Figure(figsize=(7, 4.5), dpi=150)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for method in sorted({run.method for run in runs}):
            curves = [regrets(run) for run in runs if run.method == method]
            steps = [[max(regret, _FLOOR) for regret in step] for step in zip(*curves, strict=True)]
            counts = range(1, len(steps) + 1)
            colour, dashes = _STYLES[method]
            low, high = [min(step) for step in steps], [max(step) for step in steps]
            middle = [median(step) for step in steps]
            axes.step(counts, middle, dashes, color=colour, label=method, where="post")
            axes.fill_between(counts, low, high, color=colour, alpha=0.15, step="post", linewidth=0)
        axes.set_yscale("log")
        # Plain powers: the usual labels go through a formula parser, which costs most of the time.
        axes.yaxis.set_major_formatter("{x:.0e}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("evaluations of the Branin function")
        axes.set_ylabel("regret: best value so far minus the minimum")
        axes.set_title(f"Median and range, number of seeds: {len({run.seed for run in runs})}")
        axes.legend()
        picture = BytesIO()
        figure.savefig(picture, format=suffix.removeprefix("."), metadata=_METADATA[suffix])
    return picture.getvalue()
