# SPDX-License-Identifier: Apache-2.0
"""Percentiles and tables, which are printed as Markdown and kept for JSON."""


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
    return {"title": title, "columns": columns, "rows": rows}


def show(tab):
    lines = [[str(cell) for cell in line] for line in [tab["columns"], *tab["rows"]]]
    widths = [max(map(len, column)) for column in zip(*lines)]
    # the first column is a name; numbers stand to the right
    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    print(f"\n{tab['title']}\n")
    for line in [lines[0], rule, *lines[1:]]:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        print("| " + " | ".join(cells) + " |")
