// The trial of a plugin, or of a library that `functions:` names, before any worker loads it: a child process (`sluiced --probe`) loads it
// with the workers' own code, makes every configuration of its bindings, and leaves. What crashes, hangs or ends the process there costs
// nobody anything. What the child does is in SluiceWorker's `ProbeProcess`; when a trial is made is `Control`'s decision.
import Foundation
import SluiceModel
import SluiceShared
import SluiceSystem

/// What is tried: a private copy, and what it has to be.
struct ProbeRequest: Sendable, Hashable {
    var path: String
    var name: String
    var generation: UInt64
    var digest: UInt64
    /// What rules call in a library that is no plugin; its `name` is empty then.
    struct Function: Sendable, Hashable { var symbol: String, name: String, signature: String }
    var functions: [Function] = []
    /// JSON objects as `configure` gets them; of more than `Limits.probeConfigurationsMax` the first are tried.
    var configurations: [String] = []

    /// NUL-terminated fields; a JSON text holds no NUL.
    var bytes: [UInt8] {
        var out: [UInt8] = []
        func add(_ text: String) {
            out += text.utf8
            out.append(0)
        }
        for field in [path, name, "\(generation)", "\(digest)"] { add(field) }
        for text in configurations.prefix(Limits.probeConfigurationsMax) where out.count + text.utf8.count < Limits.probeRequestBytesMax {
            add(text)
        }
        for f in functions
        where out.count + f.symbol.utf8.count + f.name.utf8.count + f.signature.utf8.count < Limits.probeRequestBytesMax - 8 {
            for field in [f.symbol, f.name, f.signature] { add(field) }
        }
        return out
    }

    /// For messages: "plugin geo@3"; of a library the functions that need it.
    var label: String { name.isEmpty ? "functions \(functions.map(\.name).joined(separator: ", "))" : "plugin \(name)@\(generation)" }
}

struct ProbeVerdict: Sendable, Equatable {
    enum Outcome: Sendable, Equatable {
        case sound
        /// The host or the plugin itself says no.
        case refused
        case crashed
        /// It did not come back in time, and was killed.
        case hung
        /// The trial could not be made.
        case failed
    }
    var outcome: Outcome
    /// "init crashed: SIGSEGV at 0x0 in hello_init+0x12"; empty when sound.
    var detail = ""
    var stack: [StackFrame] = []
    var tookMs = 0.0

    /// Nil when nothing speaks against the plugin; else one line for the person who wants to load it.
    var problem: String? {
        switch outcome {
        case .sound: nil
        case .refused: detail
        default: "probe: \(detail)"
        }
    }
}

/// Makes trials; a fake in tests.
protocol PluginProbing: Sendable {
    func run(_ request: ProbeRequest) async -> ProbeVerdict
}

struct Probe: PluginProbing {
    /// Path of `sluiced`.
    var program = (((try? ChildProcess.executablePath()) ?? CommandLine.arguments[0]) as NSString).deletingLastPathComponent + "/sluiced"
    var timeoutMs = Limits.probeTimeoutMs
    /// Who the child becomes (a start by root); nil = who we are.
    var user: String?
    var group: String?

    /// Tries the plugin. Never throws: what goes wrong is a verdict.
    func run(_ request: ProbeRequest) async -> ProbeVerdict {
        await offload { [self] in runBlocking(request) }
    }

    /// Waits up to `timeoutMs`; for callers that may block.
    func runBlocking(_ request: ProbeRequest) -> ProbeVerdict {
        let begun = SystemClock.monotonicUs()
        var verdict: ProbeVerdict
        do { verdict = try Trial(self, request).wait(timeoutMs: timeoutMs) } catch {
            verdict = ProbeVerdict(outcome: .failed, detail: "the trial cannot be made: \(error)")
        }
        verdict.tookMs = Double(SystemClock.monotonicUs() - begun) / 1000
        return verdict
    }
}

/// One child, from its start to its burial.
private struct Trial {
    let pid: pid_t
    let verdict: Int32
    let memory: SharedMemory

    init(_ probe: Probe, _ request: ProbeRequest) throws {
        let shared = try SharedMemory.create(workers: 1, ticksPerUs: 1)
        var ends: [Int32] = [-1, -1]
        var opened: [Int32] = [shared.fd]
        defer { for fd in opened { Descriptor.close(fd) } }
        do {
            let text = try request.bytes.withUnsafeBytes { bytes in try MemoryFile.sealed("sluice-probe", bytes) }
            opened.append(text)
            let null = try Descriptor.open("/dev/null", O_WRONLY)
            opened.append(null)
            try check("make a pipe") { pipe2(&ends, O_CLOEXEC) }
            opened.append(ends[1])
            var words = ["sluiced", "--probe", "--parent", "\(getpid())"]
            if let user = probe.user { words += ["--user", user] }
            if let group = probe.group { words += ["--group", group] }
            pid = try ChildProcess.spawn(
                probe.program, words, environment: [("SWIFT_BACKTRACE", "enable=no")],
                descriptors: [(text, 0), (null, 1), (null, 2), (ends[1], 3), (shared.fd, 4)])
        } catch {
            Descriptor.close(ends[0])
            shared.unmap()
            throw error
        }
        (verdict, memory) = (ends[0], shared)
    }

    func wait(timeoutMs: Int) throws -> ProbeVerdict {
        defer {
            Descriptor.close(verdict)
            memory.unmap()
        }
        let deadline = SystemClock.monotonicMs() + UInt64(timeoutMs)
        let said = read(until: deadline)
        let end = said == nil ? nil : try ChildProcess.wait(pid, untilMs: deadline)  // handlers of the process's end may hang too
        // The child leads a group of its own: whatever the plugin started goes with it.
        kill(-pid, SIGKILL)
        let reason = try end ?? ChildProcess.wait(pid)
        let head = memory.worker(0).head.pointee
        let step = head.currentPlugin != 0 ? PhaseName.text(head.currentPhase) : "the host"
        if end == nil || reason == .signalled(SIGXCPU) {
            return ProbeVerdict(outcome: .hung, detail: "\(step) did not return within \(timeoutMs) ms")
        }
        if case .signalled(let number) = reason { return crash(step, number) }
        let text = (said ?? "").trimmingCharacters(in: .newlines)
        if text == "ok", reason == .exited(0) { return ProbeVerdict(outcome: .sound) }
        if text.hasPrefix("refused: ") { return ProbeVerdict(outcome: .refused, detail: String(text.dropFirst(9))) }
        return ProbeVerdict(outcome: .crashed, detail: "\(step) ended the process (it \(reason))")
    }

    /// The verdict's line, or what there is when the child ends; nil when neither came in time.
    private func read(until deadline: UInt64) -> String? {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= Limits.probeVerdictBytesMax {
            let now = SystemClock.monotonicMs()
            guard now < deadline, (try? Poll.readable(verdict, timeoutMs: Int32(deadline - now))) == true else { return nil }
            let n = Glibc.read(verdict, &room, room.count)
            if n <= 0 { break }
            bytes += room[..<n]
            if bytes.last == UInt8(ascii: "\n") { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func crash(_ step: String, _ number: Int32) -> ProbeVerdict {
        let record = UnsafePointer(memory.worker(0).fault)
        guard record.pointee.serial != 0 else {
            return ProbeVerdict(outcome: .crashed, detail: "\(step) crashed: \(SignalName.text(number))")
        }
        var symbolizer = Symbolizer()
        let stack = symbolizer.stack(of: record)
        return ProbeVerdict(outcome: .crashed, detail: "\(step) crashed: \(FaultText.line(record, stack))", stack: stack)
    }
}
