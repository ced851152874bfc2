/* Preloaded before libfaketime. Where only the calendar's clock is another one (FAKETIME_DONT_FAKE_MONOTONIC), its own
   clock_nanosleep answers EINVAL to a time of the other clock, by which Python's time.sleep waits. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef int sleeper(clockid_t, int, const struct timespec *, struct timespec *);

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
  /* A date to wait for is in the other calendar. */
  if (clock == CLOCK_REALTIME && (flags & TIMER_ABSTIME))
    return ((sleeper *)dlsym(RTLD_NEXT, "clock_nanosleep"))(clock, flags, until, left);
  return syscall(SYS_clock_nanosleep, clock, flags, until, left) ? errno : 0;
}
