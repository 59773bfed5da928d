/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the tests that need task work: an io_uring without a kernel thread
 * of its own, so that the task that submitted a request also completes it.
 */
#ifndef UPCALL_RING_H
#define UPCALL_RING_H

#include "upcall_proc.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>

#ifndef __NR_io_uring_setup
#define __NR_io_uring_setup	425
#define __NR_io_uring_enter	426
#endif

struct ring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail;
	struct io_uring_sqe *sqes;
};

/* False if the kernel has no io_uring, or does not let us use it. */
static inline bool have_rings(void)
{
	return syscall(__NR_io_uring_setup, 1, NULL) < 0 && errno == EFAULT;
}

static inline char *map_ring(int fd, off_t offset, unsigned int len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       offset);

	return p == MAP_FAILED ? NULL : p;
}

/* Returns 0 or a negative errno. */
static inline int make_ring(struct ring *r, unsigned int flags)
{
	struct io_uring_params p = { .flags = flags };
	char *sq, *cq;

	r->fd = syscall(__NR_io_uring_setup, 64, &p);
	if (r->fd < 0)
		return -errno;
	sq = map_ring(r->fd, IORING_OFF_SQ_RING,
		      p.sq_off.array + p.sq_entries * sizeof(*r->sq_array));
	cq = map_ring(r->fd, IORING_OFF_CQ_RING,
		      p.cq_off.cqes +
		      p.cq_entries * sizeof(struct io_uring_cqe));
	r->sqes = (struct io_uring_sqe *)
		map_ring(r->fd, IORING_OFF_SQES,
			 p.sq_entries * sizeof(*r->sqes));
	if (!sq || !cq || !r->sqes)
		return -ENOMEM;
	r->sq_tail = (unsigned int *)(sq + p.sq_off.tail);
	r->sq_mask = (unsigned int *)(sq + p.sq_off.ring_mask);
	r->sq_array = (unsigned int *)(sq + p.sq_off.array);
	r->cq_head = (unsigned int *)(cq + p.cq_off.head);
	r->cq_tail = (unsigned int *)(cq + p.cq_off.tail);
	return 0;
}

static inline bool submit(struct ring *r, const struct io_uring_sqe *sqe)
{
	unsigned int tail = *r->sq_tail, i = tail & *r->sq_mask;

	r->sqes[i] = *sqe;
	r->sq_array[i] = i;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
	return syscall(__NR_io_uring_enter, r->fd, 1, 0, 0, NULL, 0) == 1;
}

/* Posts a completion whenever fd becomes readable. */
static inline bool submit_polls(struct ring *r, int fd)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_POLL_ADD, .fd = fd,
		.poll32_events = POLLIN, .len = IORING_POLL_ADD_MULTI,
	};

	return submit(r, &sqe);
}

static inline bool submit_read(struct ring *r, int fd, char *to)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_READ, .fd = fd, .off = -1,
		.addr = (unsigned long)to, .len = 1,
	};

	return submit(r, &sqe);
}

/* The kernel reads the time during the call, so it can be on the stack. */
static inline bool submit_timeout(struct ring *r, int ms)
{
	struct __kernel_timespec ts = {
		.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000LL,
	};
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_TIMEOUT, .fd = -1,
		.addr = (unsigned long)&ts, .len = 1,
	};

	return submit(r, &sqe);
}

/* The number of completions so far. Any thread may call this. */
static inline unsigned int completed(struct ring *r)
{
	return __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE);
}

/* Makes room in the completion queue. */
static inline void forget_completed(struct ring *r)
{
	__atomic_store_n(r->cq_head, *r->cq_tail, __ATOMIC_RELEASE);
}

#endif /* UPCALL_RING_H */
