// What a plugin may ask for in its manifest and an operator grant in the configuration. Inside one process a capability is no
// security boundary: native code can call the kernel itself. It is a promise that can be read, refused, and audited; those
// that stand for a table of the host are also kept by it: without the grant the host has no such table for the plugin.

public enum Capability: String, Sendable, CaseIterable {
    /// HTTP requests of its own through the host ("sluice.http-client/1").
    case httpClient = "http_client"
    /// Work that belongs to no request ("sluice.background/1").
    case background
    /// Dictionaries shared by all workers ("sluice.dictionary/1").
    case dictionary
    // Declared only: the host cannot see whether the plugin does it.
    /// Connections of its own, by io.h or by itself.
    case network
    case files
    case threads
    /// Keys and secrets in its memory.
    case crypto
    /// Starts other programs.
    case processes

    /// The host's table that comes with it; nil = only declared.
    public var extensionID: String? {
        switch self {
        case .httpClient: "sluice.http-client/1"
        case .background: "sluice.background/1"
        case .dictionary: "sluice.dictionary/1"
        case .network, .files, .threads, .crypto, .processes: nil
        }
    }

    /// In a set of grants (`PluginRecord.capabilities`).
    public var bit: UInt32 { 1 << UInt32(Capability.allCases.firstIndex(of: self)!) }

    public static func bits(_ names: some Sequence<String>) -> UInt32 { names.reduce(0) { $0 | (Capability(rawValue: $1)?.bit ?? 0) } }
    public static var names: [String] { allCases.map(\.rawValue) }
}
