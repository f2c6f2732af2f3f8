// Lines of the control process in the error log: standard error, which the master made. Same form as everybody's:
// `2026-11-24T13:00:00.123Z notice control[123]: text`. swift-log's lines (Hummingbird, NIO) come through here too.
import Foundation
import Logging
import SluiceModel
import Synchronization

enum ControlLog {
    private static let least = Atomic<Int>(Log.Level.notice.rawValue)
    static func setLevel(_ level: Log.Level) { least.store(level.rawValue, ordering: .relaxed) }

    static func write(_ level: Log.Level, _ text: @autoclosure () -> String) {
        guard level.rawValue >= least.load(ordering: .relaxed) else { return }
        // One write a line; a newline inside a text would forge a line.
        let clean = text().unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : String($0) }.joined()
        let line = Array("\(now()) \(level) control[\(getpid())]: \(clean)\n".utf8)
        _ = line.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
    }

    private static func now() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var parts = tm()
        gmtime_r(&time.tv_sec, &parts)
        func two(_ n: Int32) -> String { n < 10 ? "0\(n)" : "\(n)" }
        let ms = time.tv_nsec / 1_000_000
        let fraction = String(repeating: "0", count: 3 - String(ms).count) + String(ms)
        let day = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        return day + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(fraction)Z"
    }
}

/// swift-log → `ControlLog`. Servers' chatter below a warning is not ours to show.
struct ControlLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.warning
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
        ControlLog.write(event.level >= .error ? .error : .warn, "\(event.message)")
    }
}
