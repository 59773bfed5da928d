// SPDX-License-Identifier: MIT
/*
 * Where a slice may end: in the program's own text, and in that of objects which
 * it has named; and in a few functions of the C library that have been called from
 * there (pure.c).
 *
 * All other code knows kernel threads only. It may hold a lock whose owner, or use
 * memory whose owner, is the kernel thread: half way through it a user thread must
 * not make room for another on the same virtual CPU, nor go on on another one. The
 * same is true of the program's text while such code is waiting for it to return:
 * of a signal handler, whose caller is the kernel; of a constructor in dlopen(); of
 * what pthread_once() or a library calls back. And of a thread that holds a lock
 * (locks.c counts them).
 *
 * Who has called is seen on the stack. First each word of it is looked at: as long
 * as none is an address in other code, nobody can return there. That is so most of
 * the time. If there is one, it may be a mere remainder: then the stack is unwound.
 *
 * Objects come and go. _dl_find_object() says whose an address is at any time, and
 * may be called by a signal handler. Where the C library does not have it, what
 * was there when mn_run() began is known, and all else is other code.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rt.h"

#define NAMED_MAX	64
#define OTHERS_MAX	128
#define FRAMES		128

/* A stack for each virtual CPU to unwind on: the thread's may have no room. */
#define SCRATCH		(24u << 10)

struct range {
	unsigned long	start, size;
};

/* The program's code, all of the program, this library, ... */
static struct range text, program, library[2], vdso, restorer;

/* ... and of the others that were there, if nobody says what is there now. */
static struct range others[OTHERS_MAX];
static int n_others;

/* Objects that are as good as the program's own. They stay. */
static struct range named[NAMED_MAX];
static int n_named;
static unsigned int named_lock;

__thread int mn_held __attribute__((tls_model("initial-exec")));

static char scratch[MN_VCPUS_MAX][SCRATCH] __attribute__((aligned(64)));

/* What must not be interrupted, where this library is part of the program. */
#define WRAPPER_SIZE	1024

extern char __start_mn_handler[] __attribute__((visibility("hidden")));
extern char __stop_mn_handler[] __attribute__((visibility("hidden")));

#pragma weak _dl_find_object

static bool in(const struct range *r, unsigned long address)
{
	return address - r->start < r->size;
}

/* All of an object, from its lowest to its highest address, or its code. */
static struct range extent(const struct dl_phdr_info *info, bool code)
{
	unsigned long low = ~0ul, high = 0;
	int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		unsigned long start = info->dlpi_addr + ph->p_vaddr;

		if (ph->p_type != PT_LOAD || (code && !(ph->p_flags & PF_X)))
			continue;
		low = start < low ? start : low;
		high = start + ph->p_memsz > high ? start + ph->p_memsz : high;
	}
	return (struct range){ low, high > low ? high - low : 0 };
}

/* The first one is the program. */
static int look(struct dl_phdr_info *info, size_t size, void *first)
{
	struct range r = extent(info, false);

	(void)size;
	if (*(bool *)first) {
		*(bool *)first = false;
		program = r;
		text = extent(info, true);
	} else if (in(&r, (unsigned long)upc_vcpu_wrapper)) {
		library[0] = r;
	} else if (in(&r, (unsigned long)is_safe_point)) {
		library[1] = r;
	} else if (in(&r, getauxval(AT_SYSINFO_EHDR))) {
		vdso = r;
	} else if (n_others < OTHERS_MAX) {
		others[n_others++] = r;
	}
	return 0;
}

/*
 * What a signal handler returns to, if that is not in the vDSO: the C library
 * tells the kernel, and nobody else.
 */
static void find_restorer(void)
{
	struct {
		void		*handler;
		unsigned long	flags;
		void		*restorer;
		unsigned long	mask[2];
	} sa = { 0 };

	/* Of SIGSEGV: that one has a handler by now. */
	if (!syscall(SYS_rt_sigaction, SIGSEGV, NULL, &sa, 8))
		restorer = (struct range){ (unsigned long)sa.restorer,
					   sa.restorer ? 16 : 0 };
}

