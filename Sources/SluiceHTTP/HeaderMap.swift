// The fields of one head as a plugin sees them: what was received, plus edits. Reading is here, editing in
// HeaderMap+Edit.swift. Plain data: views into the message buffer and into the request's arena, no owner, no allocation.
import SluiceBytes

/// A field that an edit added. Name and value live in the request's arena; `removed` ones stay as holes.
@frozen public struct ExtraField {
    public var name: ByteView
    public var value: ByteView
    public var id: UInt8
    public var removed: Bool
    @inlinable public init(name: ByteView, value: ByteView, id: UInt8, removed: Bool = false) {
        self.name = name
        self.value = value
        self.id = id
        self.removed = removed
    }
}

/// ```
///  fields  ─► [offsets|id|flags]… into buffer      received order, removed ones flagged
///  extras  ─► [name|value|id|removed]… in the arena, in the order they were added
/// ```
@frozen public struct HeaderMap {
    public var buffer: UnsafeMutablePointer<UInt8>
    public var fields: UnsafeMutablePointer<HeaderField>
    public var fieldCount: Int
    public var extras: UnsafeMutablePointer<ExtraField>?
    public var extraCount = 0
    public var extraCapacity = 0
    /// Something was removed or added since the head was parsed.
    public var isEdited = false

    /// The received fields; `buffer` and `fields` must outlive the map.
    @inlinable public init(buffer: UnsafeMutablePointer<UInt8>, fields: UnsafeMutablePointer<HeaderField>, fieldCount: Int) {
        self.buffer = buffer
        self.fields = fields
        self.fieldCount = fieldCount
    }
    /// A map without received fields, for answers made here. The pointers are never read while `fieldCount` is 0.
    @inlinable public init() {
        buffer = UnsafeMutablePointer(mutating: ByteView.empty.start)
        fields = UnsafeMutablePointer(bitPattern: MemoryLayout<HeaderField>.alignment).unsafelyUnwrapped
        fieldCount = 0
    }

    @inlinable @inline(__always) func name(_ f: HeaderField) -> ByteView {
        ByteView(UnsafePointer(buffer) + Int(f.nameOffset), Int(f.nameLength))
    }
    @inlinable @inline(__always) func value(_ f: HeaderField) -> ByteView {
        ByteView(UnsafePointer(buffer) + Int(f.valueOffset), Int(f.valueLength))
    }

    /// Index, counted through fields and then extras, of the first live field from `index` on with this name; -1: none.
    @inlinable func find(_ wanted: ByteView, id: UInt8, from index: Int) -> Int {
        var i = index
        while i < fieldCount {
            let f = fields[i]
            if f.id == id && f.flags & HeaderField.removed == 0 && Int(f.nameLength) == wanted.count
                && (id != 0 || name(f).equalsIgnoringCase(wanted))
            {
                return i
            }
            i &+= 1
        }
        guard let extras else { return -1 }
        while i < fieldCount &+ extraCount {
            let x = extras[i &- fieldCount]
            if x.id == id && !x.removed && (id != 0 || x.name.equalsIgnoringCase(wanted)) { return i }
            i &+= 1
        }
        return -1
    }
    /// Is field or extra `i` there and has this id?
    @inlinable func isLive(_ i: Int, id: UInt8) -> Bool {
        if i < fieldCount { return fields[i].id == id && fields[i].flags & HeaderField.removed == 0 }
        let x = extras.unsafelyUnwrapped[i &- fieldCount]
        return x.id == id && !x.removed
    }
    @inlinable func value(at i: Int) -> ByteView {
        i < fieldCount ? value(fields[i]) : extras.unsafelyUnwrapped[i &- fieldCount].value
    }

    /// Value of the first live field with this name, any case; valid until the buffer or arena goes.
    @inlinable public func first(_ name: ByteView) -> ByteView? {
        let i = find(name, id: FieldName.id(name), from: 0)
        return i < 0 ? nil : value(at: i)
    }

    /// The same for a name the proxy numbers (`HeaderID`, not 0).
    @inlinable public func first(id: UInt8) -> ByteView? {
        var i = 0
        while i < fieldCount {
            if fields[i].id == id && fields[i].flags & HeaderField.removed == 0 { return value(fields[i]) }
            i &+= 1
        }
        guard let extras else { return nil }
        i = 0
        while i < extraCount {
            if extras[i].id == id && !extras[i].removed { return extras[i].value }
            i &+= 1
        }
        return nil
    }

    /// How many live fields have this name.
    @inlinable public func count(_ name: ByteView) -> Int {
        let id = FieldName.id(name)
        var n = 0
        var i = find(name, id: id, from: 0)
        while i >= 0 {
            n &+= 1
            i = find(name, id: id, from: i &+ 1)
        }
        return n
    }

    /// Every live field in order: received ones, then added ones. The cursor starts at 0; nil at the end.
    @inlinable public func next(_ cursor: inout Int) -> (name: ByteView, value: ByteView)? {
        while cursor < fieldCount {
            let f = fields[cursor]
            cursor &+= 1
            if f.flags & HeaderField.removed == 0 { return (name(f), value(f)) }
        }
        guard let extras else { return nil }
        while cursor < fieldCount &+ extraCount {
            let x = extras[cursor &- fieldCount]
            cursor &+= 1
            if !x.removed { return (x.name, x.value) }
        }
        return nil
    }
}
