// The typed functions that a generation declares (sluice.rule-functions/1), checked: names, signatures, addresses. Nothing of the list is
// believed that can be checked. Which of them rules may call is decided per table, in `FunctionTable.swift`.
import CSluiceABI
import Glibc
import SluiceModel
import SluiceRules

enum RuleFunctions {
    /// - Parameters:
    ///   - raw: the plugin's table; nil = it has none.
    ///   - plugin: its name; the default space.
    static func read(_ raw: UnsafeRawPointer?, plugin: String) throws(PluginFailure) -> [TypedFunction] {
        guard let raw else { return [] }
        var table = sluice_rule_functions_v1()
        try FilterTable.read(raw, SLUICE_RULE_FUNCTIONS_1, &table)
        let stride = Int(table.function_size)
        guard table.count <= UInt32(Limits.functionsPerPluginMax) else {
            throw refusal("\(table.count) functions; at most \(Limits.functionsPerPluginMax)")
        }
        if table.count == 0 { return [] }
        guard let list = table.functions, stride >= MemoryLayout<sluice_rule_function>.size, stride <= 4_096, stride % 8 == 0,
            Int(bitPattern: list) % 8 == 0
        else {
            throw refusal("its list has no address, or functions of \(stride) bytes; \(MemoryLayout<sluice_rule_function>.size) are known")
        }
        var found: [TypedFunction] = []
        for i in 0..<Int(table.count) {
            var one = sluice_rule_function()
            memcpy(&one, UnsafeRawPointer(list) + i * stride, MemoryLayout<sluice_rule_function>.size)
            do throws(FunctionError) { found.append(try function(one, plugin)) } catch {
                throw refusal("functions[\(i)]: \(error.description)")
            }
            if found.dropLast().contains(where: { $0.name == found[i].name }) {
                throw refusal("functions[\(i)]: \(found[i].name) is declared twice")
            }
        }
        return found
    }

    private static func refusal(_ text: String) -> PluginFailure { PluginFailure("its \(SLUICE_RULE_FUNCTIONS_1): \(text)") }

    private static func function(_ f: sluice_rule_function, _ plugin: String) throws(FunctionError) -> TypedFunction {
        let word = try text(f.name, "name", Limits.functionNameBytesMax)
        let space = f.space == nil ? String(plugin.map { $0 == "-" ? "_" : $0 }) : try text(f.space, "space", Limits.functionNameBytesMax)
        let name = "\(space).\(word)"
        let signature = try FunctionSignature(try text(f.signature, "\(name): signature", Limits.functionSignatureBytesMax))
        guard let address = f.function else { throw FunctionError("\(name): its function is NULL") }
        guard f.flags & ~UInt32(SLUICE_FUNCTION_PURE) == 0 else {
            throw FunctionError("\(name): unknown flags 0x\(String(f.flags, radix: 16)); known: SLUICE_FUNCTION_PURE (1)")
        }
        return try TypedFunction(
            name: name, signature: signature, isPure: f.flags & UInt32(SLUICE_FUNCTION_PURE) != 0,
            function: unsafeBitCast(address, to: UnsafeMutableRawPointer.self))
    }

    private static func text(_ p: UnsafePointer<CChar>?, _ what: String, _ bytesMax: Int) throws(FunctionError) -> String {
        guard let p else { throw FunctionError("\(what) is NULL") }
        guard strnlen(p, bytesMax + 1) <= bytesMax else { throw FunctionError("\(what) has more than \(bytesMax) bytes") }
        guard let text = String(validatingCString: p) else { throw FunctionError("\(what) is not UTF-8") }
        return text
    }
}
