// SPDX-License-Identifier: MIT
#include "other.h"

static void __attribute__((constructor)) begins(void)
{
	ctor_calls();
}
