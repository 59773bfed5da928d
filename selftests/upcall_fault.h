/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of bad memory share: pages that can be broken and repaired,
 * user code that runs on a stack pointer of any value, and a SIGSEGV handler
 * on a stack of its own.
 */
#ifndef UPCALL_FAULT_H
#define UPCALL_FAULT_H

#include "upcall_proc.h"

#include <sys/utsname.h>
#include <ucontext.h>

#define PAGE		4096
#define ALTSTACK	65536

enum damage { UNMAPPED, NO_ACCESS, READ_ONLY, NR_DAMAGES };

/* Three pages; the one in the middle is broken, and never loses its content. */
struct pages {
	char *middle;
	char *parked;		/* where it is while it is unmapped */
	enum damage damage;
};

static inline int make_pages(struct pages *p)
{
	char *all = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (all == MAP_FAILED)
		return -1;
	p->middle = all + PAGE;
	p->parked = all + 3 * PAGE;
	memset(all, 0, 3 * PAGE);
	return 0;
}

static inline int break_page(struct pages *p, enum damage damage)
{
	p->damage = damage;
	if (damage != UNMAPPED)
		return mprotect(p->middle, PAGE, damage == READ_ONLY ?
				PROT_READ : PROT_NONE);
	return mremap(p->middle, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		      p->parked) == p->parked ? 0 : -1;
}

static inline int repair_page(struct pages *p)
{
	if (p->damage != UNMAPPED)
		return mprotect(p->middle, PAGE, PROT_READ | PROT_WRITE);
	return mremap(p->parked, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		      p->middle) == p->middle ? 0 : -1;
}

/* Fills the middle page with a pattern, as a program that reuses it would. */
static inline void reuse_page(struct pages *p)
{
	memset(p->middle, 0x5a, PAGE);
}

static inline bool reused_page_is_intact(struct pages *p)
{
	return *p->middle == 0x5a &&
	       !memcmp(p->middle, p->middle + 1, PAGE - 1);
}

/* A system call by code whose stack pointer is sp. */
static inline int call_on(unsigned long sp, int nr, long a, long b, long c)
{
	unsigned long old;
	long ret;

	asm volatile("mov " RR(sp) ", %[old]\n\t"
		     "mov %[sp], " RR(sp) "\n\t"
		     CALL_INSN "\n\t"
		     "mov %[old], " RR(sp)
		     : "=a" (ret), [old] "=&r" (old)
		     : "0" ((long)nr), CALL_ARG1(a), CALL_ARG2(b), "d" (c),
		       [sp] "r" (sp)
		     : CALL_CLOBBERS "memory", "cc");
	return ret;
}

/* A dispatch to oneself by such code. */
static inline int dispatch_on(unsigned long sp, int id, int prio)
{
	return call_on(sp, __NR_upc_control, UPC_CONTROL_DISPATCH, id, prio);
}

/*
 * Runs in user mode with the stack pointer sp until *stop is not 0, and sets
 * *there as soon as it does.
 */
static inline void spin_on_noting(unsigned long sp, int *stop, int *there)
{
	unsigned long old;

	asm volatile("mov " RR(sp) ", %[old]\n\t"
		     "mov %[sp], " RR(sp) "\n\t"
		     "movl $1, (%[there])\n"
		     "1:\n\t"
		     "pause\n\t"
		     "cmpl $0, (%[stop])\n\t"
		     "je 1b\n\t"
		     "mov %[old], " RR(sp)
		     : [old] "=&r" (old)
		     : [sp] "r" (sp), [stop] "r" (stop), [there] "r" (there)
		     : "memory", "cc");
}

static inline void spin_on(unsigned long sp, int *stop)
{
	int there;

	spin_on_noting(sp, stop, &there);
}

/* The caller's signals of this kind are handled, on a stack of its own. */
static inline int handle_on_altstack(int sig, int flags,
				     void (*handler)(int sig, siginfo_t *info,
						     void *context))
{
	struct sigaction sa = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | flags,
	};
	stack_t old = {};
	stack_t ss = { .ss_size = ALTSTACK };

	if (sigaltstack(NULL, &old))
		return -1;
	if (old.ss_flags & SS_DISABLE) {
		ss.ss_sp = mmap(NULL, ALTSTACK, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (ss.ss_sp == MAP_FAILED || sigaltstack(&ss, NULL))
			return -1;
	}
	return sigaction(sig, &sa, NULL);
}

/*
 * The first address that is not the user's, or 0 where 32-bit user memory does
 * not end at the kernel's.
 */
#ifdef __x86_64__
static inline unsigned long user_end(void)
{
	/* With five levels of page tables what is behind the 47 bits is too. */
	void *p = mmap((void *)(1UL << 47), PAGE, PROT_NONE, MAP_PRIVATE |
		       MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED)
		return (1UL << 47) - PAGE;
	munmap(p, PAGE);
	return (1UL << 56) - PAGE;
}
#else
static inline unsigned long user_end(void)
{
	unsigned long lo = 0x20000, hi = 0x100000, mid;
	struct utsname name;
	void *p;

	if (uname(&name) || !strcmp(name.machine, "x86_64"))
		return 0;
	/* In pages: lo may be mapped, or is; hi may not. */
	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		p = mmap((void *)(mid * PAGE), PAGE, PROT_NONE, MAP_PRIVATE |
			 MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (p != MAP_FAILED)
			munmap(p, PAGE);
		if (p != MAP_FAILED || errno == EEXIST)
			lo = mid;
		else
			hi = mid;
	}
	return hi * PAGE;
}
#endif

#endif /* UPCALL_FAULT_H */
