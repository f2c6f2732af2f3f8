// Changes from end to end on fakes: what is published, what is kept, and that a refusal leaves nothing behind.
import Foundation
import Testing

@testable import SluiceControl
@testable import SluiceModel

@Suite struct ControlTests {
    @Test func loadReplacesAndUnloads() async throws {
        let bench = try await Bench()
        let report = try await bench.control.load(path: try bench.write("alpha 2.0.0 access", "next.so"), name: nil)
        #expect(report.plugin?.generation == 2 && report.plugin?.version == "2.0.0")
        #expect(report.outcome.answers.count == 2)
        #expect(bench.master.prepared == ["r2 one:1 [alpha@2]"])
        #expect(bench.copies == ["alpha/1", "alpha/2"])  // the store keeps the old one
        let mode = try FileManager.default.attributesOfItem(atPath: report.plugin!.copyPath)[.posixPermissions] as? Int
        #expect(mode == 0o500)
        await bench.control.imageKept()
        #expect(try String(contentsOfFile: bench.state.path + "/last-good.image", encoding: .utf8) == "r2 one:1 [alpha@2]")

        _ = try await bench.control.load(path: try bench.write("beta 1.0.0 log", "beta.so"), name: "beta")
        #expect(bench.master.prepared.last == "r3 one:1 [alpha@2,beta@1]")
        _ = try await bench.control.unload("beta")
        #expect(bench.master.prepared.last == "r4 one:1 [alpha@2]")
        _ = try await bench.control.load(path: bench.folder + "/beta.so", name: nil)
        #expect(bench.master.prepared.last == "r5 one:1 [alpha@2,beta@2]")  // a generation is never used twice
    }

