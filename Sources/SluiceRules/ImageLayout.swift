// The image: one immutable, position-independent block that the control process compiles and every worker maps read-only.
// Records are plain data, little-endian, 8-byte aligned; references are offsets from the image's first byte, never
// pointers. Whoever maps an image checks it once (`ImageView.init`); after that no read is checked again.
// Building is in `ImageBuilder.swift`, checking in `ImageView.swift`, the routing structures in `RoutingLayout.swift`; walking
// routes is the SluiceRouter module. Longer than most files because it is the one table of the format.
//
//   [ImageHeader][strings][settings][listeners][clusters][targets][routes][plugins][bindings][chains]
//   [trusted networks][host table][nodes, first bytes][lists][parameter names][functions][programs][ip sets]
//   [consumers, their index, labels][regular expressions: tables, entries, databases]
//   [extras of routes][branches][templates][64 zero bytes]
import SluiceBytes

/// A run of bytes in the strings section (UTF-8 text unless said otherwise). A NUL that is not counted follows, so a text
/// without NUL bytes inside is a C string where it stands.
@frozen public struct ImageText {
    public var offset: UInt32 = 0
    public var count: UInt32 = 0
    public init(offset: UInt32 = 0, count: UInt32 = 0) { self.offset = offset; self.count = count }
}

/// A run of records in the image.
@frozen public struct ImageRange {
    public var offset: UInt32 = 0
    public var count: UInt32 = 0
    public init(offset: UInt32 = 0, count: UInt32 = 0) { self.offset = offset; self.count = count }
}

@frozen public struct ImageHeader {
    public var magic: UInt64 = ImageHeader.magicValue
    /// Layout version; a worker refuses any other.
    public var version: UInt32 = ImageHeader.currentVersion
    public var headerBytes: UInt32 = UInt32(MemoryLayout<ImageHeader>.size)
    /// Size of the whole image in bytes.
    public var totalBytes: UInt64 = 0
    /// 64-bit hash (`ImageHash`) of everything behind the header.
    public var digest: UInt64 = 0
    /// Number of the published change, rising.
    public var revision: UInt64 = 0
    public var settings = ImageRange()  // exactly one SettingsRecord
    public var listeners = ImageRange()
    public var clusters = ImageRange()
    public var targets = ImageRange()
    public var routes = ImageRange()
    public var plugins = ImageRange()
    public var bindings = ImageRange()
    /// UInt32 indices into `bindings`; a route's chain is a run of them (global plugins first, then the route's own).
    public var chains = ImageRange()
    /// Routing structures; their inside belongs to the router and the builder.
    public var hosts = ImageRange()
    public var nodes = ImageRange()
    public var lists = ImageRange()
    public var strings = ImageRange()
    public var trustedNetworks = ImageRange()
    /// ImageText runs: the names of a route's `{name}` segments.
    public var parameterNames = ImageRange()
    public var functions = ImageRange()
    /// ImageRange runs of bytecode (offset in the image, 8-byte aligned): one program a condition, equal texts share one.
    public var programs = ImageRange()
    public var ipSets = ImageRange()
    public var consumers = ImageRange()
    /// UInt32 × 2ⁿ: one more than an index into `consumers`, found by `ImageHash` of the id and linear probing; 0 = nobody.
    public var consumerIndex = ImageRange()
    public var consumerLabels = ImageRange()
    /// What `RegexLayout.swift` describes.
    public var regexTables = ImageRange()
    public var regexEntries = ImageRange()
    public var regexSets = ImageRange()
    /// What `ActionLayout.swift` describes: a RouteExtras for each route that needs one, branches of splits, pieces of templates.
    public var extras = ImageRange()
    public var branches = ImageRange()
    public var templates = ImageRange()
    /// Numbers of regular expressions are below this.
    public var regexCount: UInt32 = 0
    public var reserved: UInt32 = 0
    public init() {}
    public static let magicValue: UInt64 = 0x3147_4d49_4355_4c53  // "SLUCIMG1"
    public static let currentVersion: UInt32 = 3
}

