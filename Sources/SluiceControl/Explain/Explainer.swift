// What would happen to a request, worked out over an image with the router and the evaluator that workers have: candidates in their order
// and why each was taken or not, plugins with their conditions, action, cluster, targets. Nothing is sent. What plugins would do to the
// request is not known here: it is routed as it came. The answer's forms are in `Explanation.swift`.
import SluiceBytes
import SluiceCEL
import SluiceModel
import SluiceRouter
import SluiceRules

struct Explainer {
    let image: ImageView
    let configuration: Configuration
    private let routes: [String: Int]

    /// - Parameter image: must outlive the explainer; compiled from `configuration`.
    init(image: ImageView, configuration: Configuration) {
        self.image = image
        self.configuration = configuration
        routes = Dictionary(configuration.routes.enumerated().map { ($1.id, $0) }) { first, _ in first }
    }

    /// The whole story.
    func explain(_ request: SampleRequest, limit: Int = 20) -> Explanation {
        let asked = Asked(request, image, configuration)
        defer { asked.end() }
        let trace = asked.candidates(limit: limit)
        var out = Explanation(request: request, revision: image.header.pointee.revision)
        out.candidates = trace.candidates.map { candidate in
            let record = image.routes[Int(candidate.route)], id = image.text(record.id).string
            let route = routes[id].map { configuration.routes[$0] }
            var step = Explanation.Candidate(
                route: id, verdict: candidate.verdict, kind: candidate.kind?.rawValue, priority: Int(record.priority))
            step.parameters = candidate.parameters.map { ($0.name, asked.slice($0.offset, $0.count)) }
            step.match = route.map { Explanation.match($0) } ?? ""
            let isAsked = [.chosen, .outranked, .condition].contains(candidate.verdict)
            if record.condition != .max, isAsked {
                step.condition = asked.outcome(record.condition, route?.when ?? "")
                step.when = route?.when
            }
            return step
        }
        out.isCut = trace.isCut
        guard let chosen = trace.chosen else {
            out.allowed = asked.allowedMethods
            return out
        }
        let record = image.routes[Int(chosen.route)], id = image.text(record.id).string
        asked.set(parameters: chosen.parameters)
        out.plugins = plugins(record, id, asked)
        if let index = routes[id] { out.take(configuration.routes[index], configuration) }
        return out
    }

    /// Only the outcome, for comparing many requests: route, action, and the plugins that would run.
    func outcome(_ request: SampleRequest) -> RoutingOutcome {
        let asked = Asked(request, image, configuration)
        defer { asked.end() }
        guard let chosen = asked.match() else { return RoutingOutcome() }
        let record = image.routes[Int(chosen.route)], id = image.text(record.id).string
        asked.set(parameters: chosen.parameters)
        var out = RoutingOutcome(route: id)
        out.plugins = plugins(record, id, asked).filter(\.runs).map(\.name)
        if let index = routes[id] { out.action = ObjectKind.action(ConfigurationEncoder.route(configuration.routes[index], true)) }
        return out
    }

    /// The chain as the image has it: global bindings, then the route's.
    private func plugins(_ record: RouteRecord, _ id: String, _ asked: Asked) -> [Explanation.Plugin] {
        let global = configuration.globalPlugins.enumerated().sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }.map(
            \.element)
        let own = routes[id].map { configuration.routes[$0].plugins } ?? []
        let written = global.map { ($0, "global") } + own.map { ($0, "route") }
        return image.chain(record).enumerated().map { place, index in
            let binding = image.bindings[Int(index)], name = image.text(image.plugins[Int(binding.plugin)].name).string
            let known = place < written.count && written[place].0.name == name ? written[place] : nil
            var out = Explanation.Plugin(name: name, scope: known?.1 ?? "route")
            out.when = known?.0.when
            if binding.condition != .max {
                let outcome = asked.outcome(binding.condition, out.when ?? "")
                out.condition = outcome
                out.runs = outcome.bool == true
            }
            return out
        }
    }
}

