// `sluiced --probe`: a process that tries one plugin and leaves. It has nothing to lose: no descriptor but its own, no core file, bounded
// time and memory, and it dies with the one who asked. What is tried is `PluginProbe`; who asks is SluiceControl's `Probe`.
//
//   descriptor 0: the request (memory file)   3: the verdict (pipe): "ok" or "refused: why"   4: shared memory for one worker
import CSluiceSys
import SluiceModel
import SluicePlugins
import SluiceShared
import SluiceSystem

public enum ProbeProcess {
    static let request: Int32 = 0, verdict: Int32 = 3, memory: Int32 = 4

    /// Never returns; the exit status is 0 when a verdict was written. A crash is what the wait status and the fault record say.
    public static func run() -> Never {
        do {
            try Descriptor.closeAll(from: memory + 1)
            try ResourceLimits.set(
                core: 0, cpuSeconds: UInt64(Limits.probeTimeoutMs / 1000 + 1), memory: UInt64(Limits.probeMemoryBytesMax))
            let block = try SharedMemory.map(fd: memory).worker(0)
            let size = try Descriptor.size(request)
            guard size <= Limits.probeRequestBytesMax else { say("refused: a request of \(size) bytes") }
            let bytes = try Mapping(request, count: size, writable: false)
            guard let probe = PluginProbe(bytes.bytes) else { say("refused: the request is malformed") }
            Descriptor.close(request)
            Descriptor.close(memory)
            if !FaultHandler.install(block) { say("refused: no handler for faults: \(Errno.current)") }
            block.head.pointee.pid = UInt64(getpid())
            if let problem = probe.run(on: block) { say("refused: \(problem)") }
            write("ok")
            exit(0)  // as a worker ends: handlers of the process's end run, also those that point into a file that is gone
        } catch {
            say("refused: \(error)")
        }
    }

    private static func say(_ text: String) -> Never {
        write(text)
        _exit(0)
    }

    private static func write(_ text: String) {
        var line = String(text.prefix(Limits.probeVerdictBytesMax)) + "\n"
        line.withUTF8 { bytes in _ = try? Descriptor.writeAll(verdict, UnsafeRawBufferPointer(bytes)) }
    }
}
