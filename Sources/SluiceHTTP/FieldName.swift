// From a field name, or method, to its small number, by word compares that never read outside the name.
// The numbers themselves are in HeaderField.swift.
import SluiceBytes

/// Unaligned loads; the literals fold to constants.
@inlinable @inline(__always) func load8(_ p: UnsafePointer<UInt8>) -> UInt64 { UnsafeRawPointer(p).loadUnaligned(as: UInt64.self) }
@inlinable @inline(__always) func load4(_ p: UnsafePointer<UInt8>) -> UInt32 { UnsafeRawPointer(p).loadUnaligned(as: UInt32.self) }
@inlinable @inline(__always) func lower8(_ p: UnsafePointer<UInt8>) -> UInt64 { load8(p) | 0x2020_2020_2020_2020 }
@inlinable @inline(__always) func lower4(_ p: UnsafePointer<UInt8>) -> UInt32 { load4(p) | 0x2020_2020 }
/// The first eight, or four, bytes of a literal that has at least as many.
@inlinable @inline(__always) func word8(_ s: StaticString) -> UInt64 { load8(s.utf8Start) }
@inlinable @inline(__always) func word4(_ s: StaticString) -> UInt32 { load4(s.utf8Start) }

/// Does the name of `n` bytes, known to have the literal's length, equal the lower-case literal? Two overlapping words
/// cover lengths 8...16 and 4...8. Setting bit 5 makes letters lower-case and keeps digits and '-'; no other token
/// character becomes one of those by it.
@inlinable @inline(__always) func names8(_ p: UnsafePointer<UInt8>, _ n: Int, _ s: StaticString) -> Bool {
    lower8(p) == word8(s) && lower8(p + (n &- 8)) == load8(s.utf8Start + (n &- 8))
}
@inlinable @inline(__always) func names4(_ p: UnsafePointer<UInt8>, _ n: Int, _ s: StaticString) -> Bool {
    lower4(p) == word4(s) && lower4(p + (n &- 4)) == load4(s.utf8Start + (n &- 4))
}

public enum FieldName {
    /// `HeaderID` of a name made of token characters, any case; 0 for names the proxy does not act on.
    @inlinable @inline(__always) public static func id(_ p: UnsafePointer<UInt8>, _ n: Int) -> UInt8 {
        switch n {
        case 2: if p[0] | 0x20 == 0x74 && p[1] | 0x20 == 0x65 { return HeaderID.te }
        case 3: if p[0] | 0x20 == 0x76 && p[1] | 0x20 == 0x69 && p[2] | 0x20 == 0x61 { return HeaderID.via }
        case 4:
            if names4(p, 4, "host") { return HeaderID.host }
            if names4(p, 4, "date") { return HeaderID.date }
        case 6:
            if names4(p, 6, "server") { return HeaderID.server }
            if names4(p, 6, "expect") { return HeaderID.expect }
        case 7:
            if names4(p, 7, "upgrade") { return HeaderID.upgrade }
            if names4(p, 7, "referer") { return HeaderID.referer }
            if names4(p, 7, "trailer") { return HeaderID.trailer }
        case 9: if names8(p, 9, "forwarded") { return HeaderID.forwarded }
        case 10:
            if names8(p, 10, "connection") { return HeaderID.connection }
            if names8(p, 10, "user-agent") { return HeaderID.userAgent }
            if names8(p, 10, "keep-alive") { return HeaderID.keepAlive }
        case 14: if names8(p, 14, "content-length") { return HeaderID.contentLength }
        case 15: if names8(p, 15, "x-forwarded-for") { return HeaderID.xForwardedFor }
        case 16:
            if names8(p, 16, "x-forwarded-host") { return HeaderID.xForwardedHost }
            if names8(p, 16, "x-forwarded-port") { return HeaderID.xForwardedPort }
            if names8(p, 16, "proxy-connection") { return HeaderID.proxyConnection }
        case 17:  // two words from the second byte on, and the first byte in a third
            if lower8(p) == word8("transfer-encoding") && names8(p + 1, 16, "ransfer-encoding") { return HeaderID.transferEncoding }
            if lower8(p) == word8("x-forwarded-proto") && names8(p + 1, 16, "-forwarded-proto") { return HeaderID.xForwardedProto }
        default: break
        }
        return HeaderID.other
    }
    @inlinable public static func id(_ name: ByteView) -> UInt8 { id(name.start, name.count) }
}

extension Method {
    /// The raw value for a method token of `n` bytes; methods are case-sensitive (RFC 9110 section 9.1). The
    /// longer ones are compared in two words.
    @inlinable @inline(__always) static func raw(_ p: UnsafePointer<UInt8>, _ n: Int) -> UInt8 {
        switch n {
        case 3:
            if p[0] == 0x47 && p[1] == 0x45 && p[2] == 0x54 { return Method.get.rawValue }
            if p[0] == 0x50 && p[1] == 0x55 && p[2] == 0x54 { return Method.put.rawValue }
        case 4:
            if load4(p) == word4("POST") { return Method.post.rawValue }
            if load4(p) == word4("HEAD") { return Method.head.rawValue }
        case 5:
            if load4(p) == word4("PATC") && p[4] == 0x48 { return Method.patch.rawValue }
            if load4(p) == word4("TRAC") && p[4] == 0x45 { return Method.trace.rawValue }
        case 6: if load4(p) == word4("DELE") && load4(p + 2) == word4("LETE") { return Method.delete.rawValue }
        case 7:
            if load4(p) == word4("OPTI") && load4(p + 3) == word4("IONS") { return Method.options.rawValue }
            if load4(p) == word4("CONN") && load4(p + 3) == word4("NECT") { return Method.connect.rawValue }
        default: break
        }
        return Method.other.rawValue
    }
    /// The method of a token.
    @inlinable public init(token: ByteView) { self = Method(rawValue: Method.raw(token.start, token.count)) ?? .other }
}
