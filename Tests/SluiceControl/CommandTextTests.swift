// What commands print, without a gateway: tables, differences, YAML that reads back, fields as patches, problems as lines.
import SluiceModel
import Testing

@testable import SluiceControl

@Suite struct CommandTextTests {
    @Test func tablesAlign() {
        let table = TextTable(["ID", "N", "TEXT"], rows: [["a", "7", "x"], ["longer", "1234", "ü 表"], ["c", "1"]], numeric: [1])
        #expect(
            table.text() == """
                ID         N  TEXT
                a          7  x
                longer  1234  ü 表
                c          1
                """)
        #expect(table.text(width: 12).split(separator: "\n")[2] == "longer  123…")
        #expect(table.tabbed == "ID\tN\tTEXT\na\t7\tx\nlonger\t1234\tü 表\nc\t1")
        #expect(TextTable(["A"], rows: [["line\nbreak\u{1b}[31m"]]).text() == "A\nline break [31m")
        #expect(TextTable.width("表a") == 3)
    }

    @Test func differencesAreUnified() {
        let old = (1...12).map { "line \($0)" }.joined(separator: "\n") + "\n"
        let new = old.replacing("line 2\n", with: "line two\n").replacing("line 12\n", with: "line 12\nline 13\n")
        #expect(
            LineDiff.unified(old, new, names: ("a", "b")) == """
                --- a
                +++ b
                @@ -1,5 +1,5 @@
                 line 1
                -line 2
                +line two
                 line 3
                 line 4
                 line 5
                @@ -10,3 +10,4 @@
                 line 10
                 line 11
                 line 12
                +line 13

                """)
        #expect(LineDiff.unified(old, old, names: ("a", "b")) == nil)
        #expect(LineDiff.unified("", "x\n", names: ("/dev/null", "b")) == "--- /dev/null\n+++ b\n@@ -0,0 +1 @@\n+x\n")
        let painted = LineDiff.unified("a\n", "b\n", names: ("a", "b"), colour: true) ?? ""
        #expect(painted.contains("\u{1b}[31m-a\u{1b}[0m") && painted.contains("\u{1b}[32m+b\u{1b}[0m"))
    }

    /// Whatever the texts: what is kept and removed is the old one, what is kept and added the new one, and no shorter edit is known.
    @Test func differencesAreTrue() {
        var seed: UInt64 = 7
        func next(_ below: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % below
        }
        for _ in 0..<500 {
            let a = (0..<next(12)).map { _ in "\(next(4))" }, b = (0..<next(12)).map { _ in "\(next(4))" }
            let lines = LineDiff.lines(a, b)
            let old = lines.compactMap { line -> String? in if case .added = line { nil } else { text(line) } }
            let new = lines.compactMap { line -> String? in if case .removed = line { nil } else { text(line) } }
            #expect(old == a && new == b)
            #expect(lines.count { if case .same = $0 { false } else { true } } == a.count + b.count - 2 * common(a, b))
        }
    }

    private func text(_ line: LineDiff.Line) -> String {
        switch line {
        case .same(let t), .removed(let t), .added(let t): t
        }
    }
    /// Length of the longest common subsequence.
    private func common(_ a: [String], _ b: [String]) -> Int {
        var row = [Int](repeating: 0, count: b.count + 1)
        for x in a {
            var before = 0
            for (j, y) in b.enumerated() {
                let here = row[j + 1]
                row[j + 1] = x == y ? before + 1 : max(row[j + 1], row[j])
                before = here
            }
        }
        return row.last ?? 0
    }

    @Test func yamlReadsBackAsTheSameValue() throws {
        let texts = [
            "plain", "", "true", "null", "~", "yes", "1e3", "0x10", "-", "- a", "a: b", "a:", "#x", "x #y", "{id}", "[a]", "*.example.org",
            "10s",
            "1:20", "10.0.0.0/8", "127.0.0.1:8080", "/users/{id}", "=/health", "~^/v[0-9]+/", "it's \"quoted\"", "two\nlines\n",
            "two\nlines",
            " lead", "trail ", "\u{85}\u{2028}\u{feff}", "${HOME} and $$", "request.headers[\"x\"] == '1'", "ü表🙂", "tab\there", "a,b",
            "!tag", "&a",
            "|", ">", "%x", "@x", "`x", "12345678901234567890123", "1.5", "-----BEGIN X-----\nabc\n-----END X-----\n", "?", "a  b\n\n c\n",
        ]
        let value = JSONValue.object([
            ("texts", .strings(texts)), ("map", .object(texts.filter { !$0.isEmpty }.enumerated().map { ("k\($0)", .string($1)) })),
            ("numbers", .array([.number("1"), .number("-2.5e-3"), .bool(true), .null])), ("empty", .object([])), ("none", .array([])),
            (
                "nested",
                .array([.array([.strings(["a"])]), .object([("id", .string("x")), ("list", .array([.object([("y", .int(1))])]))])])
            ),
        ])
        let written = YAMLText.text(value)
        guard case .success(let raw) = YAMLTree.parse(Array(written.utf8)) else {
            Issue.record("not YAML: \(YAMLTree.parse(Array(written.utf8)))\n\(written)")
            return
        }
        var variables = Variables(value: { _ in nil })
        let read = ConfigurationDecoder.json(variables.expand(raw))
        #expect(read == value)
        #expect(variables.problems.isEmpty)
    }

    @Test func fieldsBecomeAPatch() throws {
        let patch = try FieldText.patch([
            "priority=10", "match.methods=[GET, HEAD]", "match.when=request.method == \"GET\"", "maintenance=null", "action={cluster: a}",
            "name=",
        ])
        #expect(
            patch.text() == #"{"priority":10,"match":{"methods":["GET","HEAD"],"when":"request.method == \"GET\""},"maintenance":null,"#
                + #""action":{"cluster":"a"},"name":""}"#)
        #expect(throws: Complaint.self) { try FieldText.patch(["=1"]) }
        #expect(throws: Complaint.self) { try FieldText.patch(["a..b=1"]) }
        #expect(throws: Complaint.self) { try FieldText.patch(["a=[1"]) }
    }

    @Test func problemsNameTheirPlaces() throws {
        let problem = try JSONReader.read(
            Array(#"{"title":"Invalid","errors":[{"pointer":"/routes/0/match","detail":"found 1","allowed":"a map"},{"detail":"x"}]}"#.utf8)
        )
        guard case .success(let tree) = YAMLTree.parse(Array("routes:\n  - id: a\n    match: 1\n".utf8)) else { return }
        let text = PolicyText(file: "p.yaml", tree: tree)
        #expect(
            AdminSession.refusal(problem, 422, places: text.place) == [
                "sluice: Invalid (422)", "p.yaml:3:12: routes[0].match: found 1; allowed: a map", "x",
            ])
        #expect(AdminSession.encode("a/b ü") == "a%2Fb%20%C3%BC")
    }

    @Test func reportsOfChangesAreShort() throws {
        let report = try JSONReader.read(
            Array(
                #"""
                {"dry_run":false,"revision":7,"created":1,"updated":1,"deleted":0,"unchanged":3,"warnings":[],"confirm_by":1700000000000,
                "changes":[{"kind":"routes","id":"a","change":"created"},{"kind":"clusters","id":"b","change":"updated"}],
                "workers":[{"worker":0,"state":"committed"},{"worker":1,"state":"restarting","detail":"starts anew"}]}
                """#.utf8))
        #expect(
            ChangeText.text(report, colour: false) == """
                + routes/a
                ~ clusters/b
                revision 7: 1 created, 1 updated
                worker 1: starts anew
                goes back at 2023-11-14 22:13:20Z unless: sluice confirm 7

                """)
        let plan = try JSONReader.read(
            Array(
                #"""
                {"dry_run":true,"revision":6,"created":0,"updated":1,"deleted":0,
                "changes":[{"kind":"routes","id":"a","change":"updated","before":{"id":"a","priority":1},"after":{"id":"a","priority":2}}]}
                """#.utf8))
        #expect(
            ChangeText.text(plan, colour: false) == """
                --- routes/a
                +++ routes/a
                @@ -1,2 +1,2 @@
                 id: a
                -priority: 1
                +priority: 2
                dry run: 1 updated; revision 6 stays

                """)
    }

    @Test func kindsHaveSeveralNames() {
        #expect(ObjectKind(argument: "route")?.name == "routes")
        #expect(ObjectKind(argument: "ip-sets")?.name == "ip_sets")
        #expect(ObjectKind(argument: "global_plugin")?.name == "global_plugins")
        #expect(ObjectKind(argument: "listener") == nil)
        #expect(ObjectKind.all.map(\.columns.count) == ObjectKind.all.map { $0.cells(.object([])).count + 1 })
    }
}
