// HTTP of the admin and dyups listeners: carries `AdminRequest` and `AdminResponse` over Hummingbird, plainly on a loopback address or a Unix
// socket, by TLS everywhere. It also keeps web pages out: a browser of this machine must not become somebody's admin client. Who is
// let in is decided by `Access/Gate.swift`, before a body is read.
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import SluiceModel

struct LocalServer: Sendable {
    let address: String
    let name: String
    let handler: @Sendable (AdminRequest) async -> AdminResponse
    /// Asked before the body is read: who asks, or the answer that refuses him. Nil: everybody may.
    var door: (@Sendable (AdminRequest) async -> Result<AdminPrincipal, AdminResponse.Refusal>)?
    /// Where an upload may go; nil: this API takes none.
    var uploads: (@Sendable (AdminRequest) async -> UploadPlace)?
    /// Bytes of a body that a request may have.
    var bodyBytesMax: @Sendable (AdminRequest) -> Int = { _ in AdminAPI.bodyBytesMax }
    var tls: AdminTLS?

    static let connectionsMax = 256
    static let idleTimeoutSeconds: Int64 = 60
    /// Of a body that is too large, read so that its sender comes to see the answer.
    static let unreadBytesMax = 4 << 20

    struct Refusal: Error, CustomStringConvertible { var description: String }

    /// What a request knows of its connection.
    struct Context: RequestContext, RemoteAddressRequestContext {
        var coreContext: CoreRequestContextStorage
        let remoteAddress: SocketAddress?
        init(source: ApplicationRequestContextSource) {
            coreContext = .init(source: source)
            remoteAddress = source.channel.remoteAddress
        }
    }

    /// The address to bind, or why not. Beyond this machine only with TLS.
    static func binding(_ address: String, tls: Bool = false) throws(Refusal) -> BindAddress {
        let form = tls ? SchemaText.adminAddress : .localAddress
        guard form.problem(address) == nil, let socket = Address(checking: address) else {
            throw Refusal(description: "\(quote(address)) cannot be listened on; allowed: \(form.allowed)")
        }
        switch socket.host {
        case .unix(let path): return .unixDomainSocket(path: path)
        case .ip(let ip): return .hostname(ip.description, port: Int(socket.port))
        case .any: return .hostname("0.0.0.0", port: Int(socket.port))
        case .name: return .hostname("127.0.0.1", port: Int(socket.port))
        }
    }

