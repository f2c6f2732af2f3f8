// What is said about a run of an expression, as lines for people and as JSON.
import SluiceCEL
import SluiceModel

/// Answers about expressions, for people and for programs; of the command line and of POST /v1/rules/eval.
enum RuleAnswer {
    static func text(_ outcome: Rules.Outcome, _ expression: String) -> String {
        if outcome.type == "error" {
            let at = SourceRange(offset: Int32(outcome.failedAt ?? 0), count: 1)
            return CELProblem(outcome.text, at: at, in: expression).rendering + "\ncost \(outcome.cost)"
        }
        var lines = ["\(outcome.text) : \(outcome.type)"]
        if let decided = outcome.decided, decided.text != expression {
            lines.append("decided by \(decided.text) → \(decided.value)" + (decided.found.map { ", it is \($0)" } ?? ""))
        }
        return (lines + ["cost \(outcome.cost)"]).joined(separator: "\n")
    }

    static func json(_ outcome: Rules.Outcome, _ expression: String) -> JSONValue {
        var out: [(String, JSONValue)] = [("type", .string(outcome.type))]
        if outcome.type == "error" {
            let at = SourceRange(offset: Int32(outcome.failedAt ?? 0), count: 1)
            out.append(("error", error(CELProblem(outcome.text, at: at, in: expression))))
        } else {
            out += [("value", outcome.json), ("text", .string(outcome.text))]
        }
        if let decided = outcome.decided { out.append(("decided_by", json(decided))) }
        return .object(out + [("cost", .int(outcome.cost))])
    }

    static func json(_ decision: Rules.Decision) -> JSONValue {
        .object(
            [("expression", .string(decision.text)), ("value", .string(decision.value))]
                + (decision.found.map { [("found", .string($0))] } ?? []))
    }

    static func json(_ problem: CELProblem) -> JSONValue { .object([("type", .string("error")), ("error", error(problem))]) }

    private static func error(_ problem: CELProblem) -> JSONValue {
        .object([
            ("message", .string(problem.message)), ("line", .int(problem.line)), ("column", .int(problem.column)),
            ("rendering", .string(problem.rendering)),
        ])
    }
}
