// The real `sluiced` with a real image: started, hurt, changed and stopped. The control process beside it is a shell or
// Python script, so that each test decides what it says. Every wait is bounded. What runs it is in `House.swift`.
import SluiceModel
import SluiceRules
import SluiceSystem
import Testing

@testable import SluiceMaster

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
        // The best of three: a delay of our own would show in each, a busy machine slows some.
        let times = house.log.split(separator: "\n").filter { $0.contains("respawned in") }.compactMap { line in
            line.split(separator: " ").dropLast().last.flatMap { Int($0) }
        }
        #expect(times.count == 3 && times.min() ?? .max < 100, "successors serve within 100 ms, not \(times)")
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

    /// A change that is given up takes its sockets with it, in every process; tried again at once, it works.
    @Test func anAbortedListenerLeavesNothingBehind() throws {
        let house = try House(
            control: House.script(
                """
                receive()
                def prepare(n):
                    send(1, revision=n, fds=[memory(open(directory + '/image.%d' % n, 'rb').read())])
                    return sorted((f[1], f[4], f[5]) for f in until(2, 2))
                prepare(2)
                send(5, revision=2)
                note('again %s' % prepare(3))
                send(3, revision=3)
                note('committed %s' % sorted((f[1], f[4]) for f in until(4, 2)))
                while True: receive()
                """))
        let port = House.freePort()
        let first = house.configuration
        // The wildcard beside the address: within one change the house must not take itself for a stranger.
        house.configuration.listeners += [Listener(address: "127.0.0.1:\(port)"), Listener(address: "*:\(port)")]
        for revision: UInt64 in [2, 3] {
            let fd = try Descriptor.open(house.directory + "/image.\(revision)", O_WRONLY | O_CREAT)
            try house.image(revision: revision).withUnsafeBytes { try Descriptor.writeAll(fd, $0) }
            Descriptor.close(fd)
        }
        house.configuration = first
        try house.start()
        #expect(house.eventually { house.read("notes").contains("committed") })
        #expect(house.read("notes") == "again [(0, 0, ''), (1, 0, '')]\ncommitted [(0, 0), (1, 0)]\n")
        // Two sockets, one a worker: a copy that a worker kept of the aborted change would be a third.
        let count = "ss -ltnH 'sport = :\(port)' | grep -c '127.0.0.1:\(port) ' > \(house.directory)/sockets"
        #expect(house.eventually(within: 2000) { House.shell(count) == 0 && house.read("sockets") == "2\n" })
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
        let pid = try ChildProcess.spawn(house.directory + "/sluiced", ["sluiced", "--image-fd", "987654"], descriptors: [(out, 2)])
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
