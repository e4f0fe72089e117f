/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses a webhook may not reach unless allowed: a URL that a
 * stranger could influence must not open our own network to them. */
#include <netinet/in.h>

#include "curl_port.h"

struct range4 {
    uint32_t net;
    unsigned bits;
};

static bool is_private4(uint32_t a)
{
    static const struct range4 ranges[] = {
        {0x00000000, 8},  /* this network */
        {0x0a000000, 8},  /* private */
        {0x64400000, 10}, /* shared by carriers */
        {0x7f000000, 8},  /* this host */
        {0xa9fe0000, 16}, /* this link */
        {0xac100000, 12}, /* private */
        {0xc0000000, 24}, /* protocol assignments */
        {0xc0000200, 24}, /* documentation */
        {0xc0586300, 24}, /* 6to4 relays */
        {0xc0a80000, 16}, /* private */
        {0xc6120000, 15}, /* benchmarks */
        {0xc6336400, 24}, /* documentation */
        {0xcb007100, 24}, /* documentation */
        {0xe0000000, 3},  /* groups, reserved, broadcast */
    };
    for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if ((a ^ ranges[i].net) >> (32 - ranges[i].bits) == 0) return true;
    return false;
}

static uint32_t embedded4(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_private6(const uint8_t a[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0) return is_private4(embedded4(a + 12));
    if (a[0] == 0x20 && a[1] == 0x02) return is_private4(embedded4(a + 2)); /* 6to4 */
    /* Only 2000::/3 is given to the world, and of it not 2001::/23 and 2001:db8::/32. */
    if ((a[0] & 0xe0) != 0x20) return true;
    if (a[0] == 0x20 && a[1] == 0x01 && (a[2] & 0xfe) == 0) return true;
    return a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8;
}

bool curl_address_is_private(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return is_private4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        return is_private6(in6.sin6_addr.s6_addr);
    }
    return true; /* whatever it is, it is no address of the internet */
}
