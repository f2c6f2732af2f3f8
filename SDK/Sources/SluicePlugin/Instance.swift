// One configured plugin behind the C contract's `instance`: its hooks by phase, found once, so that a call needs no cast.
import CSluiceABI

final class AnyInstance {
    let plugin: any Plugin
    let waitMaxMs: UInt32
    /// Calls that wait to be called again.
    var awaiting: [Call.Awaiting: Call] = [:]
    func forsakeAll() {
        let calls = awaiting.values
        awaiting = [:]
        for call in calls { call.forsake() }
    }

    private let rewriteHook: (any RewriteHook)?, accessHook: (any AccessHook)?, routingHook: (any RoutingHook)?
    private let contentHook: (any ContentHook)?, balancerHook: (any BalancerHook)?, logHook: (any LogHook)?
    private let headerFilterHook: (any HeaderFilterHook)?, bodyFilterHook: (any BodyFilterHook)?
    private let asyncRewrite: (any AsyncRewriteHook)?, asyncAccess: (any AsyncAccessHook)?, asyncContent: (any AsyncContentHook)?
    private let asyncHeaderFilter: (any AsyncHeaderFilterHook)?, asyncBodyFilter: (any AsyncBodyFilterHook)?

    init(_ plugin: any Plugin, waitMaxMs: Int) {
        self.plugin = plugin
        self.waitMaxMs = UInt32(min(max(waitMaxMs, 1), 3_600_000))
        rewriteHook = plugin as? any RewriteHook
        accessHook = plugin as? any AccessHook
        routingHook = plugin as? any RoutingHook
        contentHook = plugin as? any ContentHook
        balancerHook = plugin as? any BalancerHook
        headerFilterHook = plugin as? any HeaderFilterHook
        bodyFilterHook = plugin as? any BodyFilterHook
        logHook = plugin as? any LogHook
        asyncRewrite = plugin as? any AsyncRewriteHook
        asyncAccess = plugin as? any AsyncAccessHook
        asyncContent = plugin as? any AsyncContentHook
        asyncHeaderFilter = plugin as? any AsyncHeaderFilterHook
        asyncBodyFilter = plugin as? any AsyncBodyFilterHook
    }

    // MARK: synchronous hooks. Each is called only when the type has it.

    func rewrite(_ h: OpaquePointer) throws -> Verdict {
        var slot = HandleSlot(h, request: h)
        return try withUnsafePointer(to: &slot) {
            var request = Request($0)
            return try rewriteHook.unsafelyUnwrapped.rewrite(&request)
        }
    }
    func access(_ h: OpaquePointer) throws -> Verdict {
        var slot = HandleSlot(h, request: h)
        return try withUnsafePointer(to: &slot) {
            var request = Request($0)
            return try accessHook.unsafelyUnwrapped.access(&request)
        }
    }
    func route(_ h: OpaquePointer) throws -> Verdict {
        var slot = HandleSlot(h, request: h)
        return try withUnsafePointer(to: &slot) {
            var request = RoutingRequest($0)
            return try routingHook.unsafelyUnwrapped.route(&request)
        }
    }
    func content(_ h: OpaquePointer) throws -> Verdict {
        var slot = HandleSlot(h, request: Tables.content?.pointee.request(h))
        return try withUnsafePointer(to: &slot) {
            var content = Content($0)
            return try contentHook.unsafelyUnwrapped.content(&content)
        }
    }
    func balance(_ h: OpaquePointer) throws -> Verdict {
        var slot = HandleSlot(h, request: Tables.balancer?.pointee.request(h))
        return try withUnsafePointer(to: &slot) {
            var balance = Balance($0)
            return try balancerHook.unsafelyUnwrapped.balance(&balance)
        }
    }
    func headerFilter(_ h: OpaquePointer) throws -> Verdict {
        var slot = HandleSlot(h, request: Tables.response.pointee.request(h))
        return try withUnsafePointer(to: &slot) {
            var response = Response($0)
            return try headerFilterHook.unsafelyUnwrapped.headerFilter(&response)
        }
    }
    func bodyFilter(_ h: OpaquePointer) throws -> Verdict {
        var slot = HandleSlot(h, request: Tables.body.pointee.request(h))
        return try withUnsafePointer(to: &slot) {
            var body = Body($0)
            return try bodyFilterHook.unsafelyUnwrapped.bodyFilter(&body)
        }
    }
    func log(_ h: OpaquePointer) throws -> Verdict {
        var slot = HandleSlot(h, request: Tables.exchangeLog.pointee.request(h))
        return try withUnsafePointer(to: &slot) {
            try logHook.unsafelyUnwrapped.log(Exchange($0))
            return .next
        }
    }

    // MARK: asynchronous hooks

    func run(_ call: Call) async throws -> Verdict {
        switch call.phase {
        case .rewrite:
            var request = Request(call.slot)
            return try await asyncRewrite.unsafelyUnwrapped.rewrite(&request)
        case .access:
            var request = Request(call.slot)
            return try await asyncAccess.unsafelyUnwrapped.access(&request)
        case .content:
            var content = Content(call.slot)
            return try await asyncContent.unsafelyUnwrapped.content(&content)
        case .headerFilter:
            var response = Response(call.slot)
            return try await asyncHeaderFilter.unsafelyUnwrapped.headerFilter(&response)
        case .bodyFilter:
            var body = Body(call.slot)
            return try await asyncBodyFilter.unsafelyUnwrapped.bodyFilter(&body)
        }
    }
}

extension Verdict {
    var status: Int32 {
        switch self {
        case .next: Int32(SLUICE_CONTINUE)
        case .answered: Int32(SLUICE_ANSWERED)
        case .failed: Int32(SLUICE_EFAULT)
        case .again: Int32(SLUICE_SUSPEND)
        }
    }
}

/// What a hook that threw returns. The client's own leaving is nothing to log.
@inline(never) func failure(_ error: any Error) -> Int32 {
    if let error = error as? HostError {
        if error != .cancelled { log(.error, "a hook failed: \(error)") }
        return error.status
    }
    if error is CancellationError { return Int32(SLUICE_ECANCELED) }
    log(.error, "a hook failed: \(error)")
    return Int32(SLUICE_EFAULT)
}
