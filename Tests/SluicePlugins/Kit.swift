// What the tests of this folder share: fixtures compiled with the system's C compiler, a host on private counters, and a request
// made of real bytes. Fixture sources are in Tests/Kit/plugins; the bundled plugins are built by Plugins/Makefile.
import CSluiceABI
import Foundation
import SluiceBytes
import SluiceHTTP
import SluiceShared
import Testing

@testable import SluicePlugins

enum Kit {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path
    static let include = root + "/SDK/Sources/CSluiceABI/include"
    /// A folder of this test run; removed at exit.
    static let folder: String = {
        try! FileManager.default.createDirectory(atPath: folderPath, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: Kit.folderPath) }
        return folderPath
    }()
    private static let folderPath = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-plugins-\(getpid())").path

    /// Runs a tool to its end; its output is part of the failure.
    @discardableResult static func run(_ arguments: [String]) throws -> String {
        let p = Process(), pipe = Pipe()
        p.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        p.arguments = arguments
        p.standardOutput = pipe
        p.standardError = pipe
        try p.run()
        let out = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        p.waitUntilExit()
        if p.terminationStatus != 0 { throw ToolFailure(description: "\(arguments.joined(separator: " ")): \(out)") }
        return out
    }
    struct ToolFailure: Error, CustomStringConvertible { let description: String }

    /// The compiler of fixtures; what `make sanitize` runs has instrumented ones, from the compiler whose runtime this process has.
    static let compiler = ProcessInfo.processInfo.environment["SLUICE_SANITIZE"].map { ["clang", "-fsanitize=\($0)", "-g"] } ?? ["cc"]

    /// Variants of fixture.c, in the order of its enum.
    enum Variant: Int {
        case hello, badInit, badConfigure, badMagic, badMajor, shortEntry, noManifest, lyingPhases, upper, edits, abuser, noFilter,
            answerer, empty, failing, splitter, counter, yielder, tokener
    }

    /// Compiles fixture.c; `phases` are the manifest's.
    static func fixture(_ variant: Variant, phases: [String] = ["rewrite"], extra: String = "", options: [String] = []) throws -> String {
        let path = folder + "/\(variant)-\(UUID().uuidString).so"
        let list = phases.map { "\\\"\($0)\\\"" }.joined(separator: ",")
        try run(
            compiler + [
                "-std=gnu17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-I\(include)",
                "-DVARIANT=\(variant.rawValue)", "-DPHASES=\"\(list)\"", "-DEXTRA=\"\(extra)\"",
            ]
                + options + [root + "/Tests/Kit/plugins/fixture.c", "-o", path, "-Wl,--version-script=\(root)/SDK/sluice-plugin.map"])
        return path
    }

    /// A copy under a name that was never used: the loader knows files by name.
    static func copy(_ path: String) throws -> String {
        let to = folder + "/\(UUID().uuidString).so"
        try FileManager.default.copyItem(atPath: path, toPath: to)
        return to
    }

    /// The bundled plugins, built once per run.
    static let bundled: Result<String, any Error> = Result {
        try run(["make", "-s", "-C", root + "/Plugins"])
        return root + "/.build/plugins"
    }
    static func plugin(_ name: String) throws -> String { try copy(try bundled.get() + "/\(name).so") }
}

/// A worker's plugin host with counters of its own. The log is kept.
final class TestWorker {
    let block: WorkerBlock
    private let memory: UnsafeMutableRawPointer
    let lines = Lines()
    let host: PluginHost
    final class Lines { var all: [String] = [] }

    init() {
        memory = .allocate(byteCount: WorkerBlock.byteCount, alignment: 4096)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: WorkerBlock.byteCount)
        block = WorkerBlock(at: memory)
        let lines = lines
        host = PluginHost(shared: block, log: { level, text in lines.all.append("\(level) \(text)") })
    }
    deinit { memory.deallocate() }

    /// One plugin with one configuration.
    func load(
        _ path: String, name: String = "fixture", generation: UInt64 = 1, config: String = "{}", slot: Int = 3, failOpen: Bool = false
    ) throws -> PluginTable {
        try host.prepare(
            plugins: [PluginSpec(name: name, path: path, generation: generation, digest: 0, statSlot: slot, failOpen: failOpen)],
            bindings: [PluginHost.BindingSpec(plugin: 0, config: config, key: UInt64(bitPattern: Int64(config.hashValue)))])
    }
    /// Complaints of fixtures (EXPECT) and of the host.
    var complaints: [String] { lines.all.filter { !$0.hasPrefix("0") && !$0.hasPrefix("1") } }
    var states: [UInt64] { (0..<SharedLimits.generationSlots).map { block.generations[$0].state }.filter { $0 != 0 } }
}

