# SPDX-License-Identifier: GPL-2.0
"""Make tables, results.json and the chart's data of what the bench program
printed in its guests, each line with the guest's ARCH, CPU and kernel before it.

usage: report.py DIRECTORY RAW...   (those that are not there are left out)
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


def read(paths):
    """The counted rows, with a figure for each guest; the timed ones by ARCH."""
    counted, timed = {}, {}
    for line in (line for path in paths for line in open(path)):
        field = line.rstrip("\n").split("\t")
        arch, cpu, kernel, what = field[:4]
        row = (field[4], int(field[5]), field[6])
        numbers = [float(f) for f in field[7:]]
        if what == "count":
            counted.setdefault(row, {})[arch, cpu, kernel] = numbers[0]
        else:
            timed.setdefault(arch, {})[row] = numbers
    return counted, timed


def number(value):
    if value is None:
        return "-"
    return "%.0f" % value if value >= 100 or value == int(value) else "%.1f" % value


def group_name(row):
    return row[0] + (", %d" % row[1] if row[1] else "")


def show(title, heads, lines):
    """Heads are lists of lines, lines are (group, row, cells)."""
    width = 46
    print("\n%s\n" % title)
    for i in range(len(heads[0])):
        print("%-*s" % (width, "") + "".join("%13s" % h[i] for h in heads))
    last = None
    for group, row, cells in lines:
        if group != last:
            print(group)
            last = group
        print("%-*s" % (width, "  " + row) + "".join("%13s" % c for c in cells))


def is_off(guest):
    return guest[2].endswith("off")


def guests(counted):
    found = []
    for cells in counted.values():
        found += [c for c in cells if c not in found]
    return sorted(found, key=lambda c: (c[0], is_off(c)))


def show_counted(counted):
    columns = guests(counted)
    show("Instructions for one operation, one CPU"
         " (off: without CONFIG_UPCALL)",
         [(c[0], c[1] + (", off" if is_off(c) else "")) for c in columns],
         [(group_name(r), r[2], [number(cells.get(c)) for c in columns])
          for r, cells in counted.items()])


def show_timed(arch, timed):
    show("Two CPUs, %s: ticks, and the ratio to the group's first row"
         " (median, 10th and 90th percentile)" % arch,
         [("ticks",), ("ratio",), ("p10",), ("p90",)],
         [(group_name(r), r[2], [number(v[0])] + ["%.2f" % x for x in v[1:]])
          for r, v in timed.items()])


def save(counted, timed, out):
    rows = []
    for r, cells in counted.items():
        rows.append({"group": r[0], "n": r[1], "row": r[2], "instructions":
                     {"%s %s %s" % c: v for c, v in cells.items()}})
    for arch, lines in timed.items():
        for r, v in lines.items():
            rows.append({"arch": arch, "group": r[0], "n": r[1], "row": r[2],
                         "ticks": v[0], "ratio": v[1], "p10": v[2],
                         "p90": v[3]})
    with open(os.path.join(out, "results.json"), "w") as f:
        json.dump(rows, f, indent=1)
        f.write("\n")


def save_markdown(counted, commits, out):
    """The counted rows of each ARCH's first CPU model, with the option on."""
    columns = []
    for c in guests(counted):
        if not is_off(c) and c[0] not in [d[0] for d in columns]:
            columns.append(c)
    with open(os.path.join(out, "results.md"), "w") as f:
        f.write("| | %s |\n|%s\n" % (
            " | ".join("%s, %s%s" % (c[0], c[1], commits.get(c[0], ""))
                       for c in columns), "---|" * (1 + len(columns))))
        for r, cells in counted.items():
            name = r[2] if not r[1] else "%s: %s" % (group_name(r), r[2])
            f.write("| %s | %s |\n" % (name, " | ".join(
                number(cells.get(c)) for c in columns)))


def chart(counted, timed, out):
    columns = {}
    for c in guests(counted):
        if not is_off(c):
            columns.setdefault(c[0], c)
    with open(os.path.join(out, "count.dat"), "w") as f:
        for group, row, label in CHART:
            for arch, column in columns.items():
                value = counted.get((group, 0, row), {}).get(column)
                if value is not None:
                    f.write('"%s"\t%.1f\n' % (
                        of(arch, label, len(columns)), value))
    with open(os.path.join(out, "time.dat"), "w") as f:
        for arch, lines in timed.items():
            for r, v in lines.items():
                if v[1] != 1:
                    f.write('"%s"\t%.3f\t%.3f\t%.3f\n' % (
                        of(arch, r[2], len(timed)), *v[1:]))


def of(arch, label, n):
    return label if n == 1 else "%s: %s" % (arch, label)


def commit(path):
    """What was measured, as git names it."""
    try:
        return ", " + open(path + ".commit").read().strip()
    except OSError:
        return ""


def main():
    out = sys.argv[1]
    raws = [path for path in sys.argv[2:] if os.path.exists(path)]
    counted, timed = read(raws)
    if counted:
        show_counted(counted)
    for arch, lines in timed.items():
        show_timed(arch, lines)
    save(counted, timed, out)
    save_markdown(counted, {os.path.basename(p)[4:]: commit(p) for p in raws},
                  out)
    chart(counted, timed, out)


main()
