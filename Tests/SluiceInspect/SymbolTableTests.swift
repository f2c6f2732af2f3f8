// Functions by address, against the loader's own answer; and files that are damaged anywhere.
import Foundation
import Testing

@testable import SluiceInspect

@Suite struct SymbolTableTests {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-symbols-\(UUID().uuidString)").path

    func compiled(_ options: [String] = []) throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let source = folder + "/a.c", out = folder + "/a.so"
        try "int first(int x) { return x * 3 + 1; }\nint second(int x) { return first(x) - 7; }\n".write(
            toFile: source, atomically: true, encoding: .utf8)
        let p = Process()
        p.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        p.arguments = ["cc", "-O1", "-fPIC", "-shared"] + options + ["-o", out, source]
        try p.run()
        p.waitUntilExit()
        #expect(p.terminationStatus == 0)
        return out
    }

    @Test(arguments: [[], ["-s"]]) func namesAreTheLoaders(options: [String]) throws {
        let path = try compiled(options)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let handle = try #require(dlopen(path, RTLD_NOW)), second = try #require(dlsym(handle, "second"))
        defer { dlclose(handle) }
        var info = Dl_info()
        #expect(dladdr(second, &info) != 0)
        let inside = UInt64(UInt(bitPattern: second) - UInt(bitPattern: info.dli_fbase))
        let table = try SymbolTable(path: path)
        let start = try #require(table.find(inside)), later = try #require(table.find(inside + 3))
        #expect(start.name == "second" && start.offset == 0 && later.name == "second" && later.offset == 3)
        #expect(table.find(inside + 1 << 40) == nil && table.find(0) == nil)
    }

    @Test func damagedFilesAreRefusedOrRead() throws {
        let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: try compiled())))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/damaged"
        var random = SystemRandomNumberGenerator(), refused = 0
        for round in 0..<400 {
            var bytes = whole
            if round % 4 == 0 { bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random)) }
            for _ in 0..<8 where !bytes.isEmpty {
                // The header and the section headers are where damage matters.
                let low = Bool.random() ? 0..<min(64, bytes.count) : max(0, bytes.count - 2_000)..<bytes.count
                bytes[Int.random(in: low, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            do throws(InspectError) {
                let table = try SymbolTable(path: path)
                for address in stride(from: UInt64(0), through: 0x4000, by: 64) { _ = table.find(address) }
            } catch { refused += 1 }
        }
        #expect(refused > 50)
    }
}
