// SPDX-License-Identifier: Apache-2.0
// The upstream of the benchmark: `mock PORT EVENTS INTERVAL_US`. Says one line once it listens.
//
// A request that streams gets EVENTS events, one every INTERVAL_US counted from its arrival, so that lateness does not
// add up; any other gets its answer at once. A path that ends in /messages is answered as Anthropic answers, any other as
// OpenAI does. One thread and one epoll, so that what is measured is what stands in front of it.
#include "http.h"

enum { WAITING, STREAMING };
enum { OPENAI, ANTHROPIC, WIRES };

struct connection {
    int fd, state, wire, usage, said;
    long due_us;
    struct bytes in, out;
    struct connection *next;  // in the queue of those that stream: the one whose next event is due first is its head
};

static int poll_fd, events;
static long interval_us;
static struct bytes *texts[WIRES];  // [0] what comes before the first event, [1..events] each event, [events + 1] the end
static struct bytes usage;
static struct connection *head, *tail;

#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s"
#define STREAM_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CHUNK "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":["
#define DELTA CHUNK "{\"index\":0,\"delta\":{%s},\"finish_reason\":%s}]}"

static const char *whole_answers[WIRES] = {
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,"
    "\"message\":{\"role\":\"assistant\",\"content\":\"Hello! How can I help you today?\"},\"finish_reason\":\"stop\"}],"
    "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":9,\"total_tokens\":19}}",
    "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[{\"type\":\"text\","
    "\"text\":\"Hello! How can I help you today?\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"
    "\"usage\":{\"input_tokens\":10,\"output_tokens\":9}}",
};

// Appends one HTTP chunk that has one event of the stream.
static void say(struct bytes *to, const char *name, const char *data) {
    char event[1024], framed[1200];
    int size = *name ? snprintf(event, sizeof event, "event: %s\ndata: %s\n\n", name, data)
                     : snprintf(event, sizeof event, "data: %s\n\n", data);
    append(to, framed, snprintf(framed, sizeof framed, "%x\r\n%s\r\n", size, event));
}

static void write_openai(struct bytes *text) {
    char data[512], said[64];
    snprintf(data, sizeof data, DELTA, "\"role\":\"assistant\",\"content\":\"\"", "null");
    say(&text[0], "", data);
    for (int i = 1; i <= events; i++) {
        snprintf(said, sizeof said, "\"content\":\" tok%d\"", i);
        snprintf(data, sizeof data, DELTA, said, "null");
        say(&text[i], "", data);
    }
    snprintf(data, sizeof data, DELTA, "", "\"stop\"");
    say(&text[events + 1], "", data);
    say(&usage, "", CHUNK "],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":100,\"total_tokens\":110}}");
}

static void write_anthropic(struct bytes *text) {
    char data[256];
    say(&text[0], "message_start",
        "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","
        "\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}");
    say(&text[0], "content_block_start",
        "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}");
    for (int i = 1; i <= events; i++) {
        snprintf(data, sizeof data,
                 "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" tok%d\"}}", i);
        say(&text[i], "content_block_delta", data);
    }
    say(&text[events + 1], "content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}");
    say(&text[events + 1], "message_delta",
        "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
        "\"usage\":{\"output_tokens\":100}}");
    say(&text[events + 1], "message_stop", "{\"type\":\"message_stop\"}");
    append(&text[events + 1], "0\r\n\r\n", 5);
}

static void watch(struct connection *c, int operation, unsigned what) {
    struct epoll_event event = {.events = what, .data.ptr = c};
    epoll_ctl(poll_fd, operation, c->fd, &event);
}

static void forget(struct connection *c) {
    struct connection **link = &head, *before = NULL;
    while (*link && *link != c) before = *link, link = &(*link)->next;
    if (*link) {
        *link = c->next;
        if (tail == c) tail = before;
    }
    close(c->fd);
    free(c->in.at);
    free(c->out.at);
    free(c);
}

