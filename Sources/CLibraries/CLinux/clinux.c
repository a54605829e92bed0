// Here and not in the header: there it would change the C library's types for Swift, and `fd_set` would
// differ from the one in the Glibc module.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "clinux.h"

int nezuko_accept4(int fd, struct sockaddr *address, socklen_t *length) {
    return accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int nezuko_epoll_control(int epoll, int operation, int fd, unsigned events, unsigned long long key) {
    struct epoll_event event = {.events = events, .data = {.u64 = key}};
    return epoll_ctl(epoll, operation, fd, &event);
}

#ifndef NEZUKO_REVISION
#define NEZUKO_REVISION unknown
#endif
#define NEZUKO_TEXT_OF(word) #word
#define NEZUKO_TEXT(word) NEZUKO_TEXT_OF(word)

const char *nezuko_revision(void) { return NEZUKO_TEXT(NEZUKO_REVISION); }
