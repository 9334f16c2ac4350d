/* This library is preloaded into a node, which then reads the time of day from a clock that is some milliseconds
 * ahead of the true one. How many is in the file that POLLUX_TEST_CLOCK names, as eight bytes, which may change at
 * any time. Clocks that measure how long something took are left alone. (Under libfaketime librdkafka, which waits
 * until a time of day, waits for as long as the clock is wrong.) */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead_ms;
static int (*true_clock_gettime)(clockid_t, struct timespec *);
static int (*true_cnd_timedwait)(cnd_t *, mtx_t *, const struct timespec *);

__attribute__((constructor)) static void start(void) {
    true_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    true_cnd_timedwait = dlsym(RTLD_NEXT, "cnd_timedwait");
    const char *name = getenv("POLLUX_TEST_CLOCK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead_ms, PROT_READ, MAP_SHARED, file, 0);
    /* A test that runs under the true clock would prove nothing. */
    if (page == MAP_FAILED) abort();
    close(file);
    ahead_ms = page;
}

static void shift(struct timespec *time, int64_t ms) {
    int64_t nanos = time->tv_nsec + ms % 1000 * 1000000;
    time->tv_sec += ms / 1000;
    if (nanos < 0) nanos += 1000000000, time->tv_sec--;
    if (nanos >= 1000000000) nanos -= 1000000000, time->tv_sec++;
    time->tv_nsec = nanos;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!true_clock_gettime) true_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    int result = true_clock_gettime(clock, time);
    int by_day = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    if (result == 0 && by_day && ahead_ms) shift(time, *ahead_ms);
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

int timespec_get(struct timespec *time, int base) {
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, time) == 0 ? base : 0;
}

time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where) *where = now.tv_sec;
    return now.tv_sec;
}

/* Whoever waits until a time of day has read it from the wrong clock. librdkafka waits by C's own threads. */
int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until) {
    struct timespec true_until = *until;
    if (ahead_ms) shift(&true_until, -*ahead_ms);
    return true_cnd_timedwait(condition, mutex, &true_until);
}
