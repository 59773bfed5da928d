/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of upcalls, for spin: one owner, the tasks that dispatch to it, and
 * the kernel between them.
 *
 * Every load and store of memory that two tasks share is a step of its own, as
 * is every load and store of the owner's user code: an upcall comes between
 * any two of them. What is done under the table's lock by the owner is one
 * step, as nobody else reads it before the unlock; a dispatcher's steps under
 * the lock are seen by the owner, which reads armed, kick_skipped and its flag
 * without it.
 *
 * The kernel's side follows kernel/upcall/ function by function: dispatch.h and
 * dispatch.c, wait.c, table.c, and core.c for the rules. User code is the
 * critical sections and the two ways to leave that the manual page describes.
 * What is run is in scenarios.h, one at a time by -DSCN_name. -DFAULT_ and a
 * name puts one mistake in. Each property is a check() with the name of what has
 * gone wrong: spin prints it.
 *
 * Memory is sequentially consistent here. A barrier that is left out is
 * modelled as what it permits: the two accesses in the other order.
 */

#define ADD	2	/* UPC_CRITADD: 1 and 2 are below it, 3 above */

/* What user code consists of: ops[] of a place is one of these + 16 * n. */
#define END	0	/* main: idle; cfunc: return */
#define ENTER	1	/* upc_crit_enter() */
#define LEAVE	2	/* upc_crit_exit() */
#define CLEAR	3	/* the same, with pending cleared before the call */
#define DISP	4	/* DISPATCH of the owner's upcall n, at DISP_PRIO */
#define WAITFOR	5	/* WAIT, priority n */
#define SUSPEND	6	/* SUSPEND, priority n */
#define TAKE	7	/* POLLANDCLEAR -1, and what was found is done */
#define DELETE	8	/* DELETE of upcall n */
#define QUIT	9	/* exit() */
#define WAY_A	10	/* leave through NEXT */
#define WAY_B	11	/* leave by popping the frame, if nothing is pending */
#define LOOK	12	/* what upcalls that a section holds have left to do */
#define REGISTER 13	/* of upcall n % 4, with struct upcall n / 4 % 2 */
#define ANEW	8	/* n / 8: which is in no section then */

#include "scenarios.h"

/* How often each dispatcher does something. */
#ifndef TURNS_1
#if defined(FEW_TURNS) && !defined(LONG)
#define TURNS_1		1
#else
#define TURNS_1		2
#endif
#endif
#ifndef TURNS_2
#define TURNS_2		1
#endif
#ifndef STACK
#define STACK		12	/* words, two a frame */
#endif
#ifndef DISP_PRIO
#define DISP_PRIO	1
#endif
#ifndef AT_START
#define AT_START(id)	1	/* is it registered to begin with? */
#endif
#ifndef UPCS
#define UPCS		1	/* how many struct upcall */
#endif
#ifndef BAD_MEMORY
#define BAD_MEMORY	0	/* how many accesses to user memory fault */
#endif
#ifndef NOISE
#define NOISE		0	/* how often somebody else sets the flag */
#endif
#ifndef STEPS
#define STEPS		0	/* how often the owner is stepped for a while */
#endif
#ifndef TRACED
#define TRACED		0	/* may calls leave the rules to their exit? */
#endif
#ifndef MAX_DEPTH
#define MAX_DEPTH	(STACK / 2)
#endif

/*
 * A place in user code: 64 * whose + 8 * op + step, whose being 0 for main and
 * 1 + id for the upcall's context function and cfunc.
 */
hidden byte ops[32];
#define OP(pc)		ops[(pc) / 8]
#define START(id)	(64 * ((id) + 1))
#define NEXT_OP(pc)	(((pc) / 8 + 1) * 8)
#define UPC_OF(pc)	(OP(pc) / 64 % 2)	/* for REGISTER */
#define MAIN(i)		ops[i]
#define CFUNC(id, i)	ops[8 * ((id) + 1) + i]

/* The names of what may go wrong. */
hidden byte dispatch_lost, entered_while_held, wrong_order, crit_count_differs,
	    stack_grows, slept_on_pending, slept_on_work, woke_for_nothing,
	    left_pending_behind, used_after_free, deleted_is_queued,
	    resumed_elsewhere, exit_left_one_behind, user_not_notified,
	    eintr_without_signal, slept_on_task_work, touched_for_nothing,
	    entered_deleted,
	    efault_for_nothing, segv_for_nothing, entered_in_step,
	    kept_in_kernel;
#define check(cond, what)	assert((cond) || what)

