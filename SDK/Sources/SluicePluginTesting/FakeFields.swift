// Rules and edits of header fields on the fake host; the same refusals as the gateway's (EditRules.swift there).
import CSluiceABI
import SluicePlugin

enum FakeFields {
    /// Fields that frame or route the message or belong to one connection.
    private static let hostOwned: Set<String> = [
        "te", "host", "expect", "trailer", "upgrade", "connection", "keep-alive", "content-length", "proxy-connection", "transfer-encoding",
    ]
    private static let tokenMarks = Set("!#$%&'*+-.^_`|~".utf8)

    static func isToken(_ s: [UInt8]) -> Bool {
        !s.isEmpty && s.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0 | 0x20) || tokenMarks.contains($0) }
    }
    static func mayWrite(_ name: sluice_view, _ value: sluice_view) -> Bool {
        isToken(name.array) && !hostOwned.contains(name.string.lowercased())
            && value.array.allSatisfy { $0 == 0x09 || $0 >= 0x20 && $0 != 0x7f }
    }
    static func find(_ fields: [HTTPField], _ name: sluice_view) -> HTTPField? {
        let name = name.string.lowercased()
        return fields.first { $0.name.lowercased() == name }
    }

    static func set(_ fields: inout [HTTPField], _ name: sluice_view, _ value: sluice_view) -> Int32 {
        guard mayWrite(name, value) else { return invalid }
        let key = name.string.lowercased()
        let at = fields.firstIndex { $0.name.lowercased() == key } ?? fields.endIndex
        fields.removeAll { $0.name.lowercased() == key }
        fields.insert(HTTPField(name: name.string, value: value.string), at: min(at, fields.endIndex))
        return ok
    }
    static func add(_ fields: inout [HTTPField], _ name: sluice_view, _ value: sluice_view) -> Int32 {
        guard mayWrite(name, value) else { return invalid }
        fields.append(HTTPField(name: name.string, value: value.string))
        return ok
    }
    static func remove(_ fields: inout [HTTPField], _ name: sluice_view) -> Int32 {
        guard mayWrite(name, sluice_view()) else { return invalid }
        let key = name.string.lowercased(), before = fields.count
        fields.removeAll { $0.name.lowercased() == key }
        return fields.count < before ? ok : notFound
    }
    /// All edits or none.
    static func edit(_ fields: inout [HTTPField], _ edits: UnsafePointer<sluice_header_edit>?, _ count: UInt32) -> Int32 {
        guard count <= 64 else { return limit }
        var copy = fields
        for i in 0..<Int(count) {
            guard let e = edits?[i] else { return invalid }
            let status =
                switch Int(e.operation) {
                case SLUICE_EDIT_SET: set(&copy, e.name, e.value)
                case SLUICE_EDIT_ADD: add(&copy, e.name, e.value)
                case SLUICE_EDIT_REMOVE: remove(&copy, e.name)
                default: invalid
                }
            if status < 0 && !(status == notFound && Int(e.operation) == SLUICE_EDIT_REMOVE) { return status }
        }
        fields = copy
        return ok
    }
    static func batch(
        _ e: FakeExchange, _ fields: [HTTPField], _ names: UnsafePointer<sluice_view>?, _ values: UnsafeMutablePointer<sluice_view>?,
        _ count: UInt32
    ) -> Int32 {
        guard let names, let values, count <= 64 else { return count <= 64 ? invalid : limit }
        var found: Int32 = 0
        for i in 0..<Int(count) {
            let field = find(fields, names[i])
            values[i] = field.map { e.lend($0.value) } ?? sluice_view()
            if field != nil { found += 1 }
        }
        return found
    }
    static func list(
        _ e: FakeExchange, _ fields: [HTTPField], _ out: UnsafeMutablePointer<sluice_header>?, _ room: UInt32,
        _ count: UnsafeMutablePointer<UInt32>?
    ) -> Int32 {
        guard let count else { return invalid }
        count.pointee = UInt32(fields.count)
        for (i, f) in fields.prefix(Int(room)).enumerated() { out?[i] = sluice_header(name: e.lend(f.name), value: e.lend(f.value)) }
        return fields.count > Int(room) ? limit : ok
    }

    /// Value of a query argument, decoded (application/x-www-form-urlencoded).
    static func query(_ path: String, _ name: String) -> [UInt8]? {
        guard let mark = path.firstIndex(of: "?") else { return nil }
        for pair in path[path.index(after: mark)...].split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if decode(parts[0]) == Array(name.utf8) { return parts.count > 1 ? decode(parts[1]) : [] }
        }
        return nil
    }
    static func decode(_ text: Substring) -> [UInt8] {
        var out: [UInt8] = []
        let bytes = Array(text.utf8)
        var i = 0
        while i < bytes.count {
            if bytes[i] == UInt8(ascii: "%"), i + 2 < bytes.count,
                let v = UInt8(String(decoding: bytes[i + 1...i + 2], as: UTF8.self), radix: 16)
            {
                out.append(v)
                i += 3
            } else {
                out.append(bytes[i] == UInt8(ascii: "+") ? 0x20 : bytes[i])
                i += 1
            }
        }
        return out
    }
}
