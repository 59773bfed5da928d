# SPDX-License-Identifier: GPL-2.0
# What to do is here, how is in scripts/. 'make help' lists the targets.

BASE	?= 6.12
ARCH	?= i386
SMP	?= 2
MEM	?= $(if $(filter x86_64,$(ARCH)),1G,512M)
CPU	?= Nehalem
ACCEL	?= tcg
O	?= build
KERNEL_SRC ?=
CONFIG	?=
DEBUG	?=
V	?=
JOBS	?= $(shell nproc)
KDIR	?=
PROG	?=
ARGS	?=
RUNENV	?=
TIME	?= 600
SEED	?=
FROM	?=
VN	?= 1
PREFIX	?= /usr/local
DESTDIR	?=
export BASE ARCH SMP MEM CPU ACCEL O KERNEL_SRC CONFIG DEBUG V JOBS ARGS RUNENV \
	TIME SEED PREFIX DESTDIR FROM VN KDIR

SHELL	:= /bin/bash
.NOTPARALLEL:
.DEFAULT_GOAL := help

s := @scripts
# What is said while preparing is not the program's output.
prepare := scripts/deps.sh kernel series guest && scripts/tree.sh && \
	scripts/guest/kernel.sh

.PHONY: help demo check bench bench-mn tree kernel lib selftests run shell \
	patches check-patches checkpatch check-kernel-style check-all \
	check-bisect check-regress check-docs model torture coverage apply mbox deb install \
	results pictures dist compile_commands clean distclean

help:
	$s/help.sh

demo: lib kernel
	$s/deps.sh demo
	$s/demo.sh

check:
	$s/check.sh

bench:
	$s/bench.sh

bench-mn: lib kernel
	$s/bench-mn.sh

tree:
	$s/deps.sh kernel series
	$s/tree.sh

kernel:
	@$(prepare)

lib:
	$s/deps.sh programs
	$s/lib.sh

selftests: tree
	$s/deps.sh kernel programs
	$s/selftests.sh

run:
	$s/run.sh '$(PROG)'

shell:
	@{ $(prepare); } >&2
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

check-all:
	$s/check-all.sh

check-bisect:
	$s/deps.sh kernel series bisect
	$s/series/bisect.sh

check-regress:
	$s/check-regress.sh

check-docs:
	$s/deps.sh programs check
	$s/check-docs.sh

model:
	$s/deps.sh model
	@selftests/model/run.sh -l -j $(JOBS)
	@selftests/model/relaxed/run.sh -l -j $(JOBS)
	@selftests/model/relaxed/run.sh -j $(JOBS) libupcall/mn/tests/relaxed

torture: selftests
	@{ $(prepare); } >&2
	$s/torture.sh

coverage:
	$s/coverage.sh

apply:
	$s/deps.sh series
	$s/series/apply.sh '$(KDIR)'

mbox:
	$s/deps.sh series
	$s/series/mbox.sh

deb:
	$s/deps.sh programs deb
	$s/deb.sh

install: lib
	$s/lib.sh install

results:
	$s/deps.sh pictures
	$s/results.sh

pictures:
	$s/deps.sh pictures
	$s/pictures.sh

dist:
	$s/deps.sh series
	$s/dist.sh

compile_commands: kernel lib
	$s/compile-commands.sh

clean:
	$s/clean.sh

distclean:
	$s/clean.sh all
