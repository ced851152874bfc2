# The project as an editable package: its metadata and entry points from pyproject.toml, its modules from the checkout.
# It is made without building the project, so that entering a shell stays quick after every edit.
{ toolchain }:
# The configuration (nix/project.nix).
cfg:
let
  pyproject = builtins.fromTOML (builtins.readFile (cfg.src + "/pyproject.toml"));
  project = pyproject.project or (pyproject.tool.poetry or { });
in
toolchain.runPython {
  name = "${cfg.name}-editable";
  script = ../python/src/cloche/editable.py;
  project = cfg.name;
  version = if cfg.version == null then "0+editable" else cfg.version;
  inherit (cfg) directory;
  layout = if builtins.pathExists (cfg.src + "/src") then "src" else "";
  scripts = project.scripts or { };
  entryPoints =
    (project.entry-points or { })
    // (if project ? gui-scripts then { gui_scripts = project.gui-scripts; } else { });
  inherit (toolchain.python) sitePackages;
}
