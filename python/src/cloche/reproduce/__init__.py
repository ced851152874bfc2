"""Build outputs again, under other circumstances, and say whether they are the same.

`nix run .#reproduce` (command.py) repeats derivations as they are; what varies is the world around them (variations.py),
so that Nix itself can compare the bytes. `verify --rebuild` uses `rebuild`.
"""

from cloche.reproduce.rebuilt import RebuiltOutput, rebuild

__all__ = ["RebuiltOutput", "rebuild"]
