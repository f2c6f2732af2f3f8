// Runs programs: one switch over instructions, a stack that is reserved once, no allocation but from the request's arena for lists, maps
// and new texts. Programs must have passed `ProgramCheck`. How the request is reached is in AttributeProvider.swift, functions in
// Function+Call.swift. Long because the switch is one piece: as functions of its cases it would pass the state of the run in memory.
import SluiceBytes
import SluiceModel

/// What a condition says.
public enum ConditionResult: UInt8, Sendable {
    case no = 0, yes
    /// The expression failed, or gave no bool: counts as no; why is in `Evaluator.lastError`.
    case failed
}

/// Memory for runs of one thread: a stack and the compiled regular expressions. A handle: copies are the same memory, `destroy` frees it.
/// Runs do not nest.
public struct Evaluator {
    struct Cursor {
        var source: Value
        var at: Int
    }
    private let stack: UnsafeMutablePointer<Value>
    private let locals: UnsafeMutablePointer<Value>
    private let cursors: UnsafeMutablePointer<Cursor>
    public let regexes: RegexCache
    /// Why the last condition failed; its `aux` is the byte offset in the text, plus 1.
    public private(set) var lastError = Value(.null)

    public init() {
        stack = .allocate(capacity: Limits.programStackMax)
        locals = .allocate(capacity: Limits.programLocalsMax)
        cursors = .allocate(capacity: Limits.programIteratorsMax)
        regexes = RegexCache()
    }
    public func destroy() {
        stack.deallocate()
        locals.deallocate()
        cursors.deallocate()
        regexes.destroy()
    }

    /// Whether the condition holds for what `provider` shows.
    /// - Parameter arena: of the request; most conditions take nothing from it.
    @inline(__always) public mutating func condition(
        _ program: ProgramView, _ provider: UnsafePointer<AttributeProvider>, arena: UnsafeMutablePointer<Arena>
    ) -> ConditionResult {
        let v = run(program, provider, arena: arena)
        if v.tag == .bool { return v.a != 0 ? .yes : .no }
        lastError = v.isError ? v : .error(.noSuchOverload)
        return .failed
    }

    /// The value of the expression, or an error; valid as long as the request, the program and what the arena handed out.
    /// - Parameter costLimit: steps after which the run ends with `.costLimit`.
    public func run(
        _ program: ProgramView, _ provider: UnsafePointer<AttributeProvider>, arena: UnsafeMutablePointer<Arena>,
        costLimit: Int = Limits.programCostMax
    ) -> Value {
        var tracer = NoTrace()
        return execute(program, provider, arena, costLimit, &tracer).value
    }

    /// The same run, with what each operand of &&, ||, ! and ?: was on the way, and what it cost. For explain, not for requests.
    public func trace(
        _ program: ProgramView, _ provider: UnsafePointer<AttributeProvider>, arena: UnsafeMutablePointer<Arena>,
        costLimit: Int = Limits.programCostMax
    ) -> (value: Value, cost: Int, trace: ConditionTrace) {
        var trace = ConditionTrace()
        let (value, cost) = execute(program, provider, arena, costLimit, &trace)
        return (value, cost, trace)
    }

