/* SPDX-License-Identifier: Apache-2.0 */
/* tests/integration/recorder/killer.c -- kills writers at the entry and at the exit of each system
 * call between lock and unlock, also while they recover and with others at work, and the TPM under
 * them. After each kill: log and PCR agree, no acknowledged event is lost, none is there twice.
 *
 * killer DIR [KILLS]: until at least so many (300), in profile exact and then in profile cmc. Exit
 * 0: all held; the table is on stdout. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/integration/recorder/world.h"

enum {
    EVENTS_MAX = 1 << 17,
    CALLS = 512,
    WRITERS = 4,
    EACH = 2,
    FILL_TRIES = 20,
    DEFAULT_KILLS = 300
};

enum phase { FIRST, EVENT, REPLAY, RECOVER, RECOVER_MARK, TOGETHER, SWTPM, PHASES };
static const char *const phase_name[PHASES] = {"boot",    "event",     "replay", "recover",
                                               "re-mark", "4 writers", "swtpm"};

struct shared { /* with the writers: survives their death, and needs no system call */
    atomic_uint next;
    atomic_uint acked[EVENTS_MAX]; /* seq + 1 */
};

static struct world world;
static struct shared *shared;
static time_t began;
static unsigned last_how[MEASURE_MARK_LOST + 1]; /* marks in the log that was checked last */
static unsigned kills[PHASES][CALLS][2], passed[PHASES][CALLS][2]; /* [entry, exit] */
static unsigned rounds, problems, tpm_discontinuities, tpm_starts;

static void problem(enum phase p, const char *what, long n)
{
    if (problems++ < 20)
        printf("PROBLEM in phase %s, round %u: %s (%ld)\n", phase_name[p], rounds, what, n);
}

/* The writer: as cmc-measure does it. Acknowledged is what success was returned for. */
static void write_events(unsigned count)
{
    struct record *r = world_open(&world);
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        struct cmc_err err = {0};
        struct record_receipt receipt;
        const unsigned n = atomic_fetch_add(&shared->next, 1);
        (void)snprintf(name, sizeof(name), "e%u", n);
        struct measure_event ev = n % 3 ? world_event(name) : world_quiet_event(name);
        if (record_event(r, &ev, &receipt, &err) == 0)
            atomic_store(&shared->acked[n], (unsigned)receipt.seq + 1);
    }
    record_close(r);
}

static void settle(void)
{
    struct record_receipt receipt;
    struct cmc_err err = {0};
    struct record *r = world_open(&world);
    if (record_init(r, &receipt, &err) < 0)
        die("recovery: %s", err.msg);
    record_close(r);
}

static pid_t start_writer(unsigned count, bool traced)
{
    pid_t pid = fork();
    if (pid < 0)
        die("fork: %s", strerror(errno));
    if (pid > 0)
        return pid;
    if (traced) {
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void)raise(SIGSTOP);
    }
    if (count > 0)
        write_events(count);
    else
        settle();
    _exit(0);
}

/* Follows one traced writer: where it is between lock and unlock. */
struct trace {
    pid_t pid;
    enum phase phase;
    long lock_fd;       /* -1: not held */
    unsigned long call; /* the system call that it is in */
    uint64_t arg;       /* its first argument */
    long stops;         /* under the lock, so far */
    bool ended;
};

static void begin_trace(struct trace *t, enum phase phase, unsigned count)
{
    int status = 0;
    *t = (struct trace){.phase = phase, .lock_fd = -1, .pid = start_writer(count, true)};
    if (waitpid(t->pid, &status, 0) < 0 || !WIFSTOPPED(status))
        die("trace: %s", strerror(errno));
    (void)ptrace(PTRACE_SETOPTIONS, t->pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
}

/* To the next system call stop; *exit: which side of it. */
static bool step(struct trace *t, bool *exit)
{
    struct __ptrace_syscall_info info = {0};
    int status = 0;
    if (ptrace(PTRACE_SYSCALL, t->pid, NULL, NULL) < 0 || waitpid(t->pid, &status, 0) < 0)
        die("trace: %s", strerror(errno));
    if (!WIFSTOPPED(status)) {
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            problem(t->phase, "the writer ended badly", status);
        t->ended = true;
        return false;
    }
    if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(info), &info) < 0)
        die("trace: %s", strerror(errno));
    *exit = info.op == PTRACE_SYSCALL_INFO_EXIT;
    if (!*exit) {
        t->call = (unsigned long)info.entry.nr;
        t->arg = info.entry.args[0];
    } else if (t->call == SYS_flock && info.exit.rval == 0 && t->lock_fd < 0) {
        t->lock_fd = (long)t->arg;
    }
    return true;
}

