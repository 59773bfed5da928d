// SPDX-License-Identifier: MIT
/*
 * Who waits for a descriptor waits for the file that it was then: whatever becomes
 * of the number, of copies of it, and of the library's own descriptors.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include "mn_test.h"

#define CREW	40

static int fd_, peer_, got, woken;
static char text[8];

static void *reads(void *arg)
{
	int n = mn_read(fd_, text, sizeof(text) - 1);

	add(&got, n);
	add(&woken, 1);
	return arg;
}

static void pair(int *one, int *other)
{
	int sv[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	*one = sv[0];
	*other = sv[1];
}

/* Until @n threads wait for descriptors, as far as anybody can see. */
static void let_wait(void)
{
	int i;

	for (i = 0; i < 5; i++)
		mn_sleep(MILLISECOND);
}

/* The number is another connection's by now. */
static void *reused(void *arg)
{
	int peer, old;
	char c;
	mn_t t;

	got = woken = 0;
	memset(text, 0, sizeof(text));
	pair(&fd_, &peer);
	spawn(&t, reads, NULL);
	let_wait();
	old = fd_;
	close(old);
	pair(&fd_, &peer_);
	CHECK(fd_ == old);
	CHECK(write(peer_, "new", 3) == 3);
	CHECK(mn_poll(fd_, POLLIN, MN_FOREVER) == POLLIN);
	let_wait();
	CHECK(!get(&woken));
	CHECK(write(peer, "old", 3) == 3);
	CHECK(!mn_join(t, NULL));
	CHECK(got == 3 && !strcmp(text, "old"));
	CHECK(mn_read(fd_, &c, 1) == 1 && c == 'n');
	/* Nobody waits for it any more, so it is closed. */
	CHECK(mn_read(peer, &c, 1) == 0);
	close(fd_);
	close(peer_);
	close(peer);
	return arg;
}

/* What was waited for is open elsewhere, and has an event. */
static void *copied(void *arg)
{
	int old[2], new[2], copy;

	CHECK(!pipe(old));
	CHECK(mn_poll(old[0], POLLIN, mn_now() + MILLISECOND) == 0);
	copy = dup(old[0]);
	close(old[0]);
	CHECK(!pipe(new) && new[0] == old[0]);
	CHECK(write(old[1], "x", 1) == 1);
	CHECK(mn_poll(new[0], POLLIN, mn_now() + 20 * MILLISECOND) == 0);
	close(copy);
	close(old[1]);
	close(new[0]);
	close(new[1]);
	return arg;
}

/* The same, and it is a child that has it. */
static void *inherited(void *arg)
{
	int old[2], new[2], go[2], status;
	char c;
	pid_t pid;

	CHECK(!pipe(old) && !pipe(go));
	CHECK(mn_poll(old[0], POLLIN, mn_now() + MILLISECOND) == 0);
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &c, 1));
	}
	close(go[0]);
	close(old[0]);
	CHECK(!pipe(new) && new[0] == old[0]);
	CHECK(write(old[1], "x", 1) == 1);
	CHECK(mn_poll(new[0], POLLIN, mn_now() + 20 * MILLISECOND) == 0);
	close(go[1]);
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	close(old[1]);
	close(new[0]);
	close(new[1]);
	return arg;
}

/* There is no room for one more; then it is shut down, and the error taken. */
static struct sockaddr_in address;
static int result;

static void *connects(void *arg)
{
	result = mn_connect(fd_, (struct sockaddr *)&address, sizeof(address));
	return arg;
}