/// A socket address as the kernel takes it: sockaddr_in, sockaddr_in6 or sockaddr_un.
@frozen public struct AddressRecord {
    /// Length for bind and connect; 0 = none.
    public var length: UInt32 = 0
    public var family: UInt32 = 0
    /// The sockaddr bytes (family in the first two, host order, as in struct sockaddr).
    public var bytes: InlineArray<112, UInt8> = .init(repeating: 0)
    public init() {}
}

@frozen public struct ListenerRecord {
    public var address = AddressRecord()
    /// As configured, for logs: "127.0.0.1:8080".
    public var label = ImageText()
    public var backlog: UInt32 = 4096
    public var flags: UInt32 = 0
    public init() {}
}

@frozen public struct ClusterRecord {
    public var id = ImageText()
    /// Its run of TargetRecord in the targets section.
    public var firstTarget: UInt32 = 0
    public var targetCount: UInt32 = 0
    public var totalWeight: UInt32 = 0
    /// Most idle connections kept per target and worker, and how long.
    public var idleMax: UInt32 = 512
    public var idleTimeoutMs: UInt32 = 60_000
    public var connectTimeoutMs: UInt32 = 5_000
    /// How many other targets are tried when connecting fails.
    public var connectRetries: UInt32 = 1
    public var flags: UInt32 = 0
    public init() {}
}

@frozen public struct TargetRecord {
    public var address = AddressRecord()
    public var label = ImageText()
    public var weight: UInt32 = 1
    public var flags: UInt32 = 0
    /// Hash of cluster id, configured address and socket address: finds the same target's connection pool again in the next image.
    public var key: UInt64 = 0
    public init() {}
}

/// What a route does with its request.
public enum ActionKind: UInt8, Sendable { case proxy = 0, respond = 1, redirect = 2, split = 3, plugin = 4 }

@frozen public struct RouteRecord {
    public var id = ImageText()
    /// Run of UInt32 in `chains`.
    public var chain = ImageRange()
    /// Index of its ClusterRecord, or UInt32.max.
    public var cluster: UInt32 = .max
    public var priority: Int32 = 0
    /// Bits of `Method`; 0 = every method.
    public var methods: UInt16 = 0
    public var action: UInt8 = 0
    public var flags: UInt8 = 0
    /// Counter slot in shared memory (see SluiceShared); stays with the route id over revisions.
    public var statSlot: UInt32 = 0
    /// respond and redirect
    public var status: UInt32 = 0
    public var body = ImageText()
    /// Ready "Name: value\r\n" lines of respond and redirect.
    public var headerLines = ImageText()
    /// 0 = the cluster's or the settings' default.
    public var connectTimeoutMs: UInt32 = 0
    public var responseTimeoutMs: UInt32 = 0
    public var idleTimeoutMs: UInt32 = 0
    /// Index of the program that must be true for a request, or UInt32.max.
    public var condition: UInt32 = .max
    /// Index of its RouteExtras, or UInt32.max.
    public var extras: UInt32 = .max
    /// Largest request body; UInt64.max = unlimited.
    public var bodyBytesMax: UInt64 = .max
    public init() {}
    /// Response bodies of this route pass a body filter: no splice, framing is rewritten.
    public static let filtersBody: UInt8 = 1
    /// `extras` says more.
    public static let hasExtras: UInt8 = 2
}

@frozen public struct PluginRecord {
    public var name = ImageText()
    public var version = ImageText()
    /// Absolute path of the private copy to load; never a path that was loaded before.
    public var path = ImageText()
    /// Rises with every load of this name.
    public var generation: UInt64 = 0
    public var digest: UInt64 = 0
    public var statSlot: UInt32 = 0
    public var flags: UInt32 = 0
    /// Bits of `Capability` that the configuration grants.
    public var capabilities: UInt32 = 0
    public var reserved: UInt32 = 0
    public init() {}
    /// Carries Swift code: loaded with RTLD_NODELETE and parked, never unmapped.
    public static let swift: UInt32 = 1
    /// Failure mode: 0 closed (500), 1 open (skip the plugin).
    public static let failOpen: UInt32 = 2
    /// Kept from running after it crashed too often: workers do not load it, its bindings only act out the failure mode (closed:
    /// answer 503, open: skip the plugin).
    public static let quarantined: UInt32 = 4
}

