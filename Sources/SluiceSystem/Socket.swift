// The data path's socket calls, thin and typed. Results are byte counts or negative errno, so that a hot caller branches
// on one integer; nothing here allocates or throws. Listening sockets are opened by the master (`SluiceMaster`).
import CSluiceSys

public enum Socket {
    /// Receives up to `n` bytes. >0 bytes, 0 end of stream, <0 -errno (EINTR is retried here).
    @inlinable @inline(__always) public static func receive(_ fd: Int32, _ p: UnsafeMutableRawPointer, _ n: Int) -> Int {
        while true {
            let r = recv(fd, p, n, 0)
            if r >= 0 { return r }
            let e = cs_errno()
            if e != EINTR { return -Int(e) }
        }
    }

    /// Sends up to `n` bytes without SIGPIPE. >=0 bytes taken, <0 -errno.
    @inlinable @inline(__always) public static func send(_ fd: Int32, _ p: UnsafeRawPointer, _ n: Int) -> Int {
        while true {
            let r = CSluiceSys.send(fd, p, n, Int32(CS_MSG_NOSIGNAL))
            if r >= 0 { return r }
            let e = cs_errno()
            if e != EINTR { return -Int(e) }
        }
    }

    /// Sends two runs in one call (head and body).
    /// - Parameter more: the next call follows at once, so the kernel keeps what does not fill a segment (MSG_MORE).
    @inlinable public static func send2(
        _ fd: Int32, _ a: UnsafeMutableRawPointer, _ an: Int, _ b: UnsafeMutableRawPointer, _ bn: Int, more: Bool
    ) -> Int {
        var iov = (iovec(iov_base: a, iov_len: an), iovec(iov_base: b, iov_len: bn))
        return withUnsafeMutablePointer(to: &iov) { p in
            p.withMemoryRebound(to: iovec.self, capacity: 2) { v in
                var m = msghdr()
                m.msg_iov = v
                m.msg_iovlen = 2
                while true {
                    let r = sendmsg(fd, &m, Int32(more ? CS_MSG_NOSIGNAL | CS_MSG_MORE : CS_MSG_NOSIGNAL))
                    if r >= 0 { return r }
                    let e = cs_errno()
                    if e != EINTR { return -Int(e) }
                }
            }
        }
    }

    /// Whether a byte or an end of stream waits: 1 a byte, 0 end of stream, <0 -errno (EAGAIN: nothing yet).
    @inlinable public static func peek(_ fd: Int32) -> Int {
        var b: UInt8 = 0
        let r = recv(fd, &b, 1, Int32(CS_MSG_PEEK | CS_MSG_DONTWAIT))
        return r >= 0 ? r : -Int(cs_errno())
    }

    /// Accepts one connection, non-blocking and close-on-exec; -errno on failure. `address` has room for 128 bytes.
    @inlinable public static func accept(_ fd: Int32, _ address: UnsafeMutableRawPointer) -> Int32 {
        var n: socklen_t = 128
        let r = cs_accept(fd, address, &n)
        return r >= 0 ? r : -cs_errno()
    }

    /// A non-blocking stream socket of `family` that has begun to connect. Returns (descriptor, 0 connected | EINPROGRESS)
    /// or (-1, errno). TCP sockets send without delay.
    public static func connect(family: Int32, address: UnsafeRawPointer, length: UInt32) -> (fd: Int32, status: Int32) {
        let fd = socket(family, Int32(CS_SOCK_STREAM) | Int32(CS_SOCK_NONBLOCK) | Int32(CS_SOCK_CLOEXEC), 0)
        if fd < 0 { return (-1, cs_errno()) }
        if family != AF_UNIX { setNoDelay(fd) }
        if isLoopback(family: family, address: address) { setUnpaced(fd) }
        if CSluiceSys.connect(fd, address.assumingMemoryBound(to: sockaddr.self), length) == 0 { return (fd, 0) }
        let e = cs_errno()
        if e == EINPROGRESS { return (fd, e) }
        close(fd)
        return (-1, e)
    }

    /// The outcome of a connect that was in progress: 0 or errno.
    public static func connectError(_ fd: Int32) -> Int32 {
        var e: Int32 = 0
        var n = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) == 0 ? e : cs_errno()
    }

    /// Whether the address is of this machine's own interface: 127.0.0.0/8 or ::1.
    public static func isLoopback(family: Int32, address: UnsafeRawPointer) -> Bool {
        if family == AF_INET { return address.load(fromByteOffset: 4, as: UInt8.self) == 127 }
        if family != AF_INET6 { return false }
        var one = in6addr_loopback
        return memcmp(address + 8, &one, 16) == 0
    }

    /// Congestion control that does not pace, for sockets that never leave the machine; inherited from a listener. Where BBR is the
    /// system's default, its timers cost more than all copying of a large body, and there is no queue to protect. "reno" is in
    /// every kernel and open to every user; set before the connection is made, because pacing once begun is not undone.
    public static func setUnpaced(_ fd: Int32) { _ = setsockopt(fd, Int32(IPPROTO_TCP), TCP_CONGESTION, "reno", 4) }

    /// Lets go what `send2` with `more` kept back. (Setting TCP_NODELAY pushes, tcp(7).)
    public static func push(_ fd: Int32) { setNoDelay(fd) }

    /// TCP_NODELAY; on a listener it is inherited by every accepted socket, which saves a call a connection.
    public static func setNoDelay(_ fd: Int32) {
        var one: Int32 = 1
        _ = setsockopt(fd, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }

    /// Bytes that must be there before the socket counts as readable (SO_RCVLOWAT); an end or an error always counts.
    public static func setLowWater(_ fd: Int32, _ bytes: Int32) {
        var bytes = bytes
        _ = setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, 4)
    }

    /// Says that nothing more will be sent.
    public static func shutdownWrite(_ fd: Int32) { _ = shutdown(fd, Int32(SHUT_WR)) }

    @inlinable @inline(__always) public static func close(_ fd: Int32) { _ = CSluiceSys.close(fd) }
}
