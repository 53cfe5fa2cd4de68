// SPDX-License-Identifier: Apache-2.0
// native_threads PORT PATH: two threads that no interpreter knows try to reach a TCP port and a unix socket.
// One JSON object on standard output: for each the error's name.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static const char *outcome(int result) { return result < 0 ? strerrorname_np(errno) : "DONE"; }

static void *tcp(void *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int caller = socket(AF_INET, SOCK_STREAM, 0);
    if (caller < 0) return (void *)outcome(caller);
    return (void *)outcome(connect(caller, (struct sockaddr *)&address, sizeof address));
}

static void *local(void *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int caller = socket(AF_UNIX, SOCK_STREAM, 0);
    if (caller < 0) return (void *)outcome(caller);
    return (void *)outcome(connect(caller, (struct sockaddr *)&address, sizeof address));
}

int main(int count, char **words) {
    if (count != 3) return 2;
    pthread_t threads[2];
    void *said[2];
    pthread_create(&threads[0], NULL, tcp, words[1]);
    pthread_create(&threads[1], NULL, local, words[2]);
    for (int each = 0; each < 2; each++) pthread_join(threads[each], &said[each]);
    printf("{\"tcp\": \"%s\", \"foreign\": \"%s\"}\n", (char *)said[0], (char *)said[1]);
    return 0;
}
