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
        let build = try Figure(rounds: Figure.rounds) { try nanoseconds(1) { _ = try imageBytes(configuration) } / 1e6 }
        build.row("\(shape.name): build of the image", "ms")
        Figure([Double(size) / Double(RouteShape.total)]).row("\(shape.name): bytes of the image per route", "B")
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

    init(_ shape: RouteShape, _ asks: RouteShape.Asks) {
        result.initialize(to: MatchResult())
        var shuffle = Shuffle()
        let order = (0..<RouteShape.total).shuffled(using: &shuffle)
        var next = UnsafeMutablePointer<UInt8>.allocate(capacity: RouteShape.total * 64)
        func keep(_ text: String) -> ByteView {
            let start = next
            for byte in text.utf8 {
                next.initialize(to: byte)
                next += 1
            }
            return ByteView(start, next - start)
        }
        for i in order { requests.append((keep(shape.host(i, asks)), keep(shape.path(i, asks)), asks == .route ? Int32(i) : -1)) }
    }

    func run(_ image: ImageView) {
        for r in requests where Router.match(image, host: r.host, path: r.path, method: 1, result: result) != r.route { wrong += 1 }
    }
}
