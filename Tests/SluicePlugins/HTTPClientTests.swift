// Plugins' own http requests: framings, kept connections, what goes wrong, names. The peer is a thread of the test that answers by path.
import CSluiceABI
import Foundation
import SluiceLoop
import Testing

@testable import SluicePlugins

@Suite(.serialized) struct HTTPClientTests {
    @Test(arguments: [
        ("/length", "ok"), ("/chunked", "hello world"), ("/close", "till the end"), ("/continue", "ok"), ("/echo", "GET /echo 1"),
        ("/none", ""),
    ]) func answers(_ path: String, _ body: String) throws {
        let server = try HTTPPeer(), bench = try WaitingBench(fiber: true)
        let (message, _, last) = try bench.access("/http/http://127.0.0.1:\(server.port)\(path)")
        #expect(last == 0 && message.requestHeader("x-body") == body)
        #expect(message.requestHeader("x-status") == (path == "/none" ? "204" : "200") && message.requestHeader("x-first") == "peer")
        bench.end()
    }

    @Test func connectionsAreKept() throws {
        let server = try HTTPPeer(), bench = try WaitingBench(fiber: true)
        for _ in 0..<5 { #expect(try bench.access("/http/http://127.0.0.1:\(server.port)/length").last == 0) }
        #expect(server.accepted == 1 && bench.worker.host.board.clients.count == 1)
        #expect(try bench.access("/http/http://127.0.0.1:\(server.port)/last").last == 0)  // the peer closes behind it, without a word
        usleep(20_000)
        #expect(try bench.access("/http/http://127.0.0.1:\(server.port)/length").last == 0)
        #expect(server.accepted == 2)
        bench.worker.host.turn(nowMs: bench.worker.host.board.nowMs + 31_000)
        bench.worker.host.trim()
        #expect(bench.worker.host.board.clients.count == 0)
        bench.end()
    }

    @Test(arguments: [
        ("/garbage", SLUICE_EIO), ("/short", SLUICE_EIO), ("/silent", SLUICE_ETIMEDOUT), ("/long", SLUICE_ELIMIT),
        ("/long-chunked", SLUICE_ELIMIT),
        ("/nothing", SLUICE_EIO),
    ]) func goesWrong(_ path: String, _ status: Int) throws {
        let server = try HTTPPeer(), bench = try WaitingBench(fiber: true)
        #expect(try bench.access("/http/http://127.0.0.1:\(server.port)\(path)").last == Int32(status))
        #expect(bench.worker.host.board.clients.count == 0)
        bench.end()
    }

    @Test func malformedRequestsAreRefused() throws {
        let bench = try WaitingBench(fiber: true)
        #expect(try bench.access("/badhttp").last == 0)
        #expect(try bench.access("/http/http://127.0.0.1:1/").last == Int32(SLUICE_EIO))
        bench.end()
    }

    @Test func namesAreFound() throws {
        let server = try HTTPPeer(), bench = try WaitingBench(fiber: true)
        #expect(try bench.access("/http/http://localhost:\(server.port)/length").last == 0)  // from the hosts file
        #expect(try bench.access("/connect/no_such_name_here.invalid:80").last < 0)
        bench.end()
    }

    @Test func callsBack() throws {
        let server = try HTTPPeer(), bench = try WaitingBench(fiber: false)
        #expect(try bench.access("/start/http://127.0.0.1:\(server.port)/length").last == 0)
        #expect(try bench.access("/start/http://127.0.0.1:\(server.port)/silent").last == Int32(SLUICE_ETIMEDOUT))
        bench.end()
    }

    @Test func cancelledInTheMiddle() throws {
        let server = try HTTPPeer(), bench = try WaitingBench(fiber: true)
        let message = try bench.request("/http/http://127.0.0.1:\(server.port)/silent")
        #expect(message.run(.access, bench.table) == 2)
        bench.worker.until(seconds: 0.05) { false }
        #expect(bench.worker.held(.socket) == 1)
        bench.worker.host.cancel(message.ctx)
        #expect(bench.worker.held(.socket) == 0 && bench.worker.held(.fiber) == 0)
        bench.end()
    }
}

/// One connection after another, each request answered by its path.
final class HTTPPeer: @unchecked Sendable {
    let port: UInt16
    private let listener: Int32
    private(set) var accepted = 0

    init() throws {
        let s = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var a = sockaddr_in()
        a.sin_family = sa_family_t(AF_INET)
        a.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &a) { p in
            p.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(s, $0, length) == 0 && getsockname(s, $0, &length) == 0 }
        }
        try #require(bound && listen(s, 8) == 0)
        (listener, port) = (s, UInt16(bigEndian: a.sin_port))
        Thread.detachNewThread { [s] in
            while true {
                var p = pollfd(fd: s, events: Int16(POLLIN), revents: 0)
                guard poll(&p, 1, 10_000) == 1, p.revents == Int16(POLLIN) else { break }
                let c = accept(s, nil, nil)
                if c < 0 { break }
                self.accepted += 1
                Thread.detachNewThread { HTTPPeer.serve(c) }
            }
        }
    }
    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    private static func serve(_ c: Int32) {
        defer { close(c) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        while true {
            var p = pollfd(fd: c, events: Int16(POLLIN), revents: 0)
            guard poll(&p, 1, 10_000) == 1 else { return }
            let n = recv(c, &bytes, bytes.count, 0)
            if n <= 0 { return }
            let head = String(decoding: bytes[0..<n], as: UTF8.self), path = String(head.split(separator: " ")[1])
            let reply = "HTTP/1.1 200 OK\r\nServer: peer\r\n"
            func say(_ text: String) { _ = text.withCString { Glibc.send(c, $0, strlen($0), Int32(MSG_NOSIGNAL)) } }
            switch path {
            case "/length", "/last": say(reply + "Content-Length: 2\r\n\r\nok")
            case "/echo":
                let mine = head.contains("\r\nX-Mine: 1\r\n") && head.contains("\r\nHost: 127.0.0.1:") ? "1" : "0"
                let text = head.split(separator: " ").prefix(2).joined(separator: " ") + " " + mine
                say(reply + "Content-Length: \(text.utf8.count)\r\n\r\n" + text)
            case "/chunked":
                say(reply + "Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n")
                usleep(3000)
                say("5;x=y\r\nworld\r\n0\r\n\r\n")
            case "/close": say(reply + "Connection: close\r\n\r\ntill the end")
            case "/continue": say("HTTP/1.1 100 Continue\r\n\r\n" + reply + "Content-Length: 2\r\n\r\nok")
            case "/none": say("HTTP/1.1 204 No Content\r\nServer: peer\r\n\r\n")
            case "/garbage": say("what?\r\n\r\n")
            case "/short": say(reply + "Content-Length: 10\r\n\r\nok")
            case "/silent": usleep(600_000)
            case "/long": say(reply + "Content-Length: 5000\r\n\r\n")
            case "/long-chunked": say(reply + "Transfer-Encoding: chunked\r\n\r\n1388\r\n" + String(repeating: "x", count: 5000) + "\r\n")
            default: break
            }
            if ["/close", "/short", "/last", "/nothing", "/silent"].contains(path) { return }
        }
    }
}
