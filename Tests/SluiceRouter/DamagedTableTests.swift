// Lookups in damaged routing structures that the check let pass: wrong answers are allowed, crashes and endless walks are not.
import Glibc
import SluiceModel
import SluiceRules
import Testing

@Suite(.timeLimit(.minutes(2))) struct DamagedTableTests {
    /// `SLUICE_MUTATIONS` sets how many.
    @Test func lookupsSurvive() throws {
        var count = 5_000
        if let p = getenv("SLUICE_MUTATIONS"), let n = Int(String(cString: p)) { count = n }
        let table = try Table([
            route(
                "a", ["/users/{id}", "/users/{id}/posts/{post}", "/users/me", "/a-long-literal-segment/*"],
                hosts: ["h", "*.example.org", "*.b.example.org"]),
            route("b", ["/users/*", "/{x}/{y}/*", "/u*"], hosts: ["h"], methods: ["GET"], priority: 3),
            route("c", ["/users/{id}"], methods: ["POST"]), route("d"),
        ])
        let good = Array(table.memory)
        let header = table.view.header.pointee
        let first = Int(header.hosts.offset)
        let end = Int(header.parameterNames.offset) + 8 * Int(header.parameterNames.count)
        let requests = [
            ("h", "/users/7"), ("h", "/users/7/posts/8"), ("x.example.org", "/users/me"), ("a.b.example.org", "/a-long-literal-segment/x"),
            ("h", "/"), ("other", "/users/9"), ("h", "/x/y/z"),
        ]
        var random = SplitMix(state: 7)
        var accepted = 0
        for _ in 0..<count {
            let at = (first..<end).randomElement(using: &random)! & ~3
            let old = table.memory.load(fromByteOffset: at, as: UInt32.self)
            let new = [UInt32.random(in: 0...40, using: &random), old ^ 1 << UInt32.random(in: 0..<32, using: &random), .max].randomElement(
                using: &random)!
            table.memory.storeBytes(of: new, toByteOffset: at, as: UInt32.self)
            let digest = ImageHash.hash(UnsafeRawBufferPointer(rebasing: table.memory[MemoryLayout<ImageHeader>.size...]))
            table.memory.storeBytes(of: digest, toByteOffset: MemoryLayout<ImageHeader>.offset(of: \.digest)!, as: UInt64.self)
            if (try? ImageView(base: UnsafeRawPointer(table.memory.baseAddress!), count: table.memory.count)) != nil {
                accepted += 1
                for (host, path) in requests { _ = table.ask(host, path, method: 1) }
            }
            table.memory.copyBytes(from: good)
        }
        #expect(accepted > count / 100 && accepted < count)
        #expect(table.ask("h", "/users/7").id == "b")
    }
}
