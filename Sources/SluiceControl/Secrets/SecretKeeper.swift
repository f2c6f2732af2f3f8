// Decides how each secret of an object is kept: API keys as their SHA-256, passwords by scrypt, what a check needs itself (shared secrets,
// private keys) sealed with the node's key. What is kept already stays as it is, so that the same object is the same text again.
// Certificates are held against their keys here, because afterwards the key cannot be read. Where objects come from is not of interest.
import CSluiceCrypto
import Foundation
import SluiceModel

extension PolicyProblem: Error, CustomStringConvertible {
    var description: String { line }
}

struct SecretKeeper: SecretKeeping {
    let key: NodeKey
    /// What readers get in the place of a secret, and may send back.
    static let mask = "***"

    init(key: NodeKey) { self.key = key }

    /// The keeper of a node with this state directory; makes its key when there is none.
    init(stateDirectory: String) throws { key = try NodeKey(folder: stateDirectory) }

    /// - Throws: `PolicyProblem` with the pointer of what cannot be kept.
    func keep(_ value: PolicyValue, stored: PolicyValue?) throws -> PolicyValue {
        switch value {
        case .consumer(var consumer):
            let old: Consumer? = if case .consumer(let old) = stored { old } else { nil }
            for index in consumer.credentials.indices {
                let credential = consumer.credentials[index]
                let kept = old?.credentials.first { $0.id == credential.id && $0.kind == credential.kind }
                consumer.credentials[index].secret = try keep(credential, kept, "/credentials/\(index)/secret")
            }
            consumer.plugins = try MaskedConfig.restore(consumer.plugins, old?.plugins ?? [], "/plugins")
            return .consumer(consumer)
        case .certificate(var certificate):
            let old: Certificate? = if case .certificate(let old) = stored { old } else { nil }
            certificate.key = try keep(certificate, old)
            return .certificate(certificate)
        case .route(var route):
            let old: Route? = if case .route(let old) = stored { old } else { nil }
            route.plugins = try MaskedConfig.restore(route.plugins, old?.plugins ?? [], "/plugins")
            route.action = try MaskedConfig.restore(route.action, old?.action)
            return .route(route)
        case .globalPlugin(let binding):
            let old: [PluginBinding] = if case .globalPlugin(let old) = stored { [old] } else { [] }
            return .globalPlugin(try MaskedConfig.restore(binding, old, "/config"))
        case .cluster, .ipSet: return value
        }
    }

    // Credentials

    private static let purpose = "credential"

    private func keep(_ new: Credential, _ old: Credential?, _ pointer: String) throws -> String {
        let text = new.secret
        if text.isEmpty || text == old?.secret { return text }
        if text == Self.mask {
            guard let old else { throw Self.masked(pointer) }
            return old.secret
        }
        switch new.kind {
        case .key: return SecretText.isHashed(text) ? text : SecretText.hashed(text)
        case .basic:
            if SecretText.isStretched(text) { return text }
            // The salt would make another text of the same password.
            if let old, SecretText.matches(text, old.secret) { return old.secret }
            return try SecretText.stretched(text)
        case .hmac, .jwt: return try sealed(text, old?.secret, Self.purpose, pointer)
        }
    }

    /// The shared secret itself, for whoever checks with it; nil when it is not sealed by this node.
    func open(_ credential: Credential) -> [UInt8]? { key.open(credential.secret, purpose: Self.purpose) }

    // Certificates

    private static let keyPurpose = "certificate key"

    /// PEM of the private key; nil when it is not sealed by this node.
    func open(_ certificate: Certificate) -> [UInt8]? { key.open(certificate.key, purpose: Self.keyPurpose) }

    private func keep(_ new: Certificate, _ old: Certificate?) throws -> String {
        var kept = new.key
        if kept == Self.mask {
            guard let old else { throw Self.masked("/key") }
            kept = old.key
        }
        if kept == old?.key, new.chain == old?.chain { return kept }
        let pem: [UInt8]
        if kept.hasPrefix(NodeKey.prefix) {
            guard let opened = key.open(kept, purpose: Self.keyPurpose) else { throw Self.foreign("/key") }
            pem = opened
        } else {
            pem = Array(kept.utf8)
        }
        if let problem = CertificateFacts.problem(chain: new.chain, key: pem) { throw problem }
        if kept.hasPrefix(NodeKey.prefix) { return kept }
        if let old, key.open(old.key, purpose: Self.keyPurpose) == pem { return old.key }
        return try key.seal(pem, purpose: Self.keyPurpose)
    }

    // Sealing

    private func sealed(_ text: String, _ old: String?, _ purpose: String, _ pointer: String) throws -> String {
        if text.hasPrefix(NodeKey.prefix) {
            guard key.open(text, purpose: purpose) != nil else { throw Self.foreign(pointer) }
            return text
        }
        if let old, key.open(old, purpose: purpose) == Array(text.utf8) { return old }
        return try key.seal(Array(text.utf8), purpose: purpose)
    }

    private static func foreign(_ pointer: String) -> PolicyProblem {
        PolicyProblem(
            pointer: pointer, found: "sealed with the key of another node, or damaged",
            allowed: "the secret itself, or text that this node sealed (copy \(NodeKey.fileName) to move a node's secrets)")
    }
    private static func masked(_ pointer: String) -> PolicyProblem {
        PolicyProblem(pointer: pointer, found: "found \"\(mask)\", and no secret is stored here", allowed: "the secret itself")
    }
}
