// SPDX-License-Identifier: MIT
/*
 * Many threads that do what chance tells them to everything at once: mutexes,
 * condition variables, semaphores, channels, once, slots, sleeps, sections, spawn and
 * join. What must hold whatever they do is counted:
 *
 *   - a mutex has one owner, and what it guards is consistent;
 *   - tokens of a semaphore are neither made nor lost, nor elements of a channel;
 *   - what has to be done once is done once;
 *   - a thread's slots are its own, and each value is destroyed once;
 *   - everything comes to its end: no wake-up is lost.
 *
 * A spin of random length before and after each operation is where slices end.
 * UPCALL_SEED in the environment repeats a run's choices, which are printed.
 */
#include <time.h>
#include "mn_test.h"

#define THREADS		40
#define OBJECTS		4
#define TOKENS		3
#define DEPTH		2	/* of threads that spawn threads */

static unsigned int seed0;

static struct object {
	struct mn_mutex	mutex;
	struct mn_cond	cond;
	struct mn_sem	sem;
	struct mn_once	once;
	struct mn_chan	*chan;
	int		owners;		/* in the mutex */
	long		twice[2];	/* what it guards: always equal */
	int		inside;		/* with a token */
	int		done;		/* once */
	int		sent, received;
	long		sum_sent, sum_received;
	int		posted, taken;	/* under the mutex, for cond */
} objects[OBJECTS];

static mn_key_t key;
static int values_set, values_gone, threads_begun, threads_joined;
static int ids;

struct self {
	unsigned int	seed;
	int		id, depth, turns;
};

static unsigned int some(struct self *me, unsigned int n)
{
	return random_next(&me->seed) % n;
}

static struct object *any(struct self *me)
{
	return &objects[some(me, OBJECTS)];
}

static void guarded(struct self *me, struct object *o)
{
	CHECK(add(&o->owners, 1) == 1);
	CHECK(o->twice[0] == o->twice[1]);
	o->twice[0]++;
	spin(some(me, 300));
	if (!some(me, 16))
		mn_yield();
	o->twice[1]++;
	CHECK(add(&o->owners, -1) == 0);
}

static void do_mutex(struct self *me)
{
	struct object *o = any(me);

	if (some(me, 4))
		CHECK(!mn_mutex_lock(&o->mutex));
	else if (mn_mutex_trylock(&o->mutex))
		return;
	guarded(me, o);
	CHECK(mn_mutex_lock(&o->mutex) == EDEADLK);
	CHECK(!mn_mutex_unlock(&o->mutex));
}

/*
 * Something is put there for whoever takes it. Who waits gives up in time: nobody
 * may come any more.
 */
static void do_cond(struct self *me)
{
	struct object *o = any(me);
	int err = 0;

	CHECK(!mn_mutex_lock(&o->mutex));
	if (some(me, 2)) {
		o->posted++;
		CHECK(!(some(me, 2) ? mn_cond_signal(&o->cond) :
			mn_cond_broadcast(&o->cond)));
	} else {
		int64_t until = mn_now() + some(me, 2000000);

		while (o->posted == o->taken && !err)
			err = mn_cond_timedwait(&o->cond, &o->mutex, until);
		CHECK(!err || err == ETIMEDOUT);
		if (o->posted != o->taken)
			o->taken++;
	}
	guarded(me, o);
	CHECK(!mn_mutex_unlock(&o->mutex));
}

static void do_sem(struct self *me)
{
	struct object *o = any(me);
	int err, now;

	switch (some(me, 3)) {
	case 0:
		err = mn_sem_trywait(&o->sem);
		CHECK(!err || err == EAGAIN);
		break;
	case 1:
		err = mn_sem_timedwait(&o->sem, mn_now() + some(me, 300000));
		CHECK(!err || err == ETIMEDOUT);
		break;
	default:
		err = mn_sem_wait(&o->sem);
		CHECK(!err);
	}
	if (err)
		return;
	now = add(&o->inside, 1);
	CHECK(now >= 1 && now <= TOKENS);
	spin(some(me, 300));
	if (!some(me, 8))
		mn_sleep(some(me, 50000));
	add(&o->inside, -1);
	CHECK(!mn_sem_post(&o->sem));
}

