// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile arguments to both calls: pointers of every kind, and the stack pointer
 * among them; functions where there is nothing; every command, and such as do
 * not exist; identifiers and priorities at their limits. Alone, where all that a
 * call may return is known; and several threads together, whose memory somebody
 * else takes away, protects and has faulted in meanwhile.
 *
 * Each call gives what upcall.rst allows for its arguments and nothing else; a
 * SIGSEGV comes only of memory that is not as it should be, and changes nothing,
 * nor does a call that fails; nothing is entered by a struct upcall that cannot
 * be written; one that takes the place of another holds nothing that it need
 * not; and in the end as many upcalls are left as there should be.
 *
 * At times another task deletes all that a thread owns, and then takes away its
 * struct upcall: while the thread waits for that, or makes a call. It is not
 * needed any more, so the thread does not get a SIGSEGV for it.
 *
 * UPCALL_SEED is where it begins, UPCALL_SECONDS or UPCALL_CALLS lets it go on,
 * UPCALL_THREADS is how many are together.
 * In some of the lives part of the kernel's allocations, or of its copies from
 * and to user memory, fail, where the kernel can do that; with UPCALL_FAIL=n so
 * many percent of its allocations in all of them.
 *
 * A frame that others take away, or that lies over the struct upcall in use, may
 * become any other before it is resumed from. Two rules keep that from making
 * alarms of its own:
 *
 *  - A call whose frames, all that may be pushed on top included, are in such a
 *    place is in doubt: an upcall that comes then does not go back to what it
 *    interrupted, but to the loop. Only NEXT reads such frames.
 *  - There frames have places apart by their size, so that each word of them is
 *    one and the same part of a frame whenever it was written, and what lies over
 *    them, and what others write, is no address of anything there is. So what
 *    is resumed is known code, or faults at once.
 *
 * upc_register(2), upc_control(2); upcall.rst, sections 3 to 7.
 */
#include "upcall_inject.h"
#include "upcall_life.h"
#include "upcall_next.h"
#include "upcall_util.h"
#include "upcall_zone.h"

#include <stdarg.h>

#define THREADS		4	/* unless UPCALL_THREADS says otherwise, up to */
#define MAX_THREADS	16
#define CALLS		4000	/* of a thread, in its life */
#define IDS		65536	/* more than are given out in a life */
#define LIMIT		64	/* kernel.upcall_max, if it may be set */
#define AC_FLAG		0x00040000

/* What may come of a call. */
enum outcome {
	ZERO, ONE, POSITIVE, FAULT, INVALID, NO_ENTRY, TOO_BIG, NO_MEMORY,
	INTERRUPTED, NO_RETURN, ANYTHING_ELSE, NR_OUTCOMES
};

static const char * const outcome_names[NR_OUTCOMES] = {
	"0", "1", "positive", "EFAULT", "EINVAL", "ENOENT", "EFBIG", "ENOMEM",
	"EINTR", "resumed", "?",
};

#define BIT(outcome)	(1U << (outcome))

/* The rows of the table of what came. The commands have their own numbers. */
#define REGISTER	0
#define TELL		9		/* ONBLOCK and ONWAKE */
#define UNDEFINED	10
#define NR_ROWS		11

static const char * const row_names[NR_ROWS] = {
	"register", "DISPATCH", "NEXT", "DELETE", "POLL", "POLLANDCLEAR",
	"WAIT", "SUSPEND", "INTERRUPT", "ONBLOCK/WAKE", "undefined",
};

/* What upcall.rst has for each row, all of which is to come. */
static const unsigned int can_come[NR_ROWS] = {
	BIT(POSITIVE) | BIT(FAULT) | BIT(INVALID) | BIT(TOO_BIG),
	BIT(ZERO) | BIT(NO_ENTRY),
	BIT(NO_RETURN) | BIT(FAULT),
	BIT(ZERO) | BIT(NO_ENTRY),
	BIT(ZERO) | BIT(ONE) | BIT(POSITIVE) | BIT(NO_ENTRY),
	BIT(ZERO) | BIT(ONE) | BIT(POSITIVE) | BIT(NO_ENTRY),
	BIT(POSITIVE) | BIT(INTERRUPTED) | BIT(INVALID),
	BIT(POSITIVE) | BIT(INTERRUPTED) | BIT(INVALID) | BIT(FAULT),
	BIT(ZERO) | BIT(NO_ENTRY) | BIT(INVALID),
	BIT(ZERO) | BIT(NO_ENTRY) | BIT(INVALID),
	BIT(INVALID),
};

struct shared {
	unsigned long came[NR_ROWS][NR_OUTCOMES];
	unsigned long calls, entries, segvs, wild_entries, lost, lives,
		      failing_lives, replaced, stripped, stripped_in_call;
	char why[300];
};

/* Others delete what a thread owns, and take away its struct upcall. */
enum strip { NOT_STRIPPED, WANTED, STRIPPED };

/* Where a thread is with its call. */
enum stage { IDLE, CALLING, RETURNED, RESUMED, GONE_WILD, LOST };

/* The assembly knows the first part of this, by the words' numbers. */
struct self {
	unsigned long base;		/*  0: the stack pointer of the loop */
	unsigned long nr, arg[4];	/*  1: of the call */
	unsigned long sp;		/*  6 */
	unsigned long entry;		/*  7: of the vDSO, or 0 for none */
	unsigned long stage;		/*  8 */
	unsigned long got_ax, got_bx, got_cx, got_dx, got_sp;	/*  9 */
	unsigned long entries;		/* 14 */
	unsigned long doubt;		/* 15: frames may become others */
	unsigned long got_si, got_di, got_r11;	/* 16 */

	unsigned int dice, row, allowed, left;
	bool doubtful;			/* will the call be in doubt? */
	int number;
	pid_t tid;
	struct zone memory, stacks;
	struct upcall *upc;		/* as last registered, or NULL */
	bool upc_bad, upc_unwritable, upc_in_doubt, segv;
	bool owns_nothing;		/* for certain, until it registers */
	enum strip strip;
	bool in_call;			/* it was wanted during the call */
	enum taken taken;		/* how the structure went */
	struct upcall before;		/* what was in it before the call */
	struct upcall *new_upc;
	bool new_upc_bad, new_upc_unwritable;
	unsigned long entries_before;
	struct upcall_frame frame;	/* what NEXT was given, if frame_known */
	bool frame_known;
	char *stack, *altstack;
};

enum { UNKNOWN, LIVE, DEAD };

static struct shared *shared;
static struct self threads[MAX_THREADS];
static __thread struct self *self __attribute_used__;
static unsigned char states[IDS], owners[IDS];
static int nr_threads, max, last_id, finished;
static int strip_odds;			/* one call in so many */
static unsigned int live;		/* known if there is one thread */
static pthread_barrier_t barrier_;
static unsigned long vdso;
static bool alone;
/* What may fail, and what does in this life. */
static bool can_fail, can_fail_copies, injecting, injecting_copies;
static bool can_tell;			/* of sleeps */

#ifdef __x86_64__
#define REG_BX		REG_RBX
#define REG_CX		REG_RCX
#define REG_DX		REG_RDX

