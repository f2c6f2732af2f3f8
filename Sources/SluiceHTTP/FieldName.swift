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
        case 2: p[0] | 0x20 == 0x74 && p[1] | 0x20 == 0x65 ? HeaderID.te : 0
        case 3: p[0] | 0x20 == 0x76 && p[1] | 0x20 == 0x69 && p[2] | 0x20 == 0x61 ? HeaderID.via : 0
        case 4: names4(p, 4, "host") ? HeaderID.host : names4(p, 4, "date") ? HeaderID.date : 0
        case 6: names4(p, 6, "server") ? HeaderID.server : names4(p, 6, "expect") ? HeaderID.expect : 0
        case 7:
            names4(p, 7, "upgrade") ? HeaderID.upgrade : names4(p, 7, "referer") ? HeaderID.referer
                : names4(p, 7, "trailer") ? HeaderID.trailer : 0
        case 9: names8(p, 9, "forwarded") ? HeaderID.forwarded : 0
        case 10:
            names8(p, 10, "connection") ? HeaderID.connection : names8(p, 10, "user-agent") ? HeaderID.userAgent
                : names8(p, 10, "keep-alive") ? HeaderID.keepAlive : 0
        case 14: names8(p, 14, "content-length") ? HeaderID.contentLength : 0
        case 15: names8(p, 15, "x-forwarded-for") ? HeaderID.xForwardedFor : 0
        case 16:
            names8(p, 16, "x-forwarded-host") ? HeaderID.xForwardedHost : names8(p, 16, "x-forwarded-port") ? HeaderID.xForwardedPort
                : names8(p, 16, "proxy-connection") ? HeaderID.proxyConnection : 0
        case 17:
            lower8(p) == word8("transfer-encoding") && names8(p + 1, 16, "ransfer-encoding") ? HeaderID.transferEncoding
                : lower8(p) == word8("x-forwarded-proto") && names8(p + 1, 16, "-forwarded-proto") ? HeaderID.xForwardedProto : 0
        default: 0
        }
    }
    @inlinable public static func id(_ name: ByteView) -> UInt8 { id(name.start, name.count) }
}

extension Method {
    /// The raw value for a method token of `n` bytes; methods are case-sensitive (RFC 9110 section 9.1). CONNECT and the
    /// longer ones are compared in two words.
    @inlinable @inline(__always) static func raw(_ p: UnsafePointer<UInt8>, _ n: Int) -> UInt8 {
        let m: Method
        switch n {
        case 3: m = p[0] == 0x47 && p[1] == 0x45 && p[2] == 0x54 ? .get : p[0] == 0x50 && p[1] == 0x55 && p[2] == 0x54 ? .put : .other
        case 4: m = load4(p) == word4("POST") ? .post : load4(p) == word4("HEAD") ? .head : .other
        case 5:
            m = load4(p) == word4("PATCH") && p[4] == 0x48 ? .patch : load4(p) == word4("TRACE") && p[4] == 0x45 ? .trace : .other
        case 6: m = load4(p) == word4("DELETE") && load4(p + 2) == word4("LETE") ? .delete : .other
        case 7:
            m = load4(p) == word4("OPTIONS") && load4(p + 3) == word4("IONS") ? .options
                : load4(p) == word4("CONNECT") && load4(p + 3) == word4("NECT") ? .connect : .other
        default: m = .other
        }
        return m.rawValue
    }
    /// The method of a token.
    @inlinable public init(token: ByteView) { self = Method(rawValue: Method.raw(token.start, token.count)) ?? .other }
}
