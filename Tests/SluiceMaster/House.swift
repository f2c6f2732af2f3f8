// A real `sluiced` in a directory of its own, for tests: starting it, waiting for what it logs, looking at its children, and
// control processes as scripts. The tests are in `HouseTests.swift`.
import SluiceModel
import SluiceRules
import SluiceSystem
import Testing

@testable import SluiceMaster

/// A running house in a directory of its own.
final class House {
    let directory: String
    var pid: pid_t = 0
    var configuration = Configuration()
    static let built = "\(#filePath)".components(upTo: "/Tests/") + "/.build/debug/sluiced"
    nonisolated(unsafe) static var count = 0

    init(workers: Int = 2, control: String = "exec sleep 100") throws {
        House.count += 1
        directory = "/tmp/sluice-house-\(getpid())-\(House.count)"
        try Files.makeDirectory(directory, mode: 0o755)
        // Copies: the master looks for `sluice` beside its own executable.
        try #require(House.shell("cp \(House.built) \(directory)/sluiced") == 0, "build the product sluiced first")
        try write("sluice", control.hasPrefix("#!") ? control : "#!/bin/sh\n" + control + "\n", mode: 0o755)
        configuration.workers = workers
        configuration.limits.connectionsMax = 64
        configuration.timeouts.drainMs = 2000
        configuration.stateDirectory = directory + "/state"
        configuration.pidFile = directory + "/state/sluiced.pid"
        configuration.log.errorPath = directory + "/error.log"
        configuration.listeners = [Listener(address: "unix:\(directory)/front"), Listener(address: "127.0.0.1:\(House.freePort())")]
    }
    deinit {
        if pid > 0 { ChildProcess.kill(pid, SIGKILL) }
        _ = House.shell("rm -rf \(directory)")
    }

    static func shell(_ command: String) -> Int32 {
        guard let pid = try? ChildProcess.spawn("/bin/sh", ["sh", "-c", command], descriptors: []) else { return -1 }
        if case .exited(let code)? = try? ChildProcess.wait(pid) { return code }
        return -1
    }
    static func freePort() -> UInt16 {
        let any: [UInt8] = [2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
        guard let fd = try? any.withUnsafeBytes({ try ListeningSocket.open($0, label: "any", backlog: 1, reusePort: false) }) else {
            return 0
        }
        defer { Descriptor.close(fd) }
        var a = sockaddr_in()
        var n = socklen_t(16)
        _ = withUnsafeMutableBytes(of: &a) { getsockname(fd, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &n) }
        return UInt16(bigEndian: a.sin_port)
    }
    func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws {
        let fd = try Descriptor.open("\(directory)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        defer { Descriptor.close(fd) }
        try Array(text.utf8).withUnsafeBytes { try Descriptor.writeAll(fd, $0) }
    }
    func read(_ name: String) -> String {
        guard let fd = try? Descriptor.open("\(directory)/\(name)", O_RDONLY) else { return "" }
        defer { Descriptor.close(fd) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let n = pread(fd, &bytes, bytes.count, 0)
        return String(decoding: bytes[..<max(0, n)], as: UTF8.self)
    }
    var log: String { read("error.log") }

    func image(revision: UInt64) throws -> [UInt8] {
        try ImageBuilder(
            configuration: configuration, revision: revision, resolve: { _ in [] }, routeSlot: { _ in 0 }, plugin: { _ in nil },
            configPath: directory + "/sluice.yaml"
        ).build()
    }
    func start(environment: [(String, String)] = []) throws {
        let fd = try image(revision: 1).withUnsafeBytes { try MemoryFile.sealed("image", $0) }
        defer { Descriptor.close(fd) }
        let out = try Descriptor.open(directory + "/stderr", O_WRONLY | O_CREAT | O_TRUNC)
        defer { Descriptor.close(out) }
        pid = try ChildProcess.spawn(
            directory + "/sluiced", ["sluiced", "--image-fd", "9"], environment: environment, descriptors: [(fd, 9), (out, 2), (out, 1)])
    }
    /// Waits until `text` was logged `times` times.
    func logged(_ text: String, times: Int = 1, within ms: Int = 10_000) -> Bool {
        eventually(within: ms) { self.log.occurrences(of: text) >= times }
    }
    func eventually(within ms: Int = 10_000, _ condition: () -> Bool) -> Bool {
        for _ in 0..<(ms / 5) {
            if condition() { return true }
            usleep(5000)
        }
        return condition()
    }
    /// Waits for the master's end.
    func end(within ms: Int = 10_000) -> ExitReason? {
        var result: ExitReason?
        _ = eventually(within: ms) {
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG) == pid { result = ExitReason(waitStatus: status) }
            return result != nil
        }
        if result != nil { pid = 0 }
        return result
    }
    /// Pids of the master's children that run as `role`.
    func children(_ role: String) -> [pid_t] {
        _ = House.shell("ps -o pid=,args= --ppid \(pid) | grep -e '\(role)' | awk '{print $1}' > \(directory)/children")
        return read("children").split(separator: "\n").compactMap { pid_t($0) }
    }
    func isListening() -> Bool { House.shell("ss -ltn | grep -q '\(configuration.listeners[1].address) '") == 0 }
}

extension String {
    func components(upTo marker: String) -> String {
        var prefix = self[...]
        while !prefix.isEmpty && !prefix.hasPrefix(marker) { prefix = prefix.dropFirst() }
        return String(self[..<prefix.startIndex])
    }
    func occurrences(of text: String) -> Int {
        var n = 0
        var rest = self[...]
        while let r = rest.firstRange(of: text) {
            n += 1
            rest = rest[r.upperBound...]
        }
        return n
    }
}

extension House {
    static func isRunning(_ pid: pid_t) -> Bool {
        guard ChildProcess.isAlive(pid) else { return false }
        return shell("grep -q '^State:.Z' /proc/\(pid)/status 2>/dev/null") != 0
    }

    /// A control process in Python: `receive()`, `send(…)`, `until(kind, n)`, `note(text)` and `directory` are there.
    static func script(_ body: String) -> String {
        """
        #!/usr/bin/env python3
        import array, os, socket, struct, sys
        s = socket.socket(fileno=3)
        directory = os.path.dirname(os.path.abspath(sys.argv[0]))
        def receive():
            data, fds, _, _ = socket.recv_fds(s, 8192, 8)
            if not data: sys.exit(0)
            kind, worker, revision, value, status, n = struct.unpack('<IIQQiI', data[:32])
            return kind, worker, revision, value, status, data[32:].decode(), fds
        def send(kind, revision=0, status=0, text='', fds=[]):
            t = text.encode()
            socket.send_fds(s, [struct.pack('<IIQQiI', kind, 0xffffffff, revision, 0, status, len(t)) + t], fds)
        def until(kind, n):
            found = []
            while len(found) < n:
                f = receive()
                if f[0] == kind: found.append(f)
            return found
        def note(text):
            with open(directory + '/notes', 'a') as f: f.write(text + '\\n')
        def memory(data):
            import fcntl
            fd = os.memfd_create('image', os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
            os.write(fd, data)
            fcntl.fcntl(fd, 1033, 15)
            return fd
        \(body)

        """
    }
}
