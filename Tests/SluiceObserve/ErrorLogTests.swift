// Error lines byte for byte, forged lines, the rate bound, and that a text below the level is never made.
import SluiceModel
import SluiceSystem
import Testing

@testable import SluiceObserve

@Suite(.serialized) struct ErrorLogTests {
    func content(_ fd: Int32) throws -> [String] {
        var bytes = [UInt8](repeating: 0, count: try Descriptor.size(fd) + 1)
        let n = pread(fd, &bytes, bytes.count, 0)
        return String(decoding: bytes[..<max(0, n)], as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(
            String.init)
    }
    func state(_ fd: Int32) -> ErrorLogState {
        var s = ErrorLogState()
        (s.fd, s.role, s.pid) = (fd, "master", 123)
        return s
    }

    @Test func goldenLine() throws {
        let fd = try MemoryFile.create("log")
        defer { Descriptor.close(fd) }
        var s = state(fd)
        s.put(.notice, "worker 1 (pid 77) died of signal 9 after 12 s; respawned in 4 ms", 1_795_525_200_123)
        s.put(.error, "café", 1_795_525_200_007)
        #expect(
            try content(fd) == [
                "2026-11-24T13:00:00.123Z notice master[123]: worker 1 (pid 77) died of signal 9 after 12 s; respawned in 4 ms",
                "2026-11-24T13:00:00.007Z error master[123]: café", "",
            ])
    }

    @Test func aTextCannotForgeALine() throws {
        let fd = try MemoryFile.create("log")
        defer { Descriptor.close(fd) }
        var s = state(fd)
        s.put(.warn, "a\r\n2026 error master[1]: b\u{1b}[31m\u{7f}", 0)
        #expect(try content(fd) == [#"1970-01-01T00:00:00.000Z warn master[123]: a\x0D\x0A2026 error master[1]: b\x1B[31m\x7F"#, ""])
        s.put(.warn, String(repeating: "\n", count: 100_000), 0)
        #expect(try content(fd)[1].utf8.count < ErrorLogState.lineBytesMax)
    }

    @Test func aStormIsBoundedAndCounted() throws {
        let fd = try MemoryFile.create("log")
        defer { Descriptor.close(fd) }
        var s = state(fd)
        for _ in 0..<1000 where s.admit(50) { s.put(.error, "x", 50_000) }
        #expect(try content(fd).count == ErrorLogState.linesPerSecondMax + 1)
        let admitted = s.admit(51)
        #expect(admitted)
        #expect(try content(fd).suffix(2).first?.hasSuffix("warn master[123]: 800 lines were left out: more than 200 in a second") == true)
        #expect(s.droppedTotal == 800)
    }

    @Test func levelComesBeforeTheText() throws {
        let fd = try MemoryFile.create("log")
        let before = ErrorLog.level
        ErrorLog.start(role: "test", level: .warn)
        ErrorLog.redirect(to: fd)
        defer {
            ErrorLog.redirect(to: 2)
            ErrorLog.level = before
        }
        var made = 0
        func text() -> String {
            made += 1
            return "text"
        }
        ErrorLog.write(.debug, text())
        ErrorLog.write(.notice, text())
        #expect(made == 0)
        ErrorLog.write(.warn, text())
        #expect(made == 1)
        #expect(try content(fd).first?.hasSuffix(" warn test[\(getpid())]: text") == true)
        #expect(ErrorLog.isOn(.error) && !ErrorLog.isOn(.info))
    }
}
