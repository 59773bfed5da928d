// SPDX-License-Identifier: MIT
/*
 * mn_select(), and channels without room: one case is done, once, and the others not
 * at all; whoever is told that none was done has done none.
 */
#include "mn_test.h"

#define CHANS	4
#define SENDERS	3
#define EACH	200

static struct mn_chan *chans[CHANS];
static int got[SENDERS][EACH];
static int n_got, n_sent, each;

static void make_chans(int capacity)
{
	int i;

	for (i = 0; i < CHANS; i++)
		CHECK(!mn_chan_create(&chans[i], sizeof(int),
				      capacity < 0 ? i : capacity));
}

static void destroy_chans(void)
{
	int i;

	for (i = 0; i < CHANS; i++)
		CHECK(!mn_chan_destroy(chans[i]));
}

static void cases_of(struct mn_select_case *k, enum mn_select_op op, int *elements)
{
	int i;

	memset(k, 0xa5, CHANS * sizeof(*k));
	for (i = 0; i < CHANS; i++) {
		k[i].op = op;
		k[i].chan = chans[i];
		k[i].element = &elements[i];
	}
}

static int64_t some_deadline(unsigned int *seed)
{
	unsigned int n = random_next(seed);

	return n % 2 ? MN_FOREVER : mn_now() + n % 50000;
}

/* Sends each number of its own to whichever takes it; by deadlines, some give up. */
static void *sends(void *arg)
{
	int i, j, ret, elements[CHANS], who = (long)arg / 2;
	struct mn_select_case k[CHANS];
	unsigned int which, seed = who + 5;

	cases_of(k, MN_SELECT_SEND, elements);
	for (i = 0; i < each; i++) {
		for (j = 0; j < CHANS; j++)
			elements[j] = who * EACH + i;
		if (random_next(&seed) % 4 == 0) {
			CHECK(!mn_chan_send(chans[i % CHANS], elements));
			continue;
		}
		do {
			which = 99;
			ret = mn_select(k, CHANS, &which, some_deadline(&seed));
			CHECK(ret ? ret == ETIMEDOUT && which == 99 : which < CHANS);
		} while (ret);
	}
	add(&n_sent, 1);
	return NULL;
}

static void note(int element)
{
	CHECK(element >= 0 && element < SENDERS * EACH);
	add(&got[element / EACH][element % EACH], 1);
	add(&n_got, 1);
}

/* Until all are closed. */
static void *receives(void *arg)
{
	int ret, open = CHANS, elements[CHANS];
	struct mn_select_case k[CHANS];
	unsigned int which, seed = (long)arg + 9;

	cases_of(k, MN_SELECT_RECV, elements);
	while (open) {
		which = 99;
		memset(elements, 0xff, sizeof(elements));
		ret = mn_select(k, CHANS, &which, some_deadline(&seed));
		if (ret == ETIMEDOUT) {
			CHECK(which == 99);
			continue;
		}
		CHECK(which < CHANS && k[which].op == MN_SELECT_RECV);
		if (ret == EPIPE) {
			k[which].op = MN_SELECT_NONE;
			open--;
			continue;
		}
		CHECK(!ret);
		note(elements[which]);
	}
	return NULL;
}

/* From one of them, without select. */
static void *receives_from(void *arg)
{
	int element;

	while (!mn_chan_recv(chans[(long)arg % CHANS], &element))
		note(element);
	return NULL;
}

static void *all_of_it(void *arg)
{
	switch ((long)arg) {
	case 0: case 2: case 4:
		return sends(arg);
	case 1: case 3:
		return receives(arg);
	case 5:
		return receives_from(arg);
	}
	wait_for(&n_sent, SENDERS);
	CHECK(!mn_chan_close(chans[0]) && !mn_chan_close(chans[1]) &&
	      !mn_chan_close(chans[2]) && !mn_chan_close(chans[3]));
	return NULL;
}

static void exactly_once(int capacity)
{
	int i, j, k;

	each = turns(EACH) < EACH ? turns(EACH) : EACH;
	for (k = 0; k < turns(20); k++) {
		memset(got, 0, sizeof(got));
		n_got = n_sent = 0;
		make_chans(capacity);
		crew(7, all_of_it);
		destroy_chans();
		CHECK(n_got == SENDERS * each);
		for (i = 0; i < SENDERS; i++)
			for (j = 0; j < each; j++)
				CHECK(got[i][j] == 1);
	}
}

