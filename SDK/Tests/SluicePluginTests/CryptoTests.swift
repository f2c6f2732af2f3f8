// Cryptography on the fake host: known answers (FIPS 180-4, RFC 4231, RFC 4648, RFC 8032), and what is refused. The
// table behind it is held to more in Tests/SDK, by the fixture that the gateway's tests use.
import SluicePlugin
import SluicePluginTesting
import Testing

private func hex(_ bytes: [UInt8]) throws -> String { try bytes.withBytes { try TextForm.hex.encode($0) } }

/// Does its work where keys are made: in `init`, on the host's thread.
private final class Answers: AccessHook {
    init(_ config: NoConfig) throws {
        #expect(try hex(try Digest.sha256.digest("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let jefe = try HMACKey(.sha256, key: "Jefe")
        let code = try jefe.sign("what do ya want for nothing?")
        #expect(try hex(code) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(try code.withBytes { try jefe.isValid($0, for: "what do ya want for nothing?") })
        #expect(try TextForm.base64url.encode("foob") == "Zm9vYg")
        let raw = try TextForm.hex.decode("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        let signature = try TextForm.hex.decode(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        )
        let key = try raw.withBytes { try PublicKey(.ed25519, $0) }
        #expect(try signature.withBytes { try key.isValid($0, for: "r") })
        #expect(try !signature.withBytes { try key.isValid($0, for: "s") })
    }
    func access(_ request: inout Request) throws -> Verdict { .next }
}

private final class Sealer: AccessHook {
    init(_ config: NoConfig) throws {
        let secret = try TextForm.hex.decode("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
        let nonce = try TextForm.hex.decode("cafebabefacedbaddecaf888")
        let key = try secret.withBytes { try GCMKey($0) }
        let sealed = try nonce.withBytes { try key.seal("secret", nonce: $0, extra: "seen") }
        #expect(sealed.count == 22)
        let open = try nonce.withBytes { n in try sealed.withBytes { try key.open($0, nonce: n, extra: "seen") } }
        #expect(open == Array("secret".utf8))
        let other = try nonce.withBytes { n in try sealed.withBytes { try key.open($0, nonce: n, extra: "unseen") } }
        #expect(other == nil)
        #expect(throws: HostError.self) { _ = try GCMKey("short") }
    }
    func access(_ request: inout Request) throws -> Verdict { .next }
}

@Suite struct CryptoTests {
    @Test func knownAnswers() throws { #expect(try FakePlugin(Answers.self).access(FakeExchange(path: "/")) == .next) }
    @Test func sealsAndOpens() throws { #expect(try FakePlugin(Sealer.self).access(FakeExchange(path: "/")) == .next) }
}
