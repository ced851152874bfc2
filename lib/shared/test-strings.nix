lib: {
  cases = {
    "baseNameOf" = {
      expr = lib.baseNameOf "/a/b.nix";
      expected = "b.nix";
    };
    "concatStringsSep" = {
      expr = lib.concatStringsSep ", " [
        "a"
        "b"
      ];
      expected = "a, b";
    };
    "match" = {
      expr = [
        (lib.match "a(.*)" "abc")
        (lib.match "x" "abc")
      ];
      expected = [
        [ "bc" ]
        null
      ];
    };
    "readFile" = {
      expr = lib.readFile ../fixtures/data.toml;
      expected = "[project]\nname = \"branin\"\n";
    };
    "fileContents" = {
      expr = lib.fileContents ../fixtures/data.toml;
      expected = "[project]\nname = \"branin\"";
    };
    "replaceStrings" = {
      expr = lib.replaceStrings [ "a" "b" ] [ "b" "c" ] "ab";
      expected = "bc";
    };
    "stringLength" = {
      expr = lib.stringLength "abc";
      expected = 3;
    };
    "substring" = {
      expr = lib.substring 1 2 "abcd";
      expected = "bc";
    };
    "optionalString" = {
      expr = [
        (lib.optionalString true "a")
        (lib.optionalString false "a")
      ];
      expected = [
        "a"
        ""
      ];
    };
    "concatStrings" = {
      expr = lib.concatStrings [
        "a"
        ""
        "b"
      ];
      expected = "ab";
    };
    "concatMapStrings" = {
      expr = lib.concatMapStrings toString [
        1
        2
      ];
      expected = "12";
    };
    "concatMapStringsSep" = {
      expr = lib.concatMapStringsSep "-" toString [
        1
        2
      ];
      expected = "1-2";
    };
    "concatLines" = {
      expr = lib.concatLines [
        "a"
        "b"
      ];
      expected = "a\nb\n";
    };
    "hasPrefix" = {
      expr = map (lib.hasPrefix "ab") [
        "abc"
        "xab"
        "a"
        ""
      ];
      expected = [
        true
        false
        false
        false
      ];
    };
    "hasPrefix: empty" = {
      expr = map (lib.hasPrefix "") [
        "abc"
        ""
      ];
      expected = [
        true
        true
      ];
    };
    "hasSuffix" = {
      expr = map (lib.hasSuffix "bc") [
        "abc"
        "bcx"
        "c"
        ""
      ];
      expected = [
        true
        false
        false
        false
      ];
    };
    "hasSuffix: empty" = {
      expr = map (lib.hasSuffix "") [
        "abc"
        ""
      ];
      expected = [
        true
        true
      ];
    };
    "hasInfix" = {
      expr = map (lib.hasInfix "b.") [
        "ab.c"
        "abxc"
        "b"
      ];
      expected = [
        true
        false
        false
      ];
    };
    "hasInfix: empty" = {
      expr = lib.hasInfix "" "abc";
      expected = true;
    };
    "removePrefix" = {
      expr = map (lib.removePrefix "a") [
        "abc"
        "bca"
        "a"
      ];
      expected = [
        "bc"
        "bca"
        ""
      ];
    };
    "removeSuffix" = {
      expr = map (lib.removeSuffix "c") [
        "abc"
        "cab"
        "c"
      ];
      expected = [
        "ab"
        "cab"
        ""
      ];
    };
    "splitString" = {
      expr = lib.splitString "." "a.b..c";
      expected = [
        "a"
        "b"
        ""
        "c"
      ];
    };
    "splitString: no separator inside" = {
      expr = lib.splitString "/" "abc";
      expected = [ "abc" ];
    };
    "splitString: empty" = {
      expr = lib.splitString "/" "";
      expected = [ "" ];
    };
    "splitString: special characters" = {
      expr = lib.splitString "$(" "a$(b";
      expected = [
        "a"
        "b"
      ];
    };
    "toUpper" = {
      expr = lib.toUpper "aZ-1ä";
      expected = "AZ-1ä";
    };
    "toLower" = {
      expr = lib.toLower "aZ-1Ä";
      expected = "az-1Ä";
    };
    "escapeRegex" = {
      expr = lib.escapeRegex "[a.b]*$";
      expected = "\\[a\\.b]\\*\\$";
    };
    "escapeShellArg: needs nothing" = {
      expr = lib.escapeShellArg "a/b.c-d_1,x:y@z%+";
      expected = "a/b.c-d_1,x:y@z%+";
    };
    "escapeShellArg: blank and quote" = {
      expr = lib.escapeShellArg "it's $x";
      expected = "'it'\\''s $x'";
    };
    "escapeShellArg: empty" = {
      expr = lib.escapeShellArg "";
      expected = "''";
    };
    "escapeShellArg: number" = {
      expr = lib.escapeShellArg 3;
      expected = "3";
    };
    "escapeShellArgs" = {
      expr = lib.escapeShellArgs [
        "a"
        "b c"
      ];
      expected = "a 'b c'";
    };
    "strings.escapeNixString" = {
      expr = lib.strings.escapeNixString "a\"\${b}\n\\";
      expected = ''"a\"\''${b}\n\\"'';
    };
    "strings.escapeNixIdentifier" = {
      expr = map lib.strings.escapeNixIdentifier [
        "a-b'"
        "_1"
        "1a"
        "a.b"
        ""
        "with"
        "or"
        "if"
        "iff"
      ];
      expected = [
        "a-b'"
        "_1"
        "\"1a\""
        "\"a.b\""
        "\"\""
        "\"with\""
        "\"or\""
        "\"if\""
        "iff"
      ];
    };
  };
}
