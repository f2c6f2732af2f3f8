// Regular expressions of an image: the sets in which all of them are searched for at once, and for each tree of paths which of its routes
// stand behind which expression. Plain records only; they are made in `RegexSets.swift` and walked by `RegexWalk` of SluiceRouter.
//
//   regexSets     [RegexSetRecord…]  each a compiled set of expressions, in the image at a multiple of 64 bytes
//        path ──► numbers of the expressions that match it
//   regexTables   [RegexTable…]      one for each tree that has any
//   regexEntries  [RegexEntry…]      a table's run, best first; `byNumber` lists the same run by expression
import SluiceModel

@frozen public struct RegexSetRecord {
    /// Bytes of the compiled set; `CS_REGEX_ALIGNMENT`.
    public var offset: UInt32 = 0
    public var count: UInt32 = 0
    /// `ImageHash` of the bytes: they are code of a kind, and nothing else looks inside.
    public var hash: UInt64 = 0
    public init() {}
}

@frozen public struct RegexTable {
    /// Run in `regexEntries`, not empty.
    public var first: UInt32 = 0
    public var count: UInt32 = 0
    public init() {}
}

@frozen public struct RegexEntry {
    public var entry = RouteEntry()
    /// Number of the expression, below `ImageHeader.regexCount`.
    public var regex: UInt32 = 0
    /// The k-th of a table's entries says which place of the run is the k-th by number of the expression, then by place.
    public var byNumber: UInt32 = 0
    public init() {}
}

extension ImageView {
    @inlinable public var regexSets: UnsafeBufferPointer<RegexSetRecord> { records(header.pointee.regexSets) }
    @inlinable public var regexTables: UnsafeBufferPointer<RegexTable> { records(header.pointee.regexTables) }
    @inlinable public var regexEntries: UnsafeBufferPointer<RegexEntry> { records(header.pointee.regexEntries) }
    /// A compiled set, for CSluiceRegex.
    @inlinable public func bytes(of set: RegexSetRecord) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + Int(set.offset), count: Int(set.count))
    }
}