/* What a function may change, and the loop does. */
#define FUZZ_CLOBBERS	"rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", \
			"r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", \
			"xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
			"xmm13", "xmm14", "xmm15",
#define SELF		"%fs:self@tpoff"
#define KEPT		"%rbx, %rbp, %r12, %r13, %r14, %r15"
#define KEPT_BACK	"%r15, %r14, %r13, %r12, %rbp, %rbx"
#define ARGS		"%rdi, %rsi, %rdx, %r10"
#define FRAME_IP	AT(7)
#define GOT_MORE	"mov %rsi, " AT(16) "(%rbp)\n\t"		\
			"mov %rdi, " AT(17) "(%rbp)\n\t"		\
			"mov %r11, " AT(18) "(%rbp)\n\t"
#define NEXT_ARGS	"mov $" UPC_STR(UPC_CONTROL_NEXT) ", %edi\n\t"	\
			"mov $-1, %esi\n\t"				\
			"mov %rsp, %rdx\n\t"
#define POP_FRAME	".irp reg, %rax, %rcx, %rdx, %rsi, %rdi, %r11\n\t"	\
			"pop \\reg\n\t"					\
			".endr\n\t"					\
			"popfq\n\t"					\
			"ret $" UPC_STR(RED_ZONE) "\n"
#else
#define REG_BX		REG_EBX
#define REG_CX		REG_ECX
#define REG_DX		REG_EDX

#define FUZZ_CLOBBERS	"eax", "ecx", "edx",
#define SELF		"%gs:self@ntpoff"
#define KEPT		"%ebx, %esi, %edi, %ebp"
#define KEPT_BACK	"%ebp, %edi, %esi, %ebx"
#define ARGS		"%ebx, %ecx, %edx, %esi"
#define FRAME_IP	AT(4)
#define GOT_MORE	""
#define NEXT_ARGS	"mov %ebx, %ecx\n\t"				\
			"mov $" UPC_STR(UPC_CONTROL_NEXT) ", %ebx\n\t"	\
			"mov %esp, %edx\n\t"
#define POP_FRAME	"mov %ecx, %ebx\n\t"				\
			".irp reg, %eax, %ecx, %edx\n\t"		\
			"pop \\reg\n\t"					\
			".endr\n\t"					\
			"popfl\n\t"					\
			"ret\n"
#endif

/*
 * Whatever the stack pointer is, the thread finds back by its thread area. An
 * upcall that comes at the end of the call takes the result from the frame and
 * does not go back; one that comes anywhere else does.
 */
asm(".pushsection .text\n"
	".macro self reg\n\t"
	"mov " SELF ", \\reg\n\t"
	".endm\n"
	"fuzz_loop:\n\t"
	".irp reg, " KEPT "\n\t"
	"push \\reg\n\t"
	".endr\n\t"
	"self " R(bp) "\n\t"
	"mov " R(sp) ", (" R(bp) ")\n"
	"fuzz_next_call:\n\t"
	"self " R(bp) "\n\t"
	"mov (" R(bp) "), " R(sp) "\n\t"
	"movl $0, " AT(15) "(" R(bp) ")\n\t"
	"cld\n\t"
	"and $-16, " R(sp) "\n\t"
	"call one_call\n\t"
	"self " R(bp) "\n\t"
	"test %eax, %eax\n\t"
	"je 2f\n\t"
	"mov " AT(1) "(" R(bp) "), " R(ax) "\n\t"
	".set at, 2\n\t"
	".irp reg, " ARGS "\n\t"
	"mov at * " UPC_STR(__SIZEOF_LONG__) "(" R(bp) "), \\reg\n\t"
	".set at, at + 1\n\t"
	".endr\n\t"
	"cmpl $0, " AT(7) "(" R(bp) ")\n\t"
	"jne 1f\n\t"
	"mov " AT(6) "(" R(bp) "), " R(sp) "\n"
	CALL_INSN "\n"
	"fuzz_after:\n\t"
	"self " R(bp) "\n\t"
	"mov " R(ax) ", " AT(9) "(" R(bp) ")\n\t"
	"movl $2, " AT(8) "(" R(bp) ")\n\t"
	"jmp fuzz_next_call\n"
	"1:\n\t"
	"call *" AT(7) "(" R(bp) ")\n\t"
	"jmp fuzz_after\n"
	"fuzz_resumed:\n\t"
	"self " R(bp) "\n\t"
	"mov " R(ax) ", " AT(9) "(" R(bp) ")\n\t"
	"mov " R(bx) ", " AT(10) "(" R(bp) ")\n\t"
	"mov " R(cx) ", " AT(11) "(" R(bp) ")\n\t"
	"mov " R(dx) ", " AT(12) "(" R(bp) ")\n\t"
	"mov " R(sp) ", " AT(13) "(" R(bp) ")\n\t"
	GOT_MORE
	"movl $3, " AT(8) "(" R(bp) ")\n\t"
	"jmp fuzz_next_call\n"
	"2:\n\t"
	"mov (" R(bp) "), " R(sp) "\n\t"
	".irp reg, " KEPT_BACK "\n\t"
	"pop \\reg\n\t"
	".endr\n\t"
	"ret\n"
	"fuzz_ctx:\n\t"
	"self " R(ax) "\n\t"
	"incl " AT(14) "(" R(ax) ")\n\t"
	"cmpl $0, " AT(15) "(" R(ax) ")\n\t"
	"jne 2f\n\t"
	"cmp" W " $fuzz_after, " FRAME_IP "(" R(sp) ")\n\t"
	"jne 1f\n\t"
	"mov (" R(sp) "), " R(ax) "\n\t"
	"jmp fuzz_after\n"
	"1:\n\t"
	NEXT_ARGS
	"mov $" UPC_STR(__NR_upc_control) ", %eax\n\t"
	CALL_INSN "\n\t"
	POP_FRAME			/* it has failed */
	"2:\n\t"
	"movl $5, " AT(8) "(" R(ax) ")\n\t"	/* nobody knows what it returned */
	"jmp fuzz_next_call\n"
	"fuzz_ctx_end:\n"
	".popsection");

static void wrong(const char *fmt, ...)
{
	char what[160];
	va_list ap;

	/* An upcall must not end this. */
	if (self)
		self->doubt = 0;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (self)
		snprintf(shared->why, sizeof(shared->why),
			 "thread %d, %u calls before the end: %s: %lu(%#lx, %#lx, %#lx, %#lx), sp %#lx: %s",
			 self->number, self->left, row_names[self->row],
			 self->nr, self->arg[0], self->arg[1], self->arg[2], self->arg[3],
			 self->sp, what);
	else
		snprintf(shared->why, sizeof(shared->why), "%s", what);
	_exit(KSFT_FAIL);
}

static unsigned int roll(unsigned int below)
{
	return throw_dice(&self->dice, below);
}

/* Arguments. */

/* No page that anybody executes: what is entered there faults. */
static unsigned long nowhere(unsigned int odd)
{
	switch (roll(4)) {
	case 0:
		return 16 + odd;
	case 1:
		if (alone)
			return (unsigned long)self->memory.page[ABSENT] + 16 + odd;
		return PAGE - 32 + odd;
	default:
		return PAGE - 16 + odd;
	}
}

#define CTX_NOWHERE	1		/* tells what was entered, */
#define IP_NOWHERE	2		/* from what was resumed */

