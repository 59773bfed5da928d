/* SPDX-License-Identifier: MIT */
/* For tests that look into the library. */
#include "../../src/arch/x86_64/fpu.h"
#include "../../src/arch/x86_64/offsets.h"
