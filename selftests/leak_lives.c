// SPDX-License-Identifier: GPL-2.0
/*
 * Process after process registers, dispatches and sets timers, in two threads, and
 * at some point of that is killed, ends itself or executes something else. In the
 * end not one object more is in use in the kernel than before.
 *
 * upcall.rst, section 1 (how long things live).
 */
#include "upcall_slab.h"
#include "upcall_util.h"

#define EACH	48		/* upcalls of a life, at most: the table grows */

static struct upcall upc = UPCALL_INIT, others = UPCALL_INIT;
static int ids[EACH], hits;

static void *dispatches(void *arg)
{
	unsigned int seed = (long)arg;
	int id = upc_register_ctx(&others, ctx_next, count_cfunc, &hits);

	for (;;) {
		upc_dispatch(READ_ONCE(ids[next_random(&seed) % EACH]),
			     next_random(&seed) % 40);
		upc_dispatch(id, 1);
	}
	return NULL;
}

static void live(unsigned int seed, bool killed)
{
	unsigned int turns = killed ? ~0U : next_random(&seed) % 30;
	struct upcall_timer timer = { .clock = CLOCK_MONOTONIC };
	bool execs = seed & 0x100;
	pthread_t thread;
	int *id;

	CHECK(!pthread_create(&thread, NULL, dispatches, (void *)(long)seed));
	while (turns--) {
		id = &ids[next_random(&seed) % EACH];
		if (next_random(&seed) % 8 == 0) {
			upc_delete(*id);
			WRITE_ONCE(*id, 0);
		}
		if (!*id) {
			WRITE_ONCE(*id, upc_register_ctx(&upc, ctx_pop,
							 count_cfunc, &hits));
			CHECK(*id > 0);
		}
		crit_enter(&upc);
		upc_dispatch(*id, 1 + next_random(&seed) % 40);
		timer.value = next_random(&seed) % 50000;
		timer.interval = next_random(&seed) % 2 * 100000;
		upc_control(UPC_CONTROL_TIMER, *id, (long)&timer);
		if (next_random(&seed) % 2)
			crit_exit(&upc);
		else
			upc_suspend(1);
	}
	if (execs)
		exec_image(ids, 1);
	syscall(SYS_exit_group, 0);
}

static bool lives(unsigned int seed, int n)
{
	unsigned int dice = seed;
	struct timespec ts = {};
	int i, status;
	bool killed;
	pid_t pid;

	for (i = 0; i < n; i++) {
		killed = i % 3 == 0;
		pid = fork();
		if (!pid)
			live(seed + i, killed);
		if (killed) {
			ts.tv_nsec = next_random(&dice) % 4000 * 1000;
			nanosleep(&ts, NULL);
			kill(pid, SIGKILL);
		}
		status = child_status(pid);
		if (pid < 0 || status != (killed ? SIGKILL : 0)) {
			ksft_print_msg("life %d: status %#x\n", i, status);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	int n = iterations(1500), old[IMAGE_IDS];
	struct slab_count before;
	bool alive;

	if (image_ids(argc, argv, old) >= 0)
		return upc_poll(old[0], 0) == -ENOENT ? 0 : KSFT_FAIL;
	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_print_header();
	ksft_set_plan(2);
	/* What a first life leaves in the kernel for the next is no leak. */
	alive = lives(1, 30);
	if (!settled_slabs(&before)) {
		ksft_test_result(alive && lives(31, n), "%d lives\n", n);
		ksft_test_result_skip("no exact count of kmalloc-cg-* here\n");
		ksft_finished();
	}
	ksft_test_result(alive && lives(31, n), "%d lives\n", n);
	ksft_test_result(slabs_are_as(&before), "nothing is left of them\n");
	ksft_finished();
}