static bool is_nowhere(unsigned long at, unsigned int odd)
{
	unsigned long absent = (unsigned long)self->memory.page[ABSENT];

	return at == 16 + odd || at == PAGE - 16 + odd || at == PAGE - 32 + odd ||
	       at == absent + 16 + odd;
}

static unsigned long kernel_address(void)
{
	/* Or nobody's, where there is such. */
	if (sizeof(long) > sizeof(int) && !roll(4))
		return (0x100ULL + roll(0xfdff)) << 48 | roll(1U << 31);
	if (end_of_user && roll(2))
		return end_of_user + (roll(2) ? 4 * roll(1000) :
				      4 * roll(0x10000000 / 4));
	return KERNEL_ADDR + roll(PAGE);
}

/* On, before and behind every border, and in the middle of every page. */
static char *some_place(struct zone *z, unsigned int size)
{
	char *at;

	switch (roll(16)) {
	case 0:
		return roll(2) ? NULL : (char *)(unsigned long)roll(64);
	case 1:
		return (char *)kernel_address();
	case 2 ... 6:
		at = z->page[1 + roll(NR_PAGES - 1)];
		at += (int)roll(2 * size + 1) - (int)size;
		break;
	case 7 ... 9:
		at = z->page[roll(NR_PAGES)] + roll(PAGE - 2 * size);
		break;
	default:
		return z->page[RW_FIRST] + 1024 + size * roll(32);
	}
	return roll(8) ? (char *)((unsigned long)at & ~3UL) : at;
}

/* One for a frame: where others change what is written, at a fixed place. */
static void *some_frame(struct zone *z)
{
	char *at = some_place(z, sizeof(struct upcall_frame));

	if (zone_changes(z, at + sizeof(struct upcall_frame)))
		at -= (at - z->page[0]) % sizeof(struct upcall_frame);
	return at;
}

/* One for a struct upcall: there, crit_count and pending are no frame's ax. */
static void *some_upc(struct zone *z)
{
	char *at = some_place(z, sizeof(struct upcall));
	unsigned int part;

	if (zone_changes(z, at + sizeof(struct upcall))) {
		part = (at - z->page[0]) % sizeof(struct upcall_frame);
		if (part >= sizeof(struct upcall_frame) - 8)
			at -= 12;
	}
	return at;
}

static int some_priority(void)
{
	static const int edges[] = {
		0, -1, INT_MIN, INT_MAX, 1, 31, 32, 33, 64, INT_MAX - 32,
	};

	return roll(3) ? (int)roll(100) : edges[roll(ARRAY_SIZE(edges))];
}

static unsigned long some_high_half(void)
{
	return (unsigned long long)roll(1U << 31) << 32;
}

static int some_id(void)
{
	static const int edges[] = { 0, -2, INT_MIN, INT_MAX, INT_MAX - 1, 1 };
	int last = READ_ONCE(last_id);

	switch (roll(8)) {
	case 0:
		return edges[roll(ARRAY_SIZE(edges))];
	case 1:
		return 1 + roll(last + 3);
	case 2:
	case 3:
		return -1;
	default:
		return last > LIMIT ? last - (int)roll(LIMIT) :
				      1 + (int)roll(last + 1);
	}
}

/* What the calls may do. */

static unsigned int for_id(int id, unsigned int found)
{
	int state = id > 0 && id < IDS ? READ_ONCE(states[id]) : DEAD;

	if (state == DEAD || (alone && state == UNKNOWN))
		return BIT(NO_ENTRY);
	return alone && !self->in_call ? found : found | BIT(NO_ENTRY);
}

/* Does the thread own an upcall? Others may have deleted the last one. */
static enum access owns_some(void)
{
	if (self->owns_nothing || (alone && !live))
		return NO;
	return alone && !self->in_call ? YES : MAYBE;
}

/* Anybody's memory, and nobody's, but not what others make their calls with. */
static void *wild_place(void)
{
	unsigned long at, size = NR_PAGES * PAGE + 64, i;
	struct self *s;

	do {
		at = (unsigned long)roll(1 << 20) << 12 | roll(4096);
		if (end_of_user > UINT_MAX && roll(2))
			at |= (unsigned long long)roll(1 << 15) << 32;
		for (i = 0; i < MAX_THREADS; i++) {
			s = &threads[i];
			if (at + 64 - (unsigned long)s->memory.page[0] < size ||
			    at + 64 - (unsigned long)s->stacks.page[0] < size)
				break;
		}
	} while (i < MAX_THREADS);
	return (void *)at;
}

/* For certain; if not, the kernel may find it so, but for the second. */
static bool is_good_upc(struct upcall *upc)
{
	return zone_access(&self->memory, upc, sizeof(*upc), true) == YES &&
	       !((unsigned long)upc & 3);
}

static bool is_writable_upc(struct upcall *upc)
{
	return zone_access(&self->memory, &upc->pending, sizeof(int), true) != NO;
}

static void plan_register(void)
{
	struct upcall *upc = some_upc(&self->memory);
	unsigned long ctx = roll(8) ? (unsigned long)LABEL(fuzz_ctx) :
				      nowhere(CTX_NOWHERE);
	unsigned long cfunc = roll(8) ? 1 + roll(1000) : 0;
	unsigned int may = 0, good;
	enum access read, write;

	if (!roll(32))
		upc = wild_place();
	if (!roll(16))
		ctx = kernel_address();
	if (!roll(16))
		cfunc = kernel_address();
	read = zone_access(&self->memory, upc, sizeof(*upc), false);
	write = zone_access(&self->memory, upc, sizeof(*upc), true);
	/* Most are as they should be; some that can be written are not. */
	if (write == YES)
		*upc = (struct upcall) {
			.magic = roll(8) ? UPCALL_MAGIC : (int)roll(1000),
		};
	good = BIT(POSITIVE) | BIT(TOO_BIG) | (injecting ? BIT(NO_MEMORY) : 0);
	if (alone && max > 0)
		good &= live < (unsigned int)max ? ~BIT(TOO_BIG) : ~BIT(POSITIVE);
	if ((unsigned long)upc & 3)
		may |= BIT(INVALID);
	if (read == NO || ctx >= KERNEL_ADDR || cfunc >= KERNEL_ADDR ||
	    (end_of_user && (ctx >= end_of_user || cfunc >= end_of_user)))
		may |= BIT(FAULT);
	if (read == MAYBE)
		may |= BIT(FAULT) | BIT(INVALID) | (may ? 0 : good);
	else if (read == YES && upc->magic != UPCALL_MAGIC)
		may |= BIT(INVALID);
	self->allowed = may ?: good;
	self->nr = __NR_upc_register;
	self->arg[0] = (unsigned long)upc;
	self->arg[1] = ctx;
	self->arg[2] = cfunc;
	self->arg[3] = roll(1000);
	self->new_upc = upc;
	self->new_upc_bad = !is_good_upc(upc);
	self->new_upc_unwritable = !is_writable_upc(upc);
	/* A SIGSEGV may be this one's before we know whether it was taken. */
	self->upc_in_doubt = self->allowed & BIT(POSITIVE) && self->new_upc_bad;
}