/// What two sets of policies are compared by.
struct RoutingOutcome: Hashable {
    /// nil = none: 404 or 405.
    var route: String?
    var action = ""
    var plugins: [String] = []

    var text: String {
        guard let route else { return "no route" }
        return route + (action.isEmpty || action == route ? "" : " → \(action)")
            + (plugins.isEmpty ? "" : " [\(plugins.joined(separator: ", "))]")
    }
}

/// One request while it is asked about: its attributes, an evaluator, and the bytes that the router compares.
private final class Asked {
    private let image: ImageView
    private let provider: SampleProvider
    private var evaluator = Evaluator()
    private let memory: SampleProvider
    private let host: ByteView
    private let path: ByteView
    private let pathText: [UInt8]
    private let method: UInt8

    init(_ request: SampleRequest, _ image: ImageView, _ configuration: Configuration) {
        self.image = image
        provider = request.provider()
        provider.addressSets = configuration.ipSets.map { $0.addresses.compactMap(Rules.network) }
        memory = SampleProvider()
        let (_, urlHost, target) = request.parts
        let field = request.headers.first { $0.name.lowercased() == "host" }?.value ?? ""
        // The port of a Host field is not part of the name (RFC 9110 section 7.2).
        let name = field.hasPrefix("[") ? String(field.prefix { $0 != "]" }) + "]" : String(field.prefix { $0 != ":" })
        host = memory.make(.string(urlHost.isEmpty ? name : urlHost)).view
        pathText = Array(target.prefix { $0 != "?" }.utf8)
        path = memory.make(.bytes(pathText)).view
        // The order of `Method` in SluiceHTTP, which is the order of the image's bits.
        let tokens = ["", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
        method = UInt8(tokens.firstIndex(of: request.method) ?? 0)
    }

    func end() { evaluator.destroy() }

    func slice(_ offset: Int, _ count: Int) -> String {
        guard offset >= 0, count >= 0, offset + count <= pathText.count else { return "" }
        return String(decoding: pathText[offset..<(offset + count)], as: UTF8.self)
    }

    private var conditions: Conditions {
        Conditions(context: Unmanaged.passUnretained(self).toOpaque()) { context, index in
            Unmanaged<Asked>.fromOpaque(context!).takeUnretainedValue().holds(index)
        }
    }

    private func program(_ index: UInt32) -> ProgramView {
        let bytes = image.bytes(image.programs[Int(index)])
        return ProgramView(base: bytes.baseAddress!, count: bytes.count)
    }

    private func holds(_ index: UInt32) -> Bool { evaluator.condition(program(index), provider.attributes, arena: provider.arena) == .yes }

    func candidates(limit: Int) -> RouteTrace {
        Router.candidates(image, host: host, path: path, method: method, conditions: conditions, limit: limit)
    }

    /// As a worker does it.
    func match() -> (route: Int32, parameters: [(name: String, offset: Int, count: Int)])? {
        var result = MatchResult(), asked = conditions
        let route = Router.match(image, host: host, path: path, method: method, result: &result, conditions: &asked)
        guard route >= 0 else { return nil }
        let parameters = (0..<Int(result.parameterCount)).map { i in
            let p = result.parameters[i]
            return (name: image.text(p.name).string, offset: Int(p.offset), count: Int(p.count))
        }
        return (route, parameters)
    }

    /// Methods that the host and path would take: 405 instead of 404.
    var allowedMethods: Bool {
        var result = MatchResult(), asked = conditions
        _ = Router.match(image, host: host, path: path, method: method, result: &result, conditions: &asked)
        return result.allowedMethods != 0
    }

    func outcome(_ index: UInt32, _ text: String) -> Rules.Outcome { Rules.run(program(index), text, provider) }

    /// Conditions of bindings see the named segments.
    func set(parameters: [(name: String, offset: Int, count: Int)]) {
        provider.set(.requestParams, .map(parameters.map { (.string($0.name), .string(slice($0.offset, $0.count))) }))
    }
}
