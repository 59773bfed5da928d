// SPDX-License-Identifier: GPL-2.0
/*
 * A task has 0, or else the number of restart_syscall(), in eax, and what a call
 * that a signal ended left for that call is still there. But it is not about to
 * make it: an upcall that comes then changes neither eax nor eip.
 *
 * upcall.rst, section 5, and section 8 (system call restart).
 */
#include "upcall_next.h"
#include "upcall_util.h"

#include <setjmp.h>
#include <sys/prctl.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH	59
#endif
#define DISPATCH_ON			1

static struct upcall upc = UPCALL_INIT;
static int id, hits, spinning, over;
static char allow;			/* SYSCALL_DISPATCH_FILTER_ALLOW */

/* The context function notes the frame's address in the first word. */
static struct {
	struct upcall_frame *frame;
	struct upcall_frame copy;
} noted;

static void cfunc(void *data)
{
	noted.copy = *noted.frame;
	hits++;
	WRITE_ONCE(over, 1);
}

static sigjmp_buf back;

static void on_alarm(int sig)
{
	siglongjmp(back, 1);
}

/* No sigreturn() says that nothing is to be restarted. */
static int leave_nanosleep(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value = { .tv_usec = 1000 } };
	struct timespec ts = { .tv_sec = 1000 };

	if (sigaction(SIGALRM, &sa, NULL))
		return -1;
	if (sigsetjmp(back, 1))
		return 0;
	if (setitimer(ITIMER_REAL, &it, NULL))
		return -1;
	nanosleep(&ts, NULL);
	return -1;
}

FIXTURE(stale) {
};

FIXTURE_SETUP(stale)
{
	id = upc_register_ctx(&upc, ctx_next_noting, cfunc, &noted);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, leave_nanosleep());
}

FIXTURE_TEARDOWN(stale)
{
	EXPECT_EQ(1, hits);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

static void *dispatcher(void *arg)
{
	WAIT_UNTIL(READ_ONCE(spinning));
	return (void *)(long)upc_dispatch(id, 1);
}

TEST_F(stale, while_running)
{
	pthread_t thread;
	long ax = SYS_restart_syscall;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatcher, NULL));
	ASSERT_EQ(0, leave_nanosleep());
	asm volatile("movl $1, (%[spinning])\n"
		     "1:\n\t"
		     "cmpl $0, (%[over])\n\t"
		     "je 1b"
		     : "+a" (ax)
		     : [over] "r" (&over), [spinning] "r" (&spinning)
		     : "memory", "cc");
	EXPECT_EQ(SYS_restart_syscall, ax);
	EXPECT_EQ(SYS_restart_syscall, (long)noted.copy.fr_ax);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (long)ret);
}

/*
 * With its system calls watched, an upcall is entered on the way out of
 * DISPATCH, which gives 0. What comes after the call is not there.
 */
static char *border;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	CHECK(info->si_addr == border);
	CHECK(uc->uc_mcontext.gregs[REG_IP] == (long)border);
	CHECK(uc->uc_mcontext.gregs[REG_AX] == 0);
	uc->uc_mcontext.gregs[REG_IP] = (long)LABEL(behind_the_border);
}

static int dispatch_at_the_border(void)
{
	long ret = __NR_upc_control;

	asm volatile("jmp *%[target]\n"
		     "behind_the_border:"
		     : "+a" (ret)
		     : CALL_ARG1(UPC_CONTROL_DISPATCH), CALL_ARG2(id), "d" (1),
		       [target] "r" (border - 2)
		     : CALL_CLOBBERS "memory", "cc");
	return ret;
}

TEST_F(stale, on_the_way_out_of_a_call)
{
	static const unsigned short insn = CALL_CODE;
	char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(page != MAP_FAILED);
	border = page + PAGE;
	memcpy(border - 2, &insn, 2);
	ASSERT_EQ(0, munmap(border, PAGE));
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, DISPATCH_ON, 0, 0, &allow)) {
		hits = 1;
		SKIP(return, "system calls cannot be watched");
	}
	EXPECT_EQ(0, dispatch_at_the_border());
	EXPECT_EQ((long)border, (long)noted.copy.fr_ip);
	EXPECT_EQ(0, (long)noted.copy.fr_ax);
}

TEST_HARNESS_MAIN
