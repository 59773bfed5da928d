// SPDX-License-Identifier: GPL-2.0
/*
 * kernel.upcall_max: how many upcalls may be registered in one mm.
 */

#include <linux/init.h>
#include <linux/sysctl.h>

#include "upcall.h"

/* The limit's own: what the manual page promises, and what a table can hold. */
static const unsigned int upcall_max_min = 32;
static const unsigned int upcall_max_max = 1 << 20;

/* A table's entries are const where the kernel does not change them. */
#define upcall_ctl_table \
	typeof(*((struct ctl_table_header *)NULL)->ctl_table)

/*
 * Some kernels take the table's size from its type and refuse an empty entry in
 * it, others go on to an empty entry: it comes after the table here.
 */
static struct {
	upcall_ctl_table table[1];
	upcall_ctl_table end;
} upcall_sysctl = {
	.table = {
		{
			.procname	= "upcall_max",
			.data		= &upcall_max,
			.maxlen		= sizeof(upcall_max),
			.mode		= 0644,
			.proc_handler	= proc_douintvec_minmax,
			.extra1		= (void *)&upcall_max_min,
			.extra2		= (void *)&upcall_max_max,
		},
	},
};

static int __init upcall_sysctl_init(void)
{
	register_sysctl_init("kernel", upcall_sysctl.table);
	return 0;
}
late_initcall(upcall_sysctl_init);
