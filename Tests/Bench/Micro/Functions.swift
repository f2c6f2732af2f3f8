// What a rule pays for a typed C function: string(ip) with its result copied into the request's memory, and the call alone, out of the
// library that the tests use. The function itself is a comparison of twelve bytes.
import Glibc
import SluiceBytes
import SluiceModel
import SluiceRules
import SluiceSystem

enum FunctionFigures {
    static let stringOfAddressMost = 100.0

    static func run() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path + "/empty.so"  // the one name that `remove` knows
        let root = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined()
        let child = try ChildProcess.spawn(
            "/usr/bin/env",
            [
                "env", "cc", "-std=gnu17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden",
                "-I\(root)/SDK/Sources/CSluiceABI/include", "\(root)/Tests/Kit/plugins/functions.c", "-o", path,
            ], descriptors: [(ours: 1, theirs: 1), (ours: 2, theirs: 2)])
        guard try ChildProcess.wait(child) == .exited(0), let library = dlopen(path, RTLD_NOW) else {
            throw BenchFailure("cc could not compile Tests/Kit/plugins/functions.c")
        }
        try Core.pin()
        Figure.header()
        let country = try function(library, "country", "string(ip)"), longer = try function(library, "longer", "bool(string, int)")
        let address = FunctionValue.ip(FunctionAddress(IPAddress("10.0.0.7")!))
        try figure(country, [address]).row("string(ip), its result copied", "ns", most: stringOfAddressMost)
        try figure(longer, [.string(ByteView("/orders/17")), .int(4)]).row("bool(string, int)", "ns")
        try figure(try function(library, "count", "int()"), []).row("int()", "ns")
    }

    private static func function(_ library: UnsafeMutableRawPointer, _ symbol: String, _ signature: String) throws -> TypedFunction {
        guard let address = dlsym(library, symbol) else { throw BenchFailure("no \(symbol)") }
        return try TypedFunction(name: "bench.\(symbol)", signature: try FunctionSignature(signature), isPure: false, function: address)
    }

    private static func figure(_ f: TypedFunction, _ arguments: [FunctionValue]) throws -> Figure {
        var pool = BlockPool(blockSize: 4096)
        let count = 200_000
        var failed = 0
        let figure = withUnsafeMutablePointer(to: &pool) { pool in
            var arena = Arena(pool: pool)
            defer { arena.reset() }
            return withUnsafeMutablePointer(to: &arena) { arena in
                arguments.withUnsafeBufferPointer { list in
                    Figure {
                        nanoseconds(count) {
                            for i in 0..<count {
                                if i & 63 == 0 { arena.pointee.reset() }  // as often as a busy request would
                                guard case .value = f.call(list, arena: arena) else {
                                    failed += 1
                                    continue
                                }
                            }
                        }
                    }
                }
            }
        }
        if failed > 0 { throw BenchFailure("\(f.name) failed \(failed) times") }
        return figure
    }
}
