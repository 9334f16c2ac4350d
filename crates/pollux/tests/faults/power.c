/* This library is preloaded into a broker and writes down what the broker has synced: for each fsync, fdatasync
 * and truncation of a regular file one line with the file's identity and its length. What is beyond that length
 * would be gone after a power cut. Syncs by msync are left out, because Kafka maps only indexes, which it builds
 * anew from the log. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int record = -1;

__attribute__((constructor)) static void open_record(void) {
    const char *path = getenv("POLLUX_TEST_SYNCED");
    if (path) record = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (record < 0) abort();
}

/* Reads what is known of a regular file. An inode's number is used again, so the moment of its birth belongs to
 * its identity. */
static int look(int fd, struct statx *file) {
    int saved = errno;
    int known = statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, file) == 0 && S_ISREG(file->stx_mode);
    errno = saved;
    return known;
}

/* Writes one line by one call, which the kernel appends as a whole. */
static void note(const struct statx *file, const char *what, unsigned long long length) {
    char line[128];
    int saved = errno;
    int size = snprintf(line, sizeof line, "%s %llu %lld.%09u %llu\n", what, (unsigned long long)file->stx_ino,
                        (long long)file->stx_btime.tv_sec, file->stx_btime.tv_nsec, length);
    if (write(record, line, size) != size) abort();
    errno = saved;
}

/* The length is read before the sync: what is written meanwhile may not be covered by it. */
static int synced(int fd, const char *name) {
    struct statx file;
    int known = look(fd, &file);
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int done = real(fd);
    if (done == 0 && known) note(&file, "synced", file.stx_size);
    return done;
}

int fsync(int fd) { return synced(fd, "fsync"); }
int fdatasync(int fd) { return synced(fd, "fdatasync"); }

/* Only a truncation that shortens the file takes away what was synced; the reader keeps the lesser
 * length until the next sync. */
static int truncated(int fd, off64_t length, const char *name) {
    struct statx file;
    int shortens = look(fd, &file) && (unsigned long long)length < file.stx_size;
    int (*real)(int, off64_t) = (int (*)(int, off64_t))dlsym(RTLD_NEXT, name);
    int done = real(fd, length);
    if (done == 0 && shortens) note(&file, "shortened", length);
    return done;
}

int ftruncate(int fd, off_t length) { return truncated(fd, length, "ftruncate"); }
int ftruncate64(int fd, off64_t length) { return truncated(fd, length, "ftruncate64"); }
