// SPDX-License-Identifier: GPL-2.0
/*
 * Random programs of one task, step by step against the reference: what is
 * entered, in which order, with what in crit_count and pending, what the calls
 * return, and that registers and stack are what they were. A program is a row
 * of operations; an upcall's function and a signal's handler have some too.
 *
 * UPCALL_SEED is where it begins, UPCALL_SECONDS lets it go on. A program that
 * fails is printed, as short as it can be made: UPCALL_PROGRAM runs it again.
 *
 * upc_register(2), upc_control(2); upcall.rst, sections 1 to 6.
 */
#include "upcall_fault.h"
#include "upcall_life.h"
#include "upcall_reference.h"
#include "upcall_util.h"

#define LENGTH		100	/* operations of a program, on its first level */
#define MAX_NESTED	60	/* what upcalls and handlers may add to one */
#define MAX_LEVEL	12
#define MAX_SECTIONS	4

enum op {
	OP_REGISTER, OP_REGISTER_BAD, OP_DISPATCH, OP_DISPATCH_STALE,
	OP_REDISPATCH, OP_ENTER, OP_LEAVE, OP_DELETE, OP_DELETE_OWN, OP_POLL,
	OP_POLL_OWN, OP_CLEAR, OP_CLEAR_OWN, OP_WAIT, OP_SUSPEND, OP_SIGNAL,
	OP_BAD_UPC, OP_BAD_STACK, OP_OTHER_SLEEPING, OP_OTHER_RUNNING, OP_FORK,
	NR_OPS
};

static const char * const op_names[NR_OPS] = {
	"register", "register, bad", "dispatch", "dispatch, stale id",
	"redispatch", "enter", "leave", "delete", "delete own", "poll",
	"poll own", "pollandclear", "pollandclear own", "wait", "suspend",
	"signal", "dispatch, bad upc", "dispatch, bad stack",
	"other task, asleep", "other task, running", "fork",
};

/* How often each comes, of the sum of all. */
static const unsigned char weights[NR_OPS] = {
	30, 5, 120, 4, 20, 60, 60, 12, 1, 16, 16, 12, 12, 10, 20, 16, 4, 4, 4, 4,
	1,
};

/* A program: a seed, and which of its operations are run. */
struct program {
	unsigned int seed;
	bool left_out[LENGTH];
};

/* What a child tells its parent, in shared memory. */
struct shared {
	unsigned long done[NR_OPS];
	unsigned long entries;
	char why[200];
	bool verbose;
};

static struct shared *shared;

/* The child's. */
static struct ref ref;
static struct upcall *upc;
static struct pages upc_pages;
static unsigned int dice;	/* state of the generator */
static int top_op, nested, level, last_id;
static int other_id, other_priority, other_done, own_id_of_other;
static bool faulted, in_bad_memory;
static char worker_stack[16384];

/* One level: main, a cfunc or a handler. It leaves the sections it entered. */
struct frame {
	int nr_sections;
	int sections[MAX_SECTIONS];
};

static void wrong(const char *what, long got, long expected)
{
	snprintf(shared->why, sizeof(shared->why),
		 "operation %d, %d nested: %s is %ld, not %ld", top_op, nested,
		 what, got, expected);
	_exit(KSFT_FAIL);
}

static void expect(const char *what, long got, long expected)
{
	if (got != expected)
		wrong(what, got, expected);
}

static unsigned int roll(unsigned int below)
{
	return throw_dice(&dice, below);
}

/* The operation's numbers depend on nothing but its place. */
static void seed_dice(unsigned int seed, unsigned int place)
{
	dice = (seed * 2654435761u) ^ ((place + 1) * 2246822519u);
	if (!dice)
		dice = 1;
	roll(1);
	roll(1);
}

static int some_priority(void)
{
	static const int edges[] = {
		0, -3, INT_MIN, 1, 2, 31, 32, 33, 34, 64, 65, 96, 97, INT_MAX,
	};

	return roll(3) ? 1 + (int)roll(100) : edges[roll(ARRAY_SIZE(edges))];
}

