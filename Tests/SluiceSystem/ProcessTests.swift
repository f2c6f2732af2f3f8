// Children as real processes: which descriptors they get, how their end is told, and that root is given up for good.
import SluiceSystem
import Testing

@Suite(.serialized) struct ProcessTests {
    /// Runs a shell script and returns what it wrote to the descriptor it knows as `theirs`.
    func output(_ script: String, theirs: Int32 = 1, environment: [(String, String)] = []) throws -> (String, ExitReason) {
        var ends: [Int32] = [0, 0]
        #expect(pipe2(&ends, O_CLOEXEC) == 0)
        let pid = try ChildProcess.spawn("/bin/sh", ["sh", "-c", script], environment: environment, descriptors: [(ends[1], theirs)])
        Descriptor.close(ends[1])
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let n = uninterrupted { read(ends[0], &buffer, buffer.count) }
            if n <= 0 { break }
            text += buffer[..<n]
        }
        Descriptor.close(ends[0])
        return (String(decoding: text, as: UTF8.self), try ChildProcess.wait(pid))
    }

    @Test func exitStatusAndSignal() throws {
        #expect(try output("exit 7").1 == .exited(7))
        #expect(try output("kill -9 $$").1 == .signalled(9))
        #expect("\(ExitReason.signalled(9))" == "died of signal 9")
        #expect(ExitReason(waitStatus: ExitReason.exited(7).waitStatus) == .exited(7))
    }

    @Test func environmentIsReplacedNotDoubled() throws {
        setenv("SLUICE_TEST_VARIABLE", "old", 1)
        #expect(
            try output("env | grep -c SLUICE_TEST_VARIABLE; echo $SLUICE_TEST_VARIABLE", environment: [("SLUICE_TEST_VARIABLE", "new")]).0
                == "1\nnew\n")
    }

    @Test func descriptorsMayTradePlaces() throws {
        // 20 and 21 are both sources and targets: copied one after the other, one of the two would be lost.
        let a = try Descriptor.duplicate(try Descriptor.open("/dev/null", O_RDONLY), from: 20)
        let b = try Descriptor.duplicate(try Descriptor.open("/dev/zero", O_RDONLY), from: a + 1)
        defer { Descriptor.close(a); Descriptor.close(b) }
        var ends: [Int32] = [0, 0]
        #expect(pipe2(&ends, O_CLOEXEC) == 0)
        let script = "readlink /proc/self/fd/\(a) /proc/self/fd/\(b)"
        let pid = try ChildProcess.spawn("/bin/sh", ["sh", "-c", script], descriptors: [(a, b), (b, a), (ends[1], 1)])
        Descriptor.close(ends[1])
        var buffer = [UInt8](repeating: 0, count: 100)
        var n = 0
        while true {
            let k = uninterrupted { read(ends[0], &buffer[n], buffer.count - n) }
            if k <= 0 { break }
            n += k
        }
        Descriptor.close(ends[0])
        #expect(String(decoding: buffer[..<n], as: UTF8.self) == "/dev/zero\n/dev/null\n")
        #expect(try ChildProcess.wait(pid) == .exited(0))
    }

    @Test func childHasNoMaskAndItsOwnGroup() throws {
        #expect(try output("exec grep SigBlk /proc/self/status").0 == "SigBlk:\t0000000000000000\n")
        let text = try output("ps -o pgid= -p $$ | tr -d ' '; echo $$").0.split(separator: "\n")
        #expect(text.count == 2 && text[0] == text[1])
    }

    @Test func missingProgramIsNamed() {
        let error = #expect(throws: SystemError.self) { _ = try ChildProcess.spawn("/no/such/program", ["x"], descriptors: []) }
        #expect(error?.errno == .noEntry && error?.action == "start /no/such/program")
    }

    @Test func pidFileLocksAndRecognisesStaleOnes() throws {
        let path = "/tmp/sluice-pid-test-\(getpid())"
        let fd = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        #expect(write(fd, "999999\n", 7) == 7)
        Descriptor.close(fd)
        let file = try PidFile(path)
        #expect(file.stalePid == 999_999)
        let error = #expect(throws: SystemError.self) { _ = try PidFile(path) }
        #expect(error?.cure.contains("(pid \(getpid()))") == true)
        file.remove()
        #expect(access(path, F_OK) != 0)
        let again = try PidFile(path)
        #expect(again.stalePid == nil)
        again.remove()
    }

    @Test func unwritablePidFileIsAnError() {
        #expect(throws: SystemError.self) { _ = try PidFile("/nowhere/at/all.pid") }
    }
}
