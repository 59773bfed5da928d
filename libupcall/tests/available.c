// SPDX-License-Identifier: MIT
/*
 * upc_available(): what it says is what a first call then finds; and a system
 * call filter that refuses the calls is told from a kernel without them.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"

static struct upcall upc = UPCALL_INITIALIZER;

static void nothing(void *data)
{
	(void)data;
}

/* Lets the two calls fail with err. */
static void refuse(int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 500, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 501, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(99);
}

/* Exits with 10 times what it returned (2 for -1) plus 1 if errno is err. */
static int filtered(int err)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int ret;

		refuse(err);
		errno = 0;
		ret = upc_available();
		_exit((ret < 0 ? 2 : ret) * 10 + (errno == err));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		tap_bail("fork");
	return WEXITSTATUS(status);
}

int main(void)
{
	int available, id, why, seccomp = prctl(PR_GET_SECCOMP) >= 0;

	tap_plan(5);
	errno = 0;
	available = upc_available();
	why = errno;
	id = upc_register(&upc, upc_callused_wrapper, nothing, NULL);
	ok(available == (id > 0), "says %d, upc_register says %d", available,
	   id);
	if (available == 1) {
		is(why, 0, "errno is left alone");
		is(upc_control(UPC_CONTROL_DELETE, id, NULL), 0,
		   "and upc_control works");
	} else {
		is(why, ENOSYS, "errno says why not");
		is(errno, ENOSYS, "so does upc_register's");
	}
	if (seccomp) {
		is(filtered(EPERM), 21, "refused by a filter: -1, EPERM");
		is(filtered(ENOSYS), 1, "hidden by a filter: 0, ENOSYS");
	} else {
		ok(1, "filtered, EPERM # SKIP no seccomp in this kernel");
		ok(1, "filtered, ENOSYS # SKIP no seccomp in this kernel");
	}
	return tap_done();
}