    @Test func refusedByAWorkerNothingChanges() async throws {
        let bench = try await Bench(script: .init(answers: [1: "alpha: init failed"]))
        let path = try bench.write("alpha 2.0.0 access", "next.so")
        await #expect(throws: ChangeRefusal(title: "refused by the workers", errors: ["worker 1: alpha: init failed"])) {
            try await bench.control.load(path: path, name: nil)
        }
        #expect(bench.master.sent == [.prepare, .abort])
        #expect(bench.copies == ["alpha/1"])
        #expect(await bench.control.state.plugin("alpha")?.generation == 1)
        #expect(try bench.stored(running: 1).state.revision == 1)
        bench.master.set { $0.answers = [:] }
        _ = try await bench.control.load(path: path, name: nil)
        #expect(bench.master.prepared.last == "r3 one:1 [alpha@3]")  // numbers of the refused change are not used again
    }

    @Test func refusedBeforeAnyWorkerIsAsked() async throws {
        let bench = try await Bench()
        for (path, name, word) in [
            (try bench.write("no plugin", "bad.so"), nil, "is not an ELF file"), (bench.folder + "/missing.so", nil, "cannot open"),
            (bench.folder, nil, "is no regular file"),
            (bench.folder + "/alpha.so", "beta", "calls itself"),
        ] as [(String, String?, String)] {
            do {
                _ = try await bench.control.load(path: path, name: name)
                Issue.record("\(path) was loaded")
            } catch {
                #expect(error.errors.count == 1 && error.errors[0].contains(word) && error.errors[0].contains(path), "\(error)")
            }
        }
        await #expect(throws: ChangeRefusal.self) { try await bench.control.load(path: nil, name: "alhpa") }
        #expect(bench.master.sent == [])
        #expect(bench.copies == ["alpha/1"])
    }

    @Test func aBoundPluginStays() async throws {
        let bench = try await Bench()
        await #expect(throws: ChangeRefusal(kind: .conflict, title: "plugin in use", errors: ["one"])) {
            try await bench.control.unload("alpha")
        }
        await #expect(throws: ChangeRefusal(kind: .unknown, title: "no such plugin", errors: [])) {
            try await bench.control.unload("gamma")
        }
        #expect(bench.master.sent == [])
    }

    @Test func aNameAloneMeansThePathInTheFile() async throws {
        let bench = try await Bench()
        _ = try await bench.control.load(path: try bench.write("alpha 9.0.0 access", "hot.so"), name: nil)
        #expect(await bench.control.state.plugin("alpha")?.origin == .api)
        let back = try await bench.control.load(path: nil, name: "alpha")
        #expect(back.plugin?.version == "1.0.0" && back.plugin?.origin == .file && back.plugin?.generation == 3)
        _ = try await bench.control.load(path: try bench.write("beta 1.0.0 log", "beta.so"), name: nil)
        #expect(try await bench.control.load(path: nil, name: "beta").plugin?.origin == .api)
    }

    @Test func inspectLoadsNothing() async throws {
        let bench = try await Bench()
        let facts = try await bench.control.inspect(path: try bench.write("alpha 3.0.0 log", "dry.so"), name: nil)
        #expect(facts.version == "3.0.0")
        #expect(bench.master.sent == [])
        #expect(bench.copies == ["alpha/1"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.state.plugins) == ["alpha"])
    }

    @Test func reloadTakesTheFileAndKeepsSlots() async throws {
        let bench = try await Bench()
        let more = Bench.configuration.replacing("routes:", with: "routes:\n  - { id: zero, action: { respond: { status: 204 } } }")
            .replacing("version: 1", with: "version: 1\nworkers: 7")
        _ = try bench.write(more, "sluice.yaml")
        let report = try await bench.control.reload()
        #expect(report.needsRestart == ["workers"])
        #expect(bench.master.prepared == ["r2 one:1,zero:2 [alpha@1]"])  // an unchanged plugin keeps its generation
        _ = try bench.write("alpha 1.0.1 access", "alpha.so")
        _ = try await bench.control.reload()
        #expect(bench.master.prepared.last == "r3 one:1,zero:2 [alpha@2]")
    }

    @Test func reloadOfABadFileTellsEverythingAndChangesNothing() async throws {
        let bench = try await Bench()
        _ = try bench.write("version: 1\nlisteners: []\nworkrs: 1", "sluice.yaml")
        do {
            _ = try await bench.control.reload()
            Issue.record("a bad file was taken")
        } catch {
            #expect(error.errors.count == 2)
            #expect(error.errors.allSatisfy { $0.hasPrefix(bench.configPath + ":") })
        }
        _ = try bench.write(Bench.configuration.replacing("id: one", with: "id: uncompilable"), "sluice.yaml")
        await #expect(throws: ChangeRefusal(title: "configuration refused", errors: ["routes[0]: cannot be compiled"])) {
            try await bench.control.reload()
        }
        unlink(bench.configPath)
        await #expect(throws: ChangeRefusal.self) { try await bench.control.reload() }
        #expect(bench.master.sent == [])
        #expect(await bench.control.state.revision == 1)
    }

    @Test func apiLoadsSurviveReload() async throws {
        let bench = try await Bench()
        _ = try await bench.control.load(path: try bench.write("alpha 9.0.0 access", "hot.so"), name: nil)
        _ = try await bench.control.load(path: try bench.write("extra 1.0.0 log", "extra.so"), name: nil)
        _ = try bench.write(Bench.configuration + "\nglobal_plugins: [{ name: extra }]", "sluice.yaml")
        _ = try await bench.control.reload()
        #expect(bench.master.prepared.last == "r4 one:1 [alpha@2,extra@1]")
    }

    @Test func aDeadWorkerIsWaitedFor() async throws {
        let bench = try await Bench(script: .init(dies: 0))
        let report = try await bench.control.reload()
        #expect(report.outcome.committed)
        #expect(await bench.publisher.workers[0] == WorkerInfo(pid: 4711, alive: true, revision: 2, restarts: 1))
    }

    @Test func silenceEndsInARefusal() async throws {
        let bench = try await Bench(script: .init(answers: [0: "-"]))
        await #expect(throws: ChangeRefusal(title: "refused by the workers", errors: ["worker 0: worker 0 did not answer in time"])) {
            try await bench.control.reload()
        }
        #expect(bench.master.sent == [.prepare, .abort])
    }

    @Test func theMastersRefusalIsPassedOn() async throws {
        let bench = try await Bench(script: .init(masterRefuses: "cannot listen on *:80"))
        await #expect(throws: ChangeRefusal(title: "refused by the workers", errors: ["master: cannot listen on *:80"])) {
            try await bench.control.reload()
        }
    }

    @Test func changesComeOneAfterTheOther() async throws {
        let bench = try await Bench()
        let path = try bench.write("beta 1.0.0 log", "beta.so")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { _ = try? await bench.control.load(path: path, name: nil) } }
        }
        #expect(bench.master.prepared == (2...21).map { "r\($0) one:1 [alpha@1,beta@\($0 - 1)]" })
        #expect(bench.master.sent == (0..<20).flatMap { _ in [.prepare, .commit] })
    }

    @Test func aNewControlProcessFindsTheStateOfTheRunningRevision() async throws {
        let bench = try await Bench()
        _ = try await bench.control.load(path: try bench.write("alpha 2.0.0 access", "next.so"), name: nil)
        let running = await bench.control.state
        let present = try bench.stored(running: running.revision)
        #expect(present.state.revision == running.revision && present.state.generations == running.generations)
        #expect(present.state.plugins == running.plugins && present.state.versions == running.versions)
        #expect(present.state.pluginSlots == running.pluginSlots && present.state.probations == running.probations)
        #expect(present.configuration == (await bench.control.configuration))
        #expect(running.plugin("alpha")?.origin == .api)
    }

    @Test func aStateDirectoryHasOneGateway() throws {
        let folder = NSTemporaryDirectory() + "/sluice-lock-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let directory = StateDirectory(path: folder)
        try directory.create()
        try directory.lock()
        #expect {
            try directory.lock()
        } throws: { "\($0)".contains("another gateway runs with the state directory") }
    }

    @Test func slots() {
        var table = SlotTable(capacity: 4)
        table.assign(["a", "b"])
        #expect([table.slot("a"), table.slot("b"), table.slot("x")] == [1, 2, 0])
        table.assign(["b", "c"])
        #expect([table.slot("a"), table.slot("b"), table.slot("c")] == [1, 2, 3])
        table.assign(["b", "c", "d"])  // full: a slot of a name that is gone is given away
        #expect([table.slot("a"), table.slot("b"), table.slot("c"), table.slot("d")] == [0, 2, 3, 1])
        var other = SlotTable(capacity: 4)
        for names in [["a", "b"], ["b", "c"], ["c"], ["c", "d"]] { other.assign(names) }
        #expect([other.slot("a"), other.slot("b"), other.slot("d")] == [0, 2, 1])  // that of the one longest gone
        table.assign(["b", "c", "d", "e", "f"])
        #expect(Set(["b", "c", "d"].map { table.slot($0) }) == [1, 2, 3])
        #expect(table.slot("e") == 0 && table.slot("f") == 0)
    }
}
