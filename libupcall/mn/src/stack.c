// SPDX-License-Identifier: MIT
/*
 * Stacks: a guard page, the stack, and the thread's struct at its upper end, in
 * one mapping. Those of the usual size are kept for the next thread.
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

/* What a signal frame may need: if the kernel finds no room for one it faults. */
#define FRAME_MAX	4096

static struct sigaction old_segv;

static size_t page_up(size_t size)
{
	return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

void *stack_bottom(const struct mn_thread *t)
{
	return (char *)t->mapping + PAGE;
}

static struct mn_thread *thread_at(void *mapping, size_t mapped)
{
	unsigned long top = (unsigned long)mapping + mapped;
	struct mn_thread *t;

	t = (void *)((top - sizeof(*t)) & ~63ul);
	memset(t, 0, sizeof(*t));
	t->mapping = mapping;
	t->mapped = mapped;
	return t;
}

static struct mn_thread *stack_map(size_t mapped)
{
	void *p = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
		       -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (mprotect(p, PAGE, PROT_NONE)) {
		munmap(p, mapped);
		return NULL;
	}
	return thread_at(p, mapped);
}

struct mn_thread *stack_get(struct vcpu *v, size_t size)
{
	size_t mapped = page_up(size) + PAGE;
	struct mn_thread *t = v->stacks;

	if (mapped < size)
		return NULL;
	if (!t || t->mapped != mapped)
		return stack_map(mapped);
	v->stacks = t->next;
	v->n_stacks--;
	return thread_at(t->mapping, mapped);
}

void stack_free(struct mn_thread *t)
{
	munmap(t->mapping, t->mapped);
}

void stack_put(struct vcpu *v, struct mn_thread *t)
{
	if (t->mapped != page_up(rt.stack_size) + PAGE || v->n_stacks >= KEPT) {
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
		return sp - guard < PAGE + FRAME_MAX;
	return (unsigned long)si->si_addr - guard < PAGE;
}

static void on_segv(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	struct vcpu *v = this_vcpu();
	char line[160];
	int n;

	if (v && v->current != &v->idle &&
	    overflowed(v->current, si, uc->uc_mcontext.gregs[REG_ESP])) {
		n = snprintf(line, sizeof(line),
			     "mn: stack overflow in thread '%s' (%zu bytes)\n",
			     v->current->name, v->current->mapped - PAGE);
		n = write(STDERR_FILENO, line, n);
		signal(sig, SIG_DFL);
		/* Without room for a frame the code would go on without it. */
		if (si->si_code == SI_KERNEL)
			raise(sig);
		return;
	}
	/* Not ours: it happens again, for whoever was here before. */
	sigaction(sig, &old_segv, NULL);
	if (si->si_code <= 0)
		raise(sig);
}

int stack_watch(struct vcpu *v)
{
	struct sigaction sa = {
		.sa_sigaction = on_segv,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
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
