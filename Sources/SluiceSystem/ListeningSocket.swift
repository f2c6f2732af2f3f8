// Opening listening sockets, with errors that name the address and the cure. Accepting and the data path of connections
// are in `Socket.swift`.
import CSluiceSys

public enum ListeningSocket {
    /// A bound, listening, non-blocking, close-on-exec stream socket.
    /// - Parameters:
    ///   - address: a sockaddr_in, sockaddr_in6 or sockaddr_un with exactly its length.
    ///   - label: the address as configured, for messages.
    ///   - backlog: 1...65535; the kernel caps it at net.core.somaxconn.
    ///   - reusePort: several sockets share the address (SO_REUSEPORT); not for Unix sockets.
    public static func open(_ address: UnsafeRawBufferPointer, label: String, backlog: Int32, reusePort: Bool) throws(SystemError) -> Int32
    {
        let fd = try create(address, label)
        do throws(SystemError) {
            if reusePort { try set(fd, SOL_SOCKET, SO_REUSEPORT, 1, label) }
            if family(address) == AF_UNIX { try removeStale(address, label) }
            try bind(fd, address, label)
            try check("listen on \(label)") { listen(fd, backlog) }
        } catch {
            Descriptor.close(fd)
            throw explained(error, label)
        }
        return fd
    }

    /// Fails when anybody listens on `address`, also with SO_REUSEPORT set, which alone would let a second master in.
    /// Not for Unix sockets: those are checked when they are opened.
    public static func probe(_ address: UnsafeRawBufferPointer, label: String) throws(SystemError) {
        let fd = try create(address, label)
        defer { Descriptor.close(fd) }
        do throws(SystemError) { try bind(fd, address, label) } catch { throw explained(error, label) }
    }

    public static func family(_ address: UnsafeRawBufferPointer) -> Int32 {
        address.count >= 2 ? Int32(address.loadUnaligned(as: UInt16.self)) : 0
    }
    /// Port of an internet address, 0 for others.
    public static func port(_ address: UnsafeRawBufferPointer) -> UInt16 {
        let f = family(address)
        guard f == AF_INET || f == AF_INET6, address.count >= 4 else { return 0 }
        return UInt16(bigEndian: address.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    }
    static func isEveryIPv6(_ address: UnsafeRawBufferPointer) -> Bool {
        family(address) == AF_INET6 && address.count >= 24 && address[8..<24].allSatisfy { $0 == 0 }
    }
    /// Path of a Unix socket in the file system; nil for others and for abstract names.
    public static func path(_ address: UnsafeRawBufferPointer) -> String? {
        guard family(address) == AF_UNIX, address.count > 2, address[2] != 0 else { return nil }
        return String(decoding: address.dropFirst(2).prefix { $0 != 0 }, as: UTF8.self)
    }

    static func create(_ address: UnsafeRawBufferPointer, _ label: String) throws(SystemError) -> Int32 {
        let f = family(address)
        let type = Int32(CS_SOCK_STREAM | CS_SOCK_NONBLOCK | CS_SOCK_CLOEXEC)
        let fd = try check("open a socket for \(label)") { socket(f, type, 0) }
        do throws(SystemError) {
            if f != AF_UNIX { try set(fd, SOL_SOCKET, SO_REUSEADDR, 1, label) }
            // `[::]` is every address of the machine, IPv4 included; on any other the option changes nothing but a probe's answer.
            if f == AF_INET6 { try set(fd, Int32(IPPROTO_IPV6), IPV6_V6ONLY, isEveryIPv6(address) ? 0 : 1, label) }
            // Accepted sockets inherit it: one call here instead of one per connection.
            if f != AF_UNIX { try set(fd, Int32(IPPROTO_TCP), TCP_NODELAY, 1, label) }
        } catch {
            Descriptor.close(fd)
            throw error
        }
        return fd
    }

    static func set(_ fd: Int32, _ level: Int32, _ option: Int32, _ value: Int32, _ label: String) throws(SystemError) {
        var v = value
        try check("prepare the socket for \(label)") { setsockopt(fd, level, option, &v, 4) }
    }

    static func bind(_ fd: Int32, _ address: UnsafeRawBufferPointer, _ label: String) throws(SystemError) {
        let isUnix = family(address) == AF_UNIX
        let mask = isUnix ? umask(0o117) : 0  // the socket file is made 0660, whatever our umask is
        defer { if isUnix { umask(mask) } }
        try check("listen on \(label)") {
            CSluiceSys.bind(fd, address.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(address.count))
        }
    }

    /// Removes a socket file that nobody listens on any more; anything else at the path is left alone.
    static func removeStale(_ address: UnsafeRawBufferPointer, _ label: String) throws(SystemError) {
        guard let path = path(address) else { return }
        var s = stat()
        guard lstat(path, &s) == 0, s.st_mode & mode_t(S_IFMT) == mode_t(S_IFSOCK) else { return }
        let fd = try check("open a socket for \(label)") { socket(AF_UNIX, Int32(CS_SOCK_STREAM | CS_SOCK_CLOEXEC | CS_SOCK_NONBLOCK), 0) }
        defer { Descriptor.close(fd) }
        let r = connect(fd, address.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(address.count))
        if r != 0 && Errno.current == .connectionRefused { try Files.remove(path) }
    }

    static func explained(_ error: SystemError, _ label: String) -> SystemError {
        var e = error
        switch e.errno {
        case .addressInUse:
            e.cure =
                label.hasPrefix("unix:")
                ? "another process listens there, or the file is no socket: stop it or remove the file, or change the listener's address"
                : "another process listens there (`ss -ltnp` shows it): stop it, or change the listener's address"
        case .accessDenied:
            e.cure =
                label.hasPrefix("unix:")
                ? "the directory must be writable for the user that starts sluiced"
                : "ports below 1024 need root or CAP_NET_BIND_SERVICE: start as root, or choose a higher port"
        case .addressNotAvailable: e.cure = "no interface of this machine has that address"
        case .noEntry: e.cure = "create its directory first"
        default: break
        }
        return e
    }
}
