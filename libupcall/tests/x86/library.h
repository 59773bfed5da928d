/* SPDX-License-Identifier: MIT */
/* For tests that look into the library. */
#include "../../src/arch/x86/fpu.h"
#include "../../src/arch/x86/offsets.h"