/* Does the struct upcall in use lie in there, be it in part? */
static bool has_upc(void *low, void *top)
{
	return (void *)(self->upc + 1) > low && (void *)self->upc < top;
}

/*
 * Is it not certain what stays in the frame, and in those that may be pushed
 * when it has been entered again or popped?
 */
static bool is_doubtful(struct zone *z, void *top)
{
	return zone_changes(z, top) || has_upc(zone_reach(z, top), top);
}

static void plan_next(void)
{
	struct upcall_frame *at = some_frame(&self->memory);
	enum access read = zone_access(&self->memory, at, sizeof(*at), false);
	enum access write;
	struct iovec from = { &self->frame, sizeof(*at) };
	struct iovec to = { at, sizeof(*at) };

	/* No system call has such a number: it may be resumed before one. */
	self->frame = (struct upcall_frame) {
		.fr_ax = 0x10000 + roll(1000),
		.fr_cx = roll(1000),
		.fr_dx = roll(1000),
#ifdef __x86_64__
		.rsi = roll(1000),
		.rdi = roll(1000),
		.r11 = roll(1000),
#endif
		.fr_flags = roll(1 << 20) << 2 | roll(4),
		.fr_ip = roll(2) ? (unsigned long)LABEL(fuzz_resumed) : roll(8) ?
			 nowhere(IP_NOWHERE) : kernel_address(),
	};
	write = zone_access(&self->memory, at, sizeof(*at), true);
	/* Upcalls of others' that come before the call add to crit_count. */
	self->frame_known = write == YES && ((alone && !self->in_call) ||
					     !has_upc(at, at + 1));
	if (write == YES)
		memcpy(at, &self->frame, sizeof(*at));
	else if (read == MAYBE)
		process_vm_writev(getpid(), &from, 1, &to, 1, 0);
	/* It may go, and with it what is pushed there. */
	self->doubtful |= is_doubtful(&self->memory, at + 1) ||
			  (self->in_call && in_zone(&self->memory,
						    (unsigned long)at));
	self->allowed = 0;
	if (read != YES ||
	    (self->upc && self->upc_bad && owns_some() != NO))
		self->allowed |= BIT(FAULT);
	if (read != NO && (!self->upc_unwritable || owns_some() != YES))
		self->allowed |= BIT(NO_RETURN);
	self->arg[1] = roll(1000);
	self->arg[2] = (unsigned long)at;
}

static bool is_own_live(int id)
{
	return id > 0 && id < IDS && READ_ONCE(states[id]) == LIVE &&
	       owners[id] == self->number;
}

/* Waiting takes time: not often for what may never come. */
static int plan_wait(int id)
{
	if (id == -1 && roll(20) && upc_poll(-1, self->arg[2]) <= 0)
		id = roll(2) ? 0 : some_id();
	if (id != -1)
		self->allowed = BIT(INVALID);
	else
		self->allowed = BIT(POSITIVE) | BIT(INTERRUPTED);
	return id;
}

/* What one task tells is another's upcall, and what it is told its own. */
static unsigned int plan_tell(int id)
{
	bool on_block = roll(2);

	self->arg[0] = on_block ? UPC_CONTROL_ONBLOCK : UPC_CONTROL_ONWAKE;
	if (id == -1)
		return BIT(INVALID);
	if (!id)
		return BIT(ZERO);
	if (alone)
		return on_block ? BIT(NO_ENTRY) : for_id(id, BIT(ZERO));
	return for_id(id, BIT(ZERO)) | BIT(NO_ENTRY);
}

static void plan_control(int row)
{
	static const int undefined[] = { 0, 12, -1, INT_MIN, INT_MAX, 13, 1 << 16 };
	unsigned long high = 0;
	unsigned int may = 0;
	int id = some_id();

	self->nr = __NR_upc_control;
	self->arg[0] = row;
	self->arg[2] = some_priority();
	self->arg[3] = roll(1000);
	switch (row) {
	case UPC_CONTROL_DISPATCH:
		may = id == -1 ? BIT(ZERO) : for_id(id, BIT(ZERO));
		break;
	case UPC_CONTROL_INTERRUPT:
		may = id == -1 ? BIT(INVALID) : for_id(id, BIT(ZERO));
		break;
	case UPC_CONTROL_NEXT:
		return plan_next();
	case UPC_CONTROL_DELETE:
		/* Not all that often, or there would be no others. */
		if (id == -1 && roll(16))
			id = some_id();
		may = id == -1 ? BIT(ZERO) : for_id(id, BIT(ZERO));
		break;
	case UPC_CONTROL_POLL:
	case UPC_CONTROL_POLLANDCLEAR:
		may = id == -1 ? BIT(ZERO) | BIT(ONE) | BIT(POSITIVE) :
				 for_id(id, BIT(ZERO) | BIT(ONE));
		break;
	case UPC_CONTROL_WAIT:
	case UPC_CONTROL_SUSPEND:
		id = plan_wait(id);
		may = self->allowed;
		if (row == UPC_CONTROL_SUSPEND && id == -1) {
			may |= !self->upc || self->upc_bad || self->in_call ?
			       BIT(FAULT) : 0;
			if (!self->upc || self->upc_unwritable)
				may = BIT(FAULT);
		}
		break;
	case TELL:
		may = plan_tell(id);
		break;
	default:
		self->arg[0] = undefined[roll(ARRAY_SIZE(undefined))];
		may = BIT(INVALID);
	}
	/* Of these arguments the kernel is to see 32 bits. */
	if (sizeof(long) > sizeof(int) && !roll(4)) {
		self->arg[0] ^= some_high_half();
		self->arg[2] ^= some_high_half();
		high = some_high_half();
	}
	/* 1 may be an identifier, too. */
	if (id == -1 && may & BIT(POSITIVE))
		may |= BIT(ONE);
	self->arg[1] = id ^ high;
	self->allowed = may;
}

/* User code may have left anything there. */
static void fill_upc(void)
{
	static const int crits[] = { 0, 0, 0, 32, -32, INT_MIN, INT_MAX, 31, 64 };
	static const int pendings[] = { 0, 0, 0, 0, 1, -1, INT_MAX, INT_MIN };

	if (!self->upc || self->upc_bad)
		return;
	self->upc->crit_count = crits[roll(ARRAY_SIZE(crits))];
	self->upc->pending = pendings[roll(ARRAY_SIZE(pendings))];
	barrier();
}

/*
 * What is given, or taken, must not get lost with the stack: those calls, and
 * those through the vDSO, which needs one, are made on a good one.
 */
static void plan_stack(void)
{
	struct upcall_frame *f;
	bool good = self->row == REGISTER || self->row == UPC_CONTROL_DELETE ||
		    roll(2);

	self->sp = (unsigned long)self->stack;
	self->entry = 0;
	self->doubtful = false;
	if (good) {
		/* Below what the loop has on the stack. */
		self->entry = roll(2) ? vdso : 0;
		return;
	}
	f = some_frame(&self->stacks);
	self->sp = (unsigned long)(f + 1);
	self->doubtful = zone_changes(&self->stacks, (char *)(f + 1));
}

/* Of the memory zone, all that can be written: then it can be taken away. */
static bool upc_is_in_zone(void)
{
	return self->upc && !self->upc_bad &&
	       in_zone(&self->memory, (unsigned long)self->upc) &&
	       in_zone(&self->memory, (unsigned long)(self->upc + 1) - 1);
}

