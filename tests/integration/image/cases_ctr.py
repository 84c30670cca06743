# SPDX-License-Identifier: Apache-2.0
"""cases_ctr.py -- the configuration that "ctr run" makes: name, the image's configuration, options,
command."""
from layers import file, folder, layer, symlink

PASSWD = (b"root:x:0:0:root:/root:/bin/sh\n"
          b"\n"
          b"  app : x:1000:1000::/:/bin/sh  \n"
          b"app:x:1001:1002:An app:/app:/bin/sh\n"
          b"odd:x:abc:-1:::\n"
          b"large:x:4294967296:99999999999999999999::/:\n"
          b"twin:x:1001:7::/:\n"
          b"4242:x:5:6::/:\n"
          b"short:x\n")
GROUP = (b"root:x:0:\n"
         b"app:x:1002:app\n"
         b"wheel:x:10:root,app\n"
         b"audio:x:29:app,other\n"
         b"own:x:1002:app,root\n"
         b"empty:x:30:\n"
         b"last:x:31:root")
USERS = layer(folder("etc"), file("etc/passwd", PASSWD), file("etc/group", GROUP))
LINKED = layer(folder("etc"), symlink("etc/passwd", "../../usr/share/p"), folder("usr"),
               folder("usr/share"), file("usr/share/p", PASSWD), symlink("etc/group", "/g/../g/h"),
               folder("g"), file("g/h", GROUP))
NONE = layer(folder("etc"))
CMD = {"Cmd": ["/bin/true"]}


def user(text):
    return {"Cmd": ["/bin/true"], "User": text}


# name: layers, configuration, options, command
GOOD = {
    "no options": ([NONE], CMD, [], []),
    "an image that says nothing": ([NONE], {}, [], []),
    "entrypoint and command": ([NONE], {"Entrypoint": ["/a", "b"], "Cmd": ["c"]}, [], []),
    "a command of one's own": ([NONE], {"Entrypoint": ["/a", "b"], "Cmd": ["c"]}, [],
                               ["/x", "-c", "a b", "--env", ""]),
    "text of all kinds": ([NONE], {"Cmd": ["ä\u2028\x01\"\\<>&", "\x7f"], "WorkingDir": "/ö"},
                          ["--env=A=\udcff", "--annotation=ü=\n"], []),
    "variables": ([NONE], dict(CMD, Env=["PATH=/p", "A=1", "B=2", "A=3", "C", "=x", ""]),
                  ["--env", "A=b", "--env", "B", "--env", "D=d,e", "--env", "A=c", "--env", "D=f",
                   "--env", "C=c", "--env", "E", "--env", "=y"], []),
    "no variables in the image": ([NONE], CMD, ["--env", "PATH=/mine"], []),
    "a variable that empties": ([NONE], dict(CMD, Env=["A=1"]), ["--env", "A="], []),
    "mounts": ([NONE], CMD, ["--mount", "type=bind,src=/tmp,dst=/host,options=rbind:ro", "--mount",
                             "type=tmpfs,destination=/x,source=s", "--mount", "dst=/o,options="], []),
    "a terminal": ([NONE], CMD, ["--tty"], []),
    "a terminal after TERM": ([NONE], dict(CMD, Env=["TERM=dumb"]), ["--tty"], []),
    "a directory, read only": ([NONE], dict(CMD, WorkingDir="/w"), ["--read-only"], []),
    "another directory": ([NONE], dict(CMD, WorkingDir="/w"), ["--cwd", "/tmp"], []),
    "the host's network": ([NONE], dict(CMD, Env=["HOSTNAME=x"]), ["--net-host"], []),
    "labels and annotations": ([NONE], CMD, ["--label", "a=b", "--label", "q", "--annotation",
                                             "x=y=z", "--annotation", "a=c"], []),
    "capabilities": ([NONE], CMD, ["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_KILL",
                                   "--cap-drop", "CAP_CHOWN", "--cap-add", "CAP_X"], []),
    "new privileges": ([NONE], CMD, ["--allow-new-privs"], []),
    "memory, processors, propagation": ([NONE], CMD, ["--memory-limit", "1000000", "--cpus", "1.5",
                                                      "--rootfs-propagation", "shared"], []),
    "quota": ([NONE], CMD, ["--cpu-quota", "1000", "--cpu-period", "2000", "--cpu-shares", "7"], []),
    "quota alone": ([NONE], CMD, ["--cpu-quota", "0"], []),
    "period alone": ([NONE], CMD, ["--cpu-period", "5"], []),
    "no shares": ([NONE], CMD, ["--cpu-shares", "0"], []),
    "an AppArmor profile": ([NONE], CMD, ["--apparmor-profile", "foo"], []),
    "no control group": ([NONE], CMD, ["--cgroup", ""], []),
    "a control group": ([NONE], CMD, ["--cgroup", "machine.slice:a:b"], []),
    "namespaces of others": ([NONE], CMD, ["--with-ns", "network:/a", "--with-ns", "cgroup:/b",
                                           "--with-ns", "ipc:/c", "--with-ns", "network:/d"], []),
    "network of others, and the host's": ([NONE], CMD, ["--net-host", "--with-ns", "network:/a"], []),
    "nobody's groups": ([NONE], user("1000"), [], []),
    "root's groups": ([USERS], CMD, [], []),
    "files that are links": ([LINKED], user("app"), [], []),
    "files of a layer above": ([NONE, USERS], user("app"), [], []),
    "a group file removed": ([USERS, layer(file("etc/.wh.group"))], user("app"), [], []),
}
for text in ("0", "root", "app", "1001", "1000", "odd", "large", "twin", "4242", "5", "app:wheel",
             "app:0", "1001:audio", "7:8", "1234:1234", "2147483647", "+5", ":", ":wheel", "app:",
             "-0", "short", "0:0", "root:4294967295:"[:4]):
    GOOD[f"user {text}"] = ([USERS], user(text), [], [])

BAD = {
    "user nobody": ([USERS], user("nobody"), [], []),
    "user of no file": ([NONE], user("root"), [], []),
    "group of no file": ([NONE], user("0:root"), [], []),
    "user app:nogroup": ([USERS], user("app:nogroup"), [], []),
    "user a:b:c": ([USERS], user("a:b:c"), [], []),
    "user too large": ([USERS], user("2147483648"), [], []),
    "a capability without CAP_": ([NONE], CMD, ["--cap-add", "KILL"], []),
    "an annotation without value": ([NONE], CMD, ["--annotation", "x"], []),
    "processors and quota": ([NONE], CMD, ["--cpus", "1", "--cpu-quota", "5"], []),
    "a namespace that is none": ([NONE], CMD, ["--with-ns", "net:/x"], []),
    "a mount that is none": ([NONE], CMD, ["--mount", "type=bind,ro"], []),
    "a directory in place of passwd": ([layer(folder("etc/passwd"))], user("root"), [], []),
    "links in a circle": ([layer(symlink("etc", "etc"))], CMD, [], []),
}
