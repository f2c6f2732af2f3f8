// File descriptors of files and pipes, and the few file-system calls the house needs. Plain Int32 numbers: who owns one
// is said where it is kept. Everything opened here is close-on-exec. Sockets' data path is in `Socket.swift`.
import CSluiceSys

public enum Descriptor {
    /// Opens `path`; `flags` as open(2) without O_CLOEXEC, `mode` for files that are created (before the umask).
    public static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o640) throws(SystemError) -> Int32 {
        try check("open \(path)") { cs_open(path, flags | O_CLOEXEC, mode) }
    }

    /// A log file: appended to, created 0640 when missing. Never becomes the controlling terminal, never blocks on a pipe.
    /// - Parameter owner: whose a file is that had to be created. One that exists stays its owner's: whoever may write to its
    ///   folder could have put a link there, and root would give the link's target away.
    public static func openLog(_ path: String, owner: Identity? = nil) throws(SystemError) -> Int32 {
        let flags = O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK
        do throws(SystemError) {
            guard let owner, Privileges.isRoot else { return try open(path, flags | O_CREAT) }
            let made = cs_open(path, flags | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
            if made < 0 { return try open(path, flags) }
            do throws(SystemError) {
                try check("give \(path) to user \(owner.userName)") { fchown(made, owner.user, owner.group) }
            } catch {
                close(made)
                throw error
            }
            return made
        } catch {
            var e = error
            if e.errno == .noEntry { e.cure = "create its directory first" }
            if e.errno == .accessDenied { e.cure = "give the user that starts sluiced write access, or choose another path" }
            if e.errno.rawValue == ENXIO { e.cure = "it is a pipe that nobody reads: start its reader first" }
            throw e
        }
    }

    /// close(2). The number is gone even when the kernel reports an error, so there is nothing to retry and nothing to say.
    public static func close(_ fd: Int32) { if fd >= 0 { _ = CSluiceSys.close(fd) } }

    /// A close-on-exec duplicate numbered at least `minimum`.
    public static func duplicate(_ fd: Int32, from minimum: Int32 = 0) throws(SystemError) -> Int32 {
        try check("duplicate descriptor \(fd)") { cs_fcntl(fd, F_DUPFD_CLOEXEC, Int(minimum)) }
    }

    public static func setNonBlocking(_ fd: Int32, _ on: Bool = true) throws(SystemError) {
        let flags = try check("read the flags of descriptor \(fd)") { cs_fcntl(fd, F_GETFL, 0) }
        let wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
        try check("set the flags of descriptor \(fd)") { cs_fcntl(fd, F_SETFL, Int(wanted)) }
    }

    /// Closes every descriptor numbered `first` or more.
    public static func closeAll(from first: Int32) throws(SystemError) {
        try check("close descriptors from \(first)") { cs_close_from(UInt32(first)) }
    }

    /// Makes `theirs` mean what `ours` means; not close-on-exec.
    public static func replace(_ theirs: Int32, with ours: Int32) throws(SystemError) {
        try check("put descriptor \(ours) in the place of \(theirs)") { dup2(ours, theirs) }
    }

    public static func isOpen(_ fd: Int32) -> Bool { cs_fcntl(fd, F_GETFD, 0) >= 0 }

    public static func setCloseOnExec(_ fd: Int32) throws(SystemError) {
        try check("set descriptor \(fd) close-on-exec") { cs_fcntl(fd, F_SETFD, Int(FD_CLOEXEC)) }
    }

    /// Size in bytes of the file behind `fd`.
    public static func size(_ fd: Int32) throws(SystemError) -> Int {
        var s = stat()
        try check("read the size of descriptor \(fd)") { fstat(fd, &s) }
        return Int(s.st_size)
    }

    /// Writes all of `bytes`, however many calls that takes; for small files, not for logs.
    public static func writeAll(_ fd: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = bytes
        while let p = rest.baseAddress, rest.count > 0 {
            let n = try check("write to descriptor \(fd)") { write(fd, p, rest.count) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(n))
        }
    }
}

public enum Files {
    /// Makes the directory (not its parents) when it is missing; true when it was made.
    @discardableResult
    public static func makeDirectory(_ path: String, mode: mode_t) throws(SystemError) -> Bool {
        let r = uninterrupted { mkdir(path, mode) }
        if r == 0 { return true }
        let e = Errno.current
        if e == .exists { return false }
        throw SystemError(e, "make directory \(path)", cure: e == .noEntry ? "create the directories above it first" : "")
    }

    /// Target of a symbolic link; up to 4095 bytes.
    public static func readLink(_ path: String) throws(SystemError) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let n = try check("read link \(path)") { readlink(path, &buffer, buffer.count - 1) }
        return String(decoding: buffer[..<n].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes a file; that it is missing already is no error.
    public static func remove(_ path: String) throws(SystemError) {
        let r = uninterrupted { unlink(path) }
        if r < 0 {
            let e = Errno.current
            if e != .noEntry { throw SystemError(e, "remove \(path)") }
        }
    }
}