/// One plugin with one configuration; routes that configure a plugin alike share it.
@frozen public struct BindingRecord {
    public var plugin: UInt32 = 0
    /// Index of the binding that takes a share of the requests in this one's place (a canary: the same configuration on another
    /// generation); .max = none. Chains never name an alternative, and an alternative has none itself.
    public var alternative: UInt32 = .max
    /// JSON text handed to the plugin's `configure`.
    public var config = ImageText()
    /// Hash of plugin name, generation and config text: an unchanged binding keeps its instance over revisions.
    public var key: UInt64 = 0
    /// A request takes the alternative when the upper 32 bits of its hash are below this: the share of 2^32.
    public var share: UInt32 = 0
    /// Index of the program that must be true for a request, or UInt32.max.
    public var condition: UInt32 = .max
    public init() {}
}

/// Network whose clients may set X-Forwarded-* and Forwarded.
@frozen public struct NetworkRecord {
    /// IPv4 as IPv4-mapped IPv6, network byte order.
    public var bytes: InlineArray<16, UInt8> = .init(repeating: 0)
    /// 0...128
    public var prefixBits: UInt32 = 0
    public var reserved: UInt32 = 0
    public init() {}
}

public enum AccessLogFormat: UInt8, Sendable { case off = 0, combined = 1, json = 2 }

/// Everything that holds for the whole process.
@frozen public struct SettingsRecord {
    /// 0 = one per core.
    public var workers: UInt32 = 0
    public var connectionsMax: UInt32 = 16_384  // per worker, client and upstream together
    public var headBytesMax: UInt32 = 16_384
    public var targetBytesMax: UInt32 = 8_192
    public var headerFieldsMax: UInt32 = 100
    public var drainTimeoutMs: UInt32 = 30_000
    public var headTimeoutMs: UInt32 = 10_000  // first byte of a head to its end
    public var idleTimeoutMs: UInt32 = 75_000  // keep-alive client without a request
    public var bodyIdleTimeoutMs: UInt32 = 60_000  // no byte of a body in either direction
    public var responseTimeoutMs: UInt32 = 60_000  // request sent to first byte of the response
    public var tunnelIdleTimeoutMs: UInt32 = 3_600_000
    public var bodyRateMin: UInt32 = 240  // bytes a second a client must send of a body, averaged over 10 s; 0 = off
    public var bodyBytesMax: UInt64 = .max
    public var requestsPerConnectionMax: UInt64 = 0  // 0 = unlimited
    public var accessLog: UInt8 = 0  // AccessLogFormat
    public var errorLevel: UInt8 = 3  // 0 debug 1 info 2 notice 3 warn 4 error
    public var viaMode: UInt8 = 1  // 1 add Via
    public var forwardedMode: UInt8 = 1  // 0 off, 1 X-Forwarded-*, 2 Forwarded, 3 both
    public var pad: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0)
    public var accessLogPath = ImageText()
    public var errorLogPath = ImageText()
    public var pidPath = ImageText()
    public var user = ImageText()
    public var group = ImageText()
    public var stateDirectory = ImageText()
    public var configPath = ImageText()
    public var coreBytesMax: UInt64 = 0
    /// A hook that holds its worker longer is warned about, or ends the worker; 0 = never.
    public var pluginHoldWarnMs: UInt32 = 200
    public var pluginHoldMaxMs: UInt32 = 2_000
    public var pluginBodyMax: UInt64 = 1 << 20  // of a request body that a plugin gathers
    public init() {}
}