static void *without_room(void *arg)
{
	exactly_once(0);
	return arg;
}

static void *with_room(void *arg)
{
	exactly_once(1);
	exactly_once(3);
	return arg;
}

static void *some_with_room(void *arg)
{
	exactly_once(-1);
	return arg;
}

/* Of those that can be done none is passed over for ever. */
static void *each_in_turn(void *arg)
{
	int i, elements[CHANS] = { 0 }, seen[CHANS] = { 0 };
	struct mn_select_case k[CHANS];
	unsigned int which;

	make_chans(1);
	for (i = 0; i < CHANS; i++)
		CHECK(!mn_chan_trysend(chans[i], &i));
	cases_of(k, MN_SELECT_RECV, elements);
	for (i = 0; i < 400; i++) {
		CHECK(!mn_select(k, CHANS, &which, MN_FOREVER));
		CHECK(elements[which] == (int)which);
		seen[which]++;
		CHECK(!mn_chan_trysend(chans[which], &which));
	}
	for (i = 0; i < CHANS; i++)
		CHECK(seen[i] > 10);
	/* Those that are left out are not looked at. */
	k[0].op = k[2].op = MN_SELECT_NONE;
	k[0].chan = NULL;
	for (i = 0; i < 100; i++) {
		CHECK(!mn_select(k, CHANS, &which, MN_FOREVER) && which % 2);
		CHECK(!mn_chan_trysend(chans[which], &which));
	}
	destroy_chans();
	return arg;
}

/* Both ways at one channel: to another who does the same, and not to oneself. */
static int sent, received;

static void *both_ways(void *arg)
{
	int out = (long)arg, in = -1;
	struct mn_select_case k[2] = {
		{ .op = MN_SELECT_SEND, .chan = chans[0], .element = &out },
		{ .op = MN_SELECT_RECV, .chan = chans[0], .element = &in },
	};
	unsigned int which;

	CHECK(!mn_select(k, 2, &which, MN_FOREVER));
	add(which ? &received : &sent, 1);
	CHECK(which ? in >= 0 && in != out : in == -1);
	return NULL;
}

static void *not_to_oneself(void *arg)
{
	int x = 1, y = -1, i;
	unsigned int which = 7;

	make_chans(0);
	for (i = 0; i < turns(300); i++) {
		struct mn_select_case k[2] = {
			{ .op = MN_SELECT_SEND, .chan = chans[0], .element = &x },
			{ .op = MN_SELECT_RECV, .chan = chans[0], .element = &y },
		};

		CHECK(mn_select(k, 2, &which, 0) == ETIMEDOUT);
		CHECK(mn_select(k, 2, &which, mn_now() + 1000) == ETIMEDOUT);
		CHECK(y == -1 && which == 7);
		sent = received = 0;
		crew(4, both_ways);
		CHECK(sent == 2 && received == 2);
	}
	destroy_chans();
	return arg;
}

/* Whoever waits is told that it is closed; then nobody looks at it any more. */
static int begun, told;

static void *waits(void *arg)
{
	int elements[CHANS] = { 0 };
	struct mn_select_case k[CHANS];
	unsigned int which = 99;

	cases_of(k, (long)arg % 2 ? MN_SELECT_SEND : MN_SELECT_RECV, elements);
	/* A sender has nowhere to go, nor anybody to take it. */
	add(&begun, 1);
	CHECK(mn_select(k, 2, &which, MN_FOREVER) == EPIPE && which == 1);
	add(&told, 1);
	return NULL;
}

static void *closed(void *arg)
{
	long kind;
	mn_t t[3];
	int i, j;

	for (i = 0; i < turns(200); i++) {
		kind = i % 2;
		make_chans(0);
		begun = told = 0;
		for (j = 0; j < 3; j++)
			spawn(&t[j], waits, (void *)kind);
		wait_for(&begun, i % 4);
		CHECK(!mn_chan_close(chans[1]));
		wait_for(&told, 3);
		for (j = 0; j < 3; j++)
			CHECK(!mn_join(t[j], NULL));
		destroy_chans();
	}
	return arg;
}

