// Typed C functions: signatures as people write them, and calls with every type in both directions, of a library that the system's C
// compiler makes of Tests/Kit/plugins/functions.c.
import Foundation
import SluiceBytes
import SluiceModel
import SluiceRules
import Testing

@Suite struct FunctionSignatureTests {
    @Test(arguments: [
        ("string(ip)", "string(ip)"), ("bool( string ,int)", "bool(string, int)"), ("int()", "int()"), ("double( )", "double()"),
        (" bytes (bytes,ip,double,bool,int,string,ip,ip)", "bytes(bytes, ip, double, bool, int, string, ip, ip)"),
    ]) func good(_ text: String, _ shown: String) throws { #expect(try FunctionSignature(text).description == shown) }

    @Test(arguments: [
        ("", "not of the form"), ("string", "not of the form"), ("string(ip", "not of the form"), ("string(ip))", "not of the form"),
        ("string((ip)", "not of the form"), ("string(ip) x", "not of the form"), ("text(ip)", "the result has the unknown type \"text\""),
        ("string(ip,)", "argument 2 has the unknown type \"\"; known: bool int double string bytes ip"),
        ("string(IP)", "argument 1 has the unknown type \"IP\""), ("void()", "unknown type \"void\""),
        ("int(int,int,int,int,int,int,int,int,int)", "9 arguments; at most 8"),
        ("int(" + String(repeating: " ", count: 125) + ")", "at most 128"),
    ]) func bad(_ text: String, _ part: String) {
        let error = #expect(throws: FunctionError.self) { try FunctionSignature(text) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }

    @Test func argumentsAreCompared() throws {
        let s = try FunctionSignature("bool(string, int)")
        #expect(s.mismatch([.string, .int]) == nil)
        #expect(s.mismatch([.string]) == "1 arguments; bool(string, int) takes 2")
        #expect(s.mismatch([.string, .double]) == "argument 2 is a double; bool(string, int) takes a int")
    }

    @Test(arguments: ["country", "geo.", ".a", "a.b.c", "Geo.a", "geo.a-b", "1.a", "request.a", "g." + String(repeating: "a", count: 65)])
    func badNames(_ name: String) { #expect(throws: FunctionError.self) { try FunctionName.check(name) } }
    @Test(arguments: ["geo.country", "a.b", "a1_.b2_"]) func goodNames(_ name: String) throws { try FunctionName.check(name) }
}

@Suite struct TypedFunctionTests {
    nonisolated(unsafe) static let library: UnsafeMutableRawPointer = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-functions-\(getpid()).so").path
        let cc = Process()
        cc.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        cc.arguments = [
            "cc", "-std=gnu17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-I\(root)/SDK/Sources/CSluiceABI/include",
            root + "/Tests/Kit/plugins/functions.c", "-o", path,
        ]
        try! cc.run()
        cc.waitUntilExit()
        defer { unlink(path) }
        return dlopen(path, RTLD_NOW)!
    }()

    /// Calls `symbol` with an arena of its own and looks at the result before it goes.
    private func call(_ symbol: String, _ signature: String, _ arguments: [FunctionValue], used: Int = 0, _ check: (FunctionResult) -> Void)
        throws
    {
        let f = try TypedFunction(
            name: "test.\(symbol)", signature: try FunctionSignature(signature), isPure: false, function: dlsym(Self.library, symbol)!)
        var pool = BlockPool(blockSize: 4096)
        withUnsafeMutablePointer(to: &pool) { pool in
            var arena = Arena(pool: pool)
            if used > 0 { _ = arena.allocate(used) }
            withUnsafeMutablePointer(to: &arena) { arena in arguments.withUnsafeBufferPointer { check(f.call($0, arena: arena)) } }
            arena.reset()
            pool.pointee.trim()
            pool.pointee.trim()
        }
    }
    private func text(_ r: FunctionResult) -> String? {
        switch r {
        case .value(.string(let v)), .value(.bytes(let v)): v.string
        default: nil
        }
    }
    private func wrong(_ what: String) { Issue.record("\(what)") }
    private func ip(_ text: String) -> FunctionValue { .ip(FunctionAddress(IPAddress(text)!)) }

    @Test func addressesGoInAndTextComesOut() throws {
        try call("country", "string(ip)", [ip("10.1.2.3")]) { #expect(text($0) == "DE") }
        try call("country", "string(ip)", [ip("11.1.2.3")]) { #expect(text($0) == "FR") }
        try call("country", "string(ip)", [ip("2001:db8::1")]) { #expect(text($0) == "") }
        try call("country", "string(ip)", [ip("fe80::1")]) { r in if case .none = r {} else { wrong("\(r)") } }
    }

    @Test func addressesComeOut() throws {
        for (given, bits, wanted) in [("10.1.2.3", 112, "10.1.0.0"), ("2001:db8:1:2::3", 32, "2001:db8::")] {
            try call("network", "ip(ip, int)", [ip(given), .int(Int64(bits))]) { r in
                guard case .value(.ip(let a)) = r else { return wrong("\(r)") }
                #expect(a.address == IPAddress(wanted)!)
            }
        }
    }

    @Test func numbersAndTruthPass() throws {
        try call("longer", "bool(string, int)", [.string(ByteView("abc")), .int(2)]) { r in
            guard case .value(.bool(true)) = r else { return wrong("7 counts as true: \(r)") }
        }
        try call("longer", "bool(string, int)", [.string(ByteView("abc")), .int(Int64.max)]) { r in
            guard case .value(.bool(false)) = r else { return wrong("\(r)") }
        }
        try call("scale", "double(bool, double, int)", [.bool(true), .double(2.5), .int(-4)]) { r in
            guard case .value(.double(-10)) = r else { return wrong("\(r)") }
        }
        try call("count", "int()", []) { r in guard case .value(.int(-3_000_000_000)) = r else { return wrong("\(r)") } }
    }

    @Test func eightArgumentsPass() throws {
        let list: [FunctionValue] = [
            .bool(true), .int(-5), .double(1.5), .string(ByteView("s t")), .bytes(ByteView("y")), ip("::7"), .double(-0.25), .int(9),
        ]
        try call("all", "bytes(bool, int, double, string, bytes, ip, double, int)", list) {
            #expect(text($0) == "1|-5|1.5|s t|y|7|-0.25|9")
        }
    }

    @Test func resultsAreBoundedAndCopied() throws {
        try call("fill", "string(int)", [.int(65_536)]) { #expect(text($0)?.utf8.count == 65_536) }
        try call("fill", "string(int)", [.int(65_537)]) { r in guard case .broken = r else { return wrong("\(r)") } }
        try call("lie", "string()", []) { r in guard case .broken = r else { return wrong("\(r)") } }
        try call("fill", "bytes(int)", [.int(100)], used: Arena.bytesMax) { r in guard case .noMemory = r else { return wrong("\(r)") } }
        let f = try TypedFunction(
            name: "test.all", signature: FunctionSignature(result: .string, arguments: [.int]), isPure: true,
            function: dlsym(Self.library, "fill")!)
        var pool = BlockPool(blockSize: 4096)
        withUnsafeMutablePointer(to: &pool) { pool in
            var arena = Arena(pool: pool)
            let first = [FunctionValue.int(3)].withUnsafeBufferPointer { f.call($0, arena: &arena) }
            memset(dlsym(Self.library, "data")!, 0, 8)
            _ = [FunctionValue.int(5)].withUnsafeBufferPointer { f.call($0, arena: &arena) }
            #expect(text(first) == "xxx")
            arena.reset()
            pool.pointee.trim()
            pool.pointee.trim()
        }
    }

    @Test func wrongArgumentsCallNothing() throws {
        try call("count", "int()", [.int(1)]) { r in guard case .mismatch(index: 0) = r else { return wrong("\(r)") } }
        try call("longer", "bool(string, int)", [.string(ByteView("a"))]) { r in
            guard case .mismatch(index: 1) = r else { return wrong("\(r)") }
        }
        try call("longer", "bool(string, int)", [.bytes(ByteView("a")), .int(1)]) { r in
            guard case .mismatch(index: 0) = r else { return wrong("\(r)") }
        }
    }

    @Test func nineArgumentsAreRefused() {
        let s = FunctionSignature(result: .int, arguments: Array(repeating: .int, count: 9))
        #expect(throws: FunctionError.self) {
            try TypedFunction(name: "a.b", signature: s, isPure: false, function: dlsym(Self.library, "count")!)
        }
    }
}
