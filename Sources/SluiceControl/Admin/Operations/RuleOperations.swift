// Operations that ask about the policies and change nothing: explain, lint, expressions. What they do is in `RuleAPI.swift`.
import SluiceModel

let ruleOperations: [AdminOperation] = [
    AdminOperation(
        id: "explain", method: .post, path: "/v1/explain", summary: "What would happen to a request, step by step; nothing is sent.",
        tag: "Rules",
        role: .viewer, scope: "rules", body: AdminBody(schema: .component("Explain")),
        answers: [
            .ok("Candidates, why each matched or not, plugins, cluster and target."), .problem(400, "Malformed JSON."),
            .problem(415, "Unsupported media type."), .problem(422, "No such request can be."), .problem(503, "The image cannot be read."),
        ],
        run: { api, call in
            if case .failure(let refusal) = call.json() { return refusal.response }
            return await api.explain(call.request.body)
        }, isQuestion: true),
    AdminOperation(
        id: "evalRule", method: .post, path: "/v1/rules/eval",
        summary: "The value of an expression for a described request, or its error and place.",
        tag: "Rules", role: .viewer, scope: "rules", body: AdminBody(schema: .component("RuleQuestion")),
        answers: [
            .ok("Value, type, cost, and what decided."), .problem(400, "Malformed JSON."), .problem(415, "Unsupported media type."),
            .problem(422, "The expression is refused, or no such request can be."),
        ],
        run: { api, call in
            if case .failure(let refusal) = call.json() { return refusal.response }
            return await api.evaluate(call.request.body)
        }, isQuestion: true),
    AdminOperation(
        id: "lint", method: .get, path: "/v1/lint", summary: "What is odd about the policies: shadowed routes, unused clusters, …",
        tag: "Rules",
        role: .viewer, scope: "rules", answers: [.ok("The findings.")], run: { api, _ in await api.lint() }),
]
