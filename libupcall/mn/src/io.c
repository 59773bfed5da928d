// SPDX-License-Identifier: MIT
/*
 * read, write, accept and connect, without a virtual CPU that waits: each is
 * tried in a way that does not wait, then the descriptor is polled. What can
 * be neither is left to a helper.
 *
 * A try is made in a section, so that errno is that of the call.
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
	ssize_t		ret;
};

static ssize_t result(ssize_t n)
{
	return n < 0 ? -errno : n;
}

/* -EOPNOTSUPP: there is no way to try. */
static ssize_t read_now(const struct io *io)
{
	struct iovec iov = { io->buf, io->size };
	ssize_t n = recv(io->fd, io->buf, io->size, MSG_DONTWAIT);

	if (n < 0 && errno == ENOTSOCK)
		n = preadv2(io->fd, &iov, 1, -1, RWF_NOWAIT);
	return result(n);
}

static ssize_t write_now(const struct io *io)
{
	struct iovec iov = { io->buf, io->size };
	ssize_t n = send(io->fd, io->buf, io->size,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK)
		n = pwritev2(io->fd, &iov, 1, -1, RWF_NOWAIT);
	return result(n);
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

/* One try, in a section. */
static ssize_t try(struct io *io, ssize_t (*now)(const struct io *))
{
	ssize_t n;

	if (!enter())
		return -EPERM;
	do
		n = now(io);
	while (n == -EINTR);
	crit_exit();
	return n;
}

/*
 * A file that is ready by poll()'s word, as all files are, and would wait all the
 * same, waits for a disk. So does, for all that we know, what can't be tried.
 */
static ssize_t transfer(struct io *io, short event,
			ssize_t (*now)(const struct io *),
			void (*blocking)(void *))
{
	ssize_t n;
	int ret;

	while ((n = try(io, now)) == -EAGAIN) {
		ret = mn_poll(io->fd, event, 0);
		if (ret > 0 && (n = try(io, now)) == -EAGAIN)
			break;
		if (ret > 0)
			return n;
		ret = mn_poll(io->fd, event, MN_FOREVER);
		if (ret < 0)
			return ret;
	}
	if (n != -EAGAIN && n != -EOPNOTSUPP)
		return n;
	ret = mn_poll(io->fd, event, MN_FOREVER);
	if (ret > 0)
		ret = -mn_blocking(blocking, io);
	return ret ?: io->ret;
}

MN_EXPORT ssize_t mn_read(int fd, void *buf, size_t size)
{
	struct io io = { .fd = fd, .buf = buf, .size = size };

	return transfer(&io, POLLIN, read_now, read_blocking);
}

/* Like a write() that waits: all of it, unless something goes wrong. */
MN_EXPORT ssize_t mn_write(int fd, const void *buf, size_t size)
{
	struct io io = { .fd = fd, .buf = (char *)buf, .size = size };
	ssize_t n;

	do {
		n = transfer(&io, POLLOUT, write_now, write_blocking);
		if (n < 0)
			return io.buf == buf ? n : io.buf - (char *)buf;
		io.buf += n;
		io.size -= n;
	} while (io.size && n);
	return io.buf - (char *)buf;
}

/* O_NONBLOCK, for good: accept() has no other way. Returns the flags before. */
static int nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return flags;
}

static int accept_now(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	int ret;

	if (!enter())
		return -EPERM;
	ret = nonblocking(fd);
	if (ret >= 0)
		ret = result(accept4(fd, addr, len, flags));
	return leave(ret);
}

MN_EXPORT int mn_accept(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	int ret;

	for (;;) {
		ret = accept_now(fd, addr, len, flags);
		/* It may be gone again before it was accepted. */
		if (ret == -EINTR || ret == -ECONNABORTED)
			continue;
		if (ret != -EAGAIN)
			return ret;
		ret = mn_poll(fd, POLLIN, MN_FOREVER);
		if (ret < 0)
			return ret;
	}
}

static int connect_now(int fd, const struct sockaddr *addr, socklen_t len)
{
	int flags, ret;

	if (!enter())
		return -EPERM;
	flags = nonblocking(fd);
	if (flags < 0)
		return leave(flags);
	ret = result(connect(fd, addr, len));
	fcntl(fd, F_SETFL, flags);
	return leave(ret);
}

static int connect_result(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (!enter())
		return -EPERM;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	return leave(-err);
}

/*
 * A local socket whose listener has no room can't be waited for in poll(): a
 * helper waits in connect() itself.
 */
struct connecting {
	int			fd, ret;
	const struct sockaddr	*addr;
	socklen_t		len;
};

static void connect_blocking(void *arg)
{
	struct connecting *c = arg;
	int flags = fcntl(c->fd, F_GETFL);

	fcntl(c->fd, F_SETFL, flags & ~O_NONBLOCK);
	c->ret = result(connect(c->fd, c->addr, c->len));
	fcntl(c->fd, F_SETFL, flags);
}

static int connect_elsewhere(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct connecting c = { .fd = fd, .addr = addr, .len = len };
	int ret = mn_blocking(connect_blocking, &c);

	return ret ? -ret : c.ret;
}

MN_EXPORT int mn_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	int ret = connect_now(fd, addr, len);

	if (ret == -EAGAIN && addr->sa_family == AF_UNIX)
		return connect_elsewhere(fd, addr, len);
	if (ret != -EINPROGRESS && ret != -EINTR)
		return ret;
	ret = mn_poll(fd, POLLOUT, MN_FOREVER);
	return ret < 0 ? ret : connect_result(fd);
}
