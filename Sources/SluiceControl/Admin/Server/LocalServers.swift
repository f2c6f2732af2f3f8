// The control process's two listeners, started, moved and stopped as the configuration says: the admin API, and the
// dyups-compatible API, which answers 501 until it is there.
import SluiceModel

actor LocalServers {
    /// What makes a listener another one.
    private struct Wish: Equatable {
        var address: String
        var tls: AdminTLS?
        /// SHA-256 of both files: renewed ones are taken up by a reload.
        var files: [UInt8] = []
    }
    private var running: [String: (wish: Wish, task: Task<Void, Never>)] = [:]
    private let admin: @Sendable (AdminRequest) async -> AdminResponse
    private let door: (@Sendable (AdminRequest) async -> Result<AdminPrincipal, AdminResponse.Refusal>)?
    private let uploads: @Sendable (AdminRequest) async -> UploadPlace
    private let configFolder: String
    static let retryMs = 500
    static let retriesMax = 20

    /// - Parameter configFolder: where relative paths of `admin.tls` start.
    init(
        admin: @escaping @Sendable (AdminRequest) async -> AdminResponse,
        door: (@Sendable (AdminRequest) async -> Result<AdminPrincipal, AdminResponse.Refusal>)? = nil,
        uploads: @escaping @Sendable (AdminRequest) async -> UploadPlace, configFolder: String = "/"
    ) {
        (self.admin, self.door, self.uploads, self.configFolder) = (admin, door, uploads, configFolder)
    }

    /// Makes the listeners those of `configuration`; what stays as it is is not touched.
    func apply(_ configuration: Configuration) {
        let handler = self.admin, door = self.door, uploads = self.uploads
        var wish = configuration.admin.address.map { Wish(address: $0) }
        if let tls = configuration.admin.tls {
            let absolute = AdminTLS(
                certificatePath: FileIO.absolute(tls.certificatePath, from: configFolder),
                keyPath: FileIO.absolute(tls.keyPath, from: configFolder))
            let files = [absolute.certificatePath, absolute.keyPath].map { (try? FileIO.read($0, max: 1 << 20)) ?? [] }
            wish?.tls = absolute
            wish?.files = files.flatMap { SecretText.sha256($0) }
        }
        set("admin", wish) { wish in
            LocalServer(
                address: wish.address, name: "admin", handler: handler, door: door, uploads: uploads,
                bodyBytesMax: { OperationTable.shared.bodyBytesMax($0) }, tls: wish.tls)
        }
        set("dyups", configuration.dyups.address.map { Wish(address: $0) }) { wish in
            LocalServer(address: wish.address, name: "dyups", handler: Self.dyups)
        }
    }

    private func set(_ name: String, _ wish: Wish?, _ make: (Wish) -> LocalServer) {
        if running[name]?.wish == wish { return }
        let before = running.removeValue(forKey: name)
        before?.task.cancel()
        guard let wish else { return }
        let server = make(wish), stays = before?.wish.address == wish.address
        // Detached: a change may come from a request of the server that is being shut down, and shutting down is inherited.
        let task = Task.detached { await Self.keep(server, stays: stays) }
        running[name] = (wish, task)
    }

    /// A listener that moved may need a moment until its old address is free.
    /// - Parameter stays: its predecessor has the same address, and is just letting go of it.
    private static func keep(_ server: LocalServer, stays: Bool) async {
        for attempt in 1...retriesMax {
            do {
                try await server.run { ControlLog.write(.info, "\(server.name) API listens on \(server.address)") }
                return
            } catch is CancellationError {
                return
            } catch {
                if Task.isCancelled { return }
                if (attempt == 1 && !stays) || attempt == retriesMax {
                    ControlLog.write(.error, "cannot serve the \(server.name) API on \(server.address): \(error)")
                }
                if error is LocalServer.Refusal && attempt > 3 { return }
                try? await Task.sleep(for: .milliseconds(retryMs))
            }
        }
    }

    /// Until the API is built: an honest answer to everything.
    static let dyups: @Sendable (AdminRequest) async -> AdminResponse = { _ in
        AdminResponse(
            status: 501, contentType: "text/plain; charset=utf-8",
            body: Array(
                "The dyups-compatible API is not part of this release; change clusters in the configuration file and reload.\n".utf8))
    }
}
