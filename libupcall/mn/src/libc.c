// SPDX-License-Identifier: MIT
/*
 * Where no slice ends: in the C library and what belongs to it. Code there may
 * hold a lock whose owner, or use memory whose owner, is the kernel thread. Half
 * way through it a user thread must not make room for another on the same virtual
 * CPU, nor go on on another one.
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
};

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

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X) ||
		    n_ranges == sizeof(ranges) / sizeof(ranges[0]))
			continue;
		if (is_vdso || matches(info->dlpi_name)) {
			ranges[n_ranges].start = start;
			ranges[n_ranges++].size = ph->p_memsz;
		}
	}
	return 0;
}

void ranges_find(void)
{
	n_ranges = 0;
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
