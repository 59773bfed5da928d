// SPDX-License-Identifier: MIT
/*
 * The counters, each a virtual CPU's own, added up; those of the last run are
 * kept.
 */
#include <string.h>

#include "rt.h"

static struct mn_stats last;

static void add_up(struct mn_stats *s)
{
	int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < rt.vcpus; i++) {
		struct vcpu *v = &rt.vcpu[i];

		s->switches += counted(&v->stats.switches);
		s->preemptions += counted(&v->stats.preemptions);
		s->steals += counted(&v->stats.steals);
		s->sent += load64(&v->sent);
		s->coalesced += load64(&v->coalesced);
		s->entered += counted(&v->stats.entered);
		s->held += counted(&v->stats.held);
		s->deferred += counted(&v->stats.deferred);
		s->migrations += counted(&v->stats.migrations);
		s->spawned += counted(&v->stats.spawned);
	}
	s->threads = rt.threads;
	s->vcpus = rt.vcpus;
	s->backend = rt.kind;
}

void stats_keep(void)
{
	add_up(&last);
}

MN_EXPORT int mn_stats(struct mn_stats *stats)
{
	struct mn_stats now;

	if (look_begin()) {
		add_up(&now);
		look_end();
	} else {
		now = last;
	}
	return sized_out(stats, STATS_FIRST, &now, sizeof(now));
}
