// Addresses as plugins write them: "127.0.0.1:6379", "[::1]:6379", "unix:/path", "name:6379". Text in, socket address out; names are
// found by `Resolver`.
import CSluiceABI
import Glibc
import SluiceBytes
import SluiceLoop
import SluiceModel
import SluiceSystem

extension SocketAddress {
    /// nil: longer than a path of a socket may be, or empty.
    init?(unixPath: ByteView) {
        guard unixPath.count > 0, unixPath.count <= Limits.unixPathBytesMax else { return nil }
        self.init()
        let count = unixPath.count
        withUnsafeMutableBytes(of: &storage) { raw in
            let a = raw.baseAddress!.assumingMemoryBound(to: sockaddr_un.self)
            a.pointee.sun_family = sa_family_t(AF_UNIX)
            (raw.baseAddress! + 2).copyMemory(from: unixPath.start, byteCount: count)
        }
        length = UInt32(2 + count + 1)
    }

    /// nil: no IPv4 or IPv6 literal (without brackets).
    init?(literal: ByteView, port: UInt16) {
        guard literal.count > 0, literal.count < 46 else { return nil }
        self.init()
        let text = literal.string
        let fits = withUnsafeMutableBytes(of: &storage) { raw -> Int in
            let four = raw.baseAddress!.assumingMemoryBound(to: sockaddr_in.self)
            if inet_pton(AF_INET, text, &four.pointee.sin_addr) == 1 {
                (four.pointee.sin_family, four.pointee.sin_port) = (sa_family_t(AF_INET), port.bigEndian)
                return MemoryLayout<sockaddr_in>.size
            }
            let six = raw.baseAddress!.assumingMemoryBound(to: sockaddr_in6.self)
            if inet_pton(AF_INET6, text, &six.pointee.sin6_addr) == 1 {
                (six.pointee.sin6_family, six.pointee.sin6_port) = (sa_family_t(AF_INET6), port.bigEndian)
                return MemoryLayout<sockaddr_in6>.size
            }
            return 0
        }
        if fits == 0 { return nil }
        length = UInt32(fits)
    }
}

/// What an address text says.
enum HostAndPort {
    case unix(ByteView)
    case tcp(host: ByteView, port: UInt16)

    init?(_ text: ByteView, defaultPort: UInt16? = nil) {
        let prefix = ByteView("unix:")
        if text.count > prefix.count, text.prefix(prefix.count).equals(prefix) {
            self = .unix(text.dropFirst(prefix.count))
            return
        }
        var host = text, port = ByteView.empty
        if text.count > 0, text[0] == UInt8(ascii: "[") {
            let close = text.firstIndex(of: UInt8(ascii: "]"))
            guard close > 1 else { return nil }
            host = text.dropFirst(1).prefix(close - 1)
            let rest = text.dropFirst(close + 1)
            if rest.count > 0 {
                guard rest[0] == UInt8(ascii: ":") else { return nil }
                port = rest.dropFirst(1)
            }
        } else {
            let colon = text.firstIndex(of: UInt8(ascii: ":"))
            if colon >= 0 { (host, port) = (text.prefix(colon), text.dropFirst(colon + 1)) }
        }
        guard host.count > 0, host.count <= Limits.hostBytesMax else { return nil }
        guard let number = port.count == 0 ? defaultPort : HostAndPort.number(port) else { return nil }
        self = .tcp(host: host, port: number)
    }

    private static func number(_ v: ByteView) -> UInt16? {
        guard v.count <= 5 else { return nil }
        var n = 0
        for i in 0..<v.count {
            guard ASCII.isDigit(v[i]) else { return nil }
            n = n * 10 + Int(v[i] - 48)
        }
        return n > 0 && n <= 65_535 ? UInt16(n) : nil
    }
}

extension FiberWait {
    /// sluice_io_v1.connect
    func connect(_ text: ByteView, _ timeoutMs: UInt32, _ out: UnsafeMutablePointer<Int32>) -> Int32 {
        guard let place = HostAndPort(text) else { return Status.invalid }
        let end = deadline(timeoutMs)
        var addresses: [SocketAddress] = []
        switch place {
        case .unix(let path):
            guard let a = SocketAddress(unixPath: path) else { return Status.invalid }
            addresses = [a]
        case .tcp(let host, let port):
            if let a = SocketAddress(literal: host, port: port) {
                addresses = [a]
            } else {
                let status = find(host, port, timeoutMs, &addresses)
                if status < 0 { return status }
            }
        }
        var status = Status.failed
        for a in addresses {
            status = connect(a, left(end), out)
            if status != Status.failed { break }
        }
        return status
    }

    /// Parks until the name has addresses.
    private func find(_ host: ByteView, _ port: UInt16, _ timeoutMs: UInt32, _ found: inout [SocketAddress]) -> Int32 {
        guard let lookup = board.find(host, port) else { return Status.invalid }
        if !lookup.isDone {
            guard let e = board.waiter(fiber) else { return board.refusal(owner) == Status.gone ? Status.canceled : Status.limit }
            let board = board
            lookup.whenDone = { board.complete(e, Status.ok) }
            board.arm(e, afterMs: timeoutMs, status: Status.timedOut)
            let status = board.leave(fiber, e, .call)
            lookup.whenDone = nil
            if status < 0 { return status }
        }
        found = lookup.addresses
        return found.isEmpty ? Status.failed : Status.ok
    }

    private func connect(_ address: SocketAddress, _ timeoutMs: UInt32, _ out: UnsafeMutablePointer<Int32>) -> Int32 {
        let (fd, status) = address.connect()
        if fd < 0 { return Status.failed }
        if status != 0 {
            let waited = ready(fd, UInt32(SLUICE_WRITABLE), timeoutMs)
            if waited < 0 || Socket.connectError(fd) != 0 {
                Socket.close(fd)
                return waited < 0 ? waited : Status.failed
            }
        }
        out.pointee = fd
        return Status.ok
    }
}

extension SocketAddress {
    /// As `Socket.connect`.
    func connect() -> (fd: Int32, status: Int32) {
        withUnsafeBytes(of: storage) { Socket.connect(family: family, address: $0.baseAddress!, length: length) }
    }
}

extension TaskBoard {
    /// A host name that is no literal; nil: not a name, or no resolver can be had.
    func find(_ host: ByteView, _ port: UInt16) -> Lookup? {
        for i in 0..<host.count {
            let c = host[i], l = c | 0x20
            guard ASCII.isDigit(c) || l >= 0x61 && l <= 0x7a || c == 0x2d || c == 0x2e || c == 0x5f else { return nil }
        }
        if resolver == nil, let new = Resolver(), poller.addLevel(new.descriptor, token: .max) { resolver = new }
        return resolver?.find(host.string, port: port)
    }
}