static struct ref_upcall *some_upcall(void)
{
	struct ref_upcall *u;
	int i, first = roll(REF_MAX);

	for (i = 0; i < REF_MAX; i++) {
		u = &ref.up[(first + i) % REF_MAX];
		if (u->id)
			return u;
	}
	return NULL;
}

static void state_as_expected(void)
{
	if (ref.enters)
		wrong("an upcall not entered, its id", ref.enters->id, 0);
	expect("crit_count", upc->crit_count, ref.crit_count);
	expect("pending", upc->pending, ref.pending);
}

/*
 * A call with a pattern in each register that it does not take, on a stack
 * with a pattern below: it gives back all but eax.
 */
static int call(int cmd, int id, long data)
{
	unsigned int words[8], i, b = cmd, c = id, d = data;
	unsigned int si = dice, di = ~dice, sp_before, sp_after;
	int ret;

	for (i = 0; i < 8; i++)
		words[i] = dice + i;
	asm volatile("movl %%esp, %[before]\n\t"
		     "int $0x80\n\t"
		     "movl %%esp, %[after]"
		     : "=a" (ret), "+b" (b), "+c" (c), "+d" (d), "+S" (si),
		       "+D" (di), [before] "=m" (sp_before),
		       [after] "=m" (sp_after), "+m" (words)
		     : "0" (__NR_upc_control)
		     : "memory", "cc");
	i = words[0];
	expect("ebx", b, cmd);
	expect("ecx", c, id);
	expect("edx", d, (unsigned int)data);
	expect("esi + edi", si + di, ~0u);
	expect("esp", sp_after, sp_before);
	expect("a word of the stack", words[7], i + 7);
	return ret;
}

static void some_ops(int n);

static void cfunc(void *data)
{
	struct ref_upcall *u = ref.enters;
	bool way_b;

	if (!u)
		wrong("an upcall entered, its place", (char *)data - (char *)0, 0);
	ref.enters = NULL;
	/* data is the place that the id had, or the last one's. */
	expect("data", (long)data, u - ref.up);
	expect("crit_count in it", upc->crit_count, ref.crit_count);
	expect("pending in it", upc->pending, ref.pending);
	shared->entries++;
	way_b = u->way_b;
	some_ops(level < MAX_LEVEL ? roll(3) : 0);
	ref_leave(&ref, way_b);
}

static void op_register(void)
{
	bool way_b = roll(2);
	int id, place = 0;

	while (place < REF_MAX && ref.up[place].id)
		place++;
	if (place == REF_MAX)
		return;
	id = upc_register_ctx(upc, way_b ? ctx_pop : ctx_next, cfunc,
			      (void *)place);
	if (id <= 0 || ref_find(&ref, id))
		wrong("a new id", id, 1);
	/* Cyclic: a stale id does not soon name another. */
	if (id <= last_id)
		wrong("an id of before", id, last_id + 1);
	last_id = id;
	ref_register(&ref, id, way_b);
}

static void op_register_bad(void)
{
	struct upcall bad = { .magic = UPCALL_MAGIC + 1 };
	void *at = upc, *ctx = ctx_next, *kernel = (void *)KERNEL_ADDR;
	upcall_func_t fn = cfunc;
	int expected = -EFAULT;

	switch (roll(5)) {
	case 0:
		at = &bad;
		expected = -EINVAL;
		break;
	case 1:
		at += 1 + roll(3);
		expected = -EINVAL;
		break;
	case 2:
		at = NULL;
		break;
	case 3:
		ctx = kernel;
		break;
	default:
		fn = kernel;
	}
	expect("a bad register", upc_register_ctx(at, ctx, fn, NULL), expected);
}

static void op_dispatch(void)
{
	struct ref_upcall *u = some_upcall();
	int id = u ? u->id : 1, priority = some_priority();
	int ret = ref_dispatch(&ref, id, priority);

	expect("dispatch", call(UPC_CONTROL_DISPATCH, id, priority), ret);
}

