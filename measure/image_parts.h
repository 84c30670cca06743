/* SPDX-License-Identifier: Apache-2.0 */
/* measure/image_parts.h -- what the files that make up measure/image.h share. */
#ifndef MEASURE_IMAGE_PARTS_H
#define MEASURE_IMAGE_PARTS_H
#include "measure/image.h"
#include "measure/image_tree.h"
#include "measure/rootfs_nodes.h"
#include "measure/rootfs_read.h"

struct measure_image {
    struct measure_rootfs_opts opts;
    struct measure_image_tree tree;
    struct measure_nodes nodes; /* what a container sees; ino is the inode */
    bool merged;
    struct measure_meter meter;
    struct measure_fsverity verity;
    uint8_t buf[MEASURE_READ_SIZE];
};
#endif
