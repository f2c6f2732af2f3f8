// HTTP for this machine only: carries `AdminRequest` and `AdminResponse` over Hummingbird, on a loopback address or a Unix
// socket and nothing else. It also keeps web pages out: a browser of this machine must not become somebody's admin client.
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import SluiceModel

struct LocalServer: Sendable {
    let address: String
    let name: String
    let handler: @Sendable (AdminRequest) async -> AdminResponse
    /// Where an upload may go; nil: this API takes none.
    var uploads: (@Sendable (AdminRequest) async -> UploadPlace)?

    static let connectionsMax = 256
    static let idleTimeoutSeconds: Int64 = 60

    struct Refusal: Error, CustomStringConvertible { var description: String }

    /// The address to bind, or why not.
    static func binding(_ address: String) throws(Refusal) -> BindAddress {
        guard SchemaText.localAddress.problem(address) == nil, let socket = Address(checking: address) else {
            throw Refusal(description: "\(quote(address)) is not of this machine only; allowed: \(SchemaText.localAddress.allowed)")
        }
        switch socket.host {
        case .unix(let path): return .unixDomainSocket(path: path)
        case .ip(let ip): return .hostname(ip.description, port: Int(socket.port))
        case .name, .any: return .hostname("127.0.0.1", port: Int(socket.port))
        }
    }

