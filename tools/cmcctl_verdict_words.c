/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verdict_words.c -- what each claim means, for who reads one for the first time. */
#include <string.h>

#include "tools/cmcctl_verdict.h"

static const struct {
    const char *id, *words;
} meanings[] = {
    {"log", "The list of events is complete, in order and unchanged up to the moment of the "
            "quote. It says nothing yet about whether those events are welcome."},
};

/* The words of an id, or of the nearest one above it: those of "quote" for "quote.magic". */
const char *cmcctl_verdict_meaning(const char *id)
{
    for (size_t len = strlen(id); len;) {
        for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
            if (strlen(meanings[i].id) == len && memcmp(meanings[i].id, id, len) == 0)
                return meanings[i].words;
        const char *dot = memrchr(id, '.', len);
        len = dot ? (size_t)(dot - id) : 0;
    }
    return NULL;
}
