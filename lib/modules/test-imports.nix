# What counts as a module, which modules are taken, in which order; module arguments.
lib:
let
  inherit (lib) mkOption types;
  declares = {
    options.list = mkOption {
      type = types.listOf types.str;
      default = [ ];
    };
  };
  eval = modules: lib.evalModules { modules = [ declares ] ++ modules; };
  list = modules: (eval modules).config.list;
  path = ../fixtures/path.nix;
  endless = {
    imports = [ endless ];
  };
in
{
  cases = {
    "imports: first what is imported" = {
      expr = list [
        {
          imports = [ { list = [ "inner" ]; } ];
          list = [ "outer" ];
        }
      ];
      expected = [
        "inner"
        "outer"
      ];
    };
    "imports: level by level" = {
      expr = list [
        {
          imports = [
            {
              imports = [ { list = [ "a11" ]; } ];
              list = [ "a1" ];
            }
            { list = [ "a2" ]; }
          ];
          list = [ "a" ];
        }
        {
          imports = [ { list = [ "b1" ]; } ];
          list = [ "b" ];
        }
      ];
      expected = [
        "a11"
        "b1"
        "a2"
        "a1"
        "b"
        "a"
      ];
    };
    "imports: a path" = {
      expr = list [ path ];
      expected = [ "path" ];
    };
    "imports: a path twice counts once" = {
      expr = list [
        path
        {
          imports = [
            path
            path
          ];
        }
      ];
      expected = [ "path" ];
    };
    "imports: a path as text" = {
      expr = list [
        (toString path)
        path
      ];
      expected = [ "path" ];
    };
    "imports: a function in a file" = {
      expr =
        (eval [
          ../fixtures/function.nix
          path
        ]).config.fromFunction;
      expected = [ "path" ];
    };
    "imports: an anonymous module twice counts twice" = {
      expr =
        let
          m = {
            list = [ "m" ];
          };
        in
        list [
          m
          m
          { imports = [ m ]; }
        ];
      expected = [
        "m"
        "m"
        "m"
      ];
    };
    "imports: a key counts once" = {
      expr =
        let
          m = {
            key = "m";
            list = [ "m" ];
          };
        in
        list [
          m
          m
          { imports = [ m ]; }
        ];
      expected = [ "m" ];
    };
    "imports: the first of one key" = {
      expr = list [
        {
          imports = [
            {
              key = "k";
              list = [ "inner" ];
            }
          ];
        }
        {
          key = "k";
          list = [ "outer" ];
        }
      ];
      expected = [ "outer" ];
    };
    "imports: the name of the file of a path" = {
      expr = map baseNameOf (eval [ path ]).options.list.files;
      expected = [ "path.nix" ];
    };
    "imports: an anonymous module has the file that imports it" = {
      expr =
        (eval [
          {
            _file = "a.nix";
            imports = [ { list = [ "b" ]; } ];
          }
        ]).options.list.files;
      expected = [ "a.nix" ];
    };
    "imports: a module without a file" = {
      expr = (eval [ { list = [ "b" ]; } ]).options.list.files;
      expected = [ "<unknown-file>" ];
    };
    "imports: a set that can be called" = {
      expr = list [
        {
          __functor =
            _:
            { ... }:
            {
              list = [ "f" ];
            };
        }
      ];
      expected = [ "f" ];
    };
    "imports: decided by specialArgs" = {
      expr =
        (lib.evalModules {
          specialArgs.more = [ path ];
          modules = [
            declares
            (
              { more, ... }:
              {
                imports = more;
              }
            )
          ];
        }).config.list;
      expected = [ "path" ];
    };
    "disabledModules: a path" = {
      expr = list [
        path
        {
          list = [ "x" ];
          disabledModules = [ path ];
        }
      ];
      expected = [ "x" ];
    };
    "disabledModules: a key" = {
      expr = list [
        {
          key = "k";
          list = [ "k" ];
          imports = [ { list = [ "inside" ]; } ];
        }
        { disabledModules = [ { key = "k"; } ]; }
      ];
      expected = [ ];
    };
    "disabledModules: by a module that is itself disabled" = {
      expr = list [
        path
        {
          key = "k";
          disabledModules = [ path ];
        }
        { disabledModules = [ { key = "k"; } ]; }
      ];
      expected = [ ];
    };
    "_module.args" = {
      expr = list [
        { _module.args.word = "w"; }
        (
          { word, ... }:
          {
            list = [ word ];
          }
        )
      ];
      expected = [ "w" ];
    };
    "_module.args: from config" = {
      expr = list [
        (
          { config, ... }:
          {
            options.word = mkOption { default = "d"; };
            config._module.args.word = config.word;
          }
        )
        (
          { word, ... }:
          {
            list = [ word ];
          }
        )
        { word = "e"; }
      ];
      expected = [ "e" ];
    };
    "_module.args: lazy" = {
      expr = list [
        { _module.args.word = throw "looked"; }
        (
          { word, ... }:
          {
            list = [ "w" ];
          }
        )
      ];
      expected = [ "w" ];
    };
    "_module.args: seen from outside" = {
      expr = (eval [ { _module.args.word = "w"; } ])._module.args.word;
      expected = "w";
    };
    "_module.args: not inherited by submodules" = {
      expr =
        (eval [
          {
            config._module.args.word = "w";
            options.s = mkOption {
              default = { };
              type = types.submodule (
                { config, ... }:
                {
                  options.n = mkOption { default = config._module.args ? word; };
                }
              );
            };
          }
        ]).config.s;
      expected = {
        n = false;
      };
    };
    "specialArgs" = {
      expr =
        (lib.evalModules {
          specialArgs.word = "w";
          modules = [
            declares
            (
              { word, ... }:
              {
                list = [ word ];
              }
            )
          ];
        }).config.list;
      expected = [ "w" ];
    };
    "specialArgs: as an argument" = {
      expr =
        (lib.evalModules {
          specialArgs.word = "w";
          modules = [
            declares
            (
              { specialArgs, ... }:
              {
                list = builtins.attrNames specialArgs;
              }
            )
          ];
        }).config.list;
      expected = [ "word" ];
    };
    "specialArgs: win over _module.args" = {
      expr =
        (lib.evalModules {
          specialArgs.word = "special";
          modules = [
            declares
            { _module.args.word = "args"; }
            (
              { word, ... }:
              {
                list = [ word ];
              }
            )
          ];
        }).config.list;
      expected = [ "special" ];
    };
    "module arguments: all of them without naming" = {
      expr = list [
        (args: { list = lib.optional (args ? config && args ? lib && args ? options) "all"; })
      ];
      expected = [ "all" ];
    };
    "module arguments: lib has only what nixpkgs' has" = {
      expr = list [
        (
          { lib, ... }:
          {
            list = builtins.filter (name: lib ? ${name}) [
              "mkIf"
              "checkConfig"
              "lock"
            ];
          }
        )
      ];
      expected = [ "mkIf" ];
    };
    "module arguments: options" = {
      expr = list [
        (
          { options, ... }:
          {
            list = [ (lib.showOption options.list.loc) ];
          }
        )
      ];
      expected = [ "list" ];
    };
  };
  errors = {
    "imports: a circle of paths" = {
      expr = list [ ../fixtures/circle-a.nix ];
      message =
        let
          file = name: toString (../fixtures + "/circle-${name}.nix");
        in
        "${file "a"}: imports go round in a circle\n  ${file "a"} imports ${file "b"}\n  ${file "b"} imports ${file "a"}\nWhat to do: take one of these imports out; what both files need goes into a third one.";
    };
    "imports: a module that imports itself" = {
      expr = list [ (endless // { _file = "e.nix"; }) ];
      message = "e.nix: imports are nested more than 100 deep\nWhat to do: look for a module that imports itself.";
    };
    "imports: a list in the list" = {
      expr = list [
        {
          _file = "1.nix";
          imports = [ [ path ] ];
        }
      ];
      message = "1.nix: not a module: [ ";
    };
    "imports: a number" = {
      expr = list [ 1 ];
      message = "<unknown-file>: not a module: 1 (an integer)\nWhat to do: in its place write a path, a function `{ config, lib, ... }: { ... }' or an attribute set.";
    };
    "imports: an option" = {
      expr = list [ (mkOption { }) ];
      message = "not a module: <option> (an attribute set)";
    };
    "imports: a function that returns no set" = {
      expr = list [ ({ ... }: 1) ];
      message = "<unknown-file>: not a module: 1 (an integer)";
    };
    "imports: both forms mixed" = {
      expr = list [
        {
          _file = "1.nix";
          options.y = mkOption { };
          list = [ ];
          other = 1;
        }
      ];
      message = "1.nix: definitions beside `config' or `options': list, other\nWhat to do: move them into `config = { ... };'.";
    };
    "module arguments: one that nobody provides" = {
      expr = list [
        {
          _file = "1.nix";
          imports = [
            (
              { pkgs, ... }:
              {
                list = [ pkgs.x ];
              }
            )
          ];
        }
      ];
      message = "1.nix: the module asks for an argument that nobody provides: `pkgs'\nWhat to do: set `_module.args.pkgs' in a module, pass it in `specialArgs', or take it out of the argument list.";
    };
    "disabledModules: something nameless" = {
      expr = list [
        {
          _file = "1.nix";
          disabledModules = [ { } ];
        }
      ];
      message = "1.nix: `disabledModules' has an entry that names no module: { }\nWhat to do: name the module by its path, or by a set with its `key'.";
    };
    "imports: dependent on config" = {
      expr = list [
        (
          { config, ... }:
          {
            imports = lib.optional (config.list == [ ]) path;
          }
        )
      ];
      message = "infinite recursion";
    };
    "imports: a path that isn't there" = {
      expr = list [ ./fixtures/absent.nix ];
      message = "does not exist";
    };
  };
}
