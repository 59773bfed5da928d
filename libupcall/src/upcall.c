// SPDX-License-Identifier: MIT
/*
 * The system calls and the probe.
 *
 * All of this may run in an upcall, so on any stack, in a task that may have
 * no TLS, between any two instructions of anything: no locks, no state, and
 * nothing but a failing call touches errno.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/upcall.h>
#include <unwind.h>

#include "lib.h"
/* Of src/arch/: the build says which. */
#include "offsets.h"
#include "syscall.h"

_Static_assert(CMD_DISPATCH == UPC_CONTROL_DISPATCH, "command");
_Static_assert(CMD_NEXT == UPC_CONTROL_NEXT, "command");
_Static_assert(CRITADD == UPC_CRITADD, "crit_count step");
_Static_assert(UPC_CRIT_COUNT == offsetof(struct upcall, crit_count), "upcall");
_Static_assert(UPC_PENDING == offsetof(struct upcall, pending), "upcall");
_Static_assert(sizeof(struct upcall) == 12, "upcall");
#include "frame.h"	/* the rest of them, the architecture's */

/* Takes what the kernel returned: a negative errno. */
int LIB_REGPARM libupcall_fail(int err)
{
	errno = -err;
	return -1;
}

LIB_EXPORT int upc_register(struct upcall *upc, upcall_func_t ctxfunc,
			    upcall_func_t cfunc, void *data)
{
	int ret = sys_call4(NR_UPC_REGISTER, (long)upc, (long)ctxfunc,
			    (long)cfunc, (long)data);

	return ret < 0 ? libupcall_fail(ret) : ret;
}

/* upc_control() for every command but NEXT. */
int libupcall_control(int command, int upcall_id, void *data)
{
	int ret = sys_call4(NR_UPC_CONTROL, command, upcall_id, (long)data, 0);

	return ret < 0 ? libupcall_fail(ret) : ret;
}

/*
 * Neither of the two calls can succeed, so neither changes anything: there is
 * no command 0, and nothing can be registered at address 0.
 */
LIB_EXPORT int upc_available(void)
{
	int control = sys_call4(NR_UPC_CONTROL, 0, -1, 0, 0);
	int reg = sys_call4(NR_UPC_REGISTER, 0, 0, 0, 0);

	if (control == -EINVAL && (reg == -EFAULT || reg == -EINVAL))
		return 1;
	if (control == -ENOSYS && reg == -ENOSYS) {
		errno = ENOSYS;
		return 0;
	}
	/* Refused, or something that answers but is not ours. */
	if (control < 0 && control != -EINVAL)
		return libupcall_fail(control);
	if (reg < 0 && reg != -EFAULT && reg != -EINVAL)
		return libupcall_fail(reg);
	return libupcall_fail(-EPROTO);
}

/* For the library's own use: not to be looked up. */
extern __typeof(upc_available) libupcall_available
	__attribute__((alias("upc_available"), visibility("hidden")));

/*
 * The personality routine of the context functions. An exception that leaves
 * cfunc must not be caught by the interrupted code, which did not call it, nor
 * skip the end of the upcall: the search for a handler fails here, and a C++
 * runtime then calls std::terminate(). Unwinding by force, in pthread_exit()
 * and when a thread is cancelled, goes on: the thread ends.
 */
int libupcall_personality(int version, int actions, unsigned long long class,
			  void *exception, void *context)
{
	(void)version;
	(void)class;
	(void)exception;
	(void)context;
	return actions & _UA_FORCE_UNWIND ? _URC_CONTINUE_UNWIND :
					    _URC_FATAL_PHASE1_ERROR;
}
