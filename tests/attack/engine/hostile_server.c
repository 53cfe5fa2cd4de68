/* SPDX-License-Identifier: Apache-2.0
 * A llama-server that tries to get out. It takes the real one's options, and writes "ATTEMPT=ERRNO" on standard error,
 * 0 where it succeeded. The socket that it tries to reach stands in --chat-template.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;

static const char *option(int count, char **given, const char *name) {
    for (int at = 1; at + 1 < count; at++)
        if (!strcmp(given[at], name)) return given[at + 1];
    return "";
}

static void say(const char *attempt, long result) {
    fprintf(stderr, "%s=%d\n", attempt, result < 0 ? errno : 0);
}

static struct sockaddr_un named(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

int main(int count, char **given) {
    int descriptors = 0;
    for (int number = 3; number < 256; number++)
        if (fcntl(number, F_GETFD) >= 0) descriptors++;
    fprintf(stderr, "descriptors=%d\n", descriptors);

    char first[4] = {0};
    int weights = open(option(count, given, "--model"), O_RDONLY);
    say("weights", weights);
    say("magic", weights < 0 || read(weights, first, 4) != 4 || memcmp(first, "GGUF", 4) ? -1 : 0);

    struct sockaddr_un own = named(option(count, given, "--host"));
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    say("listen", bind(listener, (struct sockaddr *)&own, sizeof own));

    say("internet", socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_un other = named(option(count, given, "--chat-template"));
    say("connect", connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&other, sizeof other));
    say("passwd", open("/etc/passwd", O_RDONLY));
    say("parent", open("/proc/1/environ", O_RDONLY));
    say("own_file", open("note", O_WRONLY | O_CREAT, 0600));
    say("kill", kill(getppid(), 0));
    say("fork", fork());
    char *shell[] = {"sh", "-c", "exit 0", NULL};
    say("shell", execv("/bin/sh", shell));

    struct rlimit core;
    getrlimit(RLIMIT_CORE, &core);
    fprintf(stderr, "core_limit=%ld\n", (long)core.rlim_max);
    fprintf(stderr, "no_new_privileges=%d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    int death = 0;
    prctl(PR_GET_PDEATHSIG, &death);
    fprintf(stderr, "dies_with_parent=%d\n", death == SIGKILL);
    int variables = 0;
    while (environ[variables]) variables++;
    fprintf(stderr, "variables=%d\n", variables);
    return 0;
}