/* Of the pages of the zone, the nth that struct upcall is in, or -1. */
static int kind_of_upc(struct self *s, int nth)
{
	unsigned long first = (unsigned long)s->upc - (unsigned long)s->memory.page[0];
	unsigned long kind = first / PAGE + nth;

	return kind * PAGE < first + sizeof(*s->upc) ? (int)kind : -1;
}

static void mark_taken(enum taken how)
{
	int i, kind;

	for (i = 0; (kind = kind_of_upc(self, i)) >= 0; i++)
		self->memory.taken[kind] = how;
}

static void want_strip(bool in_call)
{
	self->in_call = in_call;
	self->taken = roll(3) ? TAKEN : TAKEN_TO_WRITE;
	if (in_call)
		mark_taken(PERHAPS_TAKEN);
	else
		__atomic_store_n(&self->strip, WANTED, __ATOMIC_RELEASE);
}

/* What comes while it waits is entered, if it is not held, and left. */
static void wait_for_strip(void)
{
	WAIT_UNTIL(__atomic_load_n(&self->strip, __ATOMIC_ACQUIRE) == STRIPPED);
	self->owns_nothing = true;
	if (alone)
		live = 0;
	count(self->in_call ? &shared->stripped_in_call : &shared->stripped);
}

/* In the main thread: the upcalls of s first, and then its struct upcall. */
static void strip(struct self *s, unsigned int *dice)
{
	int prot = s->taken == TAKEN ? PROT_NONE : PROT_READ;
	int i, kind, last = READ_ONCE(last_id);

	for (i = 1; i <= last && i < IDS; i++) {
		if (owners[i] == s->number && READ_ONCE(states[i]) == LIVE &&
		    next_random(dice) % 2)
			upc_dispatch(i, next_random(dice) % 64);
	}
	for (i = 1; i <= last && i < IDS; i++) {
		if (owners[i] == s->number && READ_ONCE(states[i]) == LIVE &&
		    !upc_delete(i))
			WRITE_ONCE(states[i], DEAD);
	}
	for (i = 0; (kind = kind_of_upc(s, i)) >= 0; i++)
		if (mprotect(s->memory.page[kind], PAGE, prot))
			wrong("mprotect: errno %d", errno);
	__atomic_store_n(&s->strip, STRIPPED, __ATOMIC_RELEASE);
}

static void plan_call(void)
{
	static const unsigned char rows[] = {
		REGISTER, REGISTER, REGISTER, REGISTER,
		UPC_CONTROL_DISPATCH, UPC_CONTROL_DISPATCH, UPC_CONTROL_DISPATCH,
		UPC_CONTROL_DISPATCH, UPC_CONTROL_DISPATCH,
		UPC_CONTROL_NEXT, UPC_CONTROL_NEXT, UPC_CONTROL_NEXT,
		UPC_CONTROL_DELETE, UPC_CONTROL_DELETE,
		UPC_CONTROL_POLL, UPC_CONTROL_POLLANDCLEAR,
		UPC_CONTROL_WAIT, UPC_CONTROL_SUSPEND,
		UPC_CONTROL_INTERRUPT, UPC_CONTROL_INTERRUPT, TELL, UNDEFINED,
	};

	self->row = rows[roll(ARRAY_SIZE(rows))];
	if (self->row == TELL && !can_tell)
		self->row = UNDEFINED;
	self->upc_in_doubt = false;
	self->frame_known = false;
	fill_upc();
	/* Its own upcalls are what a registration is to give it. */
	if (!roll(strip_odds) && upc_is_in_zone())
		want_strip(self->row != REGISTER && roll(2));
	if (self->strip == WANTED) {
		wait_for_strip();
		mark_taken(self->taken);
		self->upc_bad = true;
		self->upc_unwritable = true;
	}
	plan_stack();
	if (self->row == REGISTER)
		plan_register();
	else
		plan_control(self->row);
	/* What is written for the call may lie over the one in use. */
	if (self->upc && !self->upc_bad)
		self->before = *self->upc;
	self->segv = false;
	self->entries_before = self->entries;
	if (self->in_call)
		__atomic_store_n(&self->strip, WANTED, __ATOMIC_RELEASE);
	barrier();
	self->stage = CALLING;
	barrier();
	self->doubt = self->doubtful;
}

/* What came of it. */

static enum outcome outcome(int ret)
{
	switch (ret) {
	case 0:
		return ZERO;
	case 1:
		return self->row == REGISTER ? POSITIVE : ONE;
	case -EFAULT:
		return FAULT;
	case -EINVAL:
		return INVALID;
	case -ENOENT:
		return NO_ENTRY;
	case -EFBIG:
		return TOO_BIG;
	case -ENOMEM:
		return NO_MEMORY;
	case -EINTR:
		return INTERRUPTED;
	}
	return ret > 0 ? POSITIVE : ANYTHING_ELSE;
}

static void note_registered(int id)
{
	int last;

	if (id <= 0 || id >= IDS)
		wrong("the id %d", id);
	if (alone && states[id] != UNKNOWN)
		wrong("%d was given out before", id);
	owners[id] = self->number;
	if (states[id] == UNKNOWN)
		__sync_bool_compare_and_swap(&states[id], UNKNOWN, LIVE);
	while ((last = READ_ONCE(last_id)) < id &&
	       !__sync_bool_compare_and_swap(&last_id, last, id))
		;
	self->upc = self->new_upc;
	self->upc_bad = self->new_upc_bad;
	self->upc_unwritable = self->new_upc_unwritable;
	self->owns_nothing = false;
	live++;
}

/*
 * The new one was as new: what was held by the one before has been entered, or
 * stands in pending behind what has.
 */
static void check_replaced(void)
{
	struct upcall *upc = self->upc;

	if (self->upc_bad || self->segv)
		return;
	if (self->entries == self->entries_before && upc_poll(-1, 1) > 0)
		wrong("%d is pending, and was not entered", upc_poll(-1, 1));
	if (upc->pending < INT_MAX && upc_poll(-1, upc->pending + 1) > 0)
		wrong("%d is pending above %d, and that is in pending",
		      upc_poll(-1, upc->pending + 1), upc->pending);
}

static void note_deleted(int id)
{
	int i;

	if (id != -1) {
		WRITE_ONCE(states[id], DEAD);
		live--;
		return;
	}
	for (i = 1; i <= READ_ONCE(last_id) && i < IDS; i++) {
		if (is_own_live(i)) {
			WRITE_ONCE(states[i], DEAD);
			live--;
		}
	}
}

static void check_table(int from, int to)
{
	int id, ret;

	for (id = from; id <= to && id < IDS; id++) {
		ret = upc_poll(id, 1);
		if (states[id] == LIVE ? ret != 0 && ret != 1 : ret != -ENOENT)
			wrong("then POLL of %d, which is %s, gives %d", id,
			      states[id] == LIVE ? "there" : "not there", ret);
	}
}

static int first_own(void)
{
	int i = READ_ONCE(last_id);

	while (i > 0 && !is_own_live(i))
		i--;
	return i;
}

