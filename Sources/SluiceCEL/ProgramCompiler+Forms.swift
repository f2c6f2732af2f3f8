// The forms that conditions mostly have, as one instruction each: a header or attribute compared with a literal, a prefix, an address in a
// set, one of a list of literals; and calls on literals that are computed now (`ip("10.0.0.1")`). What no form fits, the walk compiles.
import SluiceBytes
import SluiceModel

extension ProgramCompiler {
    /// Emits the node as one instruction (and its operand) if it is one of the forms.
    mutating func form(_ id: ExpressionID) throws(ProgramError) -> Bool {
        let place = extent(id)
        if let (map, key) = lookup(id) {
            emit(.lookup, b: Int(map.rawValue), c: text(key), at: place)
            return true
        }
        switch e[id].kind {
        case .select(let operand, let field, true):
            guard let map = mapAttribute(operand) else { return false }
            emit(.hasKey, b: Int(map.rawValue), c: text(written(field, map)), at: place)
            return true
        case .checkedCall(let overload, let x) where x.count == 2:
            switch Function.of(overload) {
            case .equals: return equality(x, false, place)
            case .notEquals: return equality(x, true, place)
            case .startsWith: return textForm(.attributeStarts, x, place)
            case .endsWith: return textForm(.attributeEnds, x, place)
            case .contains: return textForm(.attributeContains, x, place)
            case .matches: return try pattern(x, place)
            case .isIn: return try membership(x, place)
            case .add: return try appending(x, place)
            default: return false
            }
        default: return false
        }
    }

    /// The attribute, if the node is one that is asked by key and never built.
    private func mapAttribute(_ id: ExpressionID) -> AttributeID? {
        guard case .attribute(let a) = e[id].kind, case .map = Attributes.row(a)?.type else { return nil }
        return a
    }
    /// A plain attribute.
    private func attribute(_ id: ExpressionID) -> AttributeID? {
        guard case .attribute(let a) = e[id].kind, mapAttribute(id) == nil else { return nil }
        return a
    }
    private func string(_ id: ExpressionID) -> String? {
        guard case .literal(.string(let s)) = e[id].kind else { return nil }
        return s
    }
    /// Names of header fields are looked up in lower case.
    private func written(_ key: String, _ map: AttributeID) -> String { Attributes.row(map)?.ignoresCase == true ? key.lowercased() : key }

    /// `map["key"]` or `map.key` of the request.
    private func lookup(_ id: ExpressionID) -> (AttributeID, String)? {
        switch e[id].kind {
        case .select(let operand, let field, false): return mapAttribute(operand).map { ($0, written(field, $0)) }
        case .checkedCall(let overload, let x) where x.count == 2 && Function.of(overload) == .index:
            guard let map = mapAttribute(x[0]), let key = string(x[1]) else { return nil }
            return (map, written(key, map))
        default: return nil
        }
    }

    private mutating func equality(_ x: [ExpressionID], _ negate: Bool, _ place: SourceRange) -> Bool {
        for (this, that) in [(x[0], x[1]), (x[1], x[0])] {
            guard let v = folded(that) else { continue }
            if let (map, key) = lookup(this) {
                let k = text(key), c = constant(v)
                if k > 0xffff || c > 0xffff { return false }
                emit(.lookupEquals, a: negate ? 1 : 0, b: Int(map.rawValue), c: k | c << 16, at: place)
                return true
            }
            if let a = attribute(this) {
                emit(.attributeEquals, a: negate ? 1 : 0, b: Int(a.rawValue), c: constant(v), at: place)
                return true
            }
        }
        return false
    }

    private mutating func textForm(_ op: Opcode, _ x: [ExpressionID], _ place: SourceRange) -> Bool {
        guard let a = attribute(x[0]), let s = string(x[1]) else { return false }
        emit(op, b: Int(a.rawValue), c: text(s), at: place)
        return true
    }

    private mutating func pattern(_ x: [ExpressionID], _ place: SourceRange) throws(ProgramError) -> Bool {
        guard let s = string(x[1]) else { return false }
        try value(x[0])
        emit(.matches, c: text(s), at: place)
        return true
    }

    private mutating func membership(_ x: [ExpressionID], _ place: SourceRange) throws(ProgramError) -> Bool {
        switch e[x[1]].kind {
        case .checkedCall(.ipset, let names) where names.count == 1:
            guard let a = attribute(x[0]), let name = string(names[0]) else { return false }
            emit(.attributeInSet, b: Int(a.rawValue), c: try set(name, names[0]), at: place)
            return true
        case .attribute:
            guard let map = mapAttribute(x[1]), let key = string(x[0]) else { return false }
            emit(.hasKey, b: Int(map.rawValue), c: text(written(key, map)), at: place)
            return true
        case .list(let items): return try oneOf(x[0], items, place)
        default: return false
        }
    }

    /// `x in [literals]` without making the list; they must stand one behind the other, so each gets a constant of its own if need be.
    private mutating func oneOf(_ v: ExpressionID, _ items: [ExpressionID], _ place: SourceRange) throws(ProgramError) -> Bool {
        var values: [Constant] = []
        for item in items {
            guard let c = folded(item) else { return false }
            if !values.contains(c) { values.append(c) }
        }
        if values.count > 64 { return false }
        try value(v)
        emit(.inConstants, b: values.count, c: constantRun(values), at: place)
        return true
    }

    /// The result of a comprehension with one more element: `result + [x]`, in place.
    private mutating func appending(_ x: [ExpressionID], _ place: SourceRange) throws(ProgramError) -> Bool {
        guard case .local(let i) = e[x[0]].kind, i % 2 == 1, case .list(let items) = e[x[1]].kind, items.count == 1 else { return false }
        try value(x[0])
        try value(items[0])
        emit(.append, at: place)
        return true
    }

    /// The value of a node that is known now: literals, types, and some calls on literals.
    func folded(_ id: ExpressionID) -> Constant? {
        switch e[id].kind {
        case .literal(let literal): return Constant(literal)
        case .checkedCall(let overload, let x) where x.count == 1:
            guard let text = string(x[0]), let f = Function.of(overload) else { return nil }
            var bytes = text
            return bytes.withUTF8 { u in
                guard let start = u.baseAddress else { return nil }
                let v = ByteView(start, u.count)
                let made: Value? =
                    switch f {
                    case .ip: AddressText.parse(v)?.value
                    case .cidr: AddressText.parseNetwork(v)
                    case .timestamp: CivilTime.parse(v)
                    case .duration: DurationText.parse(v).map { .duration(nanoseconds: $0) }
                    default: nil
                    }
                return made.flatMap { $0.isError ? nil : Constant($0) }
            }
        default: return nil
        }
    }
}

extension Constant {
    init(_ literal: Literal) {
        switch literal {
        case .null: self.init(Value(.null))
        case .bool(let b): self.init(Value.bool(b))
        case .int(let n): self.init(Value.int(n))
        case .uint(let n): self.init(Value.uint(n))
        case .double(let d): self.init(Value.double(d))
        case .string(let s): self = .text(.string, Array(s.utf8))
        case .bytes(let b): self = .text(.bytes, b)
        case .type(let name): self.init(Value.type(TypeName.allCases.first { $0.text == name } ?? .type))
        }
    }
}
