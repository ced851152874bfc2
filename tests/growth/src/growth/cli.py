"""The command line."""

import argparse
import sys

from growth.rate import growth_rate


def main() -> int:
    """Print the growth rate of the counts given as arguments; return the exit code."""
    parser = argparse.ArgumentParser(prog="growth", description="Growth rate, per step.")
    parser.add_argument("counts", type=float, nargs="+", help="counts at equal intervals")
    try:
        print(f"{growth_rate(parser.parse_args().counts):.6f}")
    except ValueError as error:
        print(f"growth: {error}", file=sys.stderr)
        return 2
    return 0