static int tcp(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static void *no_connection(void *arg)
{
	socklen_t len = sizeof(address);
	int listener = tcp(), others[2], i, err;
	mn_t t;

	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = 0;
	CHECK(!bind(listener, (struct sockaddr *)&address, sizeof(address)));
	CHECK(!getsockname(listener, (struct sockaddr *)&address, &len));
	CHECK(!listen(listener, 1));
	for (i = 0; i < 2; i++) {
		others[i] = tcp();
		CHECK(!mn_connect(others[i], (struct sockaddr *)&address,
				  sizeof(address)));
	}
	fd_ = tcp();
	result = 1;
	spawn(&t, connects, NULL);
	let_wait();
	CHECK(result == 1);
	mn_crit_enter();
	shutdown(fd_, SHUT_RDWR);
	len = sizeof(err);
	getsockopt(fd_, SOL_SOCKET, SO_ERROR, &err, &len);
	mn_crit_exit();
	CHECK(!mn_join(t, NULL));
	CHECK(result < 0 && result != -EAGAIN && result != -EINPROGRESS);
	for (i = 0; i < 2; i++)
		close(others[i]);
	close(fd_);
	close(listener);
	return arg;
}

/* Two for one event, of a file that knows O_NONBLOCK and no other way. */
static void *reads_event(void *arg)
{
	char buf[512];
	int n = mn_read(fd_, buf, sizeof(buf));

	CHECK(n > 0);
	add(&woken, 1);
	return arg;
}

static void *never_eagain(void *arg)
{
	char dir[] = "/tmp/upcall-mn.XXXXXX", name[64];
	mn_t t[2];
	int i, fd;

	woken = 0;
	fd_ = inotify_init1(IN_NONBLOCK);
	if (fd_ < 0)
		return arg;
	CHECK(mkdtemp(dir) != NULL);
	CHECK(inotify_add_watch(fd_, dir, IN_CREATE) >= 0);
	for (i = 0; i < 2; i++)
		spawn(&t[i], reads_event, NULL);
	let_wait();
	for (i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s/%d", dir, i);
		fd = open(name, O_CREAT | O_WRONLY, 0600);
		CHECK(fd >= 0);
		close(fd);
		wait_for(&woken, i + 1);
		let_wait();
		CHECK(get(&woken) == i + 1);
		unlink(name);
	}
	for (i = 0; i < 2; i++)
		CHECK(!mn_join(t[i], NULL));
	rmdir(dir);
	close(fd_);
	return arg;
}

/* Each byte is for one reader, and no other is woken for it. */
static void *reads_one(void *arg)
{
	char c;

	CHECK(mn_read(fd_, &c, 1) == 1);
	add(&woken, 1);
	return arg;
}

static uint64_t switches(void)
{
	struct mn_stats s = { .size = sizeof(s) };

	mn_stats(&s);
	return s.switches;
}

static void *one_at_a_time(void *arg)
{
	mn_t t[CREW];
	uint64_t before;
	int i;

	woken = 0;
	pair(&fd_, &peer_);
	for (i = 0; i < CREW; i++)
		spawn(&t[i], reads_one, NULL);
	let_wait();
	before = switches();
	for (i = 0; i < CREW; i++) {
		CHECK(write(peer_, "x", 1) == 1);
		while (get(&woken) <= i)
			mn_sleep(MILLISECOND / 2);
	}
	/* To each and back, and sleeps: not to all that are left. */
	CHECK(switches() - before < CREW * CREW / 4 * 3);
	for (i = 0; i < CREW; i++)
		CHECK(!mn_join(t[i], NULL));
	close(fd_);
	close(peer_);
	return arg;
}

/* Whatever they are at. */
static void *polls(void *arg)
{
	CHECK(mn_poll(fd_, POLLIN, MN_FOREVER) == -EBADF);
	add(&woken, 1);
	return arg;
}

static void *polls_timed(void *arg)
{
	CHECK(mn_poll(fd_, POLLIN, mn_now() + 1000 * SECOND) == -EBADF);
	add(&woken, 1);
	return arg;
}

static void *closed(void *arg)
{
	mn_t t[6];
	char c;
	int i;

	got = woken = 0;
	pair(&fd_, &peer_);
	for (i = 0; i < 6; i++)
		spawn(&t[i], i % 3 == 0 ? reads : i % 3 == 1 ? polls :
		      polls_timed, NULL);
	let_wait();
	CHECK(!get(&woken));
	mn_crit_enter();
	CHECK(mn_close(fd_) == 0);
	CHECK(fcntl(fd_, F_GETFD) == -1);
	/* At once, whether or not they have seen it. */
	CHECK(read(peer_, &c, 1) == 0);
	mn_crit_exit();
	for (i = 0; i < 6; i++)
		CHECK(!mn_join(t[i], NULL));
	CHECK(got == -2 * EBADF);
	CHECK(mn_close(fd_) == -EBADF);
	CHECK(mn_close(-1) == -EBADF);
	CHECK(mn_close(peer_) == 0);
	return arg;
}

/* The rest of a number's life is another file's. */
static void *closed_after(void *arg)
{
	int peer, old;
	mn_t t;

	got = woken = 0;
	pair(&fd_, &peer);
	spawn(&t, reads, NULL);
	let_wait();
	old = fd_;
	close(old);
	pair(&fd_, &peer_);
	CHECK(fd_ == old);
	CHECK(mn_poll(fd_, POLLIN, mn_now() + MILLISECOND) == 0);
	CHECK(mn_close(fd_) == 0);
	let_wait();
	CHECK(!get(&woken));
	CHECK(write(peer, "old", 3) == 3);
	CHECK(!mn_join(t, NULL));
	CHECK(got == 3);
	close(peer_);
	close(peer);
	return arg;
}

/* errno is not touched, whatever happens. */
static int errno_of(void (*fn)(void))
{
	int e;

	mn_crit_enter();
	errno = 77;
	fn();
	e = errno;
	mn_crit_exit();
	return e;
}

static void reads_all(void)
{
	char c;

	mn_read(fd_, &c, 1);
	mn_read(-1, &c, 1);
}

static void polls_all(void)
{
	mn_poll(fd_, POLLIN, 0);
	mn_poll(fd_, POLLIN, mn_now() + MILLISECOND);
	mn_poll(1000, POLLIN, MN_FOREVER);
}

static void writes_all(void)
{
	mn_write(peer_, "x", 1);
	mn_write(-1, "x", 1);
}

static void connects_all(void)
{
	mn_accept(fd_, NULL, NULL, 0);
	mn_connect(fd_, (struct sockaddr *)&address, sizeof(address));
	mn_close(1000);
}

static void *errno_kept(void *arg)
{
	int p[2];

	CHECK(!pipe(p));
	fd_ = p[0];
	peer_ = p[1];
	CHECK(errno_of(writes_all) == 77);
	CHECK(errno_of(reads_all) == 77);
	CHECK(errno_of(polls_all) == 77);
	CHECK(errno_of(connects_all) == 77);
	close(p[0]);
	close(p[1]);
	return arg;
}

static const struct mn_case cases[] = {
	{ "a number that is another file's", reused, 0 },
	{ "what happens to a copy", copied, 0 },
	{ "what happens to a child's copy", inherited, ONCE },
	{ "an event that is no connection", no_connection, ONCE },
	{ "two readers of one event", never_eagain, 0 },
	{ "one event wakes one reader", one_at_a_time, ONCE },
	{ "mn_close() wakes who waits", closed, 0 },
	{ "mn_close() wakes nobody else", closed_after, 0 },
	{ "errno stays", errno_kept, ONCE },
};

/* All descriptors are closed, as daemons do, the library's too. */
static void *daemon_main(void *arg)
{
	int p[2], i, n = 0;
	mn_t t;
	char c;

	pair(&fd_, &peer_);
	spawn(&t, reads, NULL);
	let_wait();
	for (i = 3; i < 20000; i++)
		close(i);
	CHECK(!pipe(p));
	CHECK(mn_poll(p[0], POLLIN, mn_now() + MILLISECOND) == 0);
	/* Its descriptor is gone, and before that the other end was. */
	CHECK(!mn_join(t, NULL));
	CHECK(got == -EBADF || !got);
	CHECK(write(p[1], "x", 1) == 1);
	CHECK(mn_read(p[0], &c, 1) == 1);
	for (i = 0; i < 3; i++) {
		fd_ = p[0];
		got = 0;
		spawn(&t, reads, NULL);
		let_wait();
		CHECK(write(p[1], "x", 1) == 1);
		CHECK(!mn_join(t, NULL));
		n += got;
	}
	CHECK(n == 3);
	return arg;
}

static int daemon_run(void *arg)
{
	struct mn_config c = config_of(arg);

	alarm(60);
	return mn_run(&c, daemon_main, NULL, NULL) || mn_problems;
}

static void daemons(void)
{
	struct child c;

	in_child(&c, daemon_run, (void *)this_setup);
	if (!ok(c.status == 0, "%s, %d: all descriptors are closed",
		backend_names[this_setup->backend], this_setup->vcpus))
		child_said(&c);
}

int main(void)
{
	return mn_main(daemons, cases, N_OF(cases));
}
