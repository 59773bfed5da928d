// SPDX-License-Identifier: GPL-2.0
/*
 * Random programs of one task, step by step against the reference: what is
 * entered, in which order, with what in crit_count and pending, what the calls
 * return, and that registers and stack are what they were. A program is a row
 * of operations; an upcall's function and a signal's handler have some too.
 *
 * The task has several struct upcall and registers with one after the other, in
 * critical sections and upcalls too. Other tasks dispatch to it and delete its
 * upcalls, and take away the structure of a task that owns none any more.
 *
 * UPCALL_SEED is where it begins, UPCALL_SECONDS lets it go on. A program that
 * fails is printed, as short as it can be made: UPCALL_PROGRAM runs it again.
 *
 * upc_register(2), upc_control(2); upcall.rst, sections 1 to 6.
 */
#include "upcall_fault.h"
#include "upcall_life.h"
#include "upcall_next.h"
#include "upcall_reference.h"
#include "upcall_util.h"

#define LENGTH		100	/* operations of a program, on its first level */
#define MAX_NESTED	60	/* what upcalls and handlers may add to one */
#define MAX_LEVEL	12
#define MAX_SECTIONS	4
#define LIMIT		32	/* kernel.upcall_max, if it may be set */

enum op {
	OP_REGISTER, OP_REPLACE, OP_REPLACE_READ_ONLY, OP_REGISTER_BAD,
	OP_REGISTER_FULL, OP_DISPATCH, OP_DISPATCH_STALE, OP_REDISPATCH,
	OP_ENTER, OP_LEAVE, OP_DELETE, OP_DELETE_OWN, OP_POLL, OP_POLL_OWN,
	OP_CLEAR, OP_CLEAR_OWN, OP_WAIT, OP_SUSPEND, OP_SIGNAL, OP_BAD_UPC,
	OP_BAD_STACK, OP_OTHER_SLEEPING, OP_OTHER_RUNNING, OP_DELETED_SOME,
	OP_DELETED_ASLEEP, OP_DELETED_RUNNING, OP_FORK, OP_INTERRUPT, OP_TIMER,
	OP_TIMER_TAKEN_BACK,
	NR_OPS
};

static const char * const op_names[NR_OPS] = {
	"register", "register another upc", "register one that is read only",
	"register, bad", "register, no room", "dispatch", "dispatch, stale id",
	"redispatch", "enter", "leave", "delete", "delete own", "poll",
	"poll own", "pollandclear", "pollandclear own", "wait", "suspend",
	"signal", "dispatch, bad upc", "dispatch, bad stack",
	"other task, asleep", "other task, running", "some deleted by another",
	"all deleted by another, asleep", "all deleted by another, running",
	"fork", "interrupt", "timer", "timer, taken back",
};

/* How often each comes, of the sum of all. */
static const unsigned char weights[NR_OPS] = {
	30, 40, 6, 8, 1, 120, 4, 20, 60, 60, 12, 1, 16, 16, 12, 12, 10, 20, 16,
	4, 4, 4, 4, 6, 5, 5, 1, 20, 20, 8,
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
static struct upcall *upcs[REF_UPCS];	/* each in a page of its own */
static struct pages pages[REF_UPCS];
static unsigned int dice;	/* state of the generator */
static int top_op, nested, level, last_id;
static int other_cmd, other_id, other_priority, other_done, own_id_of_other;
static int ids_before_other;	/* while there is another with an id, or 0 */
static bool faulted, in_bad_memory;
static int hidden = -1;		/* the structure that is not there for now, */
static bool replaced;		/* but other memory, if this is set */
static int may_be_noted;	/* in it, for it went while its owner ran */
static int room;		/* LIMIT, or 0 where that cannot be set */
static bool has_timers;
static char worker_stack[65536], hand_stack[65536], next_stack[16384];

/* The context function notes in these where its frame is. */
static struct cell {
	struct upcall_frame *frame;
} cells[REF_MAX];

/* The registration in progress, until its identifier is known. */
static struct registration {
	struct ref_upcall *u;
	int id;
} *registering;

/* In one of the structures, whichever is in use when it is left. */
struct section {
	int upc, size;
};

/* One level: main, a cfunc or a handler. It leaves the sections it entered. */
struct frame {
	int nr_sections;
	struct section sections[MAX_SECTIONS];
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
		if (u->id > 0)
			return u;
	}
	return NULL;
}

