// SPDX-License-Identifier: MIT
/*
 * Waiting for descriptors: one epoll instance, and a kernel thread that waits there
 * and wakes user threads.
 *
 * A number may be closed and given to another file while somebody waits. So who
 * waits has a descriptor of his own, a duplicate, for as long as that takes: it is
 * what epoll knows, and what is read from once there is something. All that wait for
 * the same file by the same number share one (struct file).
 *
 * Of those who want to do something with the file one at a time is woken: he makes
 * his try, then it is the next one's turn. Those in mn_poll() all are.
 *
 * The program may close our descriptors, as daemons close all that there are. They
 * are at numbers where it is least likely, and somebody looks once a second.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rt.h"

#define FDS_MAX		(1 << 20)
#define FILES_MAX	MN_THREADS_MAX	/* nobody waits for two */
#define ALWAYS		(POLLERR | POLLHUP | POLLNVAL)
#define EVENTS		0x3fff		/* what poll() and epoll have in common */
#define ARMED		0x4000		/* even if there is no event but ALWAYS */
#define BATCH		64
#define FIRST_FD	4096		/* for ours, or half of what there may be */
#define LOOK_MS		1000

#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY	1027
#endif
#define KCMP_FILE_	0		/* linux/kcmp.h is not everywhere */

struct file {
	struct file	*next;		/* of the same number, or free */
	unsigned int	serial;		/* which one this is by now */
	int		fd;		/* the program's number */
	int		own;		/* ours */
	unsigned int	users;		/* wait, or have been woken and try */
	bool		known;		/* to epoll */
	bool		closed;		/* by mn_close() */
	int		armed;		/* what epoll has been told of */
	int		polled;		/* what those in polls want, or more */
	int		turns;		/* POLLIN, POLLOUT: somebody tries */
	struct mn_waitq	polls, in, out;
};

/* By the program's numbers. */
struct fd {
	unsigned int	lock;		/* for the files, too */
	struct file	*files;
};

static struct fd *fds;
static struct file *files, *free_files;
static unsigned int n_files, files_lock;
static int epoll_fd, stop_fd, first_fd;
static unsigned int next_fd;
static unsigned int open_lock;
static pthread_t thread;

static unsigned int waiters;		/* in mn_poll() and the like */
static unsigned int poller_sleeps;	/* futex: there were none */
static bool stopping;

/*
 * A number that the program is not about to get, nor to close, nor one that it may
 * just have closed: whoever was at it would find another file there.
 */
static int duplicate(int fd)
{
	unsigned int n = __atomic_fetch_add(&next_fd, 1, __ATOMIC_RELAXED);
	int own = fcntl(fd, F_DUPFD_CLOEXEC, first_fd + n % first_fd);

	if (own < 0 && get_errno() != EBADF)
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return own < 0 ? -get_errno() : own;
}

static int move_up(int fd)
{
	int up = fd < 0 ? -1 : duplicate(fd);

	if (up < 0)
		return fd;
	close(fd);
	return up;
}

enum same { NO, YES, UNKNOWN };

static enum same same_file(int a, int b)
{
	long ret = fcntl(a, F_DUPFD_QUERY, b);

	if (ret >= 0)
		return ret ? YES : NO;
	if (errno == EBADF)
		return NO;
	ret = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE_, a, b);
	if (ret >= 0)
		return ret ? NO : YES;
	return errno == EBADF ? NO : UNKNOWN;
}

static struct file *file_new(int fd, int own)
{
	struct file *f;

	spin_lock(&files_lock);
	f = free_files;
	if (f)
		free_files = f->next;
	else if (n_files < FILES_MAX)
		f = &files[n_files++];
	spin_unlock(&files_lock);
	if (!f)
		return NULL;
	f->own = own;
	f->users = f->armed = f->polled = f->turns = 0;
	f->known = f->closed = false;
	f->polls = f->in = f->out = (struct mn_waitq)MN_WAITQ_INIT_;
	f->next = fds[fd].files;
	fds[fd].files = f;
	__atomic_store_n(&f->fd, fd, __ATOMIC_RELAXED);
	return f;
}

static void file_unlink(struct file *f)
{
	struct file **p = &fds[f->fd].files;

	while (*p != f)
		p = &(*p)->next;
	*p = f->next;
}

/* With the lock. */
static void file_end(struct file *f)
{
	if (f->known)
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, f->own, NULL);
	close(f->own);
	if (!f->closed)
		file_unlink(f);
	f->serial++;
	spin_lock(&files_lock);
	f->next = free_files;
	free_files = f;
	spin_unlock(&files_lock);
}

/*
 * @w is about the file that has the number @fd now, until wait_end(). Like all that
 * follows here in a section. Returns a negative errno, or our own descriptor.
 */
