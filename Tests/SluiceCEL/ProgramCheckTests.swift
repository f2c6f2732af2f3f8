// The check of programs: what the compiler makes passes, and a damaged program is refused or runs to an end without touching what is not
// its own (under the address sanitizer this is what `make sanitize` asks).
import SluiceModel
import Testing

@testable import SluiceCEL

private let seeds = [
    "request.headers['x'] == '1' && !(source.address in ipset('office')) || request.method in ['GET', 'HEAD', 'PUT']",
    "[1, 2, 3].map(x, x > 1, x * 2).exists(y, y == 4) ? 'a' + request.method : string(size(request.headers))",
    "request.headers.all(h, h.startsWith('x') || h.matches('^[a-z]+$') || request.headers[h] == 'v')",
    "{'a': [1, 2.5, b'x'], 'b': {1: timestamp('2024-01-01T00:00:00Z')}}['a'][1] == 2.5 && has(request.cookies.x)",
    "'a,b,c'.split(',').map(s, s.upperAscii().replace('A', 'xx')).join('-').substring(1).indexOf('B') > -1",
    "duration('1h').getHours() + timestamp('2024-01-01T00:00:00Z').getMonth('+01:00') > 0 && cidr('10.0.0.0/8').containsIP(source.address)",
]

private func bytes(_ text: String) throws -> [UInt8] {
    var environment = CELEnvironment.request
    environment.costMax = .max
    return try ProgramCompiler.compile(CELCheck.compileFront(text, environment: environment).get()) { _ in 0 }
}

@Suite struct ProgramCheckTests {
    @Test(arguments: seeds) func whatIsCompiledPassesTheCheck(_ text: String) throws {
        let program = Program(bytes: try bytes(text))
        #expect(program.problem == nil)
        #expect(program.run(SampleRequest().provider()).error.map { "\($0)" } ?? "none" != "costLimit")
    }

    @Test func damagedProgramsAreRefusedOrRunToAnEnd() throws {
        var random = Generator(state: 4_711)
        let provider = SampleRequest().provider()
        var refused = 0, run = 0
        for text in seeds {
            let good = try bytes(text)
            let code = ProgramView.headerBytes..<(ProgramView.headerBytes + 8 * (Int(good[8]) | Int(good[9]) << 8))
            for _ in 0..<4_000 {
                var damaged = good
                for _ in 0...Int.random(in: 0...3, using: &random) {
                    // Mostly the instructions: the rest is refused soon.
                    let at =
                        Int.random(in: 0...9, using: &random) < 8
                        ? code.randomElement(using: &random)! : Int.random(in: 0..<good.count, using: &random)
                    damaged[at] =
                        Bool.random(using: &random) ? UInt8(truncatingIfNeeded: random.next()) : UInt8.random(in: 0...8, using: &random)
                }
                let program = Program(bytes: damaged)
                if program.problem != nil {
                    refused += 1
                } else {
                    run += 1
                    _ = program.run(provider, cost: 3_000)
                    provider.reset()
                }
            }
        }
        #expect(refused > 1_000 && run > 1_000, "\(refused) refused, \(run) run")
    }

    @Test func aProgramOfAnotherLengthOrMarkIsRefused() throws {
        let good = try bytes(seeds[0])
        for n in stride(from: 0, to: good.count, by: 8) { #expect(Program(bytes: Array(good[..<n])).problem != nil) }
        var other = good
        other[0] ^= 1
        #expect(Program(bytes: other).problem == "no program: another mark at its begin")
    }

    @Test func numbersOfSetsAndFunctionsAreCompared() throws {
        let program = Program(bytes: try bytes(seeds[0]))
        #expect(ProgramCheck.problem(program.view, addressSets: 1) == nil)
        #expect(ProgramCheck.problem(program.view, addressSets: 0)?.contains("operand out of range") == true)
    }

    @Test func aStackThatDoesNotFitTogetherIsRefused() {
        // Pops from nothing; ends with two values; jumps into the middle of another depth.
        let cases: [[Instruction]] = [
            [Instruction(.not), Instruction(.finish)], [Instruction(.null), Instruction(.null), Instruction(.finish)],
            [Instruction(.null), Instruction(.jumpIfTrue, c: 3), Instruction(.null), Instruction(.finish)],
            [Instruction(.jump, c: 9)], [Instruction(.null)], [Instruction(.load, a: 0), Instruction(.finish)],
        ]
        for code in cases {
            var out: [UInt8] = []
            func put<T: BitwiseCopyable>(_ v: T) { withUnsafeBytes(of: v) { out.append(contentsOf: $0) } }
            put(ProgramView.magic)
            put(UInt32(24 + 16 * code.count))
            put(UInt16(code.count))
            put(UInt16(0))
            put(UInt16(8))
            put(UInt16(0))
            put(UInt32(24 + 16 * code.count))
            put(UInt32(255))
            for x in code { put(x) }
            for _ in code { put(UInt64(0)) }
            let problem = Program(bytes: out).problem
            #expect(problem?.hasPrefix("instruction") == true, "\(code): \(problem ?? "passed")")
        }
    }
}
