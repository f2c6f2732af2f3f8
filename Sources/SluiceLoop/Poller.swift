// Readiness by epoll: the only file that knows which kernel interface reports it. Another backend is one more file with
// the same face. Descriptors are registered once, edge-triggered, for reading, writing and hang-up.
import CSluiceSys
import SluiceSystem

/// Bits of a readiness event.
public enum Ready {
    @inlinable public static var read: UInt32 { UInt32(CS_EPOLLIN) }
    @inlinable public static var write: UInt32 { UInt32(CS_EPOLLOUT) }
    /// The peer sent its end of stream, or the connection broke: reading tells which.
    @inlinable public static var hangup: UInt32 { UInt32(CS_EPOLLRDHUP | CS_EPOLLHUP | CS_EPOLLERR) }
}

public struct Poller: ~Copyable {
    @usableFromInline let descriptor: Int32
    @usableFromInline let events: UnsafeMutablePointer<epoll_event>
    /// Events taken in one turn of the loop.
    public static var batchMax: Int { 512 }

    public init() {
        descriptor = epoll_create1(Int32(CS_EPOLL_CLOEXEC))
        precondition(descriptor >= 0, "epoll_create1 failed: errno \(cs_errno())")
        events = .allocate(capacity: Poller.batchMax)
    }
    deinit {
        close(descriptor)
        events.deallocate()
    }

    /// Registers for everything, edge-triggered: an event says what became ready, a short read or EAGAIN that it is used up.
    @inlinable public func addEdge(_ fd: Int32, token: UInt64) -> Bool {
        cs_epoll_ctl(descriptor, EPOLL_CTL_ADD, fd, UInt32(CS_EPOLLIN | CS_EPOLLOUT | CS_EPOLLRDHUP) | CS_EPOLLET, token) == 0
    }
    /// Registers for reading, level-triggered (listeners, channels, wake-ups).
    public func addLevel(_ fd: Int32, token: UInt64) -> Bool {
        cs_epoll_ctl(descriptor, EPOLL_CTL_ADD, fd, UInt32(CS_EPOLLIN), token) == 0
    }
    public func remove(_ fd: Int32) { _ = cs_epoll_ctl(descriptor, EPOLL_CTL_DEL, fd, 0, 0) }

    /// Waits up to `timeoutMs` (-1 = for ever); the number of events, 0 on a signal or a timeout.
    @inlinable public func wait(timeoutMs: Int32) -> Int {
        Int(max(0, epoll_wait(descriptor, events, Int32(Poller.batchMax), timeoutMs)))
    }
    @inlinable @inline(__always) public func bits(_ i: Int) -> UInt32 { cs_event_bits(events, Int32(truncatingIfNeeded: i)) }
    @inlinable @inline(__always) public func token(_ i: Int) -> UInt64 { cs_event_data(events, Int32(truncatingIfNeeded: i)) }
}

extension Poller {
    /// Registers for one event of `bits` (`Ready.read`, `Ready.write`; a hang-up always counts). 0 or errno: EEXIST (watched
    /// already), EPERM (a file that is always ready), EBADF.
    public func addOnce(_ fd: Int32, bits: UInt32, token: UInt64) -> Int32 {
        cs_epoll_ctl(descriptor, EPOLL_CTL_ADD, fd, bits | UInt32(CS_EPOLLRDHUP) | UInt32(CS_EPOLLONESHOT_BIT), token) == 0 ? 0 : cs_errno()
    }
    /// For another poller that this one is nested in: readable when events wait here.
    public var nestable: Int32 { descriptor }
}
