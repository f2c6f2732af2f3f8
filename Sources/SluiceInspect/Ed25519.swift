// Detached signatures (Ed25519, RFC 8032) over a file's bytes, by libcrypto. Which keys count and what happens without a good
// signature is the control process's policy.
import CSluiceCrypto

/// A public key.
public struct Ed25519Key: Sendable, Equatable {
    /// 32 bytes.
    public let bytes: [UInt8]
    public static let size = 32
    public static let signatureSize = 64

    /// - Returns: nil unless there are 32 bytes.
    public init?(raw: [UInt8]) {
        guard raw.count == Self.size else { return nil }
        bytes = raw
    }

    /// Of a PEM text ("-----BEGIN PUBLIC KEY-----", RFC 8410). Nil when it is none, or of another kind.
    public init?(pem: [UInt8]) {
        var out = [UInt8](repeating: 0, count: Self.size)
        guard cs_ed25519_public_key(pem, pem.count, &out) == 1 else { return nil }
        bytes = out
    }

    /// First 8 bytes of the key's SHA-256 as 16 hex digits: what people call it.
    public var fingerprint: String { bytes.withUnsafeBytes { (try? Digest($0))?.hex.prefix(16).description ?? "" } }

    /// True when `signature` (64 bytes) is this key's over `data`.
    public func verifies(_ signature: [UInt8], over data: [UInt8]) -> Bool {
        signature.count == Self.signatureSize && cs_ed25519_verify(bytes, signature, data, data.count) == 1
    }
}
