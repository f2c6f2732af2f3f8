// Typed C functions that the configuration declares for rules, beside those that plugins bring along.

public struct FunctionSource: Sendable, Equatable {
    /// Path of the shared library, relative to the configuration file's folder.
    public var library: String
    /// The C function in it.
    public var symbol: String
    /// As rules call it: "geo.country".
    public var name: String
    /// "string(ip)"; types: bool int double string bytes ip.
    public var signature: String
    /// Same arguments, same result, no effect.
    public var isPure = false
    public init(library: String, symbol: String, name: String, signature: String) {
        (self.library, self.symbol, self.name, self.signature) = (library, symbol, name, signature)
    }

    /// What is wrong with a name or a signature; nil: nothing.
    static func problem(_ text: String, _ form: SchemaText) -> String? {
        do throws(FunctionError) {
            if form == .functionName { try FunctionName.check(text) } else { _ = try FunctionSignature(text) }
            return nil
        } catch { return error.description }
    }
}
