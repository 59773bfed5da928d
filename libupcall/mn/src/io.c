// SPDX-License-Identifier: MIT
/*
 * read, write, accept and connect, without a virtual CPU that waits: each is
 * tried in a way that does not wait, then the descriptor is waited for. What can
 * be neither is left to a helper.
 *
 * All of it is in a section, where errno is that of the call; what it was before is
 * restored at the end. After the first try it is the file that matters, and not the
 * number: see poll.c. A deadline ends the waiting: what a helper has begun is not
 * given up.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rt.h"

struct io {
	int		fd;
	char		*buf;
	size_t		size;
	int64_t		deadline;
	ssize_t		ret;
};

static ssize_t result(ssize_t n)
{
	return n < 0 ? -get_errno() : n;
}

static bool is_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && flags & O_NONBLOCK;
}

/* -EOPNOTSUPP: there is no way to try. */
static ssize_t read_now(const struct io *io)
{
	struct iovec iov = { io->buf, io->size };
	ssize_t n = result(recv(io->fd, io->buf, io->size, MSG_DONTWAIT));

	if (n == -ENOTSOCK)
		n = result(preadv2(io->fd, &iov, 1, -1, RWF_NOWAIT));
	if (n == -EOPNOTSUPP && is_nonblocking(io->fd))
		n = result(read(io->fd, io->buf, io->size));
	return n;
}

static ssize_t write_now(const struct io *io)
{
	struct iovec iov = { io->buf, io->size };
	ssize_t n = result(send(io->fd, io->buf, io->size,
				MSG_DONTWAIT | MSG_NOSIGNAL));

	if (n == -ENOTSOCK)
		n = result(pwritev2(io->fd, &iov, 1, -1, RWF_NOWAIT));
	if (n == -EOPNOTSUPP && is_nonblocking(io->fd))
		n = result(write(io->fd, io->buf, io->size));
	return n;
}

/* By a helper, whose time it is. */
static void read_blocking(void *arg)
{
	struct io *io = arg;

	io->ret = result(read(io->fd, io->buf, io->size));
}

static void write_blocking(void *arg)
{
	struct io *io = arg;

	io->ret = result(write(io->fd, io->buf, io->size));
}

static ssize_t by_helper(struct io *io, void (*blocking)(void *))
{
	int err = mn_timedblocking(blocking, io, io->deadline);

	return err ? -err : io->ret;
}

/* What is read or written, and how. */
struct way {
	int		event;
	ssize_t		(*now)(const struct io *io);
	void		(*blocking)(void *arg);
};

static const struct way reading = { POLLIN, read_now, read_blocking };
static const struct way writing = { POLLOUT, write_now, write_blocking };

static ssize_t try(const struct way *way, const struct io *io)
{
	ssize_t n;

	do
		n = way->now(io);
	while (n == -EINTR);
	return n;
}

/* As wait_for_event(), for one who makes a try next. */
static int wait_for_turn(struct waiting *w, int event, int64_t deadline)
{
	return wait_for_event(w, event, true, deadline) ?: -ETIMEDOUT;
}

/*
 * What epoll does not take, as files, and would wait all the same, waits for a disk.
 * What can't be tried has at least been waited for when a helper has it.
 */
static ssize_t when_ready(const struct way *way, struct io *io)
{
	struct waiting w;
	ssize_t n;

	io->fd = wait_begin(&w, io->fd);
	if (io->fd < 0)
		return io->fd;
	do {
		n = wait_for_turn(&w, way->event, io->deadline);
		if (n > 0)
			n = try(way, io);
		if (n == -EPERM || n == -EOPNOTSUPP)
			n = by_helper(io, way->blocking);
	} while (n == -EAGAIN || n == -EINTR);
	wait_end(&w);
	return n;
}

static ssize_t transfer(const struct way *way, struct io *io)
{
	ssize_t n;
	int saved;

	if (!enter())
		return -EPERM;
	saved = get_errno();
	n = try(way, io);
	if (n == -EAGAIN || n == -EOPNOTSUPP)
		n = when_ready(way, io);
	set_errno(saved);
	crit_exit();
	return n;
}

MN_EXPORT ssize_t mn_timedread(int fd, void *buf, size_t size, int64_t deadline)
{
	struct io io = {
		.fd = fd, .buf = buf, .size = size, .deadline = deadline,
	};

	return transfer(&reading, &io);
}

MN_EXPORT ssize_t mn_read(int fd, void *buf, size_t size)
{
	return mn_timedread(fd, buf, size, MN_FOREVER);
}

/* Like a write() that waits: all of it, unless something goes wrong. */
MN_EXPORT ssize_t mn_timedwrite(int fd, const void *buf, size_t size,
				int64_t deadline)
{
	size_t done = 0;
	ssize_t n;

	do {
		struct io io = {
			.fd = fd,
			.buf = (char *)buf + done,
			.size = size - done,
			.deadline = deadline,
		};

		n = transfer(&writing, &io);
		if (n < 0)
			return done ? (ssize_t)done : n;
		done += n;
	} while (done < size && n);
	return done;
}

