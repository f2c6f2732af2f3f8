// The 64-bit hash behind image digests, binding keys and pool keys: multiply-and-fold over 8-byte words, several bytes a
// cycle. It finds damage and tells texts apart; it is no defence against someone who chooses the bytes.

public enum ImageHash {
    @inlinable @inline(__always) static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let p = a.multipliedFullWidth(by: b)
        return p.high ^ p.low
    }
    @usableFromInline static let k0: UInt64 = 0xa076_1d64_78bd_642f
    @usableFromInline static let k1: UInt64 = 0xe703_7ed1_a0b4_28db
    @usableFromInline static let k2: UInt64 = 0x8ebc_6af0_9c88_c6e3
    @usableFromInline static let k3: UInt64 = 0x5895_65ad_5b3a_7c6d

    /// Hash of `count` bytes; equal bytes and seeds give equal hashes in every process of one byte order.
    public static func hash(_ start: UnsafeRawPointer, count: Int, seed: UInt64 = 0) -> UInt64 {
        var a = seed ^ k0
        var b = fold(seed ^ k2, k3)
        var p = start
        var left = count
        while left >= 32 {
            a = fold(p.loadUnaligned(as: UInt64.self) ^ k1, p.loadUnaligned(fromByteOffset: 8, as: UInt64.self) ^ a)
            b = fold(p.loadUnaligned(fromByteOffset: 16, as: UInt64.self) ^ k2, p.loadUnaligned(fromByteOffset: 24, as: UInt64.self) ^ b)
            p += 32
            left -= 32
        }
        while left >= 8 {
            a = fold(p.loadUnaligned(as: UInt64.self) ^ k1, a)
            p += 8
            left -= 8
        }
        var tail: UInt64 = 0
        for i in 0..<left { tail |= UInt64(p.load(fromByteOffset: i, as: UInt8.self)) << UInt64(8 * i) }
        return fold(fold(tail ^ k1, a) ^ b, UInt64(count) ^ k0)
    }

    public static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
        if let start = bytes.baseAddress { return hash(start, count: bytes.count, seed: seed) }
        return withUnsafeBytes(of: 0) { hash($0.baseAddress!, count: 0, seed: seed) }
    }

    /// Hash of a text's UTF-8 bytes. Chain several through `seed`: lengths are part of the hash, so no separator is needed.
    public static func hash(_ text: String, seed: UInt64 = 0) -> UInt64 {
        var text = text
        return text.withUTF8 { hash(UnsafeRawBufferPointer($0), seed: seed) }
    }
}
