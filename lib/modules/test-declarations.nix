# Several declarations of one option.
lib:
let
  inherit (lib)
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
in
{
  cases = {
    "evalModules: an enum declared twice" = {
      expr =
        (config [
          { options.x = mkOption { type = types.enum [ "a" ]; }; }
          { options.x = mkOption { type = types.enum [ "b" ]; }; }
          { x = "b"; }
        ]).x;
      expected = "b";
    };
    "evalModules: a submodule declared twice" = {
      expr = config [
        {
          options.s = mkOption {
            default = { };
            type = types.submodule {
              options.a = ints;
              config.a = [ 1 ];
            };
          };
        }
        {
          options.s = mkOption {
            type = types.submodule {
              options.b = int;
              config.a = [ 2 ];
            };
          };
        }
        {
          s.b = 3;
          s.a = [ 4 ];
        }
      ];
      expected = {
        s = {
          a = [
            2
            1
            4
          ];
          b = 3;
        };
      };
    };
    "evalModules: attrsOf submodule declared twice" = {
      expr = config [
        {
          options.s = mkOption {
            type = types.attrsOf (
              types.submodule (
                { name, ... }:
                {
                  options.a = mkOption { default = name; };
                }
              )
            );
          };
        }
        {
          options.s = mkOption {
            type = types.attrsOf (types.submodule { options.b = mkOption { default = 2; }; });
          };
        }
        { s.k = { }; }
      ];
      expected = {
        s.k = {
          a = "k";
          b = 2;
        };
      };
    };
    "evalModules: options inside a submodule, declared as a set" = {
      expr = config [
        {
          options.s = mkOption {
            default = { };
            type = types.submodule { options.a = mkOption { default = 1; }; };
          };
        }
        { options.s.b = mkOption { default = 2; }; }
        { s.a = 5; }
      ];
      expected = {
        s = {
          a = 5;
          b = 2;
        };
      };
    };
    "evalModules: the same type twice" = {
      expr = config [
        {
          options.x = mkOption {
            type = types.listOf types.int;
            description = "x";
          };
        }
        {
          options.x = mkOption {
            type = types.listOf types.int;
            default = [ 1 ];
          };
        }
      ];
      expected = {
        x = [ 1 ];
      };
    };
    "evalModules: two declarations that say different things" = {
      expr =
        (eval [
          { options.x = mkOption { visible = true; }; }
          { options.x = mkOption { visible = false; }; }
        ]).options.x.visible;
      expected = false;
    };
    "evalModules: a type and no type" = {
      expr = config [
        { options.x = mkOption { default = 1; }; }
        { options.x = int; }
      ];
      expected = {
        x = 1;
      };
    };
    "evalModules: nullOr, lazyAttrsOf, strMatching and lines twice" = {
      expr =
        config (
          map
            (_: {
              options = {
                a = mkOption { type = types.nullOr types.str; };
                b = mkOption { type = types.lazyAttrsOf types.raw; };
                c = mkOption { type = types.strMatching "a"; };
                d = mkOption { type = types.lines; };
                e = mkOption { type = types.either types.int types.str; };
                f = mkOption { type = types.deferredModule; };
                g = mkOption { type = types.unique { message = ""; } types.int; };
                h = mkOption { type = types.path; };
              };
            })
            [
              1
              2
            ]
          ++ [
            {
              c = "a";
              d = "l";
              e = 1;
              f = { };
              g = 1;
              h = "/h";
            }
          ]
        )
        // {
          f = null;
        };
      expected = {
        a = null;
        b = { };
        c = "a";
        d = "l";
        e = 1;
        f = null;
        g = 1;
        h = "/h";
      };
    };
  };
  errors = {
    "evalModules: declared twice" = {
      expr =
        (config [
          {
            _file = "1.nix";
            options.x = int;
          }
          {
            _file = "2.nix";
            options.x = mkOption { type = types.str; };
          }
          { x = 1; }
        ]).x;
      message = "`x': declared more than once\n  in 2.nix\n  in 1.nix\nWhat to do: declare it in one module; the others define it.";
    };
    "evalModules: a conversion declared twice" = {
      expr =
        (config (
          map
            (n: {
              _file = "${n}.nix";
              options.x = mkOption { type = types.coercedTo types.str lib.toList (types.listOf types.str); };
            })
            [
              "1"
              "2"
            ]
        )).x;
      message = "`x': declared more than once\n  in 2.nix\n  in 1.nix\n";
    };
    "evalModules: two patterns" = {
      expr =
        (config (
          map
            (pattern: {
              _file = "${pattern}.nix";
              options.x = mkOption { type = types.strMatching pattern; };
            })
            [
              "a"
              "b"
            ]
        )).x;
      message = "`x': declared more than once\n  in b.nix\n  in a.nix\n";
    };
    "evalModules: two separators" = {
      expr =
        (config (
          map
            (separator: {
              _file = "${separator}.nix";
              options.x = mkOption { type = types.separatedString separator; };
            })
            [
              "a"
              "b"
            ]
        )).x;
      message = "`x': declared more than once\n  in b.nix\n  in a.nix\n";
    };
    "evalModules: two defaults" = {
      expr =
        (config [
          {
            _file = "1.nix";
            options.x = mkOption { default = 1; };
          }
          {
            _file = "2.nix";
            options.x = mkOption { default = 1; };
          }
        ]).x;
      message = "`x': declared more than once\n  in 2.nix\n  in 1.nix";
    };
    "evalModules: an option inside an option" = {
      expr = config [
        {
          _file = "1.nix";
          options.x = int;
        }
        {
          _file = "2.nix";
          options.x.y = int;
        }
      ];
      message = "`x': declared both as an option and as a set of options\n  in 1.nix: an option (signed integer)\n  in 2.nix: a set with y\nWhat to do: rename one of them";
    };
    "evalModules: a type instead of an option" = {
      expr = config [
        {
          _file = "1.nix";
          options.x = types.int;
        }
      ];
      message = "`x': declared as a bare type, not as an option\n  in 1.nix\nWhat to do: write `lib.mkOption { type = ...; }' there.";
    };
    "evalModules: a value instead of an option" = {
      expr = config [
        {
          _file = "1.nix";
          options.x.y = 1;
        }
      ];
      message = "`x.y': declared as an integer, not as an option or a set of options\n  in 1.nix";
    };
  };
}
