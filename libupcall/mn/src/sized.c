// SPDX-License-Identifier: MIT
/*
 * Structs of the program's that begin with their size, so that they can grow: as
 * clone3(2) and sched_setattr(2) have it. A program may have been made with an older
 * header or with a newer one than this library.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "rt.h"

/* Nobody has more; whoever seems to has not said how much it is. */
#define SIZE_MAX_	4096

/* What is added comes last, and must not be where an older one has padding. */
#define ENDS_WITH(type, member)						\
	static_assert(offsetof(struct type, member) +			\
		      sizeof(((struct type *)0)->member) ==		\
		      sizeof(struct type), "padding at the end")

ENDS_WITH(mn_config, stack_size);
ENDS_WITH(mn_attr, guard_size);
ENDS_WITH(mn_stats, spawned);

/* Those of 0.1, which is what 0 stands for. */
static size_t size_of(const void *of, size_t first)
{
	size_t size;

	size = *(const unsigned int *)of;
	return size ?: first;
}

/*
 * @from, which is the program's, into @to of @size bytes. @first: its size in the
 * first version. What an older one does not have is 0; what only a newer one has
 * is to be 0, as it would have no effect: E2BIG.
 */
int sized_in(void *to, size_t size, size_t first, const void *from)
{
	size_t given = size_of(from, first), i;

	if (given < sizeof(unsigned int))
		return EINVAL;
	if (given > SIZE_MAX_)
		return E2BIG;
	for (i = size; i < given; i++)
		if (((const char *)from)[i])
			return E2BIG;
	memset(to, 0, size);
	memcpy(to, from, given < size ? given : size);
	return 0;
}

/*
 * @from of @size bytes into @to, which is the program's: as much as there is room for,
 * and its size is what it has got. The rest of a newer one is left alone.
 */
int sized_out(void *to, size_t first, const void *from, size_t size)
{
	unsigned int given = size_of(to, first);

	if (given < sizeof(given))
		return EINVAL;
	if (given > size)
		given = size;
	memcpy(to, from, given);
	memcpy(to, &given, sizeof(given));
	return 0;
}
