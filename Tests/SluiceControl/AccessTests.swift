// Who may: scopes, tokens on the disk, rates; and the declarations themselves.
import Foundation
import SluiceModel
import Testing

@testable import SluiceControl

@Suite struct AccessTests {
    private func folder() throws -> String {
        let path = FileManager.default.temporaryDirectory.path + "/access-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test func scopes() throws {
        #expect(
            AdminScope("routes") == nil && AdminScope("routes:delete") == nil && AdminScope("cars:read") == nil
                && AdminScope("a:b:c") == nil)
        let write = try #require(AdminScope("routes:write")), read = try #require(AdminScope("routes:read")),
            all = try #require(AdminScope("*:*"))
        #expect(write.allows("routes", writes: true) && write.allows("routes", writes: false) && !write.allows("clusters", writes: false))
        #expect(read.allows("routes", writes: false) && !read.allows("routes", writes: true))
        #expect(all.covers(write) && write.covers(read) && !read.covers(write) && !write.covers(all))
        #expect(AdminRole.viewer < .editor && AdminRole.editor < .admin)
    }

    @Test func tokensOnTheDisk() throws {
        let path = try folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = TokenStore(folder: path), other = TokenStore(folder: path)
        #expect(store.isEmpty)
        let (text, token) = try store.make("one", .editor, scopes: [AdminScope("routes:write")!])
        #expect(!other.isEmpty && other.find(text)?.name == "one" && other.find(text + "x") == nil && other.find("slc_") == nil)
        #expect(token.lastUsedAt == nil)
        #expect(try store.all()[0].lastUsedAt != nil, "found by the other one meanwhile")
        #expect(throws: TokenStore.Problem.exists) { try store.make("one", .viewer) }
        let (short, _) = try store.make("short", .viewer, expiresAt: 1000)
        #expect(store.find(short, nowMs: 999) != nil && store.find(short, nowMs: 1000) == nil)
        #expect(try other.remove("one") && !other.remove("one"))
        #expect(store.find(text) == nil)
        try Data("{".utf8).write(to: URL(fileURLWithPath: path + "/tokens.json"))
        #expect(store.find(short, nowMs: 1) == nil && !store.isEmpty, "nobody is let in by a damaged file")
    }

    @Test func buckets() {
        var limiter = RateLimiter()
        for _ in 0..<20 { #expect(limiter.take("a", perSecond: 10, nowMs: 0) == nil) }
        #expect(limiter.take("a", perSecond: 10, nowMs: 0) == 1)
        #expect(limiter.take("b", perSecond: 10, nowMs: 0) == nil)
        #expect(limiter.take("a", perSecond: 10, nowMs: 100) == nil && limiter.take("a", perSecond: 10, nowMs: 100) != nil)
        for _ in 0..<10 { #expect(limiter.failed("a", perSecond: 10, nowMs: 100) == nil) }
        #expect(limiter.failed("a", perSecond: 10, nowMs: 100) == 6)
        #expect(limiter.failed("a", perSecond: 10, nowMs: 6_100) == nil)
    }

    @Test func bucketsAreBounded() {
        var limiter = RateLimiter()
        for index in 0..<(RateLimiter.addressesMax * 2) { _ = limiter.take("a\(index)", perSecond: 1, nowMs: 0) }
        #expect(limiter.addresses <= RateLimiter.addressesMax)
        // A customer of IPv6 is one address.
        var six = RateLimiter()
        for index in 0..<100 { _ = six.take("2001:db8::\(index)", perSecond: 1000, nowMs: 0) }
        #expect(six.addresses == 1)
    }

    @Test func theGate() throws {
        let path = try folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let gate = Gate(tokens: TokenStore(folder: path))
        func ask(_ authorization: String? = nil, _ rules: GateRules = GateRules()) -> AdminPrincipal? {
            var request = AdminRequest(method: "GET", path: "/v1/status")
            request.authorization = authorization
            request.address = "10.0.0.1"
            return try? gate.admit(request, rules).get()
        }
        #expect(ask()?.role == .admin && ask()?.isKnown == true)
        #expect(ask(nil, GateRules(isLocal: false))?.isKnown == false && ask(nil, GateRules(requireToken: true))?.isKnown == false)
        let (text, _) = try gate.tokens.make("one", .viewer)
        #expect(ask()?.isKnown == false && ask("Bearer \(text)")?.name == "one" && ask("bearer  \(text)")?.name == "one")
        #expect(ask("Bearer x") == nil && ask("Basic \(text)") == nil && ask("Bearer \(text) x") == nil)
    }

    @Test func declarationsAreWhole() throws {
        let table = OperationTable.shared
        #expect(Set(table.operations.map(\.id)).count == table.operations.count)
        for operation in table.operations {
            let path = operation.path.replacing("{", with: "").replacing("}", with: "")
            let found = try #require(table.find(path)?.0.operations[operation.method.rawValue], "\(operation.id)")
            #expect(found.id == operation.id || found.path != operation.path)
            let named = operation.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
            #expect(named.allSatisfy { name in operation.parameters.contains { $0.name == name && $0.place == .path } }, "\(operation.id)")
            #expect(operation.role != nil || operation.method == .get, "\(operation.id): a write needs a role")
            #expect(AdminScope.resources.contains(operation.scope), "\(operation.id)")
        }
        #expect(table.find("/v1/plugins/load")?.0.template == "/v1/plugins/load", "words go before parameters")
        #expect(table.find("/v1/clusters/a/targets/unix:%2Frun%2Fx")?.1["address"] == "unix:/run/x")
        #expect(table.find("/v1/routes/%00") == nil && table.find("/v1/routes/%ff") == nil)
    }

    @Test func tagsOfFields() {
        #expect(ETagField.read("*") == [] && ETagField.read("\"r1\", \"r2\"") == [ETag("r1"), ETag("r2")])
        for wrong in ["", "r1", "\"r1", "\"a\"\"b\"", "\"a\",,"] { #expect(ETagField.read(wrong) == nil) }
        #expect(ETagField.matches("W/\"r1\"", ETag("r1")) && ETagField.read("W/\"r1\"") != [ETag("r1")], "weak tags match reads alone")
    }

    @Test func pages() throws {
        let resource = ObjectResource.resource(.ipSets)
        let all = (0..<7).map { index in
            var set = IPSet(id: "s\(index)")
            set.addresses = index % 2 == 0 ? ["10.0.0.0/8"] : []
            return PolicyObject(
                key: PolicyKey(kind: .ipSets, id: set.id), value: .ipSet(set), revision: 1, createdAt: UInt64(10 - index), updatedAt: 5)
        }
        var query = ["limit": "2", "sort": "created_at"], seen: [String] = []
        while true {
            let page = try #require(ObjectQuery(query, resource)).page(all)
            #expect(page.total == 7)
            seen += page.items.map(\.id)
            guard let next = page.next else { break }
            query["after"] = next
        }
        #expect(seen == (0..<7).reversed().map { "s\($0)" })
        #expect(ObjectQuery(["address": "10.0.0.0/8"], resource)?.page(all).total == 4)
        #expect(ObjectQuery(["after": "!!"], resource) == nil && ObjectQuery(["after": "AAAA"], resource) == nil)
    }
}
