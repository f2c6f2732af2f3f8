// A configuration goes into an image and is read back: every field, default and reference.
import SluiceBytes
import SluiceHTTP
import SluiceModel
import Testing

@testable import SluiceRules

@Suite struct RoundTripTests {
    @Test func everySection() throws {
        let block = Block(try richImage())
        defer { withExtendedLifetime(block) {} }
        let v = try block.view()
        func text(_ t: ImageText) -> String { v.text(t).string }
        #expect(v.header.pointee.revision == 9)
        #expect(v.listeners.map { text($0.label) } == ["127.0.0.1:8080", "[::1]:8443", "unix:/run/s.sock", "*:80"])
        #expect(v.listeners.map(\.address.family) == [2, 10, 1, 2])
        #expect(v.listeners.map(\.address.length) == [16, 28, 14, 16])
        #expect((0..<16).map { v.listeners[0].address.bytes[$0] } == [2, 0, 0x1f, 0x90, 127, 0, 0, 1] + Array(repeating: 0, count: 8))
        #expect(v.listeners[1].address.ip?.0 == IPAddress("::1") && v.listeners[1].address.ip?.port == 8443)
        #expect(v.clusters.map { text($0.id) } == ["demo", "second"])
        #expect(v.clusters[1].firstTarget == 1 && v.clusters[1].targetCount == 4 && v.clusters[1].totalWeight == 8)
        #expect(v.targets.map(\.weight) == [1, 3, 1, 2, 2])
        #expect(v.targets.map { text($0.label) }.suffix(2) == ["app.internal:8080(10.9.9.1)", "app.internal:8080(2001:db8::9)"])
        #expect(Set(v.targets.map(\.key)).count == 5)
        #expect(v.routes.map { text($0.id) } == ["hello", "old", "users", "files", "all"])
        #expect(v.routes.map(\.action) == [1, 2, 0, 0, 0])
        #expect(v.routes.map(\.cluster) == [.max, .max, 0, 1, 0])
        #expect(v.routes.map(\.statSlot) == [5, 3, 5, 5, 3])
        #expect(text(v.routes[0].body) == "hi\n" && text(v.routes[0].headerLines) == "X-A: b c\r\n" && v.routes[0].status == 200)
        #expect(text(v.routes[1].headerLines) == "Location: https://new.example.org/\r\n" && v.routes[1].status == 308)
        #expect(v.routes[2].methods == Method.get.bit | Method.head.bit)
        #expect(v.routes.map(\.priority) == [0, 0, 0, 5, 0])
        #expect(v.routes.map(\.flags) == [0, 0, 1, 1, 0])
        #expect(v.plugins.map { text($0.name) } == ["key-auth", "request-id"])
        #expect(v.plugins.map { text($0.path) } == ["/plugins/key-auth.so", "/plugins/request-id.so"])
        #expect(v.plugins.map(\.generation) == [1, 4] && v.plugins.map(\.flags) == [0, PluginRecord.swift])
        #expect(text(v.settings.pointee.user) == "nobody" && text(v.settings.pointee.configPath) == "/etc/sluice.yaml")
        #expect(
            v.settings.pointee.user.count == 6 && v.base.load(fromByteOffset: Int(v.settings.pointee.user.offset) + 6, as: UInt8.self) == 0)
    }

    @Test func chains() throws {
        let block = Block(try richImage())
        defer { withExtendedLifetime(block) {} }
        let v = try block.view()
        func chain(_ i: Int) -> [String] {
            v.chain(v.routes[i]).map {
                v.text(v.plugins[Int(v.bindings[Int($0)].plugin)].name).string + v.text(v.bindings[Int($0)].config).string
            }
        }
        #expect(chain(0) == ["request-id{}"])
        #expect(chain(2) == ["request-id{}", "key-auth{\"k\":1}"])
        #expect(chain(3) == ["request-id{\"h\":\"x\"}", "key-auth{\"k\":1}"])  // the route's configuration in the global one's place
        #expect(v.bindings.count == 3)
        #expect(v.routes[0].chain.offset == v.routes[4].chain.offset)
    }

    /// Each binding of a plugin with a canary is followed by the same on the canary; chains name the first.
    @Test func canary() throws {
        let (c, plugins) = rich()
        let other = PluginCanary(artifact: artifact("key-auth", generation: 2, filtersBody: true), share: 1 << 30)
        let resolved = [AddressRecord(IPAddress("10.9.9.1")!, port: 8080)]
        let block = Block(try builder(c, plugins: plugins, resolve: { _ in resolved }, canary: { $0 == "key-auth" ? other : nil }).build())
        defer { withExtendedLifetime(block) {} }
        let v = try block.view()
        #expect(v.plugins.map { v.text($0.name).string } == ["key-auth", "key-auth", "request-id"])
        #expect(v.plugins.map(\.generation) == [1, 2, 4])
        let first = Int(v.chain(v.routes[2])[1]), b = v.bindings[first], alternative = v.bindings[Int(b.alternative)]
        #expect(b.plugin == 0 && b.share == 1 << 30 && alternative.plugin == 1)
        #expect(alternative.alternative == .max && alternative.share == 0 && alternative.key != b.key)
        #expect(v.text(alternative.config).string == v.text(b.config).string)
        #expect(v.chain(v.routes[0]).allSatisfy { v.bindings[Int($0)].alternative == .max })
        let same = PluginCanary(artifact: plugins[0], share: 1)
        let error = #expect(throws: ImageError.self) {
            try builder(c, plugins: plugins, resolve: { _ in resolved }, canary: { _ in same }).build()
        }
        #expect(error?.path == "plugins[0].name")
    }

    /// Its failure mode serves: marked, and no body filter on its routes.
    @Test func quarantined() throws {
        var (c, plugins) = rich()
        plugins[0].isQuarantined = true
        c.globalPlugins = []
        let block = Block(try builder(c, plugins: plugins) { _ in [AddressRecord(IPAddress("10.9.9.1")!, port: 8080)] }.build())
        defer { withExtendedLifetime(block) {} }
        let v = try block.view()
        #expect(v.plugins[0].flags == PluginRecord.quarantined && v.routes[2].flags == 0)
    }

    /// A binding keeps its key as long as plugin, generation and configuration stay.
    @Test func bindingKeys() throws {
        func key(_ generation: UInt64, _ config: String) throws -> UInt64 {
            let c = small {
                $0.globalPlugins = [PluginBinding(name: "p", configJSON: config)]
                $0.routes = [route("r")]
            }
            let block = Block(try builder(c, plugins: [artifact("p", generation: generation)]).build())
            defer { withExtendedLifetime(block) {} }
            return try block.view().bindings[0].key
        }
        #expect(try key(1, "{}") == key(1, "{}"))
        #expect(try key(1, "{}") != key(2, "{}"))
        #expect(try key(1, "{}") != key(1, "{\"a\":1}"))
    }

    @Test func targetKeysStayOverRevisions() throws {
        let before = Block(try builder(small()).build())
        defer { withExtendedLifetime(before) {} }
        let one = try before.view().targets[0].key
        let more = small {
            $0.clusters.insert(Cluster(id: "new"), at: 0)
            $0.clusters[1].targets.insert(Target(address: "127.0.0.1:1"), at: 0)
        }
        let block = Block(try builder(more).build())
        defer { withExtendedLifetime(block) {} }
        #expect(try block.view().targets.map(\.key).firstIndex(of: one) == 1)
    }

    @Test func oneAddressIsOneTarget() throws {
        let c = small { $0.clusters[0].targets = [Target(address: "127.0.0.1:1", weight: 2), Target(address: "127.0.0.1:1", weight: 3)] }
        let block = Block(try builder(c).build())
        defer { withExtendedLifetime(block) {} }
        #expect(try block.view().targets.map(\.weight) == [5])
    }

    @Test func settings() throws {
        let c = small { c in
            c.workers = 3
            c.timeouts.headMs = 1
            c.timeouts.idleMs = 2
            c.timeouts.bodyIdleMs = 3
            c.timeouts.responseMs = 4
            c.timeouts.tunnelIdleMs = 5
            c.timeouts.drainMs = 6
            c.limits.connectionsMax = 100
            c.limits.headBytesMax = 2048
            c.limits.targetBytesMax = 2047
            c.limits.headerFieldsMax = 9
            c.limits.bodyBytesMax = 7
            c.limits.bodyRateMin = 0
            c.limits.requestsPerConnectionMax = 8
            c.forwarded.standard = true
            c.forwarded.via = false
            c.log.level = .error
            c.log.accessFormat = .json
            c.coreBytesMax = 11
            c.routes = [route("a"), route("b")]
            c.routes[1].bodyBytesMax = .max
            c.routes[1].connectTimeoutMs = 21
            c.routes[1].responseTimeoutMs = 22
            c.routes[1].idleTimeoutMs = 23
        }
        let block = Block(try builder(c).build())
        defer { withExtendedLifetime(block) {} }
        let v = try block.view()
        let s = v.settings.pointee
        #expect(
            [
                s.workers, s.headTimeoutMs, s.idleTimeoutMs, s.bodyIdleTimeoutMs, s.responseTimeoutMs, s.tunnelIdleTimeoutMs,
                s.drainTimeoutMs,
            ] == [
                3, 1, 2, 3, 4, 5, 6,
            ])
        #expect([s.connectionsMax, s.headBytesMax, s.targetBytesMax, s.headerFieldsMax, s.bodyRateMin] == [100, 2048, 2047, 9, 0])
        #expect([s.bodyBytesMax, s.requestsPerConnectionMax, s.coreBytesMax] == [7, 8, 11])
        #expect([s.forwardedMode, s.viaMode, s.errorLevel, s.accessLog] == [3, 0, 4, 2])
        #expect(v.routes.map(\.bodyBytesMax) == [7, .max])
        #expect(
            [v.routes[0].connectTimeoutMs, v.routes[1].connectTimeoutMs, v.routes[1].responseTimeoutMs, v.routes[1].idleTimeoutMs] == [
                0, 21, 22, 23,
            ])
    }

    @Test func defaults() throws {
        let block = Block(try builder(small()).build())
        defer { withExtendedLifetime(block) {} }
        let v = try block.view()
        let s = v.settings.pointee
        let r = SettingsRecord()
        #expect(
            s.workers == 0 && s.connectionsMax == r.connectionsMax && s.headBytesMax == r.headBytesMax
                && s.targetBytesMax == r.targetBytesMax)
        #expect(s.headTimeoutMs == r.headTimeoutMs && s.idleTimeoutMs == r.idleTimeoutMs && s.bodyIdleTimeoutMs == r.bodyIdleTimeoutMs)
        #expect(
            s.responseTimeoutMs == r.responseTimeoutMs && s.tunnelIdleTimeoutMs == r.tunnelIdleTimeoutMs
                && s.drainTimeoutMs == r.drainTimeoutMs)
        #expect(
            s.bodyBytesMax == .max && s.bodyRateMin == r.bodyRateMin && s.headerFieldsMax == r.headerFieldsMax && s.viaMode == 1
                && s.forwardedMode == 1)
        #expect(
            v.clusters[0].idleMax == 512 && v.clusters[0].idleTimeoutMs == 60_000 && v.clusters[0].connectTimeoutMs == 5_000
                && v.clusters[0].connectRetries == 1)
        #expect(v.listeners[0].backlog == 4096)
    }

    @Test func trusted() throws {
        let block = Block(try richImage())
        defer { withExtendedLifetime(block) {} }
        let v = try block.view()
        func trusts(_ ip: String) -> Bool { v.isTrusted(AddressRecord(IPAddress(ip)!, port: 1)) }
        #expect(trusts("127.1.2.3") && trusts("::1") && trusts("2001:db8:7fff::1"))
        #expect(!trusts("128.0.0.1") && !trusts("::2") && !trusts("2001:db8:8000::1") && !trusts("2001:db9::1"))
        #expect(trusts("::ffff:127.0.0.1"))  // a dual-stack socket's form of an IPv4 client
        #expect(!v.isTrusted(AddressRecord(try Address("unix:/x"))!))
    }

    /// The same configuration gives the same bytes: padding is never left to chance.
    @Test func deterministic() throws {
        let first = try richImage()
        for _ in 0..<5 { #expect(try richImage() == first) }
    }

    /// Every record is as large as its fields together: nothing in an image is implicit padding.
    @Test func layout() {
        #expect(
            MemoryLayout<ImageHeader>.stride == 256 && MemoryLayout<AddressRecord>.stride == 120
                && MemoryLayout<ListenerRecord>.stride == 136)
        #expect(
            MemoryLayout<ClusterRecord>.stride == 40 && MemoryLayout<TargetRecord>.stride == 144 && MemoryLayout<RouteRecord>.stride == 80)
        #expect(MemoryLayout<RouteRecord>.offset(of: \.bodyBytesMax) == 72 && MemoryLayout<RouteRecord>.offset(of: \.extras) == 68)
        #expect(
            MemoryLayout<PluginRecord>.stride == 56 && MemoryLayout<BindingRecord>.stride == 32 && MemoryLayout<NetworkRecord>.stride == 24)
        #expect(
            MemoryLayout<SettingsRecord>.stride == 152 && MemoryLayout<HostTableHeader>.stride == 32 && MemoryLayout<HostSlot>.stride == 32)
        #expect(MemoryLayout<RouteNode>.stride == 32 && MemoryLayout<RouteEntry>.stride == 16 && MemoryLayout<RegexEntry>.stride == 24)
        #expect(
            MemoryLayout<RegexSetRecord>.stride == 16 && MemoryLayout<IPSetRecord>.stride == 16 && MemoryLayout<ConsumerRecord>.stride == 24
        )
    }

    @Test func methodTokensAgreeWithHTTP() {
        #expect(ImageCompiler.methodTokens == Method.allCases.map(\.token))
        #expect(Method.allCases.enumerated().allSatisfy { $0.offset == Int($0.element.rawValue) })
    }

    @Test func emptyConfiguration() throws {
        let block = Block(try builder(small { $0.clusters = [] }).build())
        defer { withExtendedLifetime(block) {} }
        let v = try block.view()
        #expect(v.routes.count == 0 && v.nodes.count == 0 && v.hostSlots.count == 1 && v.clusters.count == 0)
    }
}
