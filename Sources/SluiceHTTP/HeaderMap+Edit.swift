// Edits by plugins and policies. A field that would move the borders of messages, or lead to another connection, cannot
// be written here; what is written was checked, so that no edit can smuggle a line.
import CSluiceSys
import SluiceBytes

extension HeaderMap {
    /// Takes out every field with this name.
    /// - Returns: how many there were. Content-Length and Transfer-Encoding stay and count as 0: framing changes only
    ///   through the writer's options.
    public mutating func remove(_ name: ByteView) -> Int {
        let id = FieldName.id(name)
        if id == HeaderID.contentLength || id == HeaderID.transferEncoding { return 0 }
        var n = 0
        var i = find(name, id: id, from: 0)
        while i >= 0 {
            if i < fieldCount {
                fields[i].flags |= HeaderField.removed
            } else {
                extras.unsafelyUnwrapped[i - fieldCount].removed = true
            }
            n += 1
            i = find(name, id: id, from: i + 1)
        }
        if n > 0 { isEdited = true }
        return n
    }

    /// Adds a field behind all others; both parts are copied into the arena.
    /// - Returns: false, with nothing changed, when there is no room, the name is no token, the value is not one line of
    ///   field content, the field belongs to framing or to one hop (`HeaderMask.framing`), or it would be a second Host.
    public mutating func add(_ name: ByteView, _ value: ByteView, arena: UnsafeMutablePointer<Arena>) -> Bool {
        let id = FieldName.id(name)
        if id == HeaderID.host && first(id: id) != nil { return false }
        guard let extra = HeaderMap.checked(name, value, id, arena), hasRoom(arena) else { return false }
        append(extra)
        return true
    }

    /// Replaces every field with this name by one behind all others. Fails like `add`, with nothing changed.
    public mutating func set(_ name: ByteView, _ value: ByteView, arena: UnsafeMutablePointer<Arena>) -> Bool {
        let id = FieldName.id(name)
        guard let extra = HeaderMap.checked(name, value, id, arena) else { return false }
        if find(name, id: id, from: 0) < 0 {  // as nearly always
            guard hasRoom(arena) else { return false }
            append(extra)
            return true
        }
        let leavesHole = find(name, id: id, from: fieldCount) >= 0
        if !leavesHole && !hasRoom(arena) { return false }
        _ = remove(name)
        if leavesHole { _ = hasRoom(arena) }  // cannot fail: the hole is closed for it
        append(extra)
        return true
    }

    /// Could `set` write this field, were there room?
    public static func mayWrite(_ name: ByteView, _ value: ByteView) -> Bool { mayWrite(name, value, FieldName.id(name)) }

    @inline(__always) private static func mayWrite(_ name: ByteView, _ value: ByteView, _ id: UInt8) -> Bool {
        if name.count > HTTPLimits.extraNameBytesMax || value.count > HTTPLimits.extraValueBytesMax { return false }
        if !Syntax.isToken(name) || !Syntax.isFieldValue(value) || HeaderMask.bit(id) & HeaderMask.framing != 0 { return false }
        return id != HeaderID.host || Syntax.authority(value) >= 0
    }

    /// The field copied into the arena when it may be written, else nil.
    private static func checked(_ name: ByteView, _ value: ByteView, _ id: UInt8, _ arena: UnsafeMutablePointer<Arena>) -> ExtraField? {
        if !mayWrite(name, value, id) { return nil }
        guard let p = arena.pointee.allocate(name.count &+ value.count) else { return nil }
        memcpy(p, name.start, name.count)
        memcpy(p + name.count, value.start, value.count)
        return ExtraField(name: ByteView(p, name.count), value: ByteView(p + name.count, value.count), id: id)
    }

    private mutating func append(_ extra: ExtraField) {
        (extras.unsafelyUnwrapped + extraCount).initialize(to: extra)
        extraCount += 1
        isEdited = true
    }

    private mutating func hasRoom(_ arena: UnsafeMutablePointer<Arena>) -> Bool { extraCount < extraCapacity || grow(arena) }

    /// Room for `n` more fields, so that as many `set` and `add` cannot fail for want of it. False: nothing has changed.
    public mutating func reserve(_ n: Int, arena: UnsafeMutablePointer<Arena>) -> Bool {
        extraCapacity - extraCount >= n || grow(arena, by: n)
    }

    /// Room for more extras: first the holes of removed ones are closed, then the table doubles.
    private mutating func grow(_ arena: UnsafeMutablePointer<Arena>, by n: Int = 1) -> Bool {
        if let extras {
            var live = 0
            for i in 0..<extraCount where !extras[i].removed {
                extras[live] = extras[i]
                live += 1
            }
            extraCount = live
            if extraCount + n <= extraCapacity { return true }
        }
        var capacity = max(8, extraCapacity * 2)
        while capacity < extraCount + n { capacity *= 2 }
        if capacity > HTTPLimits.extraFieldsMax { return false }
        guard let room = arena.pointee.allocate(capacity * MemoryLayout<ExtraField>.stride) else { return false }
        let table = UnsafeMutableRawPointer(room).bindMemory(to: ExtraField.self, capacity: capacity)
        if let extras { table.update(from: extras, count: extraCount) }
        extras = table
        extraCapacity = capacity
        return true
    }
}
