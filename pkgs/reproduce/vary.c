/* Preloaded into every process of a build that is repeated under other circumstances (pkgs/reproduce/default.nix):
   gives variables of the environment another value, before main begins.

   /cloche-vary/environment has NAME, OLD and NEW in turn, each ended by a newline. A variable is changed only where its
   value is OLD (or it is unset and OLD is empty): that is what the toolchain gives every build. What a build chose by
   itself, such as LC_ALL=C before a sort, is part of the build and stays. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int line(FILE *file, char *text, int size) {
  if (!fgets(text, size, file)) return 0;
  text[strcspn(text, "\n")] = 0;
  return 1;
}

__attribute__((constructor)) static void vary(void) {
  char name[256], old[1024], new[1024];
  FILE *file = fopen("/cloche-vary/environment", "re");
  if (!file) return;
  while (line(file, name, sizeof name) && line(file, old, sizeof old) && line(file, new, sizeof new)) {
    const char *now = getenv(name);
    if (now ? strcmp(now, old) == 0 : !*old) setenv(name, new, 1);
  }
  fclose(file);
}
