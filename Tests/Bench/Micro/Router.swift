// What finding a route costs among 100,000: many hosts with some prefixes each, and one host with all of them; requests that hit
// and requests that miss, in random order, so that the table is rarely in the caches. Also: building the image, and its size.
import SluiceBytes
import SluiceModel
import SluiceRouter
import SluiceRules
import SluiceSystem

enum RouterFigures {
    static let lookupMost = 1000.0

    static func run() throws {
        try Core.pin()
        Figure.header()
        for shape in [RouteShape.manyHosts, .oneHost] { try measure(shape) }
        try RegexFigures.run()
    }

    private static func measure(_ shape: RouteShape) throws {
        let configuration = shape.configuration
        let (image, size) = try mappedImage(configuration)
        for (name, key) in shape.requests {
            let requests = Lookups(shape, key)
            let figure = Figure { nanoseconds(requests.count) { requests.run(image) } }
            if requests.wrong > 0 { throw BenchFailure("\(shape.name), \(name): \(requests.wrong) wrong routes") }
            figure.row("\(shape.name): \(name)", "ns", most: lookupMost)
        }
        try measureChange(shape, configuration)
        Figure([Double(size) / Double(RouteShape.total)]).row("\(shape.name): bytes of the image per route", "B")
    }
}

/// What a change costs the control process, the master and a worker.
extension RouterFigures {
    static func measureChange(_ shape: RouteShape, _ configuration: Configuration) throws {
        let build = try Figure(rounds: 5) { try nanoseconds(1) { _ = try imageBytes(configuration) } / 1e6 }
        build.row("\(shape.name): build of the whole image", "ms")
        let cache = ImageCache()
        var changed = configuration
        var bytes = try imageBytes(changed, cache: cache)
        var round = 0
        let one = try Figure {
            round += 1
            changed.routes[(round * 7919) % RouteShape.total].priority = round & 1
            return try nanoseconds(1) { bytes = try imageBytes(changed, cache: cache) } / 1e6
        }
        one.row("\(shape.name): build with one route changed", "ms", most: 20)
        let write = try Figure {
            var file: Int32 = -1
            let ms =
                try nanoseconds(1) {
                    file = try bytes.withUnsafeBytes { raw throws(SystemError) in try MemoryFile.sealed("sluice-microbench", raw) }
                } / 1e6
            Descriptor.close(file)
            return ms
        }
        write.row("\(shape.name): writing the sealed file", "ms")
        let file = try bytes.withUnsafeBytes { raw throws(SystemError) in try MemoryFile.sealed("sluice-microbench", raw) }
        defer { Descriptor.close(file) }
        let check = try Figure {
            try nanoseconds(1) {
                let mapping = try Mapping(file, count: bytes.count, writable: false)
                _ = try ImageView(base: UnsafeRawPointer(mapping.base), count: mapping.count)
                mapping.unmap()
            } / 1e6
        }
        check.row("\(shape.name): mapping and checking it (master)", "ms")
        let ready = try Figure {
            try nanoseconds(1) {
                let mapping = try Mapping(file, count: bytes.count, writable: false)
                _ = try ImageView(alreadyChecked: UnsafeRawPointer(mapping.base), count: mapping.count)
                mapping.unmap()
            } / 1e3
        }
        ready.row("\(shape.name): mapping it when checked (worker)", "µs", most: 100)
    }
}

/// Many regular expressions beside one: all of them are searched for at once.
enum RegexFigures {
    private static func image(_ count: Int) throws -> ImageView {
        var c = Configuration()
        c.clusters = [Cluster(id: "origin")]
        c.clusters[0].targets = [Target(address: "127.0.0.1:8090")]
        c.routes = (0..<count).map { i in
            var r = Route(id: "r\(i)", action: .cluster("origin"))
            r.paths = ["~^/v[0-9]+/service\(i)/"]
            return r
        }
        let view = try mappedImage(c).view
        guard RegexSearch.prepare(view) else { throw BenchFailure("no memory for the regular expressions") }
        return view
    }

