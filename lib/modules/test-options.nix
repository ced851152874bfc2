lib:
let
  inherit (lib) mkOption types;
  shown = import ./option-docs.nix lib;
  documented =
    options:
    shown
      (lib.evalModules {
        modules = [
          {
            _file = "/nix/store/00000000000000000000000000000000-source/nix/x.nix";
            inherit options;
          }
        ];
      }).options;
  only = options: builtins.head (documented options);
in
{
  cases = {
    "mkOption" = {
      expr = mkOption { default = 1; };
      expected = {
        _type = "option";
        default = 1;
      };
    };
    "mkEnableOption" = {
      expr = removeAttrs (lib.mkEnableOption "it") [ "type" ];
      expected = {
        _type = "option";
        default = false;
        example = true;
        description = "Whether to enable it.";
      };
    };
    "isOption" = {
      expr = map lib.isOption [
        (mkOption { })
        { }
        1
      ];
      expected = [
        true
        false
        false
      ];
    };
    "literalExpression" = {
      expr = lib.literalExpression "a + b";
      expected = {
        _type = "literalExpression";
        text = "a + b";
      };
    };
    "literalMD" = {
      expr = lib.literalMD "*a*";
      expected = {
        _type = "literalMD";
        text = "*a*";
      };
    };
    "showOption" = {
      expr = map lib.showOption [
        [
          "a"
          "b-c"
        ]
        [
          "a.b"
          "2"
          "*"
          "<name>"
        ]
        [ ]
      ];
      expected = [
        "a.b-c"
        "\"a.b\".\"2\".*.<name>"
        ""
      ];
    };
    "showFiles" = {
      expr = lib.showFiles [
        "a"
        "b"
      ];
      expected = "`a' and `b'";
    };
    "optionsToDoc" = {
      expr = documented {
        b.c = mkOption {
          type = types.int;
          default = 1;
          example = 2;
          description = "Text.\n";
        };
      };
      expected = [
        {
          name = "b.c";
          type = "signed integer";
          default = "`1`";
          example = "`2`";
          description = "Text.";
          declarations = [ "nix/x.nix" ];
          readOnly = false;
          visible = true;
        }
      ];
    };
    "optionsToDoc: sorted by name" = {
      expr = map (o: o.name) (documented {
        b = mkOption { };
        a-x = mkOption { };
        a.y = mkOption { };
        "a".b = mkOption { };
      });
      expected = [
        "a.b"
        "a.y"
        "a-x"
        "b"
      ];
    };
    "optionsToDoc: nothing said" = {
      expr = removeAttrs (only { a = mkOption { }; }) [ "declarations" ];
      expected = {
        name = "a";
        type = "unspecified value";
        default = null;
        example = null;
        description = "";
        readOnly = false;
        visible = true;
      };
    };
    "optionsToDoc: options inside" = {
      expr = map (o: o.name) (documented {
        s = mkOption {
          type = types.attrsOf (
            types.submodule {
              options.i = mkOption { type = types.listOf (types.submodule { options.j = mkOption { }; }); };
            }
          );
        };
      });
      expected = [
        "s"
        "s.<name>.i"
        "s.<name>.i.*.j"
      ];
    };
    "optionsToDoc: hidden" = {
      expr =
        map
          (o: [
            o.name
            o.visible
          ])
          (documented {
            a = mkOption { internal = true; };
            b = mkOption {
              visible = false;
              type = types.submodule { options.c = mkOption { }; };
            };
            d = mkOption {
              visible = "shallow";
              type = types.submodule { options.e = mkOption { }; };
            };
          });
      expected = [
        [
          "a"
          false
        ]
        [
          "b"
          false
        ]
        [
          "d"
          true
        ]
      ];
    };
    "optionsToDoc: empty value as default" = {
      expr = map (o: o.default) (documented {
        a = mkOption { type = types.attrsOf types.int; };
        b = mkOption { type = types.nullOr types.int; };
      });
      expected = [
        "`{ }`"
        "`null`"
      ];
    };
    "optionsToDoc: texts" = {
      expr = map (default: (only { a = mkOption { inherit default; }; }).default) [
        "x\""
        1.5
        true
        null
        [ ]
        [
          1
          "a"
        ]
        { }
        {
          a.b = 1;
          "c d" = [ ];
        }
        (x: x)
        {
          type = "derivation";
          name = "n";
        }
        ../test.nix
        (lib.literalExpression "pkgs.x")
        (lib.literalMD "the *same*")
      ];
      expected = [
        "`\"x\\\"\"`"
        "`1.5`"
        "`true`"
        "`null`"
        "`[ ]`"
        "`[ 1 \"a\" ]`"
        "`{ }`"
        "`{ a = { b = 1; }; \"c d\" = [ ]; }`"
        "`<function>`"
        "`<derivation n>`"
        "`./test.nix`"
        "`pkgs.x`"
        "the *same*"
      ];
    };
    "optionsToDoc: a long text" = {
      expr =
        (only {
          a = mkOption {
            default = {
              list = lib.genList (n: "element number ${toString n}") 5;
            };
          };
        }).default;
      expected = "```nix\n{\n  list = [\n    \"element number 0\"\n    \"element number 1\"\n    \"element number 2\"\n    \"element number 3\"\n    \"element number 4\"\n  ];\n}\n```";
    };
    "optionsToDoc: text of several lines" = {
      expr = (only { a = mkOption { default = "one\ntwo\n"; }; }).default;
      expected = "```nix\n''\n  one\n  two\n''\n```";
    };
    "optionsToDoc: defaultText" = {
      expr =
        (only {
          a = mkOption {
            default = throw "never";
            defaultText = lib.literalExpression "config.b";
          };
        }).default;
      expected = "`config.b`";
    };
    "optionsToDoc: freeform" = {
      expr = map (o: o.name) (documented {
        s = mkOption {
          type = types.submodule {
            freeformType = types.attrsOf (types.submodule { options.f = mkOption { }; });
          };
        };
      });
      expected = [
        "s"
        "s.<name>.f"
      ];
    };
    "optionsToDoc: declared in two files" = {
      expr =
        (builtins.head (
          shown
            (lib.evalModules {
              modules =
                map
                  (n: {
                    _file = "${n}.nix";
                    options.a = mkOption { type = types.enum [ n ]; };
                  })
                  [
                    "one"
                    "two"
                  ];
            }).options
        )).declarations;
      expected = [
        "two.nix"
        "one.nix"
      ];
    };
  };
  errors = {
    "mkOption: unknown argument" = {
      expr = (mkOption { defualt = 1; }).default;
      message = "called with unexpected argument 'defualt'";
    };
    "literalExpression: no text" = {
      expr = lib.literalExpression 1;
      message = "literalExpression: expected a string, got int; put the text in quotes.";
    };
    "literalMD: no text" = {
      expr = lib.literalMD [ ];
      message = "literalMD: expected a string, got list; put the text in quotes.";
    };
    "optionsToDoc: a default that can't be evaluated" = {
      expr = documented { a = mkOption { default = throw "no"; }; };
      message = "`a': its default can't be shown, because evaluating it fails\nWhat to do: give the option a `defaultText'.";
    };
  };
}
