// Images made from the one before: what stays, what is compiled anew, and that a failure leaves nothing behind. That their answers are
// right is the property test of the router.
import SluiceBytes
import SluiceModel
import Testing

@testable import SluiceRules

@Suite struct CacheTests {
    private func many(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
        small { c in
            c.routes = (0..<50).map { route("r\($0)", hosts: ["h\($0 % 5)"], paths: ["/p\($0)/*", "~^/x\($0)[0-9]"]) }
            change(&c)
        }
    }

    /// A block at a multiple of what sets of expressions need.
    private func ids(_ image: [UInt8]) throws -> Set<String> {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: image.count, alignment: RegexSearch.alignment)
        defer { memory.deallocate() }
        memory.copyBytes(from: image)
        let v = try ImageView(base: UnsafeRawPointer(memory.baseAddress!), count: image.count)
        return Set(v.routes.map { v.text($0.id).string })
    }

    @Test func routesComeAndGo() throws {
        let cache = ImageCache()
        var expected = Set((0..<50).map { "r\($0)" })
        #expect(try ids(builder(many()).build(cache)) == expected)
        let fewer = many { $0.routes.removeSubrange(3..<40) }
        for i in 3..<40 { expected.remove("r\(i)") }
        #expect(try ids(builder(fewer).build(cache)) == expected)
        let others = many { c in
            c.routes.removeFirst(45)
            c.routes.insert(route("new", paths: ["/new"]), at: 0)
        }
        #expect(try ids(builder(others).build(cache)) == ["new", "r45", "r46", "r47", "r48", "r49"])
        #expect(try ids(builder(many()).build(cache)).count == 50)
        #expect(try ids(builder(small { $0.routes = [] }).build(cache)).isEmpty)
    }

    @Test func aRefusedImageLeavesTheCacheUsable() throws {
        let cache = ImageCache()
        let good = try builder(many()).build(cache)
        for bad in ["~^/(", "/a*b", "~^/(?=a)"] {
            #expect(throws: ImageError.self) { try builder(many { $0.routes[7].paths = [bad] }).build(cache) }
        }
        #expect(throws: ImageError.self) { try builder(many { $0.routes[7].id = "r8" }).build(cache) }
        #expect(try ids(builder(many()).build(cache)) == ids(good))
    }

    /// An expression that joins others is compiled in a small set; the others stay as they are.
    @Test func expressionsStayCompiled() throws {
        let cache = ImageCache()
        let full = small { c in c.routes = (0..<200).map { route("r\($0)", paths: ["~^/x\($0)[0-9]"]) } }
        _ = try builder(full).build(cache)
        #expect(cache.regexes.sets.count == 1)
        let hash = cache.regexes.sets[0].hash
        var next = full
        next.routes[3].paths = ["~^/y[0-9]"]
        _ = try builder(next).build(cache)
        #expect(cache.regexes.sets.count == 2 && cache.regexes.sets[0].hash == hash && cache.regexes.sets[1].numbers.count == 1)
        next.routes[4].paths = ["~^/z[0-9]"]
        _ = try builder(next).build(cache)
        #expect(cache.regexes.sets.count == 2 && cache.regexes.sets[1].numbers.count == 2)
    }

    @Test func consumersAreFoundByName() throws {
        let c = small { c in
            c.consumers = (0..<100).map { i in
                var consumer = Consumer(id: "c\(i)")
                consumer.labels = [HeaderLine(name: "tier", value: "t\(i)")]
                return consumer
            }
        }
        let block = Block(try builder(c).build())
        defer { withExtendedLifetime(block) {} }
        let v = try block.view()
        for name in ["c0", "c57", "c99"] {
            var text = name
            let i = text.withUTF8 { v.consumer(named: ByteView($0.baseAddress!, $0.count)) }
            #expect(i >= 0 && v.text(v.consumers[Int(i)].id).string == name)
            #expect(v.text(v.labels(v.consumers.baseAddress! + Int(i))[0].value).string == "t" + name.dropFirst())
        }
        #expect(v.consumer(named: ByteView("c100")) == -1)
    }
}
