// Addresses of a fault record as names: which function of which file, Swift names made readable. Reads files, so never on a task's thread.
import Foundation
import SluiceInspect
import SluiceShared

/// One line of a stack.
struct StackFrame: Codable, Sendable, Equatable {
    /// Address in memory, hexadecimal.
    var address: String
    /// Path of the file that owns it, if known.
    var module: String?
    /// Address in that file, hexadecimal.
    var offset: String?
    /// Function, demangled, and how far into it: "parse(_:)+0x2c".
    var symbol: String?

    /// "hello_init+0x12", else "libx.so+0x1234", else the bare address.
    var short: String {
        if let symbol { return symbol }
        if let module, let offset { return (module as NSString).lastPathComponent + "+" + offset }
        return address
    }
}

/// Reads each file once.
struct Symbolizer {
    private var tables: [String: SymbolTable?] = [:]

    /// - Parameter record: valid during the call.
    mutating func stack(of record: UnsafePointer<FaultRecord>) -> [StackFrame] {
        let modules = record.modules
        return record.frames.enumerated().map { index, frame in
            var out = StackFrame(address: Self.hex(frame.address))
            guard let module = frame.module.map({ modules[$0] }) else { return out }
            let inside = frame.address &- module.base
            out.module = module.path
            out.offset = Self.hex(inside)
            // A return address may be the first byte behind its function: the call is what is looked for.
            if let found = table(module.path)?.find(index == 0 ? inside : inside &- 1) {
                out.symbol = Self.demangled(found.name) + "+" + Self.hex(found.offset + (index == 0 ? 0 : 1))
            }
            return out
        }
    }

    private mutating func table(_ path: String) -> SymbolTable? {
        if let known = tables[path] { return known }
        let new = path.hasPrefix("/") ? try? SymbolTable(path: path) : nil
        tables[path] = .some(new)
        return new
    }

    static func hex(_ n: UInt64) -> String { "0x" + String(n, radix: 16) }

    /// A Swift name in its readable form; others as they are.
    static func demangled(_ name: String) -> String {
        guard name.hasPrefix("$s") || name.hasPrefix("$S") || name.hasPrefix("_$s"),
            let text = name.withCString({ swiftDemangle($0, UInt(strlen($0)), nil, nil, 0) })
        else { return name }
        defer { free(text) }
        return String(cString: text)
    }
}

/// Of libswiftCore; the result is malloc'ed. (swift/Demangling: `swift_demangle`)
@_silgen_name("swift_demangle")
private func swiftDemangle(
    _ name: UnsafePointer<CChar>?, _ length: UInt, _ room: UnsafeMutablePointer<CChar>?, _ size: UnsafeMutablePointer<UInt>?,
    _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?
