// Every operation of the admin API, and how a request finds its own. A path that more than one template fits belongs to the one with
// words where the other has parameters. Which operations there are is said in the files beside this one.
import Foundation
import SluiceModel

struct OperationTable: Sendable {
    static let shared = OperationTable(
        systemOperations + pluginOperations + objectOperations + historyOperations + ruleOperations + tokenOperations)

    struct Path: Sendable {
        var template: String
        var segments: [Segment]
        var operations: [String: AdminOperation]
        enum Segment: Sendable, Equatable { case word(String), parameter(String) }
        var words: Int { segments.count { if case .word = $0 { true } else { false } } }
        /// As the Allow field names them.
        var allow: String {
            (Array(operations.keys) + (operations["GET"] == nil ? [] : ["HEAD"]) + ["OPTIONS"]).sorted().joined(separator: ", ")
        }
    }
    let operations: [AdminOperation]
    /// By the number of segments, those with most words first.
    private let paths: [Int: [Path]]

    init(_ operations: [AdminOperation]) {
        self.operations = operations
        var byTemplate: [String: Path] = [:]
        for operation in operations {
            let segments = operation.path.split(separator: "/").map { part -> Path.Segment in
                part.hasPrefix("{") ? .parameter(String(part.dropFirst().dropLast())) : .word(String(part))
            }
            byTemplate[operation.path, default: Path(template: operation.path, segments: segments, operations: [:])]
                .operations[operation.method.rawValue] = operation
        }
        paths = Dictionary(grouping: byTemplate.values) { $0.segments.count }.mapValues { $0.sorted { $0.words > $1.words } }
    }

    /// The path that fits, with the values of its parameters.
    func find(_ path: String) -> (Path, [String: String])? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        for candidate in paths[parts.count] ?? [] {
            if let values = Self.values(candidate.segments, parts) { return (candidate, values) }
        }
        return nil
    }

    private static func values(_ segments: [Path.Segment], _ parts: [Substring]) -> [String: String]? {
        var out: [String: String] = [:]
        for (segment, part) in zip(segments, parts) {
            switch segment {
            case .word(let word): if part != word { return nil }
            case .parameter(let name):
                guard let text = part.removingPercentEncoding, !text.utf8.contains(0) else { return nil }
                out[name] = text
            }
        }
        return out
    }

    /// Bytes of a body that this request may have.
    func bodyBytesMax(_ request: AdminRequest) -> Int {
        find(request.path)?.0.operations[request.method]?.body?.bytesMax ?? AdminAPI.bodyBytesMax
    }
}

extension AdminOperation {
    /// What is wrong with the query; nil = nothing.
    func queryProblem(_ query: [String: String]) -> AdminResponse? {
        let known = parameters.filter { $0.place == .query }
        var errors: [String] = []
        for (name, text) in query.sorted(by: { $0.key < $1.key }) {
            if let parameter = known.first(where: { $0.name == name }) {
                if let problem = parameter.problem(text) { errors.append(problem) }
            } else {
                let names = known.map(\.name)
                errors.append(
                    "unknown parameter ?\(name.prefix(64)); allowed: \(names.isEmpty ? "none" : names.joined(separator: ", "))"
                        + Suggestion.clause(for: name, in: names))
            }
        }
        guard let first = errors.first else { return nil }
        return .problem(400, "query", "Wrong query", first, errors: errors)
    }
}
