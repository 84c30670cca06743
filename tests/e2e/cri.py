# SPDX-License-Identifier: Apache-2.0
"""cri.py -- pods: a containerd with CRI beside the world's own, a client for it, a clean end."""
import functools
import os
import re
import shutil
import signal
import socket
import subprocess

import cri_config
import image
import world
from world import NAMESPACE, PLACE, expect, same, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
CRI = PLACE + "/cri"
ADDRESS = CRI + "/containerd.sock"
STATE = CRI + "/state"
LOG = CRI + "/containerd.log"
K8S = "k8s.io"  # the namespace that CRI uses in containerd
PAUSE, BUSYBOX = "example.org/cmc/pause:1", "example.org/cmc/pod:1"
DEADLINE = 60
SLEEP = ("sleep", "1000")


class Client:
    """client.Method(member=value, ...): one call each; nested messages are dictionaries."""

    def __init__(self):
        try:
            import grpc  # pylint: disable=import-outside-toplevel
            import grpc_tools.protoc  # pylint: disable=import-outside-toplevel,unused-import
        except ImportError as why:
            raise world.Skip(f"{why}: apt-get install python3-grpcio python3-grpc-tools") from why
        self.grpc, self.error = grpc, grpc.RpcError
        self.read_interface()

    def read_interface(self):
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
        path = CRI + "/cri.set"
        world.sh("python3", "-m", "grpc_tools.protoc", "-I", HERE, "--descriptor_set_out=" + path,
                 HERE + "/cri.proto")
        with open(path, "rb") as f:
            files = descriptor_pb2.FileDescriptorSet.FromString(f.read()).file
        pool = descriptor_pool.DescriptorPool()
        self.messages = message_factory.MessageFactory(pool)
        for one in files:
            pool.Add(one)
        self.services = [pool.FindServiceByName(f"{f.package}.{s.name}")
                         for f in files for s in f.service]

    def connect(self):
        """To a containerd that listens: a channel that has failed once waits for seconds."""
        own = [("grpc.use_local_subchannel_pool", 1)]
        channel = self.grpc.insecure_channel("unix://" + ADDRESS, own)
        for service in self.services:
            for method in service.methods:
                setattr(self, method.name, self.method(channel, service, method))

    def method(self, channel, service, method):
        request = self.messages.GetPrototype(method.input_type)
        answer = self.messages.GetPrototype(method.output_type)
        call = channel.unary_unary(f"/{service.full_name}/{method.name}",
                                   request_serializer=request.SerializeToString,
                                   response_deserializer=answer.FromString)
        return lambda deadline=DEADLINE, **members: call(request(**members), timeout=deadline)


_client = None


def client():
    """The client of a containerd that runs and is ready; both are made at the first use."""
    global _client  # pylint: disable=global-statement
    if _client is None:
        os.makedirs(CRI, exist_ok=True)
        _client = Client()
        write_missing_files()
        write_config()
        begin()
        import_image(PAUSE, SLEEP)
        import_image(BUSYBOX, ("true",))
    return _client


def write_missing_files():
    """What containerd copies into a pod, in our private /etc: a small Debian has none of it."""
    for path, text in (("/etc/hosts", "127.0.0.1 localhost\n"), ("/etc/resolv.conf", ""),
                       ("/etc/hostname", "host\n")):
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)


def write_config():
    with open(CRI + "/containerd.toml", "w", encoding="utf-8") as out:
        out.write(cri_config.text(CRI, PAUSE))


