/* c-ares on an epoll of its own that the worker nests in its poller. */
#include "include/csluice_ares.h"
#include <ares.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct cs_resolver {
  ares_channel channel;
  int epoll;
};

struct lookup {
  cs_resolved done;
  void *argument;
};

static void socket_changed(void *data, ares_socket_t fd, int readable, int writable) {
  cs_resolver *r = data;
  struct epoll_event e = {.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u), .data.fd = fd};
  if (!e.events) epoll_ctl(r->epoll, EPOLL_CTL_DEL, fd, NULL);
  else if (epoll_ctl(r->epoll, EPOLL_CTL_MOD, fd, &e)) epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e);
}

cs_resolver *cs_resolver_new(int timeout_ms, int tries) {
  cs_resolver *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  struct ares_options options = {.timeout = timeout_ms, .tries = tries, .sock_state_cb = socket_changed, .sock_state_cb_data = r};
  r->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (r->epoll < 0 || ares_library_init(ARES_LIB_INIT_ALL) ||
      ares_init_options(&r->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB)) {
    if (r->epoll >= 0) close(r->epoll);
    free(r);
    return NULL;
  }
  return r;
}

int cs_resolver_descriptor(const cs_resolver *r) { return r->epoll; }

int cs_resolver_wait_ms(cs_resolver *r) {
  struct timeval tv;
  return ares_timeout(r->channel, NULL, &tv) ? (int)(tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000) : -1;
}

void cs_resolver_process(cs_resolver *r) {
  struct epoll_event events[16];
  int n = epoll_wait(r->epoll, events, 16, 0);
  for (int i = 0; i < n; i++) {
    int in = events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP), out = events[i].events & EPOLLOUT, fd = events[i].data.fd;
    ares_process_fd(r->channel, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
  }
  ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what timed out */
}

static void ended(void *argument, int status, int timeouts, struct ares_addrinfo *found) {
  struct lookup l = *(struct lookup *)argument;
  cs_address addresses[CS_ADDRESSES_MAX];
  int count = 0;
  (void)timeouts;
  free(argument);
  if (status == ARES_SUCCESS && found) {
    for (struct ares_addrinfo_node *n = found->nodes; n && count < CS_ADDRESSES_MAX; n = n->ai_next) {
      if (n->ai_addrlen > sizeof addresses[0].storage) continue;
      memset(&addresses[count], 0, sizeof addresses[count]);
      memcpy(&addresses[count].storage, n->ai_addr, n->ai_addrlen);
      addresses[count++].length = n->ai_addrlen;
    }
  }
  if (found) ares_freeaddrinfo(found);
  l.done(l.argument, addresses, count);
}

void cs_resolve(cs_resolver *r, const char *name, uint16_t port, cs_resolved done, void *argument) {
  char service[8];
  struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NUMERICSERV, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct lookup *l = malloc(sizeof *l);
  if (!l) {
    done(argument, NULL, 0);
    return;
  }
  l->done = done;
  l->argument = argument;
  snprintf(service, sizeof service, "%u", (unsigned)port);
  ares_getaddrinfo(r->channel, name, service, &hints, ended, l);
}

void cs_resolver_free(cs_resolver *r) {
  ares_destroy(r->channel);
  close(r->epoll);
  free(r);
}
