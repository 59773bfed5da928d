// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations of several threads on each other's upcalls, with signals,
 * memory that goes away and tasks that come and go. What must hold whatever
 * they do: no dispatch is lost, nothing is entered at a crit_count that holds
 * it, held upcalls come in the order of their priorities, identifiers are
 * unique, registers and stack are what they were, and all is given back.
 *
 * Each thread has several struct upcall, and registers with one after the
 * other. The kernel touches none but the last, and that not while all that the
 * thread had registered is deleted.
 *
 * Each life is a process: rounds of disorder, each followed by one of order.
 * UPCALL_SEED is where it begins, UPCALL_SECONDS lets it go on.
 *
 * upc_register(2), upc_control(2); upcall.rst, sections 1, 4 and 6.
 */
#include "upcall_fault.h"
#include "upcall_life.h"
#include "upcall_util.h"

#include <stdarg.h>

#define THREADS		4
#define EACH		4	/* upcalls of a thread */
#define UPCS		3	/* and its struct upcall, each in a page */
#define DEEPEST		8	/* upcalls that register, on top of each other */
#define ROUNDS		15
#define TURNS		40	/* operations of a thread in a round */
#define CELLS		256	/* no cfunc begins so many registrations late */
#define CROSSINGS	10	/* of a dispatch and a registration in a round */
#define IDS		8192	/* ids that are told apart: cyclic, so enough */
#define WORKER_STACK	32768

/* An upcall, from its registration to its deletion. */
struct up {
	int id;
	int live;
	int priority;
	unsigned int posted;	/* dispatches, counted before each */
	unsigned int seen;	/* of these, when cfunc was last entered */
};

struct thread {
	pthread_t thread;
	pid_t tid;
	int number;
	struct upcall *upcs[UPCS];
	struct upcall *upc;	/* as last registered */
	int keeps_upc;		/* no upcall is to register another now */
	int nested;		/* upcalls */
	bool untouchable;	/* what is hidden is none of the kernel's */
	unsigned int dice;
	int owned;		/* at most so many, if it registers no more */
	int ids[EACH];		/* 0: to be registered (again) */
	int cells[CELLS];	/* for cfunc to find its id, one a registration */
	unsigned int nr_cells;
	int order[EACH];	/* what was entered in a round of order */
	int nr_order;
	char worker_stack[WORKER_STACK];
};

struct shared {
	unsigned long operations, entries, signals, faults, lives, workers,
		      replaced, without;
	char why[200];
};

static struct shared *shared;
static struct thread threads[THREADS];
static __thread struct thread *self;
static struct up ups[IDS];
static pthread_barrier_t barrier_;
static int stopping, in_order, running;

static void wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(shared->why, sizeof(shared->why), fmt, ap);
	va_end(ap);
	_exit(KSFT_FAIL);
}

static unsigned int roll(unsigned int below)
{
	return throw_dice(&self->dice, below);
}

/* An upcall may register another: what is entered in one is left in that. */
static struct upcall *enter(void)
{
	struct upcall *upc = self->upc;

	upc->crit_count += UPC_CRITADD;
	barrier();
	return upc;
}

static void see_to_pending(struct upcall *upc)
{
	barrier();
	if (upc->pending > upc->crit_count)
		upc_dispatch(-1, 0);
}

static void leave(struct upcall *upc)
{
	barrier();
	upc->crit_count -= UPC_CRITADD;
	see_to_pending(upc);
}

/* Until it does so no more, no upcall makes the thread use another. */
static struct upcall *keep_upc(void)
{
	self->keeps_upc++;
	barrier();
	return self->upc;
}

static void keep_upc_no_more(void)
{
	barrier();
	self->keeps_upc--;
}

static void protect(struct upcall *upc, int prot)
{
	if (mprotect(upc, PAGE, prot))
		wrong("mprotect: errno %d", errno);
}

static void hide(struct upcall *upc)
{
	protect(upc, roll(2) ? PROT_NONE : PROT_READ);
}

static void repair(void)
{
	int i;

	for (i = 0; i < UPCS; i++)
		protect(self->upcs[i], PROT_READ | PROT_WRITE);
}