static void add_long(long *to, long x)
{
	__atomic_fetch_add(to, x, __ATOMIC_SEQ_CST);
}

static void got(struct object *o, const long *x)
{
	CHECK(x[0] == ~x[1]);
	add(&o->received, 1);
	add_long(&o->sum_received, x[0]);
}

static void sent(struct object *o, const long *x)
{
	add(&o->sent, 1);
	add_long(&o->sum_sent, x[0]);
}

/* Those who do nothing but receive see to it that a sender does not wait for ever. */
static void do_chan(struct self *me)
{
	struct object *o = any(me);
	long x[2];
	int err;

	x[0] = random_next(&me->seed);
	x[1] = ~x[0];
	switch (some(me, 4)) {
	case 0:
		err = mn_chan_tryrecv(o->chan, x);
		CHECK(!err || err == EAGAIN);
		if (!err)
			got(o, x);
		break;
	case 1:
		err = mn_chan_trysend(o->chan, x);
		CHECK(!err || err == EAGAIN);
		if (!err)
			sent(o, x);
		break;
	default:
		CHECK(!mn_chan_send(o->chan, x));
		sent(o, x);
	}
}

#define RECEIVERS	2	/* of each channel */

static void *receives(void *arg)
{
	unsigned int seed = seed0 ^ (long)arg << 8 ^ 1;
	struct object *o = &objects[(long)arg % OBJECTS];
	long x[2];
	int err;

	while (!(err = mn_chan_recv(o->chan, x))) {
		got(o, x);
		spin(random_next(&seed) % 1000);
	}
	CHECK(err == EPIPE);
	return NULL;
}

static struct object *doing;
static struct mn_mutex doing_mutex;

static void once(void)
{
	struct object *o = doing;

	mn_yield();
	add(&o->done, 1);
}

static void do_once(struct self *me)
{
	struct object *o = any(me);

	/* once() has no argument but this. */
	CHECK(!mn_mutex_lock(&doing_mutex));
	doing = o;
	CHECK(!mn_once(&o->once, once));
	CHECK(get(&o->done) == 1);
	CHECK(!mn_mutex_unlock(&doing_mutex));
	CHECK(!mn_once(&o->once, once));
}

static void gone(void *value)
{
	add(&values_gone, 1);
	free(value);
}

static void do_slot(struct self *me)
{
	int *value = mn_getspecific(key);

	if (value) {
		CHECK(*value == me->id);
		return;
	}
	value = malloc(sizeof(*value));
	if (!value)
		return;
	*value = me->id;
	add(&values_set, 1);
	CHECK(!mn_setspecific(key, value));
	spin(some(me, 300));
	CHECK(mn_getspecific(key) == value);
}

static void do_section(struct self *me)
{
	int at;

	mn_crit_enter();
	at = mn_vcpu();
	spin(some(me, 1000));
	CHECK(mn_vcpu() == at);
	mn_crit_exit();
	mn_hold();
	spin(some(me, 1000));
	mn_release();
}

static void do_sleep(struct self *me)
{
	int64_t until = mn_now() + some(me, 100000);

	CHECK(!mn_sleep_until(until));
	CHECK(mn_now() >= until);
}

static void do_yield(struct self *me)
{
	(void)me;
	mn_yield();
}

static void do_nothing(struct self *me)
{
	spin(some(me, 20000));
}

static void *works(void *arg);

static void begin(struct self *me, struct self *child, mn_t *t)
{
	struct mn_attr attr = { .urgent = !some(me, 4) };

	*child = (struct self){
		.seed = random_next(&me->seed) | 1, .id = add(&ids, 1),
		.depth = me->depth + 1, .turns = me->turns / 4 + 1,
	};
	CHECK(!mn_spawn(t, &attr, works, child));
	add(&threads_begun, 1);
}

