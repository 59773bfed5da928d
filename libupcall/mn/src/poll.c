// SPDX-License-Identifier: MIT
/*
 * mn_poll(): one epoll instance, and a kernel thread that waits there and wakes
 * user threads. Each descriptor has a queue of those who wait for it; epoll knows
 * of what all of them want together, once, and is told again as long as somebody
 * is left.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rt.h"

#define FDS_MAX		(1 << 20)
#define ALWAYS		(POLLERR | POLLHUP | POLLNVAL)
#define BATCH		64

/* By descriptor; guarded by lock_of() of the queue. */
struct fd {
	struct mn_waitq	queue;
};

static struct fd *fds;
static int epoll_fd, stop_fd;
static pthread_t thread;

static short wanted(const struct mn_waitq *q)
{
	const struct mn_thread *t;
	short events = 0;

	for (t = q->_head; t; t = t->wait_next)
		events |= t->poll_events;
	return events;
}

/* What is wanted of @fd, to epoll; the numbers are poll()'s. With the lock. */
static int tell(int fd, short events)
{
	struct epoll_event e = {
		.events = (unsigned short)events | EPOLLONESHOT,
		.data.fd = fd,
	};

	if (!epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &e))
		return 0;
	if (errno == ENOENT && !epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e))
		return 0;
	return errno;
}

/* Wakes whoever wanted one of @events, or all if it is an error. */
static void come(int fd, short events)
{
	struct mn_waitq *q = &fds[fd].queue;
	struct mn_thread *t, *next, *list = NULL;
	short left;

	spin_lock(lock_of(q));
	for (t = q->_head; t; t = next) {
		next = t->wait_next;
		if (!(events & (t->poll_events | ALWAYS)))
			continue;
		waitq_remove(q, t);
		t->poll_result = events & (t->poll_events | ALWAYS);
		t->wait_next = list;
		list = t;
	}
	left = wanted(q);
	if (left)
		tell(fd, left);
	spin_unlock(lock_of(q));

	for (t = list; t; t = next) {
		next = t->wait_next;
		wake(t);
		__atomic_sub_fetch(&rt.external, 1, __ATOMIC_SEQ_CST);
	}
}

static void *poller(void *arg)
{
	struct epoll_event e[BATCH];
	int i, n;

	ask_for_short_slice();
	for (;;) {
		n = epoll_wait(epoll_fd, e, BATCH, -1);
		for (i = 0; i < n; i++) {
			if (e[i].data.fd == stop_fd)
				return arg;
			come(e[i].data.fd, e[i].events);
		}
	}
}

int poll_start(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int err;

	fds = mmap(NULL, FDS_MAX * sizeof(*fds), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (fds == MAP_FAILED)
		return ENOMEM;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	stop_fd = eventfd(0, EFD_CLOEXEC);
	e.data.fd = stop_fd;
	if (epoll_fd < 0 || stop_fd < 0 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, stop_fd, &e))
		err = errno;
	else
		err = pthread_create(&thread, NULL, poller, NULL);
	if (!err)
		return 0;
	close(epoll_fd);
	close(stop_fd);
	munmap(fds, FDS_MAX * sizeof(*fds));
	return err;
}

void poll_stop(void)
{
	eventfd_write(stop_fd, 1);
	pthread_join(thread, NULL);
	close(epoll_fd);
	close(stop_fd);
	munmap(fds, FDS_MAX * sizeof(*fds));
}

/* What is so now: the result of poll(), or a negative errno. */
static int poll_now(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n = poll(&p, 1, 0);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return p.revents & POLLNVAL ? -EBADF : n ? p.revents : 0;
}

/* In the queue, with epoll told: 0. EPERM: it has no epoll, as files. */
static int begin(int fd, short events, struct mn_thread *t)
{
	struct mn_waitq *q = &fds[fd].queue;
	int err;

	spin_lock(lock_of(q));
	t->poll_events = events;
	t->poll_result = 0;
	waitq_add(q, t);
	__atomic_add_fetch(&rt.external, 1, __ATOMIC_SEQ_CST);
	err = tell(fd, wanted(q));
	if (err) {
		waitq_remove(q, t);
		__atomic_sub_fetch(&rt.external, 1, __ATOMIC_SEQ_CST);
	}
	spin_unlock(lock_of(q));
	return err;
}

MN_EXPORT int mn_poll(int fd, short events, int64_t deadline)
{
	struct mn_thread *t;
	int ret;

	if (fd < 0 || fd >= FDS_MAX)
		return -EBADF;
	t = enter();
	if (!t)
		return -EPERM;
	ret = poll_now(fd, events);
	if (ret || deadline <= 0)
		return leave(ret);
	ret = begin(fd, events, t);
	if (ret)
		return leave(ret == EPERM ? events : -ret);
	if (wait_until(IN_POLL, deadline) == ETIMEDOUT)
		__atomic_sub_fetch(&rt.external, 1, __ATOMIC_SEQ_CST);
	return leave(t->poll_result);
}
