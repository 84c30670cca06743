#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# tests/oracle/cmc_config.py -- CMC's normal form of an OCI configuration, from docs/formats/cmc-config.md alone.
"""cmc_config.py ID CONFIG: prints digest and normal form of one config.json; hooks are resolved on this host."""
import hashlib
import json
import math
import os
import re
import sys

from oci_config import RANGES, TYPES  # the table of section 9 of oci-config.md

PAGE = os.path.join(os.path.dirname(__file__), "../../docs/formats/cmc-config.md")
BYTES_MAX, DEPTH_MAX, VALUES_MAX = 4194304, 64, 262144
HERE = b"<container-id>"


class Refused(Exception):
    pass


class Number(str):
    """A number as the text has it."""


class Pairs(list):
    """Members of an object, (name, value), in the text's order."""


def load_marks(page=PAGE):
    """({(type, member) that are always written}, {those that are pointers}), read from section 9."""
    always, pointer = set(), set()
    with open(page, encoding="utf-8") as f:
        for line in f:
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            if len(cells) == 3 and cells[0] in TYPES:
                for column, marks in ((cells[1], always), (cells[2], pointer)):
                    marks.update((cells[0], name) for name in re.findall("`([^`]+)`", column))
    return always, pointer


ALWAYS, POINTER = load_marks()


# ---- section 3
def replace(data, cid):
    for old in (cid, cid[:12]):
        if len(data) + data.count(old) * (len(HERE) - len(old)) > BYTES_MAX:
            raise Refused("too long")
        data = data.replace(old, HERE)
    return data


# ---- section 4.1
def no_number(text):
    raise Refused(text)


def clean(text):
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def cleaned(value):
    if isinstance(value, Number):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Pairs):
        return Pairs((clean(n), cleaned(v)) for n, v in value)
    return [cleaned(v) for v in value] if isinstance(value, list) else value


def read(data):
    # a byte that is not UTF-8 becomes a lone surrogate here, and U+FFFD in cleaned()
    text = data.decode("utf-8", "surrogateescape")
    bare = re.sub(r'"(?:[^"\\]|\\.)*"?', "", text, flags=re.S)
    depth = deepest = 0
    for c in re.findall(r"[][{}]", bare):
        depth += 1 if c in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > DEPTH_MAX or 1 + sum(bare.count(c) for c in ",[{") > VALUES_MAX:
        raise Refused("limit")
    # apart from surrogates that come from bytes, so that no escape forms a pair with them
    text = re.sub("[\udc80-\udcff]", "\ufffd", text)
    try:
        value = json.loads(text, object_pairs_hook=Pairs, parse_int=Number, parse_float=Number,
                           parse_constant=no_number)
    except (ValueError, RecursionError) as e:
        raise Refused(str(e)) from e
    return cleaned(value)


# ---- sections 4.2 to 4.6
def any_value(value):
    if isinstance(value, Number):
        number = float(value)
        if math.isinf(number):
            raise Refused("number out of range")
        return number
    if isinstance(value, Pairs):
        return {n: any_value(v) for n, v in value}
    return [any_value(v) for v in value] if isinstance(value, list) else value


def fold(name):
    return "".join(chr(ord(c) - 32) if "a" <= c <= "z" else {"\u017f": "S", "\u212a": "K"}.get(c, c) for c in name)


