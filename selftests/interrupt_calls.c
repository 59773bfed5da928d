// SPDX-License-Identifier: GPL-2.0
/*
 * INTERRUPT of a task that sleeps in a system call: the upcall is entered. Then
 * the call goes on with its arguments as they were, or has ended with EINTR or a
 * short count, as each of them says here.
 * upcall.rst, section 6, INTERRUPT.
 */
#include "upcall_ring.h"
#include "upcall_six.h"
#include "upcall_util.h"

#include <fcntl.h>
#include <poll.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

#define ROUNDS		3
#define CAPACITY	65536		/* of a pipe */
#define FIFO_NAME	"upcall-fifo"

/* In the 32-bit ABI these take a timespec of that width. */
#ifdef __x86_64__
#define MSGRCV_NR	SYS_msgrcv
#define MSGSND_NR	SYS_msgsnd
#define SEMOP_NR	SYS_semtimedop
#define ACCEPT_NR	SYS_accept
#define SELECT_NR	SYS_select
#else
#define MSGRCV_NR	401
#define MSGSND_NR	400
#define SEMOP_NR	420		/* of 64-bit time */
#define ACCEPT_NR	SYS_accept4
#define SELECT_NR	SYS__newselect
#endif

/* The owner makes one call; what it is given lies here. */
static struct upcall upc = UPCALL_INIT;
static int tid, id, hits, registered, returned, hits_then;
static bool in_section;
static int fds[2], other, word, waited_bit;
static long wanted;			/* what the call returns in the end */
static char buf[4 * CAPACITY];
static struct iovec iov = { buf, 1 };
static struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
static struct timespec ts;
static struct pollfd pfd = { .events = POLLIN };
static struct epoll_event event;
static fd_set read_fds;
static sigset_t set;
static struct { long type; char text[8]; } message = { .type = 1 };
static struct sembuf sembuf = { .sem_op = -1 };
static pid_t child;

/* Each prepares a call that sleeps; false if this kernel does not have it. */
static bool prepare_read(void)
{
	if (pipe(fds))
		return false;
	set_args(SYS_read, fds[0], (long)buf, 1, 0, 0);
	wanted = 1;
	return true;
}

static bool prepare_readv(void)
{
	if (pipe(fds))
		return false;
	set_args(SYS_readv, fds[0], (long)&iov, 1, 0, 0);
	wanted = 1;
	return true;
}

static bool fill_pipe(void)
{
	return !pipe(fds) && fcntl(fds[1], F_SETPIPE_SZ, CAPACITY) == CAPACITY &&
	       write(fds[1], buf, CAPACITY) == CAPACITY;
}

static bool prepare_write(void)
{
	if (!fill_pipe())
		return false;
	set_args(SYS_write, fds[1], (long)buf, 1, 0, 0);
	wanted = 1;
	return true;
}

static bool prepare_long_write(void)
{
	if (pipe(fds) || fcntl(fds[1], F_SETPIPE_SZ, CAPACITY) != CAPACITY)
		return false;
	set_args(SYS_write, fds[1], (long)buf, 2 * CAPACITY, 0, 0);
	wanted = CAPACITY;
	return true;
}

static bool prepare_splice(void)
{
	other = memfd_create("upcall", 0);
	if (other < 0 || pipe(fds))
		return false;
	set_args(SYS_splice, fds[0], 0, other, 0, 1);
	args[5] = 0;
	wanted = 1;
	return true;
}

static bool prepare_open(void)
{
	unlink("/tmp/" FIFO_NAME);
	set_args(SYS_openat, AT_FDCWD, (long)"/tmp/" FIFO_NAME, O_RDONLY, 0, 0);
	wanted = -1;
	return !mkfifo("/tmp/" FIFO_NAME, 0600);
}

static bool make_child(void)
{
	if (pipe(fds))
		return false;
	child = fork();
	if (!child) {
		close(fds[1]);
		_exit(read(fds[0], buf, 1) ? 1 : 0);
	}
	close(fds[0]);
	return child > 0;
}

static bool prepare_wait4(void)
{
	if (!make_child())
		return false;
	set_args(SYS_wait4, child, (long)&word, __WALL, 0, 0);
	wanted = child;
	return true;
}

static bool prepare_waitid(void)
{
	if (!make_child())
		return false;
	set_args(SYS_waitid, P_PID, child, (long)buf, WEXITED, 0);
	wanted = 0;
	return true;
}

