// poll(2) for the few descriptors of processes that are not on the request path. Workers use SluiceLoop's epoll.
import CSluiceSys

public enum Poll {
    /// Waits until `fd` is readable or its peer is gone; false when `timeoutMs` passed first (-1 waits for ever).
    public static func readable(_ fd: Int32, timeoutMs: Int32) throws(SystemError) -> Bool {
        try ready(fd, Int16(POLLIN), timeoutMs)
    }
    /// Waits until `fd` takes more data or its peer is gone.
    public static func writable(_ fd: Int32, timeoutMs: Int32) throws(SystemError) -> Bool {
        try ready(fd, Int16(POLLOUT), timeoutMs)
    }
    static func ready(_ fd: Int32, _ events: Int16, _ timeoutMs: Int32) throws(SystemError) -> Bool {
        var p = pollfd(fd: fd, events: events, revents: 0)
        return try check("poll descriptor \(fd)") { poll(&p, 1, timeoutMs) } > 0
    }
}

/// A set of descriptors that is filled anew for each wait; a place keeps its number until `removeAll`.
public struct PollSet {
    var entries: [pollfd] = []
    public init() {}
    public mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    /// Adds `fd`, always for reading; returns its place. A negative `fd` keeps its place and is never ready.
    @discardableResult
    public mutating func add(_ fd: Int32, writing: Bool = false) -> Int {
        entries.append(pollfd(fd: fd, events: Int16(POLLIN) | (writing ? Int16(POLLOUT) : 0), revents: 0))
        return entries.count - 1
    }
    /// Waits up to `timeoutMs` (-1 = for ever) for any of them. A signal ends the wait early, with nothing ready.
    public mutating func wait(timeoutMs: Int32) throws(SystemError) {
        let n = poll(&entries, UInt(entries.count), timeoutMs)
        if n < 0 {
            let e = Errno.current
            for i in entries.indices { entries[i].revents = 0 }
            if e != .interrupted { throw SystemError(e, "poll \(entries.count) descriptors") }
        }
    }
    /// Something to read, or the peer is gone (reading will say so).
    public func isReadable(_ place: Int) -> Bool { entries[place].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 }
    public func isWritable(_ place: Int) -> Bool { entries[place].revents & Int16(POLLOUT) != 0 }
}