/* The structure in use, and any but that. */
static int upc_in_use(void)
{
	return ref.upc - ref.upcs;
}

static int some_other_upc(void)
{
	return (upc_in_use() + 1 + roll(REF_UPCS - 1)) % REF_UPCS;
}

/* Any that was given out, and such as were not. */
static int some_id(void)
{
	return 1 + roll(ids_before_other ?: last_id + 3);
}

/* Those that are not in use are to stay as they are, too. */
static void state_as_expected(void)
{
	char what[32];
	int i;

	if (ref.enters)
		wrong("an upcall not entered, its id", ref.enters->id, 0);
	for (i = 0; i < REF_UPCS; i++) {
		if (i == hidden)
			continue;
		snprintf(what, sizeof(what), "crit_count of %d%s", i,
			 i == upc_in_use() ? ", in use," : "");
		expect(what, upcs[i]->crit_count, ref.upcs[i].crit_count);
		snprintf(what, sizeof(what), "pending of %d%s", i,
			 i == upc_in_use() ? ", in use," : "");
		expect(what, upcs[i]->pending, ref.upcs[i].pending);
	}
}

static void hide(int n, enum damage damage)
{
	if (break_page(&pages[n], damage))
		wrong("mprotect", -errno, 0);
	hidden = n;
}

/*
 * It is there again. Where it went while its owner ran, an upcall may have been
 * held before, or was deleted before anybody could see that.
 */
static void unhide(void)
{
	static const struct upcall nothing;
	int n = hidden, pending;

	if (n < 0)
		return;
	if (replaced && memcmp(upcs[n], &nothing, sizeof(nothing)))
		wrong("pending in other memory", upcs[n]->pending, 0);
	replaced = false;
	if (repair_page(&pages[n]))
		wrong("mprotect", -errno, 0);
	hidden = -1;
	pending = upcs[n]->pending;
	if (pending > ref.upcs[n].pending && pending <= may_be_noted)
		upcs[n]->pending = ref.upcs[n].pending;
	may_be_noted = 0;
}

static unsigned long return_address;

/*
 * A call with a pattern in each register that it does not take, on a stack
 * with a pattern below: it gives back all but the result.
 */
static int patterned_call(int nr, long b_, long c_, long d_, long si_)
{
	unsigned long words[8], i, b = b_, c = c_, d = d_, si = si_;
	unsigned long di = ~(unsigned long)dice;
	unsigned long sp_before, sp_after;
	long ret;

	for (i = 0; i < 8; i++)
		words[i] = dice + i;
#ifdef __x86_64__
	/* In r10 and r8: what is si and di in the 32-bit call. */
	asm volatile("movq %%rsp, %[before]\n\t"
		     "movq $1f, %[address]\n\t"
		     "movq %[si], %%r10\n\t"
		     "movq %[di], %%r8\n\t"
		     "syscall\n"
		     "1:\n\t"
		     "movq %%rsp, %[after]\n\t"
		     "movq %%r10, %[si]\n\t"
		     "movq %%r8, %[di]"
		     : "=a" (ret), "+D" (b), "+S" (c), "+d" (d),
		       [si] "+m" (si), [di] "+m" (di), [before] "=m" (sp_before),
		       [after] "=m" (sp_after), "+m" (words),
		       [address] "=m" (return_address)
		     : "0" ((long)nr)
		     : "rcx", "r8", "r10", "r11", "memory", "cc");
#else
	asm volatile("movl %%esp, %[before]\n\t"
		     "movl $1f, %[address]\n\t"
		     "int $0x80\n"
		     "1:\n\t"
		     "movl %%esp, %[after]"
		     : "=a" (ret), "+b" (b), "+c" (c), "+d" (d), "+S" (si),
		       "+D" (di), [before] "=m" (sp_before),
		       [after] "=m" (sp_after), "+m" (words),
		       [address] "=m" (return_address)
		     : "0" (nr)
		     : "memory", "cc");
#endif
	i = words[0];
	expect("the first argument", b, b_);
	expect("the second argument", c, c_);
	expect("the third argument", d, d_);
	expect("the fourth argument", si, si_);
	expect("the fifth argument", di, ~i);
	expect("the stack pointer", sp_after, sp_before);
	expect("a word of the stack", words[7], i + 7);
	return ret;
}

