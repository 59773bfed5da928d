# SPDX-License-Identifier: GPL-2.0
"""Make tables, results.json and the chart's data of what the bench program
printed in its guests, each line with the guest's CPU and kernel before it.

usage: report.py RAW DIRECTORY
"""
import json
import os
import sys

# What the chart shows of the counted rows: group, row, label.
CHART = [
    ("to itself", "tgkill, handler, sigreturn", "tgkill to itself"),
    ("to itself", "dispatch, left by way (A)", "dispatch to itself, (A)"),
    ("to itself", "dispatch, left by way (B)", "dispatch to itself, (B)"),
    ("critical section", "sigprocmask, block and unblock", "sigprocmask pair"),
    ("to itself", "dispatch in a section, entered at its exit",
     "section, one held"),
    ("critical section", "upc_crit_enter and upc_crit_exit", "section, empty"),
    ("sleeper woken and back", "tgkill, sigsuspend", "sigsuspend and back"),
    ("sleeper woken and back", "pipe", "pipe and back"),
    ("sleeper woken and back", "eventfd", "eventfd and back"),
    ("sleeper woken and back", "futex", "futex and back"),
    ("sleeper woken and back", "dispatch, SUSPEND", "SUSPEND and back"),
]


def read(path):
    counted, timed = {}, {}
    for line in open(path):
        field = line.rstrip("\n").split("\t")
        cpu, kernel, what = field[:3]
        row = (field[3], int(field[4]), field[5])
        numbers = [float(f) for f in field[6:]]
        if what == "count":
            counted.setdefault(row, {})[cpu, kernel] = numbers[0]
        else:
            timed[row] = numbers
    return counted, timed


def number(value):
    if value is None:
        return "-"
    return "%.0f" % value if value >= 100 or value == int(value) else "%.1f" % value


def group_name(row):
    return row[0] + (", %d" % row[1] if row[1] else "")


def show(title, heads, lines):
    """Lines are (group, row, cells)."""
    width = 46
    print("\n%s\n" % title)
    print("%-*s" % (width, "") + "".join("%14s" % h for h in heads))
    last = None
    for group, row, cells in lines:
        if group != last:
            print(group)
            last = group
        print("%-*s" % (width, "  " + row) + "".join("%14s" % c for c in cells))


def show_counted(counted):
    columns = []
    for cells in counted.values():
        columns += [c for c in cells if c not in columns]
    columns.sort(key=lambda c: c[1].endswith("off"))
    heads = [cpu + (", off" if kernel.endswith("off") else "")
             for cpu, kernel in columns]
    show("Instructions for one operation, one CPU"
         " (off: without CONFIG_UPCALL)", heads,
         [(group_name(r), r[2], [number(cells.get(c)) for c in columns])
          for r, cells in counted.items()])


def show_timed(timed):
    show("Two CPUs: ticks, and the ratio to the group's first row"
         " (median, 10th and 90th percentile)",
         ["ticks", "ratio", "p10", "p90"],
         [(group_name(r), r[2], [number(v[0])] + ["%.2f" % x for x in v[1:]])
          for r, v in timed.items()])


def save(counted, timed, out):
    rows = []
    for r, cells in counted.items():
        rows.append({"group": r[0], "n": r[1], "row": r[2], "instructions":
                     {"%s %s" % c: v for c, v in cells.items()}})
    for r, v in timed.items():
        rows.append({"group": r[0], "n": r[1], "row": r[2],
                     "ticks": v[0], "ratio": v[1], "p10": v[2], "p90": v[3]})
    with open(os.path.join(out, "results.json"), "w") as f:
        json.dump(rows, f, indent=1)
        f.write("\n")


def chart(counted, timed, out):
    first = next(iter(counted.values()), {})
    column = next((c for c in first if not c[1].endswith("off")), None)
    with open(os.path.join(out, "count.dat"), "w") as f:
        for group, row, label in CHART:
            value = counted.get((group, 0, row), {}).get(column)
            if value is not None:
                f.write('"%s"\t%.1f\n' % (label, value))
    with open(os.path.join(out, "time.dat"), "w") as f:
        for r, v in timed.items():
            if v[1] != 1:
                f.write('"%s"\t%.3f\t%.3f\t%.3f\n' % (r[2], *v[1:]))


def main():
    counted, timed = read(sys.argv[1])
    if counted:
        show_counted(counted)
    show_timed(timed)
    save(counted, timed, sys.argv[2])
    chart(counted, timed, sys.argv[2])


main()
