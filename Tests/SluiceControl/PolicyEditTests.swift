// Edits of the policies from end to end on fakes: one revision or nothing, ETags, patches, documents, going back, confirming, the file
// beside the store.
import Foundation
import SluiceModel
import SluiceStore
import Testing

@testable import SluiceControl

private let ann = ChangeActor(name: "ann", address: "127.0.0.1")

func json(_ text: String) -> JSONValue { try! JSONReader.read(Array(text.utf8)) }
private func route(_ status: Int, _ more: String = "") -> JSONValue { json("{\"action\": {\"respond\": {\"status\": \(status)}}\(more)}") }

extension Control {
    @discardableResult
    func edit(_ operations: PolicyOperation..., within seconds: Int? = nil) async throws(ChangeRefusal) -> PolicyReport {
        try await edit(PolicyEdit(operations, actor: ann, confirmWithinSeconds: seconds))
    }
}

@Suite struct PolicyEditTests {
    @Test func puttingPatchingAndDeleting() async throws {
        let bench = try await Bench(), control = bench.control
        let made = try await control.edit(.put(.routes, id: "two", route(201)))
        #expect(made.revision == 2 && made.changes.map(\.kind) == [.created])
        #expect(made.etags[PolicyKey(kind: .routes, id: "two")] == ETag(revision: 2))
        #expect(bench.master.prepared.last == "r2 one:1,two:2 [alpha@1]")
        let patched = try await control.edit(.patch(.routes, id: "two", json(#"{"priority": 7, "match": {"methods": ["GET"]}}"#)))
        #expect(patched.changes[0].maskedAfter?["priority"] == .int(7))
        let object = try #require(await control.object(.routes, "two"))
        #expect(object.revision == 3 && object.createdAt <= object.updatedAt)
        #expect(object.json["action"]?["respond"]?["status"] == .int(201), "what the patch does not name stays")
        try await control.edit(.patch(.routes, id: "two", json(#"{"priority": null}"#)))
        #expect(await control.object(.routes, "two")?.json["priority"] == .int(0))
        try await control.edit(.delete(.routes, id: "one"))
        #expect(await control.objects(.routes).map(\.id) == ["two"])
        #expect(bench.master.prepared.last == "r5 two:2 [alpha@1]")
        #expect(try bench.stored(running: 5).configuration == (await control.configuration))
    }

    @Test func nothingChangedIsNoRevision() async throws {
        let bench = try await Bench()
        let same = try #require(await bench.control.object(.routes, "one")).json
        let report = try await bench.control.edit(.put(.routes, id: "one", same))
        #expect(report.revision == 1 && report.outcome == nil && report.changes.map(\.kind) == [.unchanged])
        #expect(bench.master.sent == [])
    }

    @Test func staleTagsAndUnknownObjects() async throws {
        let bench = try await Bench(), control = bench.control
        let first = try #require(await control.object(.routes, "one")).etag
        try await control.edit(.put(.routes, id: "one", route(201), ifMatch: [first]))
        for operation: PolicyOperation in [
            .put(.routes, id: "one", route(202), ifMatch: [first]), .delete(.routes, id: "one", ifMatch: [first]),
            .patch(.routes, id: "one", json("{}"), ifMatch: [first]), .put(.routes, id: "one", route(202), ifNoneMatch: true),
            .put(.routes, id: "new", route(202), ifMatch: []),
        ] {
            await #expect { try await control.edit(operation) } throws: { ($0 as? ChangeRefusal)?.kind == .stale }
        }
        for operation: PolicyOperation in [.delete(.routes, id: "no"), .patch(.clusters, id: "no", json("{}")), .rollback(77)] {
            await #expect { try await control.edit(operation) } throws: { ($0 as? ChangeRefusal)?.kind == .unknown }
        }
        #expect(await control.state.revision == 2)
    }

    @Test func mistakesHavePointers() async throws {
        let control = try await Bench().control
        func problems(_ operations: PolicyOperation...) async -> [String] {
            do throws(ChangeRefusal) { _ = try await control.edit(PolicyEdit(operations, actor: ann)) } catch {
                #expect(error.kind == .invalid)
                return error.problems.map { "\($0.operation)\($0.pointer)" }
            }
            return []
        }
        #expect(
            await problems(.put(.routes, id: "x", json(#"{"match": {"methods": ["GET", "GTE!"]}, "action": {"cluster": "no"}}"#))) == [
                "0/match/methods/1"
            ])
        #expect(await problems(.put(.routes, id: "x", json(#"{"action": {"cluster": "no"}}"#))) == ["0/action/cluster"])
        #expect(await problems(.put(.routes, id: "x", json(#"{"id": "y", "action": {"respond": {"status": 200}}}"#))) == ["0/id"])
        #expect(await problems(.put(.routes, id: "x", json("[]"))) == ["0"])
        #expect(
            await problems(
                .put(.routes, id: "x", route(200)), .put(.routes, id: "y", route(200, #", "plugins": [{"name": "nope"}]"#))) == [
                    "1/plugins/0/name"
                ])
        #expect(
            await problems(.apply(json(#"{"routes": [{"id": "a", "action": {"respond": {"status": 99}}}], "roots": []}"#), prune: false))
                == ["0/routes/0/action/respond/status", "0/roots"])
        #expect(await control.state.revision == 1)
    }

    @Test func severalOperationsAreOneRevision() async throws {
        let bench = try await Bench()
        let report = try await bench.control.edit(
            .put(.clusters, id: "c", json(#"{"targets": [{"address": "127.0.0.1:1"}]}"#)),
            .put(.routes, id: "two", json(#"{"action": {"cluster": "c"}}"#)), .delete(.routes, id: "one"))
        #expect(report.revision == 2 && report.changes.map(\.kind) == [.created, .created, .deleted])
        await #expect { try await bench.control.edit(.delete(.clusters, id: "c")) } throws: {
            let refusal = $0 as? ChangeRefusal
            return refusal?.kind == .conflict && refusal?.errors.first?.contains("routes/two") == true
        }
    }

    @Test func aDryRunChangesNothing() async throws {
        let bench = try await Bench()
        var edit = PolicyEdit([.delete(.routes, id: "one")], actor: ann)
        edit.dryRun = true
        let report = try await bench.control.edit(edit)
        #expect(report.changes.map(\.kind) == [.deleted] && report.revision == 1)
        #expect(await bench.control.objects(.routes).count == 1)
        #expect(bench.master.sent == [])
    }

    @Test func applyExportAndRollback() async throws {
        let bench = try await Bench(), control = bench.control
        let before = await control.export()
        let document = json(
            """
            {"version": 1, "log": {}, "routes": [{"id": "b", "action": {"respond": {"status": 200}}}],
             "ip_sets": [{"id": "i", "addresses": ["10.0.0.0/8"]}]}
            """)
        let report = try await control.edit(.apply(document, prune: true))
        #expect(Set(report.changes.map { "\($0.key) \($0.kind)" }) == ["routes/b created", "ip_sets/i created", "routes/one deleted"])
        #expect(report.warnings.count == 2 && report.warnings[0].contains("log") && report.warnings[1].contains("ip_sets/i"))
        #expect(try await control.edit(.apply(await control.export(), prune: true)).outcome == nil, "an export is what is there")
        let back = try await control.edit(.rollback(1))
        #expect(back.revision == 3)
        #expect(await control.export() == before)
        #expect(try await control.document(at: 2, masked: false)["ip_sets"] != nil)
        #expect(try await control.revisions(limit: 9).map(\.kind) == ["rollback", "apply", "start"])
        #expect(try await control.revision(2).changes.count == 3)
        #expect(try await control.differences(since: 2).count == 3)
        #expect(try await control.audit(limit: 9).map(\.actor) == ["ann", "ann", "file"])
        await #expect { try await control.edit(.rollback(0)) } throws: { ($0 as? ChangeRefusal)?.kind == .unknown }
    }

    @Test func whatTheWorkersRefuseIsNotKept() async throws {
        let bench = try await Bench(script: .init(answers: [0: "no"]))
        await #expect(throws: ChangeRefusal.self) { try await bench.control.edit(.put(.routes, id: "two", route(200))) }
        #expect(await bench.control.objects(.routes).map(\.id) == ["one"])
        #expect(try bench.stored(running: 1).configuration.routes.map(\.id) == ["one"])
        bench.master.set { $0.answers = [:] }
        #expect(try await bench.control.edit(.put(.routes, id: "two", route(200))).revision == 3)
    }

    @Test func whatIsReadMaskedMayBeWrittenBack() async throws {
        let control = try await Bench().control
        try await control.edit(.put(.consumers, id: "c", json(#"{"credentials": [{"id": "k", "type": "key", "secret": "s3cret"}]}"#)))
        let object = try #require(await control.object(.consumers, "c"))
        #expect(!object.masked.text().contains("s3cret"))
        #expect(try await control.edit(.put(.consumers, id: "c", object.masked)).outcome == nil)
        try await control.edit(.patch(.consumers, id: "c", json(#"{"labels": {"plan": "gold"}}"#)))
        #expect(await control.object(.consumers, "c")?.json.text().contains("s3cret") == true)
    }

    @Test(.timeLimit(.minutes(1))) func unconfirmedGoesBackByItself() async throws {
        let bench = try await Bench(), control = bench.control
        let report = try await control.edit(.delete(.routes, id: "one"), within: 1)
        #expect(report.confirmBy != nil)
        await #expect { try await control.edit(.put(.routes, id: "x", route(200))) } throws: {
            ($0 as? ChangeRefusal)?.kind == .conflict && ($0 as? ChangeRefusal)?.errors[0].contains("revision 2") == true
        }
        await #expect { try await control.reload() } throws: { ($0 as? ChangeRefusal)?.kind == .conflict }
        #expect(try bench.stored(running: 2).state.revision == 2)
        while await control.waiting != nil { try await Task.sleep(for: .milliseconds(20)) }
        #expect(await control.objects(.routes).map(\.id) == ["one"])
        #expect(try await control.revisions(limit: 1).map(\.kind) == ["revert"])
        try await control.edit(.put(.routes, id: "x", route(200)))
    }

    @Test func confirmedHolds() async throws {
        let bench = try await Bench(), control = bench.control
        try await control.edit(.delete(.routes, id: "one"), within: 60)
        await #expect { try await control.confirm(1) } throws: { ($0 as? ChangeRefusal)?.kind == .conflict }
        try await control.confirm(2)
        #expect(await control.waiting == nil)
        try await control.edit(.put(.routes, id: "x", route(200)), within: 60)
        try await control.edit(.rollback(2))
        #expect(await control.waiting == nil, "going back by hand ends the wait")
    }

    @Test func theFileIsMergedObjectByObject() async throws {
        let bench = try await Bench(), control = bench.control
        func file(_ routes: String) throws {
            _ = try bench.write(
                "version: 1\nlisteners: [{ address: 127.0.0.1:8080 }]\nplugins: [{ name: alpha, path: alpha.so }]\nroutes:\n\(routes)",
                "sluice.yaml")
        }
        func status(_ id: String) async -> JSONValue? { await control.object(.routes, id)?.json["action"]?["respond"]?["status"] }
        let one = "  - { id: one, action: { respond: { status: 200 } }, plugins: [{ name: alpha }] }\n"
        try await control.edit(.put(.routes, id: "one", route(299)), .put(.routes, id: "mine", route(298)))
        // Nothing changed in the file: what the API did stays.
        _ = try await control.reload()
        #expect(await status("one") == .int(299))
        // Something else changed there: likewise.
        try file(one + "  - { id: two, action: { respond: { status: 201 } } }\n")
        _ = try await control.reload()
        #expect(await (status("one"), status("two"), status("mine")) == (.int(299), .int(201), .int(298)))
        // The object itself changed: the file's is taken.
        try file("  - { id: one, action: { respond: { status: 202 } } }\n  - { id: two, action: { respond: { status: 201 } } }\n")
        _ = try await control.reload()
        #expect(await status("one") == .int(202))
        // Deleted by the API and unchanged in the file: stays deleted. Removed from the file: goes.
        try await control.edit(.delete(.routes, id: "two"))
        try file("  - { id: two, action: { respond: { status: 201 } } }\n")
        _ = try await control.reload()
        #expect(await control.objects(.routes).map(\.id) == ["mine"])
        let newest = try await control.revisions(limit: 1)[0]
        #expect((newest.kind, newest.actor, newest.changes) == ("file", "file", 1))
    }

    @Test func concurrentWritersQueueInOrder() async throws {
        let bench = try await Bench(), control = bench.control
        let revisions = await withTaskGroup(of: UInt64?.self) { group in
            for number in 0..<40 {
                group.addTask { try? await control.edit(.put(.routes, id: "r\(number)", route(200))).revision }
            }
            return await group.reduce(into: [UInt64]()) { if let revision = $1 { $0.append(revision) } }
        }
        #expect(revisions.sorted() == Array(2...41))
        #expect(await control.objects(.routes).count == 41)
        #expect(try bench.stored(running: 41).configuration.routes.count == 41)
    }
}
