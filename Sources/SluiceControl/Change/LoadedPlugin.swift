// One generation of a plugin as the control process knows it: what its file says, where it came from, what it may do, what became
// of it. Plain values; kept in the state file. Which of them run is `ControlState`.
import SluiceModel

struct LoadedPlugin: Codable, Sendable, Equatable {
    enum Origin: String, Codable, Sendable {
        /// Named by the configuration file.
        case file
        /// A file of this machine, named in a call of the admin API.
        case api
        /// Bytes that came with such a call.
        case upload
    }
    var name: String
    var version: String
    var vendor: String
    var license = ""
    var language: String
    var concurrency = "plain"
    var phases: [String]
    var isSwift: Bool
    /// Where it came from; for an upload the name that the sender gave.
    var sourcePath: String
    /// The private copy that the workers load; never written again.
    var copyPath: String
    var fileBytes = 0
    var generation: UInt64
    var sha256: String
    var digest: UInt64
    var failOpen: Bool
    var origin: Origin
    /// Unix seconds.
    var loadedAt: UInt64 = 0
    var signature = SignatureVerdict.unchecked
    var capabilitiesAsked: [String] = []
    var capabilitiesGranted: [String] = []
    /// JSON Schema of its configuration.
    var configSchema: String?
    /// The generation whose file this is again, after a rollback.
    var restores: UInt64?
    /// Why it was taken back; nil = it was not.
    var withdrawn: String?
    /// It serves its failure mode only.
    var isQuarantined = false

    var filtersBody: Bool { phases.contains("body_filter") }
    /// "key-auth@7": what counters, logs and the record of a worker call it.
    var label: String { Self.label(name, generation) }
    static func label(_ name: String, _ generation: UInt64) -> String { "\(name)@\(generation)" }

    init(
        facts: PluginFacts, source: String, copy: String, generation: UInt64, failOpen: Bool, origin: Origin, granted: [String] = [],
        signature: SignatureVerdict = .unchecked, loadedAt: UInt64 = 0
    ) {
        (name, version, vendor, license) = (facts.name, facts.version, facts.vendor, facts.license)
        (language, concurrency, phases, isSwift) = (facts.language, facts.concurrency, facts.phases, facts.isSwift)
        (sourcePath, copyPath, fileBytes) = (source, copy, facts.fileBytes)
        (self.generation, sha256, digest) = (generation, facts.sha256, facts.digest)
        (self.failOpen, self.origin, self.loadedAt) = (failOpen, origin, loadedAt)
        (self.signature, capabilitiesAsked, capabilitiesGranted) = (signature, facts.capabilities, granted)
        configSchema = facts.configSchema
    }
}

/// What a budget allows; judged against the counters of one generation.
struct RolloutBudget: Codable, Sendable, Equatable {
    /// Percent of calls, 0…100; nil = any number.
    var errorsMax: Double?
    /// 99 of 100 calls of each phase, in milliseconds on the processor; nil = any.
    var latencyMaxMs: Double?
    /// Calls before anything but a crash is judged.
    var minCalls = UInt64(Limits.pluginProbationMinCalls)
}

/// A second generation that takes a share of the requests.
struct Canary: Codable, Sendable, Equatable {
    var plugin: LoadedPlugin
    /// 0.01…50
    var sharePercent: Double
    var budget: RolloutBudget
    /// Unix seconds.
    var startedAt: UInt64
    /// When, within its budget, it is promoted by itself; nil = never.
    var promoteAt: UInt64?
}

/// A generation that replaced another and may be taken back by itself until `until` (Unix seconds).
struct Probation: Codable, Sendable, Equatable {
    var generation: UInt64
    var budget: RolloutBudget
    var until: UInt64
}

/// The last time something was taken back, for people.
struct RolloutEvent: Codable, Sendable, Equatable {
    enum Kind: String, Codable, Sendable { case promoted, rolledBack = "rolled_back", quarantined, lifted }
    var kind: Kind
    /// Unix seconds.
    var at: UInt64
    var from: UInt64
    /// nil = its failure mode.
    var to: UInt64?
    var reason: String
    var byItself: Bool
}

/// A file that crashed too often. It stays out until somebody lifts this, restarts included.
struct QuarantineEntry: Codable, Sendable, Equatable {
    var generation: UInt64
    var version: String
    var sha256: String
    /// Unix seconds.
    var since: UInt64
    var reason: String
}
