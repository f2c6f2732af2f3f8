// Every way in which a file can be wrong, with the exact line that a person then reads.
import Testing

@testable import SluiceControl
@testable import SluiceModel

private let plain = ConfigurationSurroundings(variable: {
    ["HOME_PORT": "8080", "EMPTY": "", "YAMLISH": "[a, b]: {c", "DOLLAR": "${HOME_PORT}"][$0]
})

func read(_ text: String, _ around: ConfigurationSurroundings = plain) -> ConfigurationReading {
    ConfigurationReader.read(Array(text.utf8), around)
}

/// A file around `body` whose first three lines are good: the body starts at line 4.
private func file(_ body: String) -> String { "version: 1\nlisteners:\n  - address: 127.0.0.1:8080\n" + body }

struct ErrorCase: Sendable, CustomTestStringConvertible {
    var body: String
    var expected: [String]
    init(_ body: String, _ expected: String...) { (self.body, self.expected) = (body, expected) }
    var testDescription: String { body }
}

@Suite struct ConfigurationErrorTests {
    static let cases: [ErrorCase] = [
        ErrorCase("workers: many", #"f:4:10: workers: found "many"; allowed: auto, or a whole number from 1 to 256"#),
        ErrorCase("workers: 0", #"f:4:10: workers: found "0"; allowed: auto, or a whole number from 1 to 256"#),
        ErrorCase("workers: +4", #"f:4:10: workers: found "+4"; allowed: auto, or a whole number from 1 to 256"#),
        ErrorCase("workers: [1]", #"f:4:10: workers: found a list of 1; allowed: auto, or a whole number from 1 to 256"#),
        ErrorCase("workers:", #"f:4:9: workers: found nothing; allowed: auto, or a whole number from 1 to 256"#),
        ErrorCase("version: 1", "f:4:1: version: key given twice (first at line 1); allowed: once"),
        ErrorCase(
            "listners: []",
            #"f:4:1: listners: unknown key "listners"; allowed: version, workers, user, group, pid_file, "#
                + #"state_directory, core_bytes, listeners, admin, dyups, plugins_api, plugin_versions, "#
                + #"plugin_signatures, plugin_quarantine, plugin_probation, log, timeouts, limits, forwarded, "#
                + #"plugins, global_plugins, functions, clusters, routes, ip_sets, consumers, certificates; did you mean "listeners"?"#
        ),
        ErrorCase(
            "admin: { listen: 0.0.0.0:8082 }",
            #"f:4:18: admin.listen: "0.0.0.0:8082" can be reached from other machines; allowed: with tls and require_token: true, "#
                + "or a loopback address or Unix socket"
        ),
        ErrorCase(
            "admin: {}",
            #"f:4:8: admin: key "listen" is missing; needed: off, unix:/path, or ADDRESS:PORT such as 127.0.0.1:8082 or [::1]:8082"#),
        ErrorCase(
            "dyups: { listen: 127.0.0.1:8080 }",
            #"f:4:18: dyups.listen: "127.0.0.1:8080" overlaps listeners[0].address (line 3); allowed: an address and port of its own"#),
        ErrorCase("plugins_api: locl", #"f:4:14: plugins_api: found "locl"; allowed: no, local, upload; did you mean "local"?"#),
        ErrorCase(
            "log: { level: warning }",
            #"f:4:15: log.level: found "warning"; allowed: debug, info, notice, warn, error; did you mean "warn"?"#),
        ErrorCase("log: { access: { format: json } }", #"f:4:16: log.access: key "path" is missing; needed when format is json"#),
        ErrorCase(
            "timeouts: { idle: 75 }",
            #"f:4:19: timeouts.idle: found "75"; allowed: a duration such as 500ms, 10s, 5m or 1h, from 1ms to 24h"#),
        ErrorCase(
            "timeouts: { idle: 25h }",
            #"f:4:19: timeouts.idle: found "25h"; allowed: a duration such as 500ms, 10s, 5m or 1h, from 1ms to 24h"#),
        ErrorCase(
            "timeouts: { idle: 0s }",
            #"f:4:19: timeouts.idle: found "0s"; allowed: a duration such as 500ms, 10s, 5m or 1h, from 1ms to 24h"#),
        ErrorCase(
            "timeouts: { idle: 99999999999999999999s }",
            #"f:4:19: timeouts.idle: found "99999999999999999999s"; allowed: a duration such as 500ms, 10s, 5m or 1h, from 1ms to 24h"#),
        ErrorCase(
            "limits: { head_bytes: 16kib }",
            #"f:4:23: limits.head_bytes: found "16kib"; allowed: a size such as 512, 16KiB or 64MiB, from 1KiB to 60KiB"#),
        ErrorCase(
            "limits: { head_bytes: unlimited }",
            #"f:4:23: limits.head_bytes: found "unlimited"; allowed: a size such as 512, 16KiB or 64MiB, from 1KiB to 60KiB"#),
        ErrorCase(
            "limits: { head_bytes: 4KiB }",
            #"f:4:23: limits.head_bytes: target_bytes (8192) is more than head_bytes (4096); allowed: at most head_bytes"#),
        ErrorCase("forwarded: { via: yes }", #"f:4:19: forwarded.via: found "yes"; allowed: true or false"#),
        ErrorCase(
            "forwarded: { trusted: [10.0.0.0/33, 1.2.3] }",
            #"f:4:24: forwarded.trusted[0]: found "10.0.0.0/33"; allowed: ADDRESS/BITS such as 10.0.0.0/8 or fd00::/8, or one address"#,
            #"f:4:37: forwarded.trusted[1]: found "1.2.3"; allowed: ADDRESS/BITS such as 10.0.0.0/8 or fd00::/8, or one address"#),
        ErrorCase(
            "clusters:\n  - { id: a, targets: [{ address: '10.0.0.1:0' }] }",
            #"f:5:35: clusters[0].targets[0].address: found "10.0.0.1:0"; allowed: ADDRESS:PORT, NAME:PORT or unix:/path; port 1 to 65535"#),
        ErrorCase(
            "clusters:\n  - { id: a, targets: [{ address: '10.0.0.1:1' }, { address: '10.0.0.1:1' }] }",
            #"f:5:62: clusters[0].targets[1].address: target "10.0.0.1:1" given twice (first at line 5); allowed: once, with a weight"#),
        ErrorCase("clusters:\n  - { id: a, targets: [] }", "f:5:23: clusters[0].targets: found none; allowed: at least one"),
        ErrorCase(
            "clusters:\n  - { id: a, targets: [{ address: '10.0.0.1:1', weight: 65536 }] }",
            #"f:5:57: clusters[0].targets[0].weight: found "65536"; allowed: a whole number from 1 to 65535"#),
        ErrorCase(
            "clusters:\n  - { id: a/b, targets: [{ address: '10.0.0.1:1' }] }",
            #"f:5:11: clusters[0].id: found "a/b"; allowed: 1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first"#),
        ErrorCase(
            "clusters:\n  - { id: a, targets: [{ address: 'h:1' }] }\n  - { id: a, targets: [{ address: 'h:1' }] }",
            #"f:6:11: clusters[1].id: "a" given twice (first at line 5); allowed: once"#),
        ErrorCase(
            "routes:\n  - { id: r, action: { cluster: nowhere } }",
            #"f:5:33: routes[0].action.cluster: unknown cluster "nowhere"; known: none is defined"#),
        ErrorCase(
            "clusters: [{ id: users, targets: [{ address: 'h:1' }] }]\nroutes: [{ id: r, action: { cluster: usr } }]",
            #"f:5:38: routes[0].action.cluster: unknown cluster "usr"; known: users; did you mean "users"?"#),
        ErrorCase(
            "routes:\n  - { id: r, action: { respond: { status: 200 }, redirect: { location: /x } } }",
            "f:5:22: routes[0].action: found 2 keys; allowed: exactly one of cluster, split, respond, redirect, plugin"),
        ErrorCase(
            "routes:\n  - { id: r, action: }",
            "f:5:22: routes[0].action: found nothing; allowed: exactly one of cluster, split, respond, redirect, plugin"
        ),
        ErrorCase(
            "routes:\n  - { id: r, action: { redirect: { location: 'a b', status: 304 } } }",
            #"f:5:46: routes[0].action.redirect.location: found "a b"; allowed: a reference (RFC 3986) of "#
                + #"at most 4096 bytes without spaces; {NAME} stands for a value, {{ for a brace"#,
            #"f:5:61: routes[0].action.redirect.status: found "304"; allowed: 301, 302, 303, 307, 308"#),
        ErrorCase(
            "routes:\n  - id: r\n    match: { methods: [GET, GTE, get] }\n    action: { respond: { status: 200 } }",
            #"f:6:29: routes[0].match.methods[1]: unknown method "GTE"; known: GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE "#
                + #"PATCH; did you mean "GET"?"#,
            #"f:6:34: routes[0].match.methods[2]: unknown method "get"; known: GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE "#
                + #"PATCH; did you mean "GET"?"#
        ),
        ErrorCase(
            "routes:\n  - { id: r, match: { hosts: ['*', 'a:80'] }, action: { respond: { status: 200 } } }",
            #"f:5:31: routes[0].match.hosts[0]: found "*"; allowed: a host name or address without port, or *.NAME"#,
            #"f:5:36: routes[0].match.hosts[1]: found "a:80"; allowed: a host name or address without port, or *.NAME"#),
        ErrorCase(
            "routes:\n  - { id: r, match: { paths: ['/a?b', '/{x}/{x}', '/*/b'] }, action: { respond: { status: 200 } } }",
            #"f:5:31: routes[0].match.paths[0]: found "/a?b"; allowed: /exact, /prefix/*, /with/{name}/segments, "#
                + #"=/literal, or ~REGEX in RE2 syntax such as ~^/v[0-9]+/"#,
            #"f:5:39: routes[0].match.paths[1]: found "/{x}/{x}"; allowed: /exact, /prefix/*, /with/{name}/segments, "#
                + #"=/literal, or ~REGEX in RE2 syntax such as ~^/v[0-9]+/"#,
            #"f:5:51: routes[0].match.paths[2]: found "/*/b"; allowed: /exact, /prefix/*, /with/{name}/segments, "#
                + #"=/literal, or ~REGEX in RE2 syntax such as ~^/v[0-9]+/"#
        ),
        ErrorCase(
            "routes:\n  - { id: r, action: { respond: { status: 200, headers: { 'a b': x, Date: y, X: \"a\\r\\nb\", x: 1 } } } }",
            #"f:5:59: routes[0].action.respond.headers.a b: found "a b"; allowed: a header name: letters, digits and !#$%&'*+-.^_`|~"#,
            #"f:5:69: routes[0].action.respond.headers.Date: header "Date" belongs to the gateway; allowed: any but connection, "#
                + #"content-length, date, keep-alive, proxy-connection, te, trailer, transfer-encoding, upgrade"#,
            #"f:5:81: routes[0].action.respond.headers.X: found "a\r\nb"; allowed: a header value of at most 8192 bytes without "#
                + #"control characters, no white space around it"#,
            "f:5:91: routes[0].action.respond.headers.x: key given twice (first at line 5); allowed: once"),
        ErrorCase(
            "plugins: [{ name: Key_Auth, path: x.so }]", #"f:4:19: plugins[0].name: found "Key_Auth"; allowed: 1 to 64 of a-z 0-9 -"#),
        ErrorCase(
            "plugins: [{ name: key-auth, path: x.so }]\nglobal_plugins: [{ name: key-auht }]",
            #"f:5:26: global_plugins[0].name: unknown plugin "key-auht"; known: key-auth; did you mean "key-auth"?"#),
        ErrorCase(
            "plugins: [{ name: a, path: x.so }, { name: a, path: y.so }]",
            #"f:4:44: plugins[1].name: "a" given twice (first at line 4); allowed: once"#),
        ErrorCase(
            "plugins: [{ name: a, path: x.so }]\nglobal_plugins: [{ name: a, config: { k: 1, k: 2 } }]",
            "f:5:45: global_plugins[0].config.k: key given twice (first at line 5); allowed: once"),
        ErrorCase(
            "state_directory: ${UNSET}",
            #"f:4:18: state_directory: variable "UNSET" is not set; allowed: set it, or write ${UNSET:-default}"#),
        ErrorCase("x: *a", "f:4:4: found an alias; allowed: no aliases (write the value out)"),
        ErrorCase("x: &a 1", "f:4:4: found an anchor; allowed: no anchors (write the value out)"),
        ErrorCase("x: !!int 1", "f:4:4: found a tag; allowed: no tags"),
        ErrorCase("<<: { a: 1 }", #"f:4:1: found "<<" as a key; allowed: a text (merge keys are not)"#),
        ErrorCase("? [a]\n: 1", "f:4:3: a list or map stands where a key is needed; allowed: a text"),
        ErrorCase("x: [1, }", "f:4:8: not YAML: did not find expected node content while parsing a flow node"),
        ErrorCase("\tx: 1", "f:4:1: not YAML: found a tab character that violates indentation while scanning a plain scalar"),
        ErrorCase("---\nx: 1", "f:4:1: a second document starts here; allowed: one document a file"),
        ErrorCase(
            "workers: 0\ntimeouts: { head: x }",
            #"f:4:10: workers: found "0"; allowed: auto, or a whole number from 1 to 256"#,
            #"f:5:19: timeouts.head: found "x"; allowed: a duration such as 500ms, 10s, 5m or 1h, from 1ms to 24h"#),
    ]

    @Test(arguments: cases) func everyErrorWithItsPlace(_ wrong: ErrorCase) {
        #expect(read(file(wrong.body)).lines(file: "f") == wrong.expected)
    }

    @Test func missingNeededKeys() {
        #expect(
            read("workers: 1").lines(file: "f").map { String($0.prefix(34)) } == [
                #"f:1:1: key "version" is missing; n"#, #"f:1:1: key "listeners" is missing;"#,
            ])
        #expect(read("").problems.count == 1)
        #expect(read("version: 1\nlisteners: []").lines(file: "f") == ["f:2:12: listeners: found none; allowed: at least one"])
    }

    @Test(arguments: [
        ("*:80", "127.0.0.1:80", true), ("[::]:80", "10.0.0.1:80", true), ("0.0.0.0:80", "[::1]:80", false),
        ("127.0.0.1:80", "127.0.0.2:80", false),
        ("127.0.0.1:80", "127.0.0.1:81", false), ("unix:/a", "unix:/a", true), ("unix:/a", "unix:/b", false),
    ]) func listenersInEachOthersWay(_ one: String, _ other: String, _ collide: Bool) {
        let lines = read("version: 1\nlisteners: [{ address: '\(one)' }, { address: '\(other)' }]").lines(file: "f")
        #expect(lines.contains { $0.contains("overlaps listeners[0].address") } == collide)
    }

    @Test func machineQuestionsGetPlaces() {
        var around = plain
        around.nameProblem = { $0 == "dead:80" ? "no address for it" : nil }
        around.pluginProblem = { $0.path == "bad.so" ? "not an ELF file" : nil }
        let text = file(
            "plugins: [{ name: a, path: bad.so }, { name: b, path: good.so }]\nclusters: [{ id: c, targets: [{ address: "
                + "'dead:80' }, { address: 'live:80' }, { address: '1.2.3.4:80' }] }]"
        )
        #expect(
            read(text, around).lines(file: "f") == [
                "f:4:28: plugins[0].path: not an ELF file", "f:5:42: clusters[0].targets[0].address: no address for it",
            ])
    }

    @Test func pluginsOfTheAdminAPIAreKnown() {
        var around = plain
        around.loadedPlugins = ["late"]
        #expect(read(file("global_plugins: [{ name: late }]"), around).isGood)
        #expect(!read(file("global_plugins: [{ name: late }]")).isGood)
    }

    @Test func bounds() {
        let deep = String(repeating: "[", count: 33) + String(repeating: "]", count: 33)
        #expect(read("x: " + deep).lines(file: "f") == ["f:1:35: nested deeper than 32 levels; allowed: at most that"])
        let many = (0..<500).map { "k\($0): 1\n" }.joined()
        let problems = read("version: 1\nlisteners: [{ address: '*:1' }]\n" + many).problems
        #expect(problems.count == 201)
        #expect(problems.last?.message == "300 more problems are not shown")
        let big = [UInt8](repeating: UInt8(ascii: "#"), count: (16 << 20) + 1)
        #expect(ConfigurationReader.read(big, plain).problems.first?.message == "the file has 16777217 bytes; allowed: at most 16777216")
        #expect(
            ConfigurationReader.read([0x61, 0x3a, 0x20, 0xc3, 0x28], plain).problems.first?.position == SourcePosition(line: 1, column: 5))
    }

    @Test func hundredThousandRoutesReadInReasonableTime() {
        var text = file("clusters: [{ id: c, targets: [{ address: '1.2.3.4:80' }] }]\nroutes:\n")
        for index in 0..<5_000 { text += "  - { id: r\(index), match: { paths: [\"/p\(index)/*\"] }, action: { cluster: c } }\n" }
        let clock = ContinuousClock()
        var reading = ConfigurationReading()
        let time = clock.measure { reading = read(text) }
        #expect(reading.isGood)
        #expect(reading.configuration.routes.count == 5_000)
        #expect(time < .seconds(20))  // quadratic work would take minutes, in any build
    }
}
