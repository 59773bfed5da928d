// SPDX-License-Identifier: MIT
/*
 * Threads: their beginning, their end, and who waits for it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rt.h"

static void thread_list(struct mn_thread *t)
{
	spin_lock(&rt.all_lock);
	/* One that is under way is about those who were there before. */
	t->dumped = rt.dump;
	t->all_prev = NULL;
	t->all_next = rt.all;
	if (rt.all)
		rt.all->all_prev = t;
	rt.all = t;
	spin_unlock(&rt.all_lock);
}

static void thread_unlist(struct mn_thread *t)
{
	spin_lock(&rt.all_lock);
	if (t->all_prev)
		t->all_prev->all_next = t->all_next;
	else
		rt.all = t->all_next;
	if (t->all_next)
		t->all_next->all_prev = t->all_prev;
	spin_unlock(&rt.all_lock);
}

/* What mn_run() finds when it is over. */
void threads_free(void)
{
	struct mn_thread *t, *next;

	for (t = rt.all; t; t = next) {
		next = t->all_next;
		stack_free(t);
	}
	rt.all = NULL;
	rt.threads = 0;
}

/* A mutex that it has still may be asked for its owner until the end. */
static void thread_free(struct vcpu *v, struct mn_thread *t)
{
	if (t->owns)
		return;
	thread_unlist(t);
	stack_put(v, t);
}

/* Where first_context() leads. */
static void thread_start(void)
{
	struct mn_thread *t;

	after_switch();
	t = this_vcpu()->current;
	crit_exit();
	mn_exit(t->fn(t->arg));
}

