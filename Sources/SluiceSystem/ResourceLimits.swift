// Limits of the process that children inherit: open files and core size.
import CSluiceSys

public enum ResourceLimits {
    public static func openFiles() throws(SystemError) -> (soft: UInt64, hard: UInt64) {
        var l = rlimit()
        try check("read the limit of open files") { getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &l) }
        return (UInt64(l.rlim_cur), UInt64(l.rlim_max))
    }

    /// Raises the soft limit to at least `needed`, and the hard limit too when the process may. Never lowers anything.
    public static func raiseOpenFiles(to needed: UInt64) throws(SystemError) {
        let now = try openFiles()
        if now.soft >= needed { return }
        var l = rlimit(rlim_cur: rlim_t(needed), rlim_max: rlim_t(max(needed, now.hard)))
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &l) == 0 { return }
        throw SystemError(
            .current, "raise the limit of open files to \(needed) (soft \(now.soft), hard \(now.hard))",
            cure: "raise the hard limit (systemd: LimitNOFILE=\(needed); shell: ulimit -Hn \(needed)) or lower limits.connections")
    }

    /// Largest core file in bytes; 0 = none. Above the hard limit it is an error unless the process is root.
    public static func setCore(_ bytes: UInt64) throws(SystemError) {
        var l = rlimit()
        try check("read the limit of core files") { getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &l) }
        l.rlim_cur = rlim_t(bytes)
        if l.rlim_cur > l.rlim_max { l.rlim_max = l.rlim_cur }
        try check("set the limit of core files to \(bytes) bytes") { setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &l) }
    }

    /// Lowers the limits of a process that may be killed for reaching them: core file (bytes), time on the processor, address space.
    public static func set(core: UInt64, cpuSeconds: UInt64, memory: UInt64) throws(SystemError) {
        for (what, wanted) in [(RLIMIT_CORE, core), (RLIMIT_CPU, cpuSeconds), (RLIMIT_AS, memory)] {
            var l = rlimit()
            try check("read a resource limit") { getrlimit(__rlimit_resource_t(what.rawValue), &l) }
            l.rlim_cur = min(l.rlim_max, rlim_t(wanted))
            try check("lower a resource limit") { setrlimit(__rlimit_resource_t(what.rawValue), &l) }
        }
    }
}
