// Names to addresses, asynchronously and without a thread: c-ares (`CSluiceAres`) reads resolv.conf and hosts and asks the servers.
// Nothing is kept: connections are, by those who use them. Turned by its owner, like a poller.
import CSluiceAres
import CSluiceSys

/// A socket address, ready for connect(2).
public struct SocketAddress {
    public var storage: sockaddr_storage
    public var length: UInt32
    public init(storage: sockaddr_storage = sockaddr_storage(), length: UInt32 = 0) { (self.storage, self.length) = (storage, length) }
    public var family: Int32 { Int32(storage.ss_family) }
}

/// One question and its answer. Drop `whenDone` to stop listening.
public final class Lookup {
    /// Empty: the name has no address, or nobody answered.
    public fileprivate(set) var addresses: [SocketAddress] = []
    public fileprivate(set) var isDone = false
    /// Called once, on the worker, when the answer is there.
    public var whenDone: (() -> Void)?
    fileprivate init() {}
}

public final class Resolver {
    private let raw: OpaquePointer
    /// Lookups that are not done.
    public private(set) var pending = 0
    /// Milliseconds to wait for one server, and how often each is asked.
    static let timeoutMs: Int32 = 2_000, tries: Int32 = 2

    /// nil: no memory or no descriptor.
    public init?() {
        guard let raw = cs_resolver_new(Resolver.timeoutMs, Resolver.tries) else { return nil }
        self.raw = raw
    }
    deinit { cs_resolver_free(raw) }

    /// Readable when `process` has something to do.
    public var descriptor: Int32 { cs_resolver_descriptor(raw) }
    /// Milliseconds until `process` has something to do without that; -1: nothing is asked.
    public var waitMs: Int32 { pending == 0 ? -1 : cs_resolver_wait_ms(raw) }
    public func process() { cs_resolver_process(raw) }

    /// Asks for the addresses of `name`; may be done at once.
    public func find(_ name: String, port: UInt16) -> Lookup {
        let lookup = Lookup()
        pending += 1
        let question = Question(lookup, self)
        cs_resolve(
            raw, name, port,
            { argument, found, count in
                let q = Unmanaged<Question>.fromOpaque(argument!).takeRetainedValue()
                q.resolver.pending -= 1
                q.lookup.addresses = (0..<Int(count)).map { SocketAddress(storage: found![$0].storage, length: found![$0].length) }
                q.lookup.isDone = true
                let tell = q.lookup.whenDone
                q.lookup.whenDone = nil
                tell?()
            }, Unmanaged.passRetained(question).toOpaque())
        return lookup
    }

    /// What c-ares carries for one lookup.
    private final class Question {
        let lookup: Lookup
        unowned(unsafe) let resolver: Resolver  // cs_resolver_free ends every lookup while the resolver still is
        init(_ lookup: Lookup, _ resolver: Resolver) { (self.lookup, self.resolver) = (lookup, resolver) }
    }
}
