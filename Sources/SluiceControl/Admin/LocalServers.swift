// The control process's two listeners, started, moved and stopped as the configuration says: the admin API, and the
// dyups-compatible API, which answers 501 until it is there.
import SluiceModel

actor LocalServers {
    private var running: [String: (address: String, task: Task<Void, Never>)] = [:]
    private let admin: @Sendable (AdminRequest) async -> AdminResponse
    private let uploads: @Sendable (AdminRequest) async -> UploadPlace
    static let retryMs = 500
    static let retriesMax = 20

    init(
        admin: @escaping @Sendable (AdminRequest) async -> AdminResponse, uploads: @escaping @Sendable (AdminRequest) async -> UploadPlace
    ) { (self.admin, self.uploads) = (admin, uploads) }

    /// Makes the listeners those of `configuration`; what stays as it is is not touched.
    func apply(_ configuration: Configuration) {
        set("admin", configuration.admin.address, admin, uploads)
        set("dyups", configuration.dyups.address, Self.dyups)
    }

    private func set(
        _ name: String, _ address: String?, _ handler: @escaping @Sendable (AdminRequest) async -> AdminResponse,
        _ uploads: (@Sendable (AdminRequest) async -> UploadPlace)? = nil
    ) {
        if running[name]?.address == address { return }
        running.removeValue(forKey: name)?.task.cancel()
        guard let address else { return }
        let server = LocalServer(address: address, name: name, handler: handler, uploads: uploads)
        // Detached: a change may come from a request of the server that is being shut down, and shutting down is inherited.
        let task = Task.detached { await Self.keep(server) }
        running[name] = (address, task)
    }

    /// A listener that moved may need a moment until its old address is free.
    private static func keep(_ server: LocalServer) async {
        for attempt in 1...retriesMax {
            do {
                try await server.run { ControlLog.write(.info, "\(server.name) API listens on \(server.address)") }
                return
            } catch is CancellationError {
                return
            } catch {
                if Task.isCancelled { return }
                if attempt == 1 || attempt == retriesMax {
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
