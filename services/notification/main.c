/* SPDX-License-Identifier: Apache-2.0 */
#include "notification.h"

int main(int argc, char **argv)
{
    return svc_main(argc, argv, &notification_service);
}
