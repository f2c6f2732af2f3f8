// What the figures need around them: an image mapped as a worker has it, and a plugin with empty hooks that the system's C compiler
// makes of the tests' fixture. Nothing here is timed.
import Glibc
import SluiceModel
import SluicePlugins
import SluiceRules
import SluiceSystem

func imageBytes(
    _ configuration: Configuration, plugin: @escaping (String) -> PluginArtifact? = { _ in nil }, cache: ImageCache = ImageCache()
) throws -> [UInt8] {
    try ImageBuilder(
        configuration: configuration, revision: 1, resolve: { _ in [] }, routeSlot: { _ in 0 }, plugin: plugin, configPath: ""
    ).build(cache)
}

/// In a sealed memory file that stays mapped until the process ends.
func mappedImage(_ configuration: Configuration, plugin: @escaping (String) -> PluginArtifact? = { _ in nil }) throws -> (
    view: ImageView, size: Int
) {
    var c = configuration
    c.listeners = [Listener(address: "127.0.0.1:80")]
    let bytes = try imageBytes(c, plugin: plugin)
    let file = try bytes.withUnsafeBytes { raw throws(SystemError) in try MemoryFile.sealed("sluice-microbench", raw) }
    defer { Descriptor.close(file) }
    let mapping = try Mapping(file, count: bytes.count, writable: false)
    return (try ImageView(base: UnsafeRawPointer(mapping.base), count: bytes.count), bytes.count)
}

struct TemporaryFolder {
    let path: String

    init() throws {
        var name = Array("/tmp/sluice-microbench-XXXXXX".utf8CString)
        guard let made = mkdtemp(&name) else { throw BenchFailure("cannot make a folder in /tmp: errno \(errno)") }
        path = String(cString: made)
    }
    func remove() {
        unlink(path + "/empty.so")
        rmdir(path)
    }

    /// Variant EMPTY of Tests/Kit/plugins/fixture.c, optimised like the bundled plugins.
    /// A variant of fixture.c as a plugin of its own name.
    func compile(_ name: String, variant: String, phases named: [String], concurrency: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined(), output = path + "/\(name).so"
        let phases = named.map { "\\\"\($0)\\\"" }.joined(separator: ",")
        let child = try ChildProcess.spawn(
            "/usr/bin/env",
            [
                "env", "cc", "-std=gnu17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-I\(root)/SDK/Sources/CSluiceABI/include",
                "-DVARIANT=\(variant)", "-DNAME=\"\(name)\"", "-DPHASES=\"\(phases)\"",
                "-DEXTRA=\",\\\"concurrency\\\":\\\"\(concurrency)\\\"\"", "\(root)/Tests/Kit/plugins/fixture.c", "-o", output,
                "-Wl,--version-script=\(root)/SDK/sluice-plugin.map",
            ], descriptors: [(ours: 1, theirs: 1), (ours: 2, theirs: 2)])
        guard try ChildProcess.wait(child) == .exited(0) else { throw BenchFailure("cc could not compile Tests/Kit/plugins/fixture.c") }
        return output
    }
}
