// SPDX-License-Identifier: MIT
/*
 * Where no slice ends: in the C library and what belongs to it. Code there may
 * hold a lock whose owner, or use memory whose owner, is the kernel thread. Half
 * way through it a user thread must not make room for another on the same virtual
 * CPU, nor go on on another one.
 *
 * Nor in the last instructions of an upcall or of a signal handler, which have
 * left the section already: what they return to may be there.
 */
#define _GNU_SOURCE
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "rt.h"

static struct {
	unsigned long	start, size;
} ranges[32];
static int n_ranges;

static const char *const names[] = {
	"ld-linux.so", "libc.so", "libpthread.so", "libdl.so", "librt.so",
	"libresolv.so", "libnss_", "libgcc_s.so", "libstdc++.so",
	"libupcall.so", "libupcall-mn.so",
};

/* Where those two are when they are part of the program. */
#define WRAPPER_SIZE	1024

extern char __start_mn_handler[] __attribute__((visibility("hidden")));
extern char __stop_mn_handler[] __attribute__((visibility("hidden")));

static void add(unsigned long start, unsigned long size)
{
	if (n_ranges == sizeof(ranges) / sizeof(ranges[0]))
		return;
	ranges[n_ranges].start = start;
	ranges[n_ranges++].size = size;
}

static bool matches(const char *path)
{
	const char *name = strrchr(path, '/');
	unsigned int i;

	name = name ? name + 1 : path;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	return false;
}

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
	unsigned long vdso = getauxval(AT_SYSINFO_EHDR);
	int i;

	(void)size;
	(void)arg;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		unsigned long start = info->dlpi_addr + ph->p_vaddr;
		bool is_vdso = vdso - start < ph->p_memsz;

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		if (is_vdso || (!rt.no_ranges && matches(info->dlpi_name)))
			add(start, ph->p_memsz);
	}
	return 0;
}

void ranges_find(void)
{
	n_ranges = 0;
	add((unsigned long)upc_vcpu_wrapper, WRAPPER_SIZE);
	add((unsigned long)__start_mn_handler,
	    __stop_mn_handler - __start_mn_handler);
	dl_iterate_phdr(look, NULL);
}

bool in_range(unsigned long eip)
{
	int i;

	for (i = 0; i < n_ranges; i++)
		if (eip - ranges[i].start < ranges[i].size)
			return true;
	return false;
}
