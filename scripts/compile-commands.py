# SPDX-License-Identifier: GPL-2.0
"""Write compile_commands.json, for clangd and other tools that read C: of the
kernel files as kbuild compiled them, under the names they have here, and of the
libraries and their tests as make would.

usage: compile-commands.py TOP TREE KERNEL   (make's output on standard input)
"""
import json
import os
import re
import shlex
import sys

top, tree, kernel = sys.argv[1:]
found = {}


def add(directory, words, source):
    source = os.path.realpath(os.path.join(directory, source))
    found[source] = {"directory": directory, "file": source, "arguments": words}


# kbuild keeps the command of each object beside it.
for folder, _, names in os.walk(kernel):
    for name in names:
        if not name.endswith(".o.cmd") or "upcall" not in os.path.join(folder, name):
            continue
        line = open(os.path.join(folder, name)).readline()
        m = re.match(r"(?:saved)?cmd_\S+ := (.*?)(?: ; |$)", line)
        if not m or not m[1].rstrip().endswith(".c"):
            continue
        words = shlex.split(m[1].replace(r"\#", "#"))
        inside = os.path.relpath(os.path.realpath(os.path.join(kernel, words[-1])),
                                 os.path.realpath(tree))
        ours = os.path.join(top, "linux-overlay", inside)
        add(kernel, words, os.path.join(kernel, words[-1]))
        if os.path.exists(ours):
            add(kernel, words[:-1] + [ours], ours)

for line in sys.stdin:
    if " -c -o " not in line:
        continue
    words = shlex.split(line)
    if words[-1].endswith((".c", ".cc")):
        add(os.path.join(top, "libupcall"), words, words[-1])

# The selftests have one command for all.
tests = os.path.join(top, "selftests")
for name in sorted(os.listdir(tests)):
    if name.endswith(".c"):
        add(tests, ["gcc", "-m32", "-D_GNU_SOURCE", "-pthread", "-I",
                    os.path.join(tree, "tools/testing/selftests/upcall"), "-I",
                    os.path.join(tree, "tools/testing/selftests"), "-isystem",
                    os.path.join(os.path.dirname(tree), "headers/usr/include"),
                    "-c", name], name)

with open(os.path.join(top, "compile_commands.json"), "w") as f:
    json.dump([found[k] for k in sorted(found)], f, indent=1)
    f.write("\n")
print("compile_commands.json: %d files" % len(found))
