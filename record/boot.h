/* SPDX-License-Identifier: Apache-2.0 */
/* record/boot.h -- which boot this is. */
#ifndef RECORD_BOOT_H
#define RECORD_BOOT_H
#include <stdint.h>

#include "base/err.h"

enum { RECORD_BOOT_ID_LEN = 16 };

/* The kernel's boot id (random(4)), as bytes. Errors: -CMC_E_SYS, -CMC_E_FORMAT; out untouched. */
CMC_MUST_CHECK int record_boot_id(uint8_t out[static RECORD_BOOT_ID_LEN], struct cmc_err *err);
#endif
