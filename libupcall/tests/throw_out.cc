// SPDX-License-Identifier: MIT
//
// An exception that leaves cfunc ends in std::terminate(): the interrupted
// code's handlers do not see it, whatever context function there is. And
// pthread_exit() in cfunc ends the thread.
#include <exception>
#include <pthread.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"

namespace {

enum { TERMINATED = 42, CAUGHT, RETURNED };

void throws(void *)
{
	throw std::runtime_error("out of cfunc");
}

void exits(void *data)
{
	pthread_exit(data);
}

// Its exit status says where the exception got to.
int child(upcall_func_t ctx)
{
	int status;
	const pid_t pid = fork();

	if (!pid) {
		std::set_terminate([] { _exit(TERMINATED); });
		struct upcall *self = upc_thread_init();
		int id = self ? upc_register(self, ctx, throws, nullptr) : -1;

		if (id < 0)
			_exit(1);
		try {
			upc_control(UPC_CONTROL_DISPATCH, id, UPC_PRIO(1));
		} catch (...) {
			_exit(CAUGHT);
		}
		_exit(RETURNED);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

struct guard {
	~guard() { unwound++; }
	static int unwound;
};

int guard::unwound;

void *thread(void *ctx)
{
	guard g;
	struct upcall *self = upc_thread_init();
	static int tag;
	int id = upc_register(self, reinterpret_cast<upcall_func_t>(ctx), exits,
			      &tag);

	upc_control(UPC_CONTROL_DISPATCH, id, UPC_PRIO(1));
	return nullptr;
}

} // namespace

int main()
{
	upcall_func_t ctx[] = { upc_callused_wrapper, upc_fpu_wrapper,
				upc_vcpu_wrapper };
	pthread_t id;
	void *ret = nullptr;

	need_upcalls();
	tap_plan(5);
	for (upcall_func_t c : ctx)
		is(child(c), TERMINATED, "terminated, not caught outside");
	if (pthread_create(&id, nullptr, thread,
			   reinterpret_cast<void *>(upc_callused_wrapper)) ||
	    pthread_join(id, &ret))
		tap_bail("pthread_create");
	ok(ret != nullptr, "pthread_exit in cfunc ends the thread");
	is(guard::unwound, 1, "and unwinds the interrupted code");
	return tap_done();
}
