// Loading, replacing and unloading: what is refused and why, that a refusal leaves nothing behind, and that unloaded files are gone.
import Foundation
import SluiceShared
import Testing

@testable import SluicePlugins

@Suite(.serialized) struct PluginHostTests {
    /// /proc/self/maps, read to its end (its size is shown as 0, so whole-file readers stop early).
    static func maps() -> String { String(decoding: try! FileHandle(forReadingAtPath: "/proc/self/maps")!.readToEnd()!, as: UTF8.self) }
    static func isMapped(_ path: String) -> Bool { maps().contains(path) }

    @Test func loadsRunsAndUnloads() throws {
        let worker = TestWorker(), path = try Kit.fixture(.hello)
        var released: [String] = []
        worker.host.released = { released.append("\($0)@\($1) \($2)") }
        let table = try worker.load(path)
        #expect(worker.states == [GenerationPhase.active.rawValue])
        let message = try TestMessage()
        #expect(table.bound[0].phases == PluginPhase.rewrite.bit)
        #expect(message.run(.rewrite, table) == 0)
        #expect(message.run(.access, table) == 0)  // no such hook
        #expect(message.requestHeader("x-hello") == "world")
        #expect(worker.block.plugins[3].calls[0] == 1 && worker.block.plugins[3].calls[1] == 0)
        #expect(worker.block.head.pointee.currentPlugin == 0 && worker.block.head.pointee.currentGeneration == 1)
        #expect(Self.isMapped(path))
        worker.host.retire(table)
        #expect(!Self.isMapped(path))
        #expect(released == ["fixture@1 false"])
        #expect(worker.states.isEmpty)
        #expect(worker.lines.all == ["1 plugin fixture@1: released", "1 plugin fixture@1: destroyed"])
    }

    @Test(arguments: [
        (Kit.Variant.badInit, ["rewrite"], "init refused (status -8): no licence?file"),
        (.badConfigure, ["rewrite"], "binding 0: configuration refused (status -1): refuse: not this one"),
        (.badMagic, ["rewrite"], "wrong magic number 0x7"),
        (.badMajor, ["rewrite"], "speaks ABI 2.0; this host speaks 1"),
        (.shortEntry, ["rewrite"], "the entry has 24 bytes; at least 40 are needed"),
        (.noManifest, ["rewrite"], "no manifest"),
        (.hello, ["rewrite", "log"], "the manifest lies: it names phase log, for which there is no hook"),
        (.hello, ["access"], "the manifest lies: it does not name phase rewrite, for which there is a hook"),
        (.noFilter, [], "has no sluice.filter/1"),
    ]) func refuses(_ variant: Kit.Variant, _ phases: [String], _ reason: String) throws {
        let worker = TestWorker(), path = try Kit.fixture(variant, phases: phases)
        let failure = #expect(throws: PluginFailure.self) { try worker.load(path) }
        #expect(failure?.description.contains(reason) == true, "\(failure?.description ?? "")")
        #expect(failure?.description.hasPrefix("plugin fixture@1") == true)
        #expect(!Self.isMapped(path))
        #expect(worker.states.isEmpty)
    }

