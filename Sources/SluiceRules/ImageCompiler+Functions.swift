// Typed functions of the configuration: their records in the image, how they are compiled and checked. What a worker makes of them is in
// SluicePlugins (FunctionLibrary); names and signatures are read by `FunctionSignature.swift`.
import SluiceModel

/// One configured function.
@frozen public struct FunctionRecord {
    /// Absolute path of the private copy to load.
    public var library = ImageText()
    public var symbol = ImageText()
    /// "geo.country"
    public var name = ImageText()
    public var signature = ImageText()
    /// First 8 bytes of the copy's SHA-256.
    public var digest: UInt64 = 0
    public var flags: UInt32 = 0
    public var reserved: UInt32 = 0
    public init() {}
    /// Same arguments, same result, no effect.
    public static let pure: UInt32 = 1
}

/// What the builder needs to know about a library whose functions are named.
public struct LibraryArtifact: Sendable, Equatable {
    /// Absolute path of the private copy.
    public var path: String
    public var digest: UInt64
    /// What it exports.
    public var exports: Set<String>
    public init(path: String, digest: UInt64, exports: Set<String>) { (self.path, self.digest, self.exports) = (path, digest, exports) }
}

extension ImageView {
    public var functions: UnsafeBufferPointer<FunctionRecord> { records(header.pointee.functions) }
}

extension ImageCompiler {
    mutating func compileFunctions() throws(ImageError) {
        let list = configuration.functions
        functions = []
        if list.count > Limits.configuredFunctionsMax {
            throw ImageError(path: "functions", found: "\(list.count) functions", allowed: "at most \(Limits.configuredFunctionsMax)")
        }
        for (i, f) in list.enumerated() {
            let path = "functions[\(i)]"
            if let first = list[..<i].firstIndex(where: { $0.name == f.name }) {
                throw ImageError(
                    path: path + ".name", found: "\"\(f.name)\" a second time", allowed: "each name once; functions[\(first)] has it")
            }
            do throws(FunctionError) {
                try FunctionName.check(f.name)
                _ = try FunctionSignature(f.signature)
            } catch { throw ImageError(path: path, found: error.description, allowed: "what the message says") }
            guard let library = input.library(f.library), library.path.hasPrefix("/"), library.path.utf8.count <= 4095 else {
                throw ImageError(
                    path: path + ".library", found: "no library \"\(f.library)\"", allowed: "a shared library that was found and checked")
            }
            guard library.exports.contains(f.symbol) else {
                throw ImageError(
                    path: path + ".symbol", found: "\"\(f.symbol)\", which \(f.library) does not export",
                    allowed: library.exports.sorted().prefix(8).joined(separator: ", ") + (library.exports.count > 8 ? ", …" : ""))
            }
            var r = FunctionRecord()
            r.library = tail.add(library.path)
            r.symbol = tail.add(f.symbol)
            r.name = tail.add(f.name)
            r.signature = tail.add(f.signature)
            r.digest = library.digest
            r.flags = f.isPure ? FunctionRecord.pure : 0
            functions.append(r)
        }
    }
}

extension ImageCheck {
    func checkFunctions() throws(ImageError) {
        for (i, f) in view.functions.enumerated() {
            for t in [f.library, f.symbol, f.name, f.signature] { try text(t, "functions", i) }
        }
        try need(
            view.functions.count <= Limits.configuredFunctionsMax, "functions", "\(view.functions.count)",
            "at most \(Limits.configuredFunctionsMax)")
    }
}
