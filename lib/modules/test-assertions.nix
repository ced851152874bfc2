# Uses `checkConfig`, which only Cloche's library has.
lib:
let
  config =
    definitions:
    lib.checkConfig
      (lib.evalModules {
        modules = [
          ./assertions.nix
          { options.x = lib.mkOption { default = 1; }; }
          definitions
        ];
      }).config;
in
{
  own = true;
  cases = {
    "checkConfig" = {
      expr = config { };
      expected = {
        x = 1;
      };
    };
    "checkConfig: what holds" = {
      expr = config {
        assertions = [
          {
            assertion = true;
            message = throw "looked";
          }
        ];
      };
      expected = {
        x = 1;
      };
    };
    "checkConfig: a warning" = {
      expr = config { warnings = [ "only a warning of a test" ]; };
      expected = {
        x = 1;
      };
    };
  };
  errors = {
    "checkConfig: one fails" = {
      expr = config {
        assertions = [
          {
            assertion = false;
            message = "x is y;\nuse z.";
          }
          {
            assertion = true;
            message = "no";
          }
        ];
      };
      message = "A demand on the configuration is not met:\n- x is y;\n  use z.";
    };
    "checkConfig: all are shown" = {
      expr = config {
        assertions = [
          {
            assertion = false;
            message = "one";
          }
          {
            assertion = false;
            message = "two\n";
          }
        ];
      };
      message = "2 demands on the configuration are not met:\n- one\n- two";
    };
  };
}