int wait_begin(struct waiting *w, int fd)
{
	struct file *f;
	int own;

	if (fd < 0 || fd >= FDS_MAX)
		return -EBADF;
	w->turn = 0;
	spin_lock(&fds[fd].lock);
	for (f = fds[fd].files; f; f = f->next)
		if (same_file(fd, f->own) == YES)
			break;
	own = f ? f->own : duplicate(fd);
	if (!f && own >= 0) {
		f = file_new(fd, own);
		if (!f) {
			close(own);
			own = -ENOMEM;
		}
	}
	if (f)
		f->users++;
	w->file = f;
	spin_unlock(&fds[fd].lock);
	return own;
}

/* What is to be told to epoll if nothing has been. */
static int wanted(const struct file *f)
{
	int events = f->polls._head ? f->polled | ARMED : 0;

	if (f->in._head && !(f->turns & POLLIN))
		events |= POLLIN | ARMED;
	if (f->out._head && !(f->turns & POLLOUT))
		events |= POLLOUT | ARMED;
	return events;
}

/* With the lock, which is this file's alone. */
static int arm(struct file *f)
{
	int events = wanted(f) | f->armed;
	struct epoll_event e = {
		.events = (events & EVENTS) | EPOLLONESHOT,
		.data.u64 = (uint64_t)f->serial << 32 | (f - files),
	};

	if (events == f->armed)
		return 0;
	/* It may be known to a new epoll instance before all are: arm_all(). */
	if (epoll_ctl(epoll_fd, f->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		      f->own, &e) &&
	    (get_errno() != EEXIST ||
	     epoll_ctl(epoll_fd, EPOLL_CTL_MOD, f->own, &e)))
		return get_errno();
	f->known = true;
	f->armed = events;
	return 0;
}

static void end_turn(struct waiting *w)
{
	w->file->turns &= ~w->turn;
	w->turn = 0;
}

static void count_waiter(void)
{
	__atomic_add_fetch(&rt.external, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&waiters, 1, __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(&poller_sleeps, 0, __ATOMIC_SEQ_CST))
		futex(&poller_sleeps, FUTEX_WAKE_PRIVATE, 1, 0);
}

/* After the wake-up: see deadlocked(). */
static void discount_waiter(void)
{
	__atomic_sub_fetch(&waiters, 1, __ATOMIC_SEQ_CST);
	external_less();
}

/* In the queue, with epoll told: 0, or an errno. With the lock. */
static int enqueue(struct file *f, struct mn_thread *t, int events, bool alone)
{
	struct mn_waitq *q = !alone ? &f->polls :
			     events & POLLIN ? &f->in : &f->out;
	int err;

	t->poll_events = events;
	t->poll_result = 0;
	t->closed = false;
	if (!alone)
		f->polled = f->polls._head ? f->polled | events : events;
	waitq_add_under(q, t, &fds[f->fd].lock);
	count_waiter();
	err = arm(f);
	if (err) {
		waitq_remove(q, t);
		discount_waiter();
	}
	return err;
}

static int try_enqueue(struct waiting *w, struct mn_thread *t, int events,
		       bool alone)
{
	struct file *f = w->file;
	unsigned int *lock = &fds[f->fd].lock;
	int err;

	spin_lock(lock);
	end_turn(w);
	err = f->closed ? EBADF : enqueue(f, t, events, alone);
	spin_unlock(lock);
	return err;
}

/* What is so now: the result of poll(), or a negative errno. */
static int poll_now(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n = poll(&p, 1, 0);

	if (n < 0)
		return errno == EINTR ? 0 : -get_errno();
	return p.revents & POLLNVAL ? -EBADF : n ? p.revents : 0;
}

static bool open_again(void);

/*
 * The events that have come, 0 at the deadline, or a negative errno; EPERM for what
 * epoll does not take, as files. @alone: for one of POLLIN and POLLOUT, by one who
 * makes a try next, and then comes here again or to wait_end().
 */
int wait_for_event(struct waiting *w, int events, bool alone, int64_t deadline)
{
	struct mn_thread *t = this_vcpu()->current;
	int err;

	events &= EVENTS & ~POLLNVAL;
	err = try_enqueue(w, t, events, alone);
	if ((err == EBADF || err == EINVAL || err == ENOENT) && open_again())
		err = try_enqueue(w, t, events, alone);
	if (err)
		return -err;
	if (wait_until(IN_POLL, deadline) == ETIMEDOUT) {
		discount_waiter();
		/* Nobody has told of it, as of what was there all the time. */
		return poll_now(w->file->own, events);
	}
	if (t->closed)
		w->file = NULL;
	else if (alone)
		w->turn = events;
	return t->closed ? -EBADF : t->poll_result;
}

