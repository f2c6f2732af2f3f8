// SHA-256 of a file's bytes, by libcrypto.
import CSluiceCrypto

struct Digest {
    let bytes: [UInt8]

    init(_ data: UnsafeRawBufferPointer) throws(InspectError) {
        var out = [UInt8](repeating: 0, count: 32)
        guard cs_sha256(data.baseAddress, data.count, &out) == 1 else { throw InspectError("libcrypto refused to compute SHA-256") }
        bytes = out
    }

    var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
    var first64: UInt64 { bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}