/*
 * A compiler that sees what is called would take it for a function that changes
 * no variable of ours. But the kernel enters upcalls and handlers in it.
 */
static int (*raw_call)(int nr, long b, long c, long d, long si)
	__attribute_used__ = patterned_call;

static int call(int cmd, int id, long data)
{
	return raw_call(__NR_upc_control, cmd, id, data, dice);
}

/* The reference first: an upcall may be entered before the call returns. */
static void redispatch(int min_prio)
{
	ref_redispatch(&ref, min_prio);
	expect("redispatch", call(UPC_CONTROL_DISPATCH, -1, min_prio), 0);
}

static void some_ops(int n);

static void note_id(struct registration *r, int id)
{
	if (id <= 0 || ref_find(&ref, id))
		wrong("a new id", id, 1);
	/* Cyclic: a stale id does not soon name another. */
	if (id <= last_id)
		wrong("an id of before", id, last_id + 1);
	last_id = id;
	r->id = id;
	r->u->id = id;
	registering = NULL;
}

/*
 * A registration has led here, and what it returns is in the frame; or in that
 * of a signal handler, which we do not look for. Is the new one's id known?
 */
static bool all_ids_known(struct upcall_frame *frame)
{
	if (registering && (unsigned long)frame->fr_ip == return_address)
		note_id(registering, frame->fr_ax);
	return !registering;
}

static void cfunc(void *data)
{
	struct ref_upcall *u = ref.enters;
	struct ref_upc *upc = ref.upc;
	struct cell *cell = data;
	bool way_b, all_known;

	if (!u)
		wrong("an upcall entered, its place", cell - cells, -1);
	ref.enters = NULL;
	/* data has the place that the id had, or the last one's. */
	expect("data", cell - cells, u - ref.up);
	unhide();
	state_as_expected();
	shared->entries++;
	way_b = u->way_b;
	all_known = all_ids_known(cell->frame);
	some_ops(level < MAX_LEVEL && all_known ? roll(3) : 0);
	ref_leave(&ref, upc, way_b);
}

/* The call, for a place in the reference that it has already. */
static int raw_register(int n, struct ref_upcall *u)
{
	return raw_call(__NR_upc_register, (long)upcs[n],
			(long)(u->way_b ? ctx_pop_noting : ctx_next_noting),
			(long)cfunc, (long)&cells[u - ref.up]);
}

/* Operations that an upcall does before this returns may delete the new one. */
static void op_register(int n)
{
	bool other = ref.upc != &ref.upcs[n];
	struct registration r = {};
	int id;

	if (ref_is_full(&ref))
		return;
	r.u = ref_register(&ref, &ref.upcs[n], roll(2));
	if (other)
		ref_rules(&ref, 0);
	registering = &r;
	id = raw_register(n, r.u);
	if (registering == &r)
		note_id(&r, id);
	else
		expect("the id after an upcall", id, r.id);
}

/* The one before is not touched, and need not be there. */
static void op_replace(void)
{
	int n = some_other_upc();

	if (ref_is_full(&ref))
		return;
	if (roll(2)) {
		ref.upcs[n].pending = 0;
		upcs[n]->pending = 0;
	}
	if (roll(2))
		hide(upc_in_use(), roll(NR_DAMAGES));
	op_register(n);
	unhide();
}

/*
 * It can be read, so it is registered; but what is pending cannot be noted in
 * it, nor be entered by it.
 */
static void op_replace_read_only(void)
{
	int n = some_other_upc(), highest = ref_highest_priority(&ref);
	struct registration r = {};

	if (ref_is_full(&ref))
		return;
	faulted = false;
	in_bad_memory = true;
	hide(n, READ_ONLY);
	r.u = ref_register(&ref, &ref.upcs[n], roll(2));
	note_id(&r, raw_register(n, r.u));
	in_bad_memory = false;
	expect("SIGSEGV", faulted, highest > ref.upcs[n].pending);
	unhide();
	state_as_expected();
	expect("highest pending", upc_poll(-1, highest),
	       ref_poll_own(&ref, highest, false));
	redispatch(0);
}

