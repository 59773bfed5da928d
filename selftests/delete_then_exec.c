// SPDX-License-Identifier: GPL-2.0
/*
 * A task waits for a page inside execve(). Meanwhile another task dispatches
 * its upcall, deletes it, and unmaps or reuses the memory of its struct upcall.
 * execve() must succeed or fail as usual.
 *
 * upcall.rst, sections 1 and 3. A userfaultfd makes the kernel wait.
 */
#include "upcall_uffd.h"

static struct pages pages;
static struct upcall *upc;
static char *page;		/* the path, for execve() to read */
static int id, hits;
static bool reused, fails;

static bool make_memory(void)
{
	if (make_pages(&pages) || !map_pages(&page, 1))
		return false;
	upc = (struct upcall *)pages.middle;
	upc->magic = UPCALL_MAGIC;
	return !watch(page, PAGE);
}

/* Waits until execve() waits, then removes upcall and struct upcall. */
static bool lose_all(void)
{
	if (!is_asked_for(page) || upc_dispatch(id, 5) || upc_delete(id))
		return false;
	if (!reused)
		return !break_page(&pages, UNMAPPED);
	reuse_page(&pages);
	return true;
}

static void *takes_away(void *arg)
{
	static const char name[2][PAGE] = { "/proc/self/exe", "/no/such/file" };

	CHECK(lose_all());
	CHECK(!give_copy(page, name[fails]));
	return NULL;
}

/* Runs in a child, which needs a userfaultfd of its own. */
static void execs(void)
{
	char *argv[2] = { (char *)IMAGE_NAME };
	char *envp = NULL;
	pthread_t thread;

	CHECK(open_uffd() && make_memory());
	CHECK(!pthread_create(&thread, NULL, takes_away, NULL));
	id = upc_register_ctx(upc, ctx_next, count_cfunc, &hits);
	CHECK(id > 0);
	CHECK(execve(page, argv, &envp) == -1);
	CHECK(fails && errno == ENOENT && !hits);
	CHECK(!pthread_join(thread, NULL));
	CHECK(!reused || reused_page_is_intact(&pages));
	_exit(KSFT_PASS);
}

static void execute(struct __test_metadata *_metadata)
{
	pid_t pid = fork();

	if (!pid)
		execs();
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, child_status(pid));
}

FIXTURE(then_exec) {
};

FIXTURE_VARIANT(then_exec) {
	bool reused;
};

FIXTURE_VARIANT_ADD(then_exec, unmapped) {
};

FIXTURE_VARIANT_ADD(then_exec, reused) {
	.reused = true,
};

FIXTURE_SETUP(then_exec)
{
	if (!open_uffd())
		SKIP(return setup_skipped(), "no userfaultfd, or not for us");
}

FIXTURE_TEARDOWN(then_exec)
{
}

TEST_F(then_exec, succeeds)
{
	reused = variant->reused;
	execute(_metadata);
}

TEST_F(then_exec, fails)
{
	reused = variant->reused;
	fails = true;
	execute(_metadata);
}

int main(int argc, char **argv)
{
	int none[IMAGE_IDS];

	if (image_ids(argc, argv, none) < 0)
		return test_harness_run(argc, argv);
	CHECK(upc_poll(-1, 0) == 0 && upc_dispatch(-1, 0) == 0);
	return KSFT_PASS;
}
