// The last crashes of workers, in the shared memory: the master writes an entry when it has buried a worker, the control process
// makes a report of it; one that starts finds what happened while nobody listened. One writer; an entry is whole once
// `SharedHeader.crashes` counts it. What a report says is SluiceControl's.
import CSluiceFault

public enum CrashKind: UInt32, Sendable {
    /// Died of a signal that the handler recorded, or of one while a plugin ran.
    case crash = 1
    /// A hook did not come back; the master killed the worker.
    case hang = 2
    /// The process ended although nobody asked, while a plugin ran.
    case exit = 3
    /// Nobody died: a hook held its worker longer than the warning allows.
    case slow = 4
}

@frozen public struct CrashEntry {
    /// Its number, from 1; 0 = never written.
    public var number: UInt64 = 0
    public var pid: UInt64 = 0
    public var unixMs: UInt64 = 0
    public var worker: UInt32 = 0
    /// `CrashKind`
    public var kind: UInt32 = 0
    public var waitStatus: Int32 = 0
    public var nameCount: UInt32 = 0
    /// As in WorkerHead at the end: plugin is the stat slot + 1, 0 = none ran.
    public var plugin: UInt64 = 0
    public var generation: UInt64 = 0
    public var phase: UInt64 = 0
    /// How long the hook had run, in microseconds.
    public var heldUs: UInt64 = 0
    /// The plugin's name, as far as the master knows it.
    public var name: InlineArray<64, UInt8> = .init(repeating: 0)
    /// Serial 0 when the process left none.
    public var record = FaultRecord()
    public init() {}

    public var nameText: String { String(decoding: (0..<Int(min(nameCount, 64))).map { name[$0] }, as: UTF8.self) }
    public mutating func setName(_ text: String) {
        let bytes = Array(text.utf8.prefix(64))
        for (i, b) in bytes.enumerated() { name[i] = b }
        nameCount = UInt32(bytes.count)
    }
}

public struct CrashRing: @unchecked Sendable {
    let header: UnsafeMutablePointer<SharedHeader>
    let entries: UnsafeMutablePointer<CrashEntry>

    /// Number of the newest entry; 0 = none yet.
    public var newest: UInt64 { header.pointee.crashes }

    /// Writes the next entry and returns its number. [master]
    public func append(_ make: (UnsafeMutablePointer<CrashEntry>) -> Void) -> UInt64 {
        let number = header.pointee.crashes + 1
        let place = entries + Int((number - 1) % UInt64(SharedLimits.crashEntries))
        place.pointee = CrashEntry()
        make(place)
        place.pointee.number = number
        header.pointee.crashes = number
        return number
    }

    /// Copies entry `number` into `room`; false when it was overwritten meanwhile or never existed. [control]
    public func copy(_ number: UInt64, to room: UnsafeMutablePointer<CrashEntry>) -> Bool {
        guard number > 0, number <= newest else { return false }
        let place = entries + Int((number - 1) % UInt64(SharedLimits.crashEntries))
        room.update(from: place, count: 1)
        return room.pointee.number == number && place.pointee.number == number
    }
    /// Numbers of the entries that are still there, oldest first.
    public var numbers: ClosedRange<UInt64>? {
        let last = newest
        if last == 0 { return nil }
        let kept = UInt64(SharedLimits.crashEntries)
        return (last > kept ? last - kept + 1 : 1)...last
    }
}
