// Shared libraries that the configuration names for their typed functions: no plugins, just C functions (`functions:` in the file). Opened
// once a path and kept as long as a table names them. What a file must be is checked in SluiceInspect before the loader sees it.
import Glibc
import SluiceInspect
import SluiceModel
import SluiceRules

/// What the image says about one configured function.
struct FunctionSpec: Equatable {
    /// Absolute path of the private copy.
    var path: String
    /// First 8 bytes of the file's SHA-256; 0 = not checked.
    var digest: UInt64
    var symbol: String
    /// "geo.country"
    var name: String
    var signature: String
    var isPure: Bool
}

extension FunctionSpec {
    init(_ r: FunctionRecord, _ image: ImageView) {
        self.init(
            path: image.text(r.library).string, digest: r.digest, symbol: image.text(r.symbol).string, name: image.text(r.name).string,
            signature: image.text(r.signature).string, isPure: r.flags & FunctionRecord.pure != 0)
    }
}

/// One library in this process; unmapped when nobody names it any more.
final class FunctionLibrary {
    let path: String
    private let handle: UnsafeMutableRawPointer

    init(path: String, digest: UInt64) throws(PluginFailure) {
        let found: LibraryInspection
        do { found = try LibraryInspector.inspect(path: path) } catch { throw PluginFailure(error.description) }
        if digest != 0 && found.digest64 != digest { throw PluginFailure("\(path) is not the file that was checked: its digest differs") }
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw PluginFailure("cannot be loaded: \(dlerror().map { String(cString: $0) } ?? "unknown error of the loader")")
        }
        (self.path, self.handle) = (path, handle)
    }
    deinit { dlclose(handle) }

    func function(_ spec: FunctionSpec) throws(PluginFailure) -> TypedFunction {
        guard let address = dlsym(handle, spec.symbol) else { throw PluginFailure("\(path) exports no \"\(spec.symbol)\"") }
        do throws(FunctionError) {
            return try TypedFunction(
                name: spec.name, signature: try FunctionSignature(spec.signature), isPure: spec.isPure, function: address)
        } catch { throw PluginFailure(error.description) }
    }
}

/// The functions that the rules of one table may call: those of its plugins and those of the configuration. Names are unique.
struct FunctionTable {
    private(set) var all: [String: TypedFunction] = [:]
    /// Who declared a name, for messages.
    private var owners: [String: String] = [:]
    /// Kept open as long as the table lives.
    private var libraries: [FunctionLibrary] = []

    /// A plugin's own. Of two generations that serve at once (a canary) the first one's are called.
    mutating func add(_ functions: [TypedFunction], plugin: PluginSpec) throws(PluginFailure) {
        for f in functions where owners[f.name] != "plugin \(plugin.name)" { try add(f, of: "plugin \(plugin.name)") }
    }

    private mutating func add(_ f: TypedFunction, of owner: String) throws(PluginFailure) {
        if let other = owners[f.name] {
            throw PluginFailure("function \(f.name) is declared by \(owner) and by \(other); a name has one meaning")
        }
        owners[f.name] = owner
        all[f.name] = f
    }

    /// Opens what is not open in `known`, the libraries of older tables.
    mutating func add(_ specs: [FunctionSpec], known: [FunctionLibrary]) throws(PluginFailure) {
        for (i, spec) in specs.enumerated() {
            do throws(PluginFailure) {
                let library: FunctionLibrary
                if let open = (libraries + known).first(where: { $0.path == spec.path }) {
                    library = open
                } else {
                    library = try FunctionLibrary(path: spec.path, digest: spec.digest)
                }
                if !libraries.contains(where: { $0 === library }) { libraries.append(library) }
                try add(try library.function(spec), of: "the configuration")
            } catch { throw PluginFailure("functions[\(i)]: \(error.description)") }
        }
    }
    var openLibraries: [FunctionLibrary] { libraries }
}
