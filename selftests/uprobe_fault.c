// SPDX-License-Identifier: GPL-2.0
/*
 * The step that a task takes out of line for a uprobe is a long one: the
 * instruction touches a page that somebody else has to provide first. What is
 * dispatched meanwhile, with a kick or without, is pending, and nothing else: it
 * is judged when the step is over, be that as it should, with a signal, or by a
 * fault. A critical section then holds it, else it is entered, behind the
 * probed instruction and not in its copy.
 *
 * upcall.rst, section 4, rules 1, 4 and 6.
 */
#include "upcall_uprobe.h"

#include <sys/ioctl.h>
#include <ucontext.h>
#include <linux/userfaultfd.h>

#define PAGE		4096
#define CONTENT		0x600d

/* The second instruction is one that is not emulated but stepped. */
static int __attribute__((naked)) __attribute_noinline__ probed(int *arg)
{
	asm(POINTER_ARG "\n"
	    ".globl fault_insn\n"
	    "fault_insn:\n\t"
	    "movl (" R(cx) "), %eax\n"
	    ".globl fault_next\n"
	    "fault_next:\n\t"
	    "ret");
}

static int owner_ready, go, over, done, result, handled, faults;
static int crit_count;
static pid_t owner_tid;
static int *word;
static int uffd = -1;
static pthread_t owner;
static bool placed;

static void *owner_main(void *ctx)
{
	owner_tid = sys_gettid();
	id = upc_register_ctx(&upc, ctx, note_cfunc, &noted);
	upc.crit_count = crit_count;
	__atomic_store_n(&owner_ready, 1, __ATOMIC_RELEASE);
	while (!READ_ONCE(go))
		cpu_relax();
	result = probed(word);
	WRITE_ONCE(done, 1);
	while (!READ_ONCE(over))
		cpu_relax();
	upc.crit_count = 0;
	if (upc.pending)
		upc_dispatch(-1, 0);
	return NULL;
}

static void on_signal(int sig)
{
	handled++;
}

/* The instruction is done without. */
static void on_segv(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	faults++;
	if (uc->uc_mcontext.gregs[REG_IP] != (long)LABEL(fault_insn))
		_exit(KSFT_FAIL);
	uc->uc_mcontext.gregs[REG_AX] = CONTENT;
	uc->uc_mcontext.gregs[REG_IP] = (long)LABEL(fault_next);
}

/* A page that a fault waits for. */
static bool make_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range.len = PAGE, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		return false;
	word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (word == MAP_FAILED)
		return false;
	reg.range.start = (unsigned long)word;
	return !ioctl(uffd, UFFDIO_API, &api) &&
	       !ioctl(uffd, UFFDIO_REGISTER, &reg);
}

static bool provide_page(void)
{
	static int content[PAGE / sizeof(int)] = { CONTENT };
	struct uffdio_copy copy = {
		.dst = (unsigned long)word, .src = (unsigned long)content,
		.len = PAGE,
	};

	return !ioctl(uffd, UFFDIO_COPY, &copy);
}

