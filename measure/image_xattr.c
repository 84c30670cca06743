/* SPDX-License-Identifier: Apache-2.0 */
/* measure/image_xattr.c -- attributes are kept encoded as the digest has them, and replaced whole.
 * Source: Linux, fs/posix_acl.c and security/commoncap.c. */
#include "measure/image_xattr.h"

#include <string.h>

#include "base/hex.h"
#include "measure/rootfs_xattr.h"

#define ACCESS     "system.posix_acl_access"
#define DEFAULT    "system.posix_acl_default"
#define CAPABILITY "security.capability"

enum acl_tag {
    ACL_USER_OBJ = 1,
    ACL_USER = 2,
    ACL_GROUP_OBJ = 4,
    ACL_GROUP = 8,
    ACL_MASK = 16,
    ACL_OTHER = 32
};
enum { ACL_HEADER = 4, ACL_ENTRY = 8, ACL_VERSION = 2, ATTR_MAX = 1 << 20 };

struct attr {
    struct measure_bytes name, value;
};

static struct measure_bytes name_of(const char *text)
{
    return (struct measure_bytes){(const uint8_t *)text, strlen(text)};
}

static int compare(struct measure_bytes a, struct measure_bytes b)
{
    const int d = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
    return d ? d : (a.len > b.len) - (a.len < b.len);
}

static bool is(struct measure_bytes a, const char *text)
{
    return compare(a, name_of(text)) == 0;
}

/* A reader of inode's attributes, and their number. */
static struct cmc_reader open_attrs(const struct measure_image_tree *t, uint32_t inode,
                                    uint32_t *count)
{
    const uint32_t at = t->inodes[inode].xattrs;
    struct cmc_reader r = cmc_reader_of(t->text.data + at, t->text.len - at);
    *count = 0;
    if (at) {
        (void)cmc_read_be32(&r);
        *count = cmc_read_be32(&r);
    }
    return r;
}

static struct attr next_attr(struct cmc_reader *r)
{
    struct attr a;
    a.name.len = cmc_read_be16(r);
    a.name.p = cmc_read_bytes(r, a.name.len);
    a.value.len = cmc_read_be32(r);
    a.value.p = cmc_read_bytes(r, a.value.len);
    return a;
}

static struct measure_bytes get(const struct measure_image_tree *t, uint32_t inode,
                                const char *name)
{
    uint32_t count;
    struct cmc_reader r = open_attrs(t, inode, &count);
    while (count-- > 0) {
        const struct attr a = next_attr(&r);
        if (is(a.name, name))
            return a.value;
    }
    return (struct measure_bytes){NULL, 0};
}

static void put_attr(struct cmc_buf *b, const struct attr *a)
{
    cmc_put_be16(b, (uint16_t)a->name.len);
    cmc_put(b, a->name.p, a->name.len);
    cmc_put_be32(b, (uint32_t)a->value.len);
    cmc_put(b, a->value.p, a->value.len);
}

/* Replaces inode's attributes by count encoded ones. */
static int keep(struct measure_image_tree *t, uint32_t inode, uint32_t count,
                const struct cmc_buf *attrs, struct cmc_err *err)
{
    const size_t at = t->text.len;
    t->inodes[inode].xattrs = 0;
    if (cmc_buf_check(attrs, "attributes of one entry", err) < 0)
        return -(int)err->code;
    if (count == 0)
        return 0;
    cmc_put_be32(&t->text, (uint32_t)attrs->len + 4);
    cmc_put_be32(&t->text, count);
    cmc_put(&t->text, attrs->data, attrs->len);
    if (cmc_buf_check(&t->text, "names and attributes", err) < 0)
        return -(int)err->code;
    t->inodes[inode].xattrs = (uint32_t)at;
    return 0;
}

/* Sets one attribute, or with set false removes it. Copies first: values may lie in text, which
 * moves. */