class Place:
    """kind: as the table writes types; nil: what a pointer, array, map or any is until it is set."""

    def __init__(self, kind, pointer=False):
        self.kind, self.pointer = kind, pointer
        self.nilable = pointer or kind[0] in "[{" or kind == "any"
        self.forget()

    def forget(self):
        self.nil = self.nilable
        self.length = 0    # of an array
        self.items = []    # of an array, also hidden ones
        self.members = {}  # of a struct or map
        self.value = {"string": "", "bool": False}.get(self.kind, None if self.kind == "any" else 0)

    def is_struct(self):
        return self.kind in TYPES

    def member(self, name):
        if name not in self.members:
            self.members[name] = Place(TYPES[self.kind][name][0], (self.kind, name) in POINTER)
        return self.members[name]

    def select(self, name):
        listed = TYPES[self.kind]
        if name in listed:
            return self.member(name)
        hit = [n for n in listed if fold(n) == fold(name)]
        return self.member(hit[0]) if hit else None

    def store(self, value):
        if self.kind == "any":
            self.nil, self.value = value is None, any_value(value)
        elif value is None:
            if self.nilable:
                self.forget()
        else:
            self.nil = False
            self.store_typed(value)

    def store_typed(self, value):
        if isinstance(value, Number):
            self.store_number(value)
        elif isinstance(value, str) and self.kind == "string" or isinstance(value, bool) and self.kind == "bool":
            self.value = value
        elif isinstance(value, Pairs) and (self.is_struct() or self.kind[0] == "{"):
            for name, one in value:
                if self.is_struct():
                    place = self.select(name)
                else:
                    place = self.members[name] = Place(self.kind[1:-1])
                if place is not None:
                    place.store(one)
        elif isinstance(value, list) and not isinstance(value, Pairs) and self.kind[0] == "[":
            self.store_array(value)
        else:
            raise Refused("%s: wrong type" % self.kind)

    def store_number(self, text):
        if self.kind not in RANGES or not re.fullmatch("-?[0-9]+", text) or len(text) > 40:
            raise Refused("%s: wrong number" % self.kind)
        low, high = RANGES[self.kind]
        if not low <= int(text) <= high or (low == 0 and text[0] == "-"):
            raise Refused("%s: out of range" % self.kind)
        self.value = int(text)

    def store_array(self, value):
        if not value:
            self.items = []
        self.length = len(value)
        for n, one in enumerate(value):
            if n == len(self.items):
                self.items.append(Place(self.kind[1:-1]))
            self.items[n].store(one)

    # what the rules need
    def at(self, *names):
        """The place of a member, or None where a pointer on the way is nil."""
        place = self
        for name in names:
            if place is None or place.nil:
                return None
            place = place.member(name)
        return None if place is None or place.nil else place

    def live(self):
        return self.items[:self.length]


def elements(config, *names):
    place = config.at(*names)
    return place.live() if place is not None else []


# ---- section 5
def rules(config, resolve):
    for hook in elements(config, "hooks", "prestart"):
        path = hook.member("path").value
        if not path.startswith("/") or "\0" in path or resolve is None:
            raise Refused("hook " + path)
        hook.member("path").value = clean(re.sub("[\udc80-\udcff]", "\ufffd", resolve(path)))
        args = elements(hook, "args")
        if len(args) >= 4 and args[0].value == "libnetwork-setkey" and re.fullmatch("[0-9a-fA-F]{12}", args[3].value):
            args[3].value = "<docker-network-controller-id>"
    for place in (config.member("hostname"), config.member("annotations"), config.member("root"),
                  config.member("process").member("terminal"), config.member("process").member("consoleSize")):
        place.forget()
    for mount in elements(config, "mounts"):
        source = mount.member("source")
        if source.value.startswith("/var/lib/docker/volumes/"):
            source.value = "<docker-volume>"
        else:
            source.value = re.sub(r"\A(/run/kata-containers/shared/containers/<container-id>-)[0-9a-f]{16}"
                                  r"(-[a-z][a-z0-9-]*)\Z", r"\1<kata-mount-hash>\2", source.value)


