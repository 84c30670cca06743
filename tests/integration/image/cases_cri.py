# SPDX-License-Identifier: Apache-2.0
"""cases_cri.py -- the configuration that containerd's CRI makes for a container of a pod."""
from cases_ctr import CMD, NONE, USERS, user
from layers import file, folder, layer


def security(**members):
    return {"linux": {"security_context": members}}


def resources(**members):
    return {"linux": {"resources": members}}


def runs_as(uid=None, gid=None, name=None):
    context = {}
    if uid is not None:
        context["run_as_user"] = {"value": uid}
    if gid is not None:
        context["run_as_group"] = {"value": gid}
    if name is not None:
        context["run_as_username"] = name
    return security(**context)


def mount(host, container, **more):
    return {"host_path": host, "container_path": container, **more}


# name: layers, the image's configuration, what the client asks for, the same as options, command
GOOD = {
    "nothing asked for": ([NONE], CMD, {}, [], []),
    "variables": ([NONE], dict(CMD, Env=["PATH=/p", "A=1", "HOSTNAME=h"]),
                  {"envs": [("A", "2"), ("B", "3"), ("A", "4")]},
                  ["--env", "A=2", "--env", "B=3", "--env", "A=4"], []),
    "a command": ([NONE], {"Entrypoint": ["/e"], "Cmd": ["c"]}, {"command": ["/x", "y"]}, [],
                  ["/x", "y"]),
    "a command and arguments": ([NONE], {"Entrypoint": ["/e"], "Cmd": ["c"]},
                                {"command": ["/x"], "args": ["z"]}, ["--arg", "z"], ["/x"]),
    "arguments": ([NONE], {"Entrypoint": ["/e"], "Cmd": ["c"]}, {"args": ["z", "-v"]},
                  ["--arg", "z", "--arg", "-v"], []),
    "the image's command": ([NONE], {"Entrypoint": ["/e"], "Cmd": ["c"]}, {}, [], []),
    "an entrypoint that is empty": ([NONE], {"Entrypoint": [""], "Cmd": ["c"]}, {}, [], []),
    "a terminal and a directory": ([NONE], dict(CMD, WorkingDir="/w"), {"tty": True, "working_dir": "/x"},
                                   ["--tty", "--cwd", "/x"], []),
    "the image's directory": ([NONE], dict(CMD, WorkingDir="/w"), {}, [], []),
    "read only": ([NONE], CMD, security(readonly_rootfs=True), ["--read-only"], []),
    "no new privileges": ([NONE], CMD, security(no_new_privs=True), ["--no-new-privs"], []),
    "capabilities": ([NONE], CMD, security(capabilities={"add_capabilities": ["SYS_ADMIN", "KILL"],
                                                         "drop_capabilities": ["CHOWN"]}),
                     ["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_KILL", "--cap-drop",
                      "CAP_CHOWN"], []),
    "no capabilities": ([NONE], CMD, security(capabilities={"drop_capabilities": ["ALL"]}),
                        ["--cap-drop", "ALL"], []),
    "all but one capability dropped": (
        [NONE], CMD, security(capabilities={"add_capabilities": ["NET_BIND_SERVICE"],
                                            "drop_capabilities": ["ALL"]}),
        ["--cap-drop", "ALL", "--cap-add", "CAP_NET_BIND_SERVICE"], []),
    "resources": ([NONE], CMD, resources(cpu_shares=2, oom_score_adj=1000),
                  ["--cpu-shares", "2", "--oom-score-adj", "1000"], []),
    "limits": ([NONE], CMD, resources(cpu_shares=512, cpu_quota=50000, cpu_period=100000,
                                      memory_limit_in_bytes=1 << 27, oom_score_adj=900),
               ["--cpu-shares", "512", "--cpu-quota", "50000", "--cpu-period", "100000",
                "--memory-limit", str(1 << 27), "--oom-score-adj", "900"], []),
    "mounts": ([NONE], CMD, {"mounts": [
        mount("/usr", "/a/deep/place"), mount("/usr", "/b", readonly=True), mount("/usr", "/c//d/"),
        mount("/tmp", "/dev/shm")]},
        ["--mount", "src=/usr,dst=/a/deep/place", "--mount", "src=/usr,dst=/b,options=ro", "--mount",
         "src=/usr,dst=/c//d/", "--mount", "src=/tmp,dst=/dev/shm"], []),
    "a mount over /etc/hosts": ([NONE], CMD, {"mounts": [mount("/usr/bin", "/etc/hosts")]},
                                ["--mount", "src=/usr/bin,dst=/etc/hosts"], []),
    "a mount over /dev": ([NONE], CMD, {"mounts": [mount("/dev", "/dev")]},
                          ["--mount", "src=/dev,dst=/dev"], []),
    "kubelet's paths": ([NONE], CMD, security(
        masked_paths=["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                      "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
                      "/sys/firmware"],
        readonly_paths=["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]),
        ["--kubelet-paths"], []),
    "root's groups": ([USERS], CMD, {}, [], []),
    "a uid": ([USERS], CMD, runs_as(1001), ["--user", "1001"], []),
    "a uid that is unknown": ([USERS], CMD, runs_as(7), ["--user", "7"], []),
    "a uid and a gid": ([USERS], CMD, runs_as(1001, 5), ["--user", "1001:5"], []),
    "a user": ([USERS], CMD, runs_as(name="app"), ["--user", "app"], []),
    "a user and a gid": ([USERS], CMD, runs_as(name="app", gid=29), ["--user", "app:29"], []),
    "root over the image's user": ([USERS], user("app"), runs_as(0), ["--user", "0"], []),
    "groups without a user file": ([layer(folder("etc"), file("etc/group", b"app:x:1002:0\n"))],
                                   user("1000"), {}, [], []),
}
for text in ("app", "1001", "app:wheel", "1001:audio", "twin", "4242", "odd", ":wheel"):
    GOOD[f"the image's user {text}"] = ([USERS], user(text), {}, [], [])

BAD = {
    "no command": ([NONE], {}, {}, [], []),
    "user nobody": ([USERS], user("nobody"), {}, [], []),
    "no such user": ([USERS], CMD, runs_as(name="nobody"), ["--user", "nobody"], []),
}
