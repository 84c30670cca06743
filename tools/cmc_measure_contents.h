/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_contents.h -- what earlier measurings of this boot have read of layers, and
 * what this one leaves to later ones (docs/formats/layer-cache.md). */
#ifndef TOOLS_CMC_MEASURE_CONTENTS_H
#define TOOLS_CMC_MEASURE_CONTENTS_H
#include "measure/rootfs_known.h"
#include "measure/rootfs_layers.h"

struct cmc_measure_contents;

/* Looks up what is known of these layers (borrowed until the end), but for the first own of them,
 * which belong to the container. Holds a descriptor for each layer that is known.
 * NULL: nothing can be known or learned here; measure without. */
struct cmc_measure_contents *cmc_measure_contents_begin(const char *runtime_dir,
                                                        const struct measure_layers *layers,
                                                        size_t own);
/* For measure_rootfs_opts.known, with lease set. */
const struct measure_known *cmc_measure_contents_known(const struct cmc_measure_contents *c);
/* After the measuring, however it ended: keeps what was learned. False when what was known is not
 * to be relied on, since the clock was set back meanwhile: measure again, without. NULL is fine. */
CMC_MUST_CHECK bool cmc_measure_contents_end(struct cmc_measure_contents *c);
#endif
