// The keys and streams that one generation made, by {slot, generation}: a stale id answers SLUICE_GONE and never reaches freed memory.
// What they are is in CSluiceCrypto; who calls is HostTables+Crypto. Everything goes, wiped, when the generation goes.
import CSluiceCrypto
import SluiceModel

enum CryptoKind: UInt8 { case free, hmac, gcm, publicKey, stream }

struct CryptoStore {
    private struct Entry {
        var object: OpaquePointer?
        /// Of the slot; rises when the object goes. Never 0.
        var generation: UInt32
        var kind: CryptoKind
        /// Of a free slot: the next free one + 1. Of a stream: its key's id.
        var link: UInt64
    }
    private var entries: UnsafeMutablePointer<Entry>?
    private var capacity = 0
    private var count = 0
    /// Slot + 1; 0 = none is free.
    private var firstFree = 0

    /// The object of this kind; nil: it is gone, or of another kind.
    @inline(__always) func find(_ id: UInt64, _ kind: CryptoKind) -> OpaquePointer? {
        guard let entry = live(id), entry.pointee.kind == kind else { return nil }
        return entry.pointee.object
    }

    @inline(__always) private func live(_ id: UInt64) -> UnsafeMutablePointer<Entry>? {
        let slot = Int(truncatingIfNeeded: id & 0xffff_ffff)
        guard let entries, slot < count, entries[slot].generation == UInt32(truncatingIfNeeded: id &>> 32), entries[slot].kind != .free
        else {
            return nil
        }
        return entries + slot
    }

    /// False: the generation has as many as it may.
    var hasRoom: Bool { firstFree != 0 || count < Limits.cryptoObjectsMax }

    /// The id of a new object, which belongs to the store from now on. Only when `hasRoom`; the table doubles when it must.
    mutating func add(_ object: OpaquePointer, _ kind: CryptoKind, key: UInt64 = 0) -> UInt64 {
        if firstFree == 0 { appendSlot() }
        let slot = firstFree - 1
        let entry = entries! + slot
        firstFree = Int(entry.pointee.link)
        entry.pointee = Entry(object: object, generation: entry.pointee.generation, kind: kind, link: key)
        return UInt64(entry.pointee.generation) << 32 | UInt64(slot)
    }

    private mutating func appendSlot() {
        if count == capacity {
            let grown = UnsafeMutablePointer<Entry>.allocate(capacity: max(16, capacity * 2))
            if let old = entries {
                grown.moveInitialize(from: old, count: count)
                old.deallocate()
            }
            entries = grown
            capacity = max(16, capacity * 2)
        }
        (entries! + count).initialize(to: Entry(object: nil, generation: 1, kind: .free, link: UInt64(firstFree)))
        count += 1
        firstFree = count
    }

    /// Wipes and frees the object; a stream goes back to its key. False: it is gone already.
    mutating func release(_ id: UInt64) -> Bool {
        guard let entry = live(id), let object = entry.pointee.object else { return false }
        switch entry.pointee.kind {
        case .hmac: cs_hmac_free(object)
        case .gcm: cs_gcm_free(object)
        case .publicKey: cs_public_key_free(object)
        case .stream: cs_gcm_end(object, find(entry.pointee.link, .gcm))
        case .free: return false
        }
        let next = entry.pointee.generation &+ 1
        entry.pointee = Entry(object: nil, generation: next == 0 ? 1 : next, kind: .free, link: UInt64(firstFree))
        firstFree = Int(id & 0xffff_ffff) + 1
        return true
    }

    mutating func end() {
        for slot in 0..<count where entries![slot].kind != .free { _ = release(UInt64(entries![slot].generation) << 32 | UInt64(slot)) }
        entries?.deallocate()
        self = CryptoStore()
    }
}