void wait_end(struct waiting *w)
{
	struct file *f = w->file;
	unsigned int *lock;

	if (!f)
		return;
	lock = &fds[f->fd].lock;
	spin_lock(lock);
	end_turn(w);
	if (!--f->users)
		file_end(f);
	else
		arm(f);
	spin_unlock(lock);
}

static void wake_polled(struct mn_thread *list)
{
	struct mn_thread *next;

	for (; list; list = next) {
		next = list->wait_next;
		wake(list);
		discount_waiter();
	}
}

static struct mn_thread *come(struct mn_waitq *q, struct mn_thread *t,
			      int events, struct mn_thread *list)
{
	waitq_remove(q, t);
	t->poll_result = events & (t->poll_events | ALWAYS);
	t->wait_next = list;
	return t;
}

/* All of mn_poll() who want one of @events. */
static struct mn_thread *come_polls(struct file *f, int events,
				    struct mn_thread *list)
{
	struct mn_thread *t, *next;
	int left = 0;

	if (!(events & (f->polled | ALWAYS)))
		return list;
	for (t = f->polls._head; t; t = next) {
		next = t->wait_next;
		if (events & (t->poll_events | ALWAYS))
			list = come(&f->polls, t, events, list);
		else
			left |= t->poll_events;
	}
	f->polled = left;
	return list;
}

/* One of those who make tries, if nobody is at it. */
static struct mn_thread *come_one(struct file *f, struct mn_waitq *q, int what,
				  int events, struct mn_thread *list)
{
	if (!q->_head || f->turns & what || !(events & (what | ALWAYS)))
		return list;
	f->turns |= what;
	return come(q, q->_head, events, list);
}

static void event(const struct epoll_event *e)
{
	struct file *f = &files[(uint32_t)e->data.u64];
	int fd = __atomic_load_n(&f->fd, __ATOMIC_RELAXED);
	struct mn_thread *list = NULL;

	spin_lock(&fds[fd].lock);
	/* It may have been another one's by the time that epoll said so. */
	if (f->fd == fd && f->serial == e->data.u64 >> 32 && !f->closed) {
		f->armed = 0;
		list = come_polls(f, e->events, list);
		list = come_one(f, &f->in, POLLIN, e->events, list);
		list = come_one(f, &f->out, POLLOUT, e->events, list);
		arm(f);
	}
	spin_unlock(&fds[fd].lock);
	wake_polled(list);
}

/* Those who wait get EBADF. With the lock. */
static struct mn_thread *take_waiters(struct file *f, struct mn_thread *list)
{
	struct mn_waitq *queues[] = { &f->polls, &f->in, &f->out };
	struct mn_thread *t;
	int i;

	for (i = 0; i < 3; i++) {
		while ((t = waitq_take(queues[i]))) {
			t->closed = true;
			t->wait_next = list;
			list = t;
			f->users--;
		}
	}
	return list;
}

static struct mn_thread *close_files(int fd)
{
	struct mn_thread *list = NULL;
	struct file *f, *next;

	for (f = fds[fd].files; f; f = next) {
		next = f->next;
		/* The number may have been another file's before. */
		if (same_file(fd, f->own) == NO)
			continue;
		list = take_waiters(f, list);
		file_unlink(f);
		f->closed = true;
		if (!f->users)
			file_end(f);
	}
	return list;
}

static int close_result(int fd)
{
	return close(fd) ? -get_errno() : 0;
}

static int close_and_wake(int fd)
{
	struct mn_thread *list;
	int ret;

	spin_lock(&fds[fd].lock);
	list = close_files(fd);
	/* Here, or one could come between and not be woken. */
	ret = close_result(fd);
	spin_unlock(&fds[fd].lock);
	wake_polled(list);
	return ret;
}

MN_EXPORT int mn_close(int fd)
{
	struct caller caller;
	int ret, saved;

	if (fd < 0 || fd >= FDS_MAX)
		return -EBADF;
	if (!enter_any(&caller))
		return -EPERM;
	saved = get_errno();
	ret = fds ? close_and_wake(fd) : close_result(fd);
	set_errno(saved);
	return leave_any(&caller, ret);
}

static int open_epoll(void)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = UINT64_MAX };

	epoll_fd = move_up(epoll_create1(EPOLL_CLOEXEC));
	stop_fd = move_up(eventfd(0, EFD_CLOEXEC));
	if (epoll_fd < 0 || stop_fd < 0 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, stop_fd, &e))
		return errno;
	return 0;
}

/* Are they still ours, or has the program closed one? */
static bool both_there(void)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = UINT64_MAX };

	return !epoll_ctl(epoll_fd, EPOLL_CTL_MOD, stop_fd, &e);
}

