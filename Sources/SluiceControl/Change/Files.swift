// Files the careful way: bounded reads, and replacing as a whole (temporary file, fsync, rename, fsync of the folder).
import Foundation

struct FileProblem: Error, CustomStringConvertible {
    var description: String
    init(_ what: String, _ path: String, _ code: Int32 = errno) {
        description = "cannot \(what) \(path): \(String(cString: strerror(code))) (\(code))"
    }
    init(text: String) { description = text }
}

enum FileIO {
    /// The whole of a regular file of at most `max` bytes.
    static func read(_ path: String, max: Int) throws -> [UInt8] {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard fd >= 0 else { throw FileProblem("open", path) }
        defer { close(fd) }
        var info = stat()
        guard fstat(fd, &info) == 0 else { throw FileProblem("stat", path) }
        guard info.st_mode & S_IFMT == S_IFREG else { throw FileProblem(text: "\(path) is no regular file") }
        guard info.st_size <= max else { throw FileProblem(text: "\(path) has \(info.st_size) bytes; allowed: at most \(max)") }
        var out: [UInt8] = []
        while true {
            let room = min(max + 1 - out.count, Swift.max(4096, Int(info.st_size) + 1 - out.count))
            var failed: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                let got = Glibc.read(fd, buffer.baseAddress, room)
                failed = got < 0 ? errno : 0
                count = Swift.max(0, got)
            }
            if failed == EINTR { continue }
            if failed != 0 { throw FileProblem("read", path, failed) }
            if chunk.isEmpty { return out }
            out += chunk
            guard out.count <= max else { throw FileProblem(text: "\(path) has more than \(max) bytes; allowed: at most that") }
        }
    }

    /// Standard input to its end; at most `max` bytes.
    static func standardInput(max: Int) throws -> [UInt8] {
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let n = Glibc.read(STDIN_FILENO, &buffer, buffer.count)
            if n < 0 && errno == EINTR { continue }
            guard n >= 0 else { throw FileProblem("read", "standard input") }
            if n == 0 { return out }
            out += buffer[..<n]
            guard out.count <= max else { throw FileProblem(text: "standard input has more than \(max) bytes; allowed: at most that") }
        }
    }

    static func replace(_ path: String, with bytes: [UInt8], mode: mode_t) throws {
        let temporary = path + ".\(getpid()).tmp"
        unlink(temporary)
        let fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard fd >= 0 else { throw FileProblem("create", temporary) }
        defer { close(fd) }
        do {
            try write(bytes, to: fd, path: temporary)
            guard fchmod(fd, mode) == 0, fsync(fd) == 0 else { throw FileProblem("write", temporary) }
            guard rename(temporary, path) == 0 else { throw FileProblem("rename", temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        syncFolder(of: path)
    }

    static func write(_ bytes: [UInt8], to fd: Int32, path: String) throws {
        var done = 0
        while done < bytes.count {
            let n = bytes.withUnsafeBytes { Glibc.write(fd, $0.baseAddress! + done, bytes.count - done) }
            if n < 0 && errno == EINTR { continue }
            guard n > 0 else { throw FileProblem("write", path) }
            done += n
        }
    }

    static func syncFolder(of path: String) {
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    /// `path` from the working directory; nothing is looked up.
    static func absolute(_ path: String, from folder: String = FileManager.default.currentDirectoryPath) -> String {
        path.hasPrefix("/") ? path : (folder + "/" + path as NSString).standardizingPath
    }
}
