// From the checked tree to bytecode. The forms that conditions mostly have become one instruction each (ProgramCompiler+Forms.swift), the
// rest is a walk over the tree. In the control process only; what comes out is what `ProgramCheck` accepts. Read Instruction.swift first.
import SluiceBytes
import SluiceModel

/// Why an expression cannot be compiled, and where.
public struct ProgramError: Error, Sendable, CustomStringConvertible {
    public let range: SourceRange
    public let description: String
}

public struct ProgramCompiler {
    let e: Expression
    let addressSet: (String) -> UInt32?
    private var code: [Instruction] = []
    private var places: [SourceRange] = []
    private var constants = ConstantPool()
    private var depth = 0
    private var stackMost = 0
    private var localCount = 0
    private var iteratorCount = 0
    /// Comprehensions around the node that is compiled.
    private var open = 0
    private var extents: [Int32: SourceRange] = [:]

    /// The bytes of a program; 8-byte aligned, they can be run wherever they are.
    /// - Parameters:
    ///   - checked: as the checker left it.
    ///   - addressSet: the number that address sets have in the image, by name; nil: there is no such set.
    public static func compile(
        _ checked: CheckedExpression, addressSet: (String) -> UInt32? = { _ in nil }
    ) throws(ProgramError) -> [UInt8] {
        try withoutActuallyEscaping(addressSet) { (lookup) throws(ProgramError) -> [UInt8] in
            var compiler = ProgramCompiler(e: checked.expression, addressSet: lookup)
            let root = checked.expression.root
            try compiler.value(root)
            compiler.emit(.finish, at: compiler.extent(root))
            return try compiler.bytes(type: TypeName(checked.type))
        }
    }

    private init(e: Expression, addressSet: @escaping (String) -> UInt32?) { (self.e, self.addressSet) = (e, addressSet) }

    // MARK: Instructions

    func fail(_ id: ExpressionID, _ text: String) -> ProgramError { ProgramError(range: e[id].range, description: text) }

    @discardableResult
    mutating func emit(_ op: Opcode, a: Int = 0, b: Int = 0, c: Int = 0, at place: SourceRange) -> Int {
        let x = Instruction(op, a: UInt8(truncatingIfNeeded: a), b: UInt16(truncatingIfNeeded: b), c: UInt32(truncatingIfNeeded: c))
        let effect = Opcode.effect(op, x)
        depth += effect.pushes - effect.pops
        stackMost = max(stackMost, depth + (op == .branch || op == .iterate ? 1 : 0))
        code.append(x)
        places.append(place)
        return code.count - 1
    }
    /// Lets the jump at `i` come here.
    private mutating func land(_ i: Int) { code[i].c = UInt32(code.count) }

    mutating func constant(_ v: Constant) -> Int { constants.add(v) }
    mutating func constantRun(_ values: [Constant]) -> Int { constants.run(values) }
    mutating func text(_ s: String) -> Int { constants.add(.text(.string, Array(s.utf8))) }

    /// What the node and everything in it span in the text.
    mutating func extent(_ id: ExpressionID) -> SourceRange {
        if let known = extents[id.index] { return known }
        var from = e[id].range.offset, to = from + e[id].range.count
        for child in e[id].kind.children {
            let r = extent(child)
            (from, to) = (min(from, r.offset), max(to, r.offset + r.count))
        }
        let r = SourceRange(offset: from, count: to - from)
        extents[id.index] = r
        return r
    }

    // MARK: Values

    /// Code that pushes the value of a node.
    mutating func value(_ id: ExpressionID) throws(ProgramError) {
        if try form(id) { return }
        let node = e[id], place = node.range
        if let v = folded(id) { return pushConstant(v, at: place) }
        switch node.kind {
        case .literal: break  // folded above
        case .name: emit(.error, b: Int(EvaluationError.undeclared.rawValue), at: place)
        case .call: emit(.error, b: Int(EvaluationError.noSuchOverload.rawValue), at: place)
        case .local(let i):
            try reserve(local: i, id)
            emit(.load, a: i, at: place)
        case .attribute(let attribute): emit(.attribute, b: Int(attribute.rawValue), at: place)
        case .select(let operand, let field, let isTest):
            try value(operand)
            emit(isTest ? .has : .select, c: text(field), at: place)
        case .list(let items):
            for item in items { try value(item) }
            emit(.list, c: items.count, at: place)
        case .map(let pairs):
            for pair in pairs {
                try value(pair.key)
                try value(pair.value)
            }
            emit(.map, c: pairs.count, at: place)
        case .checkedCall(let overload, let arguments): try call(id, overload, arguments)
        case .comprehension(let c): try comprehension(c, id)
        }
        if depth > Limits.programStackMax {
            throw fail(id, "needs more than \(Limits.programStackMax) values at once; shorter lists and fewer nested calls do")
        }
    }

    private mutating func pushConstant(_ v: Constant, at place: SourceRange) {
        switch v {
        case .plain(.null, _, _, _): emit(.null, at: place)
        case .plain(.bool, _, let a, _): emit(.bool, a: Int(a), at: place)
        default: emit(.constant, c: constant(v), at: place)
        }
    }

    private mutating func reserve(local i: Int, _ id: ExpressionID) throws(ProgramError) {
        if i >= Limits.programLocalsMax {
            throw fail(id, "more than \(Limits.programLocalsMax / 2) comprehensions inside each other")
        }
        localCount = max(localCount, i + 1)
    }

