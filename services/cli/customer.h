/* SPDX-License-Identifier: Apache-2.0 */
/* Customers of the register, as the subcommands of `customer` share them. */
#ifndef KESU_CLI_CUSTOMER_H
#define KESU_CLI_CUSTOMER_H

#include "cli.h"

/* Whom: a case by its number or id, a customer by id, an address with @ or KIND:VALUE. get: what was asked,
 * with the case when it was one. */
int cli_customer_find(struct cli *c, const char *whom, bool personal, Kesu__V1__GetCustomer *get,
                      Kesu__V1__CustomerDetail **ret);
void cli_customer_print(const Kesu__V1__CustomerDetail *d);
/* "vip, caution", with what stands around it; nothing when nothing is known. t may be NULL. */
void cli_customer_traits(const Kesu__V1__CustomerTraits *t, const char *before, const char *after);

#endif
