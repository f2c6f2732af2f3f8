// Operations about the tokens of the admin API; what they do is in `Access/TokenAPI.swift`.

let tokenOperations: [AdminOperation] = [
    AdminOperation(
        id: "listTokens", method: .get, path: "/v1/tokens", summary: "Every token: name, role, scopes, last use; never the token itself.",
        tag: "Access", role: .admin, scope: "tokens", answers: [.ok("The tokens."), .problem(503, "The file cannot be read.")],
        run: { api, call in await api.tokens(call) }),
    AdminOperation(
        id: "createToken", method: .post, path: "/v1/tokens", summary: "Makes a token; the answer shows it, once.", tag: "Access",
        role: .admin, scope: "tokens", parameters: [.dryRun], body: AdminBody(schema: .component("TokenWish")),
        answers: [
            AdminAnswer(status: 201, doc: "The token.", schema: .anything), .ok("It could be made (dry run)."),
            .problem(400, "Malformed JSON."),
            .problem(403, "More than its maker may."), .problem(409, "The name is taken."), .problem(415, "Unsupported media type."),
            .problem(422, "Invalid."), .problem(503, "The file cannot be written."),
        ], run: { api, call in await api.tokens(call) }),
    AdminOperation(
        id: "deleteToken", method: .delete, path: "/v1/tokens/{name}", summary: "Takes a token back, at once.", tag: "Access", role: .admin,
        scope: "tokens", parameters: [.path("name", "Name of the token."), .dryRun],
        answers: [.ok("It is gone."), .problem(404, "No such token."), .problem(503, "The file cannot be written.")],
        run: { api, call in await api.tokens(call) }),
]