/* Where to kill: at stop number at (from 0) under the lock, or, when at is below 0, at the first
 * call of that number, before or behind it. */
struct target {
    long at;
    unsigned long call;
    bool exit;
};

static bool hits(const struct target *to, const struct trace *t, bool exit)
{
    return to->at >= 0 ? t->stops == to->at : t->call == to->call && exit == to->exit;
}

/* false: unlocked before that. */
static bool run_to(struct trace *t, const struct target *to)
{
    bool exit = false;
    for (; step(t, &exit); t->stops += t->lock_fd >= 0) {
        if (t->lock_fd < 0 || t->call >= CALLS)
            continue;
        if (hits(to, t, exit)) {
            kills[t->phase][t->call][exit]++;
            return true;
        }
        passed[t->phase][t->call][exit]++;
        if (exit && t->call == SYS_close && (long)t->arg == t->lock_fd)
            t->lock_fd = -1;
    }
    return false;
}

/* Runs to the entry of the n-th call (from 1) of that number under the lock. */
static void run_to_call(struct trace *t, unsigned long call, unsigned n)
{
    bool exit = false;
    while (step(t, &exit))
        if (t->lock_fd >= 0 && !exit && t->call == call && --n == 0)
            return;
    die("system call %lu not reached", call);
}

static void kill_writer(struct trace *t)
{
    (void)kill(t->pid, SIGKILL);
    (void)waitpid(t->pid, NULL, 0);
    rounds++;
}

static void let_go(struct trace *t)
{
    bool exit = false;
    while (!t->ended)
        (void)step(t, &exit);
}

/* An acknowledged event is in the log under the number that was told. */
static void check_acked(enum phase p, const uint64_t *seen, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const unsigned acked = atomic_load(&shared->acked[i]);
        if (acked && seen[i] != acked)
            problem(p, "an acknowledged event is lost", i);
    }
}

/* The TPM was reset under the writers: that begins segments, and may break one off. */
static void check_resets(const struct recorder_log *l)
{
    if (l->starts < tpm_starts)
        problem(SWTPM, "no recorder-start after a TPM reset", l->starts);
    tpm_starts = l->starts;
    tpm_discontinuities = l->discontinuities;
}

/* Only writers were killed: nothing of it shows, and what was done is never done again. */
static void check_writers(enum phase p, const struct recorder_log *l)
{
    if (l->discontinuities)
        problem(p, "discontinuities", l->discontinuities);
    if (l->starts != 1)
        problem(p, "recorder-starts", l->starts);
    if (l->how[MEASURE_MARK_TWICE])
        problem(p, "events that were extended twice", l->how[MEASURE_MARK_TWICE]);
}

/* The heart: what must hold after every kill. */
static void check(enum phase p)
{
    static uint64_t seen[EVENTS_MAX];
    struct recorder_log l = {.seen = seen, .seen_max = EVENTS_MAX};
    const unsigned next = atomic_load(&shared->next);
    const unsigned count = next < EVENTS_MAX ? next : EVENTS_MAX;
    memset(seen, 0, sizeof(seen[0]) * count);
    world_read(&world, &l);
    if (!l.agrees)
        problem(p, "log and PCR do not agree, records", (long)l.replay.events);
    if (l.repeated)
        problem(p, "events that are there twice", l.repeated);
    check_acked(p, seen, count);
    if (p == SWTPM)
        check_resets(&l);
    else
        check_writers(p, &l);
    memcpy(last_how, l.how, sizeof(last_how));
}

static void boot(void)
{
    world_boot(&world);
    memset(shared, 0, sizeof(*shared));
    tpm_starts = 1;
}

static void forget_hint(void)
{
    char path[192];
    (void)snprintf(path, sizeof(path), "%s/hint", world.runtime);
    (void)unlink(path);
}