/* The kernel's. core.c says who may touch what. */
bit lock, tif, armed, kick_skipped, asleep, freed;
bit signal, task_work, sigpending;
byte waits, redispatch;
byte prio[NR], q[NR], nq;
bit alive[NR];		/* registered */
#if NR == 1
#define OWNS_SOME	alive[0]
#elif NR == 2
#define OWNS_SOME	(alive[0] || alive[1])
#else
#define OWNS_SOME	(alive[0] || alive[1] || alive[2])
#endif

/* The owner's user memory, and its registers while it is in the kernel. */
byte upc;		/* that struct upcall which is registered */
byte crit[UPCS], pend[UPCS];
#define crit_count	crit[upc]
#define pending		pend[upc]
byte stack[STACK], sp;
byte pc, r, rp;

/* What should be, kept beside what is. */
byte level;		/* what crit_count should be */
byte depth;		/* frames on the stack, and what each interrupted */
byte at_pc[STACK / 2], at_regs[STACK / 2], at_level[STACK / 2];
bit todo;		/* entered since main did its LOOK */
bit work[NR];		/* dispatched for, and not done */
bit due[NR];		/* what this upc_crit_exit() has to enter */
bit running;		/* the dispatchers may begin */
byte faults;
bit segv;

/*
 * Is the owner stepped, by a tracer or for a uprobe? And how often was an upcall
 * deferred since it ran user code?
 */
#if STEPS
bit step, has_owner;	/* that is task->upcall */
byte steps, deferrals;
#define RUNS_USER_CODE	deferrals = 0;
#else
#define step		0
#define RUNS_USER_CODE
#endif

/* Can struct upcall be accessed? */
#ifdef UNMAPS
bit unmapped;
#define MAPPED		(!unmapped)
#else
#define MAPPED		1
#endif

#ifdef FAULT_IN_STEP_TOO
#define IN_STEP_TOO	1
#else
#define IN_STEP_TOO	0
#endif

/* The queue, highest first, under the lock. All of this in one step. */

inline dequeue(d)
{
	for (i : 0 .. NR - 1) {
		if
		:: i < nq && q[i] == d ->
			for (j : i .. NR - 2) {
				q[j] = q[j + 1]
			}
			q[NR - 1] = 0;
			nq--;
			break
		:: else
		fi
	}
	prio[d] = 0;
	due[d] = 0
}

/* Behind its equals, or in front of them. */
inline enqueue(d, p, at_head)
{
	check(alive[d], deleted_is_queued);
	j = 0;
	do
	:: j < nq && (prio[q[j]] > p || (prio[q[j]] == p && !at_head)) -> j++
	:: else -> break
	od;
	i = nq;
	do
	:: i > j -> q[i] = q[i - 1]; i--
	:: else -> break
	od;
	q[j] = d;
	nq++;
	prio[d] = p;
	i = 0;
	j = 0
}

inline raise(d, p)
{
	if
	:: p > prio[d] ->
		if
		:: prio[d] -> dequeue(d)
		:: else
		fi;
		enqueue(d, p, false)
	:: else
	fi
}

inline remove(d)
{
	if
	:: prio[d] -> dequeue(d)
	:: else
	fi;
	alive[d] = 0;
	work[d] = 0
}

/* What a dispatcher reads in struct upcall. */
#ifdef FAULT_UPC_READ_FIRST
#define PENDING_SEEN	pend[was_upc]
#else
#define PENDING_SEEN	pending
#endif

/* upcall_user_notified(), the answer in j. */
inline user_notified()
{
#if defined(FAULT_NO_BARRIER_NOTIFIED)
	j = PENDING_SEEN >= p;
	kick_skipped = 1
#elif defined(FAULT_NOTIFIED_ANY)
	kick_skipped = 1;
	j = PENDING_SEEN > 0
#else
	kick_skipped = 1;
	j = PENDING_SEEN >= p
#endif
}

/* What a dispatcher takes for armed. */
#if defined(FAULT_ARMED_READ_FIRST)
#define IS_ARMED	was_armed
#elif defined(FAULT_KICK_ARMED)
#define IS_ARMED	false
#else
#define IS_ARMED	armed
#endif

/* upcall_notify(), which ends upcall_dispatch(). */
inline notify()
{
#ifdef FAULT_ARM_UNLOCKED
	p = prio[id];
	lock = 0;
	check(!freed, used_after_free);
#else
	d_step { p = prio[id]; check(MAPPED, touched_for_nothing) };
#endif
	if
	:: waits == 0 && IS_ARMED	/* the owner evaluates the queue anyway */
	:: waits == 0 && !IS_ARMED ->
		user_notified();
		if
		:: j -> skip
		:: else ->
			check(!freed, used_after_free);
#ifdef FAULT_FLAG_BEFORE_ARMED
			tif = 1;
			armed = 1
#else
			armed = 1;
			tif = 1
#endif
		fi
	:: waits ->
		if
#ifdef FAULT_WAKE_ABOVE_ONLY
		:: p > waits -> asleep = 0
#else
		:: p >= waits -> asleep = 0
#endif
		:: else
		fi
	fi
}