static struct up *of_id(int id)
{
	return &ups[id % IDS];
}

/* To anybody's. Where it is gone by then, nothing is owed. */
static void dispatch(int id)
{
	struct up *u = of_id(id);
	int ret;

	__atomic_fetch_add(&u->posted, 1, __ATOMIC_RELAXED);
	ret = upc_dispatch(id, u->priority);
	if (ret && ret != -ENOENT)
		wrong("DISPATCH gave %d", ret);
}

static void dispatch_in_section(int id)
{
	struct upcall *upc = enter();

	if (id)
		dispatch(id);
	leave(upc);
}

static int somebodys_id(void)
{
	return READ_ONCE(threads[roll(THREADS)].ids[roll(EACH)]);
}

static void replace_upc(void);

/* Entered by upc, which may not be the one in use any more when it ends. */
static void cfunc(void *data, struct upcall *upc)
{
	int *cell = data, id = READ_ONCE(*cell);
	int crit = upc->crit_count;
	struct up *u = of_id(id);

	count(&shared->entries);
	WRITE_ONCE(u->seen, READ_ONCE(u->posted));
	if (crit < UPC_CRITADD || crit - UPC_CRITADD >= u->priority)
		wrong("entered at %d with priority %d", crit, u->priority);
	if (READ_ONCE(in_order)) {
		if (self->nr_order == EACH)
			wrong("more were entered than there are");
		self->order[self->nr_order++] = u->priority;
		return;
	}
	self->nested++;
	if (!READ_ONCE(stopping) && !roll(3)) {
		id = somebodys_id();
		if (id)
			dispatch(id);
	}
	if (!READ_ONCE(stopping) && self->nested < DEEPEST && !roll(6))
		replace_upc();
	if (!roll(4))
		leave(enter());
	self->nested--;
	if (upc->crit_count != crit)
		wrong("crit_count was %d, is %d", crit, upc->crit_count);
}

static int register_with(struct upcall *upc, int *cell)
{
	return upc_register_ctx(upc, roll(2) ? ctx_next : ctx_pop, (void *)cfunc,
				cell);
}

static void dispatch_and_compute(void);

/*
 * cfunc finds the upcall by the cell, so that is filled before a dispatch. The
 * structure before this one is not touched any more.
 */
static void register_one(int place, struct upcall *upc)
{
	int priority = 1 + roll(roll(2) ? 32 : 100);
	struct upcall *before = keep_upc();
	int *cell = &self->cells[self->nr_cells++ % CELLS];
	bool hidden = upc != before && !roll(4);
	struct up *u;
	int id;

	before->crit_count += 1000 + UPC_CRITADD;
	__atomic_fetch_add(&self->owned, 1, __ATOMIC_RELAXED);
	if (hidden)
		hide(before);
	id = register_with(upc, cell);
	if (id <= 0)
		wrong("registration gave %d", id);
	self->upc = upc;
	if (hidden) {
		self->untouchable = true;
		dispatch_and_compute();
		self->untouchable = false;
		repair();
	}
	if (upc != before)
		count(&shared->replaced);
	u = of_id(id);
	if (READ_ONCE(u->live))
		wrong("%d and %d are alive, and the same", u->id, id);
	*u = (struct up) { .id = id, .live = 1, .priority = priority };
	WRITE_ONCE(*cell, id);
	__atomic_store_n(&self->ids[place], id, __ATOMIC_RELEASE);
	barrier();
	before->crit_count -= 1000 + UPC_CRITADD;
	keep_upc_no_more();
	/* It may have been left with pending set, long ago. */
	see_to_pending(upc);
}

static struct upcall *some_upc(void)
{
	return roll(3) ? self->upc : self->upcs[roll(UPCS)];
}

static void register_missing(void)
{
	int i;

	for (i = 0; i < EACH; i++) {
		if (!READ_ONCE(self->ids[i]))
			register_one(i, some_upc());
	}
}

