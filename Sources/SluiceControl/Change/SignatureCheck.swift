// The signature policy applied to one file: keys and signature come in, a verdict goes out. Arithmetic is in SluiceInspect; where a
// signature comes from (a file beside the plugin, a part of an upload) is the caller's business.
import Foundation
import SluiceInspect
import SluiceModel

/// What is known about a plugin's signature.
struct SignatureVerdict: Codable, Sendable, Equatable {
    enum State: String, Codable, Sendable {
        /// The policy is off.
        case unchecked
        case valid
        case missing
        /// Not a signature, or of none of the configured keys over these bytes.
        case wrong
    }
    var state: State
    /// Fingerprint of the key that signed; only when valid.
    var key: String?
    static let unchecked = SignatureVerdict(state: .unchecked)
}

/// The configured keys, read when a plugin is checked: a key file may be replaced while the gateway runs.
struct SignatureCheck: Sendable {
    let policy: PluginSignatures.Policy
    let keys: [String]
    /// What relative paths are from.
    let folder: String

    init(_ configured: PluginSignatures, folder: String) { (policy, keys, self.folder) = (configured.policy, configured.keys, folder) }

    /// - Parameter signature: as it came: 64 bytes, or base64 of them; nil = there is none.
    /// - Throws: when the policy refuses the plugin, or a key cannot be read.
    func verdict(_ signature: [UInt8]?, over bytes: [UInt8]) throws(PluginRefusal) -> SignatureVerdict {
        guard policy != .off else { return .unchecked }
        var known: [Ed25519Key] = []
        for index in keys.indices { known.append(try key(index)) }
        var verdict = SignatureVerdict(state: signature == nil ? .missing : .wrong)
        if let raw = signature.flatMap(Self.raw), let key = known.first(where: { $0.verifies(raw, over: bytes) }) {
            verdict = SignatureVerdict(state: .valid, key: key.fingerprint)
        }
        guard policy == .enforce, let problem = Self.problem(verdict, keys: known.count) else { return verdict }
        throw PluginRefusal(description: problem)
    }

    /// What is wrong, in words; nil = nothing.
    static func problem(_ verdict: SignatureVerdict, keys: Int) -> String? {
        switch verdict.state {
        case .unchecked, .valid: nil
        case .missing:
            "no signature; allowed: an Ed25519 signature in FILE.so.sig, in X-Sluice-Signature, or in the part \"signature\""
        case .wrong: "the signature is wrong: it is of none of the \(keys) keys in plugin_signatures.keys over these bytes"
        }
    }

    /// The 64 bytes of a signature as it may come.
    static func raw(_ given: [UInt8]) -> [UInt8]? {
        if given.count == Ed25519Key.signatureSize { return given }
        let text = String(decoding: given, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return Data(base64Encoded: text).map(Array.init).flatMap { $0.count == Ed25519Key.signatureSize ? $0 : nil }
    }

    func key(_ index: Int) throws(PluginRefusal) -> Ed25519Key {
        let text = keys[index], place = "plugin_signatures.keys[\(index)]"
        if let raw = Data(base64Encoded: text), let key = Ed25519Key(raw: Array(raw)) { return key }
        let path = FileIO.absolute(text, from: folder)
        let pem: [UInt8]
        do { pem = try FileIO.read(path, max: Limits.pluginSignatureFileBytesMax) } catch {
            throw PluginRefusal(description: "\(place): \(error); allowed: a PEM file, or base64 of 32 bytes")
        }
        guard let key = Ed25519Key(pem: pem) else {
            throw PluginRefusal(
                description: "\(place): \(path) holds no Ed25519 public key; allowed: PEM, or base64 of 32 bytes in its place")
        }
        return key
    }

    /// The signature in FILE.sig; nil when there is no such file.
    static func beside(_ file: String) throws(PluginRefusal) -> [UInt8]? {
        let path = file + ".sig"
        guard access(path, F_OK) == 0 else { return nil }
        do { return try FileIO.read(path, max: Limits.pluginSignatureFileBytesMax) } catch { throw PluginRefusal(description: "\(error)") }
    }
}
