#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""references_compare.py MEASURE_BUNDLE -- what measure-bundle prints for random configurations, checked by
references.py in both profiles and with a key; and the worked example of the page."""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
NUMBERS = [0, 1, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1025, 2**63 - 513, 2**63 - 512, 2**63 - 1]
LARGE = NUMBERS + [2**63, 2**63 + 1, 2**64 - 2049, 2**64 - 1024, 2**64 - 1]
TEXTS = ["", "a", "é", "\U0001d11e", "\u2028<&>", "\x01\t\n", '"\\', "18446744073709552000",
         ',"9223372036854776000', "\ufffd"]
KEY = bytes(range(32))


def configuration(rng):
    text = lambda: "".join(rng.choice(TEXTS) for _ in range(rng.randrange(3)))
    env = [rng.choice(["A", "é", ""]) + rng.choice(["=", "", "=="]) + text()
           for _ in range(rng.randrange(5))]
    return {"ociVersion": "1.0.2", "hostname": text(),
            "process": {"cwd": "/" + text(), "args": [text()], "env": env,
                        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": rng.choice(LARGE),
                                     "soft": rng.choice(LARGE)}]},
            "root": {"path": "rootfs", "readonly": rng.random() < 0.5},
            "annotations": {"k" + text(): text()},
            "linux": {"cgroupsPath": "/x/" + text(), "sysctl": {"s" + text(): text()},
                      "resources": {"memory": {"limit": rng.choice([1, -1]) * rng.choice(NUMBERS),
                                               "swap": -2**63}}}}


def check(program, config, place, *options):
    path, refs = place + "/config.json", place + "/refs.json"
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f, ensure_ascii=rng_ascii(config))
    done = subprocess.run([program, "-config", path, "-rootfs", place + "/tree", *options],
                          capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{options} {config}: {done.stderr.decode()}")
    with open(refs, "wb") as f:
        f.write(done.stdout)
    subprocess.run([sys.executable, HERE + "/references.py", refs], check=True,
                   stdout=subprocess.DEVNULL)
    return done.stdout


def rng_ascii(config):
    return len(config["hostname"]) % 2 == 0 if "hostname" in config else True


def example(program, place):
    """The page's own, whose line breaks within the component are added there."""
    with open(HERE + "/../../docs/formats/references.md", encoding="utf-8") as f:
        (shown,) = re.findall(r"```\n(\[\n\{.*?)```", f.read(), re.S)
    lines = shown.split("\n")
    want = lines[0] + "\n" + "".join(lines[1:-2]) + "\n" + lines[-2] + "\n"
    got = check(program, {"ociVersion": "1.0.2"}, place).decode()
    if got != want:
        sys.exit(f"worked example: {got!r}, the page has {want!r}")


def main():
    program, rng = sys.argv[1], random.Random(8)
    with tempfile.TemporaryDirectory() as place:
        os.mkdir(place + "/tree")
        example(program, place)
        with open(place + "/key", "wb") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(KEY)
        for _ in range(20):
            config = configuration(rng)
            check(program, config, place)
            check(program, config, place, "-redaction-key", place + "/key")
            check(program, config, place, "-profile", "cmc", "-pcr", str(rng.randrange(24)))
    print("60 documents, and the worked example")


main()
