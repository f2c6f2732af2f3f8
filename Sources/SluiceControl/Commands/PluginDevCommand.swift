// `sluice plugin dev`: builds a plugin, loads it into a running gateway, and does both again whenever a source file is saved. Errors of the
// compiler and refusals of the gateway are printed as they are; the generation that ran before goes on running then.
import ArgumentParser
import Foundation
import SluiceModel
import SluiceSystem

struct PluginDevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev", abstract: "Build and hot-replace a plugin on every save.",
        discussion: "Needs a running gateway with plugins_api: local. Ctrl-C ends it; the last good generation stays loaded.")
    @Argument(help: "The plugin's folder.") var folder = "."
    @Option(help: ArgumentHelp("Address of the admin API, as http://127.0.0.1:8082 or 127.0.0.1:8082 or unix:/path.", valueName: "url"))
    var gateway: String?
    @OptionGroup var option: AdminOption

    func run() async throws {
        try await Console.run {
            let address = try gateway.map(Self.address) ?? option.address()
            let project = try PluginProject(folder)
            let watch = try SourceWatch(project.folder)
            while true {
                round(project, address)
                try watch.wait()
            }
        }
    }

    static func address(_ url: String) throws -> String {
        guard !url.hasPrefix("https:") else { throw Complaint("found \(quote(url)); allowed: http, a host and port, or unix:/path") }
        var rest = url.hasPrefix("http://") ? String(url.dropFirst(7)) : url
        while rest.hasSuffix("/") && !rest.hasPrefix("unix:") { rest.removeLast() }
        return rest
    }

    /// One build and one load; whatever goes wrong is said, and the next save tries again.
    private func round(_ project: PluginProject, _ address: String) {
        let begun = ContinuousClock.now
        do {
            let path = try project.build()
            let built = ContinuousClock.now - begun
            let body = JSONValue.object([("path", .string(path))])
            let answer = try SocketClient.request(address, "POST", "/v1/plugins/load", body: Array(body.text().utf8))
            try Console.show(answer) { json in
                let what = "\(json["name"]?.string ?? "") \(json["version"]?.string ?? "")"
                return "built in \(Self.seconds(built)), loaded in \(Self.seconds(ContinuousClock.now - begun - built)): "
                    + "\(what) runs as generation \(json["generation"]?.int ?? 0)"
            }
        } catch let problem as ExitCode {
            Console.complain("not loaded (\(problem.rawValue)); what ran before runs on")
        } catch {
            Console.complain("sluice: \(error); what ran before runs on")
        }
        fflush(nil)
    }

    static func seconds(_ d: Duration) -> String {
        String(format: "%.2f s", Double(d.components.seconds) + Double(d.components.attoseconds) / 1e18)
    }
}

/// Waits for saved source files below a folder (inotify(7)). Build products and hidden folders do not count.
final class SourceWatch {
    static let endings = [".c", ".h", ".cc", ".cpp", ".hpp", ".swift", "/Makefile", "/Package.swift"]
    static let foldersMax = 1_024
    /// Editors write in several steps; a build starts when none came for this long.
    static let quietMs: Int32 = 80

    private let fd: Int32
    private var folders: [Int32: String] = [:]
    private let root: String
    private var seen: [String: String] = [:]

    init(_ root: String) throws {
        self.root = root
        fd = inotify_init1(0o2000000 | 0o4000)  // IN_CLOEXEC, IN_NONBLOCK
        guard fd >= 0 else { throw FileProblem("watch", root) }
        try add(root)
        seen = stamps()
    }
    deinit { close(fd) }

    private func add(_ folder: String) throws {
        guard folders.count < Self.foldersMax else {
            throw Complaint("\(root) has more than \(Self.foldersMax) folders; allowed: a plugin's sources")
        }
        let number = inotify_add_watch(fd, folder, UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_CREATE) | UInt32(IN_DELETE))
        guard number >= 0 else { throw FileProblem("watch", folder) }
        folders[number] = folder
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where !name.hasPrefix(".") {
            var isFolder: ObjCBool = false
            let path = folder + "/" + name
            if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue { try add(path) }
        }
    }

    /// Modification time and size of every source file.
    private func stamps() -> [String: String] {
        var out: [String: String] = [:]
        for folder in folders.values {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                let path = folder + "/" + name
                guard Self.endings.contains(where: { path.hasSuffix($0) }) else { continue }
                var info = stat()
                guard stat(path, &info) == 0 else { continue }
                out[path] = "\(info.st_mtim.tv_sec).\(info.st_mtim.tv_nsec) \(info.st_size)"
            }
        }
        return out
    }

    /// Returns when a source file has changed and then nothing for a moment.
    func wait() throws {
        while true {
            guard ready(-1) else { continue }
            repeat { drain() } while ready(Self.quietMs)
            for (number, folder) in folders where access(folder, F_OK) != 0 { folders[number] = nil }
            try add(root)  // new folders; those that are watched keep their number
            let now = stamps()
            if now != seen {
                seen = now
                return
            }
        }
    }

    private func ready(_ ms: Int32) -> Bool {
        var one = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        return poll(&one, 1, ms) > 0
    }
    private func drain() {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while read(fd, &buffer, buffer.count) > 0 {}
    }
}
