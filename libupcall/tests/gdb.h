/* SPDX-License-Identifier: MIT */
#ifndef GDB_H
#define GDB_H

/*
 * A debugger, the real one, with lists of commands for a program that lies beside
 * the test. What it prints must have the lines that it should, in their order; the
 * program must say that its result was right, and end.
 */
#include <limits.h>
#include <regex.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"

/* It brings its libraries, and the linker for them. */
#ifdef __x86_64__
#define LINKER	"gdb.files/ld-linux-x86-64.so.2"
#else
#define LINKER	"gdb.files/ld-linux.so.2"
#endif

#define MAX_COMMANDS	20
#define MAX_ARGS	300

struct session {
	const char *name;
	const char *commands[MAX_COMMANDS];
	const char *expected[MAX_COMMANDS];	/* regular expressions */
};

#define LENGTH(array)	((int)(sizeof(array) / sizeof(*(array))))

static const char *args[MAX_ARGS] = {
	LINKER, "--library-path", "gdb.files", "gdb.files/gdb", "-nx", "-batch",
	"-iex", "set width 0", "-iex", "set startup-with-shell off",
	"-iex", "set debuginfod enabled off", "-iex", "directory debuggee.files",
};
static int n_args = 14;
static char said[1 << 17];

static void add_arg(const char *arg)
{
	if (n_args == MAX_ARGS - 1)
		tap_bail("MAX_ARGS");
	args[n_args++] = arg;
}

static void add_command(const char *command)
{
	add_arg("-ex");
	add_arg(command);
}

/* Ahead of what gdb says in a session. */
static const char *headline(const struct session *s)
{
	static char line[80];

	snprintf(line, sizeof(line), "=== %s", s->name);
	return line;
}

static void add_session(const struct session *s)
{
	char echo[100];
	int i;

	snprintf(echo, sizeof(echo), "echo \\n%s\\n", headline(s));
	add_command(strdup(echo));
	add_command("delete");
	for (i = 0; i < MAX_COMMANDS && s->commands[i]; i++)
		add_command(s->commands[i]);
}

/* All that gdb and the program have to say, as they say it. */
static void run_gdb(void)
{
	int fds[2], len = 0;
	FILE *from;
	pid_t pid;

	fflush(stdout);
	if (pipe(fds) || (pid = fork()) < 0)
		tap_bail("fork");
	if (!pid) {
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		close(fds[0]);
		close(fds[1]);
		execv(args[0], (char **)args);
		_exit(127);
	}
	close(fds[1]);
	from = fdopen(fds[0], "r");
	while (fgets(said + len, sizeof(said) - len, from)) {
		printf("# %s", said + len);
		len += strlen(said + len);
	}
	fclose(from);
	if (waitpid(pid, NULL, 0) != pid)
		tap_bail("waitpid");
}

/* Is it in the text? Returns its end. */
static char *find(char *text, const char *re)
{
	regmatch_t match;
	regex_t compiled;
	int found;

	if (regcomp(&compiled, re, REG_EXTENDED | REG_NEWLINE))
		tap_bail(re);
	found = !regexec(&compiled, text, 1, &match, 0);
	regfree(&compiled);
	if (!found)
		printf("# not there: %s\n", re);
	return found ? text + match.rm_eo : NULL;
}

/* Two checks, in what was said between two headlines. */
static void check_session(const struct session *s)
{
	char *begin = strstr(said, headline(s)), *end = NULL, *at;
	int i;

	if (begin)
		end = strstr(begin + 3, "\n===");
	if (end)
		*end = '\0';
	at = begin;
	for (i = 0; i < MAX_COMMANDS && s->expected[i] && at; i++)
		at = find(at, s->expected[i]);
	ok(!!at, "%s: gdb", s->name);
	ok(begin && find(begin, "the result is right") &&
	   find(begin, "\\[Inferior 1 .* exited normally\\]"),
	   "%s: the program", s->name);
	if (end)
		*end = '\n';
}

/* gdb and the program are where this one is. */
static void need_gdb(void)
{
	char here[PATH_MAX] = "";

	if (readlink("/proc/self/exe", here, sizeof(here) - 1) <= 0)
		tap_bail("/proc/self/exe");
	*strrchr(here, '/') = '\0';
	if (chdir(here))
		tap_bail(here);
	if (!access("gdb.files/gdb", X_OK))
		return;
	puts("1..0 # SKIP no gdb could be fetched for the guest");
	exit(0);
}

static int hold_sessions(const struct session *sessions, int n,
			 const char *program)
{
	int i;

	need_upcalls();
	need_gdb();
	tap_plan(2 * n);
	for (i = 0; i < n; i++)
		add_session(&sessions[i]);
	add_arg(program);
	run_gdb();
	for (i = 0; i < n; i++)
		check_session(&sessions[i]);
	return tap_done();
}

#endif /* GDB_H */
