// Bounds of the HTTP/1.1 codec that no configuration changes. The two marked ones repeat SluiceModel's Limits, which
// this module may not import; a test compares them.

public enum HTTPLimits {
    /// Offsets in a head are 16 bits wide, so no head is longer, whatever `HeadLimits` says.
    @inlinable public static var headBytesMax: Int { 65_000 }
    /// Empty lines skipped before a request line (RFC 9112 section 2.2 asks for at least one).
    @inlinable public static var leadingEmptyLinesMax: Int { 4 }
    /// Options in all Connection fields of one head; each is compared with every field name.
    @inlinable public static var connectionOptionsMax: Int { 32 }
    /// Hex digits of one chunk size, leading zeros included.
    @inlinable public static var chunkSizeDigitsMax: UInt8 { 16 }
    /// Extension bytes of all chunks of one message. Same as Limits.chunkExtensionBytesMax.
    @inlinable public static var chunkExtensionBytesMax: UInt16 { 4_096 }
    /// Bytes of the trailer section. Same as Limits.trailerBytesMax.
    @inlinable public static var trailerBytesMax: UInt16 { 8_192 }
    /// Fields that plugins may add to one head.
    @inlinable public static var extraFieldsMax: Int { 256 }
    /// Bytes of a name, and of a value, that a plugin adds.
    @inlinable public static var extraNameBytesMax: Int { 256 }
    @inlinable public static var extraValueBytesMax: Int { 16_384 }
}