static void op_dispatch_stale(void)
{
	/* Any that was given out, and such as were not. */
	int id = 1 + roll(last_id + 3);
	int ret = ref_dispatch(&ref, id, 1);

	expect("dispatch, any id", call(UPC_CONTROL_DISPATCH, id, 1), ret);
}

/* The reference first: an upcall may be entered before the call returns. */
static void redispatch(int least)
{
	ref_redispatch(&ref, least);
	expect("redispatch", call(UPC_CONTROL_DISPATCH, -1, least), 0);
}

static void op_leave(struct frame *f)
{
	if (!f->nr_sections)
		return;
	ref.crit_count -= f->sections[--f->nr_sections];
	barrier();
	upc->crit_count -= f->sections[f->nr_sections];
	barrier();
	if (upc->pending > upc->crit_count) {
		if (roll(2))
			upc->pending = 0;
		redispatch(0);
	}
}

static void op_enter(struct frame *f)
{
	static const int sizes[] = { 1, 31, 32, 32, 32, 33, 64 };
	int size = sizes[roll(ARRAY_SIZE(sizes))];

	if (f->nr_sections == MAX_SECTIONS)
		return;
	f->sections[f->nr_sections++] = size;
	ref.crit_count += size;
	upc->crit_count += size;
	barrier();
}

static void op_delete(void)
{
	struct ref_upcall *u = some_upcall();
	int id = u && roll(8) ? u->id : 1 + (int)roll(last_id + 2);

	expect("delete", call(UPC_CONTROL_DELETE, id, 0),
	       ref_delete(&ref, id));
}

static void op_poll(bool clear)
{
	struct ref_upcall *u = some_upcall();
	int cmd = clear ? UPC_CONTROL_POLLANDCLEAR : UPC_CONTROL_POLL;
	int id = u && roll(8) ? u->id : 1 + (int)roll(last_id + 2);
	int priority = some_priority();

	expect("poll", call(cmd, id, priority),
	       ref_poll(&ref, id, priority, clear));
}

static void op_poll_own(bool clear)
{
	int cmd = clear ? UPC_CONTROL_POLLANDCLEAR : UPC_CONTROL_POLL;
	int priority = some_priority();
	int ret = call(cmd, -1, priority);
	bool any = clear && priority < 1 && !ref_highest(&ref);
	int expected = ref_poll_own(&ref, priority, clear);

	if (any && some_upcall())
		expect("an own id", !!ref_find(&ref, ret), true);
	else
		expect("poll of -1", ret, expected);
}

/* Nothing to wait for: the timer's signal ends it, that is not often wanted. */
static bool is_pending_or_rare(int priority)
{
	return ref_highest_priority(&ref) >= ref_at_least_1(priority) ||
	       !roll(40);
}

static void op_wait(void)
{
	int priority = some_priority();
	int ret;

	if (!is_pending_or_rare(priority))
		return;
	ret = ref_wait(&ref, priority);
	expect("wait", call(UPC_CONTROL_WAIT, -1, priority), ret);
}

static void op_suspend(struct frame *f)
{
	int priority = some_priority();
	int ret;

	if (!f->nr_sections ||
	    f->sections[f->nr_sections - 1] != UPC_CRITADD ||
	    !is_pending_or_rare(priority))
		return;
	f->nr_sections--;
	ret = ref_suspend(&ref, priority);
	expect("suspend", call(UPC_CONTROL_SUSPEND, -1, priority), ret);
}

static void on_tick(int sig, siginfo_t *info, void *context)
{
}

/*
 * They end the waits that nothing else ends, and disturb the rest. Not blocked
 * in their handler: an upcall may come there, and wait.
 */
static int start_ticks(int ms)
{
	struct itimerval it = {
		.it_interval = { .tv_usec = ms * 1000 },
		.it_value = { .tv_usec = ms * 1000 },
	};

	return setitimer(ITIMER_REAL, &it, NULL);
}

