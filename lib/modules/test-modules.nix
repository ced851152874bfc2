# Declaring options, merging definitions, what `evalModules` returns.
lib:
let
  inherit (lib)
    mkDefault
    mkForce
    mkIf
    mkOption
    types
    ;
  eval = modules: lib.evalModules { inherit modules; };
  config = modules: (eval modules).config;
  int = mkOption { type = types.int; };
  ints = mkOption {
    type = types.listOf types.int;
    default = [ ];
  };
  lists = {
    options.x = ints;
  };
in
{
  cases = {
    "evalModules" = {
      expr = config [
        { options.x = int; }
        { x = 1; }
      ];
      expected = {
        x = 1;
      };
    };
    "evalModules: nothing" = {
      expr = config [ ];
      expected = { };
    };
    "evalModules: long and short forms" = {
      expr = config [
        {
          options.x = ints;
          config.x = [ 1 ];
        }
        { x = [ 2 ]; }
        (
          { ... }:
          {
            x = [ 3 ];
          }
        )
        (
          {
            lib,
            config,
            options,
            ...
          }:
          {
            config = {
              x = [ (if options.x.isDefined then 4 else 5) ];
            };
          }
        )
      ];
      expected = {
        x = [
          4
          3
          2
          1
        ];
      };
    };
    "evalModules: defaults" = {
      expr = config [
        {
          options.x = mkOption { default = 1; };
          options.y.z = mkOption {
            type = types.str;
            default = "a";
          };
        }
      ];
      expected = {
        x = 1;
        y.z = "a";
      };
    };
    "evalModules: a list default is replaced" = {
      expr = config [
        {
          options.x = mkOption {
            type = types.listOf types.int;
            default = [ 1 ];
          };
        }
        { x = [ 2 ]; }
      ];
      expected = {
        x = [ 2 ];
      };
    };
    "evalModules: a default from another option" = {
      expr = config [
        (
          { config, ... }:
          {
            options.a = mkOption { default = 1; };
            options.b = mkOption { default = config.a + 1; };
          }
        )
        { a = 5; }
      ];
      expected = {
        a = 5;
        b = 6;
      };
    };
    "evalModules: apply" = {
      expr = config [
        {
          options.x = mkOption {
            type = types.listOf types.int;
            apply = builtins.length;
          };
        }
        { x = [ 7 ]; }
        { x = [ 8 ]; }
      ];
      expected = {
        x = 2;
      };
    };
    "evalModules: apply on a default" = {
      expr = config [
        {
          options.x = mkOption {
            default = 1;
            apply = x: x + 1;
          };
        }
      ];
      expected = {
        x = 2;
      };
    };
    "evalModules: apply isn't fed with its own result" = {
      expr = config [
        (
          { config, ... }:
          {
            options.x = mkOption {
              default = 1;
              apply = toString;
            };
            options.y = mkOption { default = config.x; };
          }
        )
      ];
      expected = {
        x = "1";
        y = "1";
      };
    };
    "evalModules: readOnly" = {
      expr = config [
        {
          options.x = mkOption { readOnly = true; };
          config.x = 1;
        }
      ];
      expected = {
        x = 1;
      };
    };
    "evalModules: lazy in other options" = {
      expr =
        (config [
          {
            options.x = int;
            options.y = int;
          }
          {
            x = "not an integer";
            y = 1;
          }
        ]).y;
      expected = 1;
    };
    "evalModules: lazy in undefined options" = {
      expr = builtins.attrNames (config [
        {
          options.x = int;
          options.y = int;
        }
        { y = 1; }
      ]);
      expected = [
        "x"
        "y"
      ];
    };
    "evalModules: options refer to each other" = {
      expr = config [
        (
          { config, ... }:
          {
            options.a.on = lib.mkEnableOption "a";
            options.b.on = lib.mkEnableOption "b";
            options.n = ints;
            config = lib.mkMerge [
              (mkIf config.a.on {
                b.on = true;
                n = [ 1 ];
              })
              (mkIf config.b.on { n = [ 2 ]; })
            ];
          }
        )
        { a.on = true; }
      ];
      expected = {
        a.on = true;
        b.on = true;
        n = [
          1
          2
        ];
      };
    };
    "evalModules: a set of options, defined in parts" = {
      expr = config [
        {
          options.a = {
            b = int;
            c.d = int;
          };
        }
        { a.b = 1; }
        {
          a = {
            c = {
              d = 2;
            };
          };
        }
      ];
      expected = {
        a = {
          b = 1;
          c.d = 2;
        };
      };
    };
    "evalModules: order of sibling modules" = {
      expr = config [
        lists
        { x = [ 1 ]; }
        { x = [ 2 ]; }
        { x = [ 3 ]; }
      ];
      expected = {
        x = [
          3
          2
          1
        ];
      };
    };
    "evalModules: prefix" = {
      expr =
        (lib.evalModules {
          prefix = [
            "p"
            "q"
          ];
          modules = [
            { options.x = int; }
            { x = 1; }
          ];
        }).options.x.loc;
      expected = [
        "p"
        "q"
        "x"
      ];
    };
    "evalModules: class" = {
      expr =
        (lib.evalModules {
          class = "a";
          modules = [
            {
              _class = "a";
              options.x = int;
            }
            { x = 1; }
          ];
        }).config.x;
      expected = 1;
    };
    "evalModules: what it returns" = {
      expr = builtins.attrNames (removeAttrs (eval [ ]) [ "graph" ]);
      expected = [
        "_module"
        "_type"
        "class"
        "config"
        "extendModules"
        "options"
        "type"
      ];
    };
    "evalModules: extendModules" = {
      expr =
        (
          (eval [
            lists
            { x = [ 1 ]; }
          ]).extendModules
          { modules = [ { x = [ 2 ]; } ]; }
        ).config.x;
      expected = [
        2
        1
      ];
    };
    "evalModules: extendModules with arguments and a prefix" = {
      expr =
        let
          extended =
            (lib.evalModules {
              specialArgs.a = 1;
              modules = [ lists ];
            }).extendModules
              {
                specialArgs.b = 2;
                prefix = [ "p" ];
                modules = [
                  (
                    { a, b, ... }:
                    {
                      x = [
                        a
                        b
                      ];
                    }
                  )
                ];
              };
        in
        {
          inherit (extended.config) x;
          inherit (extended.options.x) loc;
        };
      expected = {
        x = [
          1
          2
        ];
        loc = [
          "p"
          "x"
        ];
      };
    };
    "evalModules: lazy in sets of options that nobody defines" = {
      expr =
        (config [
          lists
          { options.set.y = throw "looked"; }
        ]).x;
      expected = [ ];
    };
    "evalModules: type" = {
      expr = config [
        { options.s = mkOption { inherit (eval [ lists ]) type; }; }
        { s.x = [ 1 ]; }
      ];
      expected = {
        s.x = [ 1 ];
      };
    };
    "evalModules: what is known of an option" = {
      expr =
        let
          inherit
            ((eval [
              {
                _file = "d.nix";
                options.x = mkOption {
                  type = types.listOf types.int;
                  default = [ ];
                };
              }
              {
                _file = "a.nix";
                x = mkForce [ 1 ];
              }
              {
                _file = "b.nix";
                x = mkForce [ 2 ];
              }
              {
                _file = "c.nix";
                x = [ 3 ];
              }
            ]).options
            )
            x
            ;
        in
        {
          inherit (x)
            files
            definitions
            definitionsWithLocations
            declarations
            highestPrio
            isDefined
            loc
            value
            ;
          text = "${x}";
        };
      expected = {
        files = [
          "b.nix"
          "a.nix"
        ];
        definitions = [
          [ 2 ]
          [ 1 ]
        ];
        definitionsWithLocations = [
          {
            file = "b.nix";
            value = [ 2 ];
          }
          {
            file = "a.nix";
            value = [ 1 ];
          }
        ];
        declarations = [ "d.nix" ];
        highestPrio = 50;
        isDefined = true;
        loc = [ "x" ];
        value = [
          2
          1
        ];
        text = "x";
      };
    };
    "evalModules: an undefined option" = {
      expr =
        let
          inherit ((eval [ { options.x = int; } ]).options) x;
        in
        {
          inherit (x) isDefined files;
        };
      expected = {
        isDefined = false;
        files = [ ];
      };
    };
    "evalModules: priorities seen from outside" = {
      expr =
        map
          (
            x:
            (eval [
              { options.x = mkOption { default = 0; }; }
              x
            ]).options.x.highestPrio
          )
          [
            { }
            { x = 1; }
            { x = mkDefault 1; }
            { x = mkForce 1; }
          ];
      expected = [
        1500
        100
        1000
        50
      ];
    };
    "evalModules: names with dots" = {
      expr = config [
        { options."a.b".c = int; }
        { "a.b".c = 1; }
      ];
      expected = {
        "a.b".c = 1;
      };
    };
    "evalModules: fifty modules" = {
      expr = builtins.length (config ([ lists ] ++ lib.genList (n: { x = [ n ]; }) 50)).x;
      expected = 50;
    };
  };
  errors = {
    "evalModules: undefined" = {
      expr =
        (config [
          {
            _file = "d.nix";
            options.a.b = mkOption {
              type = types.str;
              example = "branin";
            };
          }
        ]).a.b;
      message = "`a.b': used, but not defined\n  expected: string\n  declared in d.nix\nWhat to do: define it, for example `a.b = \"branin\";'.";
    };
    "evalModules: a default of the wrong type" = {
      expr =
        (config [
          {
            _file = "d.nix";
            options.x = mkOption {
              type = types.int;
              default = "1";
            };
          }
        ]).x;
      message = "`x': wrong type\n  expected: signed integer\n  in d.nix: \"1\" (a string)";
    };
    "evalModules: readOnly defined twice" = {
      expr =
        (config [
          {
            _file = "1.nix";
            options.x = mkOption { readOnly = true; };
            config.x = 1;
          }
          {
            _file = "2.nix";
            x = 1;
          }
        ]).x;
      message = "`x': read-only, but defined 2 times\n  in 2.nix: 1\n  in 1.nix: 1\nWhat to do: take out all of these definitions but one (a default counts as one).";
    };
    "evalModules: readOnly with a default" = {
      expr =
        (config [
          {
            _file = "1.nix";
            options.x = mkOption {
              readOnly = true;
              default = 0;
            };
          }
          {
            _file = "2.nix";
            x = 1;
          }
        ]).x;
      message = "`x': read-only, but defined 2 times\n  in 1.nix (its default): 0\n  in 2.nix: 1\n";
    };
    "evalModules: a value for a set of options" = {
      expr = config [
        {
          options.a.b = int;
          options.a.c = int;
        }
        {
          _file = "1.nix";
          a = 1;
        }
      ];
      message = "`a': a set of options, but defined as one value\n  in 1.nix: 1 (an integer)\nWhat to do: define an attribute set with some of: b, c.";
    };
    "evalModules: a value for the whole config" = {
      expr = config [
        { options.x = int; }
        {
          _file = "1.nix";
          config = 1;
        }
      ];
      message = "config: a set of options, but defined as one value\n  in 1.nix: 1 (an integer)\nWhat to do: define an attribute set with some of: x.";
    };
    "evalModules: another class" = {
      expr =
        (lib.evalModules {
          class = "a";
          modules = [
            {
              _class = "b";
              _file = "1.nix";
            }
          ];
        }).config;
      message = "1.nix: a module of class `b' where class `a' is expected\nWhat to do: import the module that is meant for `a'.";
    };
  };
}
