# Packages that must be caught: each leaks exactly the one circumstance that it is called after. `reproduce` builds them
# under each variation that it uses, to prove that the variation took effect.
{ toolchain }:
let
  planted =
    name: script:
    toolchain.runBash {
      name = "planted-${name}";
      inherit script;
    };
in
builtins.mapAttrs planted {
  cores = "echo $NIX_BUILD_CORES $(nproc) > $out";
  date = "date +%Y > $out";
  timezone = "date --date=@0 +%z > $out";
  locale = "date --date=@0 +%A > $out";
  hashseed = ''python3 -c 'print(hash("a"))' > $out'';
  # Where the store lies on the disk: what the sandbox mounts an input from.
  store = "while read -r _ _ _ from to _; do [ $to != $base ] || echo $from > $out; done < /proc/self/mountinfo";
  # The user outside of the sandbox, inside of which everybody is called the same.
  user = "read -r _ outside _ < /proc/self/uid_map; echo $outside > $out";
  machine = ''
    while IFS=: read -r name value; do
      case $name in "model name"* | MemTotal) echo "$value" ;; esac
    done < <(cat /proc/cpuinfo /proc/meminfo) | sort -u > $out
    uname --kernel-release --kernel-version >> $out
  '';
}
