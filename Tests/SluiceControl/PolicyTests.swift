// What a file must keep to before it is loaded: capabilities, failure mode, schema of the configuration, digest; and the two readers
// of untrusted text, the schema's and the form's.
import Foundation
import Testing

@testable import SluiceControl
@testable import SluiceModel

@Suite struct PolicyTests {
    private func refusal(_ bench: Bench, _ text: String, capabilities: [String]? = nil, sha256: String? = nil) async throws -> String? {
        var wish = LoadWish()
        wish.path = try bench.write(text, "next.so")
        (wish.capabilities, wish.sha256) = (capabilities, sha256)
        do { _ = try await bench.control.load(wish) } catch { return error.errors[0] }
        return nil
    }

    @Test func capabilitiesAreGrantedOrRefused() async throws {
        let bench = try await Bench()
        let asking = #"alpha 2.0.0 access {"capabilities":["network","http_client"]}"#
        let said = try #require(try await refusal(bench, asking, capabilities: ["network"]))
        #expect(
            said.hasSuffix(
                "it asks for the capability http_client, which nobody granted; allowed: network (grant it in plugins[].capabilities or in the call)"
            ))
        #expect(try await refusal(bench, asking)?.contains("capabilities network, http_client") == true)
        #expect(try await refusal(bench, asking, capabilities: ["http_client", "network"]) == nil)
        #expect(await bench.control.state.plugin("alpha")?.capabilitiesGranted == ["http_client", "network"])
        #expect(
            try await refusal(bench, #"alpha 3.0.0 access {"capabilities":["telepathy"]}"#)?.contains(
                "unknown capability telepathy; known: http_client") == true)
        let needs = #"alpha 3.0.0 access {"needs":["sluice.http-client/1"]}"#
        #expect(
            try await refusal(bench, needs)?.contains("needs sluice.http-client/1 without asking for the capability http_client") == true)
    }

    @Test func theFileGrantsToo() async throws {
        let text = Bench.configuration.replacing("path: alpha.so }", with: "path: alpha.so, capabilities: [threads] }")
        let bench = try await Bench(text)
        #expect(try await refusal(bench, #"alpha 2.0.0 access {"capabilities":["threads"]}"#) == nil)
        #expect(try await refusal(bench, #"alpha 3.0.0 access {"capabilities":["files"]}"#)?.contains("allowed: threads") == true)
    }

    @Test func failureModeOfTheManifestUnlessTheFileSaysSo() async throws {
        let open = #"alpha 2.0.0 access {"failure_mode":"open"}"#
        let bench = try await Bench()
        #expect(try await refusal(bench, open) == nil)
        #expect(await bench.control.state.plugin("alpha")?.failOpen == true)
        let strict = try await Bench(Bench.configuration.replacing("path: alpha.so }", with: "path: alpha.so, on_failure: closed }"))
        #expect(try await refusal(strict, open) == nil)
        #expect(await strict.control.state.plugin("alpha")?.failOpen == false)
    }

    @Test func digestMustFit() async throws {
        let bench = try await Bench()
        let wrong = String(repeating: "a", count: 64)
        #expect(try await refusal(bench, "alpha 2.0.0 access", sha256: wrong)?.contains("expected: \(wrong)") == true)
    }

    @Test func aConfigurationIsCheckedBeforeAnyoneIsAsked() async throws {
        let bench = try await Bench(
            Bench.configuration.replacing("plugins: [{ name: alpha }] }", with: "plugins: [{ name: alpha, config: { keys: [a, 7] } }] }"))
        let schema = #"{"type":"object","additionalProperties":false,"properties":{"keys":{"type":"array","items":{"type":"string"}}}}"#
        let said = try await refusal(bench, #"alpha 2.0.0 access {"config_schema":\#(schema)}"#)
        #expect(said == "routes[0].plugins[0].config.keys[1]: found 7; allowed: string (schema of alpha)")
        #expect(bench.master.sent == [] && bench.copies == ["alpha/1"])
        #expect(
            try await refusal(bench, #"alpha 2.0.0 access {"config_schema":{"pattern":"a+"}}"#)?.contains(#"unknown keyword "pattern""#)
                == true)
    }

    @Test(arguments: [
        (#"{"type":"object","required":["a"]}"#, #"{}"#, #": key "a" is missing; allowed: an object with a"#),
        (
            #"{"additionalProperties":false,"properties":{"header":{}}}"#, #"{"headr":1}"#,
            #": unknown key "headr"; allowed: header; did you mean "header"?"#
        ),
        (#"{"properties":{"n":{"type":"integer","minimum":1,"maximum":9}}}"#, #"{"n":10}"#, ".n: found 10; allowed: at most 9"),
        (#"{"properties":{"n":{"type":"integer"}}}"#, #"{"n":1.5}"#, ".n: found 1.5; allowed: integer"),
        (#"{"properties":{"n":{"exclusiveMinimum":0}}}"#, #"{"n":0}"#, ".n: found 0; allowed: more than 0"),
        (#"{"properties":{"s":{"enum":["a","b"]}}}"#, #"{"s":"c"}"#, #".s: found a text; allowed: "a", "b""#),
        (#"{"properties":{"s":{"minLength":2,"maxLength":3}}}"#, #"{"s":"x"}"#, ".s: found a text; allowed: 2 to 3 characters"),
        (
            #"{"properties":{"l":{"items":{"type":"string"},"maxItems":1}}}"#, #"{"l":["a","b"]}"#,
            ".l: found 2 items; allowed: at most 1 items"
        ),
        (#"{"additionalProperties":{"type":["string","null"]}}"#, #"{"a":null,"b":true}"#, ".b: found true; allowed: string or null"),
        (##"{"$defs":{"s":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/s"}}}"##, ##"{"a":1}"##, ".a: found 1; allowed: string"),
        (
            ##"{"$defs":{"t":{"properties":{"t":{"$ref":"#/$defs/t"}},"type":"object"}},"properties":{"t":{"$ref":"#/$defs/t"}}}"##,
            ##"{"t":{"t":{"t":1}}}"##,
            ".t.t.t: found 1; allowed: object"
        ),
        (#"{"type":"object","properties":{"a":{"const":1}}}"#, #"{"a":1,"b":[]}"#, ""),
    ])
    func schemas(_ schema: String, _ configuration: String, _ expected: String) throws {
        let problem = try ConfigSchema(schema).problem(try JSONReader.read(Array(configuration.utf8)))
        #expect(problem.map { "\($0.path): \($0.found); allowed: \($0.allowed)" } ?? "" == expected)
    }

    @Test(arguments: [
        #"[]"#, #"{"type":"text"}"#, #"{"type":[]}"#, #"{"properties":[]}"#, #"{"required":"a"}"#, #"{"enum":[]}"#, #"{"minimum":"1"}"#,
        ##"{"minLength":-1}"##, ##"{"minItems":3,"maxItems":2}"##, ##"{"anyOf":[]}"##, ##"{"properties":{"a":{"format":"uri"}}}"##,
        ##"{"$ref":"#/$defs/a"}"##,
        ##"{"$ref":"other.json"}"##, ##"{"$defs":{"a":{"$ref":"#/$defs/a"}}}"##,
        ##"{"$defs":{"a":{}},"items":{"$ref":"#/$defs/a","type":"string"}}"##,
    ])
    func schemasThatNobodyCouldKeep(_ schema: String) { #expect(throws: PluginRefusal.self) { try ConfigSchema(schema) } }

    // Forms

    private func events(_ text: String, boundary: String = "x", chunk: Int) throws -> [MultipartReader.Event] {
        var reader = try #require(MultipartReader(contentType: "multipart/form-data; boundary=\(boundary)"))
        let bytes = Array(text.utf8)
        var out: [MultipartReader.Event] = []
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            for event in try reader.take(bytes[start..<min(bytes.count, start + chunk)]) {
                if case .content(let more) = event, case .content(let before)? = out.last {
                    out[out.count - 1] = .content(before + more)
                } else {
                    out.append(event)
                }
            }
        }
        #expect(reader.isDone)
        return out
    }

    @Test(arguments: [1, 2, 3, 7, 1000]) func formsInPieces(_ chunk: Int) throws {
        let text =
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.so\"\r\nContent-Type: application/octet-stream\r\n\r\n"
            + "\r\n--y\r\n-\r\r\n--x\r\nContent-Disposition: form-data; name=digest\r\n\r\n\r\n--x--\r\n"
        #expect(
            try events(text, chunk: chunk) == [
                .part(name: "file", file: "a.so"), .content(Array("\r\n--y\r\n-\r".utf8)), .end, .part(name: "digest", file: nil), .end,
            ])
    }

    @Test func malformedForms() throws {
        #expect(MultipartReader(contentType: "multipart/form-data") == nil)
        #expect(MultipartReader(contentType: "multipart/form-data; boundary=" + String(repeating: "b", count: 71)) == nil)
        for text in [
            "--x\r\nContent-Type: text/plain\r\n\r\na\r\n--x--", "--xjunk\r\n", String(repeating: "y", count: 20_000),
            "--x\r\n" + String(repeating: "h", count: 20_000),
        ] {
            var reader = try #require(MultipartReader(contentType: "multipart/form-data; boundary=\"x\""))
            #expect(throws: MultipartReader.Problem.self) { try reader.take(text.utf8) }
        }
    }
}