/* A dispatch that is held shows by whose pending it raises which is in use. */
static void check_upc(void)
{
	int id = first_own(), ret;

	if (!id || !self->upc || self->upc_bad || self->new_upc == self->upc)
		return;
	self->upc->crit_count = INT_MAX;
	self->upc->pending = 0;
	ret = upc_dispatch(id, 1);
	if (ret || self->upc->pending < 1)
		wrong("another upc is in use? DISPATCH %d: %d, pending is %d",
		      id, ret, self->upc->pending);
	upc_pollclear(id, 1);
}

/* A call that failed has changed nothing. */
static void check_unchanged(void)
{
	struct upcall *upc = self->upc;
	int from = last_id > 4 ? last_id - (int)roll(4 + last_id % 64) : 1;

	if (upc && !self->upc_bad && !self->segv && !self->in_call &&
	    self->entries == self->entries_before &&
	    (upc->crit_count != self->before.crit_count ||
	     upc->pending != self->before.pending))
		wrong("crit_count, pending: %d, %d became %d, %d",
		      self->before.crit_count, self->before.pending,
		      upc->crit_count, upc->pending);
	check_table(from < 1 ? 1 : from, from + 3);
	if (self->row == REGISTER)
		check_upc();
}

/* NEXT gave the interrupted code what the frame has, and its ebx. */
static void check_resumed(void)
{
	struct upcall_frame *f = &self->frame;

	if (!self->frame_known)
		return;
#ifdef __x86_64__
	if (self->got_si != f->rsi || self->got_di != f->rdi ||
	    self->got_r11 != f->r11)
		wrong("resumed with rsi %#lx rdi %#lx r11 %#lx", self->got_si,
		      self->got_di, self->got_r11);
#else
	if (self->got_bx != self->arg[1])
		wrong("resumed with ebx %#lx", self->got_bx);
#endif
	if (self->got_ax != (unsigned long)f->fr_ax ||
	    self->got_cx != (unsigned long)f->fr_cx ||
	    self->got_dx != (unsigned long)f->fr_dx ||
	    self->got_sp != self->arg[2] + FRAME_SPACE)
		wrong("resumed with ax %#lx bx %#lx cx %#lx dx %#lx sp %#lx",
		      self->got_ax, self->got_bx, self->got_cx,
		      self->got_dx, self->got_sp);
}

static void judge_registered(int id)
{
	struct upcall *before = self->upc;

	note_registered(id);
	if (!before || before == self->upc)
		return;
	if (self->entries != self->entries_before)
		count(&shared->replaced);
	if (alone)
		check_replaced();
}

static void judge_call(void)
{
	int ret = self->got_ax;
	enum outcome o = self->stage == RETURNED ? outcome(ret) : NO_RETURN;

	if (self->stage == LOST) {
		count(&shared->lost);
		return;
	}
	if (self->entries != self->entries_before && self->upc_unwritable &&
	    self->row != REGISTER)
		wrong("entered, and upc %p can't be written", (void *)self->upc);
	if (!(self->allowed & BIT(o)))
		wrong("%s (%d), allowed is %#x", outcome_names[o],
		      o == NO_RETURN ? 0 : ret, self->allowed);
	if (o == NO_RETURN)
		check_resumed();
	if (self->row == REGISTER && o == POSITIVE)
		judge_registered(ret);
	if (self->row == UPC_CONTROL_DELETE && o == ZERO)
		note_deleted(self->arg[1]);
	if (alone && o >= FAULT && o <= NO_MEMORY)
		check_unchanged();
	count(&shared->came[self->row][o]);
	self->upc_in_doubt = false;
}

/* What was taken away is there again before anybody reads it. */
static void give_back(void)
{
	int i, kind;

	for (i = 0; (kind = kind_of_upc(self, i)) >= 0; i++) {
		/* That may need memory, which there may not be. */
		WAIT_UNTIL(!mprotect(self->memory.page[kind], PAGE,
				     PROT_READ | PROT_WRITE));
	}
	mark_taken(NOT_TAKEN);
}

static void judge(void)
{
	bool stripped;

	if (self->in_call)
		wait_for_strip();
	stripped = self->strip == STRIPPED;
	if (stripped)
		give_back();
	judge_call();
	/* One that was registered meanwhile may lie there, too. */
	if (stripped) {
		self->upc_bad = !is_good_upc(self->upc);
		self->upc_unwritable = !is_writable_upc(self->upc);
	}
	if (stripped && self->in_call && alone)
		live = 0;
	self->in_call = false;
	self->strip = NOT_STRIPPED;
}

/* Is the limit where it was, and are so many places free as should be? */
static void check_limit(unsigned int used)
{
	static struct upcall upc = UPCALL_INIT;
	int ids[LIMIT + 1], n = 0, ret = -EFBIG;

	if (max != LIMIT)
		return;
	upc.crit_count = 0;
	upc.pending = 1;
	while (n <= LIMIT) {
		ret = upc_register_ctx(&upc, LABEL(fuzz_ctx), (void *)1, NULL);
		if (ret == -ENOMEM && injecting)
			continue;
		if (ret <= 0)
			break;
		ids[n++] = ret;
	}
	if (ret != -EFBIG || n + used != LIMIT)
		wrong("%d more could be registered beside %u of %d: %d", n,
		      used, LIMIT, ret);
	/* If one was taken. */
	if (self && n) {
		self->upc = &upc;
		self->upc_bad = false;
		self->upc_unwritable = false;
	}
	while (n--) {
		if (ids[n] < IDS)
			WRITE_ONCE(states[ids[n]], DEAD);
		if (upc_delete(ids[n]))
			wrong("%d could not be deleted", ids[n]);
		if (READ_ONCE(last_id) < ids[n])
			WRITE_ONCE(last_id, ids[n]);
	}
}

/* Called by fuzz_loop: judges the call before and plans the next; 0 to end. */
static int __attribute_used__ one_call(void)
{
	if (self->stage != IDLE) {
		judge();
		count(&shared->calls);
		self->stage = IDLE;
		self->left--;
		if (alone && self->left % 512 == 0) {
			check_table(1, last_id);
			check_limit(live);
		}
	}
	if (!self->left)
		return 0;
	plan_call();
	return 1;
}

/* Signals. */

static bool in_program(unsigned long ip)
{
	return (ip >= (unsigned long)LABEL(__executable_start) &&
		ip < (unsigned long)LABEL(etext)) ||
	       (vdso && ip >= (vdso & ~(PAGE - 1UL)) &&
		ip < (vdso & ~(PAGE - 1UL)) + 2 * PAGE);
}

static bool in_loop(unsigned long ip)
{
	return ip >= (unsigned long)LABEL(fuzz_loop) &&
	       ip < (unsigned long)LABEL(fuzz_ctx_end);
}

/* Could a frame be pushed for code with that stack pointer? */
static bool is_good_stack(unsigned long sp)
{
	unsigned int size = sizeof(struct upcall_frame);
	unsigned long frame = sp - FRAME_SPACE;
	unsigned long low = (unsigned long)self->stack - 2 * PAGE;

	if (in_zone(&self->stacks, frame))
		return zone_access(&self->stacks, (void *)frame, size, true) == YES;
	if (in_zone(&self->memory, frame))
		return zone_access(&self->memory, (void *)frame, size, true) == YES;
	return sp - low <= self->base - low ||
	       sp - (unsigned long)self->altstack <= ALTSTACK;
}

