# Definitions without an option: freeform types, and what is said about an unknown name.
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
in
{
  cases = {
    "evalModules: freeform" = {
      expr = config [
        {
          freeformType = types.lazyAttrsOf types.raw;
          options.x = int;
        }
        {
          x = 1;
          y.z = 2;
        }
      ];
      expected = {
        x = 1;
        y.z = 2;
      };
    };
    "evalModules: freeform beside an option in a set" = {
      expr = config [
        {
          freeformType = types.attrsOf types.anything;
          options.a.b = int;
        }
        {
          a.b = 1;
          a.c = 2;
        }
        {
          a.d = 3;
          a.c = mkForce 4;
        }
      ];
      expected = {
        a = {
          b = 1;
          c = 4;
          d = 3;
        };
      };
    };
    "evalModules: freeform by config" = {
      expr = config [
        { config._module.freeformType = types.attrsOf types.int; }
        { x = 1; }
      ];
      expected = {
        x = 1;
      };
    };
    "evalModules: freeform with conditions" = {
      expr = config [
        { freeformType = types.attrsOf types.int; }
        {
          x = mkIf true 1;
          y = mkIf false 2;
        }
        (mkIf true { z = mkDefault 3; })
      ];
      expected = {
        x = 1;
        z = 3;
      };
    };
    "evalModules: unchecked" = {
      expr = config [
        {
          options.x = int;
          config._module.check = false;
        }
        {
          x = 1;
          y = 2;
        }
      ];
      expected = {
        x = 1;
      };
    };
  };
  errors = {
    "evalModules: unknown option" = {
      expr = config [
        {
          options.cloche.image.tag = int;
          options.cloche.tests.jobs = int;
        }
        {
          _file = "c.nix";
          cloche.imgae.tag = 1;
        }
      ];
      message = "`cloche.imgae': there is no such option\n  in c.nix: { tag = 1; }\nWhat to do: did you mean `cloche.image'?";
    };
    "evalModules: unknown option that exists elsewhere" = {
      expr = config [
        {
          options.cloche.image.tag = int;
          options.cloche.tests.jobs = int;
        }
        {
          _file = "c.nix";
          cloche.jobs = 1;
        }
      ];
      message = "`cloche.jobs': there is no such option\n  in c.nix: 1\nWhat to do: did you mean `cloche.tests.jobs'?";
    };
    "evalModules: unknown option like none" = {
      expr = config [
        {
          options.a.b = int;
          options.a.c = int;
        }
        {
          _file = "c.nix";
          a.something = [ 1 ];
        }
      ];
      message = "`a.something': there is no such option\n  in c.nix: [ 1 ]\nWhat to do: choose among `a.b', `a.c'.";
    };
    "evalModules: several unknown options" = {
      expr = config [
        {
          options.left = int;
          options.right = int;
        }
        {
          _file = "1.nix";
          lfet = 1;
        }
        {
          _file = "2.nix";
          lfet = 2;
          rigth = 3;
        }
      ];
      message = "`lfet': there is no such option\n  in 2.nix: 2\n  in 1.nix: 1\nWhat to do: did you mean `left'?\n`rigth': there is no such option\n  in 2.nix: 3\nWhat to do: did you mean `right'?";
    };
    "evalModules: no options at all" = {
      expr = config [
        {
          _file = "1.nix";
          x = 1;
        }
      ];
      message = "`x': there is no such option\n  in 1.nix: 1\nWhat to do: declare it under `options' in a module, or take it out.";
    };
    "evalModules: unknown option, seen from options" = {
      expr = (eval [ { y = 1; } ]).options;
      message = "`y': there is no such option";
    };
    "evalModules: unknown option under a prefix" = {
      expr =
        (lib.evalModules {
          prefix = [ "p" ];
          modules = [
            { options.count = int; }
            {
              _file = "1.nix";
              cout = 1;
            }
          ];
        }).config;
      message = "`p.cout': there is no such option\n  in 1.nix: 1\nWhat to do: did you mean `p.count'?";
    };
    "evalModules: two freeform types" = {
      expr =
        (config [
          { freeformType = types.attrsOf types.int; }
          { freeformType = types.attrsOf types.str; }
          { x = 1; }
        ]).x;
      message = "`_module.freeformType': defined 2 times, but takes one definition only";
    };
  };
}