static void set_name(struct mn_thread *t, const char *name)
{
	static unsigned int serial;

	if (name)
		snprintf(t->name, sizeof(t->name), "%s", name);
	else
		snprintf(t->name, sizeof(t->name), "thread-%u",
			 __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
}

/* In a section; the new thread is @v's, and nobody will run it yet. */
int thread_create(struct mn_thread **out, const struct mn_attr *attr,
		  void *(*fn)(void *), void *arg)
{
	struct vcpu *v = this_vcpu();
	struct mn_thread *t;

	if (attr->stack_size && attr->stack_size < MN_STACK_MIN)
		return EINVAL;
	if (__atomic_add_fetch(&rt.threads, 1, __ATOMIC_RELAXED) >
	    MN_THREADS_MAX)
		goto fail;
	t = stack_get(v, attr->stack_size ?: rt.stack_size, attr->guard_size);
	if (!t)
		goto fail;
	t->fn = fn;
	t->arg = arg;
	t->vcpu = v;
	t->detached = attr->detached;
	t->urgent = t->hurried = attr->urgent;
	t->timer = -1;
	t->last = -1;
	t->id = __atomic_add_fetch(&rt.ids, 1, __ATOMIC_RELAXED);
	t->arrived = __atomic_add_fetch(&rt.arrivals, 1, __ATOMIC_RELAXED);
	t->crit_count = UPC_CRITADD;
	t->mask = v->current->mask;
	t->sp = first_context(t, thread_start);
	set_name(t, attr->name);
	thread_list(t);
	*out = t;
	return 0;

fail:
	__atomic_sub_fetch(&rt.threads, 1, __ATOMIC_RELAXED);
	return EAGAIN;
}

MN_EXPORT int mn_spawn(mn_t *thread, const struct mn_attr *given,
		       void *(*fn)(void *), void *arg)
{
	struct mn_attr attr = { 0 };
	struct mn_thread *t;
	int ret, saved;

	ret = given ? sized_in(&attr, sizeof(attr), ATTR_FIRST, given) : 0;
	if (ret)
		return ret;
	if (!fn || (!thread && !attr.detached))
		return EINVAL;
	if (!enter())
		return EPERM;
	saved = get_errno();
	ret = thread_create(&t, &attr, fn, arg);
	set_errno(saved);
	if (!ret) {
		struct vcpu *v = this_vcpu();

		/* Before it can run, and end. */
		if (thread)
			*thread = t;
		count(&v->stats.spawned);
		make_ready(v, t);
	}
	return leave(ret);
}

static void run_destructors(struct mn_thread *t);

/* By the C library, whatever else has that name in this program. */
static void __attribute__((noreturn)) kernel_thread_exit(void *result)
{
	if (mn_libc_exit)
		mn_libc_exit(result);
	pthread_exit(result);
}

MN_EXPORT void mn_exit(void *result)
{
	struct mn_thread *t = mn_self();
	struct vcpu *v;

	if (!t) {
		helper_leave();
		kernel_thread_exit(result);
	}
	/* After fork() it is alone, and the process with it. */
	if (rt.forked)
		_exit(0);
	run_destructors(t);
	enter();
	v = this_vcpu();
	t->result = result;
	t->state = EXITED;
	if (t == rt.main) {
		rt.result = result;
		stop_all();
		v->stopping = true;
	}
	v->done = t;
	schedule(v);
	__builtin_unreachable();
}

/* @t has left its stack for good. */
void thread_bury(struct vcpu *v, struct mn_thread *t)
{
	unsigned int *lock = lock_of(t);
	struct mn_thread *joiner;
	bool detached;

	__atomic_sub_fetch(&rt.threads, 1, __ATOMIC_RELAXED);
	spin_lock(lock);
	t->exited = true;
	joiner = waitq_take(&t->joining);
	detached = t->detached;
	spin_unlock(lock);
	if (joiner)
		wake(joiner);
	else if (detached)
		thread_free(v, t);
}

/* From @joined on it is the caller's to free. */
static int join(struct mn_thread *self, struct mn_thread *t, int64_t deadline)
{
	unsigned int *lock = lock_of(t);
	bool exited;

	spin_lock(lock);
	if (t->detached || t->joined) {
		spin_unlock(lock);
		return EINVAL;
	}
	t->joined = true;
	exited = t->exited;
	if (!exited)
		waitq_add_under(&t->joining, self, lock);
	spin_unlock(lock);
	if (exited || !wait_until(IN_JOIN, deadline))
		return 0;
	/* It is there for the next who asks, even if it has ended by now. */
	spin_lock(lock);
	t->joined = false;
	spin_unlock(lock);
	return ETIMEDOUT;
}

MN_EXPORT int mn_timedjoin(mn_t t, void **result, int64_t deadline)
{
	struct mn_thread *self;
	int ret;

	if (!t)
		return EINVAL;
	self = enter();
	if (!self)
		return EPERM;
	ret = t == self ? EDEADLK : join(self, t, deadline);
	if (ret)
		return leave(ret);
	if (result)
		*result = t->result;
	thread_free(this_vcpu(), t);
	return leave(0);
}

MN_EXPORT int mn_join(mn_t t, void **result)
{
	return mn_timedjoin(t, result, MN_FOREVER);
}

MN_EXPORT int mn_detach(mn_t t)
{
	unsigned int *lock = lock_of(t);
	bool exited = false;
	int ret = EINVAL;

	if (!t)
		return EINVAL;
	if (!enter())
		return EPERM;
	spin_lock(lock);
	if (!t->detached && !t->joined) {
		t->detached = true;
		exited = t->exited;
		ret = 0;
	}
	spin_unlock(lock);
	if (exited)
		thread_free(this_vcpu(), t);
	return leave(ret);
}

MN_EXPORT void mn_yield(void)
{
	struct mn_thread *t = enter();
	struct vcpu *v;

	if (!t)
		return;
	v = this_vcpu();
	if (ready(v) || v->inbox || v->requests) {
		t->state = READY;
		t->hurried = t->turn = false;
		t->left = 0;
		queue_last(&v->queue, t);
		schedule(v);
	}
	crit_exit();
}

MN_EXPORT mn_t mn_self(void)
{
	struct mn_thread *t;
	struct vcpu *v;

	/* In a section, or it might be another's by the second look. */
	crit_enter();
	v = this_vcpu();
	t = v && v->current != &v->idle ? v->current : NULL;
	crit_exit();
	return t;
}

MN_EXPORT const char *mn_name(mn_t t)
{
	return t ? t->name : NULL;
}

MN_EXPORT int mn_vcpu(void)
{
	struct vcpu *v;
	int index = -1;

	crit_enter();
	v = this_vcpu();
	if (v && v->current != &v->idle)
		index = v->index;
	crit_exit();
	return index;
}

MN_EXPORT void mn_crit_enter(void)
{
	crit_add(PROGRAM_ADD);
}

MN_EXPORT void mn_crit_exit(void)
{
	if (crit_sub(PROGRAM_ADD) > 0)
		rt.backend->pending();
}

MN_EXPORT void mn_hold(void)
{
	crit_add(HOLD_ADD);
}

MN_EXPORT void mn_release(void)
{
	struct vcpu *v;

	if (crit_sub(HOLD_ADD) > 0) {
		rt.backend->pending();
		return;
	}
	/* Whatever virtual CPU this is: release_late() looks again. */
	v = this_vcpu();
	if (v && v->retry && !crit_count())
		release_late();
}

/* Slots: a key is a place and how often that has been given out. */

unsigned int keys_lock;
static struct {
	unsigned int	serial;		/* odd: in use */
	void		(*destructor)(void *);
} keys[MN_KEYS_MAX];

static int key_slot(mn_key_t key)
{
	unsigned int i = key % MN_KEYS_MAX;

	return keys[i].serial & 1 && keys[i].serial == key / MN_KEYS_MAX ?
	       (int)i : -1;
}

MN_EXPORT int mn_key_create(mn_key_t *key, void (*destructor)(void *))
{
	int i, ret = EAGAIN;

	crit_enter();
	spin_lock(&keys_lock);
	for (i = 0; i < MN_KEYS_MAX; i++) {
		if (keys[i].serial & 1)
			continue;
		keys[i].serial++;
		keys[i].destructor = destructor;
		*key = keys[i].serial * MN_KEYS_MAX + i;
		ret = 0;
		break;
	}
	spin_unlock(&keys_lock);
	return leave(ret);
}

MN_EXPORT int mn_key_delete(mn_key_t key)
{
	int i;

	crit_enter();
	spin_lock(&keys_lock);
	i = key_slot(key);
	if (i >= 0)
		keys[i].serial++;
	spin_unlock(&keys_lock);
	return leave(i < 0 ? EINVAL : 0);
}

MN_EXPORT int mn_setspecific(mn_key_t key, const void *value)
{
	struct mn_thread *t = mn_self();
	int i = key_slot(key);

	if (!t)
		return EPERM;
	if (i < 0)
		return EINVAL;
	t->slots[i].key = key;
	t->slots[i].value = value;
	return 0;
}

MN_EXPORT void *mn_getspecific(mn_key_t key)
{
	struct mn_thread *t = mn_self();
	unsigned int i = key % MN_KEYS_MAX;

	if (!t || t->slots[i].key != key)
		return NULL;
	return (void *)t->slots[i].value;
}

/* As pthreads: a destructor may set slots again, but not for ever. */
static void run_destructors(struct mn_thread *t)
{
	bool again = true;
	int round, i;

	for (round = 0; again && round < 4; round++) {
		again = false;
		for (i = 0; i < MN_KEYS_MAX; i++) {
			void *value = (void *)t->slots[i].value;

			if (!value || key_slot(t->slots[i].key) != i)
				continue;
			t->slots[i].value = NULL;
			if (!keys[i].destructor)
				continue;
			keys[i].destructor(value);
			again = true;
		}
	}
}
