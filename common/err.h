/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: functions return 0 or one of these, which are negative.
 *
 * Codes 1..99 are also on the wire (ErrorCode in command.proto, same number,
 * same name); a test compares the two. The disposition says what a client
 * should do with the command it was refused for. */
#ifndef KESU_ERR_H
#define KESU_ERR_H

/* X(name, number, disposition, text) */
#define ERR_TABLE(X)                                                             \
    X(E_MALFORMED, 1, FINAL, "not a message of this protocol, or truncated")     \
    X(E_TOO_BIG, 2, FINAL, "over a size limit")                                  \
    X(E_UTF8, 3, FINAL, "text is not UTF-8, or holds NUL")                       \
    X(E_ENUM, 4, FINAL, "a value this version does not know")                    \
    X(E_MISSING, 5, FINAL, "a field that must be there is missing")              \
    X(E_RANGE, 6, FINAL, "outside the allowed range")                            \
    X(E_ID_OLD, 7, FINAL, "command id is older than 30 days or below the floor") \
    X(E_ID_AHEAD, 8, RETRY, "command id is more than 5 minutes ahead")           \
    X(E_UNKNOWN, 20, FINAL, "no such thing")                                     \
    X(E_STAGE, 21, FINAL, "not possible in this stage")                          \
    X(E_STALE, 22, STALE, "the case has changed since")                          \
    X(E_NOT_ALLOWED, 23, FINAL, "this actor may not do this")                    \
    X(E_CAPACITY, 24, RETRY, "the agent has as many cases as they take")         \
    X(E_ABSENT, 25, RETRY, "the agent is not present")                           \
    X(E_NOT_DUE, 26, RETRY, "the clock is not due yet")                          \
    X(E_EXISTS, 27, FINAL, "already so")                                         \
    X(E_POLICY, 28, FINAL, "the policy does not check or does not allow it")     \
    X(E_NO_POLICY, 29, RETRY, "no policy is active yet")                         \
    X(E_ERASED, 30, FINAL, "the person was erased")                              \
    X(E_LIMIT, 31, FINAL, "over a limit of authority, a quota or a legal cap")   \
    X(E_RECUSED, 32, FINAL, "accused here, reports to who is, or took part")     \
    X(E_OPEN_WORK, 33, RETRY, "a sub-task or an 8D is still open")               \
    X(E_FINAL, 34, FINAL, "an appeal was decided: it is final")                  \
    X(E_STORAGE_LOW, 40, RETRY, "storage is below its reserve")                  \
    X(E_CLOCK_ALARM, 41, RETRY, "wall clock and monotonic clock disagree")       \
    X(E_OVERLOADED, 42, RETRY, "more unanswered commands than credit")           \
    X(E_INTERNAL, 43, FINAL, "this command stopped the service before")          \
    X(E_IO, 100, NONE, "input or output failed")                                 \
    X(E_NOSPACE, 101, NONE, "no space left")                                     \
    X(E_CORRUPT, 102, NONE, "stored bytes are damaged")                          \
    X(E_NOT_FOUND, 103, NONE, "not found")                                       \
    X(E_AGAIN, 104, NONE, "would block")                                         \
    X(E_NOMEM, 105, NONE, "over the memory limit of this operation")             \
    X(E_SYNTAX, 106, NONE, "syntax error")                                       \
    X(E_VERSION, 107, NONE, "written by a newer version")                        \
    X(E_CRYPTO, 108, NONE, "wrong key or damaged ciphertext")                    \
    X(E_ARCHIVED, 110, NONE, "older than the oldest segment kept")               \
    X(E_MISMATCH, 111, NONE, "restored or other journal")                        \
    X(E_PERMISSION, 112, NONE, "permission denied")                              \
    X(E_CLOSED, 113, NONE, "closed")                                             \
    X(E_TIMEOUT, 114, NONE, "no answer in time")                                 \
    X(E_UNSUPPORTED, 115, NONE, "not supported")

enum err_code {
#define X(name, number, disposition, text) name = -(number),
    ERR_TABLE(X)
#undef X
};

enum err_disposition { ERR_NONE, ERR_RETRY, ERR_STALE, ERR_FINAL };

const char *err_name(int err); /* "E_STALE"; "E_?" when unknown; "OK" for 0 */
const char *err_text(int err); /* one line for people */
enum err_disposition err_disposition(int err);

#endif