    private mutating func call(_ id: ExpressionID, _ overload: OverloadID, _ x: [ExpressionID]) throws(ProgramError) {
        let place = e[id].range
        switch overload {
        case .and where x.count == 2, .or where x.count == 2:
            try value(x[0])
            let jump = emit(overload == .and ? .jumpIfFalse : .jumpIfTrue, at: extent(x[0]))
            try value(x[1])
            emit(overload == .and ? .and : .or, at: extent(x[1]))
            land(jump)
        case .not where x.count == 1:
            try value(x[0])
            emit(.not, at: extent(x[0]))
        case .notStrictlyFalse where x.count == 1:
            try value(x[0])
            emit(.notStrictlyFalse, at: place)
        case .conditional where x.count == 3: try conditional(x)
        case .ipset where x.count == 1:
            guard case .literal(.string(let name)) = e[x[0]].kind else {
                throw fail(id, "ipset needs the name of an address set in quotes")
            }
            emit(.addressSet, c: try set(name, x[0]), at: place)
        default:
            for item in x { try value(item) }
            if x.count > 255 { throw fail(id, "\(x.count) arguments; at most 255") }
            if let index = overload.pluginIndex {
                emit(.callPlugin, a: x.count, c: index, at: place)
            } else if let f = Function.of(overload), f.arguments.contains(x.count) {
                emit(.call, a: x.count, b: Int(f.rawValue), at: place)
            } else {
                throw fail(id, "overload \(overload.rawValue) with \(x.count) arguments has no code; the checker and the compiler disagree")
            }
        }
    }

    func set(_ name: String, _ id: ExpressionID) throws(ProgramError) -> Int {
        guard let index = addressSet(name) else { throw fail(id, "there is no address set \"\(name)\"") }
        return Int(index)
    }

    private mutating func conditional(_ x: [ExpressionID]) throws(ProgramError) {
        try value(x[0])
        let branch = emit(.branch, at: extent(x[0]))
        try value(x[1])
        let jump = emit(.jump, at: e[x[1]].range)
        depth -= 1
        let otherwise = code.count
        try value(x[2])
        land(jump)
        guard code.count <= Limits.programInstructionsMax else { return }  // `bytes` says so
        code[branch].c = UInt32(otherwise) | UInt32(code.count) << 16
    }

    private mutating func comprehension(_ c: Comprehension, _ id: ExpressionID) throws(ProgramError) {
        let n = open, place = e[id].range
        try reserve(local: 2 * n + 1, id)
        if n >= Limits.programIteratorsMax { throw fail(id, "more than \(Limits.programIteratorsMax) comprehensions inside each other") }
        iteratorCount = max(iteratorCount, n + 1)
        try value(c.range)
        try value(c.initial)
        emit(.store, a: 2 * n + 1, at: place)
        let start = emit(.iterate, a: n, at: place)
        open += 1
        let next = emit(.next, a: n, b: 2 * n, at: place)
        try value(c.condition)
        let check = emit(.loop, at: place)
        try value(c.step)
        emit(.store, a: 2 * n + 1, at: place)
        emit(.jump, c: next, at: place)
        land(next)
        land(check)
        try value(c.final)
        open -= 1
        land(start)
    }

    // MARK: The block

    private func bytes(type: TypeName?) throws(ProgramError) -> [UInt8] {
        let what =
            code.count > Limits.programInstructionsMax
            ? "\(code.count) instructions; at most \(Limits.programInstructionsMax)"
            : constants.count > Limits.programConstantsMax ? "\(constants.count) constants; at most \(Limits.programConstantsMax)" : nil
        if let what { throw fail(e.root, "the expression is too long: \(what)") }
        var out: [UInt8] = []
        func put<T: BitwiseCopyable>(_ v: T) { withUnsafeBytes(of: v) { out.append(contentsOf: $0) } }
        let textAt = ProgramView.headerBytes + 16 * code.count + ProgramView.constantBytes * constants.count
        let total = (textAt + constants.text.count + 7) & ~7
        put(ProgramView.magic)
        put(UInt32(total))
        put(UInt16(code.count))
        put(UInt16(constants.count))
        put(UInt16(stackMost))
        put(UInt8(localCount))
        put(UInt8(iteratorCount))
        put(UInt32(textAt))
        put(UInt32(type?.rawValue ?? 255))
        for x in code {
            put(x.op)
            put(x.a)
            put(x.b)
            put(x.c)
        }
        constants.write(&out)
        for r in places {
            put(r.offset)
            put(r.count)
        }
        out += constants.text
        out += [UInt8](repeating: 0, count: total - out.count)
        guard total <= Limits.programBytesMax else {
            throw fail(e.root, "the expression is too long: \(total) bytes of program; at most \(Limits.programBytesMax)")
        }
        return out
    }
}

extension NodeKind {
    /// Operands, in the order in which they stand.
    var children: [ExpressionID] {
        switch self {
        case .literal, .name, .local, .attribute: []
        case .select(let operand, _, _): [operand]
        case .call(_, let target, let arguments): (target.map { [$0] } ?? []) + arguments
        case .checkedCall(_, let arguments): arguments
        case .list(let items): items
        case .map(let pairs): pairs.flatMap { [$0.key, $0.value] }
        case .comprehension(let c): [c.range, c.initial, c.condition, c.step, c.final]
        }
    }
}

extension TypeName {
    /// nil: known only when it runs.
    init?(_ type: CELType) {
        switch type {
        case .unknown, .dyn, .parameter: return nil
        case .null: self = .null
        case .bool: self = .bool
        case .int: self = .int
        case .uint: self = .uint
        case .double: self = .double
        case .string: self = .string
        case .bytes: self = .bytes
        case .timestamp: self = .timestamp
        case .duration: self = .duration
        case .type: self = .type
        case .ip: self = .ip
        case .cidr: self = .cidr
        case .addressSet: self = .addressSet
        case .list: self = .list
        case .map: self = .map
        }
    }
}
