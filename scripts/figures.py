# SPDX-License-Identifier: GPL-2.0
"""Compare the figures that the documents name with those of the last results in
Documentation/results/. Prints TAP: a line for each sentence and each row of a
table, and a comment for what is not compared with anything.

usage: figures.py TOP [write]   (write: put the results' figures into the documents)
"""
import json
import os
import re
import sys

B, A = "dispatch, left by way (B)", "dispatch, left by way (A)"
SIGNAL = "tgkill, handler, sigreturn"
HELD = "dispatch in a section, entered at its exit"
SECTION, MASK = "upc_crit_enter and upc_crit_exit", "sigprocmask, block and unblock"
NULL = "getppid, no upcall registered"
FUTEX, SUSPEND = "futex", "dispatch, SUSPEND"
WAIT, SIGSUSPEND = "dispatch, WAIT in a section", "tgkill, sigsuspend"

# A sentence, with a group for each figure, and the rows that these are.
SENTENCES = [
    ("README.md", r"at any instruction: (\d+) instructions, where a signal takes (\d+)",
     [B, SIGNAL]),
    ("README.md", r"a subtraction, (\d+) instructions, where blocking signals costs (\d+)",
     [SECTION, MASK]),
    ("Documentation/design.md", r"dispatch to oneself \d+ instead of (\d+), left by NEXT "
     r"\d+ instead of (\d+), entered at the end of a section \d+ instead of (\d+); a "
     r"sleeper woken and back \d+ instead of (\d+) with SUSPEND, \d+ instead of (\d+) "
     r"with WAIT", [B, A, HELD, SUSPEND, WAIT]),
    ("Documentation/design.md", r"a dispatch to oneself (\d+), a signal to oneself (\d+); "
     r"a critical section (\d+), the sigprocmask\(\) pair (\d+); a sleeper woken and back "
     r"(\d+) with SUSPEND, (\d+) with a futex, (\d+) with signals",
     [B, SIGNAL, SECTION, MASK, SUSPEND, FUTEX, SIGSUSPEND]),
    ("Documentation/performance.md", r"a null call takes (\d+) with it and without", [NULL]),
    ("@cover", r"dispatch to oneself \d+ instead of (\d+), for one that is entered at the "
     r"end of a critical section \d+ instead of (\d+), for a sleeper woken from SUSPEND and "
     r"back \d+ instead of (\d+)", [B, HELD, SUSPEND]),
    ("@cover", r"to oneself, entered and left (\d+) (\d+) left through the kernel \(NEXT\) (\d+) "
     r"section in which none is entered (\d+) (\d+) dispatched in a section, entered at its "
     r"end (\d+) 32 pending, each \d+ sleeper woken, and back (\d+) (\d+) (\d+)",
     [B, SIGNAL, A, SECTION, MASK, HELD, SUSPEND, SIGSUSPEND, FUTEX]),
    ("@cover", r"null call, for comparison (\d+)", [NULL]),
]

# The same of the demonstration: milliseconds within which 99 % were answered.
ECHO = ("README.md", r"99 of 100 clients have their answer within (\d+) ms, with signals "
        r"(\d+), and without preemption (\d+)", ["upcall", "signal", "off"])

# What the head of a column says, and which results and guest it has.
COLUMNS = [("now", "bench", "i386 max"), ("i386", "bench", "i386 max"),
           ("x86_64", "bench", "x86_64 max"), ("x86-64", "bench", "x86_64 max"),
           ("without", "bench-noframe", "i386 max")]
# Where threads and page faults take part no two runs are quite the same.
LOOSE, SLACK = re.compile(r"^(unused|one to many asleep)"), 0.01

n = failed = 0
skipped = []


def result(name, wrong):
    global n, failed
    n += 1
    print("%s %d - %s" % ("not ok" if wrong else "ok", n, name))
    for line in wrong:
        failed = 1
        print("# " + line)


def load(path):
    """{guest: {row: instructions}}, each row by all of its names."""
    found = {}
    try:
        rows = json.load(open(path))
    except OSError:
        return None
    for r in rows:
        for guest, value in r.get("instructions", {}).items():
            word = guest.split()
            if len(word) == 2:
                word.insert(0, "i386")
            if word[2].endswith("off"):
                continue
            cells = found.setdefault(" ".join(word[:2]), {})
            group = r["group"] + (", %d" % r["n"] if r["n"] else "")
            cells["%s: %s" % (group, r["row"])] = value
            if not r["n"]:
                cells[r["row"]] = value
    return found


