// The phases that hooks run in, with the numbers of the contract (SLUICE_PHASE_… in base.h). They index PluginCounters.

public enum PluginPhase: UInt8, Sendable, CaseIterable {
    case rewrite = 0, access = 1, headerFilter = 2, bodyFilter = 3, log = 4
    case content = 5, balancer = 6, routing = 7, timer = 8, background = 9
    case initialize = 10, workerInit = 11, workerExit = 12, configure = 13, clientHello = 14, certificate = 15

    /// Of a set of phases; hooks of requests only (0…7), so that a set fits a byte.
    @inlinable public var bit: UInt8 { 1 &<< (rawValue & 7) }

    /// Phases that a request passes; the others belong to the worker or the connection.
    public static var ofRequests: [PluginPhase] { [.rewrite, .access, .routing, .balancer, .content, .headerFilter, .bodyFilter, .log] }

    /// Hooks that may wait: on a fiber, with a token, or by being called again.
    @inlinable public var mayPark: Bool { PluginPhase.parking & bit != 0 && rawValue < 8 }
    /// rewrite, access, header_filter, body_filter, content.
    @inlinable static var parking: UInt8 { 0b0010_1111 }

    /// As manifests and metrics call it.
    public var name: String {
        switch self {
        case .rewrite: "rewrite"
        case .access: "access"
        case .headerFilter: "header_filter"
        case .bodyFilter: "body_filter"
        case .log: "log"
        case .content: "content"
        case .balancer: "balancer"
        case .routing: "routing"
        case .timer: "timer"
        case .background: "background"
        case .initialize: "init"
        case .workerInit: "worker_init"
        case .workerExit: "exit_worker"
        case .configure: "configure"
        case .clientHello: "ssl_client_hello"
        case .certificate: "ssl_certificate"
        }
    }

    /// `MessageContext.phase` outside every hook: no call of the host's tables but reads is allowed.
    @inlinable public static var none: UInt8 { 255 }
}
