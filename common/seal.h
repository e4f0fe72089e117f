/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing personal data: XChaCha20-Poly1305, one key a case or customer. */
#ifndef KESU_SEAL_H
#define KESU_SEAL_H

#include "codec.h"
#include "env.h"

#define SEAL_KEY_BYTES   32
#define SEAL_NONCE_BYTES 24
#define SEAL_TAG_BYTES   16

struct seal_key {
    uint64_t id;
    uint8_t secret[SEAL_KEY_BYTES];
};

/* In two steps, the second on any thread: ret gets a fresh nonce and, in the
 * arena, the plaintext with room for the tag behind it, both to be found again
 * wherever they were copied to. E_NOMEM. */
int seal_prepare(struct env *env, uint64_t key_id, const void *message, struct arena *arena,
                 Kesu__V1__Sealed *ret);
/* n: of the plaintext and the tag, which it becomes the ciphertext of in its place. */
void seal_in_place(const struct seal_key *key, const uint8_t nonce[SEAL_NONCE_BYTES], uint8_t *text,
                   size_t n);
/* A fresh nonce from the random port; ret's bytes come from the arena. E_NOMEM. */
int seal_message(struct env *env, const struct seal_key *key, const void *message, struct arena *arena,
                 Kesu__V1__Sealed *ret);
/* E_CRYPTO when the key is another or bytes were changed. */
int seal_open(const uint8_t secret[SEAL_KEY_BYTES], const Kesu__V1__Sealed *sealed, struct arena *arena,
              struct span *ret_plain);
/* Opens and unpacks. */
int seal_open_message(const uint8_t secret[SEAL_KEY_BYTES], const Kesu__V1__Sealed *sealed,
                      const ProtobufCMessageDescriptor *d, struct arena *arena, void *ret_message);

/* Number of the field in which the body of an event of this type seals; 0: in none. */
unsigned seal_field_of(unsigned type);
/* What an event seals; NULL when it holds nothing personal. */
const Kesu__V1__Sealed *seal_of_event(const Kesu__V1__Event *event);

/* Keys a reader was handed, in memory only, the oldest go first. */
struct seal_ring;
struct seal_ring *seal_ring_new(struct mem *m, unsigned max_keys);
void seal_ring_free(struct seal_ring **p);                                    /* wipes */
void seal_ring_add(struct seal_ring *r, uint64_t key_id, struct span secret); /* empty: erased */
void seal_ring_erase(struct seal_ring *r, uint64_t key_id);                   /* wiped, if it is there */
/* E_NOT_FOUND: ask intake; E_ERASED. */
int seal_ring_get(struct seal_ring *r, uint64_t key_id, const uint8_t **ret);

#endif
