// Proves that running a program can do nothing but compute: parts inside the block, constants of the kind that is asked for, jumps to
// instructions, one stack depth at every instruction within what is reserved. Once when an image is mapped; the evaluator then checks
// nothing again. It says nothing about what the program means.
import SluiceBytes
import SluiceModel

public struct ProgramCheck {
    let p: ProgramView
    /// Stack depth before each instruction; -1: not reached yet.
    private var depths: [Int]
    private let addressSets: UInt32
    private let functions: UInt32

    /// Why the bytes are no program that may run; nil: they are.
    /// - Parameters:
    ///   - addressSets: how many there are in the image: numbers in the program must be below.
    ///   - functions: the same of plugin functions.
    public static func problem(_ program: ProgramView, addressSets: Int = .max, functions: Int = .max) -> String? {
        if let text = header(program) { return text }
        var check = ProgramCheck(program, addressSets, functions)
        return check.constants() ?? check.code()
    }

    private init(_ p: ProgramView, _ addressSets: Int, _ functions: Int) {
        self.p = p
        depths = [Int](repeating: -1, count: p.instructionCount)
        self.addressSets = UInt32(clamping: addressSets)
        self.functions = UInt32(clamping: functions)
    }

    private static func header(_ p: ProgramView) -> String? {
        guard UInt(bitPattern: p.base) & 7 == 0, p.count >= ProgramView.headerBytes, p.count <= Limits.programBytesMax, p.count % 8 == 0
        else {
            return "\(p.count) bytes; a program has \(ProgramView.headerBytes) to \(Limits.programBytesMax), a multiple of 8, aligned to 8"
        }
        guard p.u32(0) == ProgramView.magic else { return "no program: another mark at its begin" }
        guard Int(p.u32(4)) == p.count else { return "says it has \(p.u32(4)) bytes, has \(p.count)" }
        guard (1...Limits.programInstructionsMax).contains(p.instructionCount), p.constantCount <= Limits.programConstantsMax,
            p.stackCount <= Limits.programStackMax, p.localCount <= Limits.programLocalsMax, p.iteratorCount <= Limits.programIteratorsMax
        else { return "more instructions, constants, stack or variables than a program may have" }
        guard p.textAt == p.placesAt + 8 * p.instructionCount, p.textAt <= p.count else { return "its parts do not fit into it" }
        return nil
    }

    private func constants() -> String? {
        let text = p.count - p.textAt
        for i in 0..<p.constantCount {
            let at = p.constantsAt + ProgramView.constantBytes * i
            guard let tag = Value.Tag(rawValue: p.base.load(fromByteOffset: at, as: UInt8.self)) else {
                return "constant \(i) is of no kind"
            }
            switch tag {
            case .null, .bool, .int, .uint, .double, .timestamp, .duration, .ip, .cidr: break
            case .type: if p.u64(at + 8) >= UInt64(TypeName.allCases.count) { return "constant \(i) is no type" }
            case .string, .bytes:
                let from = p.u64(at + 8), n = Int(p.u32(at + 4))
                if from > UInt64(text) || n > text - Int(from) { return "constant \(i) is outside the text" }
            default: return "constant \(i) is of a kind that only runs make"
            }
        }
        return nil
    }

    private func isText(_ i: Int) -> Bool {
        guard i < p.constantCount else { return false }
        return p.base.load(fromByteOffset: p.constantsAt + ProgramView.constantBytes * i, as: UInt8.self) == Value.Tag.string.rawValue
    }

    private mutating func code() -> String? {
        depths[0] = 0
        for i in depths.indices {
            guard depths[i] >= 0 else { return "instruction \(i) is never reached" }
            guard let op = Opcode(rawValue: p.instructions[i].op) else { return "instruction \(i) is of no kind" }
            if let why = step(i, op, p.instructions[i]) { return "instruction \(i), \(op): \(why)" }
        }
        return nil
    }

    /// Operands, then what the instruction does to the stack and where it goes.
    private mutating func step(_ i: Int, _ op: Opcode, _ x: Instruction) -> String? {
        if let why = operands(op, x) { return why }
        let effect = effect(op, x)
        let before = depths[i], after = before - effect.pops + effect.pushes
        if before < effect.pops { return "takes \(effect.pops) of \(before) values" }
        if after > p.stackCount { return "\(after) values; \(p.stackCount) are reserved" }
        switch op {
        case .finish: return before == 1 ? nil : "ends with \(before) values"
        case .jump: return reach(Int(x.c), after)
        case .jumpIfFalse, .jumpIfTrue, .next, .loop: return reach(Int(x.c), after) ?? reach(i + 1, after)
        case .branch: return reach(x.low, after) ?? reach(x.high, after + 1) ?? reach(i + 1, after)
        case .iterate: return reach(Int(x.c), after + 1) ?? reach(i + 1, after)
        default: return reach(i + 1, after)
        }
    }

    private mutating func reach(_ to: Int, _ depth: Int) -> String? {
        guard to >= 0, to < depths.count else { return "goes to \(to), behind the end" }
        if depth > p.stackCount { return "\(depth) values; \(p.stackCount) are reserved" }
        if depths[to] < 0 { depths[to] = depth }
        return depths[to] == depth ? nil : "comes to \(to) with \(depth) values, others with \(depths[to])"
    }

    private func operands(_ op: Opcode, _ x: Instruction) -> String? {
        let a = Int(x.a), c = Int(x.c)
        let isFine =
            switch op {
            case .constant: c < p.constantCount
            case .error: x.b <= 255 && EvaluationError(rawValue: UInt8(truncatingIfNeeded: x.b)) != nil
            case .lookup, .hasKey, .select, .has, .attributeStarts, .attributeEnds, .attributeContains, .matches: isText(c)
            case .load, .store: a < p.localCount
            case .call: x.b <= 255 && Function(rawValue: UInt8(truncatingIfNeeded: x.b))?.arguments.contains(a) == true
            case .callPlugin: x.c < functions
            case .list, .map: c <= Limits.programStackMax
            case .iterate: a < p.iteratorCount
            case .next: a < p.iteratorCount && Int(x.b) < p.localCount
            case .attributeEquals: c < p.constantCount
            case .lookupEquals: isText(x.low) && x.high < p.constantCount
            case .attributeInSet, .addressSet: x.c < addressSets
            case .inConstants: c <= p.constantCount && Int(x.b) <= p.constantCount - c
            default: true
            }
        return isFine ? nil : "operand out of range"
    }

    private func effect(_ op: Opcode, _ x: Instruction) -> (pops: Int, pushes: Int) { Opcode.effect(op, x) }
}

extension Opcode {
    /// Values taken from and put on the stack when the next instruction follows; the compiler reserves by the same numbers.
    static func effect(_ op: Opcode, _ x: Instruction) -> (pops: Int, pushes: Int) {
        switch op {
        case .constant, .null, .bool, .error, .attribute, .lookup, .hasKey, .load, .attributeEquals, .lookupEquals, .attributeStarts,
            .attributeEnds, .attributeContains, .attributeInSet, .addressSet:
            (0, 1)
        case .store, .branch, .iterate, .loop: (1, 0)
        case .select, .has, .not, .notStrictlyFalse, .inConstants, .matches: (1, 1)
        case .call, .callPlugin: (Int(x.a), 1)
        case .list: (Int(x.c), 1)
        case .map: (2 * Int(x.c), 1)
        case .append, .and, .or: (2, 1)
        case .jump, .next: (0, 0)
        case .jumpIfFalse, .jumpIfTrue, .finish: (1, 1)
        }
    }
}
