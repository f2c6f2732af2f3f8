// The verdict on a file that may be loaded as a plugin: everything that its ELF tables and its manifest say.

public struct PluginInspection: Sendable {
    /// [a-z0-9-]{1,64}
    public var name: String
    /// Semantic version.
    public var version: String
    public var vendor: String
    /// SPDX expression, as the plugin says; may be empty.
    public var license: String
    public var abiMajor: Int
    /// Of rewrite access routing balancer content header_filter body_filter log.
    public var phases: [String]
    /// c c++ swift rust zig other
    public var language: String
    /// How its hooks wait: plain fiber suspend swift-async.
    public var concurrency: String
    /// Carries Swift code: loaded with RTLD_NODELETE, parked instead of unmapped.
    public var isSwift: Bool
    /// "unmap", or "park" with `unloadReason` saying why.
    public var unloadPolicy: String
    public var unloadReason: String
    /// "closed" (500 when a hook fails) or "open" (the request goes on without the plugin).
    public var failureMode: String
    /// Extensions it needs, and those it would use.
    public var needs: [String]
    public var optional: [String]
    public var capabilities: [String]
    /// The manifest as it stands in the file.
    public var manifestJSON: String
    /// JSON Schema of the configuration, as it stands in the manifest.
    public var configSchemaJSON: String?
    /// SHA-256 of the whole file, 64 lower-case hex digits; and its first 8 bytes as a big-endian number, for the image.
    public var sha256Hex: String
    public var digest64: UInt64
    /// Shared libraries that it needs (DT_NEEDED).
    public var neededLibraries: [String]
    public var fileBytes: Int

    /// Response bodies of its routes pass a hook.
    public var filtersBody: Bool { phases.contains("body_filter") }
}
