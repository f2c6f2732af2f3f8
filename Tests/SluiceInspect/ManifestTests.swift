// Every field of a manifest, right and wrong.
import Testing

@testable import SluiceInspect

struct ManifestTests {
    static func text(_ changes: [String: String?] = [:]) -> [UInt8] {
        var members = ["name": "\"a-1\"", "version": "\"1.2.3\"", "abi": "1", "phases": "[\"access\",\"log\"]"]
        for (k, v) in changes { members[k] = v }
        return Array(("{" + members.sorted { $0.key < $1.key }.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}").utf8)
    }

    @Test func reads() throws {
        let m = try Manifest(
            Self.text([
                "vendor": "\"V\"", "license": "\"MIT\"", "language": "\"c++\"", "unload": "\"park\"", "failure_mode": "\"open\"",
                "needs": "[\"sluice.request/1\"]", "config_schema": "{\"type\":\"object\"}",
            ]))
        #expect(
            m.name == "a-1" && m.version == "1.2.3" && m.abiMajor == 1 && m.phases == ["access", "log"] && m.vendor == "V"
                && m.license == "MIT")
        #expect(
            m.language == "c++" && m.unload == "park" && m.failureMode == "open" && m.needs == ["sluice.request/1"] && m.configSchema != nil
        )
    }

    @Test(
        arguments: [
            ("name", nil, "has no \"name\""), ("version", nil, "has no \"version\""), ("abi", nil, "has no \"abi\""),
            ("phases", nil, "has no \"phases\""), ("name", "\"A\"", "1 to 64 of a-z 0-9 -"), ("name", "\"\"", "1 to 64"),
            ("name", "\"../x\"", "1 to 64"), ("name", "7", "has a number as \"name\""), ("version", "\"1.2\"", "MAJOR.MINOR.PATCH"),
            ("version", "\"1.02.3\"", "MAJOR"), ("version", "\"1.2.3 \"", "MAJOR"), ("version", "\"a.b.c\"", "MAJOR"),
            ("abi", "2", "ABI major version 2; this host speaks 1"), ("abi", "1.5", "a whole number"), ("abi", "\"1\"", "a whole number"),
            ("phases", "[\"acess\"]", "unknown \"acess\" in \"phases\"; known: rewrite access"),
            ("phases", "[\"log\",\"log\"]", "twice"), ("phases", "\"log\"", "an array of strings"), ("phases", "[1]", "a string is needed"),
            ("language", "\"cobol\"", "known: c c++ swift"), ("concurrency", "\"threads\"", "known: plain fiber suspend"),
            ("unload", "\"never\"", "known: unmap park"), ("failure_mode", "\"half\"", "known: closed open"),
            ("config_schema", "[]", "an object is needed"), ("colour", "1", "unknown key \"colour\""),
            ("vendor", "\"a\\nb\"", "control characters"),
        ] as [(String, String?, String)]) func refuses(_ key: String, _ value: String?, _ reason: String)
    {
        let e = #expect(throws: InspectError.self) { try Manifest(Self.text([key: value])) }
        #expect(e?.description.contains(reason) == true, "\(e?.description ?? "")")
    }

    @Test func boundsAndForm() {
        let long = String(repeating: "v", count: 201)
        #expect(throws: InspectError.self) { try Manifest(Self.text(["vendor": "\"\(long)\""])) }
        #expect(throws: InspectError.self) { try Manifest(Self.text(["name": "\"\(String(repeating: "a", count: 65))\""])) }
        #expect(throws: InspectError.self) {
            try Manifest(Self.text(["needs": "[" + (0..<65).map { "\"e\($0)\"" }.joined(separator: ",") + "]"]))
        }
        #expect(throws: InspectError.self) { try Manifest(Array("[]".utf8)) }
        #expect(throws: InspectError.self) { try Manifest(Array("{\"name\":\"a\",\"name\":\"b\"}".utf8)) }
    }

    @Test(arguments: ["0.0.0", "1.2.3-rc.1", "1.2.3+build.5", "10.20.30-a+b"]) func versions(_ v: String) { #expect(Manifest.isVersion(v)) }
}
