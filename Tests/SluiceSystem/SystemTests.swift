// System calls against the real kernel: what fails must say what was tried and what would mend it.
import SluiceSystem
import Testing

@Suite struct SystemTests {
    @Test func errorsNameActionAndCure() {
        let e = SystemError(.accessDenied, "open /x", cure: "run as root")
        #expect("\(e)" == "cannot open /x: permission denied (13); run as root")
        #expect("\(SystemError(.noEntry, "open /y"))" == "cannot open /y: no such file or directory (2)")
    }

    @Test func missingDirectoryOfALogIsExplained() {
        #expect(throws: SystemError(.noEntry, "open /nowhere/at/all/log", cure: "create its directory first")) {
            _ = try Descriptor.openLog("/nowhere/at/all/log")
        }
    }

    @Test func descriptorsAreCloseOnExec() throws {
        let fd = try Descriptor.open("/dev/null", O_RDONLY)
        defer { Descriptor.close(fd) }
        #expect(cs_fcntl(fd, F_GETFD, 0) & FD_CLOEXEC != 0)
        let high = try Descriptor.duplicate(fd, from: 200)
        #expect(high >= 200 && cs_fcntl(high, F_GETFD, 0) & FD_CLOEXEC != 0)
        Descriptor.close(high)
        #expect(!Descriptor.isOpen(high))
    }

    @Test func sealedMemoryCannotChange() throws {
        let fd = try [UInt8](repeating: 7, count: 5000).withUnsafeBytes { try MemoryFile.sealed("test", $0) }
        defer { Descriptor.close(fd) }
        #expect(MemoryFile.isSealed(fd) && MemoryFile.isSizeSealed(fd))
        #expect(try Descriptor.size(fd) == 5000)
        var byte: UInt8 = 1
        #expect(pwrite(fd, &byte, 1, 0) < 0)
        #expect(ftruncate(fd, 10) < 0)
        #expect(throws: SystemError.self) { _ = try Mapping(fd, count: 5000, writable: true) }
        let mapping = try Mapping(fd, count: 5000, writable: false)
        #expect(mapping.bytes[4999] == 7)
        mapping.unmap()
    }

    @Test func anOrdinaryFileIsNotSealed() throws {
        let fd = try Descriptor.open("/dev/zero", O_RDONLY)
        defer { Descriptor.close(fd) }
        #expect(!MemoryFile.isSealed(fd) && !MemoryFile.isSizeSealed(fd))
    }

    @Test func clocksRun() {
        let a = SystemClock.monotonicNs()
        usleep(2000)
        let passed = SystemClock.monotonicNs() - a
        #expect(passed >= 2_000_000 && passed < 5_000_000_000)
        let wall = SystemClock.realtimeMs(), coarse = SystemClock.realtimeCoarseMs()
        #expect(wall >= coarse && wall - coarse < 1000 && wall > 1_700_000_000_000)
    }

    @Test func pollSeesReadiness() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe2(&ends, O_CLOEXEC) == 0)
        defer { for fd in ends { Descriptor.close(fd) } }
        #expect(try !Poll.readable(ends[0], timeoutMs: 0))
        #expect(try Poll.writable(ends[1], timeoutMs: 0))
        #expect(write(ends[1], "x", 1) == 1)
        var set = PollSet()
        set.add(-1)
        let place = set.add(ends[0])
        try set.wait(timeoutMs: 1000)
        #expect(set.isReadable(place) && !set.isReadable(0))
    }

    @Test func openFileLimitIsNeverLowered() throws {
        let before = try ResourceLimits.openFiles()
        try ResourceLimits.raiseOpenFiles(to: 1)
        #expect(try ResourceLimits.openFiles() == before)
    }

    @Test func impossibleLimitIsExplained() throws {
        let error = #expect(throws: SystemError.self) { try ResourceLimits.raiseOpenFiles(to: 1 << 40) }
        #expect(error?.cure.contains("LimitNOFILE") == true)
    }

    @Test func unknownUserIsNamed() {
        let error = #expect(throws: SystemError.self) { _ = try Identity(user: "no-such-user-here") }
        #expect(error?.action == "find user no-such-user-here")
        #expect(throws: SystemError.self) { _ = try Identity(user: "root", group: "no-such-group-here") }
    }
}
