/* SPDX-License-Identifier: Apache-2.0 */
#include "sla-watch.h"

int main(int argc, char **argv)
{
    return svc_main(argc, argv, &sla_watch_service);
}
