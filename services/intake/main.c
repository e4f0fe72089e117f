/* SPDX-License-Identifier: Apache-2.0 */
#include "intake.h"

int main(int argc, char **argv)
{
    return svc_main(argc, argv, &intake_service);
}
