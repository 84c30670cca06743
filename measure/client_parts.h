/* SPDX-License-Identifier: Apache-2.0 */
/* measure/client_parts.h -- what clients of containerd have in common. */
#ifndef MEASURE_CLIENT_PARTS_H
#define MEASURE_CLIENT_PARTS_H
#include "measure/client.h"

struct client_texts { /* a growing list of borrowed texts; zeroed at its start */
    const char **at;  /* owned */
    size_t count, cap;
};
void client_texts_done(struct client_texts *t);
/* Errors: -CMC_E_LIMIT. */
CMC_MUST_CHECK int client_texts_add(struct client_texts *t, const char *text, struct cmc_err *err);
CMC_MUST_CHECK int client_texts_add_oci(struct client_texts *t,
                                        const struct measure_oci_texts *from, struct cmc_err *err);
CMC_MUST_CHECK int client_texts_add_list(struct client_texts *t, const struct cmc_opt_list *from,
                                         struct cmc_err *err);
bool client_texts_has(const struct client_texts *t, const char *text);
void client_texts_remove(struct client_texts *t, const char *text);

/* Sets variables in env as containerd does: one that is there is replaced in its place, others are
 * appended, a name without "=" removes. */
CMC_MUST_CHECK int client_env_set(struct client_texts *env, const struct client_texts *with,
                                  struct cmc_err *err);

enum { CLIENT_GIDS_MAX = 65536 };
struct client_user {
    uint32_t uid, gid;
    uint32_t *gids; /* owned: additional ones */
    size_t gid_count;
};
void client_user_done(struct client_user *u);
/* "user", "uid", "user:group" and so on, as containerd's WithUser; then the groups of that uid, or
 * with spec "" those of root. Errors: -CMC_E_VERIFY (not in the image), -CMC_E_USAGE, -CMC_E_LIMIT.
 */
CMC_MUST_CHECK int client_user_find(const struct measure_client_image *image, const char *spec,
                                    struct client_user *out, struct cmc_err *err);

/* The same with the groups that containerd's CRI finds, sorted: those of asked, a name or uid; of
 * uid 0 where nothing is asked for (NULL), whoever the image says. */
CMC_MUST_CHECK int client_user_find_cri(const struct measure_client_image *image, const char *asked,
                                        struct client_user *out, struct cmc_err *err);

/* JSON writers: a member with a comma before it. */
void client_put_key(struct cmc_buf *b, const char *key);
void client_put_text(struct cmc_buf *b, const char *key, const char *text);
void client_put_texts(struct cmc_buf *b, const char *key, const struct client_texts *texts);
void client_put_user(struct cmc_buf *b, const struct client_user *u);
/* {"a":"b"} of "a=b" texts; the last of a name counts. */
void client_put_map(struct cmc_buf *b, const char *key, const struct client_texts *pairs);

struct client_mount { /* parts of a text; p NULL: not given */
    struct measure_bytes type, source, destination, options;
};
/* "type=bind,src=/a,dst=/b,options=rbind:ro". Errors: -CMC_E_USAGE. */
CMC_MUST_CHECK int client_mount_read(const char *spec, struct client_mount *out,
                                     struct cmc_err *err);
/* The next part of the options, which loses it; false at the end. Given and empty is one part. */
bool client_mount_option(struct measure_bytes *options, struct measure_bytes *out);

#define CLIENT_DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* The default capabilities of containerd; then those added, then without those dropped.
 * all: "ALL" may be dropped, which comes first. Errors: -CMC_E_USAGE, -CMC_E_LIMIT. */
CMC_MUST_CHECK int client_caps(const struct measure_client_opts *o, bool all,
                               struct client_texts *out, struct cmc_err *err);
void client_put_caps(struct cmc_buf *b, const struct client_texts *caps);
#endif