    static func run() throws {
        let one = Lookups(10_000) { i in ("any.example.org", "/v12/service0/orders/\(i)", 0) }
        let (first, many) = (try image(1), try image(10_000))
        let single = Figure { nanoseconds(one.count * 10) { for _ in 0..<10 { one.run(first) } } }
        single.row("1 route with a regular expression: hit", "ns")
        let all = Lookups(10_000) { i in ("any.example.org", "/v12/service\(i)/orders/17", i) }
        let hit = Figure { nanoseconds(all.count * 10) { for _ in 0..<10 { all.run(many) } } }
        hit.row("10,000 routes with a regular expression each: hit", "ns", most: 3 * single.median)
        let none = Lookups(10_000) { i in ("any.example.org", "/other\(i)/orders/17", -1) }
        let miss = Figure { nanoseconds(none.count * 10) { for _ in 0..<10 { none.run(many) } } }
        miss.row("10,000 routes with a regular expression each: miss", "ns", most: 3 * single.median)
        if one.wrong + all.wrong + none.wrong > 0 { throw BenchFailure("wrong routes behind regular expressions") }
    }
}

struct RouteShape {
    static let total = 100_000
    /// What a request asks for.
    enum Asks { case route, unknownHost, unknownPath }

    let name: String
    let hosts: Int
    let requests: [(name: String, asks: Asks)]
    private var prefixes: Int { RouteShape.total / hosts }

    static let manyHosts = RouteShape(
        name: "1000 hosts × 100 prefixes", hosts: 1000,
        requests: [("hit", .route), ("miss, host", .unknownHost), ("miss, path", .unknownPath)])
    static let oneHost = RouteShape(
        name: "1 host × 100,000 prefixes", hosts: 1, requests: [("hit", .route), ("miss, path", .unknownPath)])

    var configuration: Configuration {
        var c = Configuration()
        c.listeners = [Listener(address: "127.0.0.1:80")]
        c.clusters = [Cluster(id: "origin")]
        c.clusters[0].targets = [Target(address: "127.0.0.1:8090")]
        c.routes = (0..<RouteShape.total).map { i in
            var r = Route(id: "r\(i)", action: .cluster("origin"))
            r.hosts = [host(i, .route)]
            r.paths = ["/service\(i % prefixes)/*"]
            return r
        }
        return c
    }
    func host(_ route: Int, _ asks: Asks) -> String { "\(asks == .unknownHost ? "none" : "api")\(route / prefixes).example.org" }
    /// A miss differs from a route in its last literal byte: the walk goes all the way down.
    func path(_ route: Int, _ asks: Asks) -> String { "/service\(route % prefixes)\(asks == .unknownPath ? "-" : "/")orders/17" }
}

/// Requests for all routes in random order, their bytes in one piece of memory. Lives until the process ends.
final class Lookups {
    private var requests: [(host: ByteView, path: ByteView, route: Int32)] = []
    private let result = UnsafeMutablePointer<MatchResult>.allocate(capacity: 1)
    /// Answers that were not the expected route.
    private(set) var wrong = 0
    var count: Int { requests.count }

    convenience init(_ shape: RouteShape, _ asks: RouteShape.Asks) {
        self.init(RouteShape.total) { i in (shape.host(i, asks), shape.path(i, asks), asks == .route ? i : -1) }
    }

    /// - Parameter request: host, path and expected route of the i-th of `total`; texts of at most 64 bytes together.
    init(_ total: Int, _ request: (Int) -> (host: String, path: String, route: Int)) {
        result.initialize(to: MatchResult())
        var shuffle = Shuffle()
        let order = (0..<total).shuffled(using: &shuffle)
        var next = UnsafeMutablePointer<UInt8>.allocate(capacity: total * 64)
        func keep(_ text: String) -> ByteView {
            let start = next
            for byte in text.utf8 {
                next.initialize(to: byte)
                next += 1
            }
            return ByteView(start, next - start)
        }
        for i in order {
            let r = request(i)
            requests.append((keep(r.host), keep(r.path), Int32(r.route)))
        }
    }

    func run(_ image: ImageView) {
        for r in requests where Router.match(image, host: r.host, path: r.path, method: 1, result: result) != r.route { wrong += 1 }
    }
}
