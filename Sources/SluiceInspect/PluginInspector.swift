// Decides whether a file may be loaded as a plugin, from its bytes alone: none of its code runs here. Inspect the private copy
// that will be loaded, never the file it was copied from. What happens after the verdict is in the SluicePlugins module.

import CSluiceSys
import SluiceModel

public enum PluginInspector {
    /// Largest file that is read.
    public static let fileBytesMax = Limits.pluginFileBytesMax
    public static let entrySymbol = "sluice_plugin_v1"

    /// Reads `path` (a regular file) whole and says what it is; the error names the path and the reason for the refusal.
    public static func inspect(path: String) throws(InspectError) -> PluginInspection {
        do { return try inspect(bytes: try FileBytes.read(path)) } catch { throw error.at(path) }
    }

    /// The same for bytes in memory.
    public static func inspect(bytes: [UInt8]) throws(InspectError) -> PluginInspection {
        var result: Result<(ElfFile, Digest), InspectError>!
        bytes.withUnsafeBytes { raw in
            do throws(InspectError) { result = .success((try ElfFile(raw), try Digest(raw))) } catch { result = .failure(error) }
        }
        let (elf, digest) = try result.get()
        try checkSafety(elf)
        guard elf.exports.contains(entrySymbol) else { throw InspectError("no entry symbol: it does not export \(entrySymbol)") }
        guard let text = elf.manifest, !text.isEmpty else {
            throw InspectError("no manifest: the file has no section \(ElfFile.manifestSection)")
        }
        let manifest = try Manifest(text)
        let isSwift = try checkLanguage(elf, manifest)
        let (policy, reason) = try unloadPolicy(elf, manifest, isSwift: isSwift)
        return PluginInspection(
            name: manifest.name, version: manifest.version, vendor: manifest.vendor, license: manifest.license, abiMajor: manifest.abiMajor,
            phases: manifest.phases, language: isSwift ? "swift" : manifest.language, concurrency: manifest.concurrency, isSwift: isSwift,
            unloadPolicy: policy,
            unloadReason: reason,
            failureMode: manifest.failureMode, needs: manifest.needs, optional: manifest.optional, capabilities: manifest.capabilities,
            manifestJSON: String(decoding: text, as: UTF8.self),
            configSchemaJSON: manifest.configSchema.map { String(decoding: text[$0], as: UTF8.self) },
            sha256Hex: digest.hex, digest64: digest.first64, neededLibraries: elf.needed, fileBytes: bytes.count)
    }

    static func checkSafety(_ elf: ElfFile) throws(InspectError) {
        if elf.hasExecutableStack { throw InspectError("it asks for an executable stack; link it with -z noexecstack") }
        if elf.hasTextRelocations { throw InspectError("it has text relocations; compile it with -fPIC") }
    }

    private static func checkLanguage(_ elf: ElfFile, _ manifest: Manifest) throws(InspectError) -> Bool {
        let sharesRuntime = elf.needed.contains("libswiftCore.so")
        let isSwift = sharesRuntime || elf.hasSwiftSections
        if isSwift && !sharesRuntime {
            throw InspectError(
                "Swift without the shared libswiftCore.so: a second runtime in one process is not safe; link without -static-stdlib")
        }
        if isSwift != (manifest.language == "swift") {
            throw InspectError(
                "the manifest lies: it says language \"\(manifest.language)\", the file \(isSwift ? "carries" : "carries no") Swift code")
        }
        if isSwift { try checkToolchain(elf) }
        return isSwift
    }

    /// Swift on Linux has no stable ABI: code and runtime must come from one toolchain. Every Swift shared object carries swiftrt.o,
    /// whose compiler stands in .comment; this program's own toolchain is the one of its runtime.
    private static func checkToolchain(_ elf: ElfFile) throws(InspectError) {
        let ours = String(cString: cs_toolchain())
        if elf.compilers.contains(ours) { return }
        let theirs = elf.compilers.filter { $0.hasPrefix("clang version ") }
        if theirs.isEmpty {
            throw InspectError(
                "Swift code of an unknown toolchain: section .comment does not say which compiler made it; do not strip that section")
        }
        throw InspectError(
            "Swift code of another toolchain: it was made with \(theirs.joined(separator: ", ")), the runtime of this gateway "
                + "with \(ours); build the plugin with the gateway's Swift")
    }

    private static func unloadPolicy(_ elf: ElfFile, _ manifest: Manifest, isSwift: Bool) throws(InspectError) -> (String, String) {
        if isSwift {
            if manifest.unload == "unmap" {
                throw InspectError("the manifest lies: \"unload\": \"unmap\", but Swift code can only be parked")
            }
            return ("park", "the Swift runtime keeps pointers into every image it has seen")
        }
        if manifest.unload == "park" { return ("park", "the manifest asks for it") }
        if elf.isNoDelete { return ("park", "linked with -z nodelete") }
        if !elf.uniqueSymbols.isEmpty { return ("park", "STB_GNU_UNIQUE symbols; compile C++ with -fno-gnu-unique") }
        return ("unmap", "")
    }
}
