// SPDX-License-Identifier: GPL-2.0
/*
 * The system calls of upcalls: their arguments are checked and decoded here.
 */

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>

#include "block.h"
#include "timer.h"
#include "upcall.h"

/* Can @upc be read, and is it one? */
static int upcall_check(struct upcall __user *upc)
{
	struct upcall u;

	if (!IS_ALIGNED((unsigned long)upc, sizeof(s32)))
		return -EINVAL;
	if (!user_read_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_get_user(u.magic, &upc->magic, efault);
	unsafe_get_user(u.crit_count, &upc->crit_count, efault);
	unsafe_get_user(u.pending, &upc->pending, efault);
	user_read_access_end();
	return u.magic == UPCALL_MAGIC ? 0 : -EINVAL;

efault:
	user_read_access_end();
	return -EFAULT;
}

/**
 * sys_upc_register - register an upcall of the calling task
 * @upc:	the task's struct upcall, from now on for all of its upcalls
 * @ctxfunc:	what the kernel enters
 * @cfunc:	what ctxfunc finds in a register, a function to call
 * @data:	and its argument
 *
 * Return: the upcall's identifier, positive and known to all tasks of the mm.
 * -EFAULT if @upc can't be read or one of the functions is not at a user
 * address; -EINVAL if @upc is not aligned or has the wrong magic, or if the task
 * owns upcalls of another ABI; -EFBIG if the mm has kernel.upcall_max upcalls;
 * -EOPNOTSUPP if there can be none, for a shadow stack; -ENOMEM. A failed call
 * changes nothing.
 */
SYSCALL_DEFINE4(upc_register, struct upcall __user *, upc,
		void __user *, ctxfunc, void __user *, cfunc,
		void __user *, data)
{
	struct upcall_target target = {
		.ctxfunc = (unsigned long)ctxfunc,
		.cfunc = (unsigned long)cfunc,
		.data = (unsigned long)data,
	};
	int ret = upcall_check(upc);

	if (max(target.ctxfunc, target.cfunc) >= TASK_SIZE)
		return -EFAULT;
	ret = ret ?: arch_upcall_supported(upc);
	return ret ?: upcall_register(upc, &target);
}

/**
 * sys_upc_control - dispatch, leave, delete, poll and wait for upcalls
 * @cmd:	one of UPC_CONTROL_*
 * @upcid:	an upcall of any task in this mm, or -1 for the caller's own
 * @data:	a priority; for UPC_CONTROL_NEXT, the frame; for UPC_CONTROL_TIMER,
 *		a struct upcall_timer
 *
 * For UPC_CONTROL_NEXT @upcid is what the machine's calling convention needs
 * to restore the registers that carry the arguments.
 *
 * Return: as upc_control(2) says for each command. -EINVAL if there is no such
 * command or it does not go with @upcid; -ENOENT if there is no such upcall.
 */
SYSCALL_DEFINE3(upc_control, int, cmd, int, upcid, void __user *, data)
{
	int priority = (unsigned long)data;
	bool own = upcid == -1;

	switch (cmd) {
	case UPC_CONTROL_DISPATCH:
		return own ? upcall_redispatch(priority) :
			     upcall_dispatch(upcid, priority, false);
	case UPC_CONTROL_NEXT:
		return upcall_next(data);
	case UPC_CONTROL_DELETE:
		return own ? upcall_delete_own() : upcall_delete(upcid);
	case UPC_CONTROL_POLL:
		return own ? upcall_poll_own(max(priority, 1), false) :
			     upcall_poll(upcid, priority, false);
	case UPC_CONTROL_POLLANDCLEAR:
		return own ? upcall_poll_own(priority, true) :
			     upcall_poll(upcid, priority, true);
	case UPC_CONTROL_WAIT:
		return own ? upcall_wait(priority) : -EINVAL;
	case UPC_CONTROL_SUSPEND:
		return own ? upcall_suspend(priority) : -EINVAL;
	case UPC_CONTROL_INTERRUPT:
		return own ? -EINVAL : upcall_dispatch(upcid, priority, true);
	case UPC_CONTROL_TIMER:
		return own ? -EINVAL : upcall_timer(upcid, data);
	case UPC_CONTROL_ONBLOCK:
		return own ? -EINVAL : upcall_tell(upcid, priority, false);
	case UPC_CONTROL_ONWAKE:
		return own ? -EINVAL : upcall_tell(upcid, priority, true);
	}
	return -EINVAL;
}
