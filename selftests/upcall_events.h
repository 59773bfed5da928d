/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests that read trace events share: a trace instance of their own,
 * so that what others trace is not disturbed, and the text that it gives.
 */
#ifndef UPCALL_EVENTS_H
#define UPCALL_EVENTS_H

#include "upcall_proc.h"

#include <sys/stat.h>

#define INSTANCE	TRACEFS "/instances/upcall_selftest"

static char text[65536];

static inline bool make_instance(void)
{
	mount_tracefs();
	rmdir(INSTANCE);
	return !mkdir(INSTANCE, 0700);
}

/* Stops tracing and reads what there is. */
static inline bool read_events(void)
{
	size_t n = 0;
	FILE *file;

	if (write_to(INSTANCE "/tracing_on", "0"))
		return false;
	file = fopen(INSTANCE "/trace", "r");
	if (file) {
		n = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	return n;
}

#endif /* UPCALL_EVENTS_H */
