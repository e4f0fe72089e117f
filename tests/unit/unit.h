/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test needs: cmocka with its headers in the right order. */
#ifndef KESU_UNIT_H
#define KESU_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define UNIT_MAIN(...)                                                   \
    int main(void)                                                       \
    {                                                                    \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                 \
        return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL); \
    }

#endif
