// Listening sockets: refusal of a second listener, stale socket files, modes, messages.
import SluiceSystem
import Testing

@Suite(.serialized) struct ListeningSocketTests {
    func ipv4(port: UInt16, _ host: [UInt8] = [127, 0, 0, 1]) -> [UInt8] {
        [2, 0, UInt8(port >> 8), UInt8(port & 255)] + host + [UInt8](repeating: 0, count: 8)
    }
    func unixAddress(_ path: String) -> [UInt8] { [1, 0] + Array(path.utf8) + [0] }
    func boundPort(_ fd: Int32) -> UInt16 {
        var a = sockaddr_in()
        var n = socklen_t(16)
        _ = withUnsafeMutableBytes(of: &a) { getsockname(fd, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &n) }
        return UInt16(bigEndian: a.sin_port)
    }
    func open(_ address: [UInt8], _ label: String, reusePort: Bool = true) throws -> Int32 {
        try address.withUnsafeBytes { try ListeningSocket.open($0, label: label, backlog: 16, reusePort: reusePort) }
    }

    @Test func severalShareAnAddressButAProbeSeesThem() throws {
        let a = try open(ipv4(port: 0), "127.0.0.1:0")
        defer { Descriptor.close(a) }
        let address = ipv4(port: boundPort(a))
        let b = try open(address, "again")
        defer { Descriptor.close(b) }
        let error = #expect(throws: SystemError.self) {
            try address.withUnsafeBytes { try ListeningSocket.probe($0, label: "127.0.0.1:1") }
        }
        #expect(error?.errno == .addressInUse)
        #expect(
            error?.description.hasPrefix("cannot listen on 127.0.0.1:1: address already in use (98); another process listens there") == true
        )
    }

    @Test func foreignAddressIsExplained() {
        let error = #expect(throws: SystemError.self) { _ = try open(ipv4(port: 8080, [192, 0, 2, 1]), "192.0.2.1:8080") }
        #expect(error?.cure == "no interface of this machine has that address")
    }

    @Test func unixSocketsReplaceStaleFilesOnly() throws {
        let path = "/tmp/sluice-socket-test-\(getpid())"
        let address = unixAddress(path)
        let first = try open(address, "unix:\(path)", reusePort: false)
        var s = stat()
        #expect(stat(path, &s) == 0 && s.st_mode & 0o777 == 0o660)
        let error = #expect(throws: SystemError.self) { _ = try open(address, "unix:\(path)", reusePort: false) }
        #expect(error?.errno == .addressInUse)
        Descriptor.close(first)
        let second = try open(address, "unix:\(path)", reusePort: false)
        Descriptor.close(second)
        try Files.remove(path)
        let plain = try Descriptor.open(path, O_WRONLY | O_CREAT)
        Descriptor.close(plain)
        #expect(throws: SystemError.self) { _ = try open(address, "unix:\(path)", reusePort: false) }
        #expect(access(path, F_OK) == 0, "a file that is no socket is never removed")
        try Files.remove(path)
    }

    @Test func partsOfAddresses() {
        ipv4(port: 8080).withUnsafeBytes { a in
            #expect(ListeningSocket.port(a) == 8080)
            #expect(ListeningSocket.path(a) == nil)
        }
        unixAddress("/run/x").withUnsafeBytes { a in
            #expect(ListeningSocket.path(a) == "/run/x")
            #expect(ListeningSocket.port(a) == 0)
        }
    }
}
