// Digests, HMAC, AES-256-GCM, signatures and text forms of bytes, by the host's OpenSSL. Keys are made once, in `init`, and wiped when the
// last reference goes. Results are arrays; code that must not allocate uses the C table itself. Pieces of a stream: `CryptoStream.swift`.
import CSluiceABI

public enum Digest: UInt32, Sendable {
    case sha256 = 1, sha384, sha512
    /// For old formats only: it is broken.
    case sha1

    var byteCount: Int {
        switch self {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        case .sha1: 20
        }
    }
    public func digest(_ bytes: Bytes) throws(HostError) -> [UInt8] {
        var view = bytes.view
        return try filled(byteCount) { Tables.crypto?.pointee.digest(Tables.host, rawValue, &view, 1, $0, UInt32(byteCount)) ?? missing }
    }
}

/// A key that the host keeps; wiped when nobody has it any more.
final class HostKey: Sendable {
    let id: sluice_crypto_id
    init(_ make: (UnsafeMutablePointer<sluice_crypto_id>) -> Int32?) throws(HostError) {
        var id: sluice_crypto_id = 0
        try check(make(&id) ?? missing)
        self.id = id
    }
    deinit { _ = Tables.crypto?.pointee.release(Tables.host, id) }
}

/// HMAC (RFC 2104).
public struct HMACKey: Sendable {
    private let key: HostKey
    private let digest: Digest
    /// - Parameter key: 1–4,096 bytes.
    public init(_ digest: Digest, key: Bytes) throws(HostError) {
        self.digest = digest
        self.key = try HostKey { Tables.crypto?.pointee.make_hmac_key(Tables.host, digest.rawValue, key.view, $0) }
    }
    public func sign(_ bytes: Bytes) throws(HostError) -> [UInt8] {
        var view = bytes.view
        return try filled(digest.byteCount) {
            Tables.crypto?.pointee.hmac(Tables.host, key.id, &view, 1, $0, UInt32(digest.byteCount)) ?? missing
        }
    }
    /// Compares in a time that depends on the sizes only.
    public func isValid(_ code: Bytes, for bytes: Bytes) throws(HostError) -> Bool {
        try sign(bytes).withBytes { secretsAreEqual($0, code) }
    }
}

/// AES-256-GCM (NIST SP 800-38D).
public struct GCMKey: Sendable {
    let key: HostKey
    /// - Parameter key: 32 bytes.
    public init(_ key: Bytes) throws(HostError) {
        self.key = try HostKey { Tables.crypto?.pointee.make_gcm_key(Tables.host, key.view, $0) }
    }
    /// Cipher text and tag. `nonce` has 12 bytes and must never come twice with one key.
    public func seal(_ plain: Bytes, nonce: Bytes, extra: Bytes = "") throws(HostError) -> [UInt8] {
        let room = plain.count + 16
        return try filled(room) {
            Tables.crypto?.pointee.seal(Tables.host, key.id, nonce.view, extra.view, plain.view, $0, UInt32(clamping: room)) ?? missing
        }
    }
    /// nil: not genuine.
    public func open(_ sealed: Bytes, nonce: Bytes, extra: Bytes = "") throws(HostError) -> [UInt8]? {
        let room = max(0, sealed.count - 16)
        do throws(HostError) {
            return try filled(room) {
                Tables.crypto?.pointee.open(Tables.host, key.id, nonce.view, extra.view, sealed.view, $0, UInt32(clamping: room)) ?? missing
            }
        } catch {
            if error.status == Int32(SLUICE_EIO) { return nil }
            throw error
        }
    }
}

/// Verifies signatures.
public struct PublicKey: Sendable {
    public enum Algorithm: UInt32, Sendable { case ed25519 = 1, ecdsaP256SHA256, ecdsaP256JOSE, rsaPKCS1SHA256, rsaPSSSHA256 }
    private let key: HostKey
    /// - Parameter key: PEM or DER (SubjectPublicKeyInfo), or raw: 32 bytes of Ed25519, 65 of an uncompressed P-256 point.
    public init(_ algorithm: Algorithm, _ key: Bytes) throws(HostError) {
        self.key = try HostKey { Tables.crypto?.pointee.make_public_key(Tables.host, algorithm.rawValue, key.view, $0) }
    }
    public func isValid(_ signature: Bytes, for bytes: Bytes) throws(HostError) -> Bool {
        let status = Tables.crypto?.pointee.verify(Tables.host, key.id, bytes.view, signature.view) ?? missing
        if status == Int32(SLUICE_EIO) { return false }
        try check(status)
        return true
    }
}

/// The same bytes? The time taken depends on the sizes only. Without the host's table it compares them itself, likewise.
public func secretsAreEqual(_ a: Bytes, _ b: Bytes) -> Bool {
    if let table = Tables.crypto { return table.pointee.equal(a.view, b.view) == 1 }
    if a.count != b.count { return false }
    var difference: UInt8 = 0
    for i in 0..<a.count { difference |= a.start[i] ^ b.start[i] }
    return difference == 0
}

/// Text forms of bytes (RFC 4648): base64 (padded), base64url (not padded), hexadecimal (written in small letters, read in both).
public enum TextForm: UInt32, Sendable {
    case base64 = 1, base64url, hex
    public func encode(_ bytes: Bytes) throws(HostError) -> String {
        let room = max(1, bytes.count * 2 + 4)
        return String(
            decoding: try filled(room) { Tables.crypto?.pointee.encode(rawValue, bytes.view, $0, UInt32(clamping: room)) ?? missing },
            as: UTF8.self)
    }
    /// Strictly: no white space, canonical endings.
    public func decode(_ text: Bytes) throws(HostError) -> [UInt8] {
        let room = max(1, text.count)
        return try filled(room) { Tables.crypto?.pointee.decode(rawValue, text.view, $0, UInt32(clamping: room)) ?? missing }
    }
}

/// An array of what `fill` wrote: its result is the count, or an error.
func filled(_ room: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Int32) throws(HostError) -> [UInt8] {
    var status: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: max(room, 1)) { buffer, count in
        status = fill(buffer.baseAddress.unsafelyUnwrapped)
        count = Int(max(0, status))
    }
    try check(status)
    return bytes
}
