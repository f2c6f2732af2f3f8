// The store by itself: pending and active, every revision's whole state, diffs, what is forgotten, a file that is damaged.
import Foundation
import GRDB
import SluiceModel
import Testing

@testable import SluiceStore

/// A database in a folder of its own.
final class Fixture {
    let folder = NSTemporaryDirectory() + "/sluice-store-tests-\(UUID().uuidString)"
    var path: String { folder + "/sluice.db" }
    let store: Store
    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        store = try Store(path: folder + "/sluice.db")
    }
    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Revision `number` sets (or with nil removes) these routes.
    func begin(_ number: UInt64, _ objects: [(String, String?)], change: (inout PendingRevision) -> Void = { _ in }) throws {
        var pending = PendingRevision(RevisionRow(number: number, kind: "edit", actor: "ann", time: 1000 + number))
        pending.objects = objects.map { ObjectWrite(kind: "routes", id: $0.0, json: $0.1) }
        change(&pending)
        try store.begin(pending)
    }
    func make(_ number: UInt64, _ objects: [(String, String?)], kept: Int = 100, change: (inout PendingRevision) -> Void = { _ in }) throws
    {
        try begin(number, objects, change: change)
        try store.activate(number, kept: kept)
    }
    func state(_ rows: [ObjectRow]) -> [String: String] { Dictionary(uniqueKeysWithValues: rows.map { ($0.id, $0.json) }) }
}

@Suite struct StoreTests {
    @Test func everyRevisionsWholeStateIsReachable() throws {
        let it = try Fixture()
        try it.make(1, [("a", "1"), ("b", "1")])
        try it.make(2, [("a", "2"), ("b", nil)])
        try it.make(4, [("b", "3"), ("c", "1")])
        #expect(it.state(try it.store.objects(at: 1)) == ["a": "1", "b": "1"])
        #expect(it.state(try it.store.objects(at: 2)) == ["a": "2"])
        #expect(it.state(try it.store.objects(at: 3)) == ["a": "2"])
        #expect(it.state(try it.store.objects(at: 4)) == ["a": "2", "b": "3", "c": "1"])
        #expect(it.state(try it.store.objects()) == ["a": "2", "b": "3", "c": "1"])
        let a = try #require(try it.store.objects().first { $0.id == "a" })
        #expect((a.revision, a.createdAt, a.updatedAt) == (2, 1001, 1002))
        #expect(
            try it.store.changes(of: 2) == [
                ChangeRow(kind: "routes", id: "a", before: "1", after: "2"), ChangeRow(kind: "routes", id: "b", before: "1", after: nil),
            ])
        let then = try it.store.differences(since: 1).map { "\($0.id)=\($0.json ?? "-")" }
        #expect(then == ["a=1", "b=1", "c=-"])
    }

    @Test func aPendingRevisionIsDroppedWithoutATrace() throws {
        let it = try Fixture()
        try it.make(1, [("a", "1"), ("b", "1")]) { $0.files = [FileWrite(kind: "routes", id: "a", digest: "x")] }
        let before = try it.store.objects()
        try it.begin(2, [("a", "2"), ("b", nil), ("c", "1")]) {
            $0.files = [FileWrite(kind: "routes", id: "a", digest: "y")]
            $0.counters = "{}"
        }
        #expect(try it.store.settle(running: 1) == [2])
        #expect(try it.store.objects() == before)
        #expect(try it.store.fileDigests() == [FileWrite(kind: "routes", id: "a", digest: "x")])
        #expect(try it.store.revision(2) == nil)
        #expect(try it.store.counters().lastRevision == 2, "the number is not given again")
    }

    @Test func whatTheWorkersRunBecomesActive() throws {
        let it = try Fixture()
        try it.make(1, [("a", "1")])
        try it.begin(2, [("a", "2")])
        #expect(try it.store.revision(2)?.isActive == false)
        #expect(try it.store.settle(running: 2) == [])
        #expect(try it.store.revision(2)?.isActive == true)
        #expect(try it.store.audit(limit: 10).map(\.revision) == [2, 1])
        #expect(try it.store.settle(running: 2) == [], "done once")
        #expect(try it.store.audit(limit: 10).count == 2)
    }

    @Test func forgettingOldRevisionsLeavesTheOthersWhole() throws {
        let it = try Fixture()
        for number in UInt64(1)...20 {
            try it.make(number, [("a", "\(number)"), ("r\(number)", "1")] + (number > 3 ? [("r\(number - 3)", nil)] : []), kept: 5) {
                if number == 2 { ($0.settings, $0.control) = ("two", "c") }
            }
        }
        #expect(try it.store.revisions(limit: 100).map(\.number) == [20, 19, 18, 17, 16])
        for number in UInt64(16)...20 {
            let expected = ["a": "\(number)", "r\(number)": "1", "r\(number - 1)": "1", "r\(number - 2)": "1"]
            #expect(it.state(try it.store.objects(at: number)) == expected)
            #expect(try it.store.text(.settings, at: number) == "two", "what is inherited stays known")
        }
        #expect(try it.store.changes(of: 16).map(\.before) == ["15", "1", nil])
        let rows = try it.store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM versions") ?? 0 }
        #expect(rows == 5 + 7 + 2, "versions that no kept revision sees, nor the differences of the oldest, are gone")
    }

    @Test func confirming() throws {
        let it = try Fixture()
        try it.make(1, [])
        try it.begin(2, []) { ($0.row.confirmBy, $0.row.basis) = (5_000, 1) }
        try it.store.activate(2)
        #expect(try it.store.waiting()?.number == 2)
        #expect(try it.store.waiting()?.basis == 1)
        #expect(try it.store.confirm(2))
        #expect(try !it.store.confirm(2))
        #expect(try it.store.waiting() == nil)
    }

    @Test func listsHavePages() throws {
        let it = try Fixture()
        for number in UInt64(1)...7 { try it.make(number, []) }
        #expect(try it.store.revisions(limit: 3).map(\.number) == [7, 6, 5])
        #expect(try it.store.revisions(limit: 3, before: 5).map(\.number) == [4, 3, 2])
        var row = AuditRow(time: 1, actor: "bob", action: "refused")
        row.detail = "scope"
        try it.store.note(row)
        #expect(try it.store.audit(limit: 2).map(\.actor) == ["bob", "ann"])
        #expect(try it.store.audit(limit: 9, actor: "bob").map(\.detail) == ["scope"])
        #expect(try it.store.audit(limit: 2, before: 3).map(\.number) == [2, 1])
    }

    @Test func aDamagedFileIsSaidToBe() throws {
        let it = try Fixture()
        for number in UInt64(1)...40 { try it.make(number, [("a\(number)", String(repeating: "x", count: 3000))]) }
        try it.store.close()
        let file = try #require(FileHandle(forUpdatingAtPath: it.path))
        try file.seek(toOffset: 8192)
        try file.write(contentsOf: Data(repeating: 0xa5, count: 40_000))
        try file.close()
        #expect(throws: StoreProblem.self) { try Store(path: it.path) }
        try Data(repeating: 0x41, count: 5000).write(to: URL(fileURLWithPath: it.path))
        #expect(throws: StoreProblem.self) { try Store(path: it.path) }
    }

    @Test func aNewerFormatIsLeftAlone() throws {
        let it = try Fixture()
        try it.store.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9 from the future')") }
        try it.store.close()
        #expect { try Store(path: it.path) } throws: { "\($0)".contains("newer version") }
    }
}
