# The Python that fetches (cloche.fetch), as a folder for sys.path: standard library only, so that it runs on the
# toolchain alone, before anything of a lock is there.
import ../python/modules.nix [ "fetch/__main__.py" ]
