// The calls of the contract as a C plugin makes them (fixture.c complains through the log when one does not answer as the headers
// say), what `run` makes of results, and the headers in every language they promise.
import Foundation
import SluiceBytes
import Testing

@testable import SluicePlugins

@Suite(.serialized) struct ContractTests {
    @Test(arguments: ["c11", "c17", "c++17"], ["cc", "clang"]) func headersCompile(_ standard: String, _ compiler: String) throws {
        let text =
            "#include <sluice/sluice.h>\n" + (standard.hasPrefix("c++") ? "" : "#include <sluice/json_text.h>\n")
            + "SLUICE_MANIFEST(\"{}\")\n"
        let source = Kit.folder + "/headers-\(compiler).\(standard.hasPrefix("c++") ? "cc" : "c")"
        try text.write(toFile: source, atomically: true, encoding: .utf8)
        let language = standard.hasPrefix("c++") ? "c++" : "c"
        try Kit.run([
            compiler, "-x", language, "-std=\(standard)", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I\(Kit.include)",
            source,
        ])
    }

    /// The templates are what authors start from: they must build, load and work as they stand.
    @Test func templatesWork() throws {
        let worker = TestWorker()
        let options = [
            "-fPIC", "-fvisibility=hidden", "-shared", "-I\(Kit.include)", "-Wl,--version-script=\(Kit.root)/SDK/sluice-plugin.map",
        ]
        let c = Kit.folder + "/template.so"
        try Kit.run(["cc", "-std=c17", "-Wall", "-Wextra", "-Werror", Kit.root + "/SDK/Templates/c/hello.c", "-o", c] + options)
        let scratch = Kit.folder + "/template-build"
        let map = "--version-script=\(Kit.root)/SDK/sluice-plugin.map"
        try Kit.run([
            "TMPDIR=" + Kit.folder, "swift", "build", "--package-path", Kit.root + "/SDK/Templates/swift", "--scratch-path", scratch,
            "-Xlinker", map,
        ])
        for (generation, path) in [(UInt64(1), c), (2, try Kit.copy(scratch + "/debug/libhello.so"))] {
            let table = try worker.load(path, name: "hello", generation: generation)
            let message = try TestMessage()
            #expect(message.run(.rewrite, table) == 0 && message.requestHeader("x-hello") == "world")
            worker.host.retire(table)
        }
    }

    @Test func requestAndResponseCalls() throws {
        let worker = TestWorker()
        let table = try worker.load(try Kit.fixture(.edits, phases: ["rewrite", "header_filter"]))
        let message = try TestMessage(
            "GET /a/b?x=1&name=a%20b+c&x=2&secret=s HTTP/1.1\r\nHost: example.com:81\r\nAccept: */*\r\nUser-Agent: t\r\n\r\n")
        #expect(message.run(.rewrite, table) == 0)
        #expect(worker.complaints.isEmpty, "\(worker.complaints)")
        #expect(message.requestHeaders("x-one") == ["1", "2"] && message.requestHeader("accept") == nil)
        #expect(
            message.target == "/new?q=1" && message.ctx.pointee.methodToken.string == "POST"
                && message.ctx.pointee.authority.string == "[::1]:80")
        #expect(message.ctx.pointee.requestID.string == "id-1" && message.ctx.pointee.consumer.string == "anna")

