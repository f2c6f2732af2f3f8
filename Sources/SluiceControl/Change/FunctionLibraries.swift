// Private copies of the libraries that `functions:` names. A copy is called by its digest, so that a path never changes its content and
// what workers have mapped is never written to. Inspecting is SluiceInspect's; their code runs in the trial process before it does in workers.
import Foundation
import SluiceInspect
import SluiceModel
import SluiceRules

enum FunctionLibraries {
    /// Copies that are kept beside those in use, for workers that start again with an older image.
    static let sparesMax = 32

    /// What is wrong with a configured function as far as its library goes; nil: nothing.
    static func problem(_ source: FunctionSource, configFolder: String) -> String? {
        let file = FileIO.absolute(source.library, from: configFolder)
        do throws(InspectError) {
            let found = try LibraryInspector.inspect(path: file)
            if found.exports.contains(source.symbol) { return nil }
            let names = found.exports.sorted()
            return
                "\(file) exports no \(quote(source.symbol)); it has \(names.prefix(8).joined(separator: ", "))\(names.count > 8 ? ", …" : "")"
        } catch { return error.description }
    }

    /// Copies what is not there yet and inspects the copies.
    /// - Returns: by the path as configured.
    static func stage(_ functions: [FunctionSource], configFolder: String, stateDirectory: String) throws -> [String: LibraryArtifact] {
        if functions.isEmpty { return [:] }
        let folder = stateDirectory + "/functions"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var out: [String: LibraryArtifact] = [:]
        for library in Set(functions.map(\.library)) {
            let source = FileIO.absolute(library, from: configFolder)
            let bytes = try FileIO.read(source, max: Limits.pluginFileBytesMax)
            let found: LibraryInspection
            do { found = try LibraryInspector.inspect(bytes: bytes) } catch { throw FileProblem(text: "\(source): \(error)") }
            let copy = "\(folder)/\(found.sha256Hex.prefix(32)).so"
            if (try? LibraryInspector.inspect(path: copy))?.sha256Hex != found.sha256Hex {
                try FileIO.replace(copy, with: bytes, mode: 0o500)
            }
            out[library] = LibraryArtifact(path: copy, digest: found.digest64, exports: found.exports)
        }
        removeOld(folder, keeping: Set(out.values.map(\.path)))
        return out
    }

    /// What a worker would open for this image: a trial for each library.
    /// - Parameter functions: the configuration's, in whose order the image has them.
    static func trials(_ functions: [FunctionSource], image: [UInt8]) -> [ProbeRequest] {
        if functions.isEmpty { return [] }
        return image.withUnsafeBytes { bytes in
            guard let view = try? ImageView(base: bytes.baseAddress!, count: bytes.count) else { return [] }
            var found: [ProbeRequest] = []
            for record in view.functions {
                let path = view.text(record.library).string
                let function = ProbeRequest.Function(
                    symbol: view.text(record.symbol).string, name: view.text(record.name).string,
                    signature: view.text(record.signature).string)
                if let i = found.firstIndex(where: { $0.path == path }) {
                    found[i].functions.append(function)
                } else {
                    found.append(ProbeRequest(path: path, name: "", generation: 0, digest: record.digest, functions: [function]))
                }
            }
            return found
        }
    }

    /// The oldest copies go when there are more spares than `sparesMax`; those in use stay.
    private static func removeOld(_ folder: String, keeping: Set<String>) {
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).map { folder + "/" + $0 }
        let spares = files.filter { !keeping.contains($0) && $0.hasSuffix(".so") }.sorted { modified($0) < modified($1) }
        for file in spares.dropLast(sparesMax) { unlink(file) }
    }
    private static func modified(_ path: String) -> Int {
        var info = stat()
        return stat(path, &info) == 0 ? info.st_mtim.tv_sec : 0
    }
}
