# Types whose values are modules, or are configured by them.
lib:
let
  inherit (lib) types;
  inherit (import ../fixtures/types.nix lib) merged module submodule;
in
{
  cases = {
    "types.submodule" = {
      expr = merged submodule [
        {
          n = 1;
          list = [ 1 ];
        }
        { list = [ 2 ]; }
      ];
      expected = {
        id = "x";
        n = 1;
        list = [
          1
          2
        ];
      };
    };
    "types.submodule: nothing defined" = {
      expr = merged submodule [ ];
      expected = {
        id = "‹name›";
        n = 0;
        list = [ ];
      };
    };
    "types.submodule: a function" = {
      expr =
        (merged submodule [
          (
            { config, ... }:
            {
              n = builtins.stringLength config.id;
            }
          )
        ]).n;
      expected = 1;
    };
    "types.submodule: several modules" = {
      expr = merged (types.submodule [
        { options.a = lib.mkOption { default = 1; }; }
        { options.b = lib.mkOption { default = 2; }; }
      ]) [ { } ];
      expected = {
        a = 1;
        b = 2;
      };
    };
    "types.submodule: an option called options" = {
      expr = merged (types.submodule { options.options = lib.mkOption { type = types.int; }; }) [
        { options = 1; }
      ];
      expected = {
        options = 1;
      };
    };
    "types.submodule: names in attrsOf" = {
      expr = lib.mapAttrs (_: x: x.id) (
        merged (types.attrsOf submodule) [
          {
            a = { };
            b.id = "c";
          }
        ]
      );
      expected = {
        a = "a";
        b = "c";
      };
    };
    "types.submodule: freeform" = {
      expr =
        merged
          (types.submodule {
            freeformType = types.attrsOf types.int;
            options.a = lib.mkOption { default = 1; };
          })
          [
            { b = 2; }
            { b = lib.mkForce 3; }
          ];
      expected = {
        a = 1;
        b = 3;
      };
    };
    "types.submoduleWith" = {
      expr = merged (types.submoduleWith {
        modules = [
          (
            { extra, ... }:
            {
              options.a = lib.mkOption { default = extra; };
            }
          )
        ];
        specialArgs.extra = 5;
      }) [ { } ];
      expected = {
        a = 5;
      };
    };
    "types.submoduleWith: a value may declare options" = {
      expr = merged (types.submoduleWith { modules = [ ]; }) [
        { options.q = lib.mkOption { default = 1; }; }
      ];
      expected = {
        q = 1;
      };
    };
    "types.deferredModule" = {
      expr =
        (lib.evalModules {
          modules = [
            module
            { _module.args.name = "m"; }
            (merged types.deferredModule [
              { n = 1; }
              (
                { ... }:
                {
                  list = [ 1 ];
                }
              )
              { list = [ 2 ]; }
            ])
          ];
        }).config;
      expected = {
        id = "m";
        n = 1;
        list = [
          1
          2
        ];
      };
    };
    "types.deferredModuleWith" = {
      expr =
        builtins.length
          (merged (types.deferredModuleWith { staticModules = [ module ]; }) [ { } ]).imports;
      expected = 2;
    };
    "types.optionType" = {
      expr = (merged types.optionType [ types.int ]).name;
      expected = "int";
    };
    "types.optionType: joins lists of choices" = {
      expr =
        (merged types.optionType [
          (types.enum [ "a" ])
          (types.enum [ "b" ])
        ]).check
          "a";
      expected = true;
    };
  };
  errors = {
    "types.submodule: with a place in a list" = {
      expr = (merged submodule [ (lib.mkBefore { n = 1; }) ]).n;
      message = "`x': mkOrder, mkBefore or mkAfter around a set of options\n  in 1.nix: { n = 1; }\nWhat to do: put it around the lists inside.";
    };
    "types.submodule: no set" = {
      expr = merged submodule [ 1 ];
      message = "`x': wrong type\n  expected: submodule\n  in 1.nix: 1 (an integer)";
    };
    "types.submodule: unknown option" = {
      expr = merged submodule [ { lst = [ ]; } ];
      message = "`x.lst': there is no such option\n  in 1.nix: [ ]\nWhat to do: did you mean `x.list'?";
    };
    "types.submodule: deep inside" = {
      expr = (merged (types.attrsOf submodule) [ { a.n = "1"; } ]).a.n;
      message = "`x.a.n': wrong type\n  expected: signed integer\n  in 1.nix: \"1\" (a string)";
    };
    "types.optionType: unlike" = {
      expr =
        (merged types.optionType [
          types.int
          types.str
        ]).name;
      message = "`x': defined 2 times, but takes one definition only";
    };
  };
}
