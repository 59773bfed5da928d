// SPDX-License-Identifier: MIT
/*
 * A work queue between threads. Its owner takes work off it in an upcall, in
 * the middle of what else it does, or sleeps in WAIT when it has nothing to
 * do. A producer adds to it without a lock, and wakes nobody: DISPATCH is
 * enough whatever the owner is doing.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/upcall.h>

#define PRODUCERS	3
#define ITEMS		1000

struct item {
	struct item *next;
	int value;
};

static struct item items[PRODUCERS][ITEMS];
static struct item *queue;		/* last in first; shared */
static struct upcall upc = UPCALL_INITIALIZER;
static int id;
static long sum;			/* the owner's, from here on */
static int done, in_upcall;

/* Take all there is at once, and put it back into order. */
static void take_all(void)
{
	struct item *list = __atomic_exchange_n(&queue, NULL, __ATOMIC_ACQUIRE);
	struct item *first = NULL, *next;

	for (; list; list = next) {
		next = list->next;
		list->next = first;
		first = list;
	}
	for (; first; first = first->next) {
		sum += first->value;
		done++;
	}
}

static void work_arrived(void *data)
{
	(void)data;
	in_upcall++;
	take_all();
}

/* A dispatch that finds one pending is at one with it: nothing is lost. */
static void add(struct item *item)
{
	item->next = __atomic_load_n(&queue, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&queue, &item->next, item, 1,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	upc_control(UPC_CONTROL_DISPATCH, id, NULL);
}

static void *produce(void *arg)
{
	struct item *mine = (struct item *)arg;
	int i;

	for (i = 0; i < ITEMS; i++) {
		mine[i].value = i;
		add(&mine[i]);
	}
	return arg;
}

int main(void)
{
	const long expected = (long)PRODUCERS * ITEMS * (ITEMS - 1) / 2;
	pthread_t thread[PRODUCERS];
	int i, sleeps = 0;

	/* Work may be of any kind: with floating point registers saved. */
	id = upc_register(&upc, upc_fpu_wrapper, work_arrived, NULL);
	if (id < 0) {
		perror("upc_register");
		return 1;
	}
	for (i = 0; i < PRODUCERS; i++) {
		if (pthread_create(&thread[i], NULL, produce, items[i]))
			return 1;
	}
	/*
	 * In a section nothing is entered, so that testing done and sleeping
	 * are one step: an upcall dispatched in between ends WAIT at once, and
	 * is entered at the end of the section.
	 */
	upc_crit_enter(&upc);
	while (done < PRODUCERS * ITEMS) {
		if (upc_control(UPC_CONTROL_WAIT, -1, NULL) < 0) {
			perror("WAIT");
			return 1;
		}
		sleeps++;
		upc_crit_exit(&upc);	/* work_arrived() runs here */
		upc_crit_enter(&upc);
	}
	upc_crit_exit(&upc);
	for (i = 0; i < PRODUCERS; i++)
		pthread_join(thread[i], NULL);
	printf("%d items of %d producers in %d upcalls and %d waits\n", done,
	       PRODUCERS, in_upcall, sleeps);
	printf("sum %ld, expected %ld\n", sum, expected);
	return sum != expected;
}
