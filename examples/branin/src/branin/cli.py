"""The command line. Each verb imports what it needs, so that `branin --help` is quick."""

from pathlib import Path

import click

from branin import __version__
from branin.errors import BraninError
from branin.request import METHODS, Request, all_requests

_FILE = click.Path(path_type=Path)


class _Verbs(click.Group):
    """A group whose verbs may raise BraninError."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb and turn a BraninError into a message and an exit code."""
        try:
            return super().invoke(ctx)
        except BraninError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="branin %(version)s")
def main() -> None:
    """Minimise the Branin function by Bayesian optimisation, and compare it with its rivals."""


_evaluations = click.option(
    "--evaluations", type=int, default=30, show_default=True, help="Budget of each search."
)


@main.command()
@click.option("--method", default="bayes", show_default=True, help=f"One of {', '.join(METHODS)}.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides all randomness.")
@_evaluations
@click.option("--output", type=_FILE, required=True, help="JSON file for the results.")
def run(method: str, seed: int, evaluations: int, output: Path) -> None:
    """Run one search."""
    from branin.files import check_destination, write_atomically

    request = Request(method, seed, evaluations)
    check_destination(output, "--output")

    from branin import search
    from branin.results import best_evaluation, regrets, render, run_document

    result = search.run(request)
    write_atomically(output, render(run_document(result)))
    best = best_evaluation(result)
    x1, x2 = result.evaluations[best].point
    click.echo(
        f"{method}, seed {seed}: {result.evaluations[best].value:.6f} at ({x1:.4f}, {x2:.4f}) "
        f"in evaluation {best + 1} of {evaluations}, regret {regrets(result)[-1]:.1e}"
    )


@main.command()
@click.option("--seed", type=int, default=0, show_default=True, help="The first seed.")
@click.option("--repeats", type=int, default=5, show_default=True, help="Number of seeds.")
@_evaluations
@click.option("--output", type=_FILE, required=True, help="JSON file for the results.")
@click.option("--plot", type=_FILE, help="Convergence plot, .png or .svg.")
@click.option(
    "--archive", type=_FILE, help="SQLite file of finished runs, which are not run again."
)
def compare(  # noqa: PLR0913, PLR0917 - the options of the command
    seed: int, repeats: int, evaluations: int, output: Path, plot: Path | None, archive: Path | None
) -> None:
    """Run every method with several seeds."""
    from branin.files import check_destination, write_atomically

    requests = all_requests(seed, repeats, evaluations)
    check_destination(output, "--output")
    if plot is not None:
        check_destination(plot, "--plot")

        from branin.plot import check_format

        check_format(plot, "--plot")

    from branin import search
    from branin.results import comparison_document, regrets, render, summary

    if archive is not None:
        check_destination(archive, "--archive")

        from branin.archive import find, keep

    runs = []
    for request in requests:
        run = None if archive is None else find(archive, request)
        if run is None:
            run = search.run(request)
            if archive is not None:
                keep(archive, run)
        runs.append(run)
        regret = regrets(runs[-1])[-1]
        click.echo(f"{request.method}, seed {request.seed}: regret {regret:.1e}", err=True)
    write_atomically(output, render(comparison_document(runs)))
    if plot is not None:
        from branin.plot import convergence_plot

        write_atomically(plot, convergence_plot(runs, plot.suffix))
    click.echo("regret     best   median    worst")
    for method, ends in summary(runs).items():
        click.echo(f"{method:<6}  {ends['best']:.1e}  {ends['median']:.1e}  {ends['worst']:.1e}")


@main.command()
@click.argument("results", type=_FILE)
@click.option("--output", type=_FILE, required=True, help="Convergence plot, .png or .svg.")
def plot(results: Path, output: Path) -> None:
    """Draw the results of an earlier comparison."""
    from branin.files import check_destination, write_atomically
    from branin.plot import check_format, convergence_plot
    from branin.results import read_comparison

    check_destination(output, "--output")
    check_format(output, "--output")
    write_atomically(output, convergence_plot(read_comparison(results), output.suffix))
