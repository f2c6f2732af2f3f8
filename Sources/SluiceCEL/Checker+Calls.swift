// Which overload a call means. One that certainly fits is taken; where `dyn` leaves several, the function's group, which looks at the
// values when it runs. Arguments that must be constants (names of ip sets, patterns, addresses) are looked at in Checker+Constants.swift.
import SluiceModel

extension Checker {
    mutating func check(
        call id: ExpressionID, _ name: String, _ target: ExpressionID?, _ arguments: [ExpressionID]
    ) throws(CELProblem) -> CELType {
        var name = name
        var operands = arguments
        var isMember = false
        if let target {
            if let qualified = qualified(target, name) {
                name = qualified
            } else {
                operands.insert(target, at: 0)
                isMember = true
            }
        }
        if name.hasPrefix(".") { name.removeFirst() }
        let rows = candidates(name).filter { $0.isMember == isMember }
        if rows.isEmpty, environment.isChecked { throw unknown(function: name, isMember ? target : nil, id) }
        var found: [CELType] = []
        for operand in operands { found.append(try check(operand)) }
        let fitting = rows.filter { $0.parameters.count == operands.count }
        guard environment.isChecked else {
            guard let first = fitting.first else { return .dyn }
            expression[id].kind = .checkedCall(fitting.count == 1 ? first.id : first.group, arguments: operands)
            return .dyn
        }
        if fitting.isEmpty {
            let counts = Set(rows.map { $0.parameters.count - (isMember ? 1 : 0) }).sorted().map(String.init).joined(separator: " or ")
            throw problem("\(name)() takes \(counts) argument\(counts == "1" ? "" : "s"), found \(arguments.count)", place(id))
        }
        guard let (overload, result) = choose(fitting, found) else { throw noOverload(id, name, fitting, operands, found) }
        try checkConstants(overload, operands, id)
        expression[id].kind = .checkedCall(overload, arguments: operands)
        return result
    }

    /// `geo.country` for the target `geo` and the name `country`, if there is such a function.
    private func qualified(_ target: ExpressionID, _ name: String) -> String? {
        guard let words = chain(target), local(words[0].text) == nil else { return nil }
        var full = (words.map(\.text) + [name]).joined(separator: ".")
        if full.hasPrefix(".") { full.removeFirst() }
        return candidates(full).isEmpty ? nil : full
    }

    private func candidates(_ name: String) -> [Overload] {
        if let rows = Overloads.named[name] { return rows }
        guard let i = environment.functions.firstIndex(where: { $0.name == name }) else { return [] }
        let signature = environment.functions[i].signature
        let id = OverloadID(OverloadID.firstPlugin.rawValue + UInt16(truncatingIfNeeded: i))
        return [
            Overload(
                id: id, group: id, name: name, isMember: false, parameters: signature.arguments.map(CELType.init),
                result: CELType(signature.result), cost: .plugin)
        ]
    }

    /// The overload that takes these types, and what it gives.
    private mutating func choose(_ rows: [Overload], _ found: [CELType]) -> (OverloadID, CELType)? {
        // What nothing has decided yet may become anything.
        let given = found.map { type -> CELType in
            let type = types.resolve(type)
            if case .parameter = type { return .dyn }
            return type
        }
        var chosen: (row: Overload, result: CELType, types: TypeBindings)?
        for row in rows {
            var tried = types
            let declared = tried.instantiate(row.parameters + [row.result])
            guard zip(declared, given).allSatisfy({ tried.assign($0, $1) }) else { continue }
            let result = tried.resolve(declared.last!)
            guard let first = chosen else {
                chosen = (row, result, tried)
                // Nothing is open, so no other can fit better.
                if !given.contains(.dyn) { break }
                continue
            }
            types = first.types
            let same = first.result == result || first.row.result == row.result
            if first.row.id != row.id { chosen!.row.id = row.group }
            if !same { chosen!.result = .dyn }
        }
        guard let chosen else { return nil }
        types = chosen.types
        if case .parameter = chosen.result, given.contains(.dyn) { return (chosen.row.id, .dyn) }
        return (chosen.row.id, chosen.result)
    }

