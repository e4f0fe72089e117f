// SPDX-License-Identifier: Apache-2.0
// Complaints that come as mails, and receipts that end in a Maildir.
#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"

enum { HEAD_BYTES = 32 << 10 };

static void put_encoded(FILE *f, const char *header, const char *text)
{
    char base64[1024];
    size_t n = codec_utf8_prefix(span_str(text), 42);
    sodium_bin2base64(base64, sizeof base64, (const unsigned char *)text, n, sodium_base64_VARIANT_ORIGINAL);
    fprintf(f, "%s=?UTF-8?B?%s?=", header, base64);
}

static void write_mail(FILE *f, const struct demo_complaint *d, const char *run, unsigned serial)
{
    const Kesu__V1__Personal *p = d->message->personal;
    time_t now = time(NULL);
    struct tm tm;
    char date[64];
    localtime_r(&now, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S %z", &tm);
    put_encoded(f, "From: ", p->name);
    fprintf(f, " <%s>\nTo: complaints@kesu.example\nDate: %s\nMessage-ID: <demo-%s-%u@mail.example.com>\n",
            d->email, date, run, serial);
    put_encoded(f, "Subject: ", p->subject);
    size_t n = strlen(p->text), size = sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL);
    char *base64 = mem_alloc(&mem_libc, size);
    sodium_bin2base64(base64, size, (const unsigned char *)p->text, n, sodium_base64_VARIANT_ORIGINAL);
    fprintf(f, "\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "
               "base64\n\n");
    for (size_t i = 0; base64[i] != '\0'; i += strnlen(base64 + i, 76)) fprintf(f, "%.76s\n", base64 + i);
    mem_free(&mem_libc, base64);
}

int demo_mail_drop(struct cli *c, const char *maildir, const struct demo_complaint *d, const char *run,
                   unsigned serial)
{
    char part[4200], final[4200];
    snprintf(part, sizeof part, "%s/tmp/demo-%s-%u", maildir, run, serial);
    snprintf(final, sizeof final, "%s/new/demo-%s-%u", maildir, run, serial);
    FILE *f = fopen(part, "w");
    if (f == NULL) return cli_fail(c, CLI_CANNOT_CREATE, "cannot write %s: %s", part, strerror(errno));
    write_mail(f, d, run, serial);
    bool ok = fflush(f) == 0 && fsync(fileno(f)) == 0;
    if (fclose(f) != 0) ok = false;
    if (ok) ok = rename(part, final) == 0;
    return ok ? 0 : cli_fail(c, CLI_CANNOT_CREATE, "cannot write %s", final);
}

// The serial of this run that the mail's head is addressed to, or -1.
static long serial_of(const char *path, const char *run)
{
    char *head = mem_alloc(&mem_libc, HEAD_BYTES + 1), wanted[64];
    FILE *f = fopen(path, "r");
    size_t n = f != NULL ? fread(head, 1, HEAD_BYTES, f) : 0;
    long serial = -1;
    if (f != NULL) (void)fclose(f);
    head[n] = '\0';
    char *body = strstr(head, "\n\n"), *body_crlf = strstr(head, "\r\n\r\n");
    if (body != NULL) *body = '\0';
    if (body_crlf != NULL) *body_crlf = '\0';
    snprintf(wanted, sizeof wanted, "demo-%s-", run);
    for (char *to = strstr(head, "\nTo:"); to != NULL && serial < 0; to = NULL) {
        char *place = strstr(to, wanted);
        if (place != NULL) serial = strtol(place + strlen(wanted), NULL, 10);
    }
    mem_free(&mem_libc, head);
    return serial;
}

unsigned demo_mail_find(const char *maildir, const char *run, bool *found, unsigned n)
{
    static const char *const folders[] = {"new", "cur"};
    unsigned fresh = 0;
    for (unsigned i = 0; i < 2; i++) {
        char path[4200];
        snprintf(path, sizeof path, "%s/%s", maildir, folders[i]);
        DIR *dir = opendir(path);
        for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
            char file[4600];
            if (e->d_name[0] == '.') continue;
            snprintf(file, sizeof file, "%s/%s", path, e->d_name);
            long serial = serial_of(file, run);
            if (serial < 0 || serial >= (long)n || found[serial]) continue;
            found[serial] = true;
            fresh++;
        }
        if (dir != NULL) closedir(dir);
    }
    return fresh;
}
