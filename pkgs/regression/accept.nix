# The program behind the app `accept`: cloche accept, which knows the flake's experiments and where their baselines lie.
{ toolchain }:
{
  # Where the project lies below the flake's folder.
  directory,
  # name -> path of the baseline below the project
  places,
}:
let
  own = import ../python/cloche.nix { inherit toolchain; };
  program = toolchain.runBash {
    name = "accept";
    inherit (toolchain.tools) bash;
    command = "${own.commandLine [ ]}/bin/cloche";
    inherit directory;
    known = map (name: "--known ${name}=${places.${name}}") (builtins.attrNames places);
    script = ''
      mkdir -p $out/bin
      cat > $out/bin/accept <<END
      #!$bash
      # The project is where the user stands, or below the flake's folder as configured.
      project=$directory
      [ -e "\$project/pyproject.toml" ] || project=.
      exec $command accept --project "\$project" $known "\$@"
      END
      chmod +x $out/bin/accept
    '';
  };
in
"${program}/bin/accept"