static bool make_listener(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "\0upcall" };

	fds[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	return fds[0] >= 0 && !bind(fds[0], (void *)&sun, sizeof(sun)) &&
	       !listen(fds[0], 0);
}

static bool prepare_accept(void)
{
	if (!make_listener())
		return false;
	set_args(ACCEPT_NR, fds[0], 0, 0, 0, 0);
	wanted = -1;
	return true;
}

/* The one before it fills the queue. */
static bool prepare_connect(void)
{
	static struct sockaddr_un sun = {
		.sun_family = AF_UNIX, .sun_path = "\0upcall",
	};
	int full = socket(AF_UNIX, SOCK_STREAM, 0);

	other = socket(AF_UNIX, SOCK_STREAM, 0);
	if (!make_listener() || connect(full, (void *)&sun, sizeof(sun)))
		return false;
	set_args(SYS_connect, other, (long)&sun, sizeof(sun), 0, 0);
	wanted = 0;
	return true;
}

static bool make_pair(void)
{
	return !socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}

static bool prepare_recvfrom(void)
{
	if (!make_pair())
		return false;
	set_args(SYS_recvfrom, fds[0], (long)buf, 1, 0, 0);
	args[5] = 0;
	wanted = 1;
	return true;
}

static bool prepare_recvmsg(void)
{
	if (!make_pair())
		return false;
	set_args(SYS_recvmsg, fds[0], (long)&msg, 0, 0, 0);
	wanted = 1;
	return true;
}

static bool prepare_recv_timeout(void)
{
	struct timeval tv = { .tv_sec = 1000 };

	if (!prepare_recvfrom())
		return false;
	wanted = -EINTR;
	return !setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

/* One byte of the two is there. */
static bool prepare_recv_all(void)
{
	if (!make_pair() || write(fds[1], "x", 1) != 1)
		return false;
	set_args(SYS_recvfrom, fds[0], (long)buf, 2, MSG_WAITALL, 0);
	args[5] = 0;
	wanted = 1;
	return true;
}

static bool prepare_sendto(void)
{
	if (!make_pair())
		return false;
	while (send(fds[0], buf, 4096, MSG_DONTWAIT) > 0)
		;
	set_args(SYS_sendto, fds[0], (long)buf, 4096, 0, 0);
	args[5] = 0;
	wanted = 4096;
	return true;
}

static bool open_twice(void)
{
	char name[32];

	fds[0] = memfd_create("upcall", 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fds[0]);
	fds[1] = open(name, O_RDWR);
	return fds[1] >= 0;
}

static bool prepare_flock(void)
{
	if (!open_twice() || flock(fds[1], LOCK_EX))
		return false;
	set_args(SYS_flock, fds[0], LOCK_EX, 0, 0, 0);
	wanted = 0;
	return true;
}

#ifndef F_OFD_SETLKW
#define F_OFD_SETLKW	38
#define F_OFD_SETLK	37
#endif

static bool prepare_fcntl(void)
{
	static struct flock64 lock = { .l_type = F_WRLCK };

	if (!open_twice() || fcntl(fds[1], F_OFD_SETLK, &lock))
		return false;
#ifdef __x86_64__
	set_args(SYS_fcntl, fds[0], F_OFD_SETLKW, (long)&lock, 0, 0);
#else
	set_args(SYS_fcntl64, fds[0], F_OFD_SETLKW, (long)&lock, 0, 0);
#endif
	wanted = 0;
	return true;
}

static bool make_queue(void)
{
	static struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };

	syscall(SYS_mq_unlink, "upcall");
	fds[0] = syscall(SYS_mq_open, "upcall", O_CREAT | O_RDWR, 0600, &attr);
	return fds[0] >= 0;
}

static bool prepare_mq_receive(void)
{
	if (!make_queue())
		return false;
	set_args(SYS_mq_timedreceive, fds[0], (long)buf, 8, 0, 0);
	wanted = 1;
	return true;
}

static bool prepare_mq_send(void)
{
	if (!make_queue() ||
	    syscall(SYS_mq_timedsend, fds[0], buf, 1, 0, NULL))
		return false;
	set_args(SYS_mq_timedsend, fds[0], (long)buf, 1, 0, 0);
	wanted = 0;
	return true;
}

static bool prepare_futex(void)
{
	set_args(SYS_futex, (long)&word, FUTEX_WAIT, 0, 0, 0);
	wanted = 0;
	return true;
}