/* Who waits goes on, unless its own descriptor is gone too. */
static void arm_all(void)
{
	unsigned int i;

	for (i = 0; i < n_files; i++) {
		struct file *f = &files[i];
		int fd = __atomic_load_n(&f->fd, __ATOMIC_RELAXED);
		struct mn_thread *list = NULL;

		spin_lock(&fds[fd].lock);
		if (f->fd == fd && f->users) {
			f->known = false;
			f->armed = 0;
			if (arm(f))
				list = take_waiters(f, list);
		}
		spin_unlock(&fds[fd].lock);
		wake_polled(list);
	}
}

/* What there is by the old numbers now is not ours to close. */
static bool open_again(void)
{
	bool there;

	spin_lock(&open_lock);
	there = both_there();
	if (!there && !open_epoll()) {
		there = true;
		arm_all();
	}
	spin_unlock(&open_lock);
	return there;
}

/* While nobody waits, and has not for a while, there is nothing to look for. */
static void sleep_unwanted(void)
{
	__atomic_store_n(&poller_sleeps, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&waiters, __ATOMIC_SEQ_CST) &&
	    !__atomic_load_n(&stopping, __ATOMIC_SEQ_CST))
		futex(&poller_sleeps, FUTEX_WAIT_PRIVATE, 1, 0);
	__atomic_store_n(&poller_sleeps, 0, __ATOMIC_SEQ_CST);
}

static void *poller(void *arg)
{
	struct epoll_event e[BATCH];
	int i, n;

	ask_for_short_slice();
	while (!__atomic_load_n(&stopping, __ATOMIC_SEQ_CST)) {
		n = epoll_wait(epoll_fd, e, BATCH, LOOK_MS);
		for (i = 0; i < n; i++)
			if (e[i].data.u64 != UINT64_MAX)
				event(&e[i]);
		if (n > 0)
			continue;
		if (!__atomic_load_n(&waiters, __ATOMIC_SEQ_CST))
			sleep_unwanted();
		else if (!both_there() && !open_again())
			usleep(LOOK_MS * 1000);
	}
	return arg;
}

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void unmap_all(void)
{
	if (fds)
		munmap(fds, FDS_MAX * sizeof(*fds));
	if (files)
		munmap(files, FILES_MAX * sizeof(*files));
	fds = NULL;
	files = NULL;
}

static void close_both(void)
{
	close(epoll_fd);
	close(stop_fd);
}

int poll_start(void)
{
	struct rlimit limit = { FIRST_FD, FIRST_FD };
	int err;

	getrlimit(RLIMIT_NOFILE, &limit);
	first_fd = limit.rlim_cur / 2 < FIRST_FD ?
		   (int)(limit.rlim_cur / 2) + 1 : FIRST_FD;
	fds = map(FDS_MAX * sizeof(*fds));
	files = map(FILES_MAX * sizeof(*files));
	free_files = NULL;
	n_files = waiters = poller_sleeps = 0;
	stopping = false;
	epoll_fd = stop_fd = -1;
	err = fds && files ? open_epoll() : ENOMEM;
	if (!err)
		err = service_create(&thread, poller, 0);
	if (!err)
		return 0;
	close_both();
	unmap_all();
	return err;
}

/* If stop_fd is no longer ours the poller sees it when it looks. */
void poll_stop(void)
{
	unsigned int i;

	__atomic_store_n(&stopping, true, __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(&poller_sleeps, 0, __ATOMIC_SEQ_CST))
		futex(&poller_sleeps, FUTEX_WAKE_PRIVATE, 1, 0);
	if (both_there())
		eventfd_write(stop_fd, 1);
	pthread_join(thread, NULL);
	/* Of threads that are gone. */
	for (i = 0; i < n_files; i++)
		if (files[i].users)
			close(files[i].own);
	if (both_there())
		close_both();
	unmap_all();
}

static int poll_until(int fd, short events, int64_t deadline)
{
	struct waiting w;
	int ret = poll_now(fd, events);

	if (ret || deadline <= 0)
		return ret;
	ret = wait_begin(&w, fd);
	if (ret < 0)
		return ret;
	ret = wait_for_event(&w, events, false, deadline);
	wait_end(&w);
	return ret == -EPERM ? events : ret;
}

MN_EXPORT int mn_poll(int fd, short events, int64_t deadline)
{
	int ret, saved;

	if (fd < 0 || fd >= FDS_MAX)
		return -EBADF;
	if (!enter())
		return -EPERM;
	saved = get_errno();
	ret = poll_until(fd, events, deadline);
	set_errno(saved);
	return leave(ret);
}
