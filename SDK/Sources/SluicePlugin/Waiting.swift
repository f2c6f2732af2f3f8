// What asynchronous hooks and background tasks can wait for, besides HTTP (`HTTPClient.swift`).
import CSluiceABI

private let callback: sluice_callback = { data, status in Wait.end(data, status) }

/// Waits `milliseconds` (0…2,147,483,647). Throws `HostError.cancelled` when the request or the plugin ends meanwhile.
public func sleep(milliseconds: Int) async throws(HostError) {
    guard let loop = Tables.loop else { throw .unsupported }
    let after = UInt32(clamping: min(milliseconds, Int(Int32.max)))
    try check(
        await Wait().run { wait, data in
            loop.pointee.start_timer(Tables.host, after, 0, callback, data, &wait.task)
        })
}

/// For what a descriptor can be ready.
@frozen public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let reading = Readiness(rawValue: 1)
    public static let writing = Readiness(rawValue: 4)
}

/// Waits until a non-blocking descriptor of the plugin is ready for one of `events`, so that any client library with a non-blocking mode
/// works. Returns what it is ready for; a hang-up counts. Throws `HostError.timedOut` after `timeoutMs`. One wait a descriptor at a time.
@discardableResult
public func wait(descriptor: Int32, for events: Readiness, timeoutMs: Int) async throws(HostError) -> Readiness {
    guard let loop = Tables.loop else { throw .unsupported }
    let status = await Wait().run { wait, data in
        loop.pointee.watch(Tables.host, descriptor, events.rawValue, UInt32(clamping: max(1, timeoutMs)), callback, data, &wait.task)
    }
    try check(status)
    return Readiness(rawValue: UInt32(status))
}

/// Milliseconds of a clock that only goes forward, read once a turn of the loop.
public var nowMs: UInt64 { Tables.loop.map { $0.pointee.now_ms(Tables.host) } ?? 0 }
