// Compiled regular expressions by their text, made when first asked for and kept by the worker that asked. The engine is RE2: linear time
// whatever clients send. Compiling allocates; that is the first request's price, the next ones pay a hash and a comparison.
import CSluiceRegex
import SluiceBytes
import SluiceModel

/// A table of patterns of one thread. A handle: copies are the same cache, `destroy` frees it.
public struct RegexCache {
    private struct Entry {
        var hash: UInt64
        var text: UnsafeMutablePointer<UInt8>
        var count: Int
        /// nil: RE2 refused the pattern; kept, so that it is refused once.
        var regex: OpaquePointer?
    }
    private struct Table {
        var used = 0
        /// Made with the first pattern, so that a gateway without patterns pays nothing.
        var slots: UnsafeMutablePointer<Entry?>?
    }
    private let table: UnsafeMutablePointer<Table>
    private static let slotCount = Limits.regexCacheMax * 2  // a power of two, at most half full

    public init() {
        table = .allocate(capacity: 1)
        table.initialize(to: Table())
    }
    public func destroy() {
        clear()
        table.deallocate()
    }
    /// Patterns held now.
    public var count: Int { table.pointee.used }

    /// Forgets all patterns; between two runs, for example when an image has been replaced.
    public func clear() {
        guard let slots = table.pointee.slots else { return }
        for i in 0..<Self.slotCount {
            guard let e = slots[i] else { continue }
            e.text.deallocate()
            if let r = e.regex { cs_regex_free(r) }
        }
        slots.deallocate()
        table.pointee = Table()
    }

    /// FNV-1a; programs carry it for the patterns that stand in them.
    static func hash(_ v: ByteView) -> UInt64 {
        var h: UInt64 = 0xcbf2_9ce4_8422_2325
        var i = 0
        while i < v.count {
            h = (h ^ UInt64(v[i])) &* 0x100_0000_01b3
            i &+= 1
        }
        return h
    }

    /// The compiled pattern, valid until the next one is asked for; nil: RE2 refuses it.
    public func regex(_ pattern: ByteView) -> OpaquePointer? { regex(pattern, hash: Self.hash(pattern)) }

    private func regex(_ pattern: ByteView, hash: UInt64) -> OpaquePointer? {
        guard let slots = table.pointee.slots else { return add(pattern, hash) }
        var i = Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)
        while let e = slots[i] {
            if e.hash == hash && ByteView(e.text, e.count).equals(pattern) { return e.regex }
            i = (i &+ 1) & (Self.slotCount - 1)
        }
        return add(pattern, hash)
    }

    /// Whether `pattern` matches anywhere in `text`; nil: RE2 refuses the pattern.
    func search(_ pattern: ByteView, hash: UInt64, _ text: ByteView) -> Bool? { regex(pattern, hash: hash).map { Self.search($0, text) } }
    private static func search(_ regex: OpaquePointer, _ text: ByteView) -> Bool {
        text.start.withMemoryRebound(to: CChar.self, capacity: text.count) { cs_regex_search(regex, $0, text.count) != 0 }
    }

    private func add(_ pattern: ByteView, _ hash: UInt64) -> OpaquePointer? {
        if table.pointee.used >= Limits.regexCacheMax { clear() }  // patterns made of requests: start again rather than grow
        let slots = table.pointee.slots ?? makeSlots()
        var i = Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)
        while slots[i] != nil { i = (i &+ 1) & (Self.slotCount - 1) }
        let regex = pattern.count > Limits.patternBytesMax ? nil : Self.make(pattern)
        let text = UnsafeMutablePointer<UInt8>.allocate(capacity: max(pattern.count, 1))
        text.update(from: pattern.start, count: pattern.count)
        slots[i] = Entry(hash: hash, text: text, count: pattern.count, regex: regex)
        table.pointee.used += 1
        return regex
    }
    private func makeSlots() -> UnsafeMutablePointer<Entry?> {
        let slots = UnsafeMutablePointer<Entry?>.allocate(capacity: Self.slotCount)
        slots.initialize(repeating: nil, count: Self.slotCount)
        table.pointee.slots = slots
        return slots
    }
    private static func make(_ pattern: ByteView) -> OpaquePointer? {
        pattern.start.withMemoryRebound(to: CChar.self, capacity: pattern.count) {
            cs_regex_make($0, pattern.count, Limits.expressionRegexBytesMax, nil, 0)
        }
    }
}