/* Rule 5: if it was not entered, all is as it was. Where nobody else dispatches. */
static void check_refused(void)
{
	if (self->entries != self->entries_before ||
	    (self->row != UPC_CONTROL_DISPATCH && self->row != UPC_CONTROL_WAIT))
		return;
	if (self->upc && !self->upc_bad &&
	    (self->upc->crit_count != self->before.crit_count ||
	     self->upc->pending != self->before.pending))
		wrong("SIGSEGV, and crit_count, pending: %d, %d became %d, %d",
		      self->before.crit_count, self->before.pending,
		      self->upc->crit_count, self->upc->pending);
	/* A re-dispatch has pending to write, whatever is pending. */
	if ((int)self->arg[1] != -1 && upc_poll(-1, 1) <= 0)
		wrong("SIGSEGV, and nothing is pending");
}

/* The kernel says that it could not enter an upcall: only where that is so. */
static void on_refusal(unsigned long sp)
{
	count(&shared->segvs);
	self->segv = true;
	/*
	 * It says the same where it failed to copy what a signal handler is
	 * given, or gives back: what that interrupted may be lost, and with it
	 * what we know.
	 */
	if (injecting_copies)
		_exit(0);
	if (self->row != REGISTER && owns_some() == NO)
		wrong("SIGSEGV, and it owns no upcalls");
	if (!self->upc_bad && !self->upc_in_doubt && is_good_stack(sp))
		wrong("SIGSEGV with sp %#lx, upc %p", sp, (void *)self->upc);
	if (alone && !self->in_call)
		check_refused();
}

/* Neither the user's nor the kernel's: what is resumed there faults so. */
static bool is_canonical(unsigned long ip)
{
	return !end_of_user || ip < end_of_user || ip >= -end_of_user - PAGE;
}

/* What the kernel says of a signal is lost if it cannot allocate that. */
static bool is_refusal(siginfo_t *info, unsigned long ip)
{
	return (info->si_code == SI_KERNEL && is_canonical(ip)) ||
	       (injecting && info->si_code == SI_USER && in_program(ip));
}

/* NEXT has resumed code that is nowhere, and it has faulted. */
static void on_wild_code(greg_t *gregs)
{
	unsigned long ip = (unsigned long)gregs[REG_IP];

	self->got_ax = gregs[REG_AX];
	self->got_bx = gregs[REG_BX];
	self->got_cx = gregs[REG_CX];
	self->got_dx = gregs[REG_DX];
#ifdef __x86_64__
	self->got_si = gregs[REG_RSI];
	self->got_di = gregs[REG_RDI];
	self->got_r11 = gregs[REG_R11];
#endif
	self->got_sp = gregs[REG_SP];
	if (self->frame_known && ip != (unsigned long)self->frame.fr_ip)
		wrong("resumed at %#lx, not %#lx", ip,
		      (unsigned long)self->frame.fr_ip);
	self->stage = GONE_WILD;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	unsigned long ip = gregs[REG_IP];

	gregs[REG_EFL] &= ~(TF_FLAG | AC_FLAG);
	if (!self)
		wrong("signal %d at %#lx", sig, ip);
	if (sig == SIGSEGV && is_refusal(info, ip)) {
		on_refusal(gregs[REG_SP]);
	} else if (is_nowhere(ip, CTX_NOWHERE)) {
		/* As at the entry of a context function: use another one. */
		count(&shared->wild_entries);
		gregs[REG_IP] = (greg_t)LABEL(fuzz_ctx);
	} else if (sig != SIGSEGV && in_program(ip)) {
		/* A trap flag, or alignment check, that a frame had. */
	} else if (self->stage == CALLING && self->row == UPC_CONTROL_NEXT &&
		   !in_program(ip)) {
		on_wild_code(gregs);
		gregs[REG_IP] = (greg_t)LABEL(fuzz_next_call);
	} else if (self->doubt && (!in_program(ip) || in_loop(ip))) {
		/* Some frame has become another, or is there no more. */
		self->stage = LOST;
		gregs[REG_IP] = (greg_t)LABEL(fuzz_next_call);
	} else {
		wrong("signal %d, code %d, at %#lx, for %p", sig, info->si_code,
		      ip, info->si_addr);
	}
}

static void on_tick(int sig, siginfo_t *info, void *context)
{
}

static int handle_signals(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGTRAP, SIGILL };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (handle_on_altstack(faults[i], SA_NODEFER, on_fault))
			return -1;
	return handle_on_altstack(SIGUSR1, SA_NODEFER, on_tick) ||
	       handle_on_altstack(SIGALRM, SA_NODEFER, on_tick);
}

/* Lives. */

/* No upcall comes any more, and no signal for it: the end of a thread. */
static void settle(void)
{
	static __thread struct upcall last = { UPCALL_MAGIC, 0, 1 };
	int i, ret;

	/* Others have not yet deleted all that they are about to. */
	pthread_barrier_wait(&barrier_);
	for (i = 1; i <= last_id && i < IDS; i++) {
		ret = upc_poll(i, 1);
		if (owners[i] == self->number && states[i] == LIVE ?
		    ret != 0 && ret != 1 : states[i] == DEAD && ret != -ENOENT)
			wrong("in the end POLL of %d gives %d", i, ret);
	}
	pthread_barrier_wait(&barrier_);
	do {
		ret = upc_register_ctx(&last, LABEL(fuzz_ctx), (void *)1, NULL);
		if (ret == -EFBIG)
			upc_delete(first_own() ?: -1);
		if (ret == -EFBIG && !first_own())
			return;
		if (ret == -EFBIG)
			WRITE_ONCE(states[first_own()], DEAD);
	} while (ret == -ENOMEM || ret == -EFBIG);
}

/* A page of it that cannot be had when an upcall comes is a SIGSEGV. */
static void touch_stack(char *top)
{
	char *at;

	for (at = self->stack - 2 * PAGE; at < top - PAGE / 2; at += PAGE)
		WRITE_ONCE(*at, 0);
}

static void *live_on(void *data)
{
	stack_t ss;

	self = data;
	self->stack = (char *)__builtin_frame_address(0) - 65536;
	touch_stack(self->stack + 65536);
	if (make_zone(&self->memory) || make_zone(&self->stacks) ||
	    handle_signals())
		wrong("the beginning of a thread: errno %d", errno);
	if (sigaltstack(NULL, &ss))
		wrong("sigaltstack: errno %d", errno);
	self->altstack = ss.ss_sp;
	/* And so is one of this when a signal comes. */
	memset(self->altstack, 0, ALTSTACK);
	__atomic_store_n(&self->tid, sys_gettid(), __ATOMIC_RELEASE);
	pthread_barrier_wait(&barrier_);
	if (injecting || injecting_copies)
		inject_here(true);
	asm volatile(BELOW_RED_ZONE "call fuzz_loop" ABOVE_RED_ZONE
		     : : : FUZZ_CLOBBERS "memory", "cc");
	if (injecting || injecting_copies)
		WAIT_UNTIL(inject_here(false));
	__atomic_fetch_add(&shared->entries, self->entries, __ATOMIC_RELAXED);
	settle();
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* In the main thread, which owns nothing: what the others cannot expect. */
static void disturb(unsigned int *dice)
{
	struct self *s;
	unsigned int r;
	int i;

	while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < nr_threads) {
		for (i = 0; i < nr_threads; i++) {
			s = &threads[i];
			if (__atomic_load_n(&s->strip, __ATOMIC_ACQUIRE) == WANTED)
				strip(s, dice);
		}
		r = next_random(dice);
		s = &threads[r % nr_threads];
		if (!alone) {
			disturb_zone(r & 64 ? &s->memory : &s->stacks,
				     r / 128 % WAYS_TO_DISTURB);
			upc_dispatch(READ_ONCE(last_id) - r % 32, r % 64);
		}
		/* One that sleeps alone has nothing else to wake it. */
		if (r / 1024 % (alone ? 2 : 8) == 0)
			syscall(SYS_tgkill, getpid(), s->tid, SIGUSR1);
		if (alone)
			usleep(500);
		else if (r % 8 == 0)
			sched_yield();
	}
}