static void end(struct self *child, mn_t t)
{
	void *result;

	CHECK(!mn_join(t, &result));
	CHECK(result == child);
	add(&threads_joined, 1);
}

static void do_spawn(struct self *me)
{
	struct self child;
	mn_t t;

	if (me->depth == DEPTH || some(me, 8))
		return;
	begin(me, &child, &t);
	spin(some(me, 1000));
	end(&child, t);
}

static void (*const operations[])(struct self *) = {
	do_mutex, do_mutex, do_cond, do_cond, do_sem, do_sem, do_chan, do_chan,
	do_once, do_slot, do_section, do_sleep, do_yield, do_nothing, do_spawn,
};

static void *works(void *arg)
{
	struct self *me = arg;
	int i;

	for (i = 0; i < me->turns; i++) {
		spin(some(me, 2000));
		operations[some(me, N_OF(operations))](me);
	}
	return me;
}

static void prepare(void)
{
	int i;

	memset(objects, 0, sizeof(objects));
	for (i = 0; i < OBJECTS; i++) {
		struct object *o = &objects[i];

		mn_mutex_init(&o->mutex);
		mn_cond_init(&o->cond);
		mn_sem_init(&o->sem, TOKENS);
		CHECK(!mn_chan_create(&o->chan, sizeof(long[2]), 1 + i));
	}
	mn_mutex_init(&doing_mutex);
	values_set = values_gone = threads_begun = threads_joined = ids = 0;
	CHECK(!mn_key_create(&key, gone));
}

static void add_up(void)
{
	int i, j;

	for (i = 0; i < OBJECTS; i++) {
		struct object *o = &objects[i];
		long x[2];

		CHECK(!o->owners && o->twice[0] == o->twice[1]);
		CHECK(!o->inside && o->taken <= o->posted && o->done <= 1);
		CHECK(!mn_mutex_trylock(&o->mutex));
		for (j = 0; j < TOKENS; j++)
			CHECK(!mn_sem_trywait(&o->sem));
		CHECK(mn_sem_trywait(&o->sem) == EAGAIN);
		CHECK(mn_chan_tryrecv(o->chan, x) == EPIPE);
		CHECK(o->sent == o->received);
		CHECK(o->sum_sent == o->sum_received);
		CHECK(!mn_chan_destroy(o->chan));
	}
	CHECK(values_set == values_gone);
	CHECK(threads_begun == threads_joined);
	CHECK(!mn_key_delete(key));
}

static void *everything(void *arg)
{
	struct self me = { .seed = seed0, .turns = 4 * turns(3000) };
	struct self crew[THREADS];
	mn_t t[THREADS], r[OBJECTS * RECEIVERS];
	int i;

	prepare();
	me.depth = -1;
	for (i = 0; i < N_OF(r); i++)
		spawn(&r[i], receives, (void *)(long)i);
	for (i = 0; i < THREADS; i++)
		begin(&me, &crew[i], &t[i]);
	for (i = 0; i < THREADS; i++)
		end(&crew[i], t[i]);
	for (i = 0; i < OBJECTS; i++)
		CHECK(!mn_chan_close(objects[i].chan));
	for (i = 0; i < N_OF(r); i++)
		CHECK(!mn_join(r[i], NULL));
	add_up();
	return arg;
}

static const struct mn_case cases[] = {
	{ "everything at once", everything, 0 },
};

int main(void)
{
	const char *s = getenv("UPCALL_SEED");

	seed0 = s ? strtoul(s, NULL, 0) : (unsigned int)mn_now();
	seed0 += !seed0;
	tap_plan(count_cases(cases, N_OF(cases)));
	printf("# UPCALL_SEED=%u\n", seed0);
	run_cases(cases, N_OF(cases));
	return tap_done();
}
