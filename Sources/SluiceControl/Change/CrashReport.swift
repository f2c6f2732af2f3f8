// One crash of a worker as a report: who is to blame, in which phase, on which route, where. Made from an entry of the ring in shared
// memory; kept as a JSON file and shown by the admin API. Keeping them is `CrashReports.swift`.
import Foundation
import SluiceShared
import SluiceSystem

/// What is known of a crash. Fields that are not known are absent.
struct CrashReport: Codable, Sendable, Equatable {
    enum Kind: String, Codable, Sendable {
        /// Died of a fault.
        case crash
        /// A hook did not come back; the master ended the worker.
        case hang
        /// A plugin ended the process.
        case exit
        /// Still alive: a hook took longer than the warning allows.
        case slow
    }
    /// Seconds since 1970 and the process id: "1795540000-4711".
    var id: String
    /// RFC 3339, UTC.
    var time: String
    var kind: Kind
    var worker: Int
    var pid: UInt64
    /// "died of signal 11"; absent for `slow`.
    var status: String?
    /// Who is to blame, and what says so: the hook that ran (`record`), or the innermost plugin on the stack (`stack`).
    var plugin: String?
    var generation: UInt64?
    var blamedBy: String?
    var phase: String?
    var route: String?
    var requestID: String?
    var signal: String?
    var cause: String?
    var faultAddress: String?
    /// How long the hook had run, in milliseconds.
    var heldMs: Double?
    var stack: [StackFrame] = []
    /// One line: "plugin geo@3 in access (route users): SIGSEGV at 0x0 in lookup+0x12".
    var summary = ""
    /// When: the first part of its id.
    var unixSeconds: UInt64 { id.split(separator: "-").first.flatMap { UInt64($0) } ?? 0 }

    private enum CodingKeys: String, CodingKey {
        case id, time, kind, worker, pid, status, plugin, generation, phase, route, signal, cause, stack, summary
        case blamedBy = "blamed_by"
        case requestID = "request_id"
        case faultAddress = "fault_address"
        case heldMs = "held_ms"
    }

    /// - Parameters:
    ///   - entry: valid during the call.
    ///   - copies: folder of the private copies of plugins.
    init(_ entry: UnsafePointer<CrashEntry>, copies: String) {
        let e = entry.pointee
        let record = UnsafeRawPointer(entry).advanced(by: MemoryLayout<CrashEntry>.offset(of: \.record)!)
            .assumingMemoryBound(to: FaultRecord.self)
        id = "\(e.unixMs / 1000)-\(e.pid)"
        time = Date(timeIntervalSince1970: Double(e.unixMs) / 1000).formatted(.iso8601.time(includingFractionalSeconds: true))
        kind =
            switch CrashKind(rawValue: e.kind) {
            case .hang: .hang
            case .exit: .exit
            case .slow: .slow
            case .crash, nil: .crash
            }
        (worker, pid) = (Int(e.worker), e.pid)
        if kind != .slow { status = "\(ExitReason(waitStatus: e.waitStatus))" }
        if e.plugin != 0 {
            (plugin, generation, blamedBy) = (e.nameText.isEmpty ? "#\(e.plugin - 1)" : e.nameText, e.generation, "record")
            (phase, heldMs) = (PhaseName.text(e.phase), Double(e.heldUs) / 1000)
        }
        var fault = ""
        if record.pointee.serial != 0 {
            var symbolizer = Symbolizer()
            stack = symbolizer.stack(of: record)
            (route, requestID) = (Self.unlessEmpty(record.route), Self.unlessEmpty(record.request))
            fault = kind == .crash ? FaultText.line(record, stack) : FaultText.culprit(stack).map { "at \($0.short)" } ?? ""
            if kind == .crash {
                signal = SignalName.text(record.pointee.signal)
                cause = FaultCode.text(signal: record.pointee.signal, code: record.pointee.code)
                if [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP].contains(record.pointee.signal) {
                    faultAddress = Symbolizer.hex(record.pointee.address)
                }
            }
            if plugin == nil { blameStack(copies) }
        }
        summary = Self.line(self, fault)
    }

    /// No hook ran: a plugin whose code is on the stack is still the best guess (its destructor, a thread, a callback).
    private mutating func blameStack(_ copies: String) {
        for frame in stack {
            guard let module = frame.module, module.hasPrefix(copies + "/") else { continue }
            let parts = module.dropFirst(copies.count + 1).split(separator: "/")
            guard parts.count == 2, let number = parts[1].split(separator: "-").first.flatMap({ UInt64($0) }) else { continue }
            (plugin, generation, blamedBy) = (String(parts[0]), number, "stack")
            return
        }
    }

    private static func unlessEmpty(_ text: String) -> String? { text.isEmpty ? nil : text }

    private static func line(_ r: CrashReport, _ fault: String) -> String {
        var text = r.plugin.map { "plugin \($0)@\(r.generation ?? 0)" } ?? "the worker itself"
        if let phase = r.phase { text += " in \(phase)" }
        if let route = r.route { text += " (route \(route))" }
        switch r.kind {
        case .crash: text += ": " + (fault.isEmpty ? r.status ?? "" : fault)
        case .hang: text += ": did not come back for \(Int(r.heldMs ?? 0)) ms" + (fault.isEmpty ? "" : ", " + fault)
        case .exit: text += ": ended the process (it \(r.status ?? ""))"
        case .slow: text += ": runs for \(Int(r.heldMs ?? 0)) ms already" + (fault.isEmpty ? "" : ", " + fault)
        }
        return text
    }
}