/// A request parsed from bytes, ready for hooks.
final class TestMessage {
    let pool: UnsafeMutablePointer<BlockPool>
    let arena: UnsafeMutablePointer<Arena>
    let ctx: UnsafeMutablePointer<MessageContext>
    private let requestHead = UnsafeMutablePointer<MessageHead>.allocate(capacity: 1)
    private let responseHead = UnsafeMutablePointer<MessageHead>.allocate(capacity: 1)
    private var buffers: [UnsafeMutableRawPointer] = []

    init(_ request: String = "GET /a/b?x=1 HTTP/1.1\r\nHost: example.com:81\r\nAccept: */*\r\nUser-Agent: t\r\n\r\n") throws {
        pool = .allocate(capacity: 1)
        pool.initialize(to: BlockPool(blockSize: 4096))
        arena = .allocate(capacity: 1)
        arena.initialize(to: Arena(pool: pool))
        ctx = .allocate(capacity: 1)
        ctx.initialize(to: MessageContext(arena: arena))
        requestHead.initialize(to: MessageHead())
        responseHead.initialize(to: MessageHead())
        ctx.pointee.requestHead = requestHead
        ctx.pointee.request = try parse(request, requestHead, isRequest: true)
        ctx.pointee.clientAddress = ByteView("10.0.0.7")
        ctx.pointee.clientPort = 4711
        ctx.pointee.routeID = ByteView("users")
        ctx.pointee.clusterID = ByteView("demo")
    }
    deinit {
        arena.pointee.reset()
        pool.pointee.trim()  // forgets the peak
        pool.pointee.trim()
        for b in buffers { b.deallocate() }
        requestHead.deallocate()
        responseHead.deallocate()
        ctx.deallocate()
        arena.deallocate()
        pool.deallocate()
    }

    func respond(_ text: String = "HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Length: 5\r\n\r\n") throws {
        ctx.pointee.responseHead = responseHead
        ctx.pointee.response = try parse(text, responseHead, isRequest: false)
        ctx.pointee.status = responseHead.pointee.status
    }

    private func parse(_ text: String, _ head: UnsafeMutablePointer<MessageHead>, isRequest: Bool) throws -> HeaderMap {
        let bytes = Array(text.utf8)
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + 128, alignment: 64)
        let fields = UnsafeMutableRawPointer.allocate(byteCount: 100 * MemoryLayout<HeaderField>.stride, alignment: 16)
        buffers += [buffer, fields]
        buffer.initializeMemory(as: UInt8.self, repeating: 0, count: bytes.count + 128)
        buffer.copyMemory(from: bytes, byteCount: bytes.count)
        let start = buffer.assumingMemoryBound(to: UInt8.self)
        let table = fields.bindMemory(to: HeaderField.self, capacity: 100)
        let limits = HeadLimits(fieldsMax: 100, targetBytesMax: 8192, headBytesMax: 16384)
        let n =
            isRequest
            ? HeadParser.request(start, count: bytes.count, head: head, fields: table, limits: limits)
            : HeadParser.response(start, count: bytes.count, head: head, fields: table, limits: limits)
        try #require(n == bytes.count, "the test's own message does not parse: \(n)")
        return HeaderMap(buffer: start, fields: table, fieldCount: Int(head.pointee.fieldCount))
    }

    func run(_ phase: PluginPhase, _ table: PluginTable, _ index: Int = 0) -> Int32 { table.bound[index].run(phase, ctx) }
    func requestHeader(_ name: StaticString) -> String? { ctx.pointee.request.first(ByteView(name))?.string }
    func responseHeader(_ name: StaticString) -> String? { ctx.pointee.response.first(ByteView(name))?.string }
    func requestHeaders(_ name: StaticString) -> [String] {
        var cursor = 0
        var out: [String] = []
        while let (n, v) = ctx.pointee.request.next(&cursor) { if n.equalsIgnoringCase(ByteView(name)) { out.append(v.string) } }
        return out
    }
    var target: String { ctx.pointee.pathAndQuery.string }

    /// Passes one chunk through the table's bindings and says what would be sent.
    func filter(_ text: String, last: Bool = false, writable: Bool = true, _ tables: PluginTable...) -> String? {
        let bytes = Array(text.utf8)
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + 1, alignment: 16)
        buffers.append(buffer)
        buffer.copyMemory(from: bytes, byteCount: bytes.count)
        ctx.pointee.beginChunk(ByteView(buffer.assumingMemoryBound(to: UInt8.self), bytes.count), isLast: last, isWritable: writable)
        for t in tables where t.bound[0].run(.bodyFilter, ctx) < 0 { return nil }
        if !ctx.pointee.chunkReplaced { return ctx.pointee.chunk.string }
        return (0..<ctx.pointee.chunkOutCount).map { ctx.pointee.chunkOut![$0].string }.joined()
    }
}