MN_EXPORT ssize_t mn_write(int fd, const void *buf, size_t size)
{
	return mn_timedwrite(fd, buf, size, MN_FOREVER);
}

/* O_NONBLOCK, for good: accept() has no other way. Returns the flags before. */
static int nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (!(flags & O_NONBLOCK) &&
			  fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return -get_errno();
	return flags;
}

/* It may be gone again before it was accepted. */
static int accept_now(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	int ret;

	do
		ret = result(accept4(fd, addr, len, flags));
	while (ret == -EINTR || ret == -ECONNABORTED);
	return ret;
}

static int accept_ready(int fd, struct sockaddr *addr, socklen_t *len, int flags,
			int64_t deadline)
{
	struct waiting w;
	int ret;

	fd = wait_begin(&w, fd);
	if (fd < 0)
		return fd;
	do {
		ret = wait_for_turn(&w, POLLIN, deadline);
		if (ret > 0)
			ret = accept_now(fd, addr, len, flags);
	} while (ret == -EAGAIN);
	wait_end(&w);
	return ret;
}

MN_EXPORT int mn_timedaccept(int fd, struct sockaddr *addr, socklen_t *len,
			     int flags, int64_t deadline)
{
	int ret, saved;

	if (!enter())
		return -EPERM;
	saved = get_errno();
	ret = nonblocking(fd);
	if (ret >= 0)
		ret = accept_now(fd, addr, len, flags);
	if (ret == -EAGAIN)
		ret = accept_ready(fd, addr, len, flags, deadline);
	set_errno(saved);
	return leave(ret);
}

MN_EXPORT int mn_accept(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	return mn_timedaccept(fd, addr, len, flags, MN_FOREVER);
}

struct connecting {
	int			fd, ret;
	const struct sockaddr	*addr;
	socklen_t		len;
	int64_t			deadline;
};

static int connect_now(const struct connecting *c)
{
	int flags = nonblocking(c->fd), ret;

	if (flags < 0)
		return flags;
	ret = result(connect(c->fd, c->addr, c->len));
	if (!(flags & O_NONBLOCK))
		fcntl(c->fd, F_SETFL, flags);
	return ret;
}

/* How long connect() waits. 0 would be for ever. */
static void set_timeout(int fd, int64_t deadline)
{
	int64_t us = (deadline - mn_now()) / 1000;
	struct timeval tv = { 0, 1 };

	if (us > 0)
		tv = (struct timeval){ us / 1000000, us % 1000000 };
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

/*
 * A local socket whose listener has no room can't be waited for in poll(): a
 * helper waits in connect() itself.
 */
static void connect_blocking(void *arg)
{
	struct connecting *c = arg;
	int flags = fcntl(c->fd, F_GETFL);
	socklen_t len = sizeof(struct timeval);
	struct timeval old;
	bool timed = c->deadline != MN_FOREVER &&
		     !getsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &old, &len);

	if (timed)
		set_timeout(c->fd, c->deadline);
	fcntl(c->fd, F_SETFL, flags & ~O_NONBLOCK);
	c->ret = result(connect(c->fd, c->addr, c->len));
	fcntl(c->fd, F_SETFL, flags);
	if (timed)
		setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &old, len);
	if (timed && c->ret == -EAGAIN)
		c->ret = -ETIMEDOUT;
}

/*
 * That something has come is no connection, and the error may have been taken by
 * somebody else. -EINPROGRESS: it goes on.
 */
static int connect_result(int fd, int events)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(int);
	int err;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = get_errno();
	if (err)
		return -err;
	len = sizeof(peer);
	if (!getpeername(fd, (struct sockaddr *)&peer, &len))
		return 0;
	return events & (POLLHUP | POLLERR) ? -ECONNABORTED : -EINPROGRESS;
}

static int connect_and_wait(struct waiting *w, struct connecting *c)
{
	int ret = connect_now(c);

	if (ret == -EAGAIN && c->addr->sa_family == AF_UNIX) {
		ret = mn_timedblocking(connect_blocking, c, c->deadline);
		return ret ? -ret : c->ret;
	}
	while (ret == -EINPROGRESS || ret == -EALREADY || ret == -EINTR) {
		ret = wait_for_event(w, POLLOUT, false, c->deadline) ?:
		      -ETIMEDOUT;
		if (ret > 0)
			ret = connect_result(c->fd, ret);
	}
	return ret;
}

MN_EXPORT int mn_timedconnect(int fd, const struct sockaddr *addr, socklen_t len,
			      int64_t deadline)
{
	struct connecting c = { .addr = addr, .len = len, .deadline = deadline };
	struct waiting w;
	int saved;

	if (!enter())
		return -EPERM;
	saved = get_errno();
	c.fd = wait_begin(&w, fd);
	c.ret = c.fd;
	if (c.fd >= 0) {
		c.ret = connect_and_wait(&w, &c);
		wait_end(&w);
	}
	set_errno(saved);
	return leave(c.ret);
}

MN_EXPORT int mn_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return mn_timedconnect(fd, addr, len, MN_FOREVER);
}
