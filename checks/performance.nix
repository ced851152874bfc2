# Passes when no benchmark has become slower than the base, and planted programs, slower and faster, are seen to be.
{ toolchain }:
{
  name,
  # name -> pkgs/performance.nix
  comparisons,
  # The role `valgrind'.
  valgrind,
}:
let
  judge = import ../pkgs/performance.nix { inherit toolchain; };
  environment = import ../pkgs/python/environment.nix { inherit toolchain; };
  # working : number -> environment with a program that does so much work
  working =
    amount:
    environment {
      name = "planted";
      wheels = [
        (toolchain.runBash {
          name = "planted";
          folder = toolchain.python.sitePackages;
          script = ''
            mkdir -p $out/$folder
            echo 'for number in range(${toString amount}): str(number).encode()' > $out/$folder/planted.py
            exit 0
          '';
        })
      ];
    };
  base = working 150000;
  planted =
    benchmark: head:
    judge {
      name = "control-${benchmark}";
      inherit benchmark valgrind;
      sides = { inherit base head; };
      revisions = {
        base = null;
        head = null;
      };
      command = [
        "python"
        "-m"
        "planted"
      ];
      setUp = [
        "python"
        "-c"
        "pass"
      ];
      instruments = [
        "instructions"
        "time"
      ];
      gate = 0.01;
      effect = 0.05;
      runs = 6;
    };
in
toolchain.runPython {
  inherit name comparisons;
  controls = {
    slower = planted "slower" (working 180000);
    faster = planted "faster" (working 120000);
  };
  script = ../python/src/cloche/performance/check.py;
}
