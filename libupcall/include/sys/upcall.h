/* SPDX-License-Identifier: MIT */
#ifndef _SYS_UPCALL_H
#define _SYS_UPCALL_H

/*
 * Upcalls, as upc_register(2) of DragonFly BSD describes them. upcall(7) is
 * the place to begin.
 *
 * <upcall/abi.h> is the kernel's <linux/upcall.h> under a name of the
 * library's own, with the same include guard: the two may meet in one program.
 * It has struct upcall, UPCALL_MAGIC, UPC_CRITADD and UPC_CONTROL_*.
 */
#include <stddef.h>
#include <upcall/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Context functions are declared with this type too, but take registers. */
typedef void (*upcall_func_t)(void *data);

/* What a struct upcall has to hold before upc_register(). */
#define UPCALL_INITIALIZER	{ UPCALL_MAGIC, 0, 0 }

/* A priority, as the last argument of upc_control(). */
#define UPC_PRIO(priority)	((void *)(long)(priority))

/* Both return -1 with errno set if they fail, but for NEXT: see upcall(7). */
int upc_register(struct upcall *upc, upcall_func_t ctxfunc,
		 upcall_func_t cfunc, void *data);
int upc_control(int command, int upcall_id, void *data);

/*
 * Has this kernel upcalls? 1: yes. 0: no (errno is ENOSYS). -1: it cannot be
 * said or they may not be used; errno says why (EPERM, as a rule, under a
 * system call filter).
 */
int upc_available(void);

/*
 * Context functions, for upc_register(). All give cfunc an aligned stack and
 * save the integer registers that a C function may clobber;
 *
 *  - upc_callused_wrapper is the standard one. On IA-32 it saves nothing else:
 *    cfunc, and what it calls, must not use x87, MMX, SSE or AVX registers. On
 *    x86-64, where C uses vector registers everywhere, it saves these too;
 *  - upc_integer_wrapper saves nothing else on either: the fastest;
 *  - upc_fpu_wrapper saves all of them on either. It takes up to 2.8 KiB of the
 *    stack more;
 *  - upc_vcpu_wrapper these too, and cfunc may return in another thread than
 *    it was called in, as happens where a runtime switches between contexts of
 *    its own. For upcalls registered with upc_thread_init()'s struct only.
 */
void upc_callused_wrapper(void *data);
void upc_integer_wrapper(void *data);
void upc_fpu_wrapper(void *data);
void upc_vcpu_wrapper(void *data);

/*
 * A struct upcall of the calling thread, for upc_register(); the library has
 * one for each. upc_thread_init() returns it, or NULL with errno set as
 * upc_available() does, or to ENOMEM. upc_self() returns it, or NULL where there
 * has been no upc_thread_init(). upc_thread_fini() deletes the thread's upcalls,
 * and comes before the thread's end. A child of fork() calls upc_thread_init()
 * again before it registers upcalls.
 */
struct upcall *upc_thread_init(void);
struct upcall *upc_self(void);
int upc_thread_fini(void);

/*
 * Critical sections of upc_self(), for code that a runtime may move to another
 * thread at any instruction. Elsewhere use upc_crit_enter(), which is faster.
 */
void upc_self_crit_enter(void);
void upc_self_crit_exit(void);

/* Keeps the compiler, no more, from moving memory accesses across. */
#define UPC_BARRIER_()	__asm__ __volatile__ ("" : : : "memory")

/*
 * Critical sections. An upcall of priority p is held back while crit_count is
 * p or more, so one section holds back priorities up to UPC_CRITADD. Sections
 * nest. For the calling task's own structure only; usable in ordinary code,
 * in a signal handler and in an upcall.
 */
static __inline__ void upc_crit_enter(struct upcall *upc)
{
	/*
	 * No atomic instruction, and no matter if it is several: no other CPU
	 * writes the field, and whatever comes between on this one, an upcall
	 * or a signal handler, leaves it as it was found.
	 */
	upc->crit_count += UPC_CRITADD;
	UPC_BARRIER_();
}

/*
 * What was held back and is no longer is entered before this returns. Nothing
 * is lost between the subtraction and the test. An upcall of a priority above
 * the new crit_count is dispatched either
 *
 *  - before the subtraction takes effect: the kernel found it held back, and
 *    has stored its priority, or that of a higher one, in pending. While
 *    pending is not 0 the kernel pushes nothing, so that only this task can
 *    clear it: the test finds it.
 *  - after it, with pending 0: nothing holds it back and the kernel enters it
 *    at once, between any two instructions. Its context function runs, through
 *    NEXT, all others that may run before it comes back; pending is then no
 *    more than crit_count, and the test, wherever it was interrupted, has
 *    nothing to do and does nothing.
 *  - after it, with pending not 0: it is held back and the kernel raises
 *    pending to its priority. If the test sees a pending above crit_count,
 *    that one or the one before, DISPATCH enters it. If not, pending was from
 *    1 to crit_count when it was read: so crit_count is not 0, and the outer
 *    section or upcall that it stands for tests again at its end.
 *
 * One comparison serves both of the manual page's cases. At crit_count 0 it
 * is true for any pending but 0, a 1 put there by the user included; above 0
 * it finds an upcall of a higher priority that an inner section held back.
 * pending is read after crit_count is written: the barrier sees to that in
 * the compiler, and a CPU does not reorder its own accesses as it sees them.
 */
static __inline__ void upc_crit_exit(struct upcall *upc)
{
	UPC_BARRIER_();
	upc->crit_count -= UPC_CRITADD;
	UPC_BARRIER_();
	if (__builtin_expect(upc->pending > upc->crit_count, 0))
		upc_control(UPC_CONTROL_DISPATCH, -1, NULL);
}

#ifdef __cplusplus
}
#endif

#endif /* _SYS_UPCALL_H */
