"""Makes `python -m branin` the same as `branin`."""

from branin.cli import main

main(prog_name="branin")
