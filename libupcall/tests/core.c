// SPDX-License-Identifier: MIT
/*
 * Core dumps for a debugger outside: each child dies in cfunc, which has
 * interrupted one of the leaves of leaf_asm.S, and what is not zero of its
 * core is printed, a line a block, as "# core NAME BLOCK BASE64".
 * check-core.sh puts them together again and has gdb look.
 */
#define _GNU_SOURCE
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"

/* Small, as a guest's console is slow and most pages are nearly empty. */
#define BLOCK	256

extern void (*volatile leaf_target)(void);
void leaf_first(void);
void leaf_prologue(void);
void leaf_prologue_spin(void);
void leaf_odd(void);
void leaf_odd_spin(void);

static const struct leaf {
	const char *name;
	void (*start)(void), (*spin)(void);
} leaves[] = {
	{ "leaf_first", leaf_first, leaf_first },
	{ "leaf_prologue", leaf_prologue, leaf_prologue_spin },
	{ "leaf_odd", leaf_odd, leaf_odd_spin },
};

static const upcall_func_t contexts[] = {
	upc_integer_wrapper, upc_fpu_wrapper, upc_vcpu_wrapper,
};

#define N_LEAVES	((int)(sizeof(leaves) / sizeof(*leaves)))

static const struct leaf *volatile current;
static volatile int id;

/* A dispatch may come before the leaf is there: then there is another. */
static void cfunc(void *data)
{
	void *pc[16];
	int n = backtrace(pc, 16);

	(void)data;
	if (n > 2 && pc[2] == (void *)current->spin)
		__builtin_trap();	/* the core is of here */
}

static void inner(const struct leaf *leaf)
{
	leaf->start();
	__asm__ volatile ("" : : : "memory");
}

static void (*volatile call_inner)(const struct leaf *leaf) = inner;

static void outer(const struct leaf *leaf)
{
	call_inner(leaf);
	__asm__ volatile ("" : : : "memory");
}

static void (*volatile call_outer)(const struct leaf *leaf) = outer;

static void *dispatcher(void *arg)
{
	volatile struct upcall *upc = arg;

	for (;;) {
		/* Else the other might never come out of its upcalls. */
		if (!upc->crit_count && !upc->pending)
			upc_control(UPC_CONTROL_DISPATCH, id, NULL);
		sched_yield();
	}
	return arg;
}

static void __attribute__((noreturn)) child(const struct leaf *leaf,
					    upcall_func_t ctx)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct upcall *upc;
	pthread_attr_t attr;
	pthread_t thread;
	int fd = open("/proc/self/coredump_filter", O_WRONLY);

	/* What is private and has been written: the program is there outside. */
	if (fd < 0 || write(fd, "1", 1) != 1 ||
	    setrlimit(RLIMIT_CORE, &unlimited))
		_exit(1);
	current = leaf;
	leaf_target = leaf->spin;
	upc = upc_thread_init();
	id = upc_register(upc, ctx, cfunc, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 0x10000);
	if (id < 0 || pthread_create(&thread, &attr, dispatcher, upc))
		_exit(1);
	call_outer(leaf);
	_exit(1);
}

static void print_block(const char *name, int block, const unsigned char *p)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/";
	char out[BLOCK / 3 * 4 + 8], *o = out;
	unsigned int i, w;

	/* 256 = 3 * 85 + 1 */
	for (i = 0; i + 2 < BLOCK; i += 3) {
		w = p[i] << 16 | p[i + 1] << 8 | p[i + 2];
		*o++ = digits[w >> 18];
		*o++ = digits[w >> 12 & 63];
		*o++ = digits[w >> 6 & 63];
		*o++ = digits[w & 63];
	}
	*o++ = digits[p[i] >> 2];
	*o++ = digits[p[i] << 4 & 63];
	*o++ = '=';
	*o++ = '=';
	*o = '\0';
	printf("# core %s %d %s\n", name, block, out);
}

/* Returns how many blocks were printed. */
static int print_core(const char *name)
{
	static const unsigned char zero[BLOCK];
	unsigned char block[BLOCK];
	int i, n, printed = 0, fd = open("core", O_RDONLY);

	if (fd < 0)
		return 0;
	for (i = 0; (n = read(fd, block, BLOCK)) > 0; i++) {
		memset(block + n, 0, BLOCK - n);
		if (!memcmp(block, zero, BLOCK))
			continue;
		print_block(name, i, block);
		printed++;
	}
	close(fd);
	unlink("core");
	return printed;
}

/* Cores go to a file "core" in the current directory. */
static int plain_cores(void)
{
	char pattern[16] = "", pid[4] = "";
	int n, m, fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);

	n = read(fd, pattern, sizeof(pattern));
	close(fd);
	fd = open("/proc/sys/kernel/core_uses_pid", O_RDONLY);
	m = read(fd, pid, sizeof(pid));
	close(fd);
	return n == 5 && !memcmp(pattern, "core\n", 5) && m > 0 && *pid == '0';
}

int main(void)
{
	char dir[] = "/tmp/core.XXXXXX";
	void *dummy[4];
	int i, status;
	pid_t pid;

	need_upcalls();
	if (!plain_cores()) {
		puts("1..0 # SKIP cores go somewhere else here");
		return 0;
	}
	backtrace(dummy, 4);
	if (!mkdtemp(dir) || chdir(dir))
		tap_bail(dir);
	tap_plan(N_LEAVES * 2);
	for (i = 0; i < N_LEAVES; i++) {
		pid = fork();
		if (!pid)
			child(&leaves[i], contexts[i]);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			tap_bail("fork");
		ok(WIFSIGNALED(status) && WCOREDUMP(status), "%s: core dumped",
		   leaves[i].name);
		ok(print_core(leaves[i].name) > 2, "%s: and printed",
		   leaves[i].name);
	}
	if (chdir("/") || rmdir(dir))
		tap_bail(dir);
	return tap_done();
}
