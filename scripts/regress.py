#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Compare what the kernel's selftests said on two kernels.

usage: regress.py differing STOCK.tap PATCHED.tap
           the tests whose results are not the same, a line each
       regress.py table TESTS STOCK.tap PATCHED.tap [STOCK.tap PATCHED.tap ...]
           the table; TESTS is a file of names, further pairs are further rounds
           of those that differed

The files are the output of suite-job. A test's results are its exit status, its
lines of TAP by their numbers, and how many lines of each other kind it printed.
What the guest's kernel complained of is counted as a test of its own.
"""
import re
import sys

TAP = re.compile(r"(not )?ok (\d+)\s*-?\s*([^#]*)(#\s*SKIP)?", re.I)
OTHER = re.compile(r"\s*\[\s*(OK|PASS|FAIL|SKIP|WARN)\s*\]")
GUEST = "the guest's kernel"
DEAD = "did not end"


def parse(path):
    """{test: {what: result}}, what being a number of TAP or a kind of line."""
    runs, names = {GUEST: {"complaints": 0}}, {}
    now = None
    for line in open(path, errors="replace"):
        line = line.rstrip("\r\n")
        word = line.split()
        if line.startswith("@@ begin "):
            now = word[2]
            runs[now] = {"exit": DEAD}
        elif now and line.startswith("@@ end " + now + " "):
            runs[now]["exit"] = word[3]
            now = None
        elif line.startswith("guest: ") and "whole console" not in line:
            runs[GUEST]["complaints"] += 1
            now = None
        elif now and (m := TAP.match(line)):
            result = "fail" if m[1] else "skip" if m[4] else "ok"
            runs[now][int(m[2])] = result
            names[now, int(m[2])] = m[3].strip()
        elif now and (m := OTHER.match(line)):
            runs[now][m[1]] = runs[now].get(m[1], 0) + 1
    return runs, names


def differing(one, two):
    return sorted(t for t in one.keys() | two.keys() if one.get(t) != two.get(t))


def brief(run):
    """What a test said, in a few words."""
    if run is None:
        return "not run"
    if "complaints" in run:
        return "%d complaints" % run["complaints"]
    count = {}
    for what, result in run.items():
        if isinstance(what, int):
            count[result] = count.get(result, 0) + 1
        elif what != "exit":
            kind = {"PASS": "ok"}.get(what, what.lower())
            count[kind] = count.get(kind, 0) + result
    words = ["%d %s" % (count[k], k) for k in ("ok", "fail", "skip", "warn") if k in count]
    status = run["exit"]
    return ", ".join(([] if status == "0" else ["exit " + status if status != DEAD else DEAD])
                     + words) or "exit 0"


def kind(run):
    if "complaints" in run:
        return "failed" if run["complaints"] else "passed"
    if run["exit"] == "4" or set(run.values()) <= {"0", "skip"} and len(run) > 1:
        return "skipped"
    return "passed" if run["exit"] == "0" else "failed"


def table(tests, files):
    rounds = [(parse(a), parse(b)) for a, b in zip(files[::2], files[1::2])]
    (stock, names), (patched, _) = rounds[0]
    count = {k: 0 for k in ("passed", "failed", "skipped", "flaky", "differ")}
    results = 0
    print("%-34s %-28s %-28s" % ("test", "stock", "patched"))
    for path in tests + [GUEST]:
        test = path.rsplit("/", 1)[-1]
        one, two = stock.get(test), patched.get(test)
        results += len(one or ())
        again = [(a[0].get(test), b[0].get(test)) for a, b in rounds[1:]
                 if test in a[0] or test in b[0]] if test != GUEST else []
        if one is None or two is None:
            verdict = "differ"
        elif one == two:
            verdict = kind(one)
        elif any(a and a == b for a in [one] + [a for a, _ in again]
                 for b in [two] + [b for _, b in again]):
            verdict = "flaky"
        else:
            verdict = "differ"
        count[verdict] += 1
        word = {"differ": "DIFFERS", "flaky": "flaky"}.get(verdict, "same")
        print("%-34s %-28s %-28s %s" % (path, brief(one), brief(two), word))
        if word == "same":
            continue
        for a, b in again:
            print("%-34s %-28s %-28s" % ("    again", brief(a), brief(b)))
        one, two = one or {}, two or {}
        for what in sorted(one.keys() | two.keys(), key=str):
            if one.get(what) != two.get(what):
                print("    %s %s: %s, %s" % (what, names.get((test, what), ""),
                                             one.get(what), two.get(what)))
    same = count["passed"] + count["failed"] + count["skipped"]
    print("%d tests, %d results: %d same (%d passed, %d failed, %d skipped on both), "
          "%d flaky, %d differ" % (len(tests), results, same, count["passed"],
                                   count["failed"], count["skipped"],
                                   count["flaky"], count["differ"]))
    return count["differ"] == 0 and count["passed"] > 1


if sys.argv[1] == "differing":
    print("\n".join(t for t in differing(parse(sys.argv[2])[0], parse(sys.argv[3])[0])
                    if t != GUEST))
else:
    with open(sys.argv[2]) as f:
        wanted = f.read().split()
    sys.exit(not table(wanted, sys.argv[3:]))