static int change(struct measure_image_tree *t, uint32_t inode, const struct attr *with, bool set,
                  struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf attrs = cmc_buf_of(ATTR_MAX);
    uint32_t count, kept = 0;
    struct cmc_reader r = open_attrs(t, inode, &count);
    while (count-- > 0) {
        const struct attr a = next_attr(&r);
        const int order = compare(a.name, with->name);
        if (set && order >= 0) {
            put_attr(&attrs, with);
            kept++;
            set = false;
        }
        if (order != 0) {
            put_attr(&attrs, &a);
            kept++;
        }
    }
    if (set) {
        put_attr(&attrs, with);
        kept++;
    }
    return keep(t, inode, kept, &attrs, err);
}

static int drop(struct measure_image_tree *t, uint32_t inode, const char *name, struct cmc_err *err)
{
    if (!get(t, inode, name).p)
        return 0;
    return change(t, inode, &(struct attr){.name = name_of(name)}, false, err);
}

static unsigned tag_of(const uint8_t *entry)
{
    return entry[0] | (unsigned)entry[1] << 8;
}

static uint32_t id_of(const uint8_t *entry)
{
    return (uint32_t)entry[7] << 24 | (uint32_t)entry[6] << 16 | (uint32_t)entry[5] << 8 | entry[4];
}

struct acl { /* in a buffer of one's own */
    uint8_t data[MEASURE_XATTR_VALUE_MAX];
    size_t len;
};

/* The entries' order as the kernel wants it: owner, users, group, groups, mask, others; a mask
 * where there are users or groups. */
static const unsigned acl_order[] = {ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ,
                                     ACL_GROUP,    ACL_MASK, ACL_OTHER};
enum { ACL_TAGS = 6, AT_USERS = 1, AT_GROUP = 2, AT_GROUPS = 3, AT_MASK = 4, AT_OTHERS = 5 };

/* May the entry be there, being the seen-th of its tag, at this place in the order? */
static bool acl_entry_good(const uint8_t *e, size_t at, size_t seen)
{
    const bool named = at == AT_USERS || at == AT_GROUPS;
    if (at == ACL_TAGS || e[2] > 7 || e[3])
        return false;
    return named ? id_of(e) != UINT32_MAX : seen == 0;
}

static bool acl_in_order(const struct acl *a)
{
    size_t at = 0, seen[ACL_TAGS + 1] = {0};
    for (const uint8_t *e = a->data + ACL_HEADER; e < a->data + a->len; e += ACL_ENTRY) {
        while (at < ACL_TAGS && tag_of(e) != acl_order[at])
            at++;
        if (!acl_entry_good(e, at, seen[at]++))
            return false;
    }
    const bool masked = seen[AT_MASK] || (!seen[AT_USERS] && !seen[AT_GROUPS]);
    return seen[0] && seen[AT_GROUP] && seen[AT_OTHERS] && masked;
}

/* Does it say more than a mode can? */
static bool acl_extended(const struct acl *a)
{
    return a->len > ACL_HEADER + 3 * ACL_ENTRY;
}

/* Only named entries have an id. */
static void acl_normalise(struct acl *a)
{
    for (uint8_t *e = a->data + ACL_HEADER; e < a->data + a->len; e += ACL_ENTRY)
        if (tag_of(e) != ACL_USER && tag_of(e) != ACL_GROUP)
            memset(e + 4, 0xff, 4);
}

static void acl_set_mode(struct acl *a, uint32_t mode)
{
    const bool masked = acl_extended(a);
    for (uint8_t *e = a->data + ACL_HEADER; e < a->data + a->len; e += ACL_ENTRY) {
        const unsigned tag = tag_of(e);
        if (tag == ACL_USER_OBJ)
            e[2] = (uint8_t)(mode >> 6 & 7);
        else if (tag == (masked ? ACL_MASK : ACL_GROUP_OBJ))
            e[2] = (uint8_t)(mode >> 3 & 7);
        else if (tag == ACL_OTHER)
            e[2] = (uint8_t)(mode & 7);
    }
}

