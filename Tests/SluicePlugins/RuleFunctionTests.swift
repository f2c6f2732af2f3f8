// Functions for rules as plugins and the configuration declare them: what a table offers, whose name wins (nobody's), lies, and that a
// library goes when the last table that names it goes.
import Foundation
import SluiceBytes
import SluiceModel
import SluiceRules
import SluiceShared
import Testing

@testable import SluicePlugins

@Suite(.serialized) struct RuleFunctionTests {
    let worker = TestWorker()

    private func build(_ options: [String] = []) throws -> String {
        let path = Kit.folder + "/functions-\(UUID().uuidString).so"
        try Kit.run(
            Kit.compiler + ["-std=gnu17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-I\(Kit.include)"] + options
                + [Kit.root + "/Tests/Kit/plugins/functions.c", "-o", path])
        return path
    }
    private func spec(_ path: String, _ symbol: String = "country", _ name: String = "geo.country", _ signature: String = "string(ip)")
        -> FunctionSpec
    {
        FunctionSpec(path: path, digest: 0, symbol: symbol, name: name, signature: signature, isPure: true)
    }
    private func isMapped(_ path: String) -> Bool {
        String(decoding: try! FileHandle(forReadingAtPath: "/proc/self/maps")!.readToEnd()!, as: UTF8.self).contains(path)
    }

    @Test func aPluginDeclaresFunctions() throws {
        let table = try worker.load(try build(["-DPLUGIN"]))
        let f = try #require(table.function("fixture.country"))
        #expect(f.signature.description == "string(ip)" && f.isPure && table.function("text.longer")?.isPure == false)
        #expect(table.function("country") == nil)
        let message = try TestMessage()
        let result = [FunctionValue.ip(FunctionAddress(IPAddress("10.0.0.1")!))].withUnsafeBufferPointer {
            f.call($0, arena: message.ctx.pointee.arena)
        }
        guard case .value(.string(let text)) = result else { throw Kit.ToolFailure(description: "\(result)") }
        #expect(text.string == "DE")
        // A canary declares the same names: those of the first are called.
        let spec = PluginSpec(name: "fixture", path: try build(["-DPLUGIN"]), generation: 7, digest: 0, statSlot: 5, failOpen: false)
        let both = try worker.host.prepare(plugins: [table.generations[0].spec, spec], bindings: [])
        #expect(both.function("fixture.country") === f)
        worker.host.retire(both)
        // A new generation declares the same names; both tables are there at once.
        let next = try worker.load(try build(["-DPLUGIN"]), generation: 2)
        worker.host.retire(table)
        #expect(next.function("fixture.country") != nil)
        worker.host.retire(next)
    }

    @Test(arguments: [
        (1, "functions[1]: text.longer: its function is NULL"), (2, "functions[1]: signature \"string(int\": not of the form"),
        (3, "functions[1]: name \"text.Longer\""), (4, "functions[1]: fixture.country is declared twice"), (5, "65 functions; at most 64"),
        (6, "its list has no address"), (7, "functions[1]: text.longer: unknown flags 0x8"),
        (8, "the space \"request\" is the gateway's own"),
        (9, "functions of 24 bytes"), (10, "functions[1]: name is NULL"), (11, "argument 1 has the unknown type \"text\""),
    ]) func liesAreRefused(_ lie: Int, _ why: String) throws {
        let path = try build(["-DPLUGIN", "-DLIE=\(lie)"])
        let error = #expect(throws: PluginFailure.self) { try worker.load(path) }
        #expect(
            error?.description.hasPrefix("plugin fixture@1: its sluice.rule-functions/1: ") == true
                && error?.description.contains(why) == true)
        #expect(!isMapped(path))
    }

    @Test func aNameHasOneMeaning() throws {
        let one = PluginSpec(name: "fixture", path: try build(["-DPLUGIN"]), generation: 1, digest: 0, statSlot: 3, failOpen: false)
        var other = one
        (other.name, other.path, other.statSlot) = ("other", try build(["-DPLUGIN", "-DNAME=\"other\""]), 4)
        let error = #expect(throws: PluginFailure.self) { try worker.host.prepare(plugins: [one, other], bindings: []) }
        #expect(error?.description == "function text.longer is declared by plugin other and by plugin fixture; a name has one meaning")
        #expect(worker.states == [], "all or nothing")
        let library = try build()
        let configured = #expect(throws: PluginFailure.self) {
            try worker.host.prepare(plugins: [one], bindings: [], functions: [spec(library, "longer", "text.longer", "bool(string, int)")])
        }
        #expect(
            configured?.description
                == "functions[0]: function text.longer is declared by the configuration and by plugin fixture; a name has one meaning")
    }

    @Test func aLibraryLivesAsLongAsItsTables() throws {
        let library = try build()
        do {
            let first = try worker.host.prepare(
                plugins: [], bindings: [], functions: [spec(library), spec(library, "count", "geo.count", "int()")])
            #expect(
                first.function("geo.country") != nil && first.function("geo.count")?.signature.description == "int()" && isMapped(library))
            let second = try worker.host.prepare(plugins: [], bindings: [], functions: [spec(library)])
            worker.host.activate(second)
            worker.host.retire(first)
            #expect(second.function("geo.country") != nil && second.function("geo.count") == nil)
            worker.host.retire(second)
        }
        #expect(!isMapped(library))
    }

    @Test func configuredFunctionsAreChecked() throws {
        func refused(_ s: FunctionSpec) -> String {
            do { _ = try worker.host.prepare(plugins: [], bindings: [], functions: [s]) } catch { return error.description }
            return "loaded"
        }
        let library = try build()
        #expect(refused(spec(library, "nope")) == "functions[0]: \(library) exports no \"nope\"")
        #expect(refused(spec(try build(["-DPLUGIN"]))).contains("it is a plugin; name it under plugins"))
        #expect(refused(spec("/nowhere.so")).contains("cannot open it"))
        #expect(refused(spec(Kit.root + "/Makefile")).contains("not an ELF file"))
        #expect(refused(spec(library, "country", "geo.country", "string(text)")).contains("unknown type \"text\""))
        var digest = spec(library)
        digest.digest = 7
        #expect(refused(digest).contains("its digest differs"))
    }
}