        let second = try TestMessage()
        try second.respond()
        #expect(second.run(.headerFilter, table) == 0)
        #expect(worker.complaints.isEmpty, "\(worker.complaints)")
        #expect(second.ctx.pointee.status == 203 && second.responseHeader("server") == "hidden" && second.responseHeader("x-two") == "2")
        #expect(worker.block.plugins[3].misuse == 1)
    }

    @Test func keptHandlesAreRefused() throws {
        let worker = TestWorker(), table = try worker.load(try Kit.fixture(.abuser, phases: ["rewrite", "log"])),
            message = try TestMessage()
        #expect(message.run(.rewrite, table) == 0 && message.run(.log, table) == 0)
        #expect(worker.complaints.isEmpty, "\(worker.complaints)")
        #expect(worker.block.plugins[3].misuse == 2 && message.ctx.pointee.answerStatus == 0)
    }

    @Test func logCalls() throws {
        let worker = TestWorker(), table = try worker.load(try Kit.fixture(.counter, phases: ["log"])), message = try TestMessage()
        message.ctx.pointee.status = 200
        message.ctx.pointee.bytesSent = 10
        message.ctx.pointee.bytesReceived = 20
        message.ctx.pointee.durationUs = 30
        message.ctx.pointee.upstreamUs = 40
        message.ctx.pointee.retries = 1
        #expect(message.run(.log, table) == 0)
        #expect(worker.complaints.isEmpty, "\(worker.complaints)")
    }

    @Test func answers() throws {
        let worker = TestWorker(), table = try worker.load(try Kit.fixture(.answerer, phases: ["rewrite", "access"])),
            message = try TestMessage()
        #expect(message.run(.rewrite, table) == 0)
        #expect(message.ctx.pointee.answerStatus == 0)  // an answer that the hook did not return is dropped
        #expect(message.run(.access, table) == 1)
        #expect(worker.complaints.isEmpty, "\(worker.complaints)")
        #expect(message.ctx.pointee.answerStatus == 429 && message.ctx.pointee.answerBody.string == "slow down\n")
        #expect(message.ctx.pointee.answerMap.first(ByteView("retry-after"))?.string == "3")
    }

    @Test func failureModes() throws {
        let worker = TestWorker(), path = try Kit.fixture(.failing, phases: ["access", "log"]), message = try TestMessage()
        let closed = try worker.load(path)
        #expect(message.run(.access, closed) == -8 && message.ctx.pointee.answerStatus == 0)
        #expect(message.run(.log, closed) == 0)
        #expect(worker.block.plugins[3].failures[1] == 1 && worker.block.plugins[3].failures[4] == 1)
        let open = try worker.load(path, failOpen: true)
        #expect(message.run(.access, open) == 0 && message.ctx.pointee.answerStatus == 0)
        #expect(worker.block.plugins[3].failures[1] == 2)
    }

    @Test func bodies() throws {
        let worker = TestWorker(), upper = try worker.load(try Kit.fixture(.upper, phases: ["body_filter"]))
        let splitter = try worker.load(try Kit.fixture(.splitter, phases: ["body_filter"]), generation: 2)
        let message = try TestMessage()
        #expect(message.filter("abc", upper) == "ABC")
        #expect(!message.ctx.pointee.chunkReplaced)  // changed in place, nothing copied
        #expect(message.filter("abc", writable: false, upper) == "ABC")
        #expect(message.filter("abc", last: true, writable: false, upper) == "ABC!")
        #expect(message.filter("abc", last: true, upper) == "ABC!")
        #expect(message.filter("", last: true, upper) == "!")
        #expect(message.filter("abc", splitter) == "<abc>")
        #expect(message.filter("drop", splitter) == "")
        #expect(message.filter("abc", last: true, splitter, upper) == "<ABC>!")
        #expect(message.filter("abc", last: true, writable: false, upper, splitter) == "<ABC!>")
        #expect(message.filter("drop", last: true, splitter, upper, splitter) == "<!>")
        #expect(message.filter("abc", splitter, splitter, upper) == "<<ABC>>")
    }

    @Test func bodyMemoryIsBounded() throws {
        let worker = TestWorker(), splitter = try worker.load(try Kit.fixture(.splitter, phases: ["body_filter"])),
            message = try TestMessage()
        var sent = 0
        while sent < 100_000, message.filter("abc", splitter) == "<abc>" { sent += 1 }
        #expect(sent > 1_000 && sent < 100_000)  // the arena's bound, answered by a failed hook
        #expect(worker.block.plugins[3].failures[3] == 1)

        let perChunk = UnsafeMutablePointer<Arena>.allocate(capacity: 1)
        perChunk.initialize(to: Arena(pool: message.pool))
        message.ctx.pointee.chunkArena = perChunk
        for _ in 0..<50_000 {
            #expect(message.filter("abc", splitter) == "<abc>")
            perChunk.pointee.reset()
        }
        perChunk.deallocate()
    }

    @Test func crossModuleTablesKeepTheirSizes() {
        #expect(MemoryLayout<MessageContext>.size <= 768)
        #expect(MemoryLayout<BoundPlugin>.stride <= 144)
    }
}
