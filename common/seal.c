// SPDX-License-Identifier: Apache-2.0
// Sealing with XChaCha20-Poly1305, and the ring of keys a reader was handed:
// a hash table over a circle of entries; a new one takes the oldest's place.
#include "seal.h"

#include <sodium.h>

#include "check.h"
#include "err.h"
#include "hash.h"
#include "key.h"

static struct key key_id_bytes(uint64_t id)
{
    struct key k;
    k.n = 0;
    key_u64(&k, id);
    return k;
}

int seal_prepare(struct env *env, uint64_t key_id, const void *message, struct arena *arena,
                 Kesu__V1__Sealed *ret)
{
    struct span plain = codec_pack(message, arena);
    uint8_t *nonce = arena_alloc(arena, SEAL_NONCE_BYTES);
    uint8_t *text = arena_alloc(arena, plain.n + SEAL_TAG_BYTES);
    if (plain.p == NULL || nonce == NULL || text == NULL) return E_NOMEM;
    env_random(env, nonce, SEAL_NONCE_BYTES);
    memcpy(text, plain.p, plain.n);
    memset(text + plain.n, 0, SEAL_TAG_BYTES);
    kesu__v1__sealed__init(ret);
    ret->key_id = key_id;
    ret->nonce = (ProtobufCBinaryData){SEAL_NONCE_BYTES, nonce};
    ret->ciphertext = (ProtobufCBinaryData){plain.n + SEAL_TAG_BYTES, text};
    return 0;
}

void seal_in_place(const struct seal_key *key, const uint8_t nonce[SEAL_NONCE_BYTES], uint8_t *text, size_t n)
{
    struct key id = key_id_bytes(key->id);
    CHECK(n >= SEAL_TAG_BYTES);
    size_t n_plain = n - SEAL_TAG_BYTES;
    crypto_aead_xchacha20poly1305_ietf_encrypt_detached(text, text + n_plain, NULL, text, n_plain, id.p, id.n,
                                                        NULL, nonce, key->secret);
}

int seal_message(struct env *env, const struct seal_key *key, const void *message, struct arena *arena,
                 Kesu__V1__Sealed *ret)
{
    int err = seal_prepare(env, key->id, message, arena, ret);
    if (err == 0) seal_in_place(key, ret->nonce.data, ret->ciphertext.data, ret->ciphertext.len);
    return err;
}

int seal_open(const uint8_t secret[SEAL_KEY_BYTES], const Kesu__V1__Sealed *sealed, struct arena *arena,
              struct span *ret_plain)
{
    if (sealed->nonce.len != SEAL_NONCE_BYTES || sealed->ciphertext.len < SEAL_TAG_BYTES) return E_CRYPTO;
    uint8_t *plain = arena_alloc(arena, sealed->ciphertext.len);
    if (plain == NULL) return E_NOMEM;
    struct key id = key_id_bytes(sealed->key_id);
    unsigned long long n = 0;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &n, NULL, sealed->ciphertext.data,
                                                   sealed->ciphertext.len, id.p, id.n, sealed->nonce.data,
                                                   secret) != 0)
        return E_CRYPTO;
    *ret_plain = span_of(plain, (size_t)n);
    return 0;
}

int seal_open_message(const uint8_t secret[SEAL_KEY_BYTES], const Kesu__V1__Sealed *sealed,
                      const ProtobufCMessageDescriptor *d, struct arena *arena, void *ret_message)
{
    struct span plain;
    struct codec_error error;
    int err = seal_open(secret, sealed, arena, &plain);
    if (err != 0) return err;
    return codec_unpack(d, plain, arena, ret_message, &error);
}

struct ring_entry {
    struct seal_key key;
    bool used, erased;
    uint32_t next; // in its chain, place + 1
};

struct seal_ring {
    struct mem *mem;
    uint32_t max, oldest, n_chains;
    uint32_t *chains; // first entry of a chain, place + 1
    struct ring_entry *entries;
};

struct seal_ring *seal_ring_new(struct mem *m, unsigned max_keys)
{
    CHECK(max_keys > 0);
    struct seal_ring *r = mem_zalloc(m, sizeof *r);
    r->mem = m;
    r->max = max_keys;
    for (r->n_chains = 16; r->n_chains < max_keys; r->n_chains *= 2) {
    }
    r->chains = mem_zalloc(m, r->n_chains * sizeof r->chains[0]);
    r->entries = mem_zalloc(m, r->max * sizeof r->entries[0]);
    return r;
}