/*
 * Another task, which does what its scenario allows, anything of it, @turns
 * times. work[] is what it wrote before DISPATCH.
 */
proctype dispatcher(byte turns)
{
	byte id, p, i, j;
#ifdef FAULT_ARMED_READ_FIRST
	bit was_armed;
#elif defined(FAULT_UPC_READ_FIRST)
	byte was_upc;
#endif

	running;
	do
	:: turns == 0 -> break
	:: turns > 0 ->
		turns--;
		select_target(id, p);
		if
		:: true ->
			work[id] = 1;
#ifdef FAULT_ARMED_READ_FIRST
			was_armed = armed;
#elif defined(FAULT_UPC_READ_FIRST)
			was_upc = upc;
#endif
			atomic { !lock -> lock = 1 };
			if
			:: !alive[id] ->	/* ENOENT */
				work[id] = 0
			:: else ->
				check(!freed, used_after_free);
				d_step { raise(id, p) };
				notify()
			fi;
#ifndef FAULT_ARM_UNLOCKED
			lock = 0
#endif
#ifdef MAY_TAKE
		:: atomic { !lock && alive[id] && prio[id] -> dequeue(id) };
			work[id] = 0
#endif
#ifdef MAY_DELETE
		:: d_step { !lock && alive[id] -> remove(id) }
#endif
		fi;
		d_step { id = 0; p = 0; i = 0; j = 0 }
	od
}

/*
 * Another user of TIF_NOTIFY_RESUME, who may send a signal or have task work
 * done. signal_pending() is true for either, and is sigpending here.
 */
proctype bystander(byte turns)
{
	running;
	do
	:: turns == 0 -> break
	:: turns > 0 -> turns--;
#if defined(SIGNALS)
		d_step { signal = 1; sigpending = 1 };
		asleep = 0;
#elif defined(TASK_WORK)
		if
		:: signal = 1
		:: task_work = 1
		:: true		/* another thread has taken the signal */
		fi;
		sigpending = 1;
		asleep = 0;
#endif
#ifdef FAULT_PROCESS_FLAG
		/* It is on its own way to user mode, and takes the flag. */
		armed = 0;
#endif
#ifdef FAULT_PROCESS_WAIT
		d_step { !lock -> waits = 0 };
#endif
		tif = 1
	od
}

#ifdef UNMAPS
/* Does user code access no struct upcall any more? A program has to know. */
#define UNTOUCHED_MAIN(pc)						\
	((pc) < 64 && (OP(pc) == END || OP(pc) % 16 == WAITFOR))
#define UNTOUCHED							\
	(crit_count == 0 &&						\
	 ((depth == 0 && UNTOUCHED_MAIN(pc)) ||				\
	  (depth == 1 && UNTOUCHED_MAIN(at_pc[0]) &&			\
	   OP(pc) == WAY_A && pc % 8 == 3)))

/* Once all upcalls are deleted, a program may unmap struct upcall. */
proctype unmapper()
{
	running;
end_mapped:
	atomic { !OWNS_SOME && UNTOUCHED -> unmapped = 1 }
}
#endif

#if STEPS
/* Whoever steps the owner ends that: upcall_step_over(). */
proctype tracer()
{
end_running:
	do
	:: step ->
#if defined(FAULT_STEP_OVER_SILENT)
		step = 0
#elif defined(FAULT_STEP_OVER_FIRST)
		tif = 1;
		step = 0
#elif defined(FAULT_NO_BARRIER_STEP_OVER)
		if
		:: has_owner -> step = 0; tif = 1
		:: !has_owner -> step = 0
		fi
#else
		step = 0;
		atomic {
			if
			:: has_owner -> tif = 1
			:: !has_owner
			fi
		}
#endif
	od
}
#endif

/* Arms the owner, by itself. */
inline arm()
{
	armed = 1;
	tif = 1
}

/* upcall_clear(): without the lock. Who clears pending looks for others then. */
#if defined(FAULT_NO_BARRIER_RECHECK)
#define BEFORE_CLEAR	i = kick_skipped
#define SKIPPED		i
#elif defined(FAULT_CLEAR_NO_RECHECK)
#define BEFORE_CLEAR	skip
#define SKIPPED		0
#else
#define BEFORE_CLEAR	skip
#define SKIPPED		kick_skipped
#endif

inline clear_pending()
{
	BEFORE_CLEAR;
	atomic {
		if
		:: MAPPED -> pending = 0
		:: !MAPPED -> goto bad
		:: faults < BAD_MEMORY -> faults++; goto bad
		fi
	};
	if
	:: SKIPPED -> arm()
	:: else
	fi;
	i = 0
}

