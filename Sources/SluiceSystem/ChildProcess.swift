// Starting, waiting for and killing child processes: posix_spawn with exactly the descriptors that are named, an empty
// signal mask and default dispositions, whatever the parent has. Nothing here supervises; that is SluiceMaster.
import CSluiceSys

/// How a child ended, from its wait status.
public enum ExitReason: Equatable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    public init(waitStatus s: Int32) { self = s & 0x7f == 0 ? .exited((s >> 8) & 0xff) : .signalled(s & 0x7f) }
    /// As wait(2) gave it, without the core flag.
    public var waitStatus: Int32 {
        switch self {
        case .exited(let code): code << 8
        case .signalled(let number): number
        }
    }
    /// "exited with status 1", "died of signal 9"
    public var description: String {
        switch self {
        case .exited(let code): "exited with status \(code)"
        case .signalled(let number): "died of signal \(number)"
        }
    }
}

public enum ChildProcess {
    /// Starts `path` with `arguments` (argument 0 included), the parent's environment plus `environment` (wins on equal names).
    /// `descriptors` says which of ours become which of the child's; apart from them it has standard output and standard
    /// error. The child leads a process group of its own, so that a terminal's signals reach the parent only.
    public static func spawn(
        _ path: String, _ arguments: [String], environment: [(String, String)] = [], descriptors: [(ours: Int32, theirs: Int32)]
    ) throws(SystemError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        setAttributes(&attributes)
        let moved = try safeNumbers(descriptors)
        defer { for m in moved where m.temporary { Descriptor.close(m.ours) } }
        for m in moved { posix_spawn_file_actions_adddup2(&actions, m.ours, m.theirs) }

        var pid: pid_t = 0
        let e = withCStrings(arguments) { argv in
            withCStrings(merged(environment)) { envp in posix_spawn(&pid, path, &actions, &attributes, argv, envp) }
        }
        if e != 0 { throw SystemError(Errno(rawValue: e), "start \(path)") }
        return pid
    }

    static func setAttributes(_ attributes: inout posix_spawnattr_t) {
        var none = sigset_t(), all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETPGROUP)
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    /// Moves sources out of the way of targets: dup2 in sequence would overwrite a source that is still needed.
    static func safeNumbers(
        _ descriptors: [(ours: Int32, theirs: Int32)]
    ) throws(SystemError) -> [(ours: Int32, theirs: Int32, temporary: Bool)] {
        let high = (descriptors.map(\.theirs).max() ?? 0) + 1
        var result: [(ours: Int32, theirs: Int32, temporary: Bool)] = []
        for d in descriptors {
            if d.ours >= high {
                result.append((d.ours, d.theirs, false))
                continue
            }
            do {
                result.append((try Descriptor.duplicate(d.ours, from: high), d.theirs, true))
            } catch {
                for r in result where r.temporary { Descriptor.close(r.ours) }
                throw error
            }
        }
        return result
    }

    /// Our environment as NAME=value strings, `extra` in place of equal names.
    static func merged(_ extra: [(String, String)]) -> [String] {
        var result: [String] = []
        var p = cs_environ()
        while let variables = p, let entry = variables.pointee {
            let text = String(cString: entry)
            if !extra.contains(where: { text.hasPrefix($0.0 + "=") }) { result.append(text) }
            p = variables + 1
        }
        return result + extra.map { $0.0 + "=" + $0.1 }
    }

    /// One child that ended, or nil when none has. Call until nil after each SIGCHLD.
    public static func reap() -> (pid: pid_t, reason: ExitReason)? {
        var status: Int32 = 0
        let pid = uninterrupted { waitpid(-1, &status, WNOHANG) }
        return pid > 0 ? (pid, ExitReason(waitStatus: status)) : nil
    }

    /// Waits for `pid` to end.
    public static func wait(_ pid: pid_t) throws(SystemError) -> ExitReason {
        var status: Int32 = 0
        try check("wait for process \(pid)") { waitpid(pid, &status, 0) }
        return ExitReason(waitStatus: status)
    }

    /// Waits for `pid` to end, until `untilMs` (`SystemClock.monotonicMs`), looking every 2 ms; nil: it still runs.
    public static func wait(_ pid: pid_t, untilMs: UInt64) throws(SystemError) -> ExitReason? {
        while true {
            var status: Int32 = 0
            if try check("wait for process \(pid)", { waitpid(pid, &status, WNOHANG) }) == pid { return ExitReason(waitStatus: status) }
            if SystemClock.monotonicMs() >= untilMs { return nil }
            usleep(2_000)
        }
    }

    /// Sends `signal`; a process that is gone already is no error.
    public static func kill(_ pid: pid_t, _ signal: Int32) { if pid > 1 { _ = CSluiceSys.kill(pid, signal) } }

    public static func isAlive(_ pid: pid_t) -> Bool { CSluiceSys.kill(pid, 0) == 0 || Errno.current != .noSuchProcess }

    /// Replaces the running program; returns only by throwing.
    public static func replace(_ path: String, _ arguments: [String]) throws(SystemError) -> Never {
        withCStrings(arguments) { argv in _ = execve(path, argv, cs_environ()) }
        throw SystemError(.current, "start \(path)")
    }

    /// The caller is killed when its parent dies; exits at once when the parent (`expected`) is gone already. Call it again
    /// after a change of user: the kernel forgets it then.
    public static func dieWithParent(_ expected: pid_t) throws(SystemError) {
        try check("bind to the parent's life") { cs_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL)) }
        if getppid() != expected { exit(1) }
    }

    /// Path of the running executable, also when the file was replaced since the start.
    public static func executablePath() throws(SystemError) -> String {
        let path = try Files.readLink("/proc/self/exe")
        return path.hasSuffix(" (deleted)") ? String(path.dropLast(10)) : path
    }
}

/// `strings` as a NULL-terminated C array that is valid during `body`.
func withCStrings<R>(_ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R) -> R {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { for p in pointers { free(p) } }
    return body(&pointers)
}