def same(label, text, value):
    if value is None:
        return False
    said = float(text)
    if LOOSE.match(label):
        return abs(said - value) <= SLACK * value
    return said == round(value, len(text.partition(".")[2]))


def echo(top):
    """{kind: milliseconds}"""
    heads = []
    try:
        lines = open(os.path.join(top, "Documentation/results/echo/echo.txt"))
    except OSError:
        return None
    for line in lines:
        if "answered within" in line:
            heads = line.split()[2:]
        elif re.match(r" *99 % within", line):
            return dict(zip(heads, map(float, line.split()[-len(heads):])))
    return None


def spelled(text, value):
    """A value as a text has it, with as many digits behind the point."""
    return "%.*f" % (len(text.partition(".")[2]), value)


def replace(path, text, spans):
    """Write spans of a file anew: (start, end, text)."""
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    with open(path, "w") as f:
        f.write(text)
    return text


def sentences(top, rows, patterns):
    for path, pattern, wants in patterns:
        files = [path]
        if path == "@cover":
            files = [os.path.relpath(os.path.join(d, f), top)
                     for d, _, names in os.walk(os.path.join(top, "scripts"))
                     for f in names if f == "00-cover.msg"]
        for file in files:
            text = open(os.path.join(top, file)).read()
            m = re.search(pattern.replace(" ", r"\s+"), text)
            if not m:
                result("%s: %.50s..." % (file, pattern),
                       ["there is no such sentence: change it here, too"])
                continue
            if WRITE:
                replace(os.path.join(top, file), text,
                        [m.span(i + 1) + (spelled(m[i + 1], rows[w]),)
                         for i, w in enumerate(wants) if not same(w, m[i + 1], rows[w])])
                continue
            result("%s: %s" % (file, ", ".join(m.groups())),
                   ["%s is %s in the results, %s here" % (w, rows.get(w), said)
                    for w, said in zip(wants, m.groups())
                    if not same(w, said, rows.get(w))])


def tables(path, file, results):
    heads, section, columns, written = [], "", [], []
    for line in open(path):
        written.append(line)
        if not line.startswith("|"):
            heads = []
            if line.startswith("#"):
                section = line.strip("# \n")
            continue
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if not heads:
            heads = cells
            columns = [(i, name, guest) for i, head in enumerate(heads)
                       for key, name, guest in COLUMNS
                       if i and head.split(",")[0].strip() == key]
            if not columns and any(re.fullmatch(r"ratio|figure", h) for h in heads):
                skipped.append("%s, %s: the table with %s" % (file, section,
                                                             ", ".join(filter(None, heads))))
            continue
        if set(line.strip()) <= set("|-: ") or section == "Where the instructions go":
            continue
        wrong, seen = [], 0
        for i, name, guest in columns:
            rows = (results.get(name) or {}).get(guest)
            if rows is None or i >= len(cells) or not re.fullmatch(r"[\d.]+", cells[i]):
                continue
            seen += 1
            value = rows.get(cells[0])
            if value is not None and WRITE and not same(cells[0], cells[i], value):
                cells[i] = spelled(cells[i], value)
                written[-1] = "| %s |\n" % " | ".join(cells)
            elif value is None:
                skipped.append("%s: %s: not measured then" % (file, cells[0]))
                seen -= 1
            elif not same(cells[0], cells[i], value):
                wrong.append("%s is %s in results/%s, %s here"
                             % (cells[0], value, name, cells[i]))
        if seen:
            result("%s: %s" % (file, cells[0]), wrong)
    if WRITE:
        replace(path, "".join(written), [])


top = sys.argv[1]
WRITE = sys.argv[2:] == ["write"]
results = {name: load(os.path.join(top, "Documentation/results", name, "results.json"))
           for name in sorted({c[1] for c in COLUMNS})}
for name, found in results.items():
    if found is None:
        skipped.append("what is of %s: it was not measured" % name)
rows = (results["bench"] or {}).get("i386 max")
if rows:
    sentences(top, rows, SENTENCES)
waited = echo(top)
if waited:
    sentences(top, waited, [ECHO])
else:
    skipped.append("README.md, the demonstration: it was not measured")
file = "Documentation/performance.md"
tables(os.path.join(top, file), file, results)
for s in skipped:
    print("# not compared: " + s)
print("1..%d%s" % (n, "" if n else " # SKIP nothing was measured"))
sys.exit(failed)
