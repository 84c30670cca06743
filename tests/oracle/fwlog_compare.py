#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""fwlog_compare.py FWLOG_VALUES COUNT: C, oracle and tpm2_eventlog say the same of COUNT random firmware logs.

Then each log is damaged (a byte changed, cut, two bytes inserted): C and oracle must still agree, refusals included.
tpm2_eventlog looks into the data of most events; the logs hold types whose data is free. Version 5.4 extends EV_NO_ACTION events too, which
the TCG's profile forbids, and does not know StartupLocality: it is asked about logs without either, and left out where it is not installed.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

import fwlog

BANKS = ("sha1", "sha256", "sha384", "sha512")
FREE_TYPES = (1, 6, 10, 13)  # EV_POST_CODE, EV_EVENT_TAG, EV_PLATFORM_CONFIG_FLAGS, EV_IPL


def random_log(rng):
    banks = [b for b in BANKS if rng.random() < 0.6] or ["sha256"]
    old = rng.random() < 0.2
    pcrs = [rng.randrange(17) for _ in range(3)]
    made = []
    types = FREE_TYPES + rng.choice(((), (fwlog.NO_ACTION,)))
    for _ in range(rng.randrange(12)):
        kind = rng.choice(types)
        text = b"%08x" % rng.getrandbits(32) * rng.randrange(1, 5)
        made.append((8 if kind == 13 else rng.choice(pcrs), kind, text))
    if not made:
        made = [(4, 1, b"12345678")]
    locality = rng.choice((None, 0, 3, 4)) if fwlog.NO_ACTION in types and not old else None
    return ["sha1"] if old else banks, fwlog.make(banks, made, old, locality)


def damaged(rng, data):
    at = rng.randrange(len(data))
    kind = rng.randrange(3)
    if kind == 0:
        return data[:at] + bytes([rng.choice((0, 1, 2, 3, 255, data[at] ^ 1))]) + data[at + 1:]
    if kind == 1:
        return data[:at]
    return data[:at] + rng.randbytes(2) + data[at:]


def by_oracle(data, pcr, banks):
    try:
        count, values = fwlog.replay(data, pcr, banks)
    except fwlog.Refused:
        return "refused"
    return " ".join([str(count)] + [values[bank].hex() for bank in banks])


def by_c(program, banks, cases):
    """cases: (PCR, file) each. A refusal must be one of the format or of a limit."""
    args = [str(part) for case in cases for part in case]
    out = subprocess.run([program, ",".join(banks)] + args, check=True, stdout=subprocess.PIPE, text=True).stdout
    return ["refused" if line.startswith(("refused 2 ", "refused 3 ")) else line for line in out.splitlines()]


def by_tools(path):
    """{PCR: {bank: hex}}, what tpm2_eventlog prints below "pcrs:"."""
    out = subprocess.run(["tpm2_eventlog", path], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True).stdout
    values, bank = {}, None
    for line in out.split("pcrs:\n")[1].splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        if value:
            values.setdefault(int(name), {})[bank] = value[2:]
        else:
            bank = name
    return values


def compare(program, rng, folder, tools):
    """One log and its damaged copies; returns how many of these are refused."""
    banks, data = random_log(rng)
    copies = [data] + [damaged(rng, data) for _ in range(20)]
    pcrs = fwlog.extended(data) or [13]
    cases = []
    for number, copy in enumerate(copies):
        path = os.path.join(folder, str(number))
        with open(path, "wb") as out:
            out.write(copy)
        cases.append((rng.choice(pcrs), path))
    said = by_c(program, banks, cases)
    want = [by_oracle(copy, pcr, banks) for copy, (pcr, _) in zip(copies, cases)]
    assert said == want, "%s\n%s\n%s" % (cases, said, want)
    if tools and all(kind != fwlog.NO_ACTION for _, kind, _, _ in fwlog.events(data)[1]):
        assert by_tools(cases[0][1]) == {
            pcr: {bank: value.hex() for bank, value in fwlog.replay(data, pcr)[1].items()}
            for pcr in fwlog.extended(data)}, "tpm2_eventlog"
    return want.count("refused")


def main(argv):
    program, count = argv[1], int(argv[2])
    rng = random.Random(1)
    tools = shutil.which("tpm2_eventlog")
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(count):
            refused += compare(program, rng, folder, tools)
    assert 0 < refused < 20 * count, "%d refused: the damage shows nothing" % refused
    print("%d logs agree%s; of %d damaged ones %d are refused by both" %
          (count, " with tpm2_eventlog too" if tools else "", 20 * count, refused))


if __name__ == "__main__":
    main(sys.argv)
