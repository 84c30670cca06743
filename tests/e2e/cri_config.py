# SPDX-License-Identifier: Apache-2.0
"""cri_config.py -- containerd with CRI: the shipped example, and what a private world needs."""
import world

# The handler "cmc" is that of the example; these are others, by their options.
HANDLERS = """
  [plugins."{plugin}".containerd.runtimes.cmc-file]
    runtime_type = "io.containerd.cmc.v1"
    [plugins."{plugin}".containerd.runtimes.cmc-file.options]
      TypeUrl = "io.containerd.runc.v1.Options"
      ConfigPath = "{cri}/options.toml"
  [plugins."{plugin}".containerd.runtimes.cmc-inline]
    runtime_type = "io.containerd.cmc.v1"
    [plugins."{plugin}".containerd.runtimes.cmc-inline.options]
      BinaryName = "{cri}/own-runc"
  [plugins."{plugin}".containerd.runtimes.cmc-path]
    runtime_type = "io.containerd.runc.v2"
    runtime_path = "{shim}"
  [plugins."{plugin}".containerd.runtimes.cmc-legacy]
    runtime_type = "io.containerd.runtime.v1.linux"
    [plugins."{plugin}".containerd.runtimes.cmc-legacy.options]
      BinaryName = "{shim}"
"""

PLACES = """
root = "{cri}/root"
state = "{cri}/state"
[grpc]
  address = "{cri}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{cri}/opt"
[plugins."{plugin}"]
  disable_apparmor = true
  restrict_oom_score_adj = true
"""

CONFIG_1 = PLACES + """
  sandbox_image = "{pause}"
  stream_server_port = "0"
  [plugins."{plugin}".cni]
    bin_dir = "{cri}/cni/bin"
    conf_dir = "{cri}/cni/conf"
""" + HANDLERS

CONFIG_2 = PLACES + """
  [plugins."{plugin}".cni]
    bin_dirs = ["{cri}/cni/bin"]
    conf_dir = "{cri}/cni/conf"
""" + HANDLERS + """
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{pause}"
"""


def text(cri, pause):
    """Both merged, as the example's first lines say, in the form of the containerd that runs."""
    if world.version() >= (2, 0):
        example, head, form, plugin = "config-2.x.toml", "version = 3\n", CONFIG_2, "cri.v1.runtime"
    else:
        example, head, form, plugin = "config-1.x.toml", "version = 2\n", CONFIG_1, "grpc.v1.cri"
    with open(f"{world.TOP}/example-setup/containerd/{example}", encoding="utf-8") as shipped:
        before, after = shipped.read().split(head)
    own = form.format(cri=cri, pause=pause, plugin="io.containerd." + plugin, shim=world.PATH)
    return head + own + before + after
