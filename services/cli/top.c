// SPDX-License-Identifier: Apache-2.0
// A live screen, drawn with plain ANSI orders: rates and counts of analytics,
// the daemons, the workers. Without a terminal each drawing follows the last.
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "daemons.h"
#include "env_real.h"
#include "sched.h"
#include "stats_ask.h"

enum { BAR = 40, SCREEN_ARENA = 64 << 20, SCREEN_BYTES = 65536 };

struct top {
    struct cli *c;
    struct env *env;
    struct arena arena; // of one drawing
    bool is_screen, stop;
};

static void print_bar(const char *label, uint64_t n, uint64_t most)
{
    char bar[BAR + 1];
    size_t full = most > 0 ? (size_t)(n * BAR / most) : 0;
    memset(bar, ' ', BAR);
    memset(bar, '#', full);
    bar[BAR] = '\0';
    printf("  %-24s %8" PRIu64 " %s\n", label, n, bar);
}

static void print_counts(const Kesu__V1__Stats *s)
{
    char time[CLI_TEXT];
    printf("opened %" PRIu64 "  classified %" PRIu64 "  assigned %" PRIu64 "  resolved %" PRIu64
           "  closed %" PRIu64 "  breached %" PRIu64 "  delivered %" PRIu64 "\n",
           s->opened, s->classified, s->assigned, s->resolved, s->closed, s->breached, s->delivered);
    for (size_t i = 0; i < s->n_rates; i++) printf("%s %.1f/s  ", s->rates[i]->what, s->rates[i]->per_second);
    if (s->route != NULL && s->route->count > 0)
        printf("half assigned within %s", cli_duration(s->route->p50, time));
    printf("\n\nby category\n");
    uint64_t most = 0;
    for (size_t i = 0; i < s->n_counts; i++)
        if (s->counts[i]->opened > most) most = s->counts[i]->opened;
    for (size_t i = 0; i < s->n_counts && i < 12; i++)
        print_bar(cli_or(s->counts[i]->category, "(not yet)"), s->counts[i]->opened, most);
    if (s->n_incident_hints > 0) putchar('\n');
    cli_stats_print_hints(s);
}

static int draw(struct top *t)
{
    char *by[] = {(char[]){"category"}}, time[CLI_TEXT];
    unsigned silent;
    Kesu__V1__Stats *s = NULL;
    arena_reset(&t->arena);
    int status = cli_stats_ask(t->c, by, 1, 0, &t->arena, &s);
    if (status != 0) return status;
    if (t->is_screen) printf("\033[H\033[J");
    printf("kesu  %s   (q ends)\n\n", cli_time(clock_wall_us(t->env), time));
    print_counts(s);
    printf("\ndaemons\n");
    cli_daemons_print(t->c, &t->arena, USEC_PER_SEC, &silent);
    fflush(stdout);
    return 0;
}

static void on_pause_over(void *self)
{
    env_stop(((struct top *)self)->env, 0);
}

static void on_signal(void *self, int signal)
{
    struct top *t = self;
    (void)signal;
    t->stop = true;
    env_stop(t->env, 0);
}

static void pause_for(struct top *t, int64_t us)
{
    int64_t end = clock_mono_us(t->env) + us;
    struct timer *timer = timer_new(t->env, on_pause_over, t);
    while (!t->stop && clock_mono_us(t->env) < end) {
        int64_t slice = clock_mono_us(t->env) + 100 * USEC_PER_MS;
        timer_set(t->env, timer, slice < end ? slice : end);
        env_real_run(t->c->real);
        struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
        char key;
        if (t->is_screen && poll(&p, 1, 0) > 0 && read(STDIN_FILENO, &key, 1) == 1 && key == 'q')
            t->stop = true;
    }
    timer_free(t->env, timer);
}

int cli_top(struct cli *c)
{
    struct top t = {.c = c, .env = cli_env(c)};
    struct termios before, raw;
    int64_t every = 0, times = INT64_MAX;
    int status = cli_flag_duration(c, "every", &every);
    if (status == 0) status = cli_flag_int(c, "times", 1, INT64_MAX, &times);
    if (status != 0) return status;
    t.is_screen =
        isatty(STDOUT_FILENO) == 1 && isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before) == 0;
    if (t.is_screen) {
        raw = before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        setvbuf(stdout, NULL, _IOFBF,
                SCREEN_BYTES); // a screen comes at once, or it flickers while daemons are asked
    }
    arena_init(&t.arena, &mem_libc, SCREEN_ARENA);
    env_real_on_signal(c->real, on_signal, &t);
    for (int64_t i = 0; i < times && status == 0 && !t.stop; i++) {
        if (i > 0) pause_for(&t, every);
        if (!t.stop) status = draw(&t);
    }
    if (t.is_screen) tcsetattr(STDIN_FILENO, TCSANOW, &before);
    arena_deinit(&t.arena);
    return status;
}
