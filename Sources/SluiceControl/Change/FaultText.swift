// Faults in words: signals, codes, addresses. Used by the trial of a plugin and by crash reports; nothing here reads memory of others.
import Foundation
import SluiceShared

enum SignalName {
    static func text(_ number: Int32) -> String {
        let known: [Int32: String] = [
            SIGSEGV: "SIGSEGV", SIGBUS: "SIGBUS", SIGILL: "SIGILL", SIGFPE: "SIGFPE", SIGTRAP: "SIGTRAP", SIGABRT: "SIGABRT",
            SIGSYS: "SIGSYS",
            SIGKILL: "SIGKILL", SIGTERM: "SIGTERM", SIGXCPU: "SIGXCPU", SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGINT: "SIGINT",
        ]
        return known[number] ?? "signal \(number)"
    }
}

enum FaultText {
    /// "SIGSEGV (no memory there) at 0x0 in hello_init+0x12"
    static func line(_ record: UnsafePointer<FaultRecord>, _ stack: [StackFrame]) -> String {
        let r = record.pointee
        var text = SignalName.text(r.signal)
        if let cause = FaultCode.text(signal: r.signal, code: r.code) { text += " (\(cause))" }
        if r.signal == SIGSEGV || r.signal == SIGBUS { text += " at \(Symbolizer.hex(r.address))" }
        if let frame = culprit(stack) { text += " in \(frame.short)" }
        return text
    }

    /// The innermost frame that is not the C library's: who called abort, free or memcpy is of more interest than those.
    static func culprit(_ stack: [StackFrame]) -> StackFrame? {
        stack.first { !isLibrary($0) } ?? stack.first
    }

    private static func isLibrary(_ frame: StackFrame) -> Bool {
        guard let module = frame.module else { return true }
        let file = (module as NSString).lastPathComponent
        return ["libc.so", "libc-", "libgcc_s", "ld-linux", "linux-vdso", "libpthread", "libswift", "lib_"].contains { file.hasPrefix($0) }
    }
}