# ---- section 6
def ordered(keys):
    """The positions of keys in the order of section 6.1."""
    now = list(range(len(keys)))

    def less(i, j):
        return keys[now[i]] < keys[now[j]]

    def swap(i, j):
        now[i], now[j] = now[j], now[i]

    def insertion(a, b):
        for i in range(a + 1, b):
            j = i
            while j > a and less(j, j - 1):
                swap(j, j - 1)
                j -= 1

    def sift(a, root, n):
        while True:
            c = 2 * root + 1
            if c >= n:
                return
            if c + 1 < n and less(a + c, a + c + 1):
                c += 1
            if not less(a + root, a + c):
                return
            swap(a + root, a + c)
            root = c

    def heap(a, b):
        for i in range((b - a - 1) // 2, -1, -1):
            sift(a, i, b - a)
        for i in range(b - a - 1, -1, -1):
            swap(a, a + i)
            sift(a, 0, i)

    def median(x, y, z, count):
        if less(y, x):
            x, y = y, x
            count[0] += 1
        if less(z, y):
            y, z = z, y
            count[0] += 1
        if less(y, x):
            x, y = y, x
            count[0] += 1
        return y

    def pivot(a, b):
        n = b - a
        x, y, z = a + n // 4, a + n // 4 * 2, a + n // 4 * 3
        count = [0]
        if n >= 8:
            if n >= 50:
                x, y, z = (median(v - 1, v, v + 1, count) for v in (x, y, z))
            y = median(x, y, z, count)
        return y, {0: "ascending", 12: "descending"}.get(count[0])

    def nearly(a, b):
        i = a + 1
        for _ in range(5):
            while i < b and not less(i, i - 1):
                i += 1
            if i == b:
                return True
            if b - a < 50:
                return False
            swap(i, i - 1)
            if i - a >= 2:
                for j in range(i - 1, 0, -1):
                    if not less(j, j - 1):
                        break
                    swap(j, j - 1)
            if b - i >= 2:
                for j in range(i + 1, b):
                    if not less(j, j - 1):
                        break
                    swap(j, j - 1)
        return False

    def split(a, b, p):
        swap(a, p)
        i, j, untouched = a + 1, b - 1, True
        while True:
            while i <= j and less(i, a):
                i += 1
            while i <= j and not less(j, a):
                j -= 1
            if i > j:
                swap(j, a)
                return j, untouched
            swap(i, j)
            i, j, untouched = i + 1, j - 1, False

    def split_equal(a, b, p):
        swap(a, p)
        i, j = a + 1, b - 1
        while True:
            while i <= j and not less(a, i):
                i += 1
            while i <= j and less(a, j):
                j -= 1
            if i > j:
                return i
            swap(i, j)
            i, j = i + 1, j - 1

    def scatter(a, b):
        n = b - a
        r = n
        for k in range(a + n // 4 * 2 - 1, a + n // 4 * 2 + 2):
            r ^= r << 13 & (1 << 64) - 1
            r ^= r >> 7
            r ^= r << 17 & (1 << 64) - 1
            o = r % (1 << n.bit_length())
            swap(k, a + (o - n if o >= n else o))

    def pattern(a, b, limit):
        balanced = partitioned = True
        while True:
            n = b - a
            if n <= 12:
                return insertion(a, b)
            if limit == 0:
                return heap(a, b)
            if not balanced:
                scatter(a, b)
                limit -= 1
            p, hint = pivot(a, b)
            if hint == "descending":
                now[a:b] = now[a:b][::-1]
                p, hint = (b - 1) - (p - a), "ascending"
            if balanced and partitioned and hint == "ascending" and nearly(a, b):
                return None
            if a > 0 and not less(a - 1, p):
                a = split_equal(a, b, p)
                continue
            m, partitioned = split(a, b, p)
            if m - a < b - m:
                balanced = m - a >= n // 8
                pattern(a, m, limit)
                a = m + 1
            else:
                balanced = b - m >= n // 8
                pattern(m + 1, b, limit)
                b = m

    pattern(0, len(now), len(now).bit_length())
    return now


def sort_by(config, key, *names):
    place = config.at(*names)
    if place is not None:
        live = place.live()
        place.items = [live[i] for i in ordered([key(one) for one in live])]


def text_key(one):
    return one.value.encode()


def member_key(*names):
    return lambda one: tuple(text_key(one.member(n)) for n in names)


def device_key(one):
    numbers = (one.member("major"), one.member("minor"))
    return (text_key(one.member("type")),) + tuple(-1 if n.nil else n.value for n in numbers)


def syscall_key(one):
    return b",".join(text_key(n) for n in elements(one, "names")), text_key(one.member("action"))


def sort_all(config):
    sort_by(config, text_key, "process", "env")
    for name in ("bounding", "effective", "inheritable", "permitted", "ambient"):
        sort_by(config, text_key, "process", "capabilities", name)
    sort_by(config, member_key("source", "destination"), "mounts")
    sort_by(config, text_key, "linux", "maskedPaths")
    sort_by(config, text_key, "linux", "readonlyPaths")
    sort_by(config, member_key("type"), "linux", "namespaces")
    sort_by(config, device_key, "linux", "resources", "devices")
    sort_by(config, text_key, "linux", "seccomp", "architectures")
    sort_by(config, text_key, "linux", "seccomp", "flags")
    for one in elements(config, "linux", "seccomp", "syscalls"):
        sort_by(one, text_key, "names")
    sort_by(config, syscall_key, "linux", "seccomp", "syscalls")


# ---- section 7
def left_out(place):
    if place.nil or place.pointer or place.kind == "any":
        return place.nil
    if place.is_struct():
        return False
    if place.kind[0] == "[":
        return place.length == 0
    return not (place.members if place.kind[0] == "{" else place.value)


def plain(place):
    """A place as None, bool, int, float, str, list or dict."""
    if place.nil:
        return None
    if place.is_struct():
        return {n: plain(place.member(n)) for n in TYPES[place.kind]
                if (place.kind, n) in ALWAYS or not left_out(place.member(n))}
    if place.kind[0] == "{":
        return {n: plain(m) for n, m in place.members.items()}
    if place.kind[0] == "[":
        return [plain(m) for m in place.live()]
    return place.value


# ---- section 8
def number_text(number):
    value = float(number)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, exponent = (repr(abs(value)).split("e") + ["0"])[:2]
    whole, part = (mantissa.split(".") + [""])[:2]
    digits = (whole + part).lstrip("0")
    n = int(exponent) + (len(whole) if whole != "0" else len(digits) - len(part))
    digits = digits.rstrip("0")
    k = len(digits)
    if k <= n <= 21:
        return sign + digits + "0" * (n - k)
    if 0 < n <= 21:
        return sign + digits[:n] + "." + digits[n:]
    if -6 < n <= 0:
        return sign + "0." + "0" * -n + digits
    return "%s%s%s%se%+d" % (sign, digits[0], "." if k > 1 else "", digits[1:], n - 1)


def canonical(value):
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
        return '"' + "".join(short.get(c) or ("\\u%04x" % ord(c) if c < " " else c) for c in value) + '"'
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical(v) for v in value) + "]"
    names = sorted(value, key=lambda n: n.encode("utf-16-be"))
    return "{" + ",".join(canonical(n) + ":" + canonical(value[n]) for n in names) + "}"


def measure(data, cid, resolve=None):
    """(digest, normal form, terminal flag) of the bytes of a config.json; cid: bytes."""
    if not cid or len(data) > BYTES_MAX:
        raise Refused("no id, or too long")
    value = read(replace(data, cid))
    config = Place("Spec")
    config.store_typed(value) if isinstance(value, Pairs) else no_number("no object")
    if config.member("process").nil:
        raise Refused("no process")
    terminal = config.member("process").member("terminal").value
    rules(config, resolve)
    sort_all(config)
    form = canonical(plain(config)).encode()
    if len(form) > BYTES_MAX:
        raise Refused("normal form too long")
    return hashlib.sha256(form).hexdigest(), form, terminal


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[2], "rb") as f:
        digest, form, _ = measure(f.read(), os.fsencode(sys.argv[1]), lambda p: os.path.realpath(p, strict=True))
    print(digest)
    print(form.decode())


if __name__ == "__main__":
    main()