static void handler(int sig)
{
	some_ops(level < MAX_LEVEL ? roll(4) : 0);
}

/* The kernel could not enter an upcall. It has changed nothing. */
static void on_segv(int sig, siginfo_t *info, void *context)
{
	if (!in_bad_memory) {
		snprintf(shared->why, sizeof(shared->why),
			 "operation %d, %d nested: SIGSEGV at %p", top_op,
			 nested, info->si_addr);
		_exit(KSFT_FAIL);
	}
	if (upc_pages.damage != NR_DAMAGES)
		repair_page(&upc_pages);
	faulted = true;
}

/* Only where the rules have something to write is a fault to be expected. */
static void op_bad_upc(void)
{
	struct ref_upcall *u = some_upcall();
	int priority = some_priority(), id;

	if (!u || ref.pending)
		return;
	id = u->id;
	ref_mark(&ref, id, priority);
	faulted = false;
	in_bad_memory = true;
	if (break_page(&upc_pages, roll(NR_DAMAGES)))
		wrong("mprotect", -errno, 0);
	expect("dispatch, bad upc", upc_dispatch(id, priority), 0);
	in_bad_memory = false;
	upc_pages.damage = NR_DAMAGES;
	expect("SIGSEGV", faulted, true);
	state_as_expected();
	expect("still pending", upc_poll(id, priority), 1);
	redispatch(0);
}