void safe_points_find(void)
{
	bool first = true;

	n_others = 0;
	dl_iterate_phdr(look, &first);
	find_restorer();
	pure_find();
}

/* Does the object that is loaded at @start say of itself that it is named? */
static bool has_note(unsigned long start)
{
	const ElfW(Ehdr) *e = (void *)start;
	const ElfW(Phdr) *ph;
	int i;

	if (memcmp(e->e_ident, ELFMAG, SELFMAG) || e->e_phoff > 1024)
		return false;
	ph = (void *)(start + e->e_phoff);
	for (i = 0; i < e->e_phnum; i++) {
		unsigned long at = start + ph[i].p_vaddr;
		unsigned long end = at + ph[i].p_memsz;

		while (ph[i].p_type == PT_NOTE && at + sizeof(ElfW(Nhdr)) < end) {
			const ElfW(Nhdr) *n = (void *)at;

			if (n->n_type == MN_NOTE_TYPE_ &&
			    n->n_namesz == sizeof(MN_NOTE_NAME_) &&
			    !memcmp(n + 1, MN_NOTE_NAME_, sizeof(MN_NOTE_NAME_)))
				return true;
			at += sizeof(*n) + ((n->n_namesz + 3) & ~3u) +
			      ((n->n_descsz + 3) & ~3u);
		}
	}
	return false;
}

static bool is_named(unsigned long address)
{
	int i, n = __atomic_load_n(&n_named, __ATOMIC_ACQUIRE);

	for (i = 0; i < n; i++)
		if (in(&named[i], address))
			return true;
	return false;
}

/* Is @address in an object that is neither the program nor named? */
static bool in_other_object(unsigned long address)
{
	struct dl_find_object found;
	int i;

	if (rt.no_ranges || is_named(address))
		return false;
	if (_dl_find_object)
		return !_dl_find_object((void *)address, &found) &&
		       !has_note((unsigned long)found.dlfo_map_start);
	for (i = 0; i < n_others; i++)
		if (in(&others[i], address))
			return true;
	return false;
}

/* Is @address, where somebody may return to, what a signal handler returns to? */
static bool kernel_code(unsigned long address)
{
	return in(&vdso, address) || in(&restorer, address);
}

/* ... or in other code? */
static bool other_code(unsigned long address)
{
	if (kernel_code(address))
		return true;
	if (in(&program, address) || in(&library[0], address) ||
	    in(&library[1], address))
		return false;
	return in_other_object(address);
}

/* May a slice end at @pc itself, whoever has called? 0: at the end of a section. */
static bool safe_pc(unsigned long pc)
{
	if (!pc)
		return true;
	if (pc - (unsigned long)upc_vcpu_wrapper < WRAPPER_SIZE ||
	    pc - (unsigned long)__start_mn_handler <
	    (unsigned long)(__stop_mn_handler - __start_mn_handler))
		return false;
	if (in(&text, pc))
		return true;
	if (in(&library[0], pc) || in(&library[1], pc) || in(&vdso, pc) ||
	    in(&program, pc))
		return false;
	if (rt.no_ranges || is_named(pc))
		return true;
	/* What is in no object has been made by the program: a compiler's code. */
	if (_dl_find_object) {
		struct dl_find_object found;

		return _dl_find_object((void *)pc, &found) ||
		       has_note((unsigned long)found.dlfo_map_start);
	}
	return false;
}

struct unwinding {
	bool		(*stops)(unsigned long address);
	unsigned long	pc;
	bool		pure;		/* that is in a function of pure.c's */
	bool		own_stack;	/* not one of the program's making */
	bool		safe;
};

/* Has other code called? What cannot be unwound counts as the program's. */
static void unwind(void *arg)
{
	struct unwinding *u = arg;
	void *frames[FRAMES];
	int i = 0, n = backtrace(frames, FRAMES);

	/* What comes before is the interruption itself. */
	if (u->pc) {
		while (i < n && (unsigned long)frames[i] != u->pc)
			i++;
		i++;
	}
	/* Others may have called one of these in the middle of anything, too. */
	u->safe = !u->pure || (i < n && safe_pc((unsigned long)frames[i]));
	/* At the bottom of its own making there is what makecontext() has put. */
	if (!u->own_stack && n < FRAMES)
		n--;
	for (; i < n; i++)
		if (u->stops((unsigned long)frames[i]))
			u->safe = false;
}

