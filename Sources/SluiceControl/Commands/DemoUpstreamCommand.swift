// `sluice demo-upstream`: a small origin to try the gateway with. Echoes requests, waits, sends bytes and statuses.
import ArgumentParser
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import SluiceModel

struct DemoUpstreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo-upstream", abstract: "Run a small origin to try the gateway with.",
        discussion: """
            Any path answers with method, path and headers of the request as JSON, and
              /slow?ms=500      the same after half a second (at most a minute)
              /bytes?n=100000   that many bytes (at most 1 GiB)
              /status/404       that status
            """)
    @Option(help: ArgumentHelp("Address and port.", valueName: "address")) var listen = "127.0.0.1:8090"

    func validate() throws {
        guard SchemaText.listenAddress.problem(listen) == nil else {
            throw ValidationError("found \(quote(listen)); allowed: \(SchemaText.listenAddress.allowed)")
        }
    }

    func run() async throws {
        let address = try Address(listen)
        let bind: BindAddress =
            switch address.host {
            case .unix(let path): .unixDomainSocket(path: path)
            case .ip(let ip): .hostname(ip.description, port: Int(address.port))
            case .any, .name: .hostname("0.0.0.0", port: Int(address.port))
            }
        let responder = CallbackResponder<BasicRequestContext> { request, _ in try await DemoUpstream.answer(request) }
        let app = Application(
            responder: responder, configuration: ApplicationConfiguration(address: bind, serverName: "demo-upstream"),
            onServerRunning: { _ in Console.complain("demo upstream listens on \(listen)") })
        try await app.runService()
    }
}

enum DemoUpstream {
    static let bytesMax = 1 << 30
    static let waitMsMax = 60_000

    static func answer(_ request: Request) async throws -> Response {
        let parts = request.uri.path.split(separator: "/")
        switch parts.first {
        case "bytes": return bytes(min(max(number(request, "n") ?? 0, 0), bytesMax))
        case "status":
            let code = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
            guard (200...599).contains(code) else { return text(.badRequest, "allowed: /status/200 to /status/599\n") }
            return text(.init(code: code), "\(code)\n")
        case "slow":
            try await Task.sleep(for: .milliseconds(min(max(number(request, "ms") ?? 1000, 0), waitMsMax)))
            return try await echo(request)
        default: return try await echo(request)
        }
    }

    private static func number(_ request: Request, _ name: String) -> Int? { request.uri.queryParameters[name[...]].flatMap { Int($0) } }

    private static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        let hasBody = status.code != 204 && status.code != 304
        return Response(
            status: status, headers: [.contentType: "text/plain"], body: hasBody ? .init(byteBuffer: ByteBuffer(string: text)) : .init())
    }

    private static func echo(_ request: Request) async throws -> Response {
        var received = 0
        for try await chunk in request.body { received += chunk.readableBytes }
        var headers: [(String, JSONValue)] = []
        if let host = request.head.authority { headers.append(("host", .string(host))) }
        for field in request.headers { headers.append((field.name.canonicalName, .string(field.value))) }
        let body = JSONValue.object([
            ("method", .string(request.method.rawValue)), ("path", .string(request.uri.description)), ("headers", .object(headers)),
            ("body_bytes", .int(received)),
        ])
        let bytes = ByteBuffer(string: body.pretty)
        return Response(status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: bytes))
    }

    private static func bytes(_ count: Int) -> Response {
        let block = ByteBuffer(repeating: UInt8(ascii: "x"), count: min(count, 65536))
        let body = ResponseBody(contentLength: count) { writer in
            var left = count
            while left > 0 {
                let part = min(left, block.readableBytes)
                try await writer.write(block.getSlice(at: 0, length: part)!)
                left -= part
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/octet-stream"], body: body)
    }
}
