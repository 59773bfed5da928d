/* SPDX-License-Identifier: MIT */
/* The header in C89. */
#include "header.h"
