// The process's error log: one line, one write(2), bounded in rate so that a storm of errors cannot fill the disk or stall
// the loop. Lines say who, what and what would mend it; header values and bodies never stand in them.
//
//   2026-11-24T13:00:00.123Z notice master[123]: worker 1 (pid 77) died of signal 9 after 12 s; respawned in 4 ms
import SluiceModel
import SluiceSystem

/// Severities, as in the configuration's `log.level`.
public typealias LogLevel = Log.Level

/// For example: `ErrorLog.write(.warn, "cannot reopen \(path)")`. The text is made only when its level is logged.
/// [one thread per process: nothing here locks]
public enum ErrorLog {
    nonisolated(unsafe) static var state = ErrorLogState()

    /// Names the role ("master", "worker 0") and sets the level. Standard error until `redirect`.
    public static func start(role: String, level: LogLevel) {
        state.role = role
        state.level = level
        state.pid = getpid()
    }
    public static var level: LogLevel {
        get { state.level }
        set { state.level = newValue }
    }
    public static var fd: Int32 { state.fd }
    /// Lines left out since the start because of the rate bound.
    public static var dropped: UInt64 { state.droppedTotal }

    /// Goes on with `fd` and takes it over; closes the one before unless it is a standard descriptor.
    public static func redirect(to fd: Int32) {
        if state.fd > 2 && state.fd != fd { Descriptor.close(state.fd) }
        state.fd = fd
    }

    public static func isOn(_ level: LogLevel) -> Bool { level.rawValue >= state.level.rawValue }

    public static func write(_ level: LogLevel, _ text: @autoclosure () -> String) {
        if level.rawValue < state.level.rawValue { return }
        let now = SystemClock.realtimeMs()
        if !state.admit(now / 1000) { return }
        state.put(level, text(), now)
    }
}

/// The log's memory and the rate bound, apart from the process so that tests can have their own.
struct ErrorLogState {
    var fd: Int32 = 2
    var level = LogLevel.notice
    var role = "sluiced"
    var pid: pid_t = 0
    var time = TimeText(.rfc3339)
    var second: UInt64 = 0
    var lines = 0
    var dropped: UInt64 = 0
    var droppedTotal: UInt64 = 0
    let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: ErrorLogState.lineBytesMax)  // once per process

    /// Whether another line may be written in this second; says how many were not when the next second begins.
    mutating func admit(_ now: UInt64) -> Bool {
        if now != second {
            second = now
            lines = 0
            if dropped > 0 {
                let n = dropped
                dropped = 0
                put(.warn, "\(n) lines were left out: more than \(ErrorLogState.linesPerSecondMax) in a second", now * 1000)
            }
        }
        lines += 1
        if lines <= ErrorLogState.linesPerSecondMax { return true }
        dropped += 1
        droppedTotal += 1
        return false
    }

    /// One line, one call; what does not fit is cut, control bytes are escaped so that no text can forge a line.
    mutating func put(_ level: LogLevel, _ text: String, _ nowMs: UInt64) {
        var w = LineWriter(buffer)
        w.p += time.write(nowMs, to: w.p)
        w.byte(0x20)
        add(&w, ErrorLogState.name(level), 16)
        w.byte(0x20)
        add(&w, role, 64)
        w.byte(0x5b)
        w.number(UInt64(max(pid, 0)))
        w.text("]: ")
        add(&w, text, ErrorLogState.textBytesMax)
        w.byte(0x0a)
        _ = uninterrupted { CSluiceSys.write(fd, buffer, w.p - buffer) }  // a log that cannot be written has nobody to tell
    }

    func add(_ w: inout LineWriter, _ text: String, _ max: Int) {
        let limit = w.p + max
        for b in text.utf8 {
            if b >= 0x20 && b != 0x7f {
                if w.p >= limit { break }
                w.byte(b)
            } else {
                if limit - w.p < 4 { break }
                w.text("\\x")
                w.hex(b)
            }
        }
    }

    static func name(_ level: LogLevel) -> String { String(describing: level) }
    static let linesPerSecondMax = 200
    static let textBytesMax = 8_192
    static let lineBytesMax = textBytesMax + 256
}
