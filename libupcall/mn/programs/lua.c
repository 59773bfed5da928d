// SPDX-License-Identifier: MIT
/*
 * An interpreter that knows nothing of threads: many Lua states, each on a user
 * thread of its own. Their scripts run in endless loops, and neither they nor the
 * interpreter, which is Debian's, ever let another in: no hooks are set.
 *
 * usage: lua [STATES [RESULTS]]: ends when each state has given RESULTS results.
 * Fails if a result is wrong. Some states loop without a word; without preemption
 * nobody would ever come after these: there they are left out, and the others are
 * ended by an error from result().
 */
#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>

#include "program.h"

#define STACK		(128 << 10)
#define SILENT_EVERY	16	/* one state in so many */
#define POLL_NS		5000000

/* Scripts that give the same result, over and over. */
static const struct script {
	const char *name, *text, *wanted;
} scripts[] = {
	{ "primes", "while true do\n"
		"  local s, n = {}, 0\n"
		"  for i = 2, 500 do\n"
		"    if not s[i] then\n"
		"      n = n + i\n"
		"      for j = i * i, 500, i do s[j] = true end\n"
		"    end\n"
		"  end\n"
		"  result(tostring(n))\n"
		"end", "21536" },
	{ "floats", "while true do\n"
		"  local x = 1.0\n"
		"  for i = 1, 400 do x = x - (x * x - 2) / (2 * x) + i * 0.0 end\n"
		"  result(string.format('%.12f', x))\n"
		"end", "1.414213562373" },
	{ "strings", "while true do\n"
		"  local t = {}\n"
		"  for i = 1, 100 do t[#t + 1] = ('%03d'):format(i * 7 % 101) end\n"
		"  table.sort(t)\n"
		"  result(t[1] .. t[50] .. t[100] .. #table.concat(t))\n"
		"end", "001050100300" },
	{ "errors", "local function deep(n)\n"
		"  if n == 0 then error({ code = 42 }) end\n"
		"  return 1 + deep(n - 1)\n"
		"end\n"
		"while true do\n"
		"  local ok, e = pcall(deep, 50)\n"
		"  result(tostring(ok) .. e.code)\n"
		"end", "false42" },
	{ "coroutines", "while true do\n"
		"  local co = coroutine.wrap(function()\n"
		"    for i = 1, 100 do coroutine.yield(i) end\n"
		"    return 0\n"
		"  end)\n"
		"  local n = 0\n"
		"  for i = 1, 101 do n = n + co() end\n"
		"  result(tostring(n))\n"
		"end", "5050" },
	{ "silent", "while true do end", NULL },
};
#define N_SCRIPTS	5	/* that give results */

struct state {
	const struct script	*script;
	lua_State		*lua;
	mn_t			thread;
	int			results, wrong;
	char			got[64];	/* instead */
};

static struct state *states;
static int n_states, wanted, cooperative;

/* Called by a script. It comes back at once: this is no point to switch at. */
static int result(lua_State *lua)
{
	struct state *s = *(struct state **)lua_getextraspace(lua);
	const char *text = luaL_checkstring(lua, 1);

	if (strcmp(text, s->script->wanted)) {
		if (!s->wrong++)
			snprintf(s->got, sizeof(s->got), "%s", text);
	}
	__atomic_fetch_add(&s->results, 1, __ATOMIC_RELAXED);
	if (cooperative && s->results >= wanted)
		return luaL_error(lua, "enough");
	return 0;
}

static void *interpret(void *arg)
{
	struct state *s = arg;

	if (luaL_loadstring(s->lua, s->script->text) ||
	    lua_pcall(s->lua, 0, 0, 0) != LUA_ERRRUN ||
	    s->results < wanted) {
		snprintf(s->got, sizeof(s->got), "%s", lua_tostring(s->lua, -1));
		s->wrong++;
	}
	return NULL;
}

static void start(struct state *s)
{
	struct mn_attr attr = { .name = s->script->name, .stack_size = STACK };

	s->lua = luaL_newstate();
	if (!s->lua)
		must(ENOMEM, "luaL_newstate");
	luaL_openlibs(s->lua);
	*(struct state **)lua_getextraspace(s->lua) = s;
	lua_pushcfunction(s->lua, result);
	lua_setglobal(s->lua, "result");
	MUST(mn_spawn(&s->thread, &attr, interpret, s));
}

/* Returns whether somebody is not through yet. */
static int unfinished(void)
{
	int i;

	for (i = 0; i < n_states; i++)
		if (states[i].script->wanted && !states[i].wrong &&
		    __atomic_load_n(&states[i].results,
				    __ATOMIC_RELAXED) < wanted)
			return 1;
	return 0;
}

/* When this returns, the scripts are in the middle of something, and are gone. */
static void *run_all(void *arg)
{
	struct mn_stats stats = { .size = sizeof(stats) };
	int i;

	/* The interpreter is to be interrupted, and not only what calls it. */
	MUST(mn_preemptible(lua_newstate));
	mn_stats(&stats);
	cooperative = stats.backend == MN_COOPERATIVE;
	for (i = 0; i < n_states; i++) {
		int silent = i % SILENT_EVERY == 1 && !cooperative;

		states[i].script = &scripts[silent ? N_SCRIPTS : i % N_SCRIPTS];
		start(&states[i]);
	}
	while (unfinished())
		mn_sleep(POLL_NS);
	return arg;
}

/* Returns whether one of them gave something else than it should have. */
static int report(void)
{
	int k, i, bad = 0;

	printf("  %-12s %8s %10s %10s %10s\n", "script", "states", "results",
	       "least", "most");
	for (k = 0; k <= N_SCRIPTS; k++) {
		long n = 0, sum = 0, least = 0, most = 0;

		for (i = 0; i < n_states; i++) {
			const struct state *s = &states[i];

			if (s->script != &scripts[k])
				continue;
			least = n && least < s->results ? least : s->results;
			most = most > s->results ? most : s->results;
			sum += s->results;
			n++;
			if (s->wrong)
				printf("lua: WRONG: state %d, %s: %s\n", i,
				       s->script->name, s->got);
			bad += s->wrong;
		}
		printf("  %-12s %8ld %10ld %10ld %10ld\n", scripts[k].name, n,
		       sum, least, most);
	}
	return bad != 0;
}

int main(int argc, char **argv)
{
	int64_t begin = mn_now();

	(void)argc;
	n_states = number(argv, 1, 20, 1);
	wanted = number(argv, 2, 10, 1);
	states = calloc(n_states, sizeof(*states));
	if (!states)
		must(ENOMEM, "calloc");
	MUST(mn_run(NULL, run_all, NULL, NULL));
	printf("lua: %d states of %s in endless loops, %d results or more of each,"
	       " %.2f s\n", n_states, LUA_RELEASE, wanted, seconds_since(begin));
	print_stats();
	return report();
}
