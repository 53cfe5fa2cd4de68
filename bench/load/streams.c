// SPDX-License-Identifier: Apache-2.0
// The callers of paced streams: `streams PORT COUNT PATIENCE_S < REQUEST`.
//
// Opens COUNT connections, and once all are open sends the request of standard input over each. Prints one line for each
// stream: whether it came whole, its HTTP status, how many events came, and the microseconds from its request to each
// read that brought any. What to make of these is for whoever reads them.
#include "http.h"

#define MARK " tok"
#define END "[DONE]"
enum { MOST_READS = 4096, KEPT = sizeof END - 2 };

struct stream {
    int fd, status, events, reads, whole;
    long sent_us;
    char tail[KEPT + 1];  // the last bytes of the read before: a mark may lie across two
    int tail_size;
    int at_us[MOST_READS];
};

static char text[1 << 20];

static int marks(const char *from, size_t size, const char *mark, size_t mark_size) {
    int found = 0;
    for (const char *at; size && (at = memmem(from, size, mark, mark_size)); found++) {
        size -= at + mark_size - from;
        from = at + mark_size;
    }
    return found;
}

// 0 once the stream is over.
static int hear(struct stream *s) {
    memcpy(text, s->tail, s->tail_size);
    ssize_t got = recv(s->fd, text + s->tail_size, sizeof text - s->tail_size, 0);
    if (got < 0 && errno == EAGAIN) return 1;
    if (got <= 0) return 0;
    if (!s->status && got > 12) s->status = atoi(text + 9);
    if (s->status && s->status != 200) return 0;
    size_t size = s->tail_size + got;
    // the tail is shorter than END and may hold a whole MARK: what lay wholly in it was counted before
    int found = marks(text, size, MARK, sizeof MARK - 1) - marks(s->tail, s->tail_size, MARK, sizeof MARK - 1);
    if (found && s->reads < MOST_READS) s->at_us[s->reads++] = (int)(now_us() - s->sent_us);
    s->events += found;
    if (memmem(text, size, END, sizeof END - 1)) {
        s->whole = 1;
        return 0;
    }
    s->tail_size = size < KEPT ? (int)size : KEPT;
    memcpy(s->tail, text + size - s->tail_size, s->tail_size);
    return 1;
}

static void connect_all(struct stream *streams, int count, int port, int poll_fd) {
    struct sockaddr_in where = loopback(port);
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &streams[i]};
        streams[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (streams[i].fd < 0 || connect(streams[i].fd, (struct sockaddr *)&where, sizeof where)) fail("connect");
        unblock(streams[i].fd);
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, streams[i].fd, &event);
    }
}

int main(int count, char **given) {
    if (count != 4) return fprintf(stderr, "usage: streams PORT COUNT PATIENCE_S < REQUEST\n"), 2;
    static char request[1 << 20];
    size_t size = fread(request, 1, sizeof request, stdin);
    int wanted = atoi(given[2]), open = wanted, poll_fd = epoll_create1(0);
    struct stream *streams = calloc(wanted, sizeof *streams);
    struct epoll_event ready[512];
    allow_many_sockets();
    connect_all(streams, wanted, atoi(given[1]), poll_fd);
    for (int i = 0; i < wanted; i++) {
        streams[i].sent_us = now_us();
        if (send(streams[i].fd, request, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send");
    }
    long until_us = now_us() + atol(given[3]) * 1000000L;
    while (open && now_us() < until_us) {
        int found = epoll_wait(poll_fd, ready, 512, 100);
        for (int i = 0; i < found; i++) {
            struct stream *s = ready[i].data.ptr;
            if (!hear(s)) {
                close(s->fd);
                open--;
            }
        }
    }
    for (int i = 0; i < wanted; i++) {
        printf("%d %d %d", streams[i].whole, streams[i].status, streams[i].events);
        for (int n = 0; n < streams[i].reads; n++) printf(" %d", streams[i].at_us[n]);
        putchar('\n');
    }
    return 0;
}
