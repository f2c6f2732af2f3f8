// Attributes out of values in memory: for `sluice rule eval`, explain and tests, where there is no request but a description of one. The
// programs and the evaluator are those of requests. Allocates as it likes; never in a worker.
import SluiceBytes
import SluiceModel

/// A value that owns what it holds.
public indirect enum SampleValue: Sendable, Equatable {
    case null, bool(Bool), int(Int64), uint(UInt64), double(Double), string(String), bytes([UInt8])
    case timestamp(seconds: Int64, nanoseconds: UInt32), duration(nanoseconds: Int64)
    case ip(IPAddress)
    case list([SampleValue])
    case map([(key: SampleValue, value: SampleValue)])
    /// By name: "int", "google.protobuf.Timestamp".
    case type(String)

    public static func == (x: SampleValue, y: SampleValue) -> Bool { x.text == y.text }
    private var text: String { SampleProvider().text(self) }
}

/// Holds values and answers for them. Values that a run gave are valid as long as this object.
public final class SampleProvider {
    private var blocks: [UnsafeMutableRawPointer] = []
    private var values: [UInt16: Value] = [:]
    /// Maps that are asked by key.
    private var maps: [UInt16: [(key: Value, value: Value)]] = [:]
    private var dictionaries: [String: [String: Value]] = [:]
    private let pool: UnsafeMutablePointer<BlockPool>
    /// Memory of runs; emptied by `reset`.
    public let arena: UnsafeMutablePointer<Arena>
    private let provider: UnsafeMutablePointer<AttributeProvider>
    /// The networks of address set number i.
    public var addressSets: [[IPNetwork]] = []
    /// What plugin function number i gives; nil: it fails.
    public var functions: [([Value]) -> SampleValue?] = []

    public init() {
        pool = .allocate(capacity: 1)
        pool.initialize(to: BlockPool(blockSize: 8_192))
        arena = .allocate(capacity: 1)
        arena.initialize(to: Arena(pool: pool))
        provider = .allocate(capacity: 1)
        provider.initialize(to: Self.table(context: UnsafeMutableRawPointer(bitPattern: 1)!))
        provider.pointee.context = Unmanaged.passUnretained(self).toOpaque()
    }
    deinit {
        for b in blocks { b.deallocate() }
        arena.pointee.reset()
        pool.pointee.trim()
        pool.pointee.trim()
        arena.deallocate()
        pool.deallocate()
        provider.deallocate()
    }

    /// What the evaluator is given.
    public var attributes: UnsafePointer<AttributeProvider> { UnsafePointer(provider) }

    /// Gives an attribute or variable its value; maps of the request (`Attributes`) are asked by key as in a worker.
    public func set(_ id: AttributeID, _ value: SampleValue) {
        if case .map(let pairs) = value, case .map = Attributes.row(id)?.type {
            maps[id.rawValue] = pairs.map { (make($0.key), make($0.value)) }
            values[id.rawValue] = .attributeMap(id)
        } else {
            values[id.rawValue] = make(value)
        }
    }
    /// What `dict(zone, key)` finds.
    public func set(zone: String, key: String, _ value: SampleValue) { dictionaries[zone, default: [:]][key] = make(value) }

    /// Gives the memory of runs back; values that they gave are invalid.
    public func reset() { arena.pointee.reset() }

    func text(_ v: SampleValue) -> String { ValueText.literal(make(v)) }

    // MARK: Values

    /// The value in memory of this object.
    public func make(_ v: SampleValue) -> Value {
        switch v {
        case .null: return .null
        case .bool(let b): return .bool(b)
        case .int(let n): return .int(n)
        case .uint(let n): return .uint(n)
        case .double(let d): return .double(d)
        case .string(let s): return .string(bytes(Array(s.utf8)))
        case .bytes(let b): return .bytes(bytes(b))
        case .timestamp(let seconds, let nanoseconds): return .timestamp(seconds: seconds, nanoseconds: nanoseconds)
        case .duration(let n): return .duration(nanoseconds: n)
        case .ip(let a): return .ip(high: a.high, low: a.low, isIPv4: a.isIPv4)
        case .list(let items): return .list(array(items.map(make)), count: items.count, capacity: items.count)
        case .map(let pairs): return .map(array(pairs.flatMap { [make($0.key), make($0.value)] }), count: pairs.count)
        case .type(let name): return .type(TypeName.allCases.first { $0.text == name } ?? .type)
        }
    }
    private func bytes(_ b: [UInt8]) -> ByteView {
        let p = UnsafeMutableRawPointer.allocate(byteCount: max(b.count, 1), alignment: 8)
        blocks.append(p)
        p.copyMemory(from: b, byteCount: b.count)
        return ByteView(p.assumingMemoryBound(to: UInt8.self), b.count)
    }
    private func array(_ values: [Value]) -> UnsafeMutablePointer<Value>? {
        let p = UnsafeMutablePointer<Value>.allocate(capacity: max(values.count, 1))
        blocks.append(UnsafeMutableRawPointer(p))
        for (i, v) in values.enumerated() { p[i] = v }
        return p
    }

    // MARK: Answers

    private static func of(_ context: UnsafeMutableRawPointer) -> SampleProvider {
        Unmanaged<SampleProvider>.fromOpaque(context).takeUnretainedValue()
    }
    private static func put(_ v: Value, _ out: UnsafeMutableRawPointer) { out.storeBytes(of: v, as: Value.self) }

    private static func table(context: UnsafeMutableRawPointer) -> AttributeProvider {
        AttributeProvider(
            context: context,
            attribute: { context, id, out in
                SampleProvider.put(SampleProvider.of(context).values[id] ?? .error(.attributeAbsent), out)
            },
            lookup: { context, id, key, count, out in
                guard let v = SampleProvider.of(context).find(id, ByteView(key, count)) else { return false }
                SampleProvider.put(v, out)
                return true
            },
            nextKey: { context, id, cursor, out in
                guard let map = SampleProvider.of(context).maps[id], cursor.pointee < map.count else { return false }
                SampleProvider.put(map[cursor.pointee].key, out)
                cursor.pointee += 1
                return true
            },
            containsAddress: { context, index, high, low in SampleProvider.of(context).contains(Int(index), high, low) },
            dictionary: { context, zone, zoneCount, key, keyCount, out in
                let zone = ByteView(zone, zoneCount).string, key = ByteView(key, keyCount).string
                guard let v = SampleProvider.of(context).dictionaries[zone]?[key] else { return false }
                SampleProvider.put(v, out)
                return true
            },
            call: { context, index, arguments, count, out in
                let me = SampleProvider.of(context)
                let list = Array(UnsafeBufferPointer(start: arguments.assumingMemoryBound(to: Value.self), count: count))
                let made = Int(index) < me.functions.count ? me.functions[Int(index)](list) : nil
                SampleProvider.put(made.map(me.make) ?? .error(.functionFailed), out)
            })
    }

    private func find(_ id: UInt16, _ key: ByteView) -> Value? {
        let ignoresCase = Attributes.row(AttributeID(id))?.ignoresCase == true
        return maps[id]?.first { ignoresCase ? $0.key.view.equalsIgnoringCase(key) : $0.key.view.equals(key) }?.value
    }
    private func contains(_ index: Int, _ high: UInt64, _ low: UInt64) -> Bool {
        guard index < addressSets.count else { return false }
        let bytes = AddressSetBuilder.bytes(addressSets[index])
        return bytes.withUnsafeBytes { AddressSetView(base: $0.baseAddress!, count: $0.count).contains(high: high, low: low) }
    }
}
