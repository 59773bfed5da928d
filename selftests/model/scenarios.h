/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the model is run on, one by -DSCN_name: how many upcalls, how each is
 * left, what main does and what cfunc does before it returns, what is dispatched
 * at which priorities, and what else may happen. Each is small enough to be
 * searched to its end: with FEW_TURNS, in a moment.
 */

/* Nested critical sections; the second upcall interrupts one of them. */
#ifdef SCN_sections
#define FEW_TURNS
#define NR		2
#define LEAVE_BY(id)	WAY_A
#define MAX_DEPTH	2
#define PROGRAM	MAIN(0) = ENTER; MAIN(1) = ENTER; MAIN(2) = LEAVE; MAIN(3) = LEAVE
#define TARGETS	:: id = 0; p = 1 :: id = 1; p = 3
#endif

/* The same, left in user mode where that is possible. */
#ifdef SCN_sections_b
#define NR		2
#define LEAVE_BY(id)	WAY_B
#define PROGRAM	MAIN(0) = ENTER; MAIN(1) = ENTER; MAIN(2) = LEAVE; MAIN(3) = LEAVE
#define TARGETS	:: id = 0; p = 1 :: id = 1; p = 3
#endif

/* Priorities of which each interrupts the one before: the stack is bounded. */
#ifdef SCN_chain
#define NR		3
#define LEAVE_BY(id)	WAY_A
#define MAX_DEPTH	3
#define PROGRAM	MAIN(0) = END
#define TARGETS	:: id = 0; p = 1 :: id = 1; p = 3 :: id = 2; p = 5
#endif

/* Both ways in one task, an upcall at several priorities, sections in cfunc. */
#ifdef SCN_mixed
#define NR		2
#define LEAVE_BY(id)	(id -> WAY_B : WAY_A)
#define PROGRAM	CFUNC(1, 0) = ENTER; CFUNC(1, 1) = CLEAR
#define TARGETS	:: id = 0; p = 1 :: id = 0; p = 3 :: id = 1; p = 1
#endif

/* The owner dispatches to itself; a tracer may watch the ends of its calls. */
#ifdef SCN_self
#define FEW_TURNS
#define NR		2
#define LEAVE_BY(id)	(id -> WAY_B : WAY_A)
#define NOISE		1
#define TRACED		1
#define DISP_PRIO	3
#define PROGRAM	MAIN(0) = ENTER; MAIN(1) = DISP + 16 * 1; MAIN(2) = LEAVE;	\
		CFUNC(1, 0) = DISP + 16 * 0
#define TARGETS	:: id = 0; p = 1 :: id = 1; p = 2
#endif

/* WAIT, for one priority and then for another, and signals. */
#ifdef SCN_wait
#define NR		2
#define LEAVE_BY(id)	(id -> WAY_B : WAY_A)
#define NOISE		1
#define SIGNALS
#define PROGRAM	MAIN(0) = WAITFOR + 16 * 1; MAIN(1) = WAITFOR + 16 * 3;	\
		MAIN(2) = ENTER; MAIN(3) = WAITFOR + 16 * 1; MAIN(4) = LEAVE
#define TARGETS	:: id = 0; p = 1 :: id = 1; p = 3
#endif

/* WAIT, and what looks like a signal but need not be one, from the start on. */
#ifdef SCN_work
#define FEW_TURNS
#define NR		1
#define LEAVE_BY(id)	WAY_A
#define NOISE		1
#define TASK_WORK
#define PROGRAM	MAIN(0) = WAITFOR + 16 * 2; sigpending = 1
#define TARGETS	:: id = 0; p = 1 :: id = 0; p = 2
#endif

/*
 * A loop that is idle looks in a section, then leaves that and sleeps in one
 * step. By two calls it sleeps on what came between them.
 */
#ifdef SCN_suspend
#define FEW_TURNS
#define NR		2
#define LEAVE_BY(id)	(id -> WAY_B : WAY_A)
#define NOISE		1
#define LOOKS
#ifdef FAULT_SUSPEND_IN_TWO
#define PROGRAM	MAIN(0) = ENTER; MAIN(1) = LOOK; MAIN(2) = LEAVE;	\
		MAIN(3) = WAITFOR + 16 * 1
#else
#define PROGRAM	MAIN(0) = ENTER; MAIN(1) = LOOK; MAIN(2) = SUSPEND + 16 * 1; \
		MAIN(3) = ENTER; MAIN(4) = LOOK; MAIN(5) = SUSPEND + 16 * 2
#endif
#define TARGETS	:: id = 0; p = 1 :: id = 1; p = 2 :: id = 1; p = 3
#endif

