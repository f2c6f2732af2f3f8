// Typed C functions called with values of expressions: every type both ways, and what no C function takes.
import Foundation
import SluiceBytes
import SluiceCEL
import SluiceModel
import SluiceRules
import Testing

@Suite struct FunctionValueTests {
    private func call(_ symbol: String, _ signature: String, _ arguments: [Value], _ check: (Value) -> Void) throws {
        let f = try TypedFunction(
            name: "test.\(symbol)", signature: try FunctionSignature(signature), isPure: false,
            function: dlsym(TypedFunctionTests.library, symbol)!)
        var pool = BlockPool(blockSize: 4096)
        withUnsafeMutablePointer(to: &pool) { pool in
            var arena = Arena(pool: pool)
            withUnsafeMutablePointer(to: &arena) { arena in
                arguments.withUnsafeBufferPointer { list in
                    let none = [Value.bool(false)]
                    none.withUnsafeBufferPointer { check(f.call(list.baseAddress ?? $0.baseAddress!, count: list.count, arena: arena)) }
                }
            }
            arena.reset()
            pool.pointee.trim()
            pool.pointee.trim()
        }
    }
    private func ip(_ text: String) -> Value {
        let a = IPAddress(text)!
        return .ip(high: a.high, low: a.low, isIPv4: a.isIPv4)
    }

    @Test func valuesPassBothWays() throws {
        try call("country", "string(ip)", [ip("10.1.2.3")]) { #expect($0.view.string == "DE") }
        try call("network", "ip(ip, int)", [ip("10.1.2.3"), .int(112)]) { #expect(ValueText.literal($0) == "ip(\"10.1.0.0\")") }
        try call("network", "ip(ip, int)", [ip("2001:db8:1::3"), .int(32)]) { #expect(ValueText.literal($0) == "ip(\"2001:db8::\")") }
        try call("longer", "bool(string, int)", [.string(ByteView("abc")), .int(2)]) { #expect($0.isTrue) }
        try call("scale", "double(bool, double, int)", [.bool(true), .double(2.5), .int(-4)]) { #expect(ValueText.literal($0) == "-10.0") }
        try call("fill", "bytes(int)", [.int(3)]) { #expect(ValueText.literal($0) == "b\"xxx\"") }
    }

    @Test func whatDoesNotFitIsAnError() throws {
        try call("country", "string(ip)", [ip("fe80::1")]) { #expect($0.error == .functionFailed) }
        try call("lie", "string()", []) { #expect($0.error == .functionFailed) }
        try call("longer", "bool(string, int)", [.int(1), .int(2)]) { #expect($0.error == .noSuchOverload) }
        try call("longer", "bool(string, int)", [.string(ByteView("a"))]) { #expect($0.error == .noSuchOverload) }
        try call("longer", "bool(string, int)", [.null, .int(2)]) { #expect($0.error == .noSuchOverload) }
        try call("count", "int()", Array(repeating: .int(1), count: 9)) { #expect($0.error == .noSuchOverload) }
    }
}