static void op_bad_stack(void)
{
	struct ref_upcall *u = some_upcall();
	int priority = some_priority(), id;
	sigset_t ticks, old;
	stack_t ss = {};

	/* Held, and it would not be written to. */
	if (!u || ref.pending || ref.crit_count >= ref_at_least_1(priority))
		return;
	/* The signal would take the alternate stack for free. */
	if (sigaltstack(NULL, &ss) || ss.ss_flags & SS_ONSTACK)
		return;
	id = u->id;
	ref_mark(&ref, id, priority);
	faulted = false;
	in_bad_memory = true;
	/* In a handler on the other stack it would be entered. */
	sigemptyset(&ticks);
	sigaddset(&ticks, SIGALRM);
	sigprocmask(SIG_BLOCK, &ticks, &old);
	expect("dispatch, bad stack", dispatch_on(KERNEL_ADDR - PAGE, id,
						  priority), 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	in_bad_memory = false;
	expect("SIGSEGV", faulted, true);
	state_as_expected();
	expect("still pending", upc_poll(id, priority), 1);
	redispatch(0);
}

/* Another task: it has an upcall of its own, too, which ends with it. */
static int other(void *data)
{
	struct upcall mine = UPCALL_INIT;
	int own, entered = 0;

	own = upc_register_ctx(&mine, ctx_next, count_cfunc, &entered);
	if (own <= 0 || upc_dispatch(own, 1) || entered != 1)
		return KSFT_FAIL;
	if (upc_dispatch(other_id, other_priority))
		return KSFT_FAIL;
	own_id_of_other = own;
	WRITE_ONCE(other_done, 1);
	return 0;
}

static void op_other(bool running)
{
	struct ref_upcall *u = some_upcall();
	pid_t pid;

	/* Where an upcall runs on it, there is no second stack of this kind. */
	if (!u || level)
		return;
	other_id = u->id;
	other_priority = some_priority();
	other_done = 0;
	ref_mark(&ref, other_id, other_priority);
	ref_rules(&ref, 0);
	pid = clone(other, worker_stack + sizeof(worker_stack),
		    CLONE_VM | SIGCHLD, NULL);
	if (pid < 0)
		wrong("clone", -errno, 1);
	while (running && !READ_ONCE(other_done))
		sched_yield();
	expect("the other task", child_status(pid), 0);
	state_as_expected();
	expect("poll of the other's", upc_poll(own_id_of_other, 0), -ENOENT);
	last_id = own_id_of_other;
}

static void op_fork(void)
{
	struct ref_upcall *u;
	pid_t pid = fork();

	if (pid < 0)
		wrong("fork", -errno, 1);
	if (!pid) {
		for (u = ref.up; u < ref.up + REF_MAX; u++) {
			if (u->id && upc_poll(u->id, 0) != -ENOENT)
				_exit(KSFT_FAIL);
		}
		_exit(upc_poll(-1, 0) ? KSFT_FAIL : 0);
	}
	expect("the child", child_status(pid), 0);
}

static void do_op(enum op op, struct frame *f)
{
	__atomic_fetch_add(&shared->done[op], 1, __ATOMIC_RELAXED);
	if (shared->verbose)
		printf("# %*s%d %s\n", level * 2, "", top_op, op_names[op]);
	switch (op) {
	case OP_REGISTER:
		return op_register();
	case OP_REGISTER_BAD:
		return op_register_bad();
	case OP_DISPATCH:
		return op_dispatch();
	case OP_DISPATCH_STALE:
		return op_dispatch_stale();
	case OP_REDISPATCH:
		return redispatch(some_priority());
	case OP_ENTER:
		return op_enter(f);
	case OP_LEAVE:
		return op_leave(f);
	case OP_DELETE:
		return op_delete();
	case OP_DELETE_OWN:
		return expect("delete own", call(UPC_CONTROL_DELETE, -1, 0),
			      ref_delete_own(&ref));
	case OP_POLL:
	case OP_CLEAR:
		return op_poll(op == OP_CLEAR);
	case OP_POLL_OWN:
	case OP_CLEAR_OWN:
		return op_poll_own(op == OP_CLEAR_OWN);
	case OP_WAIT:
		return op_wait();
	case OP_SUSPEND:
		return op_suspend(f);
	case OP_SIGNAL:
		return expect("kill", signal_self(SIGUSR1), 0);
	case OP_BAD_UPC:
		return op_bad_upc();
	case OP_BAD_STACK:
		return op_bad_stack();
	case OP_OTHER_SLEEPING:
	case OP_OTHER_RUNNING:
		return op_other(op == OP_OTHER_RUNNING);
	case OP_FORK:
		return op_fork();
	case NR_OPS:
		break;
	}
}

static enum op some_op(void)
{
	unsigned int i, sum = 0, n;

	for (i = 0; i < NR_OPS; i++)
		sum += weights[i];
	n = roll(sum);
	for (i = 0; n >= weights[i]; i++)
		n -= weights[i];
	return i;
}

static void one_op(struct frame *f)
{
	do_op(some_op(), f);
	state_as_expected();
}

static void leave_all(struct frame *f)
{
	while (f->nr_sections) {
		op_leave(f);
		state_as_expected();
	}
}

static void some_ops(int n)
{
	struct frame f = {};

	level++;
	while (n-- && nested++ < MAX_NESTED)
		one_op(&f);
	leave_all(&f);
	level--;
}

/* The child's life: one program. */
static void run(const struct program *p)
{
	struct frame main_frame = {};
	struct sigaction sa = { .sa_handler = handler };
	int i;

	if (make_pages(&upc_pages) ||
	    handle_on_altstack(SIGSEGV, 0, on_segv) ||
	    handle_on_altstack(SIGALRM, SA_NODEFER, on_tick) ||
	    sigaction(SIGUSR1, &sa, NULL) || start_ticks(3))
		wrong("the beginning", -errno, 0);
	/* Across two words of a page, not at its beginning. */
	upc = (void *)upc_pages.middle + 4 * (p->seed % 8);
	upc->magic = UPCALL_MAGIC;
	upc_pages.damage = NR_DAMAGES;
	seed_dice(p->seed, LENGTH);
	for (i = 0; i < 3; i++)
		op_register();
	for (i = 0; i < LENGTH; i++) {
		if (p->left_out[i])
			continue;
		top_op = i;
		nested = 0;
		seed_dice(p->seed, i);
		one_op(&main_frame);
	}
	leave_all(&main_frame);
	expect("crit_count at the end", upc->crit_count, 0);
	_exit(0);
}

/* Is the program as it should be? If not, shared->why says what is not. */
static bool passes(const struct program *p)
{
	int status;

	shared->why[0] = 0;
	child = fork();
	if (!child)
		run(p);
	status = life_status(60);
	if (hung)
		snprintf(shared->why, sizeof(shared->why), "it does not end");
	else if (status && !shared->why[0])
		snprintf(shared->why, sizeof(shared->why), "status %#x", status);
	return !status;
}

/* Leaves out what the failure does not need: halves, quarters, single ones. */
static void shrink(struct program *p)
{
	struct program less;
	int size, at;

	for (size = LENGTH / 2; size; size /= 2) {
		for (at = 0; at < LENGTH; at += size) {
			less = *p;
			memset(less.left_out + at, true,
			       at + size > LENGTH ? LENGTH - at : size);
			if (!passes(&less))
				*p = less;
		}
	}
}

/* Prints the operations as they run, and a line to run them again by. */
static void print_program(const struct program *p)
{
	const char *comma = "";
	int i;

	shared->verbose = true;
	passes(p);
	shared->verbose = false;
	ksft_print_msg("%s\n", shared->why);
	printf("# UPCALL_PROGRAM=%u:", p->seed);
	for (i = 0; i < LENGTH; i++) {
		if (p->left_out[i])
			continue;
		printf("%s%d", comma, i);
		comma = ",";
	}
	printf("\n");
}

/* SEED:OPERATION,... as print_program() has it. */
static bool read_program(struct program *p, const char *text)
{
	char *end;

	p->seed = strtoul(text, &end, 0);
	memset(p->left_out, *end == ':', sizeof(p->left_out));
	while (*end == ':' || *end == ',') {
		unsigned long i = strtoul(end + 1, &end, 0);

		if (i >= LENGTH)
			return false;
		p->left_out[i] = false;
	}
	return !*end;
}

static bool run_programs(unsigned int seed, int n)
{
	const char *more = getenv("UPCALL_SECONDS");
	long long start = now_ns();
	struct program p;
	int i;

	for (i = 0; i < n || (more && !time_is_up(start, 0)); i++) {
		p = (struct program) { .seed = seed + i };
		if (passes(&p))
			continue;
		ksft_print_msg("seed %u: %s\n", p.seed, shared->why);
		/* One that hangs would take too long. */
		if (!hung)
			shrink(&p);
		print_program(&p);
		return false;
	}
	ksft_print_msg("%d programs, seeds %u to %u\n", i, seed, seed + i - 1);
	return true;
}

/* A program that did nothing has not shown anything. */
static bool all_operations_ran(void)
{
	unsigned long sum = 0;
	bool all = true;
	int i;

	for (i = 0; i < NR_OPS; i++) {
		ksft_print_msg("%8lu %s\n", shared->done[i], op_names[i]);
		sum += shared->done[i];
		all &= !!shared->done[i];
	}
	ksft_print_msg("%8lu operations, %lu upcalls entered\n", sum,
		       shared->entries);
	return all && shared->entries;
}

int main(void)
{
	const char *text = getenv("UPCALL_PROGRAM");
	struct program p;

	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_print_header();
	ksft_set_plan(text ? 1 : 2);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || watch_for_hangs())
		ksft_exit_fail_msg("no memory\n");
	if (text) {
		if (!read_program(&p, text))
			ksft_exit_fail_msg("UPCALL_PROGRAM is not one\n");
		print_program(&p);
		ksft_test_result(!shared->why[0], "the program\n");
		ksft_finished();
	}
	ksft_test_result(run_programs(first_seed(), iterations(1000)),
			 "each step as the reference has it\n");
	ksft_test_result(all_operations_ran(), "every operation came\n");
	ksft_finished();
}
