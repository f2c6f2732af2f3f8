// What templates may say in which place, and how the values in them will be spelled there.
import SluiceModel
import Testing

@Suite struct TemplateTextTests {
    private func parts(_ text: String, _ use: TemplateText.Use, _ names: [String] = [], groups: Int = 0) throws -> String {
        try TemplateText(text, for: use, parameters: names, groups: groups).parts.map {
            $0.value == .literal
                ? $0.text : "<\($0.value) \($0.encoding)\($0.text.isEmpty ? "" : " \($0.text)")\($0.value == .group ? " \($0.group)" : "")>"
        }.joined()
    }

    @Test(arguments: [
        ("/v2{path}", TemplateText.Use.path, "/v2<path path>"),
        ("{path}", .path, "<path path>"),
        ("/users/{id}/x", .path, "/users/<parameter path id>/x"),
        ("/by/{method}/{query}", .path, "/by/<method segment>/<query segment>"),
        ("/a{{b}}", .path, "/a%7Bb%7D"),
        ("/ü x", .path, "/%C3%BC%20x"),
        ("id={id}&{query}", .query, "id=<parameter argument id>&<query query>"),
        ("back={uri}", .query, "back=<uri argument>"),
        ("", .query, ""),
        ("{host}", .host, "<host none>"),
        ("{id}.internal:8080", .host, "<parameter none id>.internal:8080"),
        ("https://{host}{uri}", .location, "https://<host none><uri path>"),
        ("{scheme}://new.example{path}?from={uri}", .location, "<scheme none>://new.example<path path>?from=<uri argument>"),
        ("/login?back={uri}&{query}", .location, "/login?back=<uri argument>&<query query>"),
        ("{uri}", .location, "<uri path>"),
        ("https://x.example/{id}", .location, "https://x.example/<parameter path id>"),
    ])
    func good(_ text: String, _ use: TemplateText.Use, _ expected: String) throws {
        #expect(try parts(text, use, ["id"]) == expected)
    }

    @Test func groupsOfAPattern() throws {
        #expect(try parts("/\\2/\\1\\\\", .replacement, groups: 2) == "/<group path 2>/<group path 1>%5C")
        #expect(throws: TemplateText.Problem.self) { try TemplateText("/\\3", for: .replacement, groups: 2) }
        #expect(throws: TemplateText.Problem.self) { try TemplateText("/\\n", for: .replacement, groups: 2) }
    }

    /// A client must not choose scheme or host of a location, nor what begins a path.
    @Test(arguments: [
        ("{id}", TemplateText.Use.location), ("{query}", .location), ("https://{id}.example/", .location),
        ("https://x.example{id}", .location),
        ("{scheme}{host}", .location), ("{scheme}", .location), ("", .location), ("{host}/x", .location),
        ("x/{path}", .path), ("{query}", .path), ("", .path), ("/a?b", .path), ("/a#b", .path), ("/a{uri}", .path),
        ("a#b", .query), ("a b", .host), ("{query}", .host), ("/{", .path), ("/{nam}", .path), ("/\n", .path), ("/\u{7f}", .location),
    ])
    func refused(_ text: String, _ use: TemplateText.Use) {
        #expect(throws: TemplateText.Problem.self) { try TemplateText(text, for: use, parameters: ["id", "name"]) }
    }

    @Test func whatIsKnownIsSaid() {
        #expect {
            try TemplateText("/{nam}", for: .path, parameters: ["name"])
        } throws: { error in
            let problem = error as? TemplateText.Problem
            return problem?.found == "{nam}" && problem?.allowed.contains("{path}") == true && problem?.allowed.contains("{name}") == true
        }
    }

    @Test func constants() throws {
        #expect(try TemplateText("/a/b", for: .path).constant == "/a/b")
        #expect(try TemplateText("", for: .query).constant == "")
        #expect(try TemplateText("/a{path}", for: .path).constant == nil)
    }
}