/* Whoever takes the id out of its place deletes it. */
static bool delete_one(struct thread *t, int place)
{
	int id = __atomic_exchange_n(&t->ids[place], 0, __ATOMIC_ACQ_REL);
	int ret;

	if (!id)
		return false;
	ret = upc_delete(id);
	if (ret)
		wrong("DELETE of %d gave %d", id, ret);
	WRITE_ONCE(of_id(id)->live, 0);
	ret = upc_poll(id, 0);
	if (ret != -ENOENT)
		wrong("POLL of a deleted one gave %d", ret);
	__atomic_fetch_sub(&t->owned, 1, __ATOMIC_RELEASE);
	return true;
}

static void delete_all(struct thread *t)
{
	int i;

	for (i = 0; i < EACH; i++)
		delete_one(t, i);
}

/* Makes room for one that is registered with another structure. */
static void replace_upc(void)
{
	int place = roll(EACH);

	if (!self->keeps_upc && delete_one(self, place))
		register_one(place, self->upcs[roll(UPCS)]);
}

/* What was taken off the queue is put there again: it stays owed. */
static void clear_one(void)
{
	int id = somebodys_id(), ret;

	if (!id)
		return;
	ret = upc_pollclear(id, 0);
	if (ret == 1)
		dispatch(id);
	else if (ret && ret != -ENOENT)
		wrong("POLLANDCLEAR gave %d", ret);
}

/* The main thread's signals end it if nobody's dispatch does. */
static void sleep_for_one(bool suspend)
{
	int ret;

	if (suspend) {
		/* It leaves a section of the structure that is in use. */
		keep_upc();
		enter();
		ret = upc_suspend(1 + roll(40));
		keep_upc_no_more();
	} else {
		ret = upc_wait(1 + roll(40));
	}
	if (ret <= 0 && ret != -EINTR)
		wrong("waiting gave %d", ret);
}

/*
 * Of user code that has touched struct upcall, or of the kernel, which then
 * holds an upcall that waits for the next dispatch.
 */
static void on_segv(int sig, siginfo_t *info, void *context)
{
	if (self->untouchable && info->si_code == SI_KERNEL)
		wrong("the kernel touches a structure that is not in use");
	count(&shared->faults);
	repair();
	upc_dispatch(-1, 0);
}

static void hide_upc(void)
{
	int i, turns = roll(200), id = roll(2) ? somebodys_id() : 0;

	hide(keep_upc());
	if (id)
		dispatch(id);
	for (i = 0; i < turns; i++)
		cpu_relax();
	repair();
	keep_upc_no_more();
	upc_dispatch(-1, 0);
}

/* Others have deleted all that it had: nothing comes, whatever it calls. */
static void be_without_upcalls(void)
{
	int i, ret;

	if (__atomic_load_n(&self->owned, __ATOMIC_ACQUIRE))
		return;
	count(&shared->without);
	hide(self->upc);
	self->untouchable = true;
	for (i = 1 + roll(4); i; i--) {
		ret = roll(2) ? upc_poll(-1, 0) : upc_dispatch(-1, 0);
		if (ret)
			wrong("POLL or DISPATCH of none gave %d", ret);
		ret = roll(2) ? upc_suspend(1) : -EFAULT;
		if (ret != -EFAULT)
			wrong("SUSPEND without struct upcall gave %d", ret);
		dispatch_and_compute();
	}
	self->untouchable = false;
	repair();
}

/* A task that has no thread's area: raw calls only. */
static int worker(void *data)
{
	struct upcall first = UPCALL_INIT, mine = UPCALL_INIT;
	int entered = 0, *ids = data;
	int id = upc_register_ctx(&first, ctx_pop, count_cfunc, &entered);

	/* Held by the first, entered by the one that takes its place. */
	first.crit_count = 1;
	if (id <= 0 || upc_dispatch(id, 1) || entered ||
	    upc_register_ctx(&mine, ctx_pop, count_cfunc, &entered) <= 0 ||
	    entered != 1)
		return KSFT_FAIL;
	if (ids[0])
		upc_dispatch(ids[0], 0);
	if (ids[1]) {
		/* With an upcall pending. */
		mine.crit_count = UPC_CRITADD;
		upc_dispatch(id, 1);
	}
	if (ids[2])
		exec_image(&id, 1);
	return 0;
}