static bool prepare_futex_bitset(void)
{
	set_args(SYS_futex, (long)&word, FUTEX_WAIT_BITSET, 0, 0, 0);
	waited_bit = 0x10;
	args[5] = waited_bit;
	wanted = 0;
	return true;
}

static bool prepare_futex_timeout(void)
{
	ts.tv_sec = 1000;
	set_args(SYS_futex, (long)&word, FUTEX_WAIT, 0, (long)&ts, 0);
	return true;
}

static bool prepare_lock_pi(void)
{
	set_args(SYS_futex, (long)&word, FUTEX_LOCK_PI, 0, 0, 0);
	wanted = 0;
	return !syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}

static bool prepare_inotify(void)
{
	fds[0] = inotify_init();
	unlink("/tmp/upcall-created");
	if (fds[0] < 0 || inotify_add_watch(fds[0], "/tmp", IN_CREATE) < 0)
		return false;
	set_args(SYS_read, fds[0], (long)buf, 256, 0, 0);
	wanted = -1;
	return true;
}

static bool prepare_eventfd(void)
{
	fds[0] = eventfd(0, 0);
	fds[1] = fds[0];
	set_args(SYS_read, fds[0], (long)buf, 8, 0, 0);
	wanted = 8;
	return fds[0] >= 0;
}

static bool prepare_signalfd(void)
{
	fds[0] = signalfd(-1, &set, 0);
	set_args(SYS_read, fds[0], (long)buf, 128, 0, 0);
	wanted = 128;
	return fds[0] >= 0;
}

static bool prepare_timerfd(void)
{
	struct itimerspec its = { .it_value.tv_sec = 1000 };

	fds[0] = timerfd_create(CLOCK_MONOTONIC, 0);
	set_args(SYS_read, fds[0], (long)buf, 8, 0, 0);
	wanted = 8;
	return fds[0] >= 0 && !timerfd_settime(fds[0], 0, &its, NULL);
}

static bool prepare_tty(void)
{
	int unlock = 0, n;
	char name[32];

	fds[1] = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (fds[1] < 0 || ioctl(fds[1], 0x40045431, &unlock) ||
	    ioctl(fds[1], 0x80045430, &n))
		return false;
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	fds[0] = open(name, O_RDWR | O_NOCTTY);
	set_args(SYS_read, fds[0], (long)buf, 8, 0, 0);
	wanted = 2;
	return fds[0] >= 0;
}

static bool prepare_poll(void)
{
	set_args(SYS_poll, (long)&pfd, 1, -1, 0, 0);
	return !pipe(fds) && (pfd.fd = fds[0]) >= 0;
}

static bool prepare_ppoll(void)
{
	set_args(SYS_ppoll, (long)&pfd, 1, 0, 0, 0);
	wanted = 1;
	return !pipe(fds) && (pfd.fd = fds[0]) >= 0;
}

static bool prepare_select(void)
{
	if (pipe(fds))
		return false;
	FD_SET(fds[0], &read_fds);
	set_args(SELECT_NR, fds[0] + 1, (long)&read_fds, 0, 0, 0);
	wanted = 1;
	return true;
}

static bool prepare_pselect(void)
{
	if (!prepare_select())
		return false;
	call_nr = SYS_pselect6;
	args[5] = 0;
	return true;
}

static bool prepare_epoll(void)
{
	struct epoll_event in = { .events = EPOLLIN };

	other = epoll_create1(0);
	if (pipe(fds))
		return false;
	set_args(SYS_epoll_wait, other, (long)&event, 1, -1, 0);
	return !epoll_ctl(other, EPOLL_CTL_ADD, fds[0], &in);
}

static bool prepare_pause(void)
{
	set_args(SYS_pause, 0, 0, 0, 0, 0);
	wanted = -EINTR;
	return true;
}

static bool prepare_sigsuspend(void)
{
	static unsigned long mask[2];

	set_args(SYS_rt_sigsuspend, (long)mask, 8, 0, 0, 0);
	wanted = -EINTR;
	return true;
}

static bool prepare_sigtimedwait(void)
{
	set_args(SYS_rt_sigtimedwait, (long)&set, 0, 0, 8, 0);
	return true;
}

