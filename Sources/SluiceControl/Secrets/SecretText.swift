// Random bytes, their text forms, and secrets made one-way: "sha256:" for what is random and long (keys, tokens), "scrypt:" for what people
// choose (passwords). Comparisons take the same time whatever differs. Nothing in here remembers anything.
import CSluiceCrypto
import Foundation

enum SecretText {
    /// Numbers of the forms in csluice_keys.h.
    private static let base64urlForm: UInt32 = 2, hexForm: UInt32 = 3

    static func random(_ count: Int) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: count)
        precondition(cs_random(&out, count) == 1, "libcrypto has no random bytes")
        return out
    }

    static func base64url(_ bytes: [UInt8]) -> String { encode(bytes, base64urlForm) }
    static func hex(_ bytes: [UInt8]) -> String { encode(bytes, hexForm) }
    static func fromBase64url(_ text: String) -> [UInt8]? { decode(text, base64urlForm) }

    static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 32)
        precondition(cs_sha256(bytes, bytes.count, &out) == 1, "libcrypto has no SHA-256")
        return out
    }

    static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool { a.count == b.count && cs_equal(a, b, a.count) == 1 }

    // One way

    static let sha256Prefix = "sha256:"
    static let scryptPrefix = "scrypt:"
    /// 16 MiB and about 50 ms a password.
    static let scryptLogN: UInt32 = 14

    static func hashed(_ secret: String) -> String { sha256Prefix + hex(sha256(Array(secret.utf8))) }
    static func isHashed(_ text: String) -> Bool {
        text.hasPrefix(sha256Prefix) && text.utf8.count == sha256Prefix.utf8.count + 64
            && text.utf8.dropFirst(sha256Prefix.utf8.count).allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// "scrypt:14:SALT:HASH" (base64url; block size 8, one lane).
    static func stretched(_ password: String) throws -> String {
        let salt = random(16)
        guard let hash = scrypt(password, salt, scryptLogN) else { throw FileProblem(text: "cannot hash a password: libcrypto refused") }
        return scryptPrefix + "\(scryptLogN):\(base64url(salt)):\(base64url(hash))"
    }
    static func isStretched(_ text: String) -> Bool { parts(text) != nil }
    static func matches(_ password: String, _ stretched: String) -> Bool {
        guard let (logN, salt, hash) = parts(stretched), let made = scrypt(password, salt, logN) else { return false }
        return equal(made, hash)
    }

    private static func parts(_ text: String) -> (UInt32, [UInt8], [UInt8])? {
        let words = text.split(separator: ":", omittingEmptySubsequences: false)
        guard words.count == 4, words[0] == "scrypt", let logN = UInt32(words[1]), (10...18).contains(logN),
            let salt = fromBase64url(String(words[2])), (8...64).contains(salt.count), let hash = fromBase64url(String(words[3])),
            hash.count == 32
        else { return nil }
        return (logN, salt, hash)
    }

    private static func scrypt(_ password: String, _ salt: [UInt8], _ logN: UInt32) -> [UInt8]? {
        let bytes = Array(password.utf8)
        var out = [UInt8](repeating: 0, count: 32)
        return cs_scrypt(bytes, bytes.count, salt, salt.count, logN, &out, out.count) == 1 ? out : nil
    }

    // Forms

    private static func encode(_ bytes: [UInt8], _ form: UInt32) -> String {
        bytes.withUnsafeBufferPointer { buffer in
            let piece = cs_piece(data: buffer.baseAddress, size: UInt64(buffer.count))
            var out = [UInt8](repeating: 0, count: Int(cs_encoded_size(form, piece.size)) + 4)
            cs_encode(form, piece, &out)
            return String(decoding: out.prefix(Int(cs_encoded_size(form, piece.size))), as: UTF8.self)
        }
    }

    private static func decode(_ text: String, _ form: UInt32) -> [UInt8]? {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBufferPointer { buffer in
            let piece = cs_piece(data: buffer.baseAddress, size: UInt64(buffer.count))
            let size = cs_decoded_size(form, piece)
            guard size >= 0 else { return nil }
            var out = [UInt8](repeating: 0, count: Int(size) + 4)
            return cs_decode(form, piece, &out) == 1 ? Array(out.prefix(Int(size))) : nil
        }
    }
}
