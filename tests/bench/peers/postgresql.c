/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL as a queue: a table a queue, rows put many in a transaction, taken
 * by deleting those that nobody has locked. Taking, putting on and acknowledging
 * are one transaction. ADDRESS is what libpq connects to. */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer.h"

enum { START_TRIES = 1500, START_WAIT_US = 20000 }; /* its port answers before it takes questions */

struct peer {
    PGconn *connection;
    char *rows; /* an array of text */
    size_t n_bytes;
    unsigned n_rows, queue;
    bool taking;
};

static PGresult *query(struct peer *p, const char *text, const char *parameter, ExecStatusType wanted)
{
    PGresult *r = PQexecParams(p->connection, text, parameter != NULL, NULL,
                               parameter != NULL ? &parameter : NULL, NULL, NULL, 0);
    if (PQresultStatus(r) != wanted) peer_fail(text, PQerrorMessage(p->connection));
    return r;
}

static void run(struct peer *p, const char *text)
{
    PQclear(query(p, text, NULL, PGRES_COMMAND_OK));
}

static struct peer *open_peer(const char *address)
{
    struct peer *p = calloc(1, sizeof(*p));
    if (p != NULL) p->rows = malloc((size_t)PEER_BATCH * (PEER_TEXT_BYTES + 3) + 3);
    if (p == NULL || p->rows == NULL) peer_fail("open", "memory");
    for (unsigned i = 0; PQping(address) != PQPING_OK && i < START_TRIES; i++) (void)usleep(START_WAIT_US);
    p->connection = PQconnectdb(address);
    if (PQstatus(p->connection) != CONNECTION_OK) peer_fail("open", PQerrorMessage(p->connection));
    return p;
}

static void close_peer(struct peer *p)
{
    PQfinish(p->connection);
    free(p->rows);
    free(p);
}

static void make(struct peer *p, unsigned n)
{
    char text[200];
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(text, sizeof(text), "drop table if exists q%u", i);
        run(p, text);
        (void)snprintf(text, sizeof(text), "create table q%u (id bigserial primary key, d text)", i);
        run(p, text);
    }
}

static void flush(struct peer *p)
{
    char text[200];
    if (p->n_rows == 0) return;
    p->rows[p->n_bytes] = '}';
    p->rows[p->n_bytes + 1] = '\0';
    (void)snprintf(text, sizeof(text), "insert into q%u (d) select unnest($1::text[])", p->queue);
    PQclear(query(p, text, p->rows, PGRES_COMMAND_OK));
    p->n_rows = 0;
}

static void put(struct peer *p, unsigned queue, const char text[PEER_TEXT_BYTES])
{
    if (p->n_rows == 0) p->n_bytes = 0;
    p->rows[p->n_bytes++] = p->n_rows == 0 ? '{' : ',';
    p->rows[p->n_bytes++] = '"';
    memcpy(p->rows + p->n_bytes, text, PEER_TEXT_BYTES); /* letters, digits and spaces */
    p->n_bytes += PEER_TEXT_BYTES;
    p->rows[p->n_bytes++] = '"';
    p->queue = queue;
    if (++p->n_rows == PEER_BATCH) flush(p);
}

static unsigned take(struct peer *p, unsigned queue, char (*texts)[PEER_TEXT_BYTES])
{
    char text[300];
    if (!p->taking) run(p, "begin");
    p->taking = true;
    (void)snprintf(text, sizeof(text),
                   "delete from q%u where id in (select id from q%u order by id limit %d "
                   "for update skip locked) returning d",
                   queue, queue, PEER_BATCH);
    PGresult *r = query(p, text, NULL, PGRES_TUPLES_OK);
    int n = PQntuples(r);
    for (int i = 0; i < n; i++) {
        if (PQgetlength(r, i, 0) != PEER_TEXT_BYTES) peer_fail("take", "a message of another length");
        memcpy(texts[i], PQgetvalue(r, i, 0), PEER_TEXT_BYTES);
    }
    PQclear(r);
    if (n > 0) return (unsigned)n;
    run(p, "rollback");
    p->taking = false;
    PQclear(query(p, "select pg_sleep(0.01)", NULL, PGRES_TUPLES_OK));
    return 0;
}

static void done(struct peer *p, unsigned queue)
{
    (void)queue;
    run(p, "commit");
    p->taking = false;
}

const struct peer_ops peer_ops = {"postgresql", open_peer, close_peer, make, put, flush, take, done};