static void op_register_bad(void)
{
	struct upcall bad = { .magic = UPCALL_MAGIC + 1 };
	int n = roll(REF_UPCS), expected = -EFAULT;
	void *at = upcs[n], *ctx = ctx_next, *kernel = (void *)KERNEL_ADDR;
	upcall_func_t fn = cfunc;

	switch (roll(6)) {
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
		hide(n, roll(2) ? UNMAPPED : NO_ACCESS);
		break;
	case 4:
		ctx = kernel;
		break;
	default:
		fn = kernel;
	}
	expect("a bad register", upc_register_ctx(at, ctx, fn, NULL), expected);
	unhide();
}

/* Where there is no room for one more, that changes nothing either. */
static void op_register_full(void)
{
	int ids[LIMIT + 1], n = 0, ret = 0;

	while (room && n <= LIMIT) {
		ret = upc_register_ctx(upcs[upc_in_use()], ctx_next, cfunc, NULL);
		if (ret <= 0)
			break;
		ids[n++] = ret;
	}
	if (room)
		expect("register, no room", ret, -EFBIG);
	if (room)
		expect("register another, no room",
		       upc_register_ctx(upcs[some_other_upc()], ctx_next, cfunc,
					NULL), -EFBIG);
	state_as_expected();
	while (n--) {
		expect("delete one of many", upc_delete(ids[n]), 0);
		if (last_id < ids[n])
			last_id = ids[n];
	}
}

/* DISPATCH, or INTERRUPT, which is the same to oneself. */
static void op_dispatch(int cmd)
{
	struct ref_upcall *u = some_upcall();
	int id = u ? u->id : 1, priority = some_priority();
	int ret = ref_dispatch(&ref, id, priority);

	expect("dispatch", call(cmd, id, priority), ret);
}

static int set_timer(int id, long long value, int priority)
{
	struct upcall_timer timer = {
		.value = value, .clock = CLOCK_MONOTONIC, .priority = priority,
	};

	return call(UPC_CONTROL_TIMER, id, (long)&timer);
}

/* It was entered, and may be pending anew, or not be there; or it is pending. */
static bool timer_has_come(struct ref_upcall *u, int id, int priority)
{
	return ref.enters != u &&
	       (ref_find(&ref, id) != u || u->priority < priority ||
		upc_poll(id, priority));
}

/*
 * A dispatch that comes a little later. Of an upcall that is not pending, as it
 * has to be seen when the time has come: it is entered then, or pending.
 */
static void op_timer(void)
{
	struct ref_upcall *u = some_upcall();
	int id = u ? u->id : 1, priority = some_priority();
	int ret;

	if (!has_timers || (u && u->priority))
		return op_dispatch(UPC_CONTROL_DISPATCH);
	ret = ref_dispatch(&ref, id, priority);
	expect("timer", set_timer(id, 1 + roll(20000), priority), ret);
	if (ret)
		return;
	while (!timer_has_come(u, id, ref_at_least_1(priority)))
		barrier();
}

/* Long before it expires: nothing comes of it. */
static void op_timer_taken_back(void)
{
	struct ref_upcall *u = some_upcall();
	int id = u && roll(8) ? u->id : some_id();
	int ret = ref_find(&ref, id) ? 0 : -ENOENT;

	if (!has_timers)
		return;
	expect("a timer", set_timer(id, LLONG_MAX / 2, 1), ret);
	if (roll(2))
		expect("no timer", set_timer(id, 0, 1), ret);
}

static void op_dispatch_stale(void)
{
	int id = some_id();
	int ret = ref_dispatch(&ref, id, 1);

	expect("dispatch, any id", call(UPC_CONTROL_DISPATCH, id, 1), ret);
}

static void leave_section(struct section *s)
{
	struct upcall *upc = upcs[s->upc];

	ref.upcs[s->upc].crit_count -= s->size;
	barrier();
	upc->crit_count -= s->size;
	barrier();
	if (upc->pending > upc->crit_count) {
		if (roll(2)) {
			ref.upcs[s->upc].pending = 0;
			upc->pending = 0;
		}
		redispatch(0);
	}
}

static void enter_section(struct section *s)
{
	ref.upcs[s->upc].crit_count += s->size;
	upcs[s->upc]->crit_count += s->size;
	barrier();
}

static void op_leave(struct frame *f)
{
	if (f->nr_sections)
		leave_section(&f->sections[--f->nr_sections]);
}

