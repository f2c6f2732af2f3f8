// The examples of docs/plugins-swift.md compile as they stand, and its test passes the compiler together with the example it is of. Skipped
// where the SDK stands without the documentation, as in an installation.
import Foundation
import Testing

@Suite struct DocumentationTests {
    static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/plugins-swift.md")
    static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../Sources").standardized.path

    /// Contents of the blocks that open with ```swift, by number from 1, and for a test the number of what it is of.
    static func blocks() throws -> [(text: String, of: Int?)] {
        var blocks: [(text: String, of: Int?)] = []
        var open: (lines: [Substring], of: Int?)?
        for line in try String(contentsOf: page, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false) {
            if let block = open {
                if line == "```" {
                    blocks.append((block.lines.joined(separator: "\n") + "\n", block.of))
                    open = nil
                } else {
                    open!.lines.append(line)
                }
            } else if line == "```swift" || line.hasPrefix("```swift test of ") {
                open = ([], line.split(separator: " ").last.flatMap { Int($0) })
            }
        }
        return blocks
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: page.path), "docs/plugins-swift.md is not beside this SDK"))
    func examplesCompile() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-docs-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let blocks = try Self.blocks()
        #expect(blocks.count >= 6)
        for (i, block) in blocks.enumerated() {
            var files: [String] = []
            for (n, text) in [(i + 1, block.text)] + (block.of.map { [($0, blocks[$0 - 1].text)] } ?? []) {
                let file = folder.appending(path: "example\(n).swift")
                try text.write(to: file, atomically: true, encoding: .utf8)
                files.append(file.path)
            }
            let said = try Self.compile(files)
            #expect(said == "", "example \(i + 1) of docs/plugins-swift.md:\n\(said)")
        }
    }

    /// What the compiler complains about; empty when it is content.
    static func compile(_ files: [String]) throws -> String {
        let built = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments =
            [
                "swiftc", "-typecheck", "-parse-as-library", "-swift-version", "6", "-module-name", "Example", "-I",
                built.appending(path: "Modules").path,
            ]
            + ["-enable-upcoming-feature", "NonisolatedNonsendingByDefault", "-Xcc", "-I\(sources)/CSluiceABI/include"]
            + ["CSluiceABI", "CSluiceSwift", "../Fake/crypto"].flatMap {
                ["-Xcc", "-fmodule-map-file=\(sources)/\($0)/include/module.modulemap"]
            }
            + (files.count == 1 ? ["-enable-experimental-feature", "CompileTimeValues"] : []) + files
        let pipe = Pipe()
        (compiler.standardError, compiler.standardOutput) = (pipe, pipe)
        try compiler.run()
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        compiler.waitUntilExit()
        return compiler.terminationStatus == 0 ? "" : said + "\n(status \(compiler.terminationStatus); \(built.path))"
    }
}