    private func unknown(function name: String, _ target: ExpressionID?, _ id: ExpressionID) -> CELProblem {
        let isMember = target != nil
        let rows = candidates(name)
        if let row = rows.first {
            let call = isMember ? "as a function of its own: \(row.signature)" : "with a dot after its first operand: \(row.signature)"
            return problem("\(name) is called \(call)", place(id))
        }
        if Parser.macros.contains(name) {
            let use = name == "has" ? "has(x.field)" : "list.\(name)(x, …)"
            return problem("the macro \(name) is written \(use)", place(id))
        }
        if let target, let words = chain(target) {
            // geo.cuntry(…): the space is known.
            let space = words.map(\.text).joined(separator: ".") + "."
            let spaced = (environment.functions.map(\.name) + Overloads.named.keys.sorted()).filter { $0.hasPrefix(space) }
            if !spaced.isEmpty {
                return problem("unknown function \"\(space)\(name)\"\(Suggestion.clause(for: space + name, in: spaced))", place(id))
            }
        }
        let names = Overloads.named.filter { $0.value.contains { $0.isMember == isMember } }.keys.filter {
            $0.utf8.allSatisfy(Lexer.isWordPart)
        }
        let all = names.sorted() + (isMember ? Parser.macros.subtracting(["has"]).sorted() : environment.functions.map(\.name) + ["has"])
        return problem("unknown function \"\(name)\"\(Suggestion.clause(for: name, in: all))", place(id))
    }

    private func noOverload(
        _ id: ExpressionID, _ name: String, _ rows: [Overload], _ operands: [ExpressionID], _ found: [CELType]
    ) -> CELProblem {
        let given = found.map { types.final($0).description }
        let isMember = rows[0].isMember
        let call =
            Overloads.written(name, given)
            ?? (isMember
                ? "\(given[0]).\(name)(\(given.dropFirst().joined(separator: ", ")))" : "\(name)(\(given.joined(separator: ", ")))")
        var wanted: [String] = []
        for row in rows {
            let signature = row.call
            if !wanted.contains(signature) { wanted.append(signature) }
        }
        let list = wanted.prefix(8).joined(separator: ", ") + (wanted.count > 8 ? " …" : "")
        return problem("no \(call)\(hint(name, operands, found)); there is: \(list)", place(id))
    }

    /// What would mend the commonest mistakes.
    private func hint(_ name: String, _ operands: [ExpressionID], _ found: [CELType]) -> String {
        guard found.count == 2 else { return "" }
        let numbers: Set<CELType> = [.int, .uint, .double]
        for (a, b) in [(0, 1), (1, 0)] {
            let other = types.final(found[b])
            switch types.final(found[a]) {
            case .ip where other == .string:
                if case .literal(.string(let text)) = expression[operands[b]].kind {
                    return text.contains("/") && name != "@in"
                        ? "; a network contains addresses: cidr(\"\(text)\").containsIP(…)" : "; write ip(\"\(text)\")"
                }
                return "; write ip(…) around the string"
            case .string where name == "_+_" && other != .string: return "; write string(…) around the \(other)"
            case .int where other == .string && name != "_[_]" && name != "@in":
                if case .literal(.string) = expression[operands[b]].kind { return "; numbers stand without quotes" }
            case let type where numbers.contains(type) && numbers.contains(other) && type != other:
                return "; write \(type)(…) around the \(other)"
            case .null: return "; \(other) is never null"
            default: break
            }
        }
        if name == "@in", types.final(found[1]) == .cidr { return "; a network contains addresses: cidr(…).containsIP(…)" }
        return ""
    }
}

extension CELType {
    /// The type of a value that a plugin's function takes or gives.
    init(_ type: FunctionType) {
        self =
            switch type {
            case .bool: .bool
            case .int: .int
            case .double: .double
            case .string: .string
            case .bytes: .bytes
            case .ip: .ip
            }
    }
}
