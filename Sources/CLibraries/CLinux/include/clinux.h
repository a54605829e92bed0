// Linux interfaces that the Glibc module does not export.
#ifndef NEZUKO_CLINUX_H
#define NEZUKO_CLINUX_H
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <time.h>
#include <malloc.h>
#include <sched.h>
#include <unistd.h>

int nezuko_accept4(int fd, struct sockaddr *address, socklen_t *length);
// Adds or changes an epoll watch; `key` comes back with the event.
int nezuko_epoll_control(int epoll, int operation, int fd, unsigned events, unsigned long long key);
// The commit given to the compiler, or "unknown".
const char *nezuko_revision(void);
#endif
