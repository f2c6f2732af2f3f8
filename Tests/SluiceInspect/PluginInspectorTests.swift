// Real shared objects through the inspector: what it says of a good one, why it refuses each kind of bad one, and that no
// damaged file crashes it.
import Foundation
import Testing

@testable import SluiceInspect

@Suite(.serialized) struct PluginInspectorTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path
    static let folder: String = {
        try! FileManager.default.createDirectory(atPath: folderPath, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: PluginInspectorTests.folderPath) }
        return folderPath
    }()
    private static let folderPath = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-inspect-\(getpid())").path

    static func run(_ arguments: [String]) throws {
        let p = Process()
        p.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        p.arguments = arguments
        try p.run()
        p.waitUntilExit()
        try #require(p.terminationStatus == 0, "\(arguments)")
    }

    static let goodManifest = #"{"name":"tiny","version":"1.0.0","abi":1,"language":"c","phases":[],"config_schema":{"type":"object"}}"#

    /// Compiles a small plugin whose manifest is `manifest`; more compiler arguments may follow.
    static func build(_ manifest: String? = goodManifest, entry: Bool = true, _ options: String...) throws -> String {
        let name = folder + "/" + UUID().uuidString
        let text =
            manifest.map {
                "SLUICE_MANIFEST(\"" + $0.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
                    + "\")\n"
            } ?? ""
        let code =
            "#include <sluice/sluice.h>\nstatic int32_t init(const sluice_host *h, void **s) { (void)h; (void)s; return 0; }\n"
            + "static const void *ext(void *s, const char *i) { (void)s; (void)i; return 0; }\nint touched = 3;\n"
        try (code + (entry ? "SLUICE_PLUGIN(init, NULL, ext)\n" : "void *use[] = {(void *)init, (void *)ext};\n") + text).write(
            toFile: name + ".c", atomically: true, encoding: .utf8)
        try run(["cc", "-O1", "-fPIC", "-shared", "-I\(root)/SDK/Sources/CSluiceABI/include", name + ".c", "-o", name + ".so"] + options)
        return name + ".so"
    }
    static let good = Result { try build() }

    @Test func saysWhatItIs() throws {
        let path = try Self.good.get()
        let i = try PluginInspector.inspect(path: path)
        #expect(
            i.name == "tiny" && i.version == "1.0.0" && i.abiMajor == 1 && i.phases == [] && i.language == "c" && !i.isSwift
                && i.failureMode == "closed")
        #expect(
            i.unloadPolicy == "unmap" && i.unloadReason == "" && i.manifestJSON == Self.goodManifest
                && i.configSchemaJSON == #"{"type":"object"}"#)
        let out = Pipe(), p = Process()
        p.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        p.arguments = ["sha256sum", path]
        p.standardOutput = out
        try p.run()
        let sum = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).prefix(64)
        #expect(i.sha256Hex == sum && i.digest64 == UInt64(sum.prefix(16), radix: 16))
    }

    @Test func strippedFilesAreFine() throws {
        #expect(try PluginInspector.inspect(path: try Self.build(Self.goodManifest, entry: true, "-s", "-Wl,--gc-sections")).name == "tiny")
    }

    private func reason(_ path: String) -> String {
        do { _ = try PluginInspector.inspect(path: path); return "accepted" } catch { return error.description }
    }
    private func reason(_ bytes: [UInt8]) -> String {
        do { _ = try PluginInspector.inspect(bytes: bytes); return "accepted" } catch { return error.description }
    }

    @Test func refusesWithTheReason() throws {
        #expect(reason("/nonexistent/x.so") == "/nonexistent/x.so: cannot open it: No such file or directory (2)")
        #expect(reason("/dev/null").contains("not a regular file") && reason("/tmp").contains("not a regular file"))
        #expect(reason("/bin/sh") != "accepted" && reason(#filePath).contains("not an ELF file"))
        #expect(reason(try Self.build(Self.goodManifest, entry: false)).contains("no entry symbol: it does not export sluice_plugin_v1"))
        #expect(reason(try Self.build(nil)).contains("no manifest: the file has no section .sluice.manifest"))
        #expect(reason(try Self.build("{oops")).contains("invalid manifest: line 1, column 2"))
        #expect(
            reason(try Self.build(Self.goodManifest.replacingOccurrences(of: "\"c\"", with: "\"swift\""))).contains("the manifest lies"))
        #expect(reason(try Self.build(Self.goodManifest, entry: true, "-Wl,-z,execstack")).contains("executable stack"))
        #expect(
            try PluginInspector.inspect(path: try Self.build(Self.goodManifest, entry: true, "-Wl,-z,nodelete")).unloadReason
                == "linked with -z nodelete")
        let big =
            "{\"name\":\"tiny\",\"version\":\"1.0.0\",\"abi\":1,\"phases\":[],\"config_schema\":{\"d\":\"\(String(repeating: "x", count: 17_000))\"}}"
        let literal =
            "__attribute__((section(\".sluice.manifest\"), used)) "
            + "static const char big[] = \"\(big.replacingOccurrences(of: "\"", with: "\\\""))\";\n"
        try literal.write(toFile: Self.folder + "/big.h", atomically: true, encoding: .utf8)
        #expect(reason(try Self.build(nil, entry: true, "-include", Self.folder + "/big.h")).contains("at most 16384 are allowed"))
    }

    @Test func refusesOtherMachinesAndKinds() throws {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: try Self.good.get())))
        func changed(_ at: Int, _ value: UInt8) -> String { var b = bytes; b[at] = value; return reason(b) }
        #expect(
            changed(4, 1).contains("32-bit") && changed(5, 2).contains("big-endian")
                && changed(18, 40).contains("wrong machine: ELF machine 40"))
        #expect(changed(16, 2).contains("ELF type 2") && changed(16, 1).contains("-shared"))
        #expect(reason([]).contains("not an ELF") && reason([0x7f, 0x45, 0x4c, 0x46]).contains("truncated: 4 bytes"))
    }

    @Test func swiftNeedsTheSharedRuntime() throws {
        let name = Self.folder + "/S" + "wift"
        try "public class A {}\n".write(toFile: name + ".swift", atomically: true, encoding: .utf8)
        let object = try Self.build(Self.goodManifest.replacingOccurrences(of: "\"c\"", with: "\"swift\""))
        let source = object.replacingOccurrences(of: ".so", with: ".c")
        try Self.run(["cc", "-c", "-fPIC", "-I\(Self.root)/SDK/Sources/CSluiceABI/include", source, "-o", name + ".o"])
        try Self.run(["swiftc", "-emit-library", "-module-name", "Tiny", name + ".swift", name + ".o", "-o", name + ".so"])
        let i = try PluginInspector.inspect(path: name + ".so")
        #expect(i.isSwift && i.language == "swift" && i.unloadPolicy == "park" && i.neededLibraries.contains("libswiftCore.so"))
        try Self.run([
            "swiftc", "-emit-library", "-static-stdlib", "-module-name", "Tiny", name + ".swift", name + ".o", "-o", name + "-static.so",
        ])
        #expect(reason(name + "-static.so").contains("Swift without the shared libswiftCore.so"))
    }

    /// A Swift file whose manifest is a constant, as the SDK's plugins have it; `also` stands behind it.
    private func swiftPlugin(_ manifest: String, _ also: String = "", _ options: String...) throws -> String {
        let name = Self.folder + "/K" + String(UInt32.random(in: 0..<UInt32.max))
        try "@section(\".sluice.manifest\") @used let manifest: StaticString = #\"\(manifest)\"#\n\(also)".write(
            toFile: name + ".swift", atomically: true, encoding: .utf8)
        let entry = try Self.build(nil).replacingOccurrences(of: ".so", with: ".c")
        try Self.run(["cc", "-c", "-fPIC", "-I\(Self.root)/SDK/Sources/CSluiceABI/include", entry, "-o", name + ".o"])
        try Self.run(
            [
                "swiftc", "-O", "-parse-as-library", "-enable-experimental-feature", "CompileTimeValues", "-emit-library", "-module-name",
                "Tiny",
            ]
                + [name + ".swift", name + ".o", "-o", name + ".so"] + options)
        return name + ".so"
    }

    @Test(arguments: ["gold", "lld"]) func aManifestMayBeASwiftConstant(linker: String) throws {
        let text = Self.goodManifest.replacingOccurrences(of: "\"c\"", with: "\"swift\"")
        let path = try swiftPlugin(text, "", "-use-ld=\(linker)", "-Xlinker", "--gc-sections")
        #expect(try PluginInspector.inspect(path: path).manifestJSON == text)
        #expect(reason(try swiftPlugin("{oops")).contains("invalid manifest: line 1, column 2"))
        // The length that the constant says is checked, and so is where its text lies.
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        let length = withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Array($0) }
        let places = bytes.indices.dropLast(8).filter { bytes[$0..<$0 + 8].elementsEqual(length) && bytes[$0 + 8] & 0xfd == 0 }
        var refusals: Set<String> = []
        for at in places {
            var b = bytes
            b[at + 2] = 1
            refusals.insert(reason(b))
        }
        #expect(refusals.contains { $0.contains("at most 16384 are allowed") })
    }

    @Test func swiftOfAnotherToolchainIsRefused() throws {
        let text = Self.goodManifest.replacingOccurrences(of: "\"c\"", with: "\"swift\"")
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: try swiftPlugin(text))))
        #expect(reason(bytes) == "accepted")
        let mark = Array("llvm-project.git ".utf8)
        let at = try #require(bytes.indices.dropLast(mark.count).first { bytes[$0..<$0 + mark.count].elementsEqual(mark) })
        bytes[at + mark.count] ^= 1
        #expect(reason(bytes).contains("Swift code of another toolchain: it was made with clang version"))
        let bare = try swiftPlugin(text)
        try Self.run(["objcopy", "-R", ".comment", bare])
        #expect(reason(bare).contains("Swift code of an unknown toolchain"))
    }

    @Test func truncationsAreRefused() throws {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: try Self.good.get())))
        for n in stride(from: 0, to: bytes.count - 1, by: 64) {
            #expect(reason(Array(bytes[..<n])) != "accepted", "\(n) of \(bytes.count) bytes")
        }
        #expect(reason(bytes) == "accepted")
    }

    @Test func mutationsNeverCrash() throws {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: try Self.good.get())))
        var random = Random(state: 88_172_645_463_325_252)
        let sections = Int(bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 40, as: UInt64.self) })
        var accepted = 0, refused = 0
        for k in 0..<5_000 {
            var b = bytes
            for _ in 0...random.next(5) {
                let at =
                    switch random.next(4) {
                    case 0: random.next(64)  // the header
                    case 1: 64 + random.next(1_600)  // program headers, hash, symbols
                    case 2: sections + random.next(bytes.count - sections)
                    default: random.next(bytes.count)
                    }
                b[at] = [0, 1, 0xff, 0x7f, 0x80, UInt8(random.next(256))][random.next(6)]
            }
            if k % 4 == 0 { b.removeLast(random.next(b.count)) }
            if reason(b) == "accepted" { accepted += 1 } else { refused += 1 }
        }
        #expect(accepted > 100 && refused > 1_000, "\(accepted) accepted, \(refused) refused")
    }
}