/* Returns when the owner waits for the page, in the midst of its step. */
static bool wait_for_fault(void)
{
	struct uffd_msg msg;

	return read(uffd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT && wait_until_asleep(owner_tid);
}

FIXTURE(uprobe) {
};

FIXTURE_VARIANT(uprobe) {
	void *ctx;
	int crit_count;
};

FIXTURE_VARIANT_ADD(uprobe, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(uprobe, pop) { .ctx = ctx_pop_noting };

FIXTURE_VARIANT_ADD(uprobe, in_a_section_next) {
	.ctx = ctx_next_noting, .crit_count = UPC_CRITADD,
};

FIXTURE_VARIANT_ADD(uprobe, in_a_section_pop) {
	.ctx = ctx_pop_noting, .crit_count = UPC_CRITADD,
};

/* Each test begins with the owner in its step. */
FIXTURE_SETUP(uprobe)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int there = CONTENT;

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	sa.sa_sigaction = on_segv;
	sa.sa_flags = SA_SIGINFO;
	ASSERT_EQ(0, sigaction(SIGSEGV, &sa, NULL));
	if (!have_uprobes())
		SKIP(return setup_skipped(), "no uprobe can be placed");
	if (!make_page())
		SKIP(return setup_skipped(), "no userfaultfd");
	ASSERT_TRUE(place_probe('p', "fault", LABEL(fault_insn)));
	placed = true;
	ASSERT_EQ(0xcc, *(unsigned char *)LABEL(fault_insn));
	ASSERT_EQ(CONTENT, probed(&there));
	ASSERT_TRUE(find_area(0, "[uprobes]", &noted.steps));

	crit_count = variant->crit_count;
	ASSERT_EQ(0, pthread_create(&owner, NULL, owner_main, variant->ctx));
	WAIT_UNTIL(__atomic_load_n(&owner_ready, __ATOMIC_ACQUIRE));
	WRITE_ONCE(go, 1);
	ASSERT_TRUE(wait_for_fault());
}

FIXTURE_TEARDOWN(uprobe)
{
	if (placed)
		remove_probe("fault");
}

static void assert_deferred(struct __test_metadata *_metadata)
{
	ASSERT_EQ(1, upc_poll(id, 1));
	ASSERT_EQ(0, upc.pending);
	ASSERT_EQ(crit_count, upc.crit_count);
	ASSERT_EQ(0, noted.hits);
}

/* The step is over, and has been; ip: where the upcall interrupted. */
static void expect_judged(struct __test_metadata *_metadata, long ip)
{
	WAIT_UNTIL(READ_ONCE(done));
	EXPECT_EQ(CONTENT, result);
	if (crit_count) {
		EXPECT_EQ(0, noted.hits);
		EXPECT_EQ(1, upc.pending);
	} else {
		ASSERT_EQ(0, upc.pending);
		WAIT_UNTIL(READ_ONCE(noted.hits));
		EXPECT_EQ(0, upc.pending);
		EXPECT_EQ(ip, (long)noted.copy.fr_ip);
	}
	WRITE_ONCE(over, 1);
	ASSERT_EQ(0, pthread_join(owner, NULL));
	EXPECT_EQ(1, noted.hits);
	EXPECT_EQ(seq, noted.seen);
	EXPECT_EQ(0, noted.pushed_in_step);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_F(uprobe, dispatched_to_in_the_step)
{
	ASSERT_EQ(0, dispatch_next());
	assert_deferred(_metadata);
	ASSERT_TRUE(provide_page());
	expect_judged(_metadata, (long)LABEL(fault_next));
}

TEST_F(uprobe, dispatched_to_often_in_the_step)
{
	int i;

	for (i = 0; i < 1000; i++)
		ASSERT_EQ(0, dispatch_next());
	assert_deferred(_metadata);
	ASSERT_TRUE(provide_page());
	expect_judged(_metadata, (long)LABEL(fault_next));
}

/* The signal is put off in the same way, and its frame comes first. */
TEST_F(uprobe, with_a_signal)
{
	ASSERT_EQ(0, dispatch_next());
	ASSERT_EQ(0, syscall(SYS_tgkill, getpid(), owner_tid, SIGUSR1));
	assert_deferred(_metadata);
	ASSERT_TRUE(provide_page());
	expect_judged(_metadata, (long)on_signal);
	EXPECT_EQ(1, handled);
}

/* The page is never there: the step ends without its instruction. */
TEST_F(uprobe, that_faults)
{
	ASSERT_EQ(0, dispatch_next());
	assert_deferred(_metadata);
	ASSERT_EQ(0, munmap(word, PAGE));
	ASSERT_EQ(0, close(uffd));
	expect_judged(_metadata, (long)on_segv);
	EXPECT_EQ(1, faults);
}

/* The probe goes while a step is taken for it. */
TEST_F(uprobe, that_is_removed)
{
	ASSERT_EQ(0, dispatch_next());
	assert_deferred(_metadata);
	remove_probe("fault");
	assert_deferred(_metadata);
	ASSERT_TRUE(provide_page());
	expect_judged(_metadata, (long)LABEL(fault_next));
}

TEST_HARNESS_MAIN
