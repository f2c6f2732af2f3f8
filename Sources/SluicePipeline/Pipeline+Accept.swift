// New client connections.
import CSluiceSys
import SluiceLoop
import SluiceObserve
import SluiceRules
import SluiceSystem

extension Pipeline {
    /// Accepts what waits on a listener, a bounded number a turn so that established connections are served too.
    public mutating func accept(listener fd: Int32, index: UInt16) {
        var address = sockaddr_storage()
        for _ in 0..<64 {
            let s = withUnsafeMutablePointer(to: &address) { Socket.accept(fd, $0) }
            if s < 0 {
                acceptFailed(-s)
                return
            }
            guard !isDraining, let c = slab.take() else {
                Socket.close(s)
                refuseConnection()
                continue
            }
            c.pointee.descriptor = s
            c.pointee.listener = index
            c.pointee.state = .idle
            c.pointee.writable = true
            withUnsafePointer(to: &address) { setAddress(c, $0) }
            counters.accepted()
            if !loop.poller.addEdge(s, token: token(c)) {
                close(c)
                continue
            }
            arm(c, afterMs: settings.headTimeoutMs)
        }
    }

    @inline(__always) func token(_ c: Conn) -> UInt64 { UInt64(c.pointee.generation) << 32 | UInt64(c.pointee.index) }

    /// Out of descriptors or memory: the queue waits in the kernel; the log says so (it bounds its lines itself).
    @inline(never) mutating func acceptFailed(_ error: Int32) {
        if error == EAGAIN || error == ECONNABORTED { return }
        ErrorLog.write(
            .error, "accept failed (\(error)); \(slab.count) connections are open, limits.connections is \(settings.connectionsMax)")
    }

    @inline(never) mutating func refuseConnection() {
        if !isDraining {
            ErrorLog.write(.warn, "connection refused: all \(slab.limit) connections of this worker (limits.connections) are in use")
        }
    }

    /// Text of the peer's address and whether its forwarding headers are believed. IPv4 looks the same to logs, plugins and
    /// upstreams whether it came to an IPv4 listener or to `[::]`, where the kernel reports it IPv4-mapped.
    @inline(never) mutating func setAddress(_ c: Conn, _ a: UnsafePointer<sockaddr_storage>) {
        let raw = UnsafeRawPointer(a)
        var mapped = InlineArray<16, UInt8>(repeating: 0)  // IPv4 as IPv4-mapped IPv6
        var known = true
        switch Int32(a.pointee.ss_family) {
        case AF_INET:
            mapped[10] = 0xff
            mapped[11] = 0xff
            for i in 0..<4 { mapped[12 + i] = raw.load(fromByteOffset: 4 + i, as: UInt8.self) }
        case AF_INET6:
            for i in 0..<16 { mapped[i] = raw.load(fromByteOffset: 8 + i, as: UInt8.self) }
        default: known = false
        }
        if !known {
            let name: StaticString = "unix"
            for i in 0..<4 { c.pointee.address[i] = name.utf8Start[i] }
            c.pointee.addressLength = 4
            c.pointee.trusted = true  // a Unix socket's peer passed the file's permissions
            return
        }
        c.pointee.port = UInt16(bigEndian: raw.load(fromByteOffset: 2, as: UInt16.self))
        withUnsafeMutableBytes(of: &c.pointee.address) { text in
            let p = text.baseAddress!.assumingMemoryBound(to: CChar.self)
            let isMapped = (0..<10).allSatisfy { mapped[$0] == 0 } && mapped[10] == 0xff && mapped[11] == 0xff
            withUnsafeBytes(of: &mapped) { bytes in
                _ = inet_ntop(isMapped ? AF_INET : AF_INET6, bytes.baseAddress! + (isMapped ? 12 : 0), p, 46)
            }
            c.pointee.addressLength = UInt8(truncatingIfNeeded: strlen(p))
        }
        // Listeners are watched after the first commit only.
        c.pointee.trusted = current.unsafelyUnwrapped.pointee.image.isTrusted(mapped: mapped)
    }
}
