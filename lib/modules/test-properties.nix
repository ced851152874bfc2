# mkIf, mkMerge, priorities and order.
lib:
let
  inherit (lib)
    mkAfter
    mkBefore
    mkDefault
    mkForce
    mkIf
    mkMerge
    mkOption
    mkOptionDefault
    mkOrder
    mkOverride
    types
    ;
  # list, of :: [ config ] -> value of the option x; each in a module "1.nix", "2.nix", ...
  of =
    option: configs:
    (lib.evalModules {
      modules = [
        {
          _file = "declared.nix";
          options.x = mkOption option;
          options.on = mkOption {
            type = types.bool;
            default = true;
          };
        }
      ]
      ++ lib.imap1 (n: config: {
        _file = "${toString n}.nix";
        inherit config;
      }) configs;
    }).config.x;
  list = of { type = types.listOf types.int; };
  values = type: xs: of { inherit type; } (map (x: { inherit x; }) xs);
in
{
  cases = {
    "mkIf" = {
      expr = list [
        { x = mkIf true [ 1 ]; }
        { x = mkIf false [ 2 ]; }
      ];
      expected = [ 1 ];
    };
    "mkIf: around a whole config" = {
      expr = list [
        (mkIf true { x = [ 1 ]; })
        (mkIf false { x = [ 2 ]; })
      ];
      expected = [ 1 ];
    };
    "mkIf: nested" = {
      expr = list [
        (mkIf true { x = mkIf true (mkIf false [ 1 ]); })
        { x = mkIf true (mkIf true [ 2 ]); }
      ];
      expected = [ 2 ];
    };
    "mkIf: unfulfilled content is never evaluated" = {
      expr = list [ { x = mkIf false (throw "looked"); } ];
      expected = [ ];
    };
    "mkIf: depends on another option" = {
      expr =
        (lib.evalModules {
          modules = [
            (
              { config, ... }:
              {
                options.a.on = lib.mkEnableOption "a";
                options.a.v = mkOption { default = 0; };
                config = mkIf config.a.on { a.v = 1; };
              }
            )
            { a.on = true; }
          ];
        }).config;
      expected = {
        a = {
          on = true;
          v = 1;
        };
      };
    };
    "mkIf: deep in a set" = {
      expr =
        (lib.evalModules {
          modules = [
            {
              options.a.b.c = mkOption { default = 0; };
              options.a.d = mkOption { default = 0; };
              config.a = mkIf true {
                b = mkIf true { c = mkIf true 5; };
                d = mkIf false 6;
              };
            }
          ];
        }).config;
      expected = {
        a = {
          b.c = 5;
          d = 0;
        };
      };
    };
    "mkIf: a module is one" = {
      expr =
        (lib.evalModules {
          modules = [
            { options.x = mkOption { }; }
            (mkIf true { x = 1; })
          ];
        }).config.x;
      expected = 1;
    };
    "mkMerge" = {
      expr = list [
        {
          x = mkMerge [
            [ 1 ]
            (mkIf false [ 2 ])
            (mkMerge [
              [ 3 ]
              [ 4 ]
            ])
          ];
        }
      ];
      expected = [
        1
        3
        4
      ];
    };
    "mkMerge: of configs" = {
      expr = list [
        (mkMerge [
          { x = [ 1 ]; }
          (mkIf true { x = [ 2 ]; })
          { }
        ])
      ];
      expected = [
        1
        2
      ];
    };
    "mkMerge: nothing" = {
      expr = list [ { x = mkMerge [ ]; } ];
      expected = [ ];
    };
    "mkMerge: inside mkIf" = {
      expr = list [
        (mkIf true (mkMerge [
          { x = [ 1 ]; }
          { x = [ 2 ]; }
        ]))
        { x = mkIf false (mkMerge [ [ 3 ] ]); }
      ];
      expected = [
        1
        2
      ];
    };
    "mkOverride" = {
      expr = values types.int [
        (mkOverride 10 1)
        2
        (mkOverride 20 3)
      ];
      expected = 1;
    };
    "mkOverride: equal priorities are merged" = {
      expr = values (types.listOf types.int) [
        (mkOverride 10 [ 1 ])
        [ 2 ]
        (mkOverride 10 [ 3 ])
      ];
      expected = [
        3
        1
      ];
    };
    "mkOverride: 100 is plain" = {
      expr = values (types.listOf types.int) [
        (mkOverride 100 [ 1 ])
        [ 2 ]
      ];
      expected = [
        2
        1
      ];
    };
    "mkDefault" = {
      expr = values types.int [
        (mkDefault 1)
        2
      ];
      expected = 2;
    };
    "mkDefault: against the option's default" = {
      expr = of {
        type = types.int;
        default = 0;
      } [ { x = mkDefault 1; } ];
      expected = 1;
    };
    "mkDefault: inside mkIf" = {
      expr = values types.int [
        (mkIf true (mkDefault 1))
        (mkIf false 2)
      ];
      expected = 1;
    };
    "mkForce" = {
      expr = values (types.listOf types.int) [
        [ 1 ]
        (mkForce [ 2 ])
        [ 3 ]
      ];
      expected = [ 2 ];
    };
    "mkForce: around a set" = {
      expr =
        (lib.evalModules {
          modules = [
            {
              options.a.b = mkOption { };
              options.a.c = mkOption { default = 0; };
            }
            {
              a.b = 1;
              a.c = 1;
            }
            { a = mkForce { b = 2; }; }
          ];
        }).config;
      expected = {
        a = {
          b = 2;
          c = 1;
        };
      };
    };
    "mkForce: around a whole config" = {
      expr = list [
        { x = [ 1 ]; }
        (mkForce { x = [ 2 ]; })
      ];
      expected = [ 2 ];
    };
    "mkForce: with an order inside" = {
      expr = values (types.listOf types.int) [
        (mkForce [ 1 ])
        (mkForce (mkBefore [ 2 ]))
        (mkForce (mkAfter [ 3 ]))
        [ 4 ]
      ];
      expected = [
        2
        1
        3
      ];
    };
    "mkOptionDefault" = {
      expr = of {
        type = types.listOf types.int;
        default = [ 1 ];
      } [ { x = mkOptionDefault [ 2 ]; } ];
      expected = [
        1
        2
      ];
    };
    "mkOptionDefault: loses against mkDefault" = {
      expr = values types.int [
        (mkOptionDefault 1)
        (mkDefault 2)
      ];
      expected = 2;
    };
    "mkOrder" = {
      expr = values (types.listOf types.int) [
        (mkOrder 1100 [ 3 ])
        (mkOrder 900 [ 1 ])
        [ 2 ]
      ];
      expected = [
        1
        2
        3
      ];
    };
    "mkOrder: the order of equals stays" = {
      expr = values (types.listOf types.int) [
        (mkOrder 1000 [ 1 ])
        [ 2 ]
        (mkBefore [ 3 ])
        (mkBefore [ 4 ])
      ];
      expected = [
        4
        3
        2
        1
      ];
    };
    "mkOrder: inside mkMerge" = {
      expr = values (types.listOf types.int) [
        (mkMerge [
          [ 1 ]
          (mkBefore [ 2 ])
          (mkAfter [ 3 ])
        ])
        [ 4 ]
      ];
      expected = [
        2
        4
        1
        3
      ];
    };
    "mkOrder: 1000 is plain" = {
      expr = values (types.listOf types.int) [
        [ 1 ]
        (mkOrder 1000 [ 2 ])
      ];
      expected = [
        2
        1
      ];
    };
    "mkBefore" = {
      expr = values (types.listOf types.int) [
        [ 1 ]
        (mkBefore [ 2 ])
        [ 3 ]
      ];
      expected = [
        2
        3
        1
      ];
    };
    "mkBefore: is 500, mkAfter is 1500" = {
      expr = values (types.listOf types.int) [
        (mkAfter [ 5 ])
        (mkOrder 1499 [ 4 ])
        (mkOrder 1501 [ 6 ])
        (mkOrder 501 [ 3 ])
        (mkBefore [ 2 ])
        (mkOrder 499 [ 1 ])
      ];
      expected = [
        1
        2
        3
        4
        5
        6
      ];
    };
    "mkAfter" = {
      expr = values (types.listOf types.int) [
        [ 1 ]
        (mkAfter [ 2 ])
        [ 3 ]
      ];
      expected = [
        3
        1
        2
      ];
    };
    "mkAfter: attributes of a set" = {
      expr = values (types.attrsOf (types.listOf types.int)) [
        { a = mkAfter [ 1 ]; }
        { a = [ 2 ]; }
      ];
      expected = {
        a = [
          2
          1
        ];
      };
    };
    "setDefaultModuleLocation" = {
      expr =
        (lib.evalModules {
          modules = [
            { options.x = mkOption { }; }
            (lib.setDefaultModuleLocation "here.nix" { x = 1; })
          ];
        }).options.x.files;
      expected = [ "here.nix" ];
    };
    "setDefaultModuleLocation: a module's own name wins" = {
      expr =
        (lib.evalModules {
          modules = [
            { options.x = mkOption { }; }
            (lib.setDefaultModuleLocation "here.nix" {
              _file = "own.nix";
              x = 1;
            })
          ];
        }).options.x.files;
      expected = [ "own.nix" ];
    };
  };
  errors = {
    "mkIf: no Boolean" = {
      expr = list [ { x = mkIf "yes" [ 1 ]; } ];
      message = "`x': mkIf with a condition that isn't a Boolean\n  in 1.nix: mkIf \"yes\"\nWhat to do: give mkIf a comparison, such as `mkIf (x != null)'.";
    };
    "mkIf: an unknown option stays unknown" = {
      expr = list [ (mkIf false { y = 1; }) ];
      message = "`y': there is no such option\n  in 1.nix: <mkIf>\nWhat to do: did you mean `x'?";
    };
    "mkOverride: a bad priority" = {
      expr = values types.int [
        (mkOverride "high" 1)
        2
      ];
      message = "`x': mkOverride with a bad priority\n  in 1.nix: mkOverride \"high\"\nWhat to do: use an integer up to 9999 (lower wins), or mkForce (50) or mkDefault (1000).";
    };
    "mkForce: twice, unlike" = {
      expr = values types.int [
        (mkForce 1)
        (mkForce 2)
        3
      ];
      message = "`x': conflicting definitions\n  in 2.nix: 2\n  in 1.nix: 1\nWhat";
    };
    "mkBefore: around mkIf" = {
      expr = values (types.listOf types.int) [ (mkBefore (mkIf true [ 1 ])) ];
      message = "in 1.nix: <mkIf> (a mkIf where a value must stand)";
    };
    "mkDefault: conflict of defaults" = {
      expr = values types.int [
        (mkDefault 1)
        (mkDefault 2)
      ];
      message = "`x': conflicting definitions\n  in 2.nix: 2\n  in 1.nix: 1\nWhat";
    };
  };
}