/* Another case has won, and what the rest are for is gone before it has run. */
static void *waits_for_two(void *arg)
{
	struct mn_select_case k[CHANS];
	int elements[CHANS];
	unsigned int which;

	cases_of(k, MN_SELECT_RECV, elements);
	k[2].chan = chans[0];
	CHECK(!mn_select(k, 3, &which, MN_FOREVER) && which == 0);
	CHECK(elements[0] == 3);
	return arg;
}

static void *gone_meanwhile(void *arg)
{
	int i, x = 3;
	mn_t t;

	make_chans(0);
	for (i = 0; i < turns(300); i++) {
		spawn(&t, waits_for_two, NULL);
		/* Then it waits at both. */
		while (mn_chan_trysend(chans[0], &x))
			mn_yield();
		CHECK(!mn_chan_destroy(chans[0]));
		if (i % 2)
			CHECK(!mn_chan_close(chans[1]));
		CHECK(!mn_chan_destroy(chans[1]));
		CHECK(!mn_join(t, NULL));
		CHECK(!mn_chan_create(&chans[0], sizeof(int), 0));
		CHECK(!mn_chan_create(&chans[1], sizeof(int), 0));
	}
	destroy_chans();
	return arg;
}

/* A channel without room, without select. */
static int taken;

static void *takes(void *arg)
{
	int element = -1;

	CHECK(!mn_chan_recv(chans[0], &element) && element == 42);
	add(&taken, 1);
	return arg;
}

static void *rendezvous(void *arg)
{
	int i, x = 42, y;
	mn_t t;

	make_chans(0);
	for (i = 0; i < turns(300); i++) {
		taken = 0;
		CHECK(mn_chan_trysend(chans[0], &x) == EAGAIN);
		CHECK(mn_chan_tryrecv(chans[0], &y) == EAGAIN);
		CHECK(mn_chan_timedsend(chans[0], &x, mn_now() + 100) ==
		      ETIMEDOUT);
		spawn(&t, takes, NULL);
		if (i % 2)
			CHECK(!mn_chan_send(chans[0], &x));
		else
			while (mn_chan_trysend(chans[0], &x))
				mn_yield();
		CHECK(!mn_join(t, NULL) && taken == 1);
	}
	CHECK(!mn_chan_close(chans[0]));
	CHECK(mn_chan_send(chans[0], &x) == EPIPE);
	CHECK(mn_chan_recv(chans[0], &y) == EPIPE);
	destroy_chans();
	return arg;
}

static void *bad(void *arg)
{
	struct mn_select_case k = { .op = MN_SELECT_RECV };
	unsigned int which = 7;
	int x;

	make_chans(1);
	CHECK(mn_select(&k, 1, &which, 0) == EINVAL);
	k.chan = chans[0];
	CHECK(mn_select(&k, 1, &which, 0) == EINVAL);
	k.element = &x;
	CHECK(mn_select(&k, 1, NULL, 0) == EINVAL);
	CHECK(mn_select(&k, 1, &which, 0) == ETIMEDOUT);
	k.op = (enum mn_select_op)3;
	CHECK(mn_select(&k, 1, &which, 0) == EINVAL);
	k.op = MN_SELECT_NONE;
	CHECK(mn_select(&k, 1, NULL, mn_now() + 1000) == ETIMEDOUT);
	CHECK(mn_select(NULL, 0, NULL, mn_now() + 1000) == ETIMEDOUT);
	CHECK(which == 7);
	destroy_chans();
	return arg;
}

static const struct mn_case cases[] = {
	{ "no room: each element once", without_room, 0 },
	{ "room: each element once", with_room, 0 },
	{ "some with room: each element once", some_with_room, 0 },
	{ "each that can be done comes", each_in_turn, 0 },
	{ "both ways, but not to oneself", not_to_oneself, 0 },
	{ "whoever waits is told of the end", closed, 0 },
	{ "what is gone meanwhile is not looked at", gone_meanwhile, 0 },
	{ "a channel without room", rendezvous, 0 },
	{ "what cannot be", bad, ONCE },
};

MN_MAIN(cases)
