// Reading a fault record: its layout and the handler that writes it are C (CSluiceFault), because nothing of Swift may run in a signal
// handler. Here are the Swift names of what is in it, and where the handler finds a worker's words. Who reads it: `CrashRing.swift`.
import CSluiceFault

public typealias FaultRecord = cs_fault_record

/// A file that was mapped at the time.
public struct FaultModule: Sendable, Equatable {
    /// Address in memory = base + address in the file.
    public var base: UInt64
    /// A path longer than the record has room for keeps its end.
    public var path: String
    public init(base: UInt64, path: String) { (self.base, self.path) = (base, path) }
}

extension UnsafePointer<FaultRecord> {
    /// Files that own addresses of `frames`; bounded whatever the memory holds.
    public var modules: [FaultModule] {
        let count = Int(min(pointee.module_count, UInt32(CS_FAULT_MODULES)))
        let all = UnsafeRawPointer(self) + MemoryLayout<FaultRecord>.offset(of: \.modules)!
        return (0..<count).map { i in
            let one = all + i * MemoryLayout<cs_fault_module>.stride
            let path = one + MemoryLayout<cs_fault_module>.offset(of: \.path)!
            return FaultModule(base: one.load(as: UInt64.self), path: Self.text(path, CS_FAULT_PATH_BYTES))
        }
    }

    /// Addresses of code, the faulting one first, then its callers; with the index of the file of each in `modules`, if known.
    public var frames: [(address: UInt64, module: Int?)] {
        let count = Int(min(pointee.frame_count, UInt32(CS_FAULT_FRAMES)))
        let addresses = UnsafeRawPointer(self) + MemoryLayout<FaultRecord>.offset(of: \.frames)!
        let owners = UnsafeRawPointer(self) + MemoryLayout<FaultRecord>.offset(of: \.frame_module)!
        let known = Int(min(pointee.module_count, UInt32(CS_FAULT_MODULES)))
        return (0..<count).map { i in
            let owner = Int(owners.load(fromByteOffset: i, as: UInt8.self))
            return (addresses.load(fromByteOffset: i * 8, as: UInt64.self), owner < known ? owner : nil)
        }
    }
    public var route: String { id(\.route, pointee.route_count) }
    public var request: String { id(\.request, pointee.request_count) }

    private func id<T>(_ field: KeyPath<FaultRecord, T>, _ count: UInt32) -> String {
        let start = UnsafeRawPointer(self) + MemoryLayout<FaultRecord>.offset(of: field)!
        return Self.text(start, Int(min(count, UInt32(CS_FAULT_ID_BYTES))))
    }
    /// Text up to its NUL or `room` bytes; what is no printable UTF-8 becomes '?'.
    private static func text(_ start: UnsafeRawPointer, _ room: Int) -> String {
        let bytes = UnsafeRawBufferPointer(start: start, count: room).prefix { $0 != 0 }
        return String(decoding: bytes.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    }
}

public enum FaultCode {
    /// What the kernel says of the cause (si_code): "integer division by zero"; nil when it says nothing of use.
    public static func text(signal: Int32, code: Int32) -> String? { cs_fault_code_name(signal, code).map { String(cString: $0) } }
}

public enum FaultHandler {
    /// The signal by which the master asks a worker what it is doing.
    public static var sampleSignal: Int32 { cs_fault_sample_signal() }

    /// From here on a fault of this process is written into `block` before the process dies of it.
    /// - Parameters: offsets of the two ids (views of pointer and 64-bit count) in what `WorkerHead.currentContext` points to.
    /// - Returns: false when the kernel refused a handler or its stack.
    /// [once per process, on the thread that runs plugins, after the start of the runtime]
    public static func install(_ block: WorkerBlock, routeOffset: Int, requestOffset: Int) -> Bool {
        let head = UnsafeRawPointer(block.head)
        func word(_ field: KeyPath<WorkerHead, UInt64>) -> UnsafePointer<UInt64> {
            (head + MemoryLayout<WorkerHead>.offset(of: field)!).assumingMemoryBound(to: UInt64.self)
        }
        var place = cs_fault_place(
            fault: block.fault, sample: block.sample, plugin: word(\.currentPlugin), generation: word(\.currentGeneration),
            phase: word(\.currentPhase), context: word(\.currentContext), entered_tick: word(\.enteredTick),
            route_offset: routeOffset, request_offset: requestOffset)
        return cs_fault_install(&place) == 0
    }
}

extension WorkerHead {
    /// Marks that `plugin` (stat slot + 1) runs outside of any request: its start, a configuration, its end.
    public mutating func enter(plugin: UInt64, generation: UInt64, phase: UInt64) {
        currentPhase = phase
        currentGeneration = generation
        currentContext = 0
        enteredTick = TickClock.now
        currentPlugin = plugin  // last: whoever reads a plugin here finds the rest too
    }
    public mutating func leave() { currentPlugin = 0 }
}

/// What ran, by the number in `WorkerHead.currentPhase`: the contract's phases (SLUICE_PHASE_…), and three of the host's own.
public enum PhaseName {
    /// The loader maps the file and runs its constructors; an instance is given back; destroy and destructors; the trial process ends.
    public static let load: UInt64 = 16, release: UInt64 = 17, unload: UInt64 = 18, exit: UInt64 = 19

    public static func text(_ number: UInt64) -> String { number < UInt64(all.count) ? all[Int(number)] : "phase \(number)" }
    private static let all = [
        "rewrite", "access", "header_filter", "body_filter", "log", "content", "balancer", "routing", "timer", "background", "init",
        "worker_init", "exit_worker", "configure", "ssl_client_hello", "ssl_certificate", "load", "release", "destroy",
        "exit",
    ]
}