/* Each returns false when the target was not reached. */
static bool one_writer(enum phase p, const struct target *to)
{
    struct trace t;
    if (p == FIRST)
        boot();
    if (p == REPLAY)
        forget_hint();
    begin_trace(&t, p, 1);
    const bool hit = run_to(&t, to);
    if (hit)
        kill_writer(&t);
    settle();
    check(p);
    return hit;
}

/* A first writer leaves an open record, with the extend done or not; the one that completes it is
 * killed as well. */
static bool recovery(enum phase p, const struct target *to)
{
    struct trace t;
    begin_trace(&t, p, 1);
    run_to_call(&t, SYS_fdatasync, p == RECOVER ? 1 : 2);
    kill_writer(&t);
    begin_trace(&t, p, 0);
    const bool hit = run_to(&t, to);
    if (hit)
        kill_writer(&t);
    settle();
    check(p);
    return hit;
}

static bool together(enum phase p, const struct target *to)
{
    struct trace t;
    pid_t other[WRITERS - 1];
    for (size_t i = 0; i < WRITERS - 1; i++)
        other[i] = start_writer(EACH, false);
    begin_trace(&t, p, EACH);
    const bool hit = run_to(&t, to);
    if (hit)
        kill_writer(&t);
    for (size_t i = 0; i < WRITERS - 1; i++) {
        int status = 0;
        if (waitpid(other[i], &status, 0) < 0 || status != 0)
            problem(p, "another writer ended badly", status);
    }
    settle();
    check(p);
    return hit;
}

/* The TPM dies under the writer, and is there again, reset, before the writer goes on or after. */
static bool kill_tpm(enum phase p, const struct target *to)
{
    struct trace t;
    const bool back = rounds % 2;
    begin_trace(&t, p, 1);
    const bool hit = run_to(&t, to);
    if (hit) {
        world_kill_swtpm(&world);
        rounds++;
        tpm_starts++; /* at least */
        if (back)
            world_start_swtpm(&world);
        let_go(&t);
        if (!back)
            world_start_swtpm(&world);
    }
    settle();
    check(p);
    return hit;
}

static bool round_of(enum phase p, const struct target *to)
{
    switch (p) {
    case FIRST:
    case EVENT:
    case REPLAY:
        return one_writer(p, to);
    case RECOVER:
    case RECOVER_MARK:
        return recovery(p, to);
    case TOGETHER:
        return together(p, to);
    case SWTPM:
    case PHASES:
        break;
    }
    return kill_tpm(p, to);
}

static const char *call_name(size_t nr, char *buf, size_t cap)
{
    static const struct {
        unsigned short nr;
        char name[16];
    } names[] = {{SYS_read, "read"},
                 {SYS_write, "write"},
                 {SYS_close, "close"},
                 {SYS_fstat, "fstat"},
                 {SYS_newfstatat, "newfstatat"},
                 {SYS_poll, "poll"},
                 {SYS_pread64, "pread64"},
                 {SYS_pwrite64, "pwrite64"},
                 {SYS_socket, "socket"},
                 {SYS_connect, "connect"},
                 {SYS_sendto, "sendto"},
                 {SYS_recvfrom, "recvfrom"},
                 {SYS_flock, "flock"},
                 {SYS_fsync, "fsync"},
                 {SYS_fdatasync, "fdatasync"},
                 {SYS_openat, "openat"},
                 {SYS_fchmod, "fchmod"},
                 {SYS_fchown, "fchown"},
                 {SYS_fallocate, "fallocate"},
                 {SYS_mmap, "mmap"},
                 {SYS_munmap, "munmap"},
                 {SYS_mprotect, "mprotect"},
                 {SYS_getpid, "getpid"},
                 {SYS_brk, "brk"},
                 {SYS_ftruncate, "ftruncate"},
                 {SYS_fcntl, "fcntl"},
                 {SYS_getrandom, "getrandom"},
                 {SYS_futex, "futex"},
                 {SYS_geteuid, "geteuid"},
                 {SYS_mremap, "mremap"},
                 {SYS_madvise, "madvise"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].nr == nr)
            return names[i].name;
    (void)snprintf(buf, cap, "call %zu", nr);
    return buf;
}

