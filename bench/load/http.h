// SPDX-License-Identifier: Apache-2.0
// What the mock and the load generator share: time, sockets that do not block, bytes that grow, and the end of a request.
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct bytes {
    char *at;
    size_t size, room;
};

static inline void fail(const char *what) {
    perror(what);
    exit(1);
}

static inline long now_us(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000L + at.tv_nsec / 1000;
}

static inline void reserve(struct bytes *b, size_t more) {
    if (b->size + more <= b->room) return;
    b->room = (b->size + more) * 2;
    if (!(b->at = realloc(b->at, b->room))) fail("realloc");
}

static inline void append(struct bytes *b, const char *data, size_t size) {
    reserve(b, size);
    memcpy(b->at + b->size, data, size);
    b->size += size;
}

static inline void take(struct bytes *b, size_t size) {
    memmove(b->at, b->at + size, b->size - size);
    b->size -= size;
}

static inline void unblock(int fd) {
    int on = 1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static inline void allow_many_sockets(void) {
    struct rlimit most;
    getrlimit(RLIMIT_NOFILE, &most);
    most.rlim_cur = most.rlim_max;
    setrlimit(RLIMIT_NOFILE, &most);
}

static inline struct sockaddr_in loopback(int port) {
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(port)};
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return where;
}

// The bytes of the request at the front of b; 0 while it is not whole. `body` is where its body begins.
static inline size_t whole_request(const struct bytes *b, size_t *body) {
    char *end = b->size ? memmem(b->at, b->size, "\r\n\r\n", 4) : NULL;
    if (!end) return 0;
    *body = end + 4 - b->at;
    size_t announced = 0;
    int chunked = 0;
    for (char *line = memchr(b->at, '\n', *body); line && ++line < end; line = memchr(line, '\n', end + 2 - line)) {
        if (!strncasecmp(line, "content-length:", 15)) announced = strtoul(line + 15, NULL, 10);
        if (!strncasecmp(line, "transfer-encoding:", 18)) chunked = 1;
    }
    if (!chunked) return b->size >= *body + announced ? *body + announced : 0;
    char *last = memmem(b->at + *body, b->size - *body, "0\r\n\r\n", 5);
    return last ? (size_t)(last + 5 - b->at) : 0;
}

#endif