static void make_worker(void)
{
	int ids[3] = { somebodys_id(), roll(2), !roll(4) };
	pid_t pid;

	if (ids[0])
		__atomic_fetch_add(&of_id(ids[0])->posted, 1, __ATOMIC_RELAXED);
	count(&shared->workers);
	pid = clone(worker, self->worker_stack + WORKER_STACK,
		    CLONE_VM | SIGCHLD, ids);
	if (pid < 0 || child_status(pid))
		wrong("a worker, %d, has failed", pid);
}

/*
 * Keeps patterns in registers and on the stack for a while. Returns how many
 * turns were left when one of them was found changed.
 */
unsigned int keep_patterns(unsigned int turns);

#ifdef __x86_64__
asm(".pushsection .text\n"
	"keep_patterns:\n\t"
	".irp reg, rbx, rbp, r12, r13, r14, r15\n\t"
	"pushq %\\reg\n\t"
	".endr\n\t"
	"movl %edi, %eax\n\t"
	"pushq $0x57575757\n\t"
	"pushq %rax\n\t"
	"movq $0x7e7e7e7e, -128(%rsp)\n\t"	/* the red zone's last */
	"movq $0x31b2b3b4, %rbx\n\t"
	"movq $0x41c2c3c4, %rcx\n\t"
	"movq $0x51d2d3d4, %rdx\n\t"
	"movq $0x51525354, %rsi\n\t"
	"movq $0x59dadbdc, %rdi\n\t"
	"movq $0x39babbbc, %rbp\n\t"
	".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
	"movq $0x71000000 + \\n, %r\\n\n\t"
	".endr\n"
	"1:\n\t"
	"stc\n\t"
	"jmp . + 2\n\t"			/* an emulator stops at jumps */
	"movl $0, %eax\n\t"
	"jmp . + 2\n\t"
	"adcq $0x11, %rax\n\t"
	"jmp . + 2\n\t"
	"cmpq $0x12, %rax\n\t"
	"jne 2f\n\t"
	"pushq %rbx\n\t"
	"jmp . + 2\n\t"
	"popq %rax\n\t"
	"cmpq %rbx, %rax\n\t"
	"jne 2f\n\t"
	"cmpq $0x31b2b3b4, %rbx\n\t"
	"jne 2f\n\t"
	"cmpq $0x41c2c3c4, %rcx\n\t"
	"jne 2f\n\t"
	"cmpq $0x51d2d3d4, %rdx\n\t"
	"jne 2f\n\t"
	"cmpq $0x51525354, %rsi\n\t"
	"jne 2f\n\t"
	"cmpq $0x59dadbdc, %rdi\n\t"
	"jne 2f\n\t"
	"cmpq $0x39babbbc, %rbp\n\t"
	"jne 2f\n\t"
	".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
	"cmpq $0x71000000 + \\n, %r\\n\n\t"
	"jne 2f\n\t"
	".endr\n\t"
	"cmpq $0x57575757, 8(%rsp)\n\t"
	"jne 2f\n\t"
	"cmpq $0x7e7e7e7e, -128(%rsp)\n\t"
	"jne 2f\n\t"
	"decl (%rsp)\n\t"
	"jne 1b\n"
	"2:\n\t"
	"popq %rax\n\t"
	"popq %rcx\n\t"
	".irp reg, r15, r14, r13, r12, rbp, rbx\n\t"
	"popq %\\reg\n\t"
	".endr\n\t"
	"ret\n"
	".popsection");