/* The C library's allocator: these come and go between runs, and change nothing but the process. */
static bool is_memory(size_t nr)
{
    return nr == SYS_brk || nr == SYS_mmap || nr == SYS_munmap || nr == SYS_mprotect ||
           nr == SYS_madvise || nr == SYS_mremap;
}

/* One cell: kills at entry/exit. A call that was seen in a phase and never killed there is a gap.
 */
static unsigned cell(enum phase p, size_t c, unsigned *total)
{
    const unsigned *k = kills[p][c], *s = passed[p][c];
    const bool gap = !is_memory(c) && ((s[0] && !k[0]) || (s[1] && !k[1]));
    char text[32] = "";
    if (k[0] || k[1] || gap)
        (void)snprintf(text, sizeof(text), "%u/%u%s", k[0], k[1], gap ? " GAP" : "");
    printf(" %13s", text);
    *total += k[0] + k[1];
    return gap;
}

static bool was_killed(size_t c)
{
    for (enum phase p = FIRST; p < PHASES; p++)
        if (kills[p][c][0] || kills[p][c][1] || (passed[p][c][0] && !is_memory(c)))
            return true;
    return false;
}

/* The table; returns the number of gaps. */
static unsigned report(void)
{
    unsigned total = 0, gaps = 0;
    printf("%-12s", "entry/exit");
    for (enum phase p = FIRST; p < PHASES; p++)
        printf(" %13s", phase_name[p]);
    printf("\n");
    for (size_t c = 0; c < CALLS; c++) {
        char buf[16];
        if (!was_killed(c))
            continue;
        printf("%-12s", call_name(c, buf, sizeof(buf)));
        for (enum phase p = FIRST; p < PHASES; p++)
            gaps += cell(p, c, &total);
        printf("\n");
    }
    printf("kills: %u in the table, %u in all\n", total, rounds);
    printf("problems: %u, calls that were never killed: %u, discontinuities after TPM kills: %u\n",
           problems, gaps, tpm_discontinuities);
    return gaps;
}

/* Every stop in turn, or every third; then what the writers passed without being killed there,
 * since not every run makes the same calls. */
static void sweep(enum phase p, long stride)
{
    boot();
    settle();
    for (struct target to = {.at = 0}; round_of(p, &to); to.at += stride)
        ;
    for (unsigned long c = 0; c < CALLS; c++)
        for (int side = 0; side < 2; side++)
            for (int i = 0; i < FILL_TRIES && passed[p][c][side] && !kills[p][c][side]; i++)
                (void)round_of(p, &(struct target){-1, c, side});
    printf(
        "%-5s %-10s %6u kills so far, %ld s; last log: done %u, recovered %u, found %u, twice %u, "
        "lost %u\n",
        world.cfg.profile == MEASURE_PROFILE_CMC ? "cmc" : "exact", phase_name[p], rounds,
        (long)(time(NULL) - began), last_how[MEASURE_MARK_DONE], last_how[MEASURE_MARK_RECOVERED],
        last_how[MEASURE_MARK_FOUND], last_how[MEASURE_MARK_TWICE], last_how[MEASURE_MARK_LOST]);
    (void)fflush(stdout);
}

/* Every stop of every phase; less where only the usual run is asked for. */
static void sweep_all(unsigned want)
{
    const bool usual = want <= DEFAULT_KILLS;
    const bool cmc = world.cfg.profile == MEASURE_PROFILE_CMC;
    for (enum phase p = FIRST; p < PHASES; p++)
        if (!usual || !cmc || p == EVENT || p == RECOVER || p == RECOVER_MARK)
            sweep(p, usual && (cmc || p >= TOGETHER) ? 3 : 1); /* these take long */
}

int main(int argc, char **argv)
{
    const unsigned want = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : DEFAULT_KILLS;
    if (argc < 2)
        die("usage: killer DIR [KILLS]");
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    began = time(NULL);
    world_init(&world, argv[1], "sha1,sha256");
    do {
        world.cfg.profile = MEASURE_PROFILE_EXACT;
        sweep_all(want);
        world.cfg.profile = MEASURE_PROFILE_CMC;
        sweep_all(want);
    } while (rounds < want);
    world_done(&world);
    return report() || problems ? EXIT_FAILURE : EXIT_SUCCESS;
}
