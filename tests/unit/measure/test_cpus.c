/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_cpus.c -- quotas of both kinds of cgroups, in made-up trees. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <sched.h>

#include "measure/cpus.h"

#define V1_LINES "9:name=systemd:/x\n3:cpuset:/x\n2:cpu,cpuacct:/a/b\n0::/x\n"

struct file {
    const char *path, *text;
};

static struct row {
    const char *name;
    unsigned want;
    struct file files[6];
} rows[] = {
    {"nothing at all", 0, {{NULL, NULL}}},
    {"no quota", 0, {{"proc/self/cgroup", "0::/a\n"}, {"sys/fs/cgroup/a/cpu.max", "max 100000\n"}}},
    {"a quota",
     2,
     {{"proc/self/cgroup", "0::/a\n"}, {"sys/fs/cgroup/a/cpu.max", "200000 100000\n"}}},
    {"rounded up",
     3,
     {{"proc/self/cgroup", "0::/a\n"}, {"sys/fs/cgroup/a/cpu.max", "200001 100000\n"}}},
    {"less than one CPU",
     1,
     {{"proc/self/cgroup", "0::/a\n"}, {"sys/fs/cgroup/a/cpu.max", "1000 100000\n"}}},
    {"no period", 2, {{"proc/self/cgroup", "0::/a\n"}, {"sys/fs/cgroup/a/cpu.max", "150000\n"}}},
    {"one above is less",
     1,
     {{"proc/self/cgroup", "0::/a/b/c\n"},
      {"sys/fs/cgroup/a/cpu.max", "100000 100000\n"},
      {"sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
      {"sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n"}}},
    {"the root of a cgroup namespace",
     5,
     {{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "500000 100000\n"}}},
    {"a group outside of the namespace",
     5,
     {{"proc/self/cgroup", "0::/../a\n"},
      {"sys/fs/cgroup/cpu.max", "500000 100000\n"},
      {"sys/fs/a/cpu.max", "100000 100000\n"}}},
    {"version 1",
     4,
     {{"proc/self/cgroup", V1_LINES},
      {"sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "400000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, none",
     0,
     {{"proc/self/cgroup", V1_LINES},
      {"sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, one above",
     2,
     {{"proc/self/cgroup", V1_LINES},
      {"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "20000\n"},
      {"sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "10000\n"}}},
    {"version 1, of other controllers",
     0,
     {{"proc/self/cgroup", "3:cpuset,xcpu,cpuacct:/x\n"},
      {"sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "20000\n"},
      {"sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "10000\n"}}},
    {"version 2 beside version 1",
     3,
     {{"proc/self/cgroup", V1_LINES}, {"sys/fs/cgroup/unified/x/cpu.max", "300000 100000\n"}}},
    {"nonsense",
     0,
     {{"proc/self/cgroup", "\n:\n::\nx\n0::/a"}, {"sys/fs/cgroup/cpu.max", "-5 0\n"}}},
    {"numbers too large",
     0,
     {{"proc/self/cgroup", "0::/a\n"}, {"sys/fs/cgroup/a/cpu.max", "99999999999999999999 1\n"}}},
    {"a period of nothing",
     1,
     {{"proc/self/cgroup", "0::/a\n"}, {"sys/fs/cgroup/a/cpu.max", "100000 0\n"}}},
};

static void put_at(int dir, const char *path, const char *text)
{
    char part[256];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        assert_true(mkdirat(dir, part, 0755) == 0 || errno == EEXIST);
    }
    assert_int_equal(put(dir, path, text), 0);
}

static void run_row(void **state)
{
    const struct row *row = *state;
    struct tree t;
    begin(&t);
    for (const struct file *f = row->files; f->path; f++)
        put_at(t.fd, f->path, f->text);
    const unsigned got = measure_cpus_quota(t.fd);
    end(&t);
    assert_int_equal(got, row->want);
}

static void as_many_as_we_may_use(void **state)
{
    (void)state;
    cpu_set_t set, one;
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    const unsigned all = measure_cpus();
    assert_in_range(all, 1, CPU_COUNT(&set));
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &set))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    const unsigned alone = measure_cpus();
    assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
    assert_int_equal(alone, 1);
}

int main(void)
{
    static struct CMUnitTest tests[ROWS(rows) + 1];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    tests[ROWS(rows)] = (struct CMUnitTest)cmocka_unit_test(as_many_as_we_may_use);
    return _cmocka_run_group_tests("measure/cpus", tests, ROWS(tests), NULL, NULL);
}
