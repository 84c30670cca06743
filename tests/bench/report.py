#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Percentiles and tables, which are printed as Markdown and kept for JSON.

report.py RESULTS.json PAGE.md -- puts the tables of a run into a page: what stands there between
"<!-- bench NAME -->" and "<!-- end of NAME -->" is replaced. Other text, and benches that did not
run, stay as they are.
"""

import json
import pathlib
import re
import sys

BAR = 48  # characters of the longest bar


class Skip(Exception):
    """The text names what is not there: the bench is skipped, not failed."""


def percentile(values, percent):
    """The smallest value that at least percent of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def p50(values):
    return percentile(values, 50)


SPREAD = ("min", "p50", "p90", "p99")


def spread(values):
    return [min(values), *(percentile(values, percent) for percent in (50, 90, 99))]


def ms(seconds):
    return round(seconds * 1000, 2)


def table(title, columns, rows):
    """May get: bars, the column to plot; notes, lines below it."""
    return {"title": title, "columns": columns, "rows": rows}


def grid(tab):
    lines = [[str(cell) for cell in line] for line in [tab["columns"], *tab["rows"]]]
    widths = [max(map(len, column)) for column in zip(*lines)]
    # the first column is a name; numbers stand to the right
    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    for line in [lines[0], rule, *lines[1:]]:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        yield "| " + " | ".join(cells) + " |"


def bars(tab):
    """One bar per row, as long as the row's number in the column to plot."""
    column = tab["columns"].index(tab["bars"])
    wide = max(len(row[0]) for row in tab["rows"])
    most = max(row[column] for row in tab["rows"])
    for row in tab["rows"]:
        length = max(1, round(BAR * row[column] / most))
        yield f"{row[0].ljust(wide)}  {'█' * length} {row[column]}"


def markdown(tab):
    """The lines of a table with its title, its plot and its notes."""
    yield from ["", tab["title"], "", *grid(tab)]
    if "bars" in tab:
        yield from ["", "```text", *bars(tab), "```"]
    for note in tab.get("notes", []):
        yield from ["", note]


def show(tab):
    print("\n".join(markdown(tab)))


def put(page, name, machine, tables):
    """The page with the tables in their place, when it has one for that bench."""
    begin, end = f"<!-- bench {name} -->\n", f"<!-- end of {name} -->"
    lines = ["", "; ".join(machine.values()), *(line for tab in tables for line in markdown(tab))]
    place = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
    return place.sub(lambda _: begin + "\n".join(lines) + "\n\n" + end, page)


def main(results, page):
    run, path = json.loads(pathlib.Path(results).read_text(encoding="utf-8")), pathlib.Path(page)
    text = path.read_text(encoding="utf-8")
    for name, tables in run["benches"].items():
        text = put(text, name, run["machine"], tables)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: report.py RESULTS.json PAGE.md")
    main(*sys.argv[1:])
