// Where the SDK for plugin authors is, and what a plugin's folder is: for `sluice plugin new`, `build`, `test` and `dev`. Runs the system's
// compilers as they are; nothing here knows the gateway.
import CSluiceCrypto
import Foundation
import SluiceModel
import SluiceSystem

enum PluginSDK {
    /// The SDK's folder: $SLUICE_SDK, share/sluice/sdk of the installation, or SDK of the source tree that this program was built in.
    static func folder() throws -> String {
        if let given = ProcessInfo.processInfo.environment["SLUICE_SDK"] {
            guard isSDK(given) else {
                throw Complaint("SLUICE_SDK is \(quote(given)), which has no sluice-plugin.map; allowed: the folder of an SDK")
            }
            return FileIO.absolute(given)
        }
        var place = URL(fileURLWithPath: try ChildProcess.executablePath()).deletingLastPathComponent()
        while place.path != "/" {
            for below in ["share/sluice/sdk", "SDK"] where isSDK(place.appendingPathComponent(below).path) {
                return place.appendingPathComponent(below).path
            }
            place.deleteLastPathComponent()
        }
        throw Complaint("no SDK beside \(CommandLine.arguments[0]); allowed: an installed Sluice, or SLUICE_SDK=FOLDER")
    }

    private static func isSDK(_ path: String) -> Bool { access(path + "/sluice-plugin.map", R_OK) == 0 }

    /// The environment of compilers: pkg-config finds this SDK before any other.
    static func environment(_ sdk: String) -> [String: String] {
        var out = ProcessInfo.processInfo.environment
        out["SLUICE_SDK"] = sdk
        out["PKG_CONFIG_PATH"] = out["PKG_CONFIG_PATH"].map { sdk + ":" + $0 } ?? sdk
        return out
    }
}

enum PluginLanguage: String, CaseIterable { case c, swift }

/// A folder with a plugin's sources.
struct PluginProject {
    let folder: String
    let language: PluginLanguage
    let sdk: String

    init(_ path: String) throws {
        folder = FileIO.absolute(path)
        sdk = try PluginSDK.folder()
        if access(folder + "/Package.swift", R_OK) == 0 {
            language = .swift
        } else if access(folder + "/Makefile", R_OK) == 0 {
            language = .c
        } else {
            throw Complaint(
                "\(folder) has neither Makefile nor Package.swift; allowed: the folder of a plugin (sluice plugin new makes one)")
        }
    }

    /// Compiles it; messages of the compiler go to standard error as they are. Returns the path of the plugin.
    func build() throws -> String {
        switch language {
        case .c: try run("make", ["--no-print-directory", "-C", folder, "all"])
        case .swift:
            try run(
                "swift", ["build", "--package-path", folder, "-c", "release", "-Xlinker", "--version-script=\(sdk)/sluice-plugin.map"],
                ["SLUICE_MODULE_SUFFIX": "_" + (try sourcesDigest())])
        }
        return try product()
    }

    /// Runs its unit tests.
    func test() throws {
        switch language {
        case .c: try run("make", ["--no-print-directory", "-C", folder, "test"])
        case .swift: try run("swift", ["test", "--package-path", folder])
        }
    }

    /// The one .so that the build made; that of Swift is copied beside Package.swift under the plugin's name.
    private func product() throws -> String {
        let place = language == .c ? folder : folder + "/.build/release"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).filter { $0.hasSuffix(".so") }.sorted()
        guard names.count == 1 else {
            throw Complaint(
                "\(place) has \(names.count) files *.so\(names.isEmpty ? "" : ": " + names.joined(separator: ", ")); allowed: one")
        }
        let made = place + "/" + names[0]
        guard language == .swift else { return made }
        let name = names[0].hasPrefix("lib") ? String(names[0].dropFirst(3)) : names[0]
        let wanted = folder + "/" + name, fresh = wanted + ".new"
        try? FileManager.default.removeItem(atPath: fresh)
        do { try FileManager.default.copyItem(atPath: made, toPath: fresh) } catch {
            throw Complaint("\(wanted) cannot be written: \(error)")
        }
        guard rename(fresh, wanted) == 0 else { throw FileProblem("rename", fresh) }  // a mapped file must never be overwritten
        return wanted
    }

    /// Eight hex digits that change with the sources: the module's name ends with them, so that two generations never share type names.
    private func sourcesDigest() throws -> String {
        guard let all = FileManager.default.enumerator(atPath: folder + "/Sources") else { throw Complaint("\(folder) has no Sources") }
        var bytes: [UInt8] = []
        for path in all.compactMap({ $0 as? String }).filter({ $0.hasSuffix(".swift") || $0.hasSuffix(".c") || $0.hasSuffix(".h") })
            .sorted()
        {
            bytes += Array(path.utf8) + [0] + (try FileIO.read(folder + "/Sources/" + path, max: Self.sourceBytesMax)) + [0]
        }
        var digest = [UInt8](repeating: 0, count: 32)
        guard cs_sha256(bytes, bytes.count, &digest) == 1 else { throw Complaint("libcrypto refused to compute SHA-256") }
        return digest.prefix(4).map { String(format: "%02x", $0) }.joined()
    }
    static let sourceBytesMax = 4 << 20

    private func run(_ tool: String, _ arguments: [String], _ more: [String: String] = [:]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [tool] + arguments
        process.environment = PluginSDK.environment(sdk).merging(more) { _, new in new }
        process.standardOutput = FileHandle.standardError  // standard output is ours
        do { try process.run() } catch { throw Complaint("\(tool) cannot be started: \(error)") }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            if process.terminationStatus == 127 { throw Complaint("no program \(tool); install it") }
            throw Complaint("\(tool) \(arguments.last ?? "") failed (status \(process.terminationStatus))")
        }
    }
}
