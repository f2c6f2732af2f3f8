// What conditions cost, alone: a header equality, a prefix, an address set of ten thousand networks, a regular expression, and them together,
// over a request of twelve header fields that is looked through as a worker does it. No condition may take memory from the arena.
import Glibc
import SluiceBytes
import SluiceCEL
import SluiceModel

/// A request as plain memory: what a provider over a real one sees.
private struct Request {
    let fields: UnsafeMutablePointer<(name: ByteView, value: ByteView)>
    let count = 12
    var method = ByteView("GET")
    var path = ByteView("/users/7/orders")
    var address: IPAddress
    var set: AddressSetView

    init(set: AddressSetView, address: IPAddress) {
        (self.set, self.address) = (set, address)
        let all: [(StaticString, StaticString)] = [
            ("host", "api.example.com"), ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"), ("accept", "*/*"),
            ("accept-encoding", "gzip, br"),
            ("cache-control", "no-cache"), ("cookie", "sid=0123456789abcdef"), ("referer", "https://example.com/"), ("x-request-id", "17"),
            ("x-forwarded-for", "203.0.113.9"), ("x-tenant", "blue"), ("x-beta", "1"), ("accept-language", "en-GB,en;q=0.9"),
        ]
        fields = .allocate(capacity: all.count)
        for (i, f) in all.enumerated() { fields[i] = (ByteView(f.0), ByteView(f.1)) }
    }

    func header(_ name: ByteView) -> ByteView? {
        for i in 0..<count where fields[i].name.count == name.count && fields[i].name.equalsIgnoringCase(name) { return fields[i].value }
        return nil
    }

    static func of(_ context: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Request> { context.assumingMemoryBound(to: Request.self) }
    static func put(_ v: Value, _ out: UnsafeMutableRawPointer) { out.storeBytes(of: v, as: Value.self) }
    static func provider(_ context: UnsafeMutableRawPointer) -> AttributeProvider {
        AttributeProvider(
            context: context,
            attribute: { context, id, out in
                let r = Request.of(context)
                switch AttributeID(id) {
                case .requestMethod: Request.put(.string(r.pointee.method), out)
                case .requestURLPath: Request.put(.string(r.pointee.path), out)
                case .sourceAddress:
                    Request.put(.ip(high: r.pointee.address.high, low: r.pointee.address.low, isIPv4: r.pointee.address.isIPv4), out)
                case .requestHeaders: Request.put(.attributeMap(.requestHeaders), out)
                default: Request.put(.error(.attributeAbsent), out)
                }
            },
            lookup: { context, _, key, count, out in
                guard let v = Request.of(context).pointee.header(ByteView(key, count)) else { return false }
                Request.put(.string(v), out)
                return true
            },
            nextKey: { _, _, _, _ in false },
            containsAddress: { context, _, high, low in Request.of(context).pointee.set.contains(high: high, low: low) },
            dictionary: { _, _, _, _, _, _ in false },
            call: { _, _, _, _, out in Request.put(.error(.functionFailed), out) })
    }
}

enum RuleFigures {
    static let conditionMost = 300.0, setMost = 100.0

    static func run() throws {
        try Core.pin()
        Figure.header()
        var shuffle = Shuffle()
        let networks = (0..<10_000).map { _ in
            let bits = Int(16 + shuffle.next() % 17)
            return IPNetwork("\(IPAddress(ipv4: UInt32(truncatingIfNeeded: shuffle.next())))/\(bits)")!
        }
        let bytes = AddressSetBuilder.bytes(networks)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 64)
        defer { memory.deallocate() }
        memory.copyMemory(from: bytes, byteCount: bytes.count)
        let set = AddressSetView(base: memory, count: bytes.count)
        guard set.check() else { throw BenchFailure("the address set is refused") }
        lookups("IPv4", set, networks)
        let six = (0..<10_000).map { _ in
            IPNetwork("\(IPAddress(high: 0x2000_0000_0000_0000 | shuffle.next() >> 3, low: 0))/\(32 + shuffle.next() % 33)")!
        }
        let sixBytes = AddressSetBuilder.bytes(six)
        let sixMemory = UnsafeMutableRawPointer.allocate(byteCount: sixBytes.count, alignment: 64)
        defer { sixMemory.deallocate() }
        sixMemory.copyMemory(from: sixBytes, byteCount: sixBytes.count)
        lookups("IPv6", AddressSetView(base: sixMemory, count: sixBytes.count), six)
        let request = UnsafeMutablePointer<Request>.allocate(capacity: 1)
        defer {
            request.pointee.fields.deallocate()
            request.deallocate()
        }
        request.initialize(to: Request(set: set, address: networks[7_001].address))
        for (what, text, most, wanted) in conditions { try condition(what, text, most, wanted, request) }
    }

    private static let conditions: [(String, String, Double?, ConditionResult)] = [
        ("header equality (11th of 12)", "request.headers['x-beta'] == '1'", nil, .yes),
        ("method equality", "request.method == 'GET'", nil, .yes),
        ("prefix of the path", "request.url_path.startsWith('/users/')", nil, .yes),
        ("address in a set of 10,000 networks", "source.address in ipset('office')", nil, .yes),
        ("header equality and address set", "request.headers['x-beta'] == '1' && source.address in ipset('office')", conditionMost, .yes),
        (
            "header equality and not address set", "request.headers['x-beta'] == '1' && !(source.address in ipset('office'))",
            conditionMost, .no
        ),
        ("one of four literals", "request.method in ['POST', 'PUT', 'PATCH', 'GET']", nil, .yes),
        ("regular expression on the path", "request.url_path.matches('^/users/[0-9]+/')", nil, .yes),
        ("exists over 4 elements", "[1, 2, 3, 4].exists(x, x == 4)", nil, .yes),
    ]

    /// Addresses in no order that a predictor knows, half of them inside.
    private static func lookups(_ family: String, _ set: AddressSetView, _ networks: [IPNetwork]) {
        var shuffle = Shuffle()
        let addresses: [(UInt64, UInt64)] = (0..<16_384).map { i in
            let a = networks.randomElement(using: &shuffle)!.address
            if i & 1 == 0 { return (a.high, a.low) }
            return a.isIPv4 ? (0, 0xffff_0000_0000 | shuffle.next() >> 32) : (a.high ^ shuffle.next() >> 8, 0)
        }
        var found = 0
        Figure {
            nanoseconds(addresses.count) { for a in addresses where set.contains(high: a.0, low: a.1) { found += 1 } }
        }.row("address set of 10,000 \(family) networks, random addresses", "ns", most: setMost)
        if found == 0 { complain("no address was found") }
    }

    private static func condition(
        _ what: String, _ text: String, _ most: Double?, _ wanted: ConditionResult, _ request: UnsafeMutablePointer<Request>
    ) throws {
        let code = try ProgramCompiler.compile(CELCheck.compileFront(text, environment: .request).get()) { _ in 0 }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: code.count, alignment: 8)
        memory.copyMemory(from: code, byteCount: code.count)
        let program = ProgramView(base: memory, count: code.count)
        if let problem = ProgramCheck.problem(program) { throw BenchFailure("\(text): \(problem)") }
        var evaluator = Evaluator()
        var pool = BlockPool(blockSize: 4_096)
        let count = 200_000
        var wrong = 0, used = 0
        let figure = withUnsafeMutablePointer(to: &pool) { pool in
            var arena = Arena(pool: pool)
            defer { arena.reset() }
            var provider = Request.provider(UnsafeMutableRawPointer(request))
            return withUnsafeMutablePointer(to: &arena) { arena in
                Figure {
                    nanoseconds(count) {
                        for i in 0..<count {
                            if i & 15 == 0 {
                                used += arena.pointee.used
                                arena.pointee.reset()
                            }
                            if evaluator.condition(program, &provider, arena: arena) != wanted { wrong += 1 }
                        }
                    }
                }
            }
        }
        evaluator.destroy()
        memory.deallocate()
        if wrong > 0 { throw BenchFailure("\(text): another answer \(wrong) times") }
        if used > 0 && !text.hasPrefix("[") { throw BenchFailure("\(text): took memory") }
        figure.row("`\(text)`: \(what)", "ns", most: most)
    }
}
