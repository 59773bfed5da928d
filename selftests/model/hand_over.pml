/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ONBLOCK and ONWAKE, and the way that a library uses them: two tasks carry jobs that
 * run one at a time, as in libupcall/examples/standby.c. The kernel's steps are those
 * of kernel/upcall/block.c, the dispatch and the entry taken from upcall.pml as one
 * step each.
 *
 * A task that does not have the jobs is in a section all the time. If it waited in
 * SUSPEND, a page fault behind that would be told as if it had them.
 *
 * A task may sleep in a job, until another job ends that; and in a page fault
 * anywhere, in a section too, which ends by itself. The first of the jobs waits for
 * the last one: without a hand-over they do not come to an end.
 */

#define JOBS	3
#define FAULTS	2			/* page faults of a task */
#define other	(1 - me)

byte crit[2];				/* sections and upcalls, of one size */
bool told[2], awake[2];			/* pending: ONBLOCK's, ONWAKE's */
bool slept[2];				/* owner->slept */
byte next_job, ended, running;		/* running: tasks in user code of a job */
bool event;				/* what the first job waits for */

/* Never true: the names of checks, for whoever reads an error. See run.sh. */
bool two_runners, lost;
#define CHECK(what, name)	assert((what) || name)

/* The hook, in a task that is about to sleep: one step under the lock. */
inline tell()
{
	atomic {
		if
#ifdef FAULT_TOLD_IN_SECTION
		:: !slept[me] ->
#else
		:: crit[me] == 0 && !slept[me] ->
#endif
#ifndef FAULT_TOLD_AGAIN
			slept[me] = true;
#else
			awake[me] = true;
#endif
			told[other] = true
		:: else
		fi
	}
}

/* Whoever clears the own one has the jobs: in a section, or in an upcall. */
inline wait_for_my_turn()
{
	do
	:: told[me];						/* WAIT */
		atomic { had = told[me]; told[me] = false };	/* POLLANDCLEAR */
		if
		:: had -> break
		:: else
		fi
	od
}

/* On the way to user mode: ONWAKE's is pending, and the rules are applied. */
inline return_to_user()
{
	atomic {
		if
		:: slept[me] ->
#ifndef FAULT_NO_ONWAKE
			awake[me] = true;
#endif
#ifndef FAULT_SLEPT_STAYS
			slept[me] = false;
#endif
		:: else
		fi;
		entered = crit[me] == 0 && awake[me];
#ifdef FAULT_ONWAKE_LATE
		/* The kick is not made: it comes with some later interrupt. */
		entered = false;
#endif
		if
		:: entered -> awake[me] = false; crit[me] = 1
		:: else
		fi
	}
	if
	:: entered -> ask(); crit[me] = 0
	:: else
	fi
}

/* ONWAKE's upcall: who has the jobs now? */
inline ask()
{
#ifndef FAULT_ASKS_NOBODY
#ifdef FAULT_LOOKS_ONLY
	had = told[other];
#else
	atomic { had = told[other]; told[other] = false };
#endif
	if
	:: had
	:: else -> wait_for_my_turn()
	fi
#else
	skip
#endif
}

/* An upcall may be entered here, if one is pending; its kick may not be there. */
inline user_code()
{
	do
	:: atomic { crit[me] == 0 && awake[me] -> awake[me] = false; crit[me] = 1 };
		ask();
		crit[me] = 0
	:: atomic { crit[me] == 0 && !awake[me] && told[me] -> told[me] = false }
	:: faults < FAULTS -> faults++; tell(); return_to_user()
	:: break
	od
}

/* In user code of a job, which one task is at a time. */
inline in_a_job()
{
	running++;
	CHECK(running == 1, two_runners);
	running--
}

inline do_job()
{
	user_code();
	in_a_job();
	if
	:: job == 0 ->
		tell();
#ifdef FAULT_TOLD_AGAIN
		tell();
#endif
		event;
		return_to_user()
	:: job == JOBS - 1 -> event = true
	:: else
	fi;
	in_a_job();
	user_code()
}

proctype carrier(bit me)
{
	byte job, faults;
	bool entered, had, all_ended;

	crit[me] = 1;
	user_code();
	if
	:: me == 0
	:: else -> wait_for_my_turn()
	fi;
	do
	:: user_code();
		crit[me]--;
		user_code();
		do
		:: next_job < JOBS ->
			job = next_job;
			next_job++;
			do_job();
			ended++
		:: else -> break
		od;
		user_code();
		crit[me]++;
		all_ended = ended == JOBS;
		told[other] = true;				/* DISPATCH */
		user_code();
		if
		:: all_ended -> break
		:: else
		fi;
		wait_for_my_turn();
		user_code()
	od
}

init
{
	atomic {
		run carrier(0);
		run carrier(1)
	};
	if
	:: _nr_pr == 1
	:: timeout -> CHECK(false, lost)
	fi
}
