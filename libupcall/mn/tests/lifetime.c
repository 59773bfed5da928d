// SPDX-License-Identifier: MIT
/*
 * Who is woken last, or gets hold of a thing last, may do away with it at once: the
 * one who woke, unlocked or posted does not touch it any more, nor do others who
 * were woken with him. Each thing is poisoned and freed by whoever is entitled to,
 * and its memory is watched for a while.
 */
#include "mn_test.h"

#define CREW	5
#define POISON	0x5a

/* Freed memory of ours: the last few pieces, to see whether they stay as they are. */
#define GRAVES	64

struct thing {
	struct mn_mutex	mutex;
	struct mn_cond	cond;
	struct mn_sem	sem, gate;
	struct mn_once	once;
	struct mn_chan	*chan;
	int		users, go;
};

static struct thing *graves[GRAVES];
static int buried;

static struct thing *make(int users)
{
	struct thing *t = calloc(1, sizeof(*t));

	if (!t)
		tap_bail("calloc");
	mn_mutex_init(&t->mutex);
	mn_cond_init(&t->cond);
	mn_sem_init(&t->sem, 0);
	mn_sem_init(&t->gate, 0);
	t->once = (struct mn_once)MN_ONCE_INITIALIZER;
	t->users = users;
	return t;
}

static void dig_up(struct thing *t)
{
	const unsigned char *p = (const unsigned char *)t;
	unsigned int i, wrong = 0;

	for (i = 0; t && i < sizeof(*t); i++)
		wrong += p[i] != POISON;
	CHECK(!wrong);
	free(t);
}

/* @t is nobody's any more. */
static void bury(struct thing *t)
{
	struct thing **grave;

	memset(t, POISON, sizeof(*t));
	grave = &graves[(unsigned int)add(&buried, 1) % GRAVES];
	dig_up(__atomic_exchange_n(grave, t, __ATOMIC_SEQ_CST));
}

static void dig_up_all(void)
{
	int i;

	for (i = 0; i < GRAVES; i++) {
		dig_up(graves[i]);
		graves[i] = NULL;
	}
}

/* Rounds of a thing and CREW threads with it. */
static void rounds(void *(*fn)(void *), void (*wakes)(struct thing *))
{
	int i, j, n = turns(3000);
	mn_t crew[CREW];

	for (i = 0; i < n; i++) {
		struct thing *t = make(CREW);

		if (mn_chan_create(&t->chan, sizeof(int), 1))
			tap_bail("mn_chan_create");
		for (j = 0; j < CREW; j++)
			spawn(&crew[j], fn, t);
		if (wakes)
			wakes(t);
		for (j = 0; j < CREW; j++)
			CHECK(!mn_join(crew[j], NULL));
	}
	dig_up_all();
}

static void bury_with_channel(struct thing *t)
{
	CHECK(!mn_chan_destroy(t->chan));
	bury(t);
}

/* A count of users in it, as in the manual page of pthread_mutex_destroy(). */
static void *drops(void *arg)
{
	struct thing *t = arg;
	int last;

	CHECK(!mn_mutex_lock(&t->mutex));
	last = !--t->users;
	CHECK(!mn_mutex_unlock(&t->mutex));
	if (last)
		bury_with_channel(t);
	return NULL;
}

static void *mutexes(void *arg)
{
	rounds(drops, NULL);
	return arg;
}

/* All wait; the last one who leaves takes it away, with the broadcast under way. */
static void *waits_for_go(void *arg)
{
	struct thing *t = arg;
	int last;

	CHECK(!mn_mutex_lock(&t->mutex));
	while (!t->go)
		CHECK(!mn_cond_wait(&t->cond, &t->mutex));
	last = !--t->users;
	CHECK(!mn_mutex_unlock(&t->mutex));
	if (last)
		bury_with_channel(t);
	return NULL;
}

static void says_go(struct thing *t)
{
	CHECK(!mn_mutex_lock(&t->mutex));
	t->go = 1;
	CHECK(!mn_cond_broadcast(&t->cond));
	CHECK(!mn_mutex_unlock(&t->mutex));
}

static void *conds(void *arg)
{
	rounds(waits_for_go, says_go);
	return arg;
}

/* The one who waits does away with it when all have posted. */
static void *posts(void *arg)
{
	struct thing *t = arg;

	CHECK(!mn_sem_post(&t->sem));
	return NULL;
}

static void waits_for_posts(struct thing *t)
{
	int i;

	for (i = 0; i < CREW; i++)
		CHECK(!mn_sem_wait(&t->sem));
	bury_with_channel(t);
}

static void *sems(void *arg)
{
	rounds(posts, waits_for_posts);
	return arg;
}

/* Whoever sees that it has been done may be the last. */
static int done;

static void initialise(void)
{
	mn_yield();
	add(&done, 1);
}

static void *inits(void *arg)
{
	struct thing *t = arg;

	CHECK(!mn_once(&t->once, initialise));
	if (!add(&t->users, -1))
		bury_with_channel(t);
	return NULL;
}

static void *onces(void *arg)
{
	done = 0;
	rounds(inits, NULL);
	CHECK(done == turns(3000));
	return arg;
}

/*
 * Receivers that wait; who closes it does away with it before they have gone. On one
 * virtual CPU, as there, in a section, nobody comes between being counted and
 * waiting.
 */
static void *receives(void *arg)
{
	struct thing *t = arg;
	int x;

	mn_crit_enter();
	add(&t->users, -1);
	CHECK(mn_chan_recv(t->chan, &x) == EPIPE);
	mn_crit_exit();
	return NULL;
}

static void closes(struct thing *t)
{
	while (get(&t->users))
		mn_yield();
	CHECK(!mn_chan_close(t->chan));
	CHECK(!mn_chan_destroy(t->chan));
}

static void *closed(void *arg)
{
	int i, j, n = turns(1000);
	mn_t crew[CREW];

	for (i = 0; i < n; i++) {
		struct thing *t = make(CREW);
		void *again[16];

		CHECK(!mn_chan_create(&t->chan, 400, 1));
		for (j = 0; j < CREW; j++)
			spawn(&crew[j], receives, t);
		closes(t);
		/* One of these has its memory, most likely. */
		for (j = 0; j < N_OF(again); j++) {
			again[j] = malloc(400 + 8 * j);
			if (again[j])
				memset(again[j], POISON, 400 + 8 * j);
		}
		for (j = 0; j < CREW; j++)
			CHECK(!mn_join(crew[j], NULL));
		for (j = 0; j < N_OF(again); j++)
			free(again[j]);
		free(t);
	}
	return arg;
}

/* The last element is the sign that the channel isn't needed any more. */
static void *sends_last(void *arg)
{
	struct thing *t = arg;
	int x = 1;

	CHECK(!mn_chan_send(t->chan, &x));
	return NULL;
}

static void receives_all(struct thing *t)
{
	int i, x = 0, sum = 0;

	for (i = 0; i < CREW; i++) {
		CHECK(!mn_chan_recv(t->chan, &x));
		sum += x;
	}
	CHECK(sum == CREW);
	bury_with_channel(t);
}

static void *channels(void *arg)
{
	rounds(sends_last, receives_all);
	return arg;
}

static const struct mn_case cases[] = {
	{ "a mutex", mutexes, 0 },
	{ "a condition variable", conds, 0 },
	{ "a semaphore", sems, 0 },
	{ "once", onces, 0 },
	{ "a channel that is closed", closed, ONE_VCPU },
	{ "a channel whose last element has come", channels, 0 },
};

MN_MAIN(cases)
