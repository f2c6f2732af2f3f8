// A small blocking HTTP/1.1 client for the command line: one request, one answer, on a loopback address or a Unix socket,
// bounded in time and size. The commands use it to talk to the admin API.
import Foundation
import SluiceModel
import SluiceRules

struct ClientProblem: Error, CustomStringConvertible {
    var description: String
    /// Nobody took the connection: the gateway is not there, or somewhere else.
    var isUnreachable = false
}

enum SocketClient {
    struct Answer: Sendable {
        var status: Int
        /// Names in lower case.
        var headers: [String: String] = [:]
        var body: [UInt8]
    }
    static let answerBytesMax = 64 << 20

    /// A connected socket; the caller closes it.
    static func connect(_ address: String, timeoutMs: Int) throws -> Int32 {
        guard let target = Address(checking: address), let record = AddressRecord(loopback: target) else {
            throw ClientProblem(description: "\(quote(address)) is no address; allowed: \(SchemaText.localAddress.allowed)")
        }
        let fd = socket(Int32(record.family), Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { throw FileProblem("make a socket for", address) }
        var limit = timeval(tv_sec: timeoutMs / 1000, tv_usec: (timeoutMs % 1000) * 1000)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] { setsockopt(fd, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size)) }
        let result = withUnsafeBytes(of: record.bytes) {
            Glibc.connect(fd, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(record.length))
        }
        guard result == 0 else {
            let problem = FileProblem("connect to", address)
            close(fd)
            throw problem
        }
        return fd
    }

    /// - Parameter headers: names and values as they are sent; a content type replaces JSON's.
    static func request(
        _ address: String, _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8] = [], timeoutMs: Int = 60_000
    ) throws -> Answer {
        let fd: Int32
        do { fd = try connect(address, timeoutMs: timeoutMs) } catch let problem as FileProblem {
            throw ClientProblem(description: "\(problem)", isUnreachable: true)
        }
        defer { close(fd) }
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: \(body.count)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if !body.isEmpty, !headers.contains(where: { $0.0.lowercased() == "content-type" }) { head += "Content-Type: application/json\r\n" }
        // A server that refuses a body may close before it has read it; what it said is there nevertheless.
        do { try FileIO.write(Array((head + "\r\n").utf8) + body, to: fd, path: address) } catch
            where errno == EPIPE || errno == ECONNRESET
        {}
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while received.count <= answerBytesMax {
            let n = read(fd, &buffer, buffer.count)
            if n < 0 && errno == EINTR { continue }
            guard n >= 0 else { throw FileProblem("read the answer of", address) }
            if n == 0 { break }
            received += buffer[..<n]
        }
        return try parse(received, address)
    }

    static func parse(_ bytes: [UInt8], _ address: String) throws -> Answer {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)), let head = String(validating: bytes[..<end.lowerBound], as: UTF8.self)
        else {
            throw ClientProblem(description: "\(address) did not answer in HTTP")
        }
        let lines = head.split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw ClientProblem(description: "\(address) did not answer in HTTP")
        }
        var body = Array(bytes[end.upperBound...])
        if lines.contains(where: { $0.lowercased().hasPrefix("transfer-encoding:") && $0.lowercased().contains("chunked") }) {
            body = try dechunk(body, address)
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return Answer(status: status, headers: headers, body: body)
    }

    private static func dechunk(_ bytes: [UInt8], _ address: String) throws -> [UInt8] {
        var out: [UInt8] = [], at = 0
        while let line = bytes[at...].firstRange(of: [13, 10]) {
            guard let size = Int(String(decoding: bytes[at..<line.lowerBound], as: UTF8.self), radix: 16), size >= 0,
                line.upperBound + size <= bytes.count
            else { break }
            if size == 0 { return out }
            out += bytes[line.upperBound..<(line.upperBound + size)]
            at = min(bytes.count, line.upperBound + size + 2)
        }
        throw ClientProblem(description: "the answer of \(address) ended early")
    }
}

extension AddressRecord {
    /// The address as the kernel takes it; localhost is 127.0.0.1, other names are not looked up.
    fileprivate init?(loopback address: Address) {
        if address.isName {
            guard address.isLoopback else { return nil }
            self.init(IPAddress(ipv4: 0x7f00_0001), port: address.port)
        } else {
            self.init(address)
        }
    }
}