/* Is there nothing from @sp up to the end of @t's stack that looks like it? */
static bool clean_stack(const struct mn_thread *t, unsigned long sp,
			bool (*stops)(unsigned long address))
{
	const unsigned long *word = (void *)(sp & -sizeof(long));
	const unsigned long *end = (void *)t;

	for (; word < end; word++)
		if (*word - (unsigned long)t->mapping >= t->mapped &&
		    *word > 65535 && stops(*word))
			return false;
	return true;
}

/* Is the current thread, which is on no stack that is known, on a signal's? */
static bool on_signal_stack(void)
{
	stack_t now;

	return !sigaltstack(NULL, &now) && now.ss_flags & SS_ONSTACK;
}

/*
 * The current thread has let go of a lock, at the call before @caller. What has
 * been put off because of it is done now, if it is possible there.
 */
void IN_HANDLER held_less(const void *caller)
{
	struct vcpu *v = this_vcpu();

	/* Whoever took it may have been another: as a program, before mn_run(). */
	if (mn_held <= 0 || --mn_held || !v || !v->retry ||
	    v->current == &v->idle || !safe_pc((unsigned long)caller))
		return;
	crit_enter();
	kick(this_vcpu(), 0);
	crit_exit();
}

/*
 * May the current thread of @v make room for others? It was interrupted at @pc,
 * with its stack at @sp, or has come to the end of a section: @pc is 0. In a
 * section.
 */
bool is_safe_point(struct vcpu *v, unsigned long pc, unsigned long sp)
{
	const struct mn_thread *t = v->current;
	struct unwinding u = { .stops = other_code, .pc = pc };

	if (mn_held)
		return false;
	u.pure = pc && is_pure(pc);
	if (!u.pure && !safe_pc(pc))
		return false;
	u.own_stack = sp - (unsigned long)t->mapping < t->mapped;
	if (!u.own_stack && on_signal_stack())
		return false;
	if (u.own_stack && !u.pure && clean_stack(t, sp, other_code))
		return true;
	call_on_stack(unwind, &u, scratch[v->index + 1]);
	return u.safe;
}

/* Has a signal handler been entered that has not returned? In a section. */
bool in_handler(struct vcpu *v)
{
	unsigned long sp = (unsigned long)__builtin_frame_address(0);
	const struct mn_thread *t = v->current;
	struct unwinding u = { .stops = kernel_code };

	/* Who else is in the middle of the runtime, perhaps with that stack? */
	if (over_runtime(1))
		return true;
	u.own_stack = sp - (unsigned long)t->mapping < t->mapped;
	if (u.own_stack ? clean_stack(t, sp, kernel_code) : on_signal_stack())
		return !u.own_stack;
	call_on_stack(unwind, &u, scratch[v->index + 1]);
	return !u.safe;
}

struct wanted {
	unsigned long	address;
	struct range	range;
};

static int look_for(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct wanted *w = arg;

	(void)size;
	w->range = extent(info, false);
	return in(&w->range, w->address);
}

/*
 * Names the object that @address is in. It is not unloaded any more, or another
 * one might come to its place.
 */
MN_EXPORT int mn_preemptible(const void *address)
{
	struct wanted w = { .address = (unsigned long)address };
	struct link_map *map;
	Dl_info info;
	int ret = 0;

	if (!address || !dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP))
		return EINVAL;
	if (map->l_name[0] && object_keep && !object_keep(map->l_name))
		return EINVAL;
	if (!dl_iterate_phdr(look_for, &w))
		return EINVAL;
	crit_enter();
	spin_lock(&named_lock);
	if (!is_named(w.address)) {
		if (n_named < NAMED_MAX) {
			named[n_named] = w.range;
			__atomic_store_n(&n_named, n_named + 1, __ATOMIC_RELEASE);
		} else {
			ret = EAGAIN;
		}
	}
	spin_unlock(&named_lock);
	crit_exit();
	return ret;
}
