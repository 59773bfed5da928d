// SPDX-License-Identifier: MIT
/*
 * For debuggers: where they find the threads, and what one that does not run has
 * left on its stack. gdb/mn.py reads this by its name, which is exported, so that it
 * needs no debugging symbols. It is memory and never called.
 *
 * What is added goes to the end. Who changes the rest counts version up.
 */
#include <stddef.h>

#include "rt.h"

#define DEBUG_VERSION	1

struct debug_table {
	unsigned int		version, word;
	const struct mn_rt	*rt;
	const char *const	*state_names;
	const struct saved	*saved;		/* below where sp points */
	unsigned int		n_states, n_saved;

	unsigned int		rt_vcpus, rt_vcpu, rt_all;
	unsigned int		vcpu_size, vcpu_current, vcpu_tid;
	unsigned int		sp, vcpu, state, preempted, name, all_next;
	unsigned int		id, ran;
};

#define OF(member)	offsetof(struct mn_thread, member)

extern const struct debug_table _mn_debug;

MN_EXPORT const struct debug_table _mn_debug = {
	.version = DEBUG_VERSION,
	.word = sizeof(void *),
	.rt = &rt,
	.state_names = state_names,
	.saved = saved_registers,
	.n_states = EXITED + 1,
	.n_saved = SAVED_REGISTERS,
	.rt_vcpus = offsetof(struct mn_rt, vcpus),
	.rt_vcpu = offsetof(struct mn_rt, vcpu),
	.rt_all = offsetof(struct mn_rt, all),
	.vcpu_size = sizeof(struct vcpu),
	.vcpu_current = offsetof(struct vcpu, current),
	.vcpu_tid = offsetof(struct vcpu, tid),
	.sp = OF(sp),
	.vcpu = OF(vcpu),
	.state = OF(state),
	.preempted = OF(preempted),
	.name = OF(name),
	.all_next = OF(all_next),
	.id = OF(id),
	.ran = OF(last),
};
