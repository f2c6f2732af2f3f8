// The specification's own cases (google/cel-spec, tests/simple/testdata), read from outside the repository: the folder that
// SLUICE_CEL_CONFORMANCE names, or ../shared/cel-conformance beside it. Cases with protocol buffers are no part of this language; every
// other one that does not pass stands below with its reason, and the share that passes may not fall.
import SluiceModel
import Testing

@testable import SluiceCEL

private enum Conformance {
    static let files = ["basic", "fields", "integer_math", "lists", "logic", "parse", "string"]
    /// "file/section/test" → why it does not pass.
    static let exceptions: [String: String] = [:]
    static let shareMin = 0.98

    static let folder: String? = {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let named = environmentVariable("SLUICE_CEL_CONFORMANCE")
        let all = [named, root + "/../shared/cel-conformance"].compactMap { $0 }
        return all.first { readFile($0 + "/basic.textproto") != nil }
    }()
}

@Suite struct ConformanceTests {
    @Test(.enabled(if: Conformance.folder != nil, "no conformance files: SLUICE_CEL_CONFORMANCE or ../shared/cel-conformance"))
    func theSpecificationsCasesPass() throws {
        let folder = try #require(Conformance.folder)
        var passed = 0, all = 0, withMessages = 0
        for file in Conformance.files {
            let text = try #require(readFile("\(folder)/\(file).textproto"), "no \(file).textproto")
            for section in try TextProto.read(text).messages("section") {
                for test in section.messages("test") {
                    let name = "\(file)/\(section.text("name") ?? "")/\(test.text("name") ?? "")"
                    if needsMessages(test) {
                        withMessages += 1
                        continue
                    }
                    all += 1
                    let problem = run(test)
                    if problem == nil { passed += 1 }
                    let exception = Conformance.exceptions[name]
                    if let problem, exception == nil { Issue.record("\(name): \(test.text("expr") ?? ""): \(problem)") }
                    if problem == nil, exception != nil { Issue.record("\(name) passes and is listed as an exception") }
                }
            }
        }
        #expect(all > 400, "only \(all) cases were read")
        #expect(withMessages > 15)
        #expect(Double(passed) / Double(all) >= Conformance.shareMin, "\(passed) of \(all) pass")
        print("CEL conformance: \(passed) of \(all) cases pass; \(withMessages) need protocol buffers")
    }

    private func needsMessages(_ test: TextProto) -> Bool {
        test.text("container") != nil || test.message("value")?.message("object_value") != nil
            || test.text("expr")?.contains("TestAllTypes") == true
    }

    /// What is wrong; nil: nothing.
    private func run(_ test: TextProto) -> String? {
        let expression = test.text("expr") ?? ""
        var environment = CELEnvironment.free
        environment.isChecked = test.text("disable_check") != "true"
        let provider = SampleProvider()
        var names: [String] = []
        for declaration in test.messages("type_env") {
            let name = declaration.text("name") ?? ""
            names.append(name)
            environment.variables.append(.init(name: name, type: type(declaration.message("ident")?.message("type"))))
        }
        for binding in test.messages("bindings") {
            guard let i = names.firstIndex(of: binding.text("key") ?? ""), let v = binding.message("value")?.message("value") else {
                return "binding of an undeclared name"
            }
            provider.set(AttributeID(AttributeID.firstVariable.rawValue + UInt16(i)), value(v))
        }
        let isError = test.message("eval_error") != nil
        let program: Program
        do { program = try compile(expression, environment) } catch {
            // What is refused when it is saved fails before it could fail at run time.
            return isError ? nil : "refused: \(error)"
        }
        return withExtendedLifetime(program) {
            let found = program.run(provider)
            if isError { return found.isError ? nil : "gave \(ValueText.literal(found)); an error was expected" }
            let wanted = provider.make(test.message("value").map { value($0) } ?? .bool(true))
            return isSame(found, wanted) ? nil : "gave \(ValueText.literal(found)), wanted \(ValueText.literal(wanted))"
        }
    }

    /// Same type and same value; maps in any order.
    private func isSame(_ x: Value, _ y: Value) -> Bool {
        var budget = 10_000
        if x.tag != y.tag { return false }
        if x.tag == .double && x.asDouble.isNaN && y.asDouble.isNaN { return true }
        return Comparison.equal(x, y, &budget)
    }

    private func type(_ t: TextProto?) -> CELType {
        guard let t else { return .dyn }
        if let list = t.message("list_type") { return .list(type(list.message("elem_type"))) }
        if let map = t.message("map_type") { return .map(type(map.message("key_type")), type(map.message("value_type"))) }
        switch t.text("primitive") {
        case "BOOL": return .bool
        case "INT64": return .int
        case "UINT64": return .uint
        case "DOUBLE": return .double
        case "STRING": return .string
        case "BYTES": return .bytes
        default: return .dyn
        }
    }

    private func value(_ v: TextProto) -> SampleValue {
        guard let field = v.fields.first else { return .null }
        let text = v.text(field.name) ?? ""
        switch field.name {
        case "null_value": return .null
        case "bool_value": return .bool(text == "true")
        case "int64_value": return .int(Int64(text)!)
        case "uint64_value": return .uint(UInt64(text)!)
        case "double_value": return .double(Double(text)!)
        case "string_value": return .string(text)
        case "bytes_value": return .bytes(v.bytes(field.name) ?? [])
        case "type_value": return .type(text)
        case "list_value": return .list((v.message("list_value")?.messages("values") ?? []).map { value($0) })
        case "map_value":
            return .map(
                (v.message("map_value")?.messages("entries") ?? []).map { (value($0.message("key")!), value($0.message("value")!)) })
        default: return .string("unreadable \(field.name)")
        }
    }
}
