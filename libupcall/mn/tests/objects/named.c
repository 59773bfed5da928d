// SPDX-License-Identifier: MIT
#include <upcall/mn.h>
#include "other.h"

MN_PREEMPTIBLE;

#define other_calls	named_calls
#define other_clears	named_clears
#define other_watches	named_watches
#include "other.c"
