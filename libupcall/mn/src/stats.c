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

		s->switches += v->switches;
		s->preemptions += v->stats.preemptions;
		s->steals += v->stats.steals;
		s->sent += v->sent;
		s->coalesced += v->coalesced;
		s->entered += v->stats.entered;
		s->held += v->stats.held;
		s->deferred += v->stats.deferred;
		s->migrations += v->stats.migrations;
		s->spawned += v->stats.spawned;
	}
	s->threads = rt.threads;
	s->vcpus = rt.vcpus;
	s->backend = rt.kind;
}

void stats_keep(void)
{
	add_up(&last);
}

MN_EXPORT void mn_stats(struct mn_stats *s)
{
	if (rt.running && rt.vcpu)
		add_up(s);
	else
		*s = last;
}