    @Test func refusesWhatTheImageSaysWrongly() throws {
        let worker = TestWorker(), path = try Kit.fixture(.hello)
        func reason(_ body: () throws -> PluginTable) -> String { do { _ = try body(); return "" } catch { return "\(error)" } }
        #expect(reason { try worker.load(path, name: "other") }.contains("is the plugin \"fixture\""))
        #expect(reason { try worker.load(path, slot: 256) }.contains("0 to 255 are possible"))
        #expect(reason { try worker.load(path + "x") }.contains("No such file"))
        #expect(reason { try worker.load(path, config: "[]") }.contains("the configuration is an array; an object is needed"))
        #expect(reason { try worker.load(path, config: "{\"a\":}") }.contains("not JSON: line 1, column 6"))
        #expect(
            reason {
                try worker.host.prepare(
                    plugins: [PluginSpec(name: "fixture", path: path, generation: 1, digest: 5, statSlot: 0, failOpen: false)], bindings: []
                )
            }.contains("digest"))
        let needy = try Kit.fixture(.hello, extra: ",\\\"needs\\\":[\\\"sluice.teleport/1\\\"]")
        #expect(reason { try worker.load(needy) }.contains("needs extension \"sluice.teleport/1\""))
        let plain = try Kit.fixture(.empty, phases: ["rewrite", "access", "header_filter", "body_filter", "log"])
        #expect(reason { try worker.load(plain, config: "{\"x\":1}") }.contains("takes no configuration, but \"x\" is configured"))
        #expect(worker.states.isEmpty && !Self.isMapped(path) && !Self.isMapped(plain))
    }

    @Test func allOrNothing() throws {
        let worker = TestWorker(), a = try Kit.fixture(.hello),
            b = try Kit.fixture(.upper, phases: ["body_filter"], options: ["-DNAME=\"other\""])
        let specs = [
            PluginSpec(name: "fixture", path: a, generation: 1, digest: 0, statSlot: 1, failOpen: false),
            PluginSpec(name: "other", path: b, generation: 1, digest: 0, statSlot: 2, failOpen: false),
        ]
        let good = PluginHost.BindingSpec(plugin: 0, config: "{}", key: 1),
            bad = PluginHost.BindingSpec(plugin: 1, config: "{\"refuse\":1}", key: 2)
        let failure = #expect(throws: PluginFailure.self) { try worker.host.prepare(plugins: specs, bindings: [good, bad]) }
        #expect(failure?.description == "plugin other@1, binding 1: configuration refused (status -1): refuse: not this one")
        #expect(!Self.isMapped(a) && !Self.isMapped(b) && worker.states.isEmpty)
        #expect(worker.lines.all == ["1 plugin fixture@1: released", "1 plugin other@1: destroyed", "1 plugin fixture@1: destroyed"])
    }

    @Test func unchangedBindingsKeepTheirInstance() throws {
        let worker = TestWorker(), path = try Kit.fixture(.hello)
        let first = try worker.load(path, config: "{\"a\":1}")
        let second = try worker.load(path, config: "{\"a\":1}")
        #expect(first.bound[0].instance == second.bound[0].instance)
        let third = try worker.load(path, config: "{\"a\":2}")
        #expect(first.bound[0].instance != third.bound[0].instance)
        #expect(worker.block.generations[0].references == 3)
        worker.host.retire(first)
        worker.host.retire(first)  // a second time changes nothing
        #expect(worker.lines.all.isEmpty && worker.block.generations[0].references == 2)
        worker.host.retire(third)
        worker.host.retire(second)
        #expect(worker.lines.all == ["released", "released", "destroyed"].map { "1 plugin fixture@1: \($0)" })
        #expect(!Self.isMapped(path))
    }

    @Test func statesFollowTheSwap() throws {
        let worker = TestWorker()
        let old = try worker.load(try Kit.fixture(.hello), generation: 1)
        let new = try worker.load(try Kit.fixture(.hello), generation: 2)
        #expect(worker.states == [GenerationPhase.active.rawValue, GenerationPhase.loaded.rawValue])
        worker.host.activate(new)
        #expect(worker.states == [GenerationPhase.draining.rawValue, GenerationPhase.active.rawValue])
        worker.host.retire(old)
        #expect(worker.states == [GenerationPhase.active.rawValue])
        worker.host.retire(new)
    }

    @Test func twoHundredReplacementsLeaveNothing() throws {
        let worker = TestWorker(), path = try Kit.fixture(.hello)
        var copies = [try Kit.copy(path)]  // only these are counted: other suites load plugins at the same time
        var current = try worker.load(copies[0], generation: 1)
        for generation in UInt64(2)...201 {
            copies.append(try Kit.copy(path))
            let next = try worker.load(copies[copies.count - 1], generation: generation)
            worker.host.activate(next)
            worker.host.retire(current)
            current = next
            let message = try TestMessage()
            #expect(message.run(.rewrite, current) == 0)
        }
        let maps = Self.maps()
        #expect(copies.filter { maps.contains($0) } == [copies[copies.count - 1]], "the active one, and nothing of those before")
        worker.host.retire(current)
        #expect(worker.states.isEmpty)
    }

    @Test func swiftIsParked() throws {
        let worker = TestWorker(), path = try Kit.plugin("request-id")
        var released: [String] = []
        worker.host.released = { released.append("\($0)@\($1) \($2)") }
        let table = try worker.load(path, name: "request-id")
        worker.host.retire(table)
        #expect(released == ["request-id@1 true"])
        #expect(worker.states == [GenerationPhase.parked.rawValue])
        #expect(Self.isMapped(path))
        // Later casts in the host still find sound metadata.
        let anything: Any = [1, 2, 3]
        #expect(anything is any CustomStringConvertible)
        let again = try worker.load(try Kit.plugin("request-id"), name: "request-id", generation: 2)
        #expect(try TestMessage().run(.rewrite, again) == 0)
        worker.host.retire(again)
    }
}
