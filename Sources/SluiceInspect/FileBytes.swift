// Reads a whole regular file into memory. Not mapped: a file that shrinks while it is mapped kills the reader.
import Glibc

enum FileBytes {
    static func read(_ path: String, max: Int = PluginInspector.fileBytesMax) throws(InspectError) -> [UInt8] {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  // O_NONBLOCK: a FIFO must not hold us
        guard fd >= 0 else { throw failed("open") }
        defer { close(fd) }
        var info = stat()
        guard fstat(fd, &info) == 0 else { throw failed("stat") }
        guard info.st_mode & S_IFMT == S_IFREG else { throw InspectError("not a regular file") }
        guard info.st_size <= max else {
            throw InspectError("\(info.st_size) bytes; at most \(max) are read")
        }
        var bytes = [UInt8](repeating: 0, count: Int(info.st_size))
        var done = 0
        while done < bytes.count {
            let n = bytes.withUnsafeMutableBytes { Glibc.read(fd, $0.baseAddress! + done, $0.count - done) }
            if n < 0 && errno == EINTR { continue }
            if n < 0 { throw failed("read") }
            if n == 0 { break }
            done += n
        }
        bytes.removeLast(bytes.count - done)
        return bytes
    }

    private static func failed(_ what: String) -> InspectError {
        InspectError("cannot \(what) it: \(String(cString: strerror(errno))) (\(errno))")
    }
}
