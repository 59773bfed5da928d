// SPDX-License-Identifier: MIT
/*
 * For gdb.sh: user threads, one in each state that can be kept. On one virtual CPU it
 * is known in which: who is urgent goes on until it waits.
 */
#include <stdio.h>
#include <upcall/mn.h>

#define HOUR	INT64_C(3600000000000)

static struct mn_mutex mutex = MN_MUTEX_INITIALIZER;
static struct mn_sem sem;
static struct mn_chan *chan;
static volatile unsigned long spun;
static volatile int over, wrong;

static void takes_mutex(int number)
{
	wrong += !!mn_mutex_lock(&mutex);
	wrong += number != 11;
	wrong += !!mn_mutex_unlock(&mutex);
}

static void *locker(void *arg)
{
	takes_mutex(11);
	return arg;
}

static void *receiver(void *arg)
{
	int got = 0;

	wrong += !!mn_chan_recv(chan, &got) || got != 5;
	return arg;
}

static void *patient(void *arg)
{
	wrong += !!mn_sem_timedwait(&sem, mn_now() + HOUR);
	return arg;
}

static void spins(unsigned long step)
{
	while (!over)
		spun = spun + step;
}

static void *spinner(void *arg)
{
	spins(3);
	return arg;
}

static void *ends(void *arg)
{
	return arg;
}

static const struct {
	const char	*name;
	void		*(*fn)(void *);
	int		urgent;
} threads[] = {
	{ "locker", locker, 1 },
	{ "receiver", receiver, 1 },
	{ "patient", patient, 1 },
	{ "spinner", spinner, 0 },
	{ "ended", ends, 1 },
	{ "late", ends, 0 },
};

#define THREADS	((int)(sizeof(threads) / sizeof(threads[0])))

/* Where gdb stops. */
static __attribute__((noinline)) void looked_at(int main_local)
{
	__asm__ volatile ("" : : "r" (main_local) : "memory");
}

static void *first(void *arg)
{
	mn_t t[THREADS];
	int i, five = 5;

	wrong += mn_chan_create(&chan, sizeof(five), 1) || mn_mutex_lock(&mutex);
	for (i = 0; i < THREADS; i++) {
		struct mn_attr attr = {
			.name = threads[i].name, .urgent = threads[i].urgent,
		};

		if (i == THREADS - 1) {
			while (!spun)
				mn_sleep(1000000);
			mn_hold();
		}
		wrong += !!mn_spawn(&t[i], &attr, threads[i].fn, NULL);
	}
	looked_at(i);
	mn_release();
	over = 1;
	wrong += mn_mutex_unlock(&mutex) || mn_chan_send(chan, &five) ||
		 mn_sem_post(&sem);
	for (i = 0; i < THREADS; i++)
		wrong += !!mn_join(t[i], NULL);
	return arg;
}

int main(void)
{
	if (!mn_run(NULL, first, NULL, NULL) && !wrong)
		puts("the result is right");
	return 0;
}