    /// Serves until its task is cancelled. Throws when the address cannot be listened on.
    func run(onRunning: @escaping @Sendable () async -> Void = {}) async throws {
        let bind = try Self.binding(address, tls: tls != nil), server = try builder()
        let socket = Address(checking: address)
        let unixPath = socket.flatMap { if case .unix(let path) = $0.host { path } else { nil } }
        if let unixPath { try Self.removeStale(unixPath) }
        let place = Place(isUnix: unixPath != nil, isLoopback: socket?.isLoopback ?? false)
        let responder = CallbackResponder<Context> { request, context in await respond(request, context, place) }
        var logger = Logger(label: name) { _ in ControlLogHandler() }
        logger.logLevel = .warning
        let app = Application(
            responder: responder, server: server,
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

    private func builder() throws -> HTTPServerBuilder {
        let takesUploads = uploads != nil, max = bodyBytesMax
        let goesOn: @Sendable () -> [any RemovableChannelHandler] = {
            [ContinueHandler { Self.refusal(declaring: $0, takesUploads: takesUploads, max) == nil }]
        }
        let plain = HTTPServerBuilder.http1(
            configuration: .init(additionalChannelHandlers: goesOn(), idleTimeout: .seconds(Self.idleTimeoutSeconds)))
        guard let tls else { return plain }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(tls.certificatePath).map { NIOSSLCertificateSource.certificate($0) }
            let key = try NIOSSLPrivateKey(file: tls.keyPath, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            return try .tls(plain, tlsConfiguration: configuration)
        } catch {
            throw Refusal(
                description: "admin.tls: \(quote(tls.certificatePath)) and \(quote(tls.keyPath)) cannot be served: \(error); "
                    + "allowed: PEM files of a chain and its key")
        }
    }

    /// Where the listener is.
    struct Place: Sendable {
        var isUnix: Bool
        var isLoopback: Bool
    }

    private func respond(_ request: Request, _ context: Context, _ place: Place) async -> Response {
        if let refusal = Self.foreign(
            origin: request.headers[.origin], site: request.headers[HTTPField.Name("Sec-Fetch-Site")!], host: request.head.authority,
            isUnix: place.isUnix, isLoopback: place.isLoopback, scheme: tls == nil ? "http" : "https")
        {
            return Self.response(.unauthorizedOrigin(refusal))
        }
        let query = Dictionary(request.uri.queryParameters.map { (String($0.key), String($0.value)) }) { first, _ in first }
        var asked = AdminRequest(
            method: request.method.rawValue, path: request.uri.path, query: query, contentType: request.headers[.contentType],
            signature: request.headers[HTTPField.Name("X-Sluice-Signature")!].map { Array($0.utf8) })
        asked.accept = request.headers[.accept]
        asked.authorization = request.headers[.authorization]
        asked.ifMatch = request.headers[.ifMatch]
        asked.ifNoneMatch = request.headers[.ifNoneMatch]
        asked.address = place.isUnix ? "unix" : context.remoteAddress?.ipAddress ?? ""
        if let door {
            switch await door(asked) {
            case .failure(let refusal): return Self.response(refusal.response, close: true)
            case .success(let principal): asked.principal = principal
            }
        }
        if let refusal = await read(request, &asked) { return Self.response(refusal, close: true) }
        let answer = await handler(asked)
        var response = Self.response(answer)
        if request.method == .head { response.body = .init() }
        return response
    }

    /// Reads the body, or takes it to a file. Returns the answer when that is not possible.
    private func read(_ request: Request, _ asked: inout AdminRequest) async -> AdminResponse? {
        let refusal = Self.refusal(declaring: request.head, takesUploads: uploads != nil, bodyBytesMax)
        // Who waits for a word gets it at once; others send first and listen then, so their body is read and thrown away.
        if let refusal, asked.isUpload || request.headers[.expect] != nil { return refusal }
        if let uploads, asked.isUpload { return await take(request.body, &asked, await uploads(asked)) }
        let max = bodyBytesMax(asked)
        var total = 0
        do {
            for try await chunk in request.body {
                total += chunk.readableBytes
                if total <= max { asked.body += Array(chunk.readableBytesView) }
                if total > max + Self.unreadBytesMax { break }
            }
        } catch {
            return .problem(400, "body", "Body not readable", "the body ended early")
        }
        return total <= max ? nil : AdminAPI.tooLarge(max)
    }

    /// The answer to a request whose body says that it is too large; it is not read then. nil: it may come.
    private static func refusal(declaring head: HTTPRequest, takesUploads: Bool, _ max: (AdminRequest) -> Int) -> AdminResponse? {
        let path = (head.path ?? "").split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? ""
        let asked = AdminRequest(method: head.method.rawValue, path: path, contentType: head.headerFields[.contentType])
        let declared = head.headerFields[.contentLength].flatMap { Int($0) } ?? 0
        if takesUploads && asked.isUpload {
            return declared > Limits.pluginFileBytesMax + AdminAPI.bodyBytesMax ? UploadReceiver.tooLarge : nil
        }
        return declared > max(asked) ? AdminAPI.tooLarge(max(asked)) : nil
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
    static func foreign(
        origin: String?, site: String?, host: String?, isUnix: Bool, isLoopback: Bool = true, scheme: String = "http"
    ) -> String? {
        if let site, site != "none", site != "same-origin" { return "asked by a web page of another site; allowed: same-origin" }
        if let origin, origin != host.map({ scheme + "://" + $0 }) {
            return "asked by a web page of \(quote(origin)); allowed: none but this API's own"
        }
        // Beyond this machine everybody needs a token, which no page has.
        guard !isUnix, isLoopback, let host else { return nil }
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
