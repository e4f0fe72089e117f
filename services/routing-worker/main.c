/* SPDX-License-Identifier: Apache-2.0 */
#include "routing-worker.h"

int main(int argc, char **argv)
{
    return svc_main(argc, argv, &routing_worker_service);
}