static uint32_t acl_mode(const struct acl *a)
{
    const bool masked = acl_extended(a);
    uint32_t mode = 0;
    for (const uint8_t *e = a->data + ACL_HEADER; e < a->data + a->len; e += ACL_ENTRY) {
        const unsigned tag = tag_of(e);
        if (tag == ACL_USER_OBJ)
            mode |= (uint32_t)e[2] << 6;
        else if (tag == (masked ? ACL_MASK : ACL_GROUP_OBJ))
            mode |= (uint32_t)e[2] << 3;
        else if (tag == ACL_OTHER)
            mode |= e[2];
    }
    return mode;
}

static int set_acl(struct measure_image_tree *t, uint32_t inode, const char *name,
                   const struct acl *a, struct cmc_err *err)
{
    const struct attr with = {name_of(name), {a->data, a->len}};
    return change(t, inode, &with, true, err);
}

static bool get_acl(const struct measure_image_tree *t, uint32_t inode, const char *name,
                    struct acl *out)
{
    const struct measure_bytes value = get(t, inode, name);
    if (!value.p)
        return false;
    memcpy(out->data, value.p, value.len);
    out->len = value.len;
    return true;
}

static int keep_acl(struct measure_image_tree *t, uint32_t inode, bool access,
                    const struct attr *given, struct cmc_err *err)
{
    struct measure_image_inode *i = &t->inodes[inode];
    struct acl *a = malloc(sizeof(*a));
    int r;
    if (!a)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    memcpy(a->data, given->value.p, given->value.len);
    a->len = given->value.len;
    if (!acl_in_order(a)) {
        r = cmc_fail(err, CMC_E_VERIFY, "Linux does not take this ACL");
    } else {
        acl_normalise(a);
        if (access)
            i->mode = (uint16_t)((i->mode & 07000) | acl_mode(a));
        r = access && !acl_extended(a) ? drop(t, inode, ACCESS, err)
                                       : set_acl(t, inode, access ? ACCESS : DEFAULT, a, err);
    }
    free(a);
    return r;
}

static int give_acl(struct measure_image_tree *t, uint32_t inode, const struct attr *given,
                    struct cmc_err *err)
{
    static const uint8_t version[ACL_HEADER] = {ACL_VERSION};
    const bool access = is(given->name, ACCESS);
    const char type = t->inodes[inode].type;
    const size_t len = given->value.len;
    if (type == 'l') /* has none, and containerd goes on without */
        return 0;
    if (len == 0 || len == ACL_HEADER)
        return drop(t, inode, access ? ACCESS : DEFAULT, err);
    if (len < ACL_HEADER)
        return cmc_fail(err, CMC_E_VERIFY, "%zu bytes are no ACL", len);
    if (memcmp(given->value.p, version, ACL_HEADER) != 0 || (len - ACL_HEADER) % ACL_ENTRY)
        return cmc_fail(err, CMC_E_VERIFY, "Linux does not take this ACL");
    if (!access && type != 'd')
        return cmc_fail(err, CMC_E_VERIFY, "a default ACL on what is no directory");
    return keep_acl(t, inode, access, given, err);
}

static int give_capability(struct measure_image_tree *t, uint32_t inode, const struct attr *given,
                           struct cmc_err *err)
{
    static const struct measure_rootfs_opts as_they_are;
    uint8_t value[32];
    size_t len = given->value.len;
    if (len > sizeof(value))
        return cmc_fail(err, CMC_E_VERIFY, "%zu bytes are no capability", len);
    memcpy(value, given->value.p, len);
    if (measure_xattr_map(CAPABILITY, value, &len, &as_they_are, err) < 0) {
        err->code = CMC_E_VERIFY; /* the kernel refuses it, and so does containerd */
        return -CMC_E_VERIFY;
    }
    return change(t, inode, &(struct attr){name_of(CAPABILITY), {value, len}}, true, err);
}