    /// Long because the switch over instructions is one piece: the state of the run stays in registers.
    private func execute<T: Tracer>(
        _ p: ProgramView, _ provider: UnsafePointer<AttributeProvider>, _ arena: UnsafeMutablePointer<Arena>, _ costLimit: Int,
        _ tracer: inout T
    ) -> (value: Value, cost: Int) {
        var run = Run(arena: arena, provider: provider, regexes: regexes, budget: costLimit, memory: Limits.programMemoryBytesMax)
        for i in 0..<p.localCount { locals[i] = Value(.null) }
        for i in 0..<p.iteratorCount { cursors[i] = Cursor(source: Value(.null), at: 0) }
        let code = p.instructions
        var pc = 0
        var top = stack - 1  // the topmost value
        @inline(__always) func push(_ v: Value) {
            top += 1
            top.pointee = v
        }
        /// Pushes what was made here: an error without a place gets this one.
        @inline(__always) func give(_ v: Value) {
            push(v)
            if v.tag == .error && v.aux == 0 { top.pointee.aux = UInt32(bitPattern: p.place(pc).offset) &+ 1 }
        }
        @inline(__always) func flip(_ v: Value, _ negate: UInt8) -> Value { v.tag == .bool ? Value(.bool, a: v.a ^ UInt64(negate & 1)) : v }
        while true {
            let x = code[pc]
            run.budget &-= 1
            if run.budget < 0 { return (Value.error(.costLimit).at(UInt32(bitPattern: p.place(pc).offset) &+ 1), costLimit - run.budget) }
            if T.isOn { tracer.before(p, pc, x.opcode, top) }
            switch x.opcode {
            case .constant: push(p.constant(Int(x.c)))
            case .null: push(Value(.null))
            case .bool: push(.bool(x.a != 0))
            case .error: give(Value(.error, a: UInt64(x.b)))
            case .attribute: give(provider.pointee.value(x.b))
            case .lookup: give(provider.pointee.value(x.b, key: p.constantText(Int(x.c))))
            case .hasKey: push(.bool(provider.pointee.has(x.b, key: p.constantText(Int(x.c)))))
            case .load: push(locals[Int(x.a)])
            case .store:
                locals[Int(x.a)] = top.pointee
                top -= 1
            case .select:
                let v = top.pointee
                top -= 1
                give(v.isError ? v : Collections.index(v, .string(p.constantText(Int(x.c))), &run))
            case .has:
                let v = top.pointee
                top -= 1
                give(Collections.has(v, p.constantText(Int(x.c)), &run))
            case .call:
                let n = Int(x.a)
                top -= n
                let f = unsafeBitCast(UInt8(truncatingIfNeeded: x.b), to: Function.self)
                give(f.call(top + 1, n, &run))
            case .callPlugin:
                let n = Int(x.a)
                top -= n
                give(plugin(x.c, top + 1, n, provider))
            case .list:
                top -= Int(x.c)
                give(Collections.makeList(top + 1, Int(x.c), &run))
            case .map:
                top -= 2 * Int(x.c)
                give(Collections.makeMap(top + 1, Int(x.c), &run))
            case .append:
                top -= 2
                give(Collections.append(top[1], top[2], &run))
            case .jump:
                pc = Int(x.c)
                continue
            case .jumpIfFalse:
                if top.pointee.isFalse {
                    pc = Int(x.c)
                    continue
                }
            case .jumpIfTrue:
                if top.pointee.isTrue {
                    pc = Int(x.c)
                    continue
                }
            case .and:
                top -= 2
                give(Self.both(top[1], top[2], decides: 0))
            case .or:
                top -= 2
                give(Self.both(top[1], top[2], decides: 1))
            case .not:
                let v = top.pointee
                top -= 1
                give(v.tag == .bool ? .bool(v.a == 0) : v.isError ? v : .error(.noSuchOverload))
            case .notStrictlyFalse: top.pointee = .bool(!top.pointee.isFalse)
            case .branch:
                let v = top.pointee
                top -= 1
                if v.tag != .bool {
                    give(v.isError ? v : .error(.noSuchOverload))
                    pc = x.high
                    continue
                }
                if v.a == 0 {
                    pc = x.low
                    continue
                }
            case .iterate:
                let v = top.pointee
                top -= 1
                switch v.tag {
                case .list, .map, .attributeMap: cursors[Int(x.a)] = Cursor(source: v, at: 0)
                default:
                    give(v.isError ? v : .error(.noSuchOverload))
                    pc = Int(x.c)
                    continue
                }
            case .next:
                if !Self.next(&cursors[Int(x.a)], &locals[Int(x.b)], provider) {
                    pc = Int(x.c)
                    continue
                }
            case .loop:
                top -= 1
                if top[1].isFalse {
                    pc = Int(x.c)
                    continue
                }
            case .finish: return (top.pointee, costLimit - run.budget)
            case .attributeEquals:
                let v = provider.pointee.value(x.b)
                if T.isOn { tracer.operand(p.place(pc), v) }
                give(v.isError ? v : flip(.bool(Comparison.equal(v, p.constant(Int(x.c)), &run.budget)), x.a))
            case .lookupEquals:
                let v = provider.pointee.value(x.b, key: p.constantText(x.low))
                if T.isOn { tracer.operand(p.place(pc), v) }
                give(v.isError ? v : flip(.bool(Comparison.equal(v, p.constant(x.high), &run.budget)), x.a))
            case .attributeStarts, .attributeEnds, .attributeContains:
                let v = provider.pointee.value(x.b)
                if T.isOn { tracer.operand(p.place(pc), v) }
                give(flip(Self.text(x.opcode, v, p.constantText(Int(x.c)), &run), x.a))
            case .attributeInSet:
                let v = provider.pointee.value(x.b)
                if T.isOn { tracer.operand(p.place(pc), v) }
                give(flip(Collections.contains(.addressSet(x.c), v, run), x.a))
            case .inConstants:
                let v = top.pointee
                top -= 1
                if T.isOn { tracer.operand(p.place(pc), v) }
                give(v.isError ? v : flip(.bool(Self.isOne(v, of: p, Int(x.c), Int(x.b), &run)), x.a))
            case .matches:
                let v = top.pointee
                top -= 1
                if T.isOn { tracer.operand(p.place(pc), v) }
                let i = Int(x.c)
                give(Self.matches(v, p.constantText(i), p.constantHash(i), &run))
            case .addressSet: push(.addressSet(x.c))
            }
            pc &+= 1
        }
    }

