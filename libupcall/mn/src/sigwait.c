// SPDX-License-Identifier: MIT
/*
 * mn_sigwait(): signals that are blocked, by a descriptor that can be polled. It
 * counts as something that comes from outside, so it is no deadlock.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "rt.h"

/* -EAGAIN: none is pending. In a section: errno is that of the call. */
static int take(int fd)
{
	struct signalfd_siginfo info;
	ssize_t n;
	int saved;

	if (!enter())
		return -EPERM;
	saved = get_errno();
	n = read(fd, &info, sizeof(info));
	if (n < 0)
		n = -get_errno();
	set_errno(saved);
	return leave(n < 0 ? (int)n : (int)info.ssi_signo);
}

static int open_it(const sigset_t *set)
{
	int fd, saved;

	if (!enter())
		return -EPERM;
	saved = get_errno();
	fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		fd = -get_errno();
	set_errno(saved);
	return leave(fd);
}

MN_EXPORT int mn_sigwait(const sigset_t *set, int64_t deadline)
{
	int fd, sig, ready = 1;

	if (!set)
		return -EINVAL;
	fd = open_it(set);
	if (fd < 0)
		return fd;
	while ((sig = take(fd)) == -EAGAIN && ready > 0)
		ready = mn_poll(fd, POLLIN, deadline);
	close(fd);
	return sig != -EAGAIN ? sig : ready ? ready : -ETIMEDOUT;
}