#else
asm(".pushsection .text\n"
	"keep_patterns:\n\t"
	"pushl %ebx\n\t"
	"pushl %esi\n\t"
	"pushl %edi\n\t"
	"pushl %ebp\n\t"
	"movl 20(%esp), %eax\n\t"
	"pushl $0x57575757\n\t"
	"pushl %eax\n\t"
	"movl $0xb1b2b3b4, %ebx\n\t"
	"movl $0xc1c2c3c4, %ecx\n\t"
	"movl $0xd1d2d3d4, %edx\n\t"
	"movl $0x51525354, %esi\n\t"
	"movl $0xd9dadbdc, %edi\n\t"
	"movl $0xb9babbbc, %ebp\n"
	"1:\n\t"
	"stc\n\t"
	"jmp . + 2\n\t"			/* an emulator stops at jumps */
	"movl $0, %eax\n\t"
	"jmp . + 2\n\t"
	"adcl $0x11, %eax\n\t"
	"jmp . + 2\n\t"
	"cmpl $0x12, %eax\n\t"
	"jne 2f\n\t"
	"pushl %ebx\n\t"
	"jmp . + 2\n\t"
	"popl %eax\n\t"
	"cmpl %ebx, %eax\n\t"
	"jne 2f\n\t"
	"cmpl $0xb1b2b3b4, %ebx\n\t"
	"jne 2f\n\t"
	"cmpl $0xc1c2c3c4, %ecx\n\t"
	"jne 2f\n\t"
	"cmpl $0xd1d2d3d4, %edx\n\t"
	"jne 2f\n\t"
	"cmpl $0x51525354, %esi\n\t"
	"jne 2f\n\t"
	"cmpl $0xd9dadbdc, %edi\n\t"
	"jne 2f\n\t"
	"cmpl $0xb9babbbc, %ebp\n\t"
	"jne 2f\n\t"
	"cmpl $0x57575757, 4(%esp)\n\t"
	"jne 2f\n\t"
	"decl (%esp)\n\t"
	"jne 1b\n"
	"2:\n\t"
	"popl %eax\n\t"
	"popl %ecx\n\t"
	"popl %ebp\n\t"
	"popl %edi\n\t"
	"popl %esi\n\t"
	"popl %ebx\n\t"
	"ret\n"
	".popsection");
#endif

static void compute(void)
{
	unsigned int left = keep_patterns(1 + roll(300));

	if (left)
		wrong("a register or the stack changed, %u turns before", left);
}

static void dispatch_and_compute(void)
{
	int id = somebodys_id();

	if (id && !READ_ONCE(stopping))
		dispatch(id);
	compute();
}

static void on_usr1(int sig, siginfo_t *info, void *context)
{
	int id = somebodys_id();

	count(&shared->signals);
	if (id && !READ_ONCE(stopping) && !roll(2))
		dispatch(id);
}

static void one_turn(void)
{
	unsigned int words[16], what = roll(100), i;
	int id = somebodys_id();

	for (i = 0; i < 16; i++)
		words[i] = what + i;
	barrier();
	count(&shared->operations);
	if (what < 40 && id)
		dispatch(id);
	else if (what < 62)
		compute();
	else if (what < 74)
		dispatch_in_section(id);
	else if (what < 80)
		clear_one();
	else if (what < 83)
		delete_one(&threads[roll(THREADS)], roll(EACH));
	else if (what < 85)
		delete_all(&threads[roll(THREADS)]);
	else if (what < 91)
		sleep_for_one(what & 1);
	else if (what < 94)
		hide_upc();
	else if (what < 95)
		make_worker();
	else if (what < 98)
		replace_upc();
	be_without_upcalls();
	register_missing();
	barrier();
	for (i = 0; i < 16; i++) {
		if (words[i] != what + i)
			wrong("a word of the stack changed");
	}
}

static void meet(void)
{
	pthread_barrier_wait(&barrier_);
}

/* Nobody dispatches it now. */
static void see_none_lost(int id)
{
	struct up *u = of_id(id);

	if (READ_ONCE(u->posted) != READ_ONCE(u->seen))
		wrong("%u dispatches, cfunc has seen %u", u->posted, u->seen);
}

/* After the first meeting only upcalls dispatch, after the second nobody. */
static void settle(void)
{
	int i;

	meet();
	WRITE_ONCE(stopping, 1);
	meet();
	register_missing();
	for (i = 0; i < EACH; i++)
		WAIT_UNTIL(!upc_poll(self->ids[i], 0));
	meet();
	for (i = 0; i < EACH; i++)
		see_none_lost(self->ids[i]);
	if (self->upc->pending)
		wrong("pending is %d, and nothing is going on",
		      self->upc->pending);
	for (i = 0; i < UPCS; i++) {
		if (self->upcs[i]->crit_count)
			wrong("crit_count is %d, and nothing is going on",
			      self->upcs[i]->crit_count);
	}
}