def begin():
    with open(LOG, "ab") as log:
        daemon = subprocess.Popen(["containerd", "-c", CRI + "/containerd.toml"], cwd="/",
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    with open(CRI + "/containerd.pid", "w", encoding="ascii") as out:
        out.write(str(daemon.pid))
    wait_until(listens, f"containerd with CRI listening; see {LOG}")
    _client.connect()
    wait_until(ready, f"containerd with CRI ready; see {LOG}")


def listens():
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(ADDRESS) == 0


def ready():
    try:
        found = _client.Status(deadline=5).status.conditions
    except _client.error:
        return False
    return any(one.type == "RuntimeReady" and one.status for one in found)


def restart():
    """Kills containerd and starts it again."""
    with open(CRI + "/containerd.pid", encoding="ascii") as f:
        pid = int(f.read())
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    begin()


def import_image(ref, command):
    archive = CRI + "/image.tar"
    image.write(archive, ref, 1, "", [], command)
    ctr("images", "import", archive)
    os.unlink(archive)
    wait_until(lambda: _client.ImageStatus(image={"image": ref}).image.id, f"{ref} known to CRI")


def ctr(*argv, ns=K8S, **more):
    return world.sh("ctr", "-a", ADDRESS, "-n", ns, *argv, **more)


def host():
    """Namespaces as a pod with the host's network has them."""
    return {"security_context": {"namespace_options": {"network": "NODE", "pid": "CONTAINER"}}}


class Pod:
    """A sandbox and what runs in it; the end of the block removes it."""

    def __init__(self, name, handler="cmc", namespace="default", uid=None):
        self.handler = handler
        self.logs = f"{CRI}/logs/{namespace}-{name}"
        os.makedirs(self.logs, exist_ok=True)
        self.config = {
            "metadata": {"name": name, "uid": uid or f"uid-{namespace}-{name}",
                         "namespace": namespace},
            "log_directory": self.logs,
            "linux": {"cgroup_parent": f"/{NAMESPACE}/{namespace}-{name}", **host()},
        }
        self.id = None

    def run_sandbox(self):
        self.id = client().RunPodSandbox(config=self.config,
                                         runtime_handler=self.handler).pod_sandbox_id
        return self

    __enter__ = run_sandbox

    def __exit__(self, *_):
        self.close()

    def create(self, name, *command, attempt=0, env=(), ref=BUSYBOX):
        config = {"metadata": {"name": name, "attempt": attempt}, "image": {"image": ref},
                  "command": command or SLEEP, "log_path": f"{name}.{attempt}.log",
                  "envs": [{"key": k, "value": v} for k, v in env], "linux": host()}
        return client().CreateContainer(pod_sandbox_id=self.id, config=config,
                                        sandbox_config=self.config).container_id

    def run(self, *what, **more):
        """A container that is started; its id."""
        name = self.create(*what, **more)
        client().StartContainer(container_id=name)
        return name

    def output(self, name, attempt=0):
        with open(f"{self.logs}/{name}.{attempt}.log", encoding="utf-8") as f:
            return "".join(line.split(" ", 3)[3] for line in f)

    def close(self):
        client().StopPodSandbox(pod_sandbox_id=self.id)
        client().RemovePodSandbox(pod_sandbox_id=self.id)


def bundle(name):
    return f"{STATE}/io.containerd.runtime.v2.task/{K8S}/{name}"


def state(name):
    """RUNNING, EXITED ...: of a container."""
    number = client().ContainerStatus(container_id=name).status.state
    return ("CREATED", "RUNNING", "EXITED", "UNKNOWN")[number]


def ends(name):
    """Waits until a container has ended; its exit code."""
    wait_until(lambda: state(name) == "EXITED", f"{name} ended")
    return client().ContainerStatus(container_id=name).status.exit_code


def stop(name):
    client().StopContainer(container_id=name, timeout=0)


def remove(name):
    client().RemoveContainer(container_id=name)


def run_in(name, *command):
    """ExecSync: what the command wrote; it must succeed."""
    done = client().ExecSync(container_id=name, cmd=command, timeout=10)
    same((done.exit_code, done.stderr), (0, b""), f"exec {command}")
    return done.stdout.decode()


def fails(call, *parts):
    """The call must fail, with these words in the error."""
    try:
        call()
    except client().error as why:
        for part in parts:
            world.holds(why.details(), part, "the error")
        return
    raise AssertionError("it did not fail")


def events(name):
    """[(type, exit status)] of a container."""
    return [(e["type"], e.get("exit_status")) for e in world.events(name=name)]


def created(name):
    """The one create event of a container."""
    found = world.events("container-create", name)
    same(len(found), 1, f"create events of {name}")
    return found[0]


def proxies():
    """Process numbers of all proxies of this containerd."""
    return [pid for pid, line in world.processes("containerd-shim-cmc-v1") if ADDRESS in line]


# the end

def names_below(*parts):
    path = os.path.join(*parts)
    return sorted(os.listdir(path)) if os.path.isdir(path) else []


def cgroups():
    """Those of containers; what a pod has above them is kubelet's, and ours in the end."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        tops = [line.split()[1] for line in mounts if line.split()[2] in ("cgroup", "cgroup2")]
    return [where for top in tops for where, _, _ in os.walk(f"{top}/{NAMESPACE}")
            if re.fullmatch("[0-9a-f]{64}", os.path.basename(where))]


def leftovers():
    """What pods can leave behind, as a list of texts."""
    found = [f"process {line}" for _, line in world.processes("containerd-shim") if ADDRESS in line]
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        found += ["mount " + line.split()[1] for line in mounts if line.split()[1].startswith(CRI)]
    plugin = STATE + "/io.containerd.grpc.v1.cri"
    for what, path in (("bundle", bundle("")),
                       ("sandbox", plugin + "/sandboxes"), ("container", plugin + "/containers"),
                       ("socket", "/run/containerd/s"),
                       ("runc", f"/run/containerd/runc/{K8S}"),
                       ("runc", f"{CRI}/runc/{K8S}")):
        found += [f"{what} {name}" for name in names_below(path)]
    return found + ["cgroup " + path for path in cgroups()]


def clean():
    """Away with all pods, whatever state they are in."""
    for pod in client().ListPodSandbox().items:
        for call in (client().StopPodSandbox, client().RemovePodSandbox):
            try:
                call(pod_sandbox_id=pod.id)
            except client().error as why:
                print(f"    {pod.id[:12]}: {why.details()}", flush=True)
    for name in ctr("task", "ls", "-q", status=None).stdout.split():
        ctr("task", "delete", "-f", name, status=None)
    for name in ctr("container", "ls", "-q", status=None).stdout.split():
        ctr("container", "delete", name, status=None)


def nothing_left():
    try:
        wait_until(lambda: not leftovers(), "nothing left", 8)
    except AssertionError:
        raise AssertionError("left behind: " + "; ".join(leftovers())[:600]) from None


def case(call, failures=0):
    """A case with pods: the log agrees with the TPM, nothing failed unnoticed, nothing is left."""
    @functools.wraps(call)
    def checked():
        client()
        before = len(world.events())
        try:
            call()
            nothing_left()
            bad = [e.get("reason") for e in world.events()[before:]
                   if e["type"] in ("measurement-failed", "discontinuity")]
            same(len(bad), failures, f"events of failure: {bad}")
            world.cmcctl("--verify")
            world.oracle()
        except world.Skip:
            raise
        except Exception:
            print(world.sh("tail", "-n", "20", LOG).stdout)
            raise
        finally:
            clean()
    return checked


def case_with_failures(number):
    """The same, where that many events say that something could not be measured."""
    return functools.partial(case, failures=number)


def place(path, source, mode=0o755):
    """Puts a copy of source at path, over what is there, as a package manager does."""
    shutil.copyfile(source, path + ".new")
    os.chmod(path + ".new", mode)
    os.rename(path + ".new", path)


