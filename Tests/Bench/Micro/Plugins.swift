// What hooks cost: an empty one, and the bundled plugins on a request as it happens (rewrite, access, header_filter), loaded and
// bound as a worker does it. Excluded by subtraction: making the request fresh again. Not measured: writing the edited heads.
import Glibc
import SluiceBytes
import SluiceModel
import SluicePlugins
import SluiceRules
import SluiceShared
import SluiceSystem

enum PluginFigures {
    /// Name, configuration, in the order in which they run.
    static let bundled = [
        ("request-id", "{}"),
        ("key-auth", #"{"keys":[{"key":"demo-key","consumer":"demo"},{"key":"other-key","consumer":"other"}]}"#),
        (
            "header-transform",
            #"{"request":{"remove":["x-internal"],"set":{"x-forwarded-path":"${request.path}"}},"#
                + #""response":{"set":{"x-served-by":"sluice ${route.id}"}}}"#
        ),
    ]
    /// Variants of the test fixture that do nothing, or wait once.
    static let fixtures = [
        (name: "fixture", variant: "EMPTY", concurrency: "plain"), (name: "on-fiber", variant: "EMPTY", concurrency: "fiber"),
        (name: "yielder", variant: "YIELDER", concurrency: "fiber"), (name: "tokener", variant: "TOKENER", concurrency: "suspend"),
    ]
    static let emptyMost = 30.0, fiberMost = 60.0, waitMost = 1200.0, threeMost = 1500.0

    static func run(folder: String) throws {
        var files = try bundled.map { name, _ in (name: name, path: try absolute("\(folder)/\(name).so")) }
        let scratch = try TemporaryFolder()
        defer { scratch.remove() }
        let every = ["rewrite", "access", "header_filter", "body_filter", "log"]
        for f in fixtures {
            let phases = f.variant == "EMPTY" ? every : ["access"]
            files.append((f.name, try scratch.compile(f.name, variant: f.variant, phases: phases, concurrency: f.concurrency)))
        }
        let bench = try HookBench(files: files)
        try Core.pin()
        Figure.header()
        bench.hook("fixture").row("one empty hook", "ns", most: emptyMost)
        bench.hook("on-fiber").row("one empty hook on a fiber", "ns", most: fiberMost)
        bench.wait("yielder").row("a hook that parks its fiber once", "ns", most: waitMost)
        bench.wait("tokener").row("a hook that is resumed by its token", "ns", most: waitMost)
        for (name, _) in bundled { try bench.cost(of: name).row("\(name), all its phases of one request", "ns") }
        try bench.cost(of: "three").row("the three on one route", "ns", most: threeMost)
    }

    private static func absolute(_ path: String) throws -> String {
        guard let found = realpath(path, nil) else { throw BenchFailure("\(path) is not there; build it with make -C Plugins") }
        defer { free(found) }
        return String(cString: found)
    }
}

/// A host as in a worker, and one image with a route for each thing that is measured.
struct HookBench {
    private let host: PluginHost
    private let table: PluginTable
    private let image: ImageView
    private let request: BenchRequest

    init(files: [(name: String, path: String)]) throws {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: WorkerBlock.byteCount, alignment: 4096)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: WorkerBlock.byteCount)
        host = PluginHost(shared: WorkerBlock(at: memory), log: { level, text in if level > 1 { complain(text) } })
        image = try mappedImage(
            HookBench.configuration(files),
            plugin: { name in
                files.firstIndex { $0.name == name }.map {
                    PluginArtifact(name: name, version: "1.0.0", path: files[$0].path, generation: 1, digest: 0, statSlot: UInt32($0))
                }
            }
        ).view
        table = try host.prepare(image)
        request = try BenchRequest()
    }

    private static func configuration(_ files: [(name: String, path: String)]) -> Configuration {
        var c = Configuration()
        c.plugins = files.map { PluginSource(name: $0.name, path: $0.path) }
        let all = PluginFigures.bundled.map { PluginBinding(name: $0, configJSON: $1) }
        let chains =
            [("none", []), ("three", all)] + PluginFigures.fixtures.map { ($0.name, [PluginBinding(name: $0.name)]) }
            + all.map { ($0.name, [$0]) }
        c.routes = chains.map { id, bindings in
            var r = Route(id: id, action: .respond(status: 200, body: "", headers: []))
            r.paths = ["/\(id)"]
            r.plugins = bindings
            return r
        }
        return c
    }

    private func chain(_ id: String) -> UnsafeBufferPointer<UInt32> {
        image.chain(image.routes.first { image.text($0.id).string == id }!)
    }

    func hook(_ id: String) -> Figure {
        let bound = table.bound + Int(chain(id)[0]), context = request.context, count = 2_000_000
        request.restore()
        return Figure { nanoseconds(count) { for _ in 0..<count { _ = bound.pointee.run(.access, context) } } }
    }

    /// A hook that waits, and the turn of the host that ends its wait.
    func wait(_ id: String) -> Figure {
        let bound = table.bound + Int(chain(id)[0]), context = request.context, count = 200_000, now = SystemClock.monotonicUs() / 1000
        request.restore()
        return Figure {
            nanoseconds(count) {
                for _ in 0..<count {
                    precondition(bound.pointee.run(.access, context) == BoundPlugin.parked, "it was to park")
                    host.turn(nowMs: now, descriptorsReady: false)
                    precondition(host.nextFinished()?.result == 0, "it was to go on")
                }
            }
        }
    }

    /// Round by round: the chain's requests less requests without plugins.
    func cost(of id: String) throws -> Figure {
        let measured = chain(id), none = chain("none"), count = 50_000
        if !once(measured) { throw BenchFailure("a hook of \(id) does not let the request pass") }
        try verify(id)
        return Figure {
            let bare = nanoseconds(count) { for _ in 0..<count { _ = once(none) } }
            return nanoseconds(count) { for _ in 0..<count { _ = once(measured) } } - bare
        }
    }

    /// One request; the loops over the chain are the pipeline's. False: a hook failed or answered.
    @inline(never) private func once(_ chain: UnsafeBufferPointer<UInt32>) -> Bool {
        request.restore()
        var passed = phase(.rewrite, chain)
        passed = phase(.access, chain) && passed
        request.answer()
        return phase(.headerFilter, chain) && passed
    }
    @inline(__always) private func phase(_ phase: PluginPhase, _ chain: UnsafeBufferPointer<UInt32>) -> Bool {
        for index in chain {
            let b = table.bound + Int(index)
            if b.pointee.phases & phase.bit == 0 { continue }
            if b.pointee.run(phase, request.context) != 0 { return false }
        }
        return true
    }

    /// What is measured is the work itself: the edits are there.
    private func verify(_ id: String) throws {
        let x = request.context.pointee
        let done = [
            "request-id": x.request.first(ByteView("x-request-id"))?.count == 36 && x.response.first(ByteView("x-request-id"))?.count == 36,
            "key-auth": x.consumer.equals(ByteView("demo")) && x.request.first(ByteView("x-api-key")) == nil,
            "header-transform": x.request.first(ByteView("x-internal")) == nil
                && x.request.first(ByteView("x-forwarded-path"))?.equals(ByteView("/private/orders/17?page=2")) == true
                && x.response.first(ByteView("x-served-by"))?.equals(ByteView("sluice orders")) == true,
        ]
        for (name, isDone) in done where !isDone && (id == name || id == "three") { throw BenchFailure("\(name) did not do its work") }
    }
}