/* Registers with another: what the one before holds comes then, all of it. */
static void enter_by_another(void)
{
	static __thread int cell;	/* of none: it is not dispatched to */
	struct upcall *upc = self->upcs[0];
	int id;

	if (upc == self->upc)
		upc = self->upcs[1];
	upc->pending = 0;
	id = register_with(upc, &cell);
	self->upc = upc;
	if (id <= 0 || upc_delete(id))
		wrong("registration with another gave %d", id);
}

static struct thread *neighbour(void)
{
	return &threads[(self->number + 1) % THREADS];
}

/*
 * A dispatch crosses with a registration. The structure before it holds the
 * upcall, the new one does not: so it has been entered by the end of a call.
 */
static void round_of_crossing(void)
{
	struct thread *other = neighbour();
	struct upcall *upc;
	int turn, i;

	for (turn = 0; turn < CROSSINGS; turn++) {
		self->nr_order = 0;
		upc = self->upc;
		upc->crit_count += 1000;
		barrier();
		meet();
		for (i = roll(300); i; i--)
			cpu_relax();
		dispatch(other->ids[roll(EACH)]);
		enter_by_another();
		meet();
		upc_poll(-1, 0);
		for (i = 0; i < EACH; i++)
			see_none_lost(self->ids[i]);
		upc->crit_count -= 1000;
	}
}

/* All are dispatched while their owner holds them; then come the highest first. */
static void round_of_order(void)
{
	struct thread *other = neighbour();
	struct upcall *upc = self->upc;
	int i, first = roll(EACH);

	self->nr_order = 0;
	upc->crit_count += 1000 + UPC_CRITADD;
	barrier();
	meet();
	for (i = 0; i < EACH; i++)
		dispatch(other->ids[(first + i) % EACH]);
	meet();
	if (self->nr_order)
		wrong("entered at a crit_count of %d", upc->crit_count);
	switch (roll(3)) {
	case 0:
		upc->crit_count -= 1000;
		leave(upc);
		break;
	case 1:
		upc->crit_count -= 1000;
		if (upc_suspend(1) <= 0)
			wrong("SUSPEND found nothing of %d pending", EACH);
		break;
	default:
		enter_by_another();
		upc->crit_count -= 1000 + UPC_CRITADD;
	}
	if (self->nr_order != EACH)
		wrong("%d entered of %d", self->nr_order, EACH);
	for (i = 1; i < EACH; i++) {
		if (self->order[i] > self->order[i - 1])
			wrong("priority %d came before %d", self->order[i - 1],
			      self->order[i]);
	}
	meet();
	WRITE_ONCE(in_order, 0);
	WRITE_ONCE(stopping, 0);
	meet();
}