static bool prepare_msgrcv(void)
{
	fds[0] = msgget(IPC_PRIVATE, 0600);
	set_args(MSGRCV_NR, fds[0], (long)&message, 8, 0, 0);
	wanted = 8;
	return fds[0] >= 0;
}

static bool prepare_msgsnd(void)
{
	fds[0] = msgget(IPC_PRIVATE, 0600);
	if (fds[0] < 0)
		return false;
	while (!msgsnd(fds[0], &message, 8, IPC_NOWAIT))
		;
	set_args(MSGSND_NR, fds[0], (long)&message, 8, 0, 0);
	wanted = 0;
	return true;
}

static bool prepare_semop(void)
{
	fds[0] = semget(IPC_PRIVATE, 1, 0600);
	set_args(SEMOP_NR, fds[0], (long)&sembuf, 1, 0, 0);
	return fds[0] >= 0;
}

static bool prepare_nanosleep(void)
{
	ts.tv_sec = 1000;
	set_args(SYS_nanosleep, (long)&ts, 0, 0, 0, 0);
	return true;
}

static bool prepare_clock_nanosleep(void)
{
	ts.tv_sec = 1000;
	set_args(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&ts, 0, 0);
	return true;
}

static bool prepare_sleep_until(void)
{
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += 1000;
	set_args(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, (long)&ts,
		 0, 0);
	return true;
}

static bool prepare_wait(void)
{
	set_args(__NR_upc_control, UPC_CONTROL_WAIT, -1, 3, 0, 0);
	return true;
}

/* It looks for task work while it waits, and by itself goes on after that. */
static bool prepare_ring(void)
{
	static struct ring ring;

	if (!have_rings() || make_ring(&ring, 0))
		return false;
	set_args(__NR_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS, 0);
	return true;
}

/* With a mask for the time of the call. */
static bool prepare_ring_masked(void)
{
	if (!prepare_ring())
		return false;
	args[4] = (long)&set;
	args[5] = 8;
	return true;
}

/* Each lets the call come to its end. */
static void end_write(void)
{
	CHECK(write(fds[1], "x\n------", fds[0] == fds[1] ? 8 : 2) > 0);
}

static void end_drain(void)
{
	CHECK(read(fds[0], buf, CAPACITY) == CAPACITY);
}

static void end_open(void)
{
	CHECK(open("/tmp/" FIFO_NAME, O_WRONLY | O_NONBLOCK) >= 0);
}

static void end_create(void)
{
	CHECK(open("/tmp/upcall-created", O_CREAT | O_WRONLY, 0600) >= 0);
}

static void end_child(void)
{
	close(fds[1]);
}

static void end_accept(void)
{
	CHECK(accept(fds[0], NULL, NULL) >= 0);
}

static void end_connect(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "\0upcall" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(!connect(fd, (void *)&sun, sizeof(sun)));
}

