/* SPDX-License-Identifier: MIT */
/* The header in C99. */
#include "header.h"
