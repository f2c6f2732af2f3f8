// The pid file: the number for scripts, and a lock that tells a running master from a file that a crash left behind.
// The lock (flock) ends with the process, so a stale file is never mistaken for a live one.
import CSluiceSys

public struct PidFile: Sendable {
    public let path: String
    /// The pid found in a file whose owner was gone.
    public let stalePid: pid_t?
    let fd: Int32

    /// Takes the file for this process; its content becomes our pid and a newline.
    /// - Throws: SystemError; "already running" names the pid that holds the lock.
    public init(_ path: String) throws(SystemError) {
        self.path = path
        while true {
            let fd = try Descriptor.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o644)
            if uninterrupted({ flock(fd, LOCK_EX | LOCK_NB) }) < 0 {
                let e = Errno.current
                let owner = PidFile.content(fd)
                Descriptor.close(fd)
                throw SystemError(
                    e, "lock pid file \(path)",
                    cure: "another master\(owner.map { " (pid \($0))" } ?? "") runs with it: stop that one, or choose another pid_file")
            }
            if !PidFile.isAt(path, fd) {  // its owner removed it between our open and our lock
                Descriptor.close(fd)
                continue
            }
            self.fd = fd
            stalePid = PidFile.content(fd)
            break
        }
        try check("empty pid file \(path)") { ftruncate(fd, 0) }
        var text = "\(getpid())\n"
        text = text.withUTF8 { b in
            _ = pwrite(fd, b.baseAddress, b.count, 0); return ""
        }
    }

    /// Removes the file (still locked, so nobody else's) and lets go of it.
    public func remove() {
        if PidFile.isAt(path, fd) { unlink(path) }
        Descriptor.close(fd)
    }

    static func content(_ fd: Int32) -> pid_t? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let n = pread(fd, &bytes, bytes.count, 0)
        guard n > 0 else { return nil }
        return pid_t(String(decoding: bytes[..<n].prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self))
    }

    static func isAt(_ path: String, _ fd: Int32) -> Bool {
        var a = stat(), b = stat()
        return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev
    }
}