/* Others take what is pending, and delete. */
#ifdef SCN_delete
#define FEW_TURNS
#define NR		2
#define LEAVE_BY(id)	(id -> WAY_B : WAY_A)
#define MAY_TAKE
#define MAY_DELETE
#define PROGRAM	MAIN(0) = ENTER; MAIN(1) = TAKE; MAIN(2) = LEAVE;	\
		CFUNC(0, 0) = DELETE + 16 * 1
#define TARGETS	:: id = 0; p = 1 :: id = 1; p = 3
#endif

/* Others delete all there is, and unmap struct upcall. */
#ifdef SCN_unmap
#define FEW_TURNS
#define NR		1
#define LEAVE_BY(id)	WAY_A
#define MAY_DELETE
#define UNMAPS
#define BAD_MEMORY	1
#define NOISE		1
#define SIGNALS
#define PROGRAM	MAIN(0) = ENTER; MAIN(1) = LEAVE; MAIN(2) = WAITFOR + 16 * 1
#define TARGETS	:: id = 0; p = 1
#endif

/* The owner is stepped for a while, from any instruction to any other. */
#ifdef SCN_steps
#define FEW_TURNS
#define NR		2
#define LEAVE_BY(id)	(id -> WAY_B : WAY_A)
#define STEPS		1
#define PROGRAM	MAIN(0) = ENTER; MAIN(1) = LEAVE;			\
		CFUNC(0, 0) = ENTER; CFUNC(0, 1) = LEAVE
#define TARGETS	:: id = 0; p = 1 :: id = 1; p = 3
#endif

/* The same, at the first registration. */
#ifdef SCN_first_steps
#define FEW_TURNS
#define NR		1
#define AT_START(id)	0
#define LEAVE_BY(id)	WAY_A
#define STEPS		1
#define PROGRAM	MAIN(0) = REGISTER + 16 * (0 + ANEW)
#define TARGETS	:: id = 0; p = 1
#endif

/* Dispatches keep coming, while the owner is stepped. */
#ifdef SCN_storm
#define NR		1
#define LEAVE_BY(id)	WAY_A
#define STEPS		1
#define PROGRAM	MAIN(0) = END
#define TARGETS	:: id = 0; p = 1
#endif

/* The owner goes, with upcalls pending and being dispatched. */
#ifdef SCN_quit
#define FEW_TURNS
#define NR		2
#define LEAVE_BY(id)	WAY_A
#define MAY_DELETE
#define PROGRAM	MAIN(0) = ENTER; MAIN(1) = LEAVE; MAIN(2) = QUIT;	\
		CFUNC(1, 0) = QUIT
#define TARGETS	:: id = 0; p = 1 :: id = 1; p = 3
#endif

/*
 * The first registration, before which upc is NULL, where anything may be. Then
 * the upcall is deleted and registered again, with another struct upcall.
 */
#ifdef SCN_first
#define NR		1
#define UPCS		3
#define AT_START(id)	0
#define LEAVE_BY(id)	WAY_A
#define PROGRAM	upc = 2; pend[2] = 3;					\
		MAIN(0) = REGISTER + 16 * (0 + 4 * 0 + ANEW);		\
		MAIN(1) = ENTER; MAIN(2) = DELETE + 16 * 0;		\
		MAIN(3) = REGISTER + 16 * (0 + 4 * 1 + ANEW)
#define TARGETS	:: id = 0; p = 1 :: id = 0; p = 3
#endif

/* Two struct upcall in turn: one is in no section, the other takes one over. */
#ifdef SCN_register
#define FEW_TURNS
#define NR		2
#define UPCS		2
#define AT_START(id)	(id == 0)
#define LEAVE_BY(id)	(id -> WAY_B : WAY_A)
#define PROGRAM	MAIN(0) = ENTER;					\
		MAIN(1) = REGISTER + 16 * (1 + 4 * 1 + ANEW);		\
		MAIN(2) = ENTER; MAIN(3) = LEAVE; MAIN(4) = ENTER;	\
		MAIN(5) = REGISTER + 16 * (0 + 4 * 0); MAIN(6) = LEAVE
#define TARGETS	:: id = 0; p = 1 :: id = 1; p = 3
#endif

/* An access to the stack or to struct upcall faults, wherever there is one. */
#ifdef SCN_faults
#define FEW_TURNS
#define NR		2
#define LEAVE_BY(id)	(id -> WAY_B : WAY_A)
#define BAD_MEMORY	1
#define MAY_DELETE
#define PROGRAM	MAIN(0) = ENTER; MAIN(1) = LEAVE
#define TARGETS	:: id = 0; p = 1 :: id = 1; p = 3
#endif

inline select_target(id, p)
{
	if
	TARGETS
	fi
}
