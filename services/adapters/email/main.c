/* SPDX-License-Identifier: Apache-2.0 */
#include "email.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--pipe") == 0) return email_pipe_main(argc, argv);
    return svc_main(argc, argv, &email_service);
}
