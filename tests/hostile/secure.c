/* SPDX-License-Identifier: Apache-2.0 */
/* secure.c: says which configuration, home and storage a host takes: run as a privileged
 * process, it is to take nothing from the environment. */
#include "core/host.h"

int main(void)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host *host = ff_host_open(NULL, &e);
    char *json = ff_host_storage_json(host, NULL, &e);

    (void)printf("config %s\nstorage %s\n", host ? ff_config_path(host) : "-",
                 json ? json : "-");
    ff_host_close(host);
    return 0;
}
