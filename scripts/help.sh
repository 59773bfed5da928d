#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make help: the targets, and the variables with their present values.

. "$(dirname "$0")/common.sh"

cat <<EOF
usage: make TARGET [VARIABLE=value ...]

To see it work                                  variables
  demo                upcalls at work, a picture     BASE O KERNEL_SRC SMP MEM CPU ACCEL
  check               every test, and the totals    BASE O KERNEL_SRC SMP MEM CPU ACCEL
  bench               figures, tables, a chart      BASE O KERNEL_SRC MEM CPU ACCEL BENCH_CPUS
  bench-mn            threads, beside others'       as demo
  check-all           the tests on every kernel     O SMP MEM ACCEL ROWS
To work with it
  tree                a patched kernel tree         BASE O KERNEL_SRC FORCE
  kernel              the guest's kernel            tree's, ARCH CONFIG DEBUG
  lib                 libupcall and its examples    O
  selftests           the kernel's selftests        tree's
  run PROG=p ARGS=..  any i386 program, in a guest  kernel's, SMP MEM CPU ACCEL TIMEOUT RUNENV
  torture             random operations, at length  kernel's, TIME SEED
  model               both models, at length        JOBS
  coverage            lines and branches that ran   kernel's, SMP MEM CPU ACCEL
  shell               a shell in a guest            as run
  deb                 libupcall's Debian packages   O
  install             libupcall, on this machine    PREFIX DESTDIR
The series
  apply KDIR=dir      put it on a tree of your own  BASE DRY_RUN
  patches             write patches/BASE anew       BASE
  check-patches       is it what its sources say?   BASE
  checkpatch          the kernel's style checker    BASE
  check-kernel-style  W=1, sparse, kernel-doc       kernel's
  check-bisect        builds after each patch?      kernel's
  check-regress       the kernel's own selftests,   kernel's, SMP MEM CPU ACCEL
                      without the series and with
To clean up
  clean               what was built                O
  distclean           and the kernel source         O

Variables, as they are now
  BASE=$BASE  the kernel: $(cd "$top/patches" && echo [0-9]*)
  ARCH=$ARCH  the guest's machine: i386, x86_64 (for 32-bit programs)
  SMP=$SMP MEM=$MEM CPU=$CPU ACCEL=$ACCEL  the guest, as QEMU names things
  O=$O  the build directory
  KERNEL_SRC=$KERNEL_SRC  a kernel tarball or tree (default: Debian's linux-source-$BASE)
  CONFIG=$CONFIG  fragments to add, as in CONFIG=preempt,debug: $(cd "$top/scripts/guest" && echo *.config |
	sed -E 's/\.config//g; s/(guest|features|off|i386|x86_64|[a-z]+-[0-9.]+) ?//g')
  DEBUG=$DEBUG  1: lockdep, kmemleak and others in the guest's kernel
  V=$V  1: show what is run       JOBS=$JOBS  make's -j
  PREFIX=${PREFIX-} DESTDIR=${DESTDIR-}  where 'make install' puts the library
  RUNENV=${RUNENV-}  for its environment, as in RUNENV='A=1 B=2'
  BENCH_CPUS=${BENCH_CPUS:-max Nehalem pentium3}  the models that 'make bench' counts with
  TIME=${TIME-} SEED=${SEED-}  seconds of 'make torture', and where it begins (default: anywhere)
  TIMEOUT=${TIMEOUT-}  seconds a program may take in 'make run' (default: as long as it likes)
EOF
