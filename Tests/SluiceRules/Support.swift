// What the tests of this folder share: an image in memory of its own, a small configuration, a builder with stand-ins.
import SluiceBytes
import SluiceModel
import SluiceRules

/// Owns aligned memory with an image in it, exactly as large as the image so that AddressSanitizer sees reads past it.
final class Block {
    let memory: UnsafeMutableRawBufferPointer
    init(_ bytes: [UInt8]) {
        memory = .allocate(byteCount: bytes.count, alignment: 8)
        memory.copyBytes(from: bytes)
    }
    deinit { memory.deallocate() }

    func view() throws(ImageError) -> ImageView { try ImageView(base: UnsafeRawPointer(memory.baseAddress!), count: memory.count) }

    /// Makes the digest right again after a change.
    func sign() {
        if memory.count < MemoryLayout<ImageHeader>.size { return }
        let digest = ImageHash.hash(UnsafeRawBufferPointer(rebasing: memory[MemoryLayout<ImageHeader>.size...]))
        memory.storeBytes(of: digest, toByteOffset: MemoryLayout<ImageHeader>.offset(of: \.digest)!, as: UInt64.self)
    }
}

func artifact(_ name: String, generation: UInt64 = 1, filtersBody: Bool = false) -> PluginArtifact {
    PluginArtifact(
        name: name, version: "1.0", path: "/plugins/\(name).so", generation: generation, digest: 77, statSlot: 3,
        isSwift: name == "request-id",
        failOpen: name == "open", filtersBody: filtersBody)
}

func builder(
    _ c: Configuration, plugins: [PluginArtifact] = [], resolve: @escaping (String) throws -> [AddressRecord] = { _ in [] },
    canary: @escaping (String) -> PluginCanary? = { _ in nil }
) -> ImageBuilder {
    ImageBuilder(
        configuration: c, revision: 9, resolve: resolve, routeSlot: { UInt32($0.utf8.count) },
        plugin: { name in plugins.first { $0.name == name } }, canary: canary,
        configPath: "/etc/sluice.yaml")
}

func small(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
    var c = Configuration()
    c.listeners = [Listener(address: "127.0.0.1:8080")]
    var cluster = Cluster(id: "demo")
    cluster.targets = [Target(address: "127.0.0.1:9000")]
    c.clusters = [cluster]
    change(&c)
    return c
}

func route(
    _ id: String, hosts: [String] = [], paths: [String] = [], methods: [String] = [], priority: Int = 0, action: Action = .cluster("demo")
)
    -> Route
{
    var r = Route(id: id, action: action)
    r.hosts = hosts
    r.paths = paths
    r.methods = methods
    r.priority = priority
    return r
}

/// A configuration with something in every section of the image.
func rich() -> (Configuration, [PluginArtifact]) {
    let c = small { c in
        c.listeners += [Listener(address: "[::1]:8443"), Listener(address: "unix:/run/s.sock"), Listener(address: "*:80")]
        var second = Cluster(id: "second")
        second.targets = [
            Target(address: "10.0.0.1:80", weight: 3), Target(address: "unix:/run/app.sock"),
            Target(address: "app.internal:8080", weight: 2),
        ]
        c.clusters.append(second)
        c.plugins = [PluginSource(name: "key-auth", path: "key-auth.so"), PluginSource(name: "request-id", path: "r.so")]
        c.globalPlugins = [PluginBinding(name: "request-id")]
        c.forwarded.trusted = ["127.0.0.1/8", "::1", "2001:db8::/33"]
        c.log.accessPath = "/var/log/sluice/access.log"
        c.user = "nobody"
        c.routes = [
            route(
                "hello", paths: ["/hello"], action: .respond(status: 200, body: "hi\n", headers: [HeaderLine(name: "X-A", value: "b c")])),
            route("old", hosts: ["old.example.org"], action: .redirect(status: 308, location: "https://new.example.org/")),
            route(
                "users", hosts: ["API.example.com.", "*.example.org"],
                paths: ["/users/{id}", "/users/{id}/posts/{post}", "/users/me", "=/lit{eral}*"], methods: ["GET", "HEAD"]),
            route(
                "files", hosts: ["api.example.com"], paths: ["/static/a-rather-long-directory-name/*", "/static/*"], priority: 5,
                action: .cluster("second")),
            route("all", paths: ["/*"]),
        ]
        c.routes[2].plugins = [PluginBinding(name: "key-auth", configJSON: "{\"k\":1}")]
        c.routes[3].plugins = [
            PluginBinding(name: "request-id", configJSON: "{\"h\":\"x\"}"), PluginBinding(name: "key-auth", configJSON: "{\"k\":1}"),
        ]
    }
    return (c, [artifact("key-auth", filtersBody: true), artifact("request-id", generation: 4)])
}

func richImage() throws -> [UInt8] {
    let (c, plugins) = rich()
    return try builder(c, plugins: plugins) { _ in
        [AddressRecord(IPAddress("10.9.9.1")!, port: 8080), AddressRecord(IPAddress("2001:db8::9")!, port: 8080)]
    }.build()
}
