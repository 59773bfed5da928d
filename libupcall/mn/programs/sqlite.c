// SPDX-License-Identifier: MIT
/*
 * A database that knows nothing of user threads: SQLite, as Debian has it, with a
 * connection for each of many threads, and with one for all, in threads that are
 * preempted and whose functions SQLite calls back.
 *
 * usage: sqlite [THREADS [ROWS]]: fails if a sum is not what it should be.
 */
#include <sqlite3.h>

#include "program.h"

#define STACK	(256 << 10)

static long threads, rows;
static sqlite3 *shared;
static long long sums;
static int wrong;

static void fails(sqlite3 *db, const char *what)
{
	fprintf(stderr, "sqlite: %s: %s\n", what, sqlite3_errmsg(db));
	__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static void do_it(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fails(db, sql);
}

/* walked(x): called by SQLite, with its locks held. */
static void walked(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	walk(1, 2000);
	sqlite3_result_int64(c, sqlite3_value_int64(v[0]));
}

static sqlite3 *opens(void)
{
	sqlite3 *db;

	if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE |
			    SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL) !=
	    SQLITE_OK || sqlite3_create_function(db, "walked", 1, SQLITE_UTF8, NULL,
						 walked, NULL, NULL) != SQLITE_OK)
		fails(db, "open");
	return db;
}

/* The sum of @me's rows in table t, by a statement that is stepped through. */
static long long sum_of(sqlite3 *db, long me)
{
	sqlite3_stmt *s;
	long long sum = 0;

	if (sqlite3_prepare_v2(db, "select walked(v) from t where k = ?", -1, &s,
			       NULL) != SQLITE_OK) {
		fails(db, "prepare");
		return -1;
	}
	sqlite3_bind_int64(s, 1, me);
	while (sqlite3_step(s) == SQLITE_ROW) {
		sum += sqlite3_column_int64(s, 0);
		walk(me, 500);
	}
	sqlite3_finalize(s);
	return sum;
}

static void uses(sqlite3 *db, long me)
{
	char sql[128];
	long i;

	for (i = 0; i < rows; i++) {
		snprintf(sql, sizeof(sql), "insert into t values (%ld, %ld)", me,
			 me + i);
		do_it(db, sql);
		walk(me, 1000);
	}
	if (sum_of(db, me) != rows * me + rows * (rows - 1) / 2)
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&sums, 1, __ATOMIC_RELAXED);
}

static void *has_its_own(void *arg)
{
	sqlite3 *db = opens();

	do_it(db, "create table t (k integer, v integer)");
	uses(db, (long)arg);
	sqlite3_close(db);
	return NULL;
}

static void *has_the_shared(void *arg)
{
	uses(shared, (long)arg);
	return NULL;
}

static void all(void *(*fn)(void *))
{
	struct mn_attr attr = { .stack_size = STACK };
	mn_t *t = calloc(threads, sizeof(*t));
	long i;

	for (i = 0; i < threads; i++)
		MUST(mn_spawn(&t[i], &attr, fn, (void *)i));
	for (i = 0; i < threads; i++)
		MUST(mn_join(t[i], NULL));
	free(t);
}

static void *first(void *arg)
{
	all(has_its_own);
	shared = opens();
	do_it(shared, "create table t (k integer, v integer)");
	all(has_the_shared);
	sqlite3_close(shared);
	return arg;
}

int main(int argc, char **argv)
{
	struct mn_config config = { 0 };
	int64_t begin = mn_now();

	(void)argc;
	threads = number(argv, 1, 20, 1);
	rows = number(argv, 2, 50, 1);
	if (!getenv("MN_SLICE"))
		config.slice = 500;
	MUST(mn_run(&config, first, NULL, NULL));
	printf("sqlite: %s, %ld threads, %lld sums, %d wrong, %.2f s\n",
	       sqlite3_libversion(), threads, sums, wrong, seconds_since(begin));
	print_stats();
	return wrong || sums != 2 * threads;
}
