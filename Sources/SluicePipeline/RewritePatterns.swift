// The regular expressions of rewrites, compiled when a request first needs one and kept over revisions: a worker compiles a pattern once. The
// first request pays for it; the others pay a hash and a comparison.
import CSluiceRegex
import SluiceBytes
import SluiceModel
import SluiceRules

struct RewritePatterns {
    private struct Entry {
        var text: ByteView
        /// nil: RE2 refused it; kept, so that it is refused once.
        var regex: OpaquePointer?
    }
    private var entries: [UInt64: Entry] = [:]

    /// nil: the pattern cannot be used, which the check of the configuration has made unlikely.
    mutating func regex(_ pattern: ByteView) -> OpaquePointer? {
        let hash = ImageHash.hash(UnsafeRawPointer(pattern.start), count: pattern.count)
        if let known = entries[hash], known.text.equals(pattern) { return known.regex }
        return add(pattern, hash)
    }

    @inline(never) private mutating func add(_ pattern: ByteView, _ hash: UInt64) -> OpaquePointer? {
        if entries.count >= Limits.rewritePatternsMax || entries[hash] != nil { clear() }  // rather start again than grow
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(pattern.count, 1))
        copy.initialize(from: pattern.start, count: pattern.count)
        let regex = cs_regex_make(
            UnsafeRawPointer(copy).assumingMemoryBound(to: CChar.self), pattern.count, Limits.expressionRegexBytesMax, nil, 0)
        entries[hash] = Entry(text: ByteView(copy, pattern.count), regex: regex)
        return regex
    }

    private mutating func clear() {
        for e in entries.values {
            e.text.start.deallocate()
            if let regex = e.regex { cs_regex_free(regex) }
        }
        entries = [:]
    }
}
