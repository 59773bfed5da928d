# SPDX-License-Identifier: GPL-2.0
# What to do is here, how is in scripts/. 'make help' lists the targets.

BASE	?= 6.12
ARCH	?= i386
SMP	?= 2
MEM	?= 512M
CPU	?= Nehalem
ACCEL	?= tcg
O	?= build
KERNEL_SRC ?=
DEBUG	?=
V	?=
JOBS	?= $(shell nproc)
KDIR	?=
PROG	?=
ARGS	?=
export BASE ARCH SMP MEM CPU ACCEL O KERNEL_SRC DEBUG V JOBS ARGS

SHELL	:= /bin/bash
.NOTPARALLEL:
.DEFAULT_GOAL := help

s := @scripts
lib := env -u ARCH -u O -u V -u DEBUG $(MAKE) --no-print-directory -C libupcall

.PHONY: help demo check tree kernel lib selftests run shell patches \
	check-patches checkpatch check-kernel-style apply install clean distclean

help:
	$s/help.sh

demo: lib kernel
	$s/deps.sh guest
	$s/demo.sh

check:
	$s/check.sh

tree:
	$s/deps.sh kernel series
	$s/tree.sh

kernel: tree
	$s/guest/kernel.sh

lib:
	$s/deps.sh programs
	$s/lib.sh

selftests: tree
	$s/deps.sh kernel programs
	$s/selftests.sh

run: kernel
	$s/deps.sh guest
	$s/guest/run.sh '$(PROG)'

shell: kernel
	$s/deps.sh guest
	$s/guest/shell.sh

patches:
	$s/deps.sh series
	$s/series/generate.sh

check-patches:
	$s/deps.sh series
	$s/series/check.sh

checkpatch:
	$s/deps.sh series check
	$s/series/checkpatch.sh

check-kernel-style: kernel
	$s/deps.sh check
	$s/guest/style.sh

apply:
	$s/deps.sh series
	$s/series/apply.sh '$(KDIR)'

install: lib
	@$(lib) install DESTDIR='$(DESTDIR)' $(if $(PREFIX),PREFIX='$(PREFIX)')

clean:
	rm -rf '$(O)'/kernel-* '$(O)'/libupcall '$(O)'/selftests '$(O)'/headers \
		'$(O)'/log '$(O)'/*.cpio '$(O)'/*.??????

distclean:
	rm -rf '$(O)'