/* The interrupted code goes on: as it was? */
inline resumed()
{
	depth--;
	check(crit_count == at_level[depth] && crit_count == level,
	      crit_count_differs);
	check(pc == at_pc[depth] && r * 16 + rp == at_regs[depth],
	      resumed_elsewhere);
	at_pc[depth] = 0;
	at_regs[depth] = 0;
	at_level[depth] = 0
}

/* Values that are not used again only make states. */
inline forget()
{
	was_c = 0;
	was_p = 0;
	now_c = 0;
	now_p = 0;
	was_prio = 0;
	id = 0;
	i = 0;
	j = 0;
	min_prio = 0;
	enter = 0;
	denied = 0;
	prepared = 0
}

/* What the rules say: __upcall_apply(), upcall_held() */
inline decide()
{
	enter = 0;
	now_p = (min_prio -> 0 : was_p);
	now_c = was_c;
	if
	:: nq == 0
#ifdef FAULT_NEXT_IGNORES_CRIT
	:: nq && (now_p || (!next && was_c >= prio[q[0]]) ||
		  prio[q[0]] < min_prio) ->
#elif defined(FAULT_HELD_BELOW_ONLY)
	:: nq && (now_p || was_c > prio[q[0]] || prio[q[0]] < min_prio) ->
#elif defined(FAULT_PENDING_IGNORED)
	:: nq && (was_c >= prio[q[0]] || prio[q[0]] < min_prio) ->
#elif defined(FAULT_LIST_ORDER)
	:: nq && (now_p || was_c >= prio[q[nq - 1]] ||
		  prio[q[nq - 1]] < min_prio) ->
#else
	:: nq && (now_p || was_c >= prio[q[0]] || prio[q[0]] < min_prio) ->
#endif
		now_p = (now_p > prio[q[0]] -> now_p : prio[q[0]])
	:: else ->
		enter = 1;
#ifdef FAULT_LIST_ORDER
		id = q[nq - 1];
#else
		id = q[0];
#endif
		was_prio = prio[id];
		for (i : 0 .. NR - 1) {
			check(prio[i] <= was_prio, wrong_order)
		}
		now_c = was_c + ADD;
#if defined(FAULT_PENDING_NOT_SET) || NR == 1
		now_p = 0
#elif defined(FAULT_LIST_ORDER)
		now_p = (nq > 1 -> prio[q[0]] : 0)
#else
		now_p = (nq > 1 -> prio[q[1]] : 0)
#endif
	fi;
	i = 0;
	j = 0
}

/* The rules have been applied to all there is. */
inline settle()
{
#ifndef FAULT_ARMED_LATE
	armed = 0;
#endif
	kick_skipped = 0
}

/* One access to user memory, of which this is the other outcome. */
#define THERE		(MAPPED && !denied)
#define FAULTS(undo)							\
	:: !THERE -> undo; goto cannot					\
	:: THERE && faults < BAD_MEMORY -> faults++; undo; goto cannot

/* What a lock that is dropped between the two permits. */
#ifdef FAULT_APPLY_IN_TWO
#define THEN		}; atomic { !lock ->
#else
#define THEN
#endif

#define FRAME_WORDS	2

