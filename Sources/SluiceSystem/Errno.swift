// The one funnel for errno: typed error numbers, an error that says what was tried, and the retry after EINTR.
// Nothing else in the house reads errno. Would-block is a value (`Errno.wouldBlock`), never a surprise.
// Read next: `Descriptor.swift`.
@_exported import CSluiceSys

/// A kernel error number.
public struct Errno: RawRepresentable, Equatable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: Int32
    @inlinable @inline(__always) public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The calling thread's errno; meaningful only directly after a failed call.
    @inlinable @inline(__always) public static var current: Errno { Errno(rawValue: __errno_location().pointee) }

    public static var interrupted: Errno { Errno(rawValue: EINTR) }
    /// EAGAIN, which Linux also uses for EWOULDBLOCK.
    public static var wouldBlock: Errno { Errno(rawValue: EAGAIN) }
    public static var addressInUse: Errno { Errno(rawValue: EADDRINUSE) }
    public static var addressNotAvailable: Errno { Errno(rawValue: EADDRNOTAVAIL) }
    public static var accessDenied: Errno { Errno(rawValue: EACCES) }
    public static var notPermitted: Errno { Errno(rawValue: EPERM) }
    public static var noEntry: Errno { Errno(rawValue: ENOENT) }
    public static var exists: Errno { Errno(rawValue: EEXIST) }
    public static var invalid: Errno { Errno(rawValue: EINVAL) }
    public static var noSpace: Errno { Errno(rawValue: ENOSPC) }
    public static var brokenPipe: Errno { Errno(rawValue: EPIPE) }
    public static var connectionReset: Errno { Errno(rawValue: ECONNRESET) }
    public static var connectionRefused: Errno { Errno(rawValue: ECONNREFUSED) }
    public static var notConnected: Errno { Errno(rawValue: ENOTCONN) }
    public static var messageTooLong: Errno { Errno(rawValue: EMSGSIZE) }
    public static var noSuchProcess: Errno { Errno(rawValue: ESRCH) }

    /// "permission denied (13)"
    public var description: String {
        let text = String(cString: strerror(rawValue))  // static or thread-local in glibc; copied at once
        return text.prefix(1).lowercased() + text.dropFirst() + " (\(rawValue))"
    }
}

/// A failed system call: what was being done, to what, why it failed, and what would mend it where that is known.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    public var errno: Errno
    /// "open /var/log/sluice/access.log"
    public var action: String
    /// What would mend it; empty when the error number says enough.
    public var cure: String

    public init(_ errno: Errno, _ action: String, cure: String = "") {
        self.errno = errno
        self.action = action
        self.cure = cure
    }
    /// "cannot open /var/log/x: permission denied (13); run as root or choose another path"
    public var description: String { "cannot \(action): \(errno)" + (cure.isEmpty ? "" : "; \(cure)") }
}

/// Calls `body` again while it is interrupted by a signal. The result is the call's own: negative means errno is set.
@inlinable @inline(__always) public func uninterrupted<T: SignedInteger>(_ body: () -> T) -> T {
    while true {
        let r = body()
        if r >= 0 || __errno_location().pointee != EINTR { return r }
    }
}

/// Like `uninterrupted`, but a failure is thrown with the words of `action`. Not for the request path.
@discardableResult
public func check<T: SignedInteger>(_ action: @autoclosure () -> String, _ body: () -> T) throws(SystemError) -> T {
    let r = uninterrupted(body)
    if r < 0 {
        let e = Errno.current  // before `action` allocates
        throw SystemError(e, action())
    }
    return r
}
