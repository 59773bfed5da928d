// SPDX-License-Identifier: GPL-2.0
/*
 * Two tasks wake each other by turns, each dispatch racing with the other's
 * way into its sleep: none is missed and none comes twice. upcall.rst, section
 * 6, WAIT and SUSPEND, and section 4, rule 4.
 */
#include "upcall_util.h"

static int rounds;

static struct player {
	struct upcall upc;
	struct player *peer;
	int id, ready, turns, slept;
	bool suspend;
	void *ctx;
} players[2];

/* One's turn has come; cfunc cannot miss it and the sleep must not. */
static void turn_cfunc(void *data)
{
	struct player *p = data;

	WRITE_ONCE(p->turns, p->turns + 1);
}

static bool await_turn(struct player *p, int turn)
{
	int ret;

	crit_enter(&p->upc);
	while (READ_ONCE(p->turns) != turn) {
		ret = upc_control(p->suspend ? UPC_CONTROL_SUSPEND :
					       UPC_CONTROL_WAIT, -1, 1);
		p->slept++;
		if (ret != p->id)
			return false;
		if (!p->suspend)
			crit_exit(&p->upc);
		crit_enter(&p->upc);
	}
	crit_exit(&p->upc);
	return p->upc.crit_count == 0;
}

static void *play(void *data)
{
	struct player *p = data;
	bool first = p == &players[0];
	long long start = now_ns();
	int i;

	p->id = upc_register_ctx(&p->upc, p->ctx, turn_cfunc, p);
	__atomic_store_n(&p->ready, 1, __ATOMIC_RELEASE);
	WAIT_UNTIL(__atomic_load_n(&p->peer->ready, __ATOMIC_ACQUIRE));

	for (i = 1; i <= READ_ONCE(rounds); i++) {
		/* The other one does not look before its turn has come. */
		if (first && i % 64 == 0 && time_is_up(start, 30))
			WRITE_ONCE(rounds, i);
		if (first && upc_dispatch(p->peer->id, 1))
			break;
		if (!await_turn(p, i))
			break;
		if (!first && upc_dispatch(p->peer->id, 1))
			break;
	}
	return (void *)(long)(i - 1);
}

FIXTURE(wait_race) {
};

FIXTURE_VARIANT(wait_race) {
	bool suspend;
	void *ctx;
};

FIXTURE_VARIANT_ADD(wait_race, wait_pop) { .ctx = ctx_pop };
FIXTURE_VARIANT_ADD(wait_race, wait_next) { .ctx = ctx_next };

FIXTURE_VARIANT_ADD(wait_race, suspend_pop) {
	.suspend = true, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(wait_race, suspend_next) {
	.suspend = true, .ctx = ctx_next,
};

FIXTURE_SETUP(wait_race)
{
}

FIXTURE_TEARDOWN(wait_race)
{
}

/* The timeout is there to find a hang; it is long for the slowest of guests. */
TEST_F_TIMEOUT(wait_race, by_turns, 900)
{
	pthread_t threads[2];
	int i, wanted = iterations(25000);
	void *done;

	rounds = wanted;
	for (i = 0; i < 2; i++) {
		players[i] = (struct player) {
			.upc = UPCALL_INIT, .peer = &players[!i],
			.suspend = variant->suspend, .ctx = variant->ctx,
		};
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, play,
					    &players[i]));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &done));
		EXPECT_EQ(rounds, (long)done);
		EXPECT_EQ(rounds, players[i].turns);
	}
	/* What this is for: the sleep has to have been in play. */
	EXPECT_LT(0, players[0].slept + players[1].slept);
	EXPECT_LE(wanted / 1000, rounds);
	TH_LOG("%d rounds, %d and %d sleeps", rounds, players[0].slept,
	       players[1].slept);
}

TEST_HARNESS_MAIN
