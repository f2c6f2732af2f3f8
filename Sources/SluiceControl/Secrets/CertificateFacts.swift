// What a certificate says of itself, read by OpenSSL: for readers of the admin API, and to refuse what no listener could serve.
// It trusts nobody: whether a chain leads to an authority is for clients to judge.
import CSluiceCrypto
import Foundation
import SluiceModel

struct CertificateFacts: Sendable, Equatable {
    var subject: String
    var issuer: String
    /// DNS names and addresses of the leaf.
    var names: [String]
    /// Unix seconds.
    var notBefore: Int64
    var notAfter: Int64
    /// Of the leaf's DER form, hexadecimal.
    var sha256: String
    /// Certificates in the chain.
    var count: Int

    /// Nil when `chain` is no chain of certificates.
    init?(chain: String) {
        var facts = cs_certificate()
        let bytes = Array(chain.utf8)
        guard cs_certificate_read(bytes, bytes.count, nil, 0, &facts) == Int32(CS_CERT_GOOD) else { return nil }
        subject = Self.text(&facts.subject)
        issuer = Self.text(&facts.issuer)
        names = Self.text(&facts.names).split(separator: "\n").map(String.init)
        (notBefore, notAfter, count) = (facts.not_before, facts.not_after, Int(facts.count))
        sha256 = withUnsafeBytes(of: &facts.sha256) { SecretText.hex(Array($0)) }
    }

    /// What is wrong with a chain and its key (PEM); nil = they belong together.
    static func problem(chain: String, key: [UInt8]) -> PolicyProblem? {
        var facts = cs_certificate()
        let bytes = Array(chain.utf8)
        switch cs_certificate_read(bytes, bytes.count, key, key.count, &facts) {
        case Int32(CS_CERT_GOOD): return nil
        case Int32(CS_CERT_BAD_KEY):
            return PolicyProblem(pointer: "/key", found: "no private key can be read from it", allowed: "PEM of a key without a passphrase")
        case Int32(CS_CERT_OTHER_KEY):
            return PolicyProblem(
                pointer: "/key", found: "the key of another certificate", allowed: "the key of the first certificate in chain")
        case Int32(CS_CERT_TOO_LONG):
            return PolicyProblem(pointer: "/chain", found: "more than 10 certificates", allowed: "at most 10, the leaf first")
        default:
            return PolicyProblem(pointer: "/chain", found: "cannot be read as certificates", allowed: "PEM of certificates, the leaf first")
        }
    }

    var json: JSONValue {
        .object([
            ("subject", .string(subject)), ("issuer", .string(issuer)), ("names", .strings(names)),
            ("not_before", .string(Self.date(notBefore))), ("not_after", .string(Self.date(notAfter))), ("sha256", .string(sha256)),
            ("certificates", .int(count)),
        ])
    }

    private static func date(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }

    private static func text<T>(_ field: inout T) -> String {
        withUnsafeBytes(of: &field) { raw in String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
