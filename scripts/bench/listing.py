# SPDX-License-Identifier: GPL-2.0
"""Run by gdb: step one operation of the bench program, and print how many
instructions each function took, in the order in which they were first run.

LISTING_OP names the operation, a function of the program LISTING_PROG;
LISTING_VMLINUX is the kernel, LISTING_SOCKET where QEMU's gdb stub listens.
"""
import bisect
import os
import subprocess

import gdb

# Calls before the one that is stepped: pages come, caches fill.
SKIP = int(os.environ.get("LISTING_SKIP", "20"))
MOST = 100000   # steps


def symbols(path):
    """The functions of a program, by address."""
    out = subprocess.run(["nm", "-n", path], check=True, stdout=subprocess.PIPE,
                         universal_newlines=True).stdout
    found = [line.split() for line in out.splitlines()]
    return [(int(s[0], 16), s[2]) for s in found
            if len(s) == 3 and s[1] in "tTwW" and not s[2].startswith(".L")]


def pc():
    return int(gdb.parse_and_eval("(unsigned long)$pc"))


def main():
    op = os.environ["LISTING_OP"]
    program = symbols(os.environ["LISTING_PROG"])
    table = sorted(program + symbols(os.environ["LISTING_VMLINUX"]))
    starts = [address for address, _ in table]

    gdb.execute("set pagination off")
    gdb.execute("set confirm off")
    gdb.execute("set architecture " +
                ("i386" if os.environ["ARCH"] == "i386" else "i386:x86-64"))
    gdb.execute("target remote " + os.environ["LISTING_SOCKET"])
    address = [a for a, name in program if name == op][0]
    gdb.execute("hbreak *%#x" % address)
    gdb.execute("ignore 1 %d" % SKIP)
    gdb.execute("continue")
    gdb.execute("delete 1")
    back = int(gdb.parse_and_eval("*(unsigned long *)$sp"))

    counts, total = {}, 0
    while pc() != back and total < MOST:
        name = table[bisect.bisect_right(starts, pc()) - 1][1]
        counts[name] = counts.get(name, 0) + 1
        total += 1
        gdb.execute("stepi", to_string=True)
    for name, n in counts.items():
        print("listing %6d  %s" % (n, name))
    print("listing %6d  in all, with the ret of %s" % (total, op))
    gdb.execute("kill")


main()