    /// && (`decides` 0) and || (1): a side that decides is the result, even beside an error.
    @inline(__always) private static func both(_ x: Value, _ y: Value, decides: UInt64) -> Value {
        if x.tag == .bool && x.a == decides || y.tag == .bool && y.a == decides { return .bool(decides != 0) }
        if x.tag == .bool && y.tag == .bool { return .bool(decides == 0) }
        return x.isError ? x : y.isError ? y : .error(.noSuchOverload)
    }

    private static func next(_ cursor: inout Cursor, _ element: inout Value, _ provider: UnsafePointer<AttributeProvider>) -> Bool {
        let source = cursor.source
        switch source.tag {
        case .list, .map:
            guard cursor.at < source.count, let items = source.items else { return false }
            element = items[source.tag == .list ? cursor.at : 2 * cursor.at]
            cursor.at &+= 1
            return true
        case .attributeMap:
            return provider.pointee.nextKey(provider.pointee.context, UInt16(truncatingIfNeeded: source.a), &cursor.at, &element)
        default: return false
        }
    }

    @inline(__always) private static func text(_ op: Opcode, _ v: Value, _ w: ByteView, _ run: inout Run) -> Value {
        guard v.tag == .string else { return v.isError ? v : .error(.noSuchOverload) }
        if op == .attributeStarts { return .bool(CodePoints.hasPrefix(v.view, w)) }
        if op == .attributeEnds { return .bool(CodePoints.hasSuffix(v.view, w)) }
        run.chargeText(v.count)
        return .bool(CodePoints.find(w, in: v.view) != nil)
    }

    private static func isOne(_ v: Value, of p: ProgramView, _ from: Int, _ n: Int, _ run: inout Run) -> Bool {
        for i in from..<from + n where Comparison.equal(v, p.constant(i), &run.budget) { return true }
        return false
    }

    private static func matches(_ v: Value, _ pattern: ByteView, _ hash: UInt64, _ run: inout Run) -> Value {
        guard v.tag == .string else { return v.isError ? v : .error(.noSuchOverload) }
        return TextFunctions.matches(v.view, pattern, hash, &run)
    }

    private func plugin(_ index: UInt32, _ x: UnsafeMutablePointer<Value>, _ n: Int, _ provider: UnsafePointer<AttributeProvider>) -> Value
    {
        for i in 0..<n where x[i].isError { return x[i] }
        var out = Value.error(.functionFailed)
        provider.pointee.call(provider.pointee.context, index, x, n, &out)
        return out
    }
}
