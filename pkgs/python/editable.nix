# The project as an editable package: its metadata and entry points from pyproject.toml, its modules from the checkout.
# It is made without building the project, so that entering a shell stays quick after every edit.
{ toolchain }:
# The configuration (nix/project/default.nix).
cfg:
let
  pyproject = (import ../../lib/lock).pyproject cfg.src;
  project = pyproject.project or (pyproject.tool.poetry or { });
  setuptools = pyproject.tool.setuptools or { };
  # Where setuptools or poetry are told that the packages are; else in src/, where there is one.
  told =
    builtins.filter builtins.isString [
      (setuptools.package-dir."" or null)
    ]
    ++ (setuptools.packages.find.where or [ ])
    ++ builtins.concatMap (package: if package ? from then [ package.from ] else [ ]) (
      pyproject.tool.poetry.packages or [ ]
    );
in
toolchain.runPython {
  name = "${cfg.name}-editable";
  script = ../../python/src/cloche/environment/editable.py;
  path = [
    (import ./modules.nix [ "environment/editable.py" ])
  ];
  project = cfg.name;
  version = if cfg.version == null then "0+editable" else cfg.version;
  inherit (cfg) directory;
  layout =
    if told != [ ] then
      builtins.head told
    else if builtins.pathExists (cfg.src + "/src") then
      "src"
    else
      "";
  scripts = project.scripts or { };
  entryPoints =
    (project.entry-points or { })
    // (if project ? gui-scripts then { gui_scripts = project.gui-scripts; } else { });
  inherit (toolchain.python) sitePackages;
}