static int give(struct measure_image_tree *t, uint32_t inode, const struct attr *given,
                struct cmc_err *err)
{
    const char type = t->inodes[inode].type;
    const bool user = given->name.len > 5 && memcmp(given->name.p, "user.", 5) == 0;
    if (is(given->name, ACCESS) || is(given->name, DEFAULT))
        return give_acl(t, inode, given, err);
    if (is(given->name, CAPABILITY))
        return give_capability(t, inode, given, err);
    if (user && type != 'f' && type != 'd') /* Linux keeps none there, and containerd goes on */
        return 0;
    return change(t, inode, given, true, err);
}

int measure_image_setxattr(struct measure_image_tree *t, uint32_t inode, struct measure_bytes name,
                           struct measure_bytes value, struct cmc_err *err)
{
    const struct attr given = {name, value};
    cmc_autobuf struct cmc_buf shown = cmc_buf_of(1024);
    if (!measure_entry_covers((const char *)name.p, name.len))
        return 0;
    int r;
    if (name.len > MEASURE_XATTR_NAME_MAX || value.len > MEASURE_XATTR_VALUE_MAX ||
        is(name, "user."))
        r = cmc_fail(err, CMC_E_VERIFY, "Linux does not take this attribute");
    else
        r = give(t, inode, &given, err);
    if (r == 0)
        return 0;
    cmc_put_safe(&shown, name.p, name.len, 64);
    return shown.len ? cmc_wrap(err, "%.*s", (int)shown.len, (char *)shown.data) : r;
}

int measure_image_chown(struct measure_image_tree *t, uint32_t inode, uint32_t uid, uint32_t gid,
                        struct cmc_err *err)
{
    struct measure_image_inode *i = &t->inodes[inode];
    i->uid = uid;
    i->gid = gid;
    return i->type == 'd' ? 0 : drop(t, inode, CAPABILITY, err);
}

int measure_image_chmod(struct measure_image_tree *t, uint32_t inode, uint32_t mode,
                        struct cmc_err *err)
{
    struct measure_image_inode *i = &t->inodes[inode];
    int r = 0;
    if (i->type == 'l')
        return 0;
    i->mode = mode & 07777;
    if (!get(t, inode, ACCESS).p)
        return 0;
    struct acl *a = malloc(sizeof(*a));
    if (!a)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    if (get_acl(t, inode, ACCESS, a)) {
        acl_set_mode(a, mode);
        r = set_acl(t, inode, ACCESS, a, err);
    }
    free(a);
    return r;
}

int measure_image_inherit(struct measure_image_tree *t, uint32_t dir, uint32_t inode,
                          struct cmc_err *err)
{
    const char type = t->inodes[inode].type;
    int r = 0;
    if (type == 'l' || !get(t, dir, DEFAULT).p)
        return 0;
    struct acl *a = malloc(sizeof(*a));
    if (!a)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    if (get_acl(t, dir, DEFAULT, a)) {
        if (type == 'd')
            r = set_acl(t, inode, DEFAULT, a, err);
        if (r == 0 && acl_extended(a)) /* its mode is set next */
            r = set_acl(t, inode, ACCESS, a, err);
    }
    free(a);
    return r;
}

int measure_image_copy_xattrs(struct measure_image_tree *t, uint32_t from, uint32_t to,
                              struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf copy = cmc_buf_of(ATTR_MAX);
    uint32_t count;
    struct cmc_reader r = open_attrs(t, from, &count);
    const uint32_t at = t->inodes[from].xattrs;
    if (!count)
        return 0;
    struct cmc_reader whole = cmc_reader_of(t->text.data + at, t->text.len - at);
    const size_t len = cmc_read_be32(&whole);
    cmc_put(&copy, cmc_read_bytes(&whole, len), len); /* text moves when it grows */
    if (cmc_buf_check(&copy, "attributes of one entry", err) < 0)
        return -(int)err->code;
    r = cmc_reader_of(copy.data + 4, copy.len - 4);
    while (count-- > 0) {
        const struct attr a = next_attr(&r);
        if (give(t, to, &a, err) < 0)
            return -(int)err->code;
    }
    return 0;
}