static void start_threads(unsigned int seed)
{
	pthread_t thread;
	int i;

	if (pthread_barrier_init(&barrier_, NULL, nr_threads))
		wrong("pthread_barrier_init");
	for (i = 0; i < nr_threads; i++) {
		threads[i].number = i;
		threads[i].left = CALLS;
		threads[i].dice = (seed + 1) * 2654435761u + i * 40503u;
		if (!threads[i].dice)
			threads[i].dice = 1;
		if (pthread_create(&thread, NULL, live_on, &threads[i]) ||
		    pthread_detach(thread))
			wrong("pthread_create");
	}
	for (i = 0; i < nr_threads; i++)
		WAIT_UNTIL(__atomic_load_n(&threads[i].tid, __ATOMIC_ACQUIRE));
}

static int many(void)
{
	const char *threads = getenv("UPCALL_THREADS");
	int n = threads ? atoi(threads) : THREADS;

	return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

/* The child's. */
static void life(unsigned int seed)
{
	unsigned int dice = seed;
	int i;

	alone = seed & 1;
	nr_threads = alone ? 1 : many();
	zones_are_quiet = alone;
	/* Where it is often done, the limit is seldom reached. */
	strip_odds = seed % 3 ? 600 : 40;
	vdso = getauxval(AT_SYSINFO);
	max = upcall_limit();
	if (!alone)
		start_bringing_pages();
	start_threads(seed);
	disturb(&dice);
	/* Their upcalls go when they do. */
	for (i = 0; i < nr_threads; i++)
		WAIT_UNTIL(syscall(SYS_tgkill, getpid(), threads[i].tid, 0));
	for (i = 1; i <= last_id && i < IDS; i++)
		if (upc_poll(i, 0) != -ENOENT)
			wrong("%d has outlived its owner", i);
	check_limit(0);
	_exit(0);
}

/* What fails in a life, and that little enough of it does. */
static void set_failures(unsigned int seed)
{
	const char *fail = getenv("UPCALL_FAIL");

	injecting = can_fail && (fail || seed / 2 % 4 == 2);
	injecting_copies = can_fail_copies && !fail && seed / 2 % 4 == 3;
	if (can_fail)
		inject_percent(!injecting ? 0 : fail ? atoi(fail) : 10);
	if (can_fail_copies)
		inject_copies(injecting_copies ? 1 : 0);
}

static bool lives_well(unsigned int seed)
{
	int status;

	shared->why[0] = 0;
	set_failures(seed);
	child = fork();
	if (!child)
		life(seed);
	status = life_status(240);
	count(&shared->lives);
	shared->failing_lives += injecting || injecting_copies;
	/* So ends who is to get a signal that cannot be copied. */
	if (injecting_copies && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV)
		return true;
	if (hung)
		snprintf(shared->why, sizeof(shared->why), "it does not end");
	if (status)
		ksft_print_msg("seed %u: status %#x: %s\n", seed, status,
			       shared->why);
	return !status;
}

/* How far it is to go: so many lives, so many calls, so long. */
static bool is_enough(int lives, long long start)
{
	const char *calls = getenv("UPCALL_CALLS");

	return shared->lives >= (unsigned long)lives &&
	       (!calls || shared->calls >= strtoul(calls, NULL, 0)) &&
	       (!getenv("UPCALL_SECONDS") || time_is_up(start, 0));
}

static bool run_lives(unsigned int seed, int n)
{
	long long start = now_ns();

	while (!is_enough(n, start))
		if (!lives_well(seed + shared->lives))
			return false;
	ksft_print_msg("%lu calls, seeds %u to %lu, %lld calls a second\n",
		       shared->calls, seed, seed + shared->lives - 1,
		       shared->calls * NSEC_PER_SEC / (now_ns() - start));
	ksft_print_msg("%lu lives, %lu of them with failing allocations or copies\n",
		       shared->lives, shared->failing_lives);
	return true;
}

/* What the kernel never gives has not been tested. */
static bool all_came(void)
{
	bool all = true;
	int row, o;

	for (row = 0; row < NR_ROWS; row++) {
		if (row == TELL && !can_tell)
			continue;
		printf("# %-12s", row_names[row]);
		for (o = 0; o < NR_OUTCOMES; o++) {
			if (shared->came[row][o])
				printf("  %s %lu", outcome_names[o],
				       shared->came[row][o]);
			if (can_come[row] & BIT(o) && !shared->came[row][o])
				all &= o == TOO_BIG && upcall_limit() != LIMIT;
		}
		printf("\n");
	}
	ksft_print_msg("%lu entered, %lu of them nowhere, %lu SIGSEGV, %lu in doubt\n",
		       shared->entries, shared->wild_entries, shared->segvs,
		       shared->lost);
	ksft_print_msg("%lu entered by another upc, %lu + %lu times all deleted and upc gone\n",
		       shared->replaced, shared->stripped,
		       shared->stripped_in_call);
	/* A few lives are too few for that. */
	return shared->lives < 16 || (all && shared->entries &&
				     shared->wild_entries && shared->segvs &&
				     shared->replaced && shared->stripped &&
				     shared->stripped_in_call);
}

int main(void)
{
	int before = upcall_limit(), lives = iterations(16);

	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_print_header();
	ksft_set_plan(2);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || watch_for_hangs())
		ksft_exit_fail_msg("no memory\n");
	progress = &shared->calls;
	end_of_user = user_end();
	/* Small, so that it is reached; else it is as it is. */
	set_upcall_limit(LIMIT);
	can_tell = upc_control(UPC_CONTROL_ONBLOCK, 0, 0) != -EINVAL;
	can_fail = inject_percent(0);
	can_fail_copies = inject_copies(0);
	if (getenv("UPCALL_FAIL") && !can_fail)
		ksft_exit_fail_msg("nothing can be injected in this kernel\n");
	ksft_test_result(run_lives(first_seed(), lives < 8 ? 8 : lives),
			 "each call gives what it may\n");
	if (can_fail)
		inject_percent(0);
	if (can_fail_copies)
		inject_copies(0);
	ksft_test_result(all_came(), "all of it came\n");
	if (before > 0)
		set_upcall_limit(before);
	ksft_finished();
}
