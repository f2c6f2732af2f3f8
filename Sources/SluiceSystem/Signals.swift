// Signals as data: a blocked set that is read from a descriptor, so that no code of ours ever runs inside a handler.
// Handlers for crash records belong to the plugin host. (The Swift runtime installs its own for SIGSEGV and others only
// when SWIFT_BACKTRACE asks for it.)
import CSluiceSys

/// Blocks signals and turns them into reads. The descriptor is non-blocking and close-on-exec.
public struct SignalDescriptor: Sendable {
    public let fd: Int32

    public init(_ signals: [Int32]) throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        for s in signals { sigaddset(&set, s) }
        try check("block signals") { sigprocmask(SIG_BLOCK, &set, nil) }
        fd = try check("open a signal descriptor") { signalfd(-1, &set, Int32(CS_SOCK_NONBLOCK | CS_SOCK_CLOEXEC)) }
    }

    /// The next pending signal and its sender, or nil. Equal signals that came together are reported once.
    public func next() -> (signal: Int32, sender: pid_t)? {
        var info = signalfd_siginfo()
        let n = uninterrupted { read(fd, &info, MemoryLayout<signalfd_siginfo>.size) }
        return n == MemoryLayout<signalfd_siginfo>.size ? (Int32(info.ssi_signo), pid_t(info.ssi_pid)) : nil
    }
    public func close() { Descriptor.close(fd) }
}

public enum Signals {
    /// Writing to a closed pipe or socket becomes EPIPE instead of death.
    public static func ignoreBrokenPipes() { cs_ignore_signal(SIGPIPE) }
    /// Unblocks everything: for tests and for a program that hands itself over to another.
    public static func unblockAll() {
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
    }
}