void seal_ring_free(struct seal_ring **p)
{
    struct seal_ring *r = *p;
    if (r == NULL) return;
    sodium_memzero(r->entries, r->max * sizeof r->entries[0]);
    mem_free(r->mem, r->entries);
    mem_free(r->mem, r->chains);
    mem_free(r->mem, r);
    *p = NULL;
}

static uint32_t *chain_of(struct seal_ring *r, uint64_t key_id)
{
    return &r->chains[hash_fast(span_of(&key_id, sizeof key_id)) & (r->n_chains - 1)];
}

static struct ring_entry *find(struct seal_ring *r, uint64_t key_id)
{
    for (uint32_t i = *chain_of(r, key_id); i != 0; i = r->entries[i - 1].next)
        if (r->entries[i - 1].key.id == key_id) return &r->entries[i - 1];
    return NULL;
}

static void unlink_entry(struct seal_ring *r, struct ring_entry *e)
{
    uint32_t *link = chain_of(r, e->key.id);
    while (&r->entries[*link - 1] != e) link = &r->entries[*link - 1].next;
    *link = e->next;
}

static struct ring_entry *take_oldest(struct seal_ring *r, uint64_t key_id)
{
    uint32_t place = r->oldest;
    struct ring_entry *e = &r->entries[place];
    r->oldest = (r->oldest + 1) % r->max;
    if (e->used) unlink_entry(r, e);
    sodium_memzero(e, sizeof *e);
    uint32_t *chain = chain_of(r, key_id);
    e->used = true;
    e->key.id = key_id;
    e->next = *chain;
    *chain = place + 1;
    return e;
}

void seal_ring_add(struct seal_ring *r, uint64_t key_id, struct span secret)
{
    CHECK(secret.n == 0 || secret.n == SEAL_KEY_BYTES);
    struct ring_entry *e = find(r, key_id);
    if (e == NULL) e = take_oldest(r, key_id);
    e->erased = secret.n == 0;
    if (e->erased)
        sodium_memzero(e->key.secret, SEAL_KEY_BYTES);
    else
        memcpy(e->key.secret, secret.p, SEAL_KEY_BYTES);
}

void seal_ring_erase(struct seal_ring *r, uint64_t key_id)
{
    if (find(r, key_id) != NULL) seal_ring_add(r, key_id, SPAN_NONE);
}

int seal_ring_get(struct seal_ring *r, uint64_t key_id, const uint8_t **ret)
{
    const struct ring_entry *e = find(r, key_id);
    if (e == NULL) return E_NOT_FOUND;
    if (e->erased) return E_ERASED;
    *ret = e->key.secret;
    return 0;
}

#define IN(event, field) [KESU__V1__EVENT__BODY_##event] = (field)

/* An event seals in one field of its body at most. */
static const uint8_t sealed_fields[] = {
    IN(CUSTOMER_ADDED, 3),
    IN(CASE_OPENED, 7),
    IN(MESSAGE_ADDED, 4),
    IN(NOTE_ADDED, 1),
    IN(CASE_RESOLVED, 1),
    IN(RECORD_AMENDED, 4),
    IN(EVIDENCE_ADDED, 4),
    IN(FILE_RETURNED, 2),
    IN(CUSTOMER_CHANGED, 6),
    IN(STATEMENT_RECORDED, 2),
    IN(REPLY_HELD, 2),
    IN(CALL_RECORDED, 5),
    IN(CASE_REVIEWED, 4),
    IN(TASK_OPENED, 5),
    IN(TASK_ANSWERED, 2),
    IN(OPINION_SENT, 2),
    IN(ANSWER_RECORDED, 2),
    IN(APPEAL_FILED, 1),
    IN(APPEAL_DECIDED, 3),
    IN(DEADLOCK_DECLARED, 2),
    IN(STEP_COMPLETED, 4),
    IN(FEEDBACK_RECORDED, 3),
    IN(ACCOUNTABILITY_RECORDED, 3),
    IN(CASE_WITHDRAWN, 2),
    IN(CONDUCT_MARKED, 4),
};

unsigned seal_field_of(unsigned type)
{
    return type < sizeof(sealed_fields) / sizeof(sealed_fields[0]) ? sealed_fields[type] : 0;
}

const Kesu__V1__Sealed *seal_of_event(const Kesu__V1__Event *e)
{
    unsigned number = seal_field_of((unsigned)e->body_case);
    if (number == 0) return NULL;
    const ProtobufCMessage *body = &e->case_opened->base; /* every member of the union is one pointer */
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(body->descriptor, number);
    const Kesu__V1__Sealed *sealed;
    memcpy(&sealed, (const uint8_t *)body + f->offset, sizeof(sealed));
    return sealed;
}
