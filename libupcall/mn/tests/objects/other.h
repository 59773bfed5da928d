/* SPDX-License-Identifier: MIT */
#ifndef OTHER_H
#define OTHER_H

/*
 * Objects of their own, for safepoint.c: other.so, which is not named, and named.so,
 * which says of itself that it is; ctor.so calls its loader from a constructor.
 */
#include <stddef.h>

/* Calls fn(arg), and says what it returns. */
typedef int (*other_fn)(void *arg);

int other_calls(other_fn fn, void *arg);
int named_calls(other_fn fn, void *arg);

/* Reads *n until it changes or until *enough; returns whether it has changed. */
int other_watches(volatile int *n, volatile int *enough);
int named_watches(volatile int *n, volatile int *enough);

/* Clears @size bytes at @p until *n changes or until *enough; the same. */
int other_clears(volatile int *n, volatile int *enough, void *p, size_t size);
int named_clears(volatile int *n, volatile int *enough, void *p, size_t size);

/* The program's, for the constructor. */
void ctor_calls(void);

#endif /* OTHER_H */