/* One in a structure that is not in use holds nothing back, until it is. */
static void op_enter(struct frame *f)
{
	static const int sizes[] = { 1, 31, 32, 32, 32, 33, 64 };
	struct section *s = &f->sections[f->nr_sections];

	if (f->nr_sections == MAX_SECTIONS)
		return;
	f->nr_sections++;
	s->size = sizes[roll(ARRAY_SIZE(sizes))];
	s->upc = roll(8) ? upc_in_use() : (int)roll(REF_UPCS);
	enter_section(s);
}

static void op_delete(void)
{
	struct ref_upcall *u = some_upcall();
	int id = u && roll(8) ? u->id : some_id();

	expect("delete", call(UPC_CONTROL_DELETE, id, 0),
	       ref_delete(&ref, id));
}

static void op_poll(bool clear)
{
	struct ref_upcall *u = some_upcall();
	int cmd = clear ? UPC_CONTROL_POLLANDCLEAR : UPC_CONTROL_POLL;
	int id = u && roll(8) ? u->id : some_id();
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

/* It leaves a section of the structure that is in use. */
static void op_suspend(struct frame *f)
{
	struct section *s = &f->sections[f->nr_sections - 1];
	int priority = some_priority();
	int ret;

	if (!f->nr_sections || s->size != UPC_CRITADD ||
	    s->upc != upc_in_use() || !is_pending_or_rare(priority))
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
	unhide();
	faulted = true;
}

static bool on_altstack(void)
{
	stack_t ss = {};

	return sigaltstack(NULL, &ss) || ss.ss_flags & SS_ONSTACK;
}

static sigset_t hold_ticks(void)
{
	sigset_t ticks, old;

	sigemptyset(&ticks);
	sigaddset(&ticks, SIGALRM);
	sigprocmask(SIG_BLOCK, &ticks, &old);
	return old;
}

/* Only where the rules have something to write is a fault to be expected. */
static void op_bad_upc(void)
{
	struct ref_upcall *u = some_upcall();
	int priority = some_priority(), id;

	if (!u || ref.upc->pending)
		return;
	id = u->id;
	ref_mark(&ref, id, priority);
	faulted = false;
	in_bad_memory = true;
	hide(upc_in_use(), roll(NR_DAMAGES));
	expect("dispatch, bad upc", upc_dispatch(id, priority), 0);
	in_bad_memory = false;
	expect("SIGSEGV", faulted, true);
	state_as_expected();
	expect("still pending", upc_poll(id, priority), 1);
	redispatch(0);
}

static void op_bad_stack(void)
{
	struct ref_upcall *u = some_upcall();
	int priority = some_priority(), id;
	sigset_t old;

	/* Held, and it would not be written to. */
	if (!u || ref.upc->pending ||
	    ref.upc->crit_count >= ref_at_least_1(priority))
		return;
	/* The signal would take the alternate stack for free. */
	if (on_altstack())
		return;
	id = u->id;
	ref_mark(&ref, id, priority);
	faulted = false;
	in_bad_memory = true;
	/* In a handler on the other stack it would be entered. */
	old = hold_ticks();
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
	if (upc_control(other_cmd, other_id, other_priority))
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
	other_cmd = roll(2) ? UPC_CONTROL_DISPATCH : UPC_CONTROL_INTERRUPT;
	other_id = u->id;
	other_priority = some_priority();
	other_done = 0;
	ids_before_other = last_id;
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
	ids_before_other = 0;
	if (last_id < own_id_of_other)
		last_id = own_id_of_other;
}

/* What another task does to this one's upcalls, one thing after the other. */
static struct {
	int nr_dispatches, nr_deletions;
	int ids[REF_MAX], priorities[REF_MAX], doomed[REF_MAX];
	int hides;		/* that structure, or -1 */
	int damage;
	int done;
} hand;

#define REPLACED	NR_DAMAGES	/* other memory is there then */

static int take_away(struct pages *p, int how)
{
	if (break_page(p, how == REPLACED ? UNMAPPED : how))
		return -1;
	return how == REPLACED &&
	       mmap(p->middle, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		    MAP_ANONYMOUS | MAP_FIXED, -1, 0) != p->middle;
}

static int hand_main(void *data)
{
	int i;

	for (i = 0; i < hand.nr_dispatches; i++)
		if (upc_dispatch(hand.ids[i], hand.priorities[i]))
			return KSFT_FAIL;
	for (i = 0; i < hand.nr_deletions; i++)
		if (upc_delete(hand.doomed[i]))
			return KSFT_FAIL;
	if (hand.hides >= 0 && take_away(&pages[hand.hides], hand.damage))
		return KSFT_FAIL;
	WRITE_ONCE(hand.done, 1);
	return 0;
}

/* Running, this task makes calls until that is done; else it is in one. */
static void lend_a_hand(bool running)
{
	pid_t pid;

	hand.done = 0;
	pid = clone(hand_main, hand_stack + sizeof(hand_stack), CLONE_VM |
		    SIGCHLD | (running ? 0 : CLONE_VFORK), NULL);
	if (pid < 0)
		wrong("clone", -errno, 1);
	while (running && !READ_ONCE(hand.done)) {
		if (upc_poll(-1, 0) < 0)
			wrong("poll meanwhile", -1, 0);
	}
	expect("the other task", child_status(pid), 0);
}

/* Which are dispatched, and at which priorities, is up to the program. */
static void plan_dispatches(int n, int max)
{
	struct ref_upcall *u;
	int i;

	for (i = 0; i < n; i++) {
		u = some_upcall();
		hand.ids[i] = u->id;
		hand.priorities[i] = max ? 1 + (int)roll(max) : some_priority();
	}
	hand.nr_dispatches = n;
}

/* They were dispatched before, some of them, and of the rest one is entered. */
static void op_deleted_some(void)
{
	struct ref_upcall *u;
	int i, n;

	if (!some_upcall())
		return;
	hand.hides = -1;
	hand.nr_deletions = 0;
	plan_dispatches(1 + roll(4), 0);
	for (i = 0; i < hand.nr_dispatches; i++)
		ref_mark(&ref, hand.ids[i], hand.priorities[i]);
	for (n = 1 + roll(3); n; n--) {
		u = some_upcall();
		if (!u)
			break;
		hand.doomed[hand.nr_deletions++] = u->id;
		ref_delete(&ref, u->id);
	}
	ref_rules(&ref, 0);
	lend_a_hand(false);
}

static void next_resumes_here(void)
{
	struct upcall_frame *f = (void *)(next_stack + 12288);
	bool held = on_altstack();
	sigset_t old;

	*f = (struct upcall_frame)FRAME_THAT_LEADS_HERE;
	/* Off the alternate stack, a signal would take that for free. */
	if (held)
		old = hold_ticks();
	do_next(f);
	if (held)
		sigprocmask(SIG_SETMASK, &old, NULL);
	expect("ax of the frame", seen.ax, f->fr_ax);
	expect("cx of the frame", seen.cx, f->fr_cx);
	expect("dx of the frame", seen.dx, f->fr_dx);
	expect("sp of the frame", seen.sp, frame_sp(f));
}

/* A call of a task that owns no upcalls, and whose struct upcall is not there. */
static void call_without_upcalls(int how)
{
	switch (roll(10)) {
	case 0:
		return expect("poll of none", call(UPC_CONTROL_POLL, -1, 0), 0);
	case 1:
		return expect("dispatch of none",
			      call(UPC_CONTROL_DISPATCH, some_id(), 1), -ENOENT);
	case 2:
		return expect("redispatch of none",
			      call(UPC_CONTROL_DISPATCH, -1, some_priority()), 0);
	case 3:
		return expect("delete of none",
			      call(UPC_CONTROL_DELETE, -1, 0), 0);
	case 4:
		return expect("pollandclear of none",
			      call(UPC_CONTROL_POLLANDCLEAR, -1, 0), 0);
	case 5:
		if (how != REPLACED)
			expect("suspend without upc",
			       call(UPC_CONTROL_SUSPEND, -1, 1), -EFAULT);
		return;
	case 6:
		return next_resumes_here();
	case 7:
		return expect("kill", signal_self(SIGALRM), 0);
	case 8:
		if (how == UNMAPPED || how == NO_ACCESS)
			expect("register without upc",
			       upc_register_ctx(upcs[upc_in_use()], ctx_next,
						cfunc, NULL), -EFAULT);
		return;
	default:
		if (!roll(4))
			expect("wait for none",
			       call(UPC_CONTROL_WAIT, -1, 1), -EINTR);
	}
}

/*
 * Another task dispatches them, deletes all, and takes the structure away. The
 * kernel does not touch that any more, whatever the task does, nor when another
 * one has taken its place. Then it is there again.
 */
static void op_deleted(bool running)
{
	struct section held = { .upc = upc_in_use(), .size = 1000 };
	struct ref_upcall *u;
	int i, how = roll(REPLACED + 1);

	if (!some_upcall())
		return;
	plan_dispatches(roll(4), running ? 100 : 0);
	hand.nr_deletions = 0;
	for (u = ref.up; u < ref.up + REF_MAX; u++)
		if (u->id)
			hand.doomed[hand.nr_deletions++] = u->id;
	hand.hides = upc_in_use();
	hand.damage = how;
	/* Which of them is entered would be a matter of time. */
	if (running)
		enter_section(&held);
	ref_delete_own(&ref);
	lend_a_hand(running);
	hidden = hand.hides;
	replaced = how == REPLACED;
	for (i = 0; running && i < hand.nr_dispatches; i++)
		if (may_be_noted < hand.priorities[i])
			may_be_noted = hand.priorities[i];
	for (i = 1 + roll(4); i; i--)
		call_without_upcalls(how);
	state_as_expected();
	if (roll(2)) {
		op_register(some_other_upc());
		op_dispatch(UPC_CONTROL_DISPATCH);
	}
	unhide();
	if (running)
		leave_section(&held);
	for (i = 1 + roll(3); i; i--) {
		op_register(roll(REF_UPCS));
		state_as_expected();
	}
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
		return op_register(upc_in_use());
	case OP_REPLACE:
		return op_replace();
	case OP_REPLACE_READ_ONLY:
		return op_replace_read_only();
	case OP_REGISTER_FULL:
		return op_register_full();
	case OP_REGISTER_BAD:
		return op_register_bad();
	case OP_DISPATCH:
		return op_dispatch(UPC_CONTROL_DISPATCH);
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
	case OP_DELETED_SOME:
		return op_deleted_some();
	case OP_DELETED_ASLEEP:
	case OP_DELETED_RUNNING:
		return op_deleted(op == OP_DELETED_RUNNING);
	case OP_FORK:
		return op_fork();
	case OP_INTERRUPT:
		return op_dispatch(UPC_CONTROL_INTERRUPT);
	case OP_TIMER:
		return op_timer();
	case OP_TIMER_TAKEN_BACK:
		return op_timer_taken_back();
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

	for (i = 0; i < REF_UPCS; i++) {
		if (make_pages(&pages[i]))
			wrong("the beginning", -errno, 0);
		/* Across two words of a page, not at its beginning. */
		upcs[i] = (void *)pages[i].middle + 4 * ((p->seed + i) % 8);
		upcs[i]->magic = UPCALL_MAGIC;
	}
	if (handle_on_altstack(SIGSEGV, 0, on_segv) ||
	    handle_on_altstack(SIGALRM, SA_NODEFER, on_tick) ||
	    sigaction(SIGUSR1, &sa, NULL) || start_ticks(3))
		wrong("the beginning", -errno, 0);
	seed_dice(p->seed, LENGTH);
	for (i = 0; i < 3; i++)
		op_register(0);
	for (i = 0; i < LENGTH; i++) {
		if (p->left_out[i])
			continue;
		top_op = i;
		nested = 0;
		seed_dice(p->seed, i);
		one_op(&main_frame);
	}
	leave_all(&main_frame);
	for (i = 0; i < REF_UPCS; i++)
		expect("crit_count at the end", upcs[i]->crit_count, 0);
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
	int limit = upcall_limit();
	struct program p;

	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_print_header();
	ksft_set_plan(text ? 1 : 2);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || watch_for_hangs())
		ksft_exit_fail_msg("no memory\n");
	/* Small, so that it is reached. */
	if (set_upcall_limit(LIMIT) && upcall_limit() == LIMIT)
		room = LIMIT;
	has_timers = upc_control(UPC_CONTROL_TIMER, 1, 0) != -EINVAL;
	if (text) {
		if (!read_program(&p, text))
			ksft_exit_fail_msg("UPCALL_PROGRAM is not one\n");
		print_program(&p);
		set_upcall_limit(limit);
		ksft_test_result(!shared->why[0], "the program\n");
		ksft_finished();
	}
	ksft_test_result(run_programs(first_seed(), iterations(1000)),
			 "each step as the reference has it\n");
	set_upcall_limit(limit);
	ksft_test_result(all_operations_ran(), "every operation came\n");
	ksft_finished();
}
