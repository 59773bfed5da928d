// SPDX-License-Identifier: MIT
/*
 * Stacks: a guard, the stack, and the thread's struct at its upper end, in one
 * mapping. Those of the usual size are kept for the next thread.
 *
 * A frame that is larger than the guard may get past it, unless its code touches each
 * page (-fstack-clash-protection). So the guard is as large as a program has frames
 * without that. Where addresses are short, not for all of very many threads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rt.h"

#define PAGE	4096u
#define KEPT	256		/* by each virtual CPU */
#define GUARD	65536u
#define GUARDED	4096u		/* threads that have as much, in 32 bits */

/* What a signal frame may need: if the kernel finds no room for one it faults. */
#define FRAME_MAX	4096

static struct sigaction old_segv;

static size_t page_up(size_t size)
{
	return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

void *stack_bottom(const struct mn_thread *t)
{
	return (char *)t->mapping + t->guard;
}

/* What was never written to is 0, and a stack is filled from above. */
static size_t deepest(const struct mn_thread *t)
{
	const unsigned long *word = stack_bottom(t), *end = (const void *)t;

	while (word < end && !*(const volatile unsigned long *)word)
		word++;
	return (const char *)end - (const char *)word;
}

MN_EXPORT int mn_stack_used(mn_t t, size_t *used, size_t *size)
{
	struct mn_thread *self = enter();

	if (!self)
		return EPERM;
	if (!t)
		t = self;
	if (used)
		*used = deepest(t);
	if (size)
		*size = (const char *)t - (const char *)stack_bottom(t);
	return leave(0);
}

static struct mn_thread *thread_at(void *mapping, size_t mapped, size_t guard)
{
	unsigned long top = (unsigned long)mapping + mapped;
	struct mn_thread *t;

	t = (void *)((top - sizeof(*t)) & ~63ul);
	memset(t, 0, sizeof(*t));
	t->mapping = mapping;
	t->mapped = mapped;
	t->guard = guard;
	return t;
}

static struct mn_thread *stack_map(size_t mapped, size_t guard)
{
	void *p = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
		       -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (mprotect(p, guard, PROT_NONE)) {
		munmap(p, mapped);
		return NULL;
	}
	return thread_at(p, mapped, guard);
}

static size_t guard_default(void)
{
	return sizeof(long) > 4 || rt.threads <= GUARDED ? GUARD : PAGE;
}

/* @guard: 0 for as much as there is for others. */
struct mn_thread *stack_get(struct vcpu *v, size_t size, size_t guard)
{
	size_t stack = page_up(size);
	size_t below = guard ? page_up(guard) : guard_default();
	struct mn_thread *t = v->stacks;

	if (stack < size || below < guard || stack + below < stack)
		return NULL;
	if (guard || !t || t->mapped - t->guard != stack || t->guard < below)
		return stack_map(stack + below, below);
	v->stacks = t->next;
	v->n_stacks--;
	return thread_at(t->mapping, t->mapped, t->guard);
}

void stack_free(struct mn_thread *t)
{
	munmap(t->mapping, t->mapped);
}

void stack_put(struct vcpu *v, struct mn_thread *t)
{
	if (t->mapped - t->guard != page_up(rt.stack_size) ||
	    t->guard > GUARD || v->n_stacks >= KEPT) {
		stack_free(t);
		return;
	}
	t->next = v->stacks;
	v->stacks = t;
	v->n_stacks++;
}

void stacks_drop(struct vcpu *v)
{
	struct mn_thread *t;

	while ((t = v->stacks)) {
		v->stacks = t->next;
		stack_free(t);
	}
	v->n_stacks = 0;
}

/* Overflow: the guard page was hit, or the kernel found no room for a frame. */

static bool overflowed(const struct mn_thread *t, const siginfo_t *si,
		       unsigned long sp)
{
	unsigned long guard = (unsigned long)t->mapping;

	if (si->si_code <= 0)
		return false;		/* sent by somebody */
	if (si->si_code == SI_KERNEL)
		return sp - guard < t->guard + FRAME_MAX;
	return (unsigned long)si->si_addr - guard < t->guard;
}

/* As the kernel would have done it, for whoever was here before. */
static void not_ours(int sig, siginfo_t *si, void *context)
{
	struct sigaction old = old_segv;
	bool siginfo = old.sa_flags & SA_SIGINFO;

	if (!siginfo && old.sa_handler == SIG_IGN && si->si_code <= 0)
		return;
	if (!siginfo && (old.sa_handler == SIG_DFL || old.sa_handler == SIG_IGN)) {
		/* It happens again. */
		signal(sig, SIG_DFL);
		if (si->si_code <= 0)
			raise(sig);
		return;
	}
	if (old.sa_flags & SA_RESETHAND) {
		old_segv.sa_flags = 0;
		old_segv.sa_handler = SIG_DFL;
	}
	if (!(old.sa_flags & SA_NODEFER))
		sigaddset(&old.sa_mask, sig);
	/*
	 * What was blocked before is so again when the frame is left, or jumped out of:
	 * it is not the thread's mask.
	 */
	kernel_mask(SIG_BLOCK, mask_of(&old.sa_mask));
	if (siginfo)
		old.sa_sigaction(sig, si, context);
	else
		old.sa_handler(sig);
}

static void on_segv(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	struct vcpu *v = this_vcpu();
	char line[160];
	int n;

	if (v && v->current != &v->idle &&
	    overflowed(v->current, si, uc->uc_mcontext.gregs[ARCH_SP])) {
		n = snprintf(line, sizeof(line),
			     "mn: stack overflow in thread '%s' (%zu bytes)\n",
			     v->current->name, v->current->mapped - v->current->guard);
		n = write(STDERR_FILENO, line, n);
		signal(sig, SIG_DFL);
		/* Without room for a frame the code would go on without it. */
		if (si->si_code == SI_KERNEL)
			raise(sig);
		return;
	}
	if (helper_overflowed(si)) {
		static const char said[] =
			"mn: stack overflow in a call of mn_blocking()\n";

		n = write(STDERR_FILENO, said, sizeof(said) - 1);
		signal(sig, SIG_DFL);
		return;
	}
	not_ours(sig, si, context);
}

int stack_watch(struct vcpu *v)
{
	struct sigaction sa = {
		.sa_sigaction = on_segv,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};
	size_t size = 16384;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return ENOMEM;
	v->sigstack.ss_sp = p;
	v->sigstack.ss_size = size;
	v->sigstack.ss_flags = 0;
	sigaltstack(&v->sigstack, &v->old_sigstack);
	if (!v->index)
		sigaction(SIGSEGV, &sa, &old_segv);
	return 0;
}

void stack_unwatch(struct vcpu *v)
{
	if (!v->sigstack.ss_sp)
		return;
	if (!v->index)
		sigaction(SIGSEGV, &old_segv, NULL);
	sigaltstack(&v->old_sigstack, NULL);
	munmap(v->sigstack.ss_sp, v->sigstack.ss_size);
}