proctype owner()
{
	byte min_prio, was_c, was_p, now_c, now_p, id, was_prio, i, j;
	bit enter, next, in_call, denied, prepared;

user:
	/* Interrupted between any two instructions, not at once. */
	if
	:: tif -> goto leave_kernel
#if STEPS
	:: steps < STEPS && !step -> d_step { steps++; step = 1 }; goto leave_kernel
#endif
	:: segv ->
		/* The handler has mended it, and dispatches again. */
		segv = 0;
		RUNS_USER_CODE
		min_prio = 1;
		goto call
	:: !segv && OP(pc) != END -> goto instruction
	:: !segv && OP(pc) == END && pc >= 64 -> goto instruction
	:: !segv && OP(pc) == END && pc < 64 -> goto idle
	fi;

idle:
	RUNS_USER_CODE
end_idle:
	atomic { tif -> goto leave_kernel };

instruction:
	atomic {
	RUNS_USER_CODE
	if
	:: OP(pc) % 16 == ENTER && pc % 8 == 0 -> r = crit_count; pc++; goto user
	:: OP(pc) % 16 == LOOK -> todo = 0; goto next_op
	:: OP(pc) % 16 == ENTER && pc % 8 == 1 ->
		crit_count = r + ADD;
		level = level + ADD;
		goto next_op

	:: (OP(pc) % 16 == LEAVE || OP(pc) % 16 == CLEAR) ->
		if
#ifdef FAULT_TEST_BEFORE_SUBTRACT
		:: pc % 8 == 0 -> rp = pending; r = crit_count; pc++
		:: pc % 8 == 1 ->
			crit_count = r - ADD;
			level = level - ADD;
			if
			:: rp && r == ADD -> pc = pc + 4
			:: else -> goto next_op
			fi
#else
		:: pc % 8 == 0 ->
			check(lock || tif || !nq || prio[q[0]] <= pending ||
			      BAD_MEMORY || (STEPS && armed),
			      user_not_notified);
			r = crit_count;
			pc++
		:: pc % 8 == 1 ->
			crit_count = r - ADD;
			level = level - ADD;
			for (i : 0 .. NR - 1) {
				due[i] = due[i] || (prio[i] > level &&
						    prio[i] <= pending)
			}
			i = 0;
			pc++
		/* Which of the two is loaded first is the compiler's choice. */
		:: pc % 8 == 2 -> rp = pending; pc++
		:: pc % 8 == 2 -> r = crit_count; pc = pc + 2
		:: pc % 8 == 3 -> r = crit_count; pc = pc + 2
		:: pc % 8 == 4 -> rp = pending; pc++
#endif
#ifdef FAULT_EXIT_TESTS_ZERO
		:: pc % 8 == 5 && (!rp || r) -> goto left
#else
		:: pc % 8 == 5 && rp <= r -> goto left
#endif
		:: pc % 8 == 5 && OP(pc) % 16 == CLEAR && rp > r ->
			pending = 0;
			pc++
#ifdef FAULT_EXIT_TESTS_ZERO
		:: pc % 8 == 5 && OP(pc) % 16 == LEAVE && rp && !r ->
#else
		:: pc % 8 == 5 && OP(pc) % 16 == LEAVE && rp > r ->
#endif
			pc++
		:: pc % 8 == 6 ->
			pc++;
			min_prio = 1;
			goto call
		:: pc % 8 == 7 -> goto left
		fi;
		goto user

	:: OP(pc) % 16 == DISP && pc % 8 == 0 -> work[OP(pc) / 16] = 1; pc++; goto user
	:: OP(pc) % 16 == DISP && pc % 8 == 1 -> goto dispatch_self
	:: OP(pc) % 16 == WAITFOR -> goto wait
	:: OP(pc) % 16 == SUSPEND -> goto suspend
	:: OP(pc) % 16 == TAKE -> goto take
	:: OP(pc) % 16 == DELETE -> goto delete
	/* The new struct upcall takes over, or does not. */
	:: OP(pc) % 16 == REGISTER && pc % 8 == 0 ->
		if
		:: OP(pc) / 16 >= ANEW -> crit[UPC_OF(pc)] = 0; pend[UPC_OF(pc)] = 0
		:: OP(pc) / 16 < ANEW ->
			crit[UPC_OF(pc)] = crit_count;
			if
			:: pend[UPC_OF(pc)] = 0
			:: pend[UPC_OF(pc)] = 1
			fi
		fi;
		pc++;
		goto user
	:: OP(pc) % 16 == REGISTER && pc % 8 == 1 -> goto register
	:: OP(pc) % 16 == QUIT -> goto quit

	/* cfunc does what there is to do, once it is there, and then the rest. */
	:: OP(pc) % 16 == END ->
		/* Returned: on to the context function. */
		pc = (pc / 64) * 64 + 56;
		goto user

	:: OP(pc) % 16 == WAY_A ->
		if
#ifdef FAULT_A_WITHOUT_PENDING
		:: pc % 8 == 0 -> pc++
#else
		:: pc % 8 == 0 -> pending = 1; pc++
#endif
		:: pc % 8 == 1 -> r = crit_count; pc++
		:: pc % 8 == 2 -> crit_count = r - ADD; level = level - ADD; pc++
		:: pc % 8 == 3 -> goto call_next
		fi;
		goto user

	:: OP(pc) % 16 == WAY_B ->
		if
#ifdef FAULT_B_TEST_FIRST
		:: pc % 8 == 0 -> rp = pending; r = crit_count; pc++
		:: pc % 8 == 1 -> crit_count = r - ADD; level = level - ADD; pc = pc + 2
#else
		:: pc % 8 == 0 -> r = crit_count; pc++
		:: pc % 8 == 1 -> crit_count = r - ADD; level = level - ADD; pc++
		:: pc % 8 == 2 -> rp = pending; pc++
#endif
		:: pc % 8 == 3 && rp -> pc = pc + 4
		:: pc % 8 == 3 && !rp -> pc++
		:: pc % 8 == 4 ->
			r = stack[sp - 1] / 16;
			rp = stack[sp - 1] % 16;
			sp--;
			pc++
#ifdef FAULT_READ_BELOW_STACK
		:: pc % 8 == 5 -> sp--; pc++
		:: pc % 8 == 6 ->
			pc = stack[sp];
			resumed()
#else
		:: pc % 8 == 5 ->
			sp--;
			pc = stack[sp];
			stack[sp] = 0;
			resumed()
#endif
		:: pc % 8 == 7 -> goto call_next
		fi;
		goto user
	fi;

left:
	/* What was held back and is no longer has been entered. */
	for (i : 0 .. NR - 1) {
		check(!due[i] || prio[i] <= level, exit_left_one_behind);
		due[i] = due[i] && level
	}
	i = 0;
next_op:
	pc = NEXT_OP(pc);
	r = 0;
	rp = 0;
	goto user
	}

/* System calls; those on the owner's own upcalls. */

dispatch_self:
	atomic {
		!lock ->
		if
		:: alive[OP(pc) / 16] -> raise(OP(pc) / 16, DISP_PRIO)
		:: else -> work[OP(pc) / 16] = 0
		fi;
		min_prio = 0;
		pc = NEXT_OP(pc)
	};
	goto call;

take:
	atomic {
		!lock ->
		pc = NEXT_OP(pc);
		if
		:: nq -> id = q[0]; dequeue(id); work[id] = 0; id = 0
		:: else
		fi
	};
	goto leave_kernel;

delete:
	atomic {
		!lock ->
		if
		:: alive[OP(pc) / 16] -> remove(OP(pc) / 16)
		:: else
		fi;
		pc = NEXT_OP(pc)
	};
	goto leave_kernel;

/* upcall_publish() */
register:
#if defined(FAULT_UPC_LATE) || defined(FAULT_UPC_UNLOCKED)
	atomic {
		!lock ->
		alive[OP(pc) / 16 % 4] = 1;
		i = upc != UPC_OF(pc) && nq
	};
	upc = UPC_OF(pc);
#else
	atomic {
		!lock ->
		alive[OP(pc) / 16 % 4] = 1;
		i = upc != UPC_OF(pc) && nq;
		upc = UPC_OF(pc)
	};
#endif
#if !defined(FAULT_UPC_LATE) && !defined(FAULT_CHANGE_NO_LOOK)
	if
	:: i -> arm()
	:: else
	fi;
#endif
#if STEPS
	has_owner = 1;
#endif
	atomic {
		i = 0;
		level = (OP(pc) / 16 >= ANEW -> 0 : level);
		pc = NEXT_OP(pc)
	};
	goto leave_kernel;

/* upcall_release(), and that is the end. */
quit:
#ifdef FAULT_FREED_FIRST
	freed = 1;
#endif
	/* In batches, of one here: others may have the lock between them. */
	id = NR;
	do
	:: id -> atomic { !lock -> id--; remove(id) }
	:: else -> break
	od;
	freed = 1;
	goto gone;

suspend:
	atomic {
		crit_count = crit_count - ADD;
		level = level - ADD
	};
#ifndef FAULT_SUSPEND_KEEPS_PENDING
	pending = 0;
#endif
wait:
#ifdef FAULT_STATE_AFTER_LOOK
	atomic {
		!lock ->
		waits = (nq && prio[q[0]] >= OP(pc) / 16 -> 0 : OP(pc) / 16)
	};
	asleep = 1;
#elif defined(FAULT_WAIT_AFTER_LOOK)
	asleep = 1;
	d_step { !lock -> i = nq && prio[q[0]] >= OP(pc) / 16 };
	d_step { !lock -> waits = (i -> 0 : OP(pc) / 16); i = 0 };
#else
	asleep = 1;
	d_step {
		!lock ->
		waits = (nq && prio[q[0]] >= OP(pc) / 16 -> 0 : OP(pc) / 16)
	};
#endif
	if
	:: waits && sigpending ->
#ifndef FAULT_WAIT_LEFT_SET
		d_step { !lock -> waits = 0 };
#endif
		/* upcall_interrupted() */
		asleep = 0;
#ifdef FAULT_WORK_BEFORE_FLAG
		task_work = 0;
		sigpending = 0;
#else
		sigpending = 0;
		task_work = 0;
#endif
		if
#if defined(FAULT_EINTR_FOR_WORK)
		:: true
#elif defined(FAULT_WORK_NO_LOOK)
		:: signal
		:: !signal -> asleep = 1; goto end_asleep
#else
		:: signal
		:: !signal -> goto wait
#endif
		fi;
		d_step { check(signal, eintr_without_signal); signal = 0 };
		goto waited
#ifdef FAULT_PROCESS_WAIT
	:: !waits && !nq -> skip
	:: !waits && nq -> goto found
#else
	:: !waits -> goto found
#endif
	:: waits && !sigpending -> skip
	fi;
end_asleep:
	!asleep;
#ifdef FAULT_NO_LOOK_AFTER_WAKE
	goto found;
#else
	goto wait;
#endif

found:
	check(waits == 0, woke_for_nothing);

waited:
	atomic { asleep = 0; min_prio = 0; pc = NEXT_OP(pc) };
	goto call;

/* upcall_deliver_at_exit() */
call:
	in_call = 1;
	next = 0;
	/* arch_upcall_in_call() is false while a tracer steps, or longer. */
	if
	:: !step -> goto evaluate
	:: TRACED || STEPS -> goto at_exit
	fi;

/* upcall_deliver_later(), for the lowest of what is due: all ask for 1. */
at_exit:
#ifndef FAULT_REDISPATCH_FORGOTTEN
	redispatch = (min_prio -> min_prio : redispatch);
#endif
	arm();
	goto leave_kernel;

/* upcall_next() */
call_next:
	in_call = 1;
	next = 1;
	min_prio = 1;
	/* The frame cannot be read. */
	if
	:: true
	:: faults < BAD_MEMORY -> faults++; goto leave_kernel
	fi;
	/* upcall_idle(): without the lock */
	if
	:: nq -> goto chain
	:: !nq -> goto clear
	fi;
chain:
#if STEPS
	/* upcall_must_defer() */
	if
	:: !step || IN_STEP_TOO -> goto evaluate
	:: else
	fi;
#ifndef FAULT_NEXT_NOT_ARMED
	arm();
#endif
#else
	goto evaluate;
#endif
clear:
	clear_pending();
	goto none;

/* upcall_apply(): under the lock, and without page faults */
evaluate:
	atomic {
		!lock ->
#ifndef FAULT_TOUCHES_UNOWNED
		if
		:: !nq && !min_prio -> settle(); goto none
		:: nq || min_prio
		fi;
#endif
		check(OWNS_SOME || min_prio, touched_for_nothing);
		if
		:: THERE -> was_c = crit_count; was_p = pending
		FAULTS(skip)
		fi;
		d_step { decide() };
#ifdef FAULT_COMMIT_BEFORE_FRAME
		if
		:: enter -> crit_count = now_c; pending = now_p; level = level + ADD
		:: else
		fi;
#endif
		/* upcall_prepare() */
		if
		:: enter && !in_call && !prepared -> prepared = 1; goto evaluate
		:: !enter || in_call || prepared
		fi;
		THEN
		/* upcall_hold() */
		if
		:: enter
		:: !enter && !min_prio && now_p == was_p -> settle(); goto none
		:: !enter && (min_prio || now_p != was_p) ->
#ifdef FAULT_CLEAR_AFTER_TEST
			now_p = (min_prio -> 0 : now_p);
#endif
			check(OWNS_SOME || min_prio, touched_for_nothing);
			if
			:: THERE -> pending = now_p
			FAULTS(skip)
			fi;
			settle();
			goto none
		fi;
		/* upcall_enter() */
		if
		:: next
		:: !next && THERE ->
			stack[sp] = pc;
			stack[sp + 1] = r * 16 + rp
		FAULTS(skip)
		fi;
#ifndef FAULT_COMMIT_BEFORE_FRAME
		if
		:: THERE -> pending = now_p
		FAULTS(skip)
		fi;
		if
		:: THERE -> crit_count = now_c
#ifdef FAULT_NO_UNDO
		FAULTS(skip)
#else
		FAULTS(pending = was_p)
#endif
		fi;
#endif
		/* arch_upcall_enter(). Nothing more can fail. */
		d_step {
		check(alive[id], entered_deleted);
		check(!step, entered_in_step);
		check(was_prio > was_c && was_c + ADD == crit_count,
		      entered_while_held);
#ifndef FAULT_COMMIT_BEFORE_FRAME
		check(was_prio > level, entered_while_held);
		level = level + ADD;
#endif
		if
		:: next
		:: !next ->
			/*
			 * While pending is set only a call does this. Way A
			 * has set it (but a SIGSEGV's handler may clear it).
			 */
			check(min_prio || !was_p, entered_while_held);
			check(BAD_MEMORY || OP(pc) != WAY_A || pc % 8 == 0,
			      entered_while_held);
			at_pc[depth] = pc;
			at_regs[depth] = r * 16 + rp;
			at_level[depth] = level - ADD;
			depth++;
			sp = sp + FRAME_WORDS
		fi;
		check(depth <= MAX_DEPTH, stack_grows);
#ifdef LOOKS
		todo = todo || was_prio <= ADD;
#endif
		pc = START(id);
		r = 0;
		rp = 0;
		if
		:: prio[id] -> dequeue(id)
		:: else		/* With a fault that lets others do so. */
		fi;
		settle();
		work[id] = 0;
		forget()
		}
	};
#ifdef FAULT_ARMED_LATE
	armed = 0;
#endif
	goto leave_kernel;

none:
	if
	:: next ->
		/* arch_upcall_leave() */
		d_step {
			sp = sp - FRAME_WORDS;
			pc = stack[sp];
			r = stack[sp + 1] / 16;
			rp = stack[sp + 1] % 16;
			stack[sp] = 0;
			stack[sp + 1] = 0;
			resumed()
		}
	:: else
	fi;
	d_step { forget() };
	goto leave_kernel;

/* upcall_fault_in(), which a call leaves to its exit, but for NEXT. */
cannot:
	if
	:: in_call && !next -> d_step { denied = 0; prepared = 0 }; goto at_exit
	:: (!in_call || next) && !denied ->
		if
		:: MAPPED	/* Now it is there. */
		:: denied = 1
		fi;
		goto evaluate
	:: (!in_call || next) && denied
	fi;
bad:
	atomic {
	if
#ifdef FAULT_NEXT_WANTS_UPC
	:: next ->
#else
	:: next && OWNS_SOME ->
#endif
		/* EFAULT. The program has mended it, and calls again. */
		check(OWNS_SOME, efault_for_nothing)
#ifdef FAULT_SEGV_UNOWNED
	:: !next && !in_call ->
#else
	:: !next && !in_call && OWNS_SOME ->
#endif
		check(OWNS_SOME, segv_for_nothing);
		segv = 1
	:: else -> goto none
	fi
	};
	d_step { forget() };

/* exit_to_user_mode_loop(), which ends with interrupts disabled. */
leave_kernel:
	atomic { in_call = 0; next = 0 };
	if
	:: !tif -> goto user
#ifdef FAULT_NO_BARRIER_FLAG
	:: tif ->
		i = armed;
		tif = 0;
		if
		:: i
		:: !i -> goto leave_kernel
		fi;
		i = 0;
#else
	:: tif ->
		tif = 0;
		if
		:: armed
		:: !armed -> goto leave_kernel
		fi;
#endif
#if STEPS
		if
		:: !step || IN_STEP_TOO
		:: else -> goto defer
		fi;
#endif
#ifdef FAULT_ARMED_IF_OWNED
		if
		:: !OWNS_SOME && !redispatch -> goto leave_kernel
		:: else
		fi;
#endif
#ifndef FAULT_ARMED_LATE
		armed = 0;
#endif
		min_prio = redispatch;
		redispatch = 0;
		goto evaluate
	fi;

/* upcall_must_defer(), on the way to user mode */
defer:
#if STEPS
	atomic {
		deferrals++;
		/* The owner may set the flag, and a dispatcher just then. */
		check(deferrals <= 2 + NOISE, kept_in_kernel);
		/* Those are entered when the step is over. */
		for (i : 0 .. NR - 1) {
			due[i] = 0
		}
		i = 0
	};
#ifdef FAULT_PENDING_BY_DEFERRAL
	if
	:: nq && prio[q[0]] > pending -> pending = prio[q[0]]
	:: else
	fi;
#endif
#ifdef FAULT_ARMED_BY_DEFERRAL
	armed = 0;
#endif
#ifdef FAULT_FLAG_BY_DEFERRAL
	tif = 1;
#endif
#ifndef FAULT_REDISPATCH_STAYS_DUE
	/* The call of DISPATCH has acknowledged pending, and is over. */
	if
	:: redispatch ->
		redispatch = 0;
#ifndef FAULT_REDISPATCH_DROPPED
		/* What this arms for is looked at once more. */
		deferrals = 0;
		clear_pending()
#endif
	:: else
	fi;
#endif
#endif
	goto leave_kernel;

gone:
	skip
}

/* When nothing moves any more, nothing may have been left undone. */
proctype at_the_end()
{
	byte k;

	timeout;
	for (k : 0 .. NR - 1) {
		check(freed || !alive[k] || !work[k] ||
		      (asleep && prio[k] && prio[k] < waits), dispatch_lost);
		check(!asleep || prio[k] < waits, slept_on_pending)
	}
	check(!asleep || !todo, slept_on_work);
	check(!asleep || !task_work, slept_on_task_work);
	check(freed || asleep || (sp == 0 && crit_count == 0 && level == 0),
	      crit_count_differs);
	check(freed || asleep || !MAPPED || pending == 0, left_pending_behind)
}

init {
	byte k;

	d_step {
		for (k : 0 .. NR - 1) {
			alive[k] = AT_START(k);
			CFUNC(k, 7) = LEAVE_BY(k)
		}
#if STEPS
		has_owner = AT_START(0);
#endif
		PROGRAM
	};
	atomic {
		run owner();
		run dispatcher(TURNS_1);
		run dispatcher(TURNS_2);
		run bystander(NOISE);
#ifdef UNMAPS
		run unmapper();
#endif
#if STEPS
		run tracer();
#endif
		run at_the_end();
		running = 1
	}
}