static void *live(void *data)
{
	stack_t ss = { .ss_size = ALTSTACK };
	struct pages pages;
	int round, turn, i;

	self = data;
	self->tid = sys_gettid();
	ss.ss_sp = mmap(NULL, ALTSTACK, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ss.ss_sp == MAP_FAILED ||
	    (self->number & 1 && sigaltstack(&ss, NULL)))
		wrong("the beginning of a thread: errno %d", errno);
	for (i = 0; i < UPCS; i++) {
		if (make_pages(&pages))
			wrong("no memory: errno %d", errno);
		self->upcs[i] = (void *)pages.middle;
		self->upcs[i]->magic = UPCALL_MAGIC;
	}
	self->upc = self->upcs[0];
	register_missing();
	__atomic_fetch_add(&running, 1, __ATOMIC_RELAXED);
	meet();
	for (round = 0; round < ROUNDS; round++) {
		for (turn = 0; turn < TURNS; turn++)
			one_turn();
		settle();
		WRITE_ONCE(in_order, 1);
		round_of_crossing();
		round_of_order();
	}
	/* Its upcalls are still there, and go when it does. */
	__atomic_fetch_sub(&running, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* The tasks are gone; so are their upcalls, and there is room for all again. */
static void all_given_back(void)
{
	static struct upcall upc = UPCALL_INIT;
	int i, n = 0, max = upcall_limit(), ret;

	for (i = 0; i < IDS; i++) {
		if (ups[i].id && upc_poll(ups[i].id, 0) != -ENOENT)
			wrong("%d has outlived its owner", ups[i].id);
	}
	if (max < 0)
		return;
	do {
		ret = upc_register_ctx(&upc, ctx_next, count_cfunc, &n);
	} while (ret > 0 && ++n <= max);
	if (ret != -EFBIG || n != max)
		wrong("%d more could be registered, of %d: %d", n, max, ret);
}

/* The child's: one life. */
static void life(unsigned int seed)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
	unsigned int i = 0;

	sa.sa_sigaction = on_usr1;
	if (sigaction(SIGUSR1, &sa, NULL))
		wrong("sigaction: errno %d", errno);
	sa.sa_sigaction = on_segv;
	sa.sa_flags |= SA_NODEFER;
	if (sigaction(SIGSEGV, &sa, NULL) ||
	    pthread_barrier_init(&barrier_, NULL, THREADS))
		wrong("the beginning: errno %d", errno);
	for (i = 0; i < THREADS; i++) {
		threads[i].number = i;
		threads[i].dice = seed * 2654435761u + i + 1;
		if (!threads[i].dice)
			threads[i].dice = 1;
	}
	for (i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i].thread, NULL, live, &threads[i]))
			wrong("pthread_create");
	}
	WAIT_UNTIL(READ_ONCE(running) == THREADS);
	while (READ_ONCE(running)) {
		usleep(1000);
		if (!READ_ONCE(stopping))
			syscall(SYS_tgkill, getpid(),
				threads[i++ % THREADS].tid, SIGUSR1);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i].thread, NULL);
	all_given_back();
	_exit(0);
}

static bool lives_well(unsigned int seed)
{
	int status;

	shared->why[0] = 0;
	child = fork();
	if (!child)
		life(seed);
	status = life_status(120);
	count(&shared->lives);
	if (hung)
		snprintf(shared->why, sizeof(shared->why),
			 "it does not end: something was lost");
	if (status)
		ksft_print_msg("seed %u: status %#x: %s\n", seed, status,
			       shared->why);
	return !status;
}

static bool run_lives(unsigned int seed, int n)
{
	const char *more = getenv("UPCALL_SECONDS");
	long long start = now_ns();
	unsigned int i;

	for (i = 0; (int)i < n || (more && !time_is_up(start, 0)); i++) {
		if (!lives_well(seed + i))
			return false;
	}
	ksft_print_msg("%d lives, seeds %u to %u\n", i, seed, seed + i - 1);
	return true;
}

int main(int argc, char **argv)
{
	int ids[IMAGE_IDS];
	bool enough;

	/* A worker's new image: what it had registered is gone. */
	if (image_ids(argc, argv, ids) == 1)
		return upc_poll(ids[0], 0) == -ENOENT ? 0 : KSFT_FAIL;
	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_print_header();
	ksft_set_plan(2);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || watch_for_hangs())
		ksft_exit_fail_msg("no memory\n");
	ksft_test_result(run_lives(first_seed(), iterations(20)),
			 "what must hold, holds\n");
	ksft_print_msg("%lu operations, %lu upcalls entered, %lu signals\n",
		       shared->operations, shared->entries, shared->signals);
	ksft_print_msg("%lu faults, %lu tasks that came and went\n",
		       shared->faults, shared->workers);
	ksft_print_msg("%lu times with another upc, %lu times without upcalls\n",
		       shared->replaced, shared->without);
	enough = shared->operations >= shared->lives * THREADS * ROUNDS * TURNS;
	ksft_test_result(enough && shared->entries && shared->signals &&
			 shared->faults && shared->workers &&
			 shared->replaced && shared->without,
			 "all of it came\n");
	ksft_finished();
}
