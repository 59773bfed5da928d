// SPDX-License-Identifier: MIT
/*
 * Functions of the C library in which a slice may end as in the program's own code:
 * they touch the memory that they are given and nothing else, call nobody, and know
 * no kernel thread. They are also those in which a thread can be for most of the time,
 * and keep the others waiting.
 *
 * Which of several versions is used is the C library's choice, and those have names
 * of their own inside. Where one begins its address tells, and where it ends the
 * table that is there for unwinding.
 */
#define _GNU_SOURCE
#include <link.h>
#include <string.h>

#include "rt.h"

static const void *const functions[] = {
	memchr, memcmp, memcpy, memmove, memset, mempcpy, rawmemchr, memrchr,
	strchr, strcmp, strcpy, strlen, strncmp, strncpy, strnlen, strrchr,
	stpcpy,
};

#define N	((int)(sizeof(functions) / sizeof(functions[0])))

static struct {
	unsigned long	start, size;
} pure[N];

/* .eh_frame_hdr, as linkers make it. */
struct table {
	uint8_t		version, frame_encoding, n_encoding, encoding;
	int32_t		frame;
	uint32_t	n;
	struct {
		int32_t	start, fde;	/* from the table's address on */
	} entry[];
};

static const uint8_t known[4] = { 1, 0x1b, 0x03, 0x3b };

/* What an entry leads to, if addresses are relative there. */
struct fde {
	uint32_t	length, cie;
	int32_t		start;		/* from its own address on */
	uint32_t	size;
};

/* How long the function is that begins at @start: 0 if there is none. */
static unsigned long size_of(const struct table *table, unsigned long start)
{
	int64_t wanted = (int64_t)start - (int64_t)(unsigned long)table;
	uint32_t low = 0, high = table->n;
	const struct fde *fde;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (table->entry[middle].start <= wanted)
			low = middle;
		else
			high = middle;
	}
	if (!high || table->entry[low].start != wanted)
		return 0;
	fde = (const void *)((const char *)table + table->entry[low].fde);
	return (unsigned long)&fde->start + fde->start == start ? fde->size : 0;
}

static bool is_libc(const struct dl_phdr_info *info)
{
	const char *name = strrchr(info->dlpi_name, '/');

	return name && !strncmp(name, "/libc.so.", 9);
}

/* Whoever stands before one of these has a function that is not in the table. */
static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
	const struct table *table = NULL;
	int i;

	(void)size;
	(void)arg;
	if (!is_libc(info))
		return 0;
	for (i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
			table = (const void *)(info->dlpi_addr +
					       info->dlpi_phdr[i].p_vaddr);
	if (!table || memcmp(table, known, sizeof(known)))
		return 1;
	for (i = 0; i < N; i++) {
		pure[i].start = (unsigned long)functions[i];
		pure[i].size = size_of(table, pure[i].start);
	}
	return 1;
}

void pure_find(void)
{
	memset(pure, 0, sizeof(pure));
	dl_iterate_phdr(look, NULL);
}

bool is_pure(unsigned long pc)
{
	int i;

	for (i = 0; i < N; i++)
		if (pc - pure[i].start < pure[i].size)
			return true;
	return false;
}
