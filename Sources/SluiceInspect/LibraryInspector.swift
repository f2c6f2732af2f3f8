// Decides whether a file may be loaded for its plain C functions: a shared library of this machine, safe to map, and no plugin (those
// have a contract and are loaded through it). None of its code runs here.

public struct LibraryInspection: Sendable {
    /// First 8 bytes of the file's SHA-256 as a big-endian number; and all of it, 64 lower-case hex digits.
    public var digest64: UInt64
    public var sha256Hex: String
    /// Names of what it exports: functions and data alike.
    public var exports: Set<String>
}

public enum LibraryInspector {
    /// Reads `path` (a regular file) whole; the error names the path and the reason for the refusal.
    public static func inspect(path: String) throws(InspectError) -> LibraryInspection {
        do { return try inspect(bytes: try FileBytes.read(path)) } catch { throw error.at(path) }
    }

    /// The same for bytes in memory.
    public static func inspect(bytes: [UInt8]) throws(InspectError) -> LibraryInspection {
        var result: Result<(ElfFile, Digest), InspectError>!
        bytes.withUnsafeBytes { raw in
            do throws(InspectError) { result = .success((try ElfFile(raw), try Digest(raw))) } catch { result = .failure(error) }
        }
        let (elf, digest) = try result.get()
        try PluginInspector.checkSafety(elf)
        if elf.exports.contains(PluginInspector.entrySymbol) {
            throw InspectError("it is a plugin; name it under plugins, and let it declare its functions (\"sluice.rule-functions/1\")")
        }
        if elf.hasSwiftSections || elf.needed.contains("libswiftCore.so") {
            throw InspectError("it carries Swift code, which cannot be unloaded; make it a plugin")
        }
        return LibraryInspection(digest64: digest.first64, sha256Hex: digest.hex, exports: elf.exports)
    }
}
