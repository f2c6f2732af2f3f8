// Secrets: sealed and hashed, kept when they are kept already, refused when they are another node's; certificates against their keys.
import Foundation
import SluiceModel
import Testing

@testable import SluiceControl

@Suite struct SecretTests {
    let keeper = SecretKeeper(key: NodeKey(bytes: Array(0..<32)))

    private func consumer(_ secrets: [(Credential.Kind, String)]) -> PolicyValue {
        var out = Consumer(id: "ann")
        out.credentials = secrets.map { kind, secret in
            var credential = Credential(id: kind.rawValue, kind: kind)
            credential.secret = secret
            return credential
        }
        return .consumer(out)
    }
    private func secrets(_ value: PolicyValue) -> [String] { if case .consumer(let c) = value { c.credentials.map(\.secret) } else { [] } }

    @Test func everyKindIsKeptInItsWay() throws {
        let plain = consumer([(.key, "k"), (.basic, "p"), (.hmac, "h"), (.jwt, "j")])
        let kept = try keeper.keep(plain, stored: nil)
        let texts = secrets(kept)
        #expect(texts[0] == SecretText.hashed("k") && texts[0].hasPrefix("sha256:") && texts[0].count == 71)
        #expect(texts[1].hasPrefix("scrypt:14:") && SecretText.matches("p", texts[1]) && !SecretText.matches("q", texts[1]))
        #expect(texts[2].hasPrefix("sealed:") && texts[3].hasPrefix("sealed:"))
        // Kept text stays, and so does plain text that is the same secret: no change is made up.
        #expect(try keeper.keep(kept, stored: nil) == kept)
        #expect(try keeper.keep(plain, stored: kept) == kept)
        #expect(try keeper.keep(consumer([(.key, "***"), (.basic, "***"), (.hmac, "***"), (.jwt, "***")]), stored: kept) == kept)
        #expect(try secrets(keeper.keep(consumer([(.hmac, "other")]), stored: kept))[0] != texts[2])
    }

    @Test func whatCannotBeKeptIsRefused() throws {
        func refusal(_ value: PolicyValue) -> PolicyProblem? {
            do { _ = try keeper.keep(value, stored: nil) } catch { return error as? PolicyProblem }
            return nil
        }
        #expect(refusal(consumer([(.key, "***")]))?.pointer == "/credentials/0/secret")
        let foreign = try NodeKey(bytes: Array(1..<33)).seal(Array("h".utf8), purpose: "credential")
        let problem = refusal(consumer([(.key, "k"), (.hmac, foreign)]))
        #expect(problem?.pointer == "/credentials/1/secret" && problem?.detail.contains("another node") == true)
        var broken = Certificate(id: "c")
        (broken.chain, broken.key) = ("-----BEGIN CERTIFICATE-----\n", "-----BEGIN PRIVATE KEY-----\n")
        #expect(refusal(.certificate(broken))?.pointer == "/chain")
    }

    @Test func sealedTextIsOpenedOnlyAsWhatItWasSealed() throws {
        let key = NodeKey(bytes: Array(0..<32)), text = try key.seal(Array("secret".utf8), purpose: "a")
        #expect(key.open(text, purpose: "a") == Array("secret".utf8))
        #expect(key.open(text, purpose: "b") == nil)
        #expect(try key.open(key.seal([], purpose: "a"), purpose: "a") == [])
        for index in text.indices.dropFirst(7) {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            #expect(key.open(changed, purpose: "a") == nil)
        }
    }

    @Test func theKeyOfANodeIsMadeOnce() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/key-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let sealed = try NodeKey(folder: folder).seal([1, 2, 3], purpose: "t")
        #expect(try NodeKey(folder: folder).open(sealed, purpose: "t") == [1, 2, 3])
        let mode = try FileManager.default.attributesOfItem(atPath: folder + "/node.key")[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["node.key"])
    }

    @Test func maskedConfigurationsGetTheirSecretsBack() throws {
        func route(_ config: String) -> PolicyValue {
            var route = Route(id: "r", action: .cluster("c"))
            route.plugins = [PluginBinding(name: "auth", configJSON: config)]
            return .route(route)
        }
        let stored = route(#"{"keys":[{"key":"s1","user":"ann"}],"realm":"x"}"#)
        let back = try keeper.keep(route(#"{"keys":[{"key":"***","user":"bob"}],"realm":"***"}"#), stored: stored)
        #expect(back == route(#"{"keys":[{"key":"s1","user":"bob"}],"realm":"***"}"#), "only what is masked is brought back")
        do {
            _ = try keeper.keep(route(#"{"keys":[{"key":"s1"},{"key":"***"}]}"#), stored: stored)
            Issue.record("a mask without a secret behind it")
        } catch {
            #expect((error as? PolicyProblem)?.pointer == "/plugins/0/config/keys/1/key")
        }
    }
}
