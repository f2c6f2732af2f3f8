// The key of this node: 32 random bytes in the state directory that seal what must be kept but not read. Sealed text is
// "sealed:" and base64url of nonce, ciphertext and tag (AES-256-GCM; NIST SP 800-38D). Which secrets are sealed and which are hashed is
// decided in `SecretKeeper.swift`; the key itself never leaves this file.
import CSluiceCrypto
import Foundation

struct NodeKey: Sendable {
    static let fileName = "node.key"
    static let prefix = "sealed:"
    private static let nonceBytes = 12, tagBytes = 16
    private let bytes: [UInt8]

    /// - Parameter bytes: 32 of them.
    init(bytes: [UInt8]) {
        precondition(bytes.count == 32)
        self.bytes = bytes
    }

    /// The key in `folder`; made there when there is none. Two processes that make it at once end up with the same one.
    init(folder: String) throws {
        let path = folder + "/" + Self.fileName
        if access(path, F_OK) != 0 {
            let temporary = path + ".\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
            try FileIO.replace(temporary, with: SecretText.random(32), mode: 0o600)
            defer { unlink(temporary) }
            // A link is refused when somebody was faster; a rename would take his key away.
            guard link(temporary, path) == 0 || errno == EEXIST else { throw FileProblem("create", path) }
            FileIO.syncFolder(of: path)
        }
        let read = try FileIO.read(path, max: 32)
        guard read.count == 32 else { throw FileProblem(text: "\(path) has \(read.count) bytes; allowed: the 32 that the gateway made") }
        bytes = read
    }

    /// - Parameter purpose: what kind of secret this is; text sealed for one is not opened for another.
    func seal(_ plain: [UInt8], purpose: String) throws -> String {
        let nonce = SecretText.random(Self.nonceBytes)
        var sealed = [UInt8](repeating: 0, count: plain.count + Self.tagBytes)
        let done = run { key in
            pieces(Array(purpose.utf8), plain) { extra, text in cs_gcm_seal(key, nonce, extra, text, &sealed) }
        }
        guard done == 1 else { throw FileProblem(text: "cannot seal a secret: libcrypto refused") }
        return Self.prefix + SecretText.base64url(nonce + sealed)
    }

    /// The secret; nil when the text was not sealed with this key for this purpose, or was changed.
    func open(_ text: String, purpose: String) -> [UInt8]? {
        guard text.hasPrefix(Self.prefix), let all = SecretText.fromBase64url(String(text.dropFirst(Self.prefix.count))),
            all.count >= Self.nonceBytes + Self.tagBytes
        else { return nil }
        let nonce = Array(all[..<Self.nonceBytes]), sealed = Array(all[Self.nonceBytes...])
        // One byte more, so that an empty secret has a place to be written to.
        var plain = [UInt8](repeating: 0, count: sealed.count - Self.tagBytes + 1)
        let done = run { key in
            pieces(Array(purpose.utf8), sealed) { extra, text in cs_gcm_open(key, nonce, extra, text, &plain) }
        }
        return done == 1 ? Array(plain.dropLast()) : nil
    }

    private func run(_ body: (OpaquePointer) -> Int32) -> Int32 {
        guard let key = cs_gcm_new(bytes) else { return -1 }
        defer { cs_gcm_free(key) }
        return body(key)
    }

    private func pieces(_ extra: [UInt8], _ text: [UInt8], _ body: (cs_piece, cs_piece) -> Int32) -> Int32 {
        extra.withUnsafeBufferPointer { a in
            text.withUnsafeBufferPointer { b in
                body(cs_piece(data: a.baseAddress, size: UInt64(a.count)), cs_piece(data: b.baseAddress, size: UInt64(b.count)))
            }
        }
    }
}
