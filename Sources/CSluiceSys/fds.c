/* Datagrams with descriptors: the CMSG macros are not importable. Nothing else belongs here. */
#include "include/csluice_sys.h"

ssize_t cs_send_fds(int sock, const void *p, size_t n, const int *fds, int nfds) {
  struct iovec iov = {(void *)p, n};
  union { struct cmsghdr align; char buf[CMSG_SPACE(8 * sizeof(int))]; } u;
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
  if (nfds < 0 || nfds > 8) { errno = EINVAL; return -1; }
  if (nfds > 0) {
    memset(&u, 0, sizeof u);
    m.msg_control = u.buf;
    m.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET; c->cmsg_type = SCM_RIGHTS; c->cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
    memcpy(CMSG_DATA(c), fds, (size_t)nfds * sizeof(int));
  }
  return sendmsg(sock, &m, MSG_NOSIGNAL);
}

ssize_t cs_recv_fds(int sock, void *p, size_t n, int *fds, int *nfds) {
  struct iovec iov = {p, n};
  union { struct cmsghdr align; char buf[CMSG_SPACE(8 * sizeof(int))]; } u;
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf, .msg_controllen = sizeof u.buf};
  int room = *nfds;
  *nfds = 0;
  ssize_t r = recvmsg(sock, &m, CS_MSG_CMSG_CLOEXEC);
  if (r < 0) return r;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    int k = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (int i = 0; i < k; i++) {
      int fd; memcpy(&fd, CMSG_DATA(c) + (size_t)i * sizeof(int), sizeof fd);
      if (*nfds < room) fds[(*nfds)++] = fd; else close(fd);
    }
  }
  if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) { for (int i = 0; i < *nfds; i++) close(fds[i]); *nfds = 0; errno = EMSGSIZE; return -1; }
  return r;
}
