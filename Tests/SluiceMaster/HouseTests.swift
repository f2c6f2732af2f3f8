// The real `sluiced` with a real image: started, hurt, changed and stopped. The control process beside it is a shell or
// Python script, so that each test decides what it says. Every wait is bounded.
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

@Suite(.serialized, .timeLimit(.minutes(2))) struct HouseTests {
    @Test func servesAndDrains() throws {
        let house = try House()
        try house.start()
        #expect(
            house.logged("serving revision 1 on unix:\(house.directory)/front, \(house.configuration.listeners[1].address) with 2 workers"))
        #expect(house.read("state/sluiced.pid") == "\(house.pid)\n")
        #expect(house.isListening())
        #expect(house.eventually { house.children("--worker").count == 2 })
        ChildProcess.kill(house.pid, SIGTERM)
        #expect(house.end() == .exited(0))
        #expect(house.log.contains("draining for up to 2000 ms") && house.log.contains("notice master["))
        #expect(access(house.directory + "/state/sluiced.pid", F_OK) != 0 && access(house.directory + "/front", F_OK) != 0)
        #expect(!house.isListening())
    }

    @Test func killedWorkersAreReplacedAtOnce() throws {
        let house = try House()
        try house.start()
        #expect(house.logged("serving revision 1"))
        #expect(house.eventually { house.children("--worker 1").count == 1 })
        for round in 1...3 {
            usleep(1_100_000)  // old enough not to count as failing to start
            let victim = try #require(house.children("--worker 1").first)
            ChildProcess.kill(victim, SIGKILL)
            #expect(house.logged("respawned in", times: round))
            #expect(house.log.contains("worker 1 (pid \(victim)) died of signal 9 after 1."))
        }
        for line in house.log.split(separator: "\n") where line.contains("respawned in") {
            let words = line.split(separator: " ")
            let ms = try #require(Int(words[words.count - 2]))
            #expect(ms < 100, "successors serve within 100 ms: \(line)")
        }
        #expect(house.children("--worker").count == 2)
        ChildProcess.kill(house.pid, SIGINT)
        #expect(house.end(within: 3000) == .exited(0))
    }

    @Test func aSecondMasterIsRefused() throws {
        let house = try House()
        try house.start()
        #expect(house.logged("serving revision 1"))
        let second = try House()
        second.configuration.listeners = [house.configuration.listeners[1]]
        second.configuration.log.errorPath = nil
        try second.start()
        #expect(second.end() == .exited(1))
        #expect(
            second.read("stderr").contains(
                "cannot start: cannot listen on \(house.configuration.listeners[1].address): address already in use (98); "
                    + "another process listens there"
            ))
        second.configuration.listeners = [Listener(address: "unix:\(second.directory)/front")]
        second.configuration.pidFile = house.configuration.pidFile
        try second.start()
        #expect(second.end() == .exited(1))
        #expect(second.read("stderr").contains("another master (pid \(house.pid)) runs with it"))
        #expect(house.read("state/sluiced.pid") == "\(house.pid)\n")
        ChildProcess.kill(house.pid, SIGTERM)
        #expect(house.end() == .exited(0))
    }

    @Test func nobodyOutlivesTheMaster() throws {
        let house = try House()
        try house.start()
        #expect(house.logged("serving revision 1"))
        #expect(house.eventually { house.children("sleep").count == 1 && house.children("--worker").count == 2 })
        let everyone = house.children("sleep") + house.children("--worker")
        ChildProcess.kill(house.pid, SIGKILL)
        #expect(house.end() == .signalled(9))
        #expect(house.eventually { !everyone.contains(where: House.isRunning) })
        // The pid file is stale now, the socket file too: the next master takes both over.
        try house.start()
        #expect(house.logged("which is gone, taken over"))
        #expect(house.logged("serving revision 1", times: 2))
        ChildProcess.kill(house.pid, SIGTERM)
        #expect(house.end() == .exited(0))
    }

    @Test func logsAreOpenedAgain() throws {
        let house = try House()
        try house.start()
        #expect(house.logged("serving revision 1"))
        #expect(rename(house.directory + "/error.log", house.directory + "/error.old") == 0)
        ChildProcess.kill(house.pid, SIGUSR1)
        #expect(house.logged("logs opened again"))
        #expect(house.read("error.old").contains("serving revision 1") && !house.log.contains("serving"))
        ChildProcess.kill(house.pid, SIGTERM)
        #expect(house.end() == .exited(0))
    }

    @Test func theControlProcessComesBackAndIsToldTheCurrentImage() throws {
        let house = try House(
            control: House.script(
                """
                kind, worker, revision, value, status, text, fds = receive()
                assert kind == 6 and len(fds) == 2, kind
                note('welcome %d' % revision)
                while receive()[0] != 9: pass
                note('reload')
                send(10, text='as it was')
                while True: receive()
                """))
        try house.start()
        #expect(house.eventually { house.read("notes") == "welcome 1\n" })
        ChildProcess.kill(house.pid, SIGHUP)
        #expect(house.logged("configuration read again: as it was"))
        let victim = try #require(house.children("channel-fd 3").first)
        ChildProcess.kill(victim, SIGKILL)
        #expect(house.logged("control process (pid \(victim)) died of signal 9"))
        #expect(house.eventually { house.read("notes") == "welcome 1\nreload\nwelcome 1\n" })
        #expect(house.children("--worker").count == 2)
        ChildProcess.kill(house.pid, SIGTERM)
        #expect(house.end() == .exited(0))
    }

    /// The whole path of a change: a listener comes, another goes, and a worker that starts later has it all.
    @Test func aChangeReachesEveryWorker() throws {
        let house = try House(
            control: House.script(
                """
                receive()
                image = open(directory + '/image.2', 'rb').read()
                fd = memory(image)
                send(1, revision=2, fds=[fd])
                answers = until(2, 2)
                note('prepared %s' % sorted((f[1], f[4]) for f in answers))
                send(3, revision=2)
                note('committed %s' % sorted((f[1], f[4]) for f in until(4, 2)))
                send(1, revision=2, fds=[fd])
                note('again %s' % until(2, 1)[0][5])
                send(1, revision=3, fds=[os.open('/dev/null', os.O_RDONLY)])
                note('bad %s' % until(2, 1)[0][5])
                while True: receive()
                """))
        let old = house.configuration.listeners[1].address
        let first = house.configuration
        house.configuration.listeners = [house.configuration.listeners[0], Listener(address: "127.0.0.1:\(House.freePort())")]
        let image = try house.image(revision: 2)
        let fd = try Descriptor.open(house.directory + "/image.2", O_WRONLY | O_CREAT)
        try image.withUnsafeBytes { try Descriptor.writeAll(fd, $0) }
        Descriptor.close(fd)
        let next = house.configuration
        house.configuration = first
        try house.start()
        #expect(house.eventually { house.read("notes").contains("bad") })
        let notes = house.read("notes").split(separator: "\n")
        #expect(notes.first == "prepared [(0, 0), (1, 0)]")
        #expect(notes.dropFirst().first == "committed [(0, 0), (1, 0)]")
        #expect(notes.contains("again revision 2 is not newer than 2, which runs"))
        #expect(notes.contains { $0.hasPrefix("bad image refused: descriptor") })
        #expect(house.logged("no longer listening on \(old)"))
        #expect(!house.isListening())
        house.configuration = next
        #expect(house.isListening())
        let victim = try #require(house.children("--worker 0").first)
        ChildProcess.kill(victim, SIGKILL)
        #expect(house.logged("worker 0 (pid \(victim)) died of signal 9"))
        #expect(house.eventually { house.children("--worker").count == 2 })
        ChildProcess.kill(house.pid, SIGTERM)
        #expect(house.end() == .exited(0))
    }

    @Test func aMissingControlProgramHurtsNobody() throws {
        let house = try House()
        try Files.remove(house.directory + "/sluice")
        try house.start()
        #expect(house.logged("control process (pid", times: 2))
        #expect(house.log.contains("cannot start \(house.directory)/sluice: no such file or directory"))
        #expect(house.logged("deaths in a row soon after the start, next start in 200 ms"))
        #expect(house.children("--worker").count == 2)
        ChildProcess.kill(house.pid, SIGHUP)
        #expect(house.logged("the control process is not running") || house.log.contains("configuration"))
        ChildProcess.kill(house.pid, SIGTERM)
        #expect(house.end() == .exited(0))
    }

    @Test func badImagesAreRefused() throws {
        let house = try House()
        let out = try Descriptor.open(house.directory + "/stderr", O_WRONLY | O_CREAT | O_TRUNC)
        defer { Descriptor.close(out) }
        var bytes = try house.image(revision: 1)
        bytes[bytes.count / 2] ^= 1
        let corrupt = try bytes.withUnsafeBytes { try MemoryFile.sealed("bad", $0) }
        defer { Descriptor.close(corrupt) }
        let open = try MemoryFile.create("open", size: 4096)
        defer { Descriptor.close(open) }
        for (fd, text) in [(corrupt, "cannot start: "), (open, "no sealed memory file")] {
            let pid = try ChildProcess.spawn(
                house.directory + "/sluiced", ["sluiced", "--image-fd", "9"], descriptors: [(fd, 9), (out, 2)])
            #expect(try ChildProcess.wait(pid) == .exited(1))
            #expect(house.read("stderr").contains(text))
        }
        let pid = try ChildProcess.spawn(house.directory + "/sluiced", ["sluiced", "--image-fd", "99"], descriptors: [(out, 2)])
        #expect(try ChildProcess.wait(pid) == .exited(1))
        #expect(house.read("stderr").contains("bad file descriptor (9)"))
    }

    /// The data plane stays without Foundation and NIO, whoever imports what.
    @Test func linksNeitherFoundationNorNIO() throws {
        let house = try House()
        #expect(House.shell("readelf -d \(House.built) > \(house.directory)/needed") == 0)
        let needed = house.read("needed")
        #expect(needed.contains("libswiftCore.so"), "the reader found the section")
        for name in ["Foundation", "NIO", "libdispatch"] { #expect(!needed.contains(name)) }
        #expect(House.shell("nm -C \(House.built) | grep -qE ' [TtDd] .*(NIOCore|NIOPosix|Foundation)\\.'") != 0)
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