static void end_receive(void)
{
	while (recv(fds[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

static void end_close(void)
{
	close(fds[1]);
}

static void end_mq_send(void)
{
	CHECK(!syscall(SYS_mq_timedsend, fds[0], buf, 1, 0, NULL));
}

static void end_mq_receive(void)
{
	CHECK(syscall(SYS_mq_timedreceive, fds[0], buf, 8, NULL, NULL) == 1);
}

static void end_wake(void)
{
	if (waited_bit)
		CHECK(syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 1, NULL, NULL,
			      ~waited_bit) == 0);
	CHECK(syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 1, NULL, NULL,
		      waited_bit ?: ~0) == 1);
}

static void end_unlock_pi(void)
{
	CHECK(!syscall(SYS_futex, &word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}

static void end_msgsnd(void)
{
	CHECK(!msgsnd(fds[0], &message, 8, 0));
}

static void end_msgrcv(void)
{
	CHECK(msgrcv(fds[0], &message, 8, 0, 0) == 8);
}

static void end_signal(void)
{
	syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
}

static void end_usr2(void)
{
	syscall(SYS_tgkill, getpid(), tid, SIGUSR2);
}

static void end_timerfd(void)
{
	struct itimerspec its = { .it_value.tv_nsec = 1 };

	CHECK(!timerfd_settime(fds[0], 0, &its, NULL));
}

static void *owner(void *data)
{
	tid = sys_gettid();
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	if (in_section)
		crit_enter(&upc);
	__atomic_store_n(&registered, 1, __ATOMIC_RELEASE);
	call_six();
	hits_then = READ_ONCE(hits);
	__atomic_store_n(&returned, 1, __ATOMIC_RELEASE);
	if (in_section)
		crit_exit(&upc);
	return NULL;
}

FIXTURE(interrupt) {
	pthread_t thread;
};

/* Those without an end return what was wanted, or EINTR, when interrupted. */
FIXTURE_VARIANT(interrupt) {
	bool (*prepare)(void);
	void (*end)(void);
};

#define CALL(prep, how)		.prepare = prep, .end = how

FIXTURE_VARIANT_ADD(interrupt, read) { CALL(prepare_read, end_write) };
FIXTURE_VARIANT_ADD(interrupt, readv) { CALL(prepare_readv, end_write) };
FIXTURE_VARIANT_ADD(interrupt, write) { CALL(prepare_write, end_drain) };
FIXTURE_VARIANT_ADD(interrupt, write_of_much) { CALL(prepare_long_write, NULL) };
FIXTURE_VARIANT_ADD(interrupt, splice) { CALL(prepare_splice, end_write) };
FIXTURE_VARIANT_ADD(interrupt, open) { CALL(prepare_open, end_open) };
FIXTURE_VARIANT_ADD(interrupt, wait4) { CALL(prepare_wait4, end_child) };
FIXTURE_VARIANT_ADD(interrupt, waitid) { CALL(prepare_waitid, end_child) };
FIXTURE_VARIANT_ADD(interrupt, accept) { CALL(prepare_accept, end_connect) };
FIXTURE_VARIANT_ADD(interrupt, connect) { CALL(prepare_connect, end_accept) };
FIXTURE_VARIANT_ADD(interrupt, recvfrom) { CALL(prepare_recvfrom, end_write) };
FIXTURE_VARIANT_ADD(interrupt, recvmsg) { CALL(prepare_recvmsg, end_write) };
FIXTURE_VARIANT_ADD(interrupt, recv_timeout) { CALL(prepare_recv_timeout, NULL) };
FIXTURE_VARIANT_ADD(interrupt, recv_all) { CALL(prepare_recv_all, NULL) };
FIXTURE_VARIANT_ADD(interrupt, sendto) { CALL(prepare_sendto, end_receive) };
FIXTURE_VARIANT_ADD(interrupt, flock) { CALL(prepare_flock, end_close) };
FIXTURE_VARIANT_ADD(interrupt, fcntl) { CALL(prepare_fcntl, end_close) };
FIXTURE_VARIANT_ADD(interrupt, mq_receive) { CALL(prepare_mq_receive, end_mq_send) };
FIXTURE_VARIANT_ADD(interrupt, mq_send) { CALL(prepare_mq_send, end_mq_receive) };
FIXTURE_VARIANT_ADD(interrupt, futex) { CALL(prepare_futex, end_wake) };
FIXTURE_VARIANT_ADD(interrupt, futex_bitset) { CALL(prepare_futex_bitset, end_wake) };
FIXTURE_VARIANT_ADD(interrupt, futex_timeout) { CALL(prepare_futex_timeout, NULL) };
FIXTURE_VARIANT_ADD(interrupt, futex_lock_pi) { CALL(prepare_lock_pi, end_unlock_pi) };
FIXTURE_VARIANT_ADD(interrupt, read_inotify) { CALL(prepare_inotify, end_create) };
FIXTURE_VARIANT_ADD(interrupt, read_eventfd) { CALL(prepare_eventfd, end_write) };
FIXTURE_VARIANT_ADD(interrupt, read_signalfd) { CALL(prepare_signalfd, end_usr2) };
FIXTURE_VARIANT_ADD(interrupt, read_timerfd) { CALL(prepare_timerfd, end_timerfd) };
FIXTURE_VARIANT_ADD(interrupt, read_tty) { CALL(prepare_tty, end_write) };
FIXTURE_VARIANT_ADD(interrupt, poll) { CALL(prepare_poll, NULL) };
FIXTURE_VARIANT_ADD(interrupt, ppoll) { CALL(prepare_ppoll, end_write) };
FIXTURE_VARIANT_ADD(interrupt, select) { CALL(prepare_select, end_write) };
FIXTURE_VARIANT_ADD(interrupt, pselect) { CALL(prepare_pselect, end_write) };
FIXTURE_VARIANT_ADD(interrupt, epoll_wait) { CALL(prepare_epoll, NULL) };
FIXTURE_VARIANT_ADD(interrupt, pause) { CALL(prepare_pause, end_signal) };
FIXTURE_VARIANT_ADD(interrupt, sigsuspend) { CALL(prepare_sigsuspend, end_signal) };
FIXTURE_VARIANT_ADD(interrupt, sigtimedwait) { CALL(prepare_sigtimedwait, NULL) };
FIXTURE_VARIANT_ADD(interrupt, msgrcv) { CALL(prepare_msgrcv, end_msgsnd) };
FIXTURE_VARIANT_ADD(interrupt, msgsnd) { CALL(prepare_msgsnd, end_msgrcv) };
FIXTURE_VARIANT_ADD(interrupt, semop) { CALL(prepare_semop, NULL) };
FIXTURE_VARIANT_ADD(interrupt, nanosleep) { CALL(prepare_nanosleep, NULL) };
FIXTURE_VARIANT_ADD(interrupt, clock_nanosleep) { CALL(prepare_clock_nanosleep, NULL) };
FIXTURE_VARIANT_ADD(interrupt, clock_nanosleep_until) { CALL(prepare_sleep_until, end_signal) };
FIXTURE_VARIANT_ADD(interrupt, ring) { CALL(prepare_ring, NULL) };
FIXTURE_VARIANT_ADD(interrupt, ring_masked) { CALL(prepare_ring_masked, NULL) };
FIXTURE_VARIANT_ADD(interrupt, wait_for_more) { CALL(prepare_wait, NULL) };

FIXTURE_SETUP(interrupt)
{
	struct sigaction sa = { .sa_handler = no_handler };

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	wanted = -EINTR;
	if (!variant->prepare()) {
		setup_skipped();
		SKIP(return, "this kernel does not have it");
	}
}

FIXTURE_TEARDOWN(interrupt)
{
}

static bool start_owner(pthread_t *thread)
{
	if (pthread_create(thread, NULL, owner, NULL))
		return false;
	WAIT_UNTIL(__atomic_load_n(&registered, __ATOMIC_ACQUIRE));
	return wait_until_asleep(tid);
}

static void expect_result(struct __test_metadata *_metadata)
{
	int i;

	EXPECT_TRUE(wanted == -1 ? call_ret >= 0 : call_ret == wanted) {
		TH_LOG("returned %ld, and not %ld", (long)call_ret, (long)wanted);
	}
	for (i = 0; i < 6; i++)
		EXPECT_EQ(args[i], args_after[i]);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_F(interrupt, is_entered_and_the_call_goes_on_or_ends)
{
	int i, rounds = variant->end ? ROUNDS : 1;

	ASSERT_TRUE(start_owner(&self->thread));
	for (i = 1; i <= rounds; i++) {
		ASSERT_EQ(0, upc_control(UPC_CONTROL_INTERRUPT, id, 1));
		WAIT_UNTIL(READ_ONCE(hits) == i);
		if (!variant->end)
			break;
		ASSERT_TRUE(wait_until_asleep(tid));
		ASSERT_EQ(0, READ_ONCE(returned));
	}
	if (variant->end)
		variant->end();
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	EXPECT_EQ(rounds, hits_then);
	expect_result(_metadata);
}

/* A section holds it back: the call is left alone, whatever it is. */
TEST_F(interrupt, held_it_does_not_disturb_the_call)
{
	int i;

	in_section = true;
	ASSERT_TRUE(start_owner(&self->thread));
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(0, upc_control(UPC_CONTROL_INTERRUPT, id, 1 + i % 2));
		usleep(5000);
		ASSERT_TRUE(wait_until_asleep(tid));
		ASSERT_EQ(0, READ_ONCE(returned));
		ASSERT_EQ(1, upc_poll(id, 1 + i % 2));
	}
	ASSERT_EQ(0, READ_ONCE(hits));
	if (!variant->end) {
		/* One that the section lets through ends it. */
		ASSERT_EQ(0, upc_control(UPC_CONTROL_INTERRUPT, id,
					 UPC_CRITADD + 1));
		ASSERT_EQ(0, pthread_join(self->thread, NULL));
		EXPECT_EQ(variant->prepare == prepare_wait ? id : wanted,
			  call_ret);
		EXPECT_EQ(1, hits_then);
		return;
	}
	variant->end();
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	EXPECT_EQ(0, hits_then);
	EXPECT_EQ(1, hits);
	expect_result(_metadata);
}

TEST_HARNESS_MAIN
