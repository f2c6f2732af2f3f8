// Good files: what they become, and that what they become can be written out and read again.
import Foundation
import Testing

@testable import SluiceControl
@testable import SluiceModel

func repository(_ path: String) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
}

@Suite struct ConfigurationGoodTests {
    let noVariables = ConfigurationSurroundings(variable: { _ in nil })

    @Test func bundledExample() throws {
        let reading = read(try repository("docs/example.yaml"), noVariables)
        #expect(reading.lines(file: "example.yaml") == [])
        let c = reading.configuration
        #expect(c.workers == nil)
        #expect(c.stateDirectory == "./.sluice")
        #expect(c.pidFile == "./.sluice/sluiced.pid")
        #expect(c.listeners == [Listener(address: "127.0.0.1:8080")])
        #expect(c.admin.address == "127.0.0.1:8082")
        #expect(c.pluginsAPI == .local)
        #expect(c.log.accessFormat == .combined && c.log.accessPath == "./.sluice/access.log" && c.log.errorPath == nil)
        #expect(c.timeouts == Timeouts() && c.limits == RequestLimits())
        #expect(c.forwarded.trusted == ["127.0.0.1/32"])
        #expect(c.plugins.map(\.name) == ["key-auth", "header-transform", "request-id"])
        #expect(c.globalPlugins == [PluginBinding(name: "request-id")])
        #expect(c.clusters.count == 1 && c.clusters[0].targets == [Target(address: "127.0.0.1:8090", weight: 1)])
        #expect(c.routes.map(\.id) == ["private", "hello", "everything"])
        #expect(c.routes[0].methods == ["GET", "HEAD"])
        #expect(
            c.routes[0].plugins[0].configJSON == #"{"header":"x-api-key","keys":[{"consumer":"demo","key":"demo-key"}],"query":"api_key"}"#)
        #expect(
            c.routes[1].action
                == .respond(status: 200, body: "hello from sluice\n", headers: [HeaderLine(name: "Content-Type", value: "text/plain")]))
        #expect(c.routes[2].bodyBytesMax == 64 << 20 && c.routes[2].connectTimeoutMs == 2000)
        #expect(c.routes[2].plugins[0].configJSON == #"{"response":{"set":{"X-Served-By":"sluice ${request.path}"}}}"#)
    }

    @Test func defaultsAreTheModels() {
        let reading = read("version: 1\nlisteners: [{ address: '*:80' }]", noVariables)
        #expect(reading.isGood)
        var expected = Configuration()
        expected.listeners = [Listener(address: "*:80")]
        #expect(reading.configuration == expected)
    }

    @Test func writtenOutItReadsBackEqual() throws {
        for text in [try repository("docs/example.yaml"), Self.everything] {
            let first = read(text, noVariables)
            #expect(first.lines(file: "f") == [])
            // `$` starts a variable in the file and must be doubled when written.
            let json = ConfigurationEncoder.json(first.configuration, masked: false).text().replacing("$", with: "$$")
            let second = read(json, noVariables)
            #expect(second.lines(file: "f") == [])
            #expect(second.configuration == first.configuration)
        }
    }

    @Test func secretsAreMasked() throws {
        let text = """
            version: 1
            listeners: [{ address: '*:80' }]
            plugins: [{ name: p, path: p.so }]
            global_plugins:
              - { name: p, config: { header: x-api-key, keys: [{ key: s3cret, consumer: bob }], tokens: [s3cret],
                  db: { password: s3cret, api-token: s3cret }, secret: s3cret } }
            routes:
              - { id: r, action: { respond: { status: 200, headers: { Set-Cookie: s3cret, X-Api-Key: s3cret, X-Ok: fine } } } }
            """
        let json = ConfigurationEncoder.json(read(text, noVariables).configuration).text()
        #expect(!json.contains("s3cret"))
        for kept in ["x-api-key", "bob", "fine"] { #expect(json.contains(kept)) }
    }

    @Test func typesComeFromKeysNotFromYAML() {
        let reading = read(
            "version: '1'\nlisteners: [{ address: '*:80' }]\n"
                + "clusters: [{ id: on, targets: [{ address: 'h:1' }] }, { id: 1, targets: [{ address: 'h:1' }] }]\nlog: { access: { format: off } }",
            noVariables)
        #expect(reading.lines(file: "f") == [])
        #expect(reading.configuration.clusters.map(\.id) == ["on", "1"])
        #expect(reading.configuration.log.accessFormat == .off)
    }

    @Test func pluginValuesKeepTheirJSONTypes() {
        let config = "{ a: 1, b: '1', c: true, d: 'true', e: null, f: 1.5e3, g: -0, h: 0x10, i: 007, j: [x, 2], k: on, l: '' }"
        let reading = read(
            "version: 1\nlisteners: [{ address: '*:80' }]\nplugins: [{ name: p, path: x }]\nglobal_plugins: [{ name: p, config: \(config) }]",
            noVariables)
        #expect(
            reading.configuration.globalPlugins[0].configJSON
                == #"{"a":1,"b":"1","c":true,"d":"true","e":null,"f":1.5e3,"g":-0,"h":"0x10","i":"007","j":["x",2],"k":"on","l":""}"#)
    }

    @Test func variables() {
        let around = ConfigurationSurroundings(variable: {
            ["PORT": "81", "EMPTY": "", "TRICK": "x, y: [z", "NESTED": "${PORT}", "FLAG": "false", "N": "7"][$0]
        })
        let text = """
            version: 1
            listeners: [{ address: "127.0.0.1:${PORT}" }, { address: "${ADDRESS:-[::1]:82}" }]
            state_directory: /var/$$HOME/${EMPTY}${TRICK}/${NESTED}/$x${a.b}$
            forwarded: { via: "${FLAG}" }
            plugins: [{ name: p, path: x }]
            global_plugins:
              - name: p
                config:
                  plain: ${N}
                  quoted: "${N}"
                  "${N}": key
            """
        let reading = read(text, around)
        #expect(reading.lines(file: "f") == [])
        #expect(reading.configuration.listeners.map(\.address) == ["127.0.0.1:81", "[::1]:82"])
        #expect(reading.configuration.stateDirectory == "/var/$HOME/x, y: [z/${PORT}/$x${a.b}$")
        #expect(reading.configuration.forwarded.via == false)
        #expect(reading.configuration.globalPlugins.first?.configJSON == #"{"${N}":"key","plain":7,"quoted":"7"}"#)
    }

    static let everything = """
        version: 1
        workers: 3
        user: www
        group: web
        pid_file: /run/x.pid
        state_directory: /tmp/s
        core_bytes: unlimited
        listeners: [{ address: "*:80", backlog: 7 }, { address: "unix:/run/s.sock" }]
        admin: { listen: off }
        dyups: { listen: "unix:/run/d.sock" }
        plugins_api: local
        log: { level: debug, error: /e.log, access: { format: json, path: /a.log } }
        timeouts: { head: 1ms, idle: 1h, body_idle: 90s, response: 1500ms, tunnel_idle: 24h, drain: 2m }
        limits: { connections: 17, head_bytes: 2000, target_bytes: 64, header_fields: 8, body_bytes: 1GiB,
            body_rate_min: 0, requests_per_connection: 5 }
        forwarded: { x_forwarded: false, standard: true, via: false, trusted: ["fd00::/8"] }
        plugins: [{ name: a, path: /a.so, on_failure: open }]
        global_plugins: [{ name: a, config: { text: "line\\nbreak", deep: [[{ x: 1 }]] } }]
        clusters:
          - { id: c, targets: [{ address: "host.example:80", weight: 9 }, { address: "unix:/u" }],
              keepalive: { idle_max: 0, idle_timeout: 1s }, connect_timeout: 9s, connect_retries: 0 }
        routes:
          - { id: one, match: { hosts: [A.example, "*.b.example"], paths: ["/a/{id}", "=/x{y}*"], methods: [POST] },
              priority: 5, action: { cluster: c } }
          - { id: two, action: { redirect: { status: 308, location: "https://x/y?z" } }, limits: { body_bytes: unlimited } }
          - { id: three, action: { respond: { status: 503 } }, timeouts: { connect: 1s, response: 2s, idle: 3s }, plugins: [{ name: a }] }
        """
}
