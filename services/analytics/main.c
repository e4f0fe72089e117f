/* SPDX-License-Identifier: Apache-2.0 */
#include "analytics.h"

int main(int argc, char **argv)
{
    return svc_main(argc, argv, &analytics_service);
}