// Writes what the socket takes, and the rest once it takes more. -1 if the other side is gone.
static int flush(struct connection *c) {
    while (c->out.size) {
        ssize_t sent = send(c->fd, c->out.at, c->out.size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return -1;
        if (sent < 0) {
            watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return 0;
        }
        take(&c->out, sent);
    }
    return 0;
}

static void wait_turn(struct connection *c) {
    c->next = NULL;
    if (tail) tail->next = c;
    else head = c;
    tail = c;
}

static void answer(struct connection *c, size_t body, size_t size) {
    char *line_end = memchr(c->in.at, '\r', body), *said = c->in.at + body;
    char plain[1024];
    c->wire = line_end && memmem(c->in.at, line_end - c->in.at, "/messages", 9) ? ANTHROPIC : OPENAI;
    size_t said_size = size - body;
    if (!memmem(said, said_size, "\"stream\":true", 13) && !memmem(said, said_size, "\"stream\": true", 14)) {
        const char *whole = whole_answers[c->wire];
        append(&c->out, plain, snprintf(plain, sizeof plain, JSON_HEAD, strlen(whole), whole));
        return;
    }
    c->usage = memmem(said, said_size, "include_usage", 13) != NULL;
    c->state = STREAMING;
    c->said = 0;
    c->due_us = now_us() + interval_us;
    append(&c->out, STREAM_HEAD, sizeof STREAM_HEAD - 1);
    wait_turn(c);
}

// Reads, and answers a request that has come whole. -1 if the connection is over.
static int hear(struct connection *c) {
    for (;;) {
        reserve(&c->in, 65536);
        ssize_t got = recv(c->fd, c->in.at + c->in.size, c->in.room - c->in.size, 0);
        if (got < 0 && errno == EAGAIN) break;
        if (got <= 0) return -1;
        c->in.size += got;
    }
    size_t body, size;
    while (c->state == WAITING && (size = whole_request(&c->in, &body))) {
        answer(c, body, size);
        take(&c->in, size);
    }
    return flush(c);
}

static void speak(struct connection *c) {
    struct bytes *text = texts[c->wire];
    if (!c->said) append(&c->out, text[0].at, text[0].size);
    c->said++;
    append(&c->out, text[c->said].at, text[c->said].size);
    if (c->said == events) {
        append(&c->out, text[events + 1].at, text[events + 1].size);
        if (c->wire == OPENAI && c->usage) append(&c->out, usage.at, usage.size);
        if (c->wire == OPENAI) {
            say(&c->out, "", "[DONE]");
            append(&c->out, "0\r\n\r\n", 5);
        }
        c->state = WAITING;
    } else {
        c->due_us += interval_us;
        wait_turn(c);
    }
}

// Sends every event that is due. Milliseconds until the next one, -1 if none is to come.
static int speak_all(void) {
    long now = now_us();
    while (head && head->due_us <= now) {
        struct connection *c = head;
        head = c->next;
        if (!head) tail = NULL;
        speak(c);
        if (flush(c) < 0) forget(c);
    }
    return head ? (int)((head->due_us - now + 999) / 1000) : -1;
}

static void welcome(int listener) {
    int fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        c->fd = fd;
        unblock(fd);
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static int listen_at(int port) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in where = loopback(port);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&where, sizeof where) || listen(listener, 4096)) fail("listen");
    unblock(listener);
    return listener;
}

int main(int count, char **given) {
    if (count != 4) return fprintf(stderr, "usage: mock PORT EVENTS INTERVAL_US\n"), 2;
    events = atoi(given[2]);
    interval_us = atol(given[3]);
    allow_many_sockets();
    for (int wire = 0; wire < WIRES; wire++) texts[wire] = calloc(events + 2, sizeof **texts);
    write_openai(texts[OPENAI]);
    write_anthropic(texts[ANTHROPIC]);
    poll_fd = epoll_create1(0);
    int listener = listen_at(atoi(given[1]));
    struct epoll_event incoming = {.events = EPOLLIN, .data.ptr = NULL}, ready[512];
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &incoming);
    puts("listening");
    fflush(stdout);
    for (;;) {
        int wait_ms = speak_all();
        int found = epoll_wait(poll_fd, ready, 512, wait_ms);
        for (int i = 0; i < found; i++) {
            struct connection *c = ready[i].data.ptr;
            if (!c) {
                welcome(listener);
                continue;
            }
            int gone = 0;
            if (ready[i].events & EPOLLOUT) {
                watch(c, EPOLL_CTL_MOD, EPOLLIN);
                gone = flush(c);
            }
            if (!gone && ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) gone = hear(c);
            if (gone) forget(c);
        }
    }
}