    /// Serves until its task is cancelled. Throws when the address cannot be listened on.
    func run(onRunning: @escaping @Sendable () async -> Void = {}) async throws {
        let bind = try Self.binding(address)
        let unixPath = Address(checking: address).flatMap { if case .unix(let path) = $0.host { path } else { nil } }
        if let unixPath { try Self.removeStale(unixPath) }
        let isUnix = unixPath != nil
        let responder = CallbackResponder<BasicRequestContext> { request, _ in await respond(request, isUnix: isUnix) }
        let takesUploads = uploads != nil
        let goesOn: @Sendable () -> [any RemovableChannelHandler] = {
            [ContinueHandler { Self.refusal(declaring: $0, takesUploads: takesUploads) == nil }]
        }
        var logger = Logger(label: name) { _ in ControlLogHandler() }
        logger.logLevel = .warning
        let app = Application(
            responder: responder,
            server: .http1(
                configuration: .init(additionalChannelHandlers: goesOn(), idleTimeout: .seconds(Self.idleTimeoutSeconds))),
            configuration: ApplicationConfiguration(
                address: bind, availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionsMax)),
            onServerRunning: { _ in
                if let unixPath { chmod(unixPath, 0o600) }
                await onRunning()
            }, logger: logger)
        // Cancelling Hummingbird's own task trips NIO's asserts on connections just accepted; a graceful shutdown does not.
        let group = ServiceGroup(configuration: .init(services: [app], logger: logger))
        let running = Task.detached { try await group.run() }
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            Task { await group.triggerGracefulShutdown() }
        }
    }

    private func respond(_ request: Request, isUnix: Bool) async -> Response {
        if let refusal = Self.foreign(
            origin: request.headers[.origin], site: request.headers[HTTPField.Name("Sec-Fetch-Site")!], host: request.head.authority,
            isUnix: isUnix)
        {
            return Self.response(.unauthorizedOrigin(refusal))
        }
        let query = Dictionary(request.uri.queryParameters.map { (String($0.key), String($0.value)) }) { first, _ in first }
        var asked = AdminRequest(
            method: request.method.rawValue, path: request.uri.path, query: query, contentType: request.headers[.contentType],
            signature: request.headers[HTTPField.Name("X-Sluice-Signature")!].map { Array($0.utf8) })
        if let refusal = Self.refusal(declaring: request.head, takesUploads: uploads != nil) { return Self.response(refusal, close: true) }
        if let uploads, asked.isUpload {
            if let refusal = await take(request.body, &asked, await uploads(asked)) { return Self.response(refusal, close: true) }
        } else {
            do {
                for try await chunk in request.body {
                    asked.body += Array(chunk.readableBytesView)
                    guard asked.body.count <= AdminAPI.bodyBytesMax else { return Self.response(AdminAPI.tooLarge, close: true) }
                }
            } catch {
                return Self.response(.problem(400, "body", "Body not readable", "the body ended early"), close: true)
            }
        }
        let answer = await handler(asked)
        var response = Self.response(answer)
        if request.method == .head { response.body = .init() }
        return response
    }

    /// The answer to a request whose body says that it is too large; it is not read then. nil: it may come.
    private static func refusal(declaring head: HTTPRequest, takesUploads: Bool) -> AdminResponse? {
        let path = (head.path ?? "").split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? ""
        let asked = AdminRequest(method: head.method.rawValue, path: path, contentType: head.headerFields[.contentType])
        let declared = head.headerFields[.contentLength].flatMap { Int($0) } ?? 0
        if takesUploads && asked.isUpload {
            return declared > Limits.pluginFileBytesMax + AdminAPI.bodyBytesMax ? UploadReceiver.tooLarge : nil
        }
        return declared > AdminAPI.bodyBytesMax ? AdminAPI.tooLarge : nil
    }

    /// Takes the body to a file. Returns the answer when that is not possible; nothing is left then.
    private func take(_ body: RequestBody, _ asked: inout AdminRequest, _ place: UploadPlace) async -> AdminResponse? {
        guard case .folder(let folder) = place else { if case .refused(let answer) = place { return answer } else { return nil } }
        var receiver: UploadReceiver
        do throws(UploadReceiver.Problem) { receiver = try UploadReceiver(folder: folder, request: asked) } catch { return error.response }
        do {
            for try await chunk in body { try receiver.take(Array(chunk.readableBytesView)) }
            let (file, fields, signature) = try receiver.finish()
            (asked.upload, asked.fields) = (file, fields)
            if let signature { asked.signature = signature }
            return nil
        } catch {
            receiver.abandon()
            return (error as? UploadReceiver.Problem)?.response ?? .problem(400, "body", "Body not readable", "the body ended early")
        }
    }

    /// Why this request smells of a web page; nil = it does not. Browsers send Origin or Sec-Fetch-Site with what pages
    /// ask for, and the page's name in Host when DNS was rebound; curl and scripts name the address they connect to.
    static func foreign(origin: String?, site: String?, host: String?, isUnix: Bool) -> String? {
        if let site, site != "none", site != "same-origin" { return "asked by a web page of another site; allowed: same-origin" }
        if let origin, origin != host.map({ "http://" + $0 }) {
            return "asked by a web page of \(quote(origin)); allowed: none but this API's own"
        }
        guard !isUnix, let host else { return nil }
        let name = host.hasPrefix("[") ? String(host.prefix { $0 != "]" }) + "]" : String(host.prefix { $0 != ":" })
        guard Address(checking: name + ":1")?.isLoopback == true else {
            return "Host is \(quote(host)); allowed: a loopback address or localhost"
        }
        return nil
    }

    private static func response(_ answer: AdminResponse, close: Bool = false) -> Response {
        var headers = HTTPFields()
        if !answer.contentType.isEmpty { headers[.contentType] = answer.contentType }
        headers[.cacheControl] = "no-store"
        for (name, value) in answer.headers { if let name = HTTPField.Name(name) { headers[name] = value } }
        if close { headers[.connection] = "close" }
        return Response(status: .init(code: answer.status), headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    /// Removes a socket file that nobody listens on; refuses when somebody does or when it is something else.
    static func removeStale(_ path: String) throws {
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        guard info.st_mode & S_IFMT == S_IFSOCK else { throw Refusal(description: "\(path) exists and is no socket; allowed: a free path") }
        if let fd = try? SocketClient.connect("unix:" + path, timeoutMs: 500) {
            close(fd)
            throw Refusal(description: "somebody listens on \(path); allowed: a free path")
        }
        unlink(path)
    }
}
