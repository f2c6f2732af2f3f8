// What a name or a chain of names means: a variable of a macro, an attribute, a variable of the environment, a type; the longest name that
// is known wins (CEL language definition, "Name Resolution"). Unknown ones are refused with what was probably meant.
import SluiceModel

extension Checker {
    mutating func check(name: String, _ id: ExpressionID) throws(CELProblem) -> CELType {
        if let local = local(name) {
            expression[id].kind = .local(local)
            return locals[local].type
        }
        if let type = known(bare(name), id) { return type }
        guard environment.isChecked else { return .dyn }
        throw unknown([bare(name)], places: [place(id)])
    }

    /// `.a` means a name outside of all macros.
    private func bare(_ name: String) -> String { name.hasPrefix(".") ? String(name.dropFirst()) : name }

    func local(_ name: String) -> Int? { locals.lastIndex { $0.name == name && $0.isOpen } }

    mutating func check(select id: ExpressionID, _ operand: ExpressionID, _ field: String, _ isTest: Bool) throws(CELProblem) -> CELType {
        if let names = chain(isTest ? operand : id) {
            let isLocal = !names[0].text.hasPrefix(".") && local(names[0].text) != nil
            if !isLocal {
                let words = [bare(names[0].text)] + names.dropFirst().map(\.text)
                if !isTest, let type = known(words.joined(separator: "."), id) { return type }
                let isKnown = (1...words.count).contains { meaning(words.prefix($0).joined(separator: ".")) != nil }
                if !isKnown {
                    guard environment.isChecked else { return .dyn }
                    throw unknown(words, places: names.map(\.place))
                }
            }
        }
        let found = types.resolve(try check(operand))
        switch found {
        case .map(let key, let value):
            guard environment.isChecked else { return .dyn }
            guard types.assign(.string, key) else {
                throw problem("the keys of this map are \(types.final(key)), so it has no field \"\(field)\"; use [ ]", place(id))
            }
            return isTest ? .bool : value
        case .dyn, .parameter: return isTest ? .bool : .dyn
        default:
            if !environment.isChecked { return .dyn }
            throw problem("\(found) has no field \"\(field)\"; only maps have fields\(memberHint(field))", place(id))
        }
    }

    private func memberHint(_ field: String) -> String {
        Overloads.named[field]?.contains(where: \.isMember) == true ? "; the function is called as .\(field)(…)" : ""
    }

    /// The words of `a.b.c` and where they stand; nil: something else than names.
    func chain(_ id: ExpressionID) -> [(text: String, place: SourceRange)]? {
        switch expression[id].kind {
        case .name(let name): return [(name, place(id))]
        case .select(let operand, let field, false):
            guard let words = chain(operand) else { return nil }
            return words + [(field, place(id))]
        default: return nil
        }
    }

    private enum Meaning { case attribute(AttributeID, CELType), type }

    private func meaning(_ name: String) -> Meaning? {
        if let i = environment.variables.firstIndex(where: { $0.name == name }) {
            return .attribute(
                AttributeID(AttributeID.firstVariable.rawValue + UInt16(truncatingIfNeeded: i)), environment.variables[i].type)
        }
        if let row = Attributes.row(name), isUsable(row) { return .attribute(row.id, row.type) }
        return CELType.runtimeNames.contains(name) ? .type : nil
    }

    private func isUsable(_ row: Attribute) -> Bool { !environment.uses.isEmpty && row.uses.isSuperset(of: environment.uses) }

    /// Makes the node what `name` means and gives its type; nil: the name means nothing.
    private mutating func known(_ name: String, _ id: ExpressionID) -> CELType? {
        switch meaning(name) {
        case .attribute(let attribute, let type)?:
            expression[id].kind = .attribute(attribute)
            if !attributesUsed.contains(attribute) { attributesUsed.append(attribute) }
            return type
        case .type?:
            expression[id].kind = .literal(.type(name))
            return .type
        case nil: return nil
        }
    }

    /// Why a chain of names means nothing.
    private func unknown(_ words: [String], places: [SourceRange]) -> CELProblem {
        let names = environment.variables.map(\.name) + Attributes.all.filter(isUsable).map(\.name)
        for count in 1...words.count {
            guard let row = Attributes.row(words.prefix(count).joined(separator: ".")), !environment.uses.isEmpty else { continue }
            let wherever =
                row.uses == .response ? "only when the response is there" : "only when the route is known"
            return problem("\(row.name) is known \(wherever), not here", places[count - 1])
        }
        let spaces = Set(names.compactMap { name in name.firstIndex(of: ".").map { String(name[..<$0]) } })
        if spaces.contains(words[0]) {
            let fields = names.filter { $0.hasPrefix(words[0] + ".") }
            let all = fields.map { $0.dropFirst(words[0].count + 1) }.sorted().joined(separator: " ")
            guard words.count > 1 else { return problem("\"\(words[0])\" alone is no value; it has: \(all)", places[0]) }
            let name = words[0] + "." + words[1]
            return problem("unknown attribute \"\(name)\"\(Suggestion.clause(for: name, in: fields)); \(words[0]) has: \(all)", places[1])
        }
        let full = words.joined(separator: ".")
        let candidates = names + spaces.sorted() + locals.filter { $0.isOpen && $0.name != Parser.result }.map(\.name)
        let near = Suggestion.nearest(to: full, in: candidates) ?? Suggestion.nearest(to: words[0], in: candidates)
        let hint = near.map { "; did you mean \"\($0)\"?" } ?? (Overloads.named[full] != nil ? "; \(full) is a function: \(full)(…)" : "")
        return problem("unknown name \"\(full)\"\(hint)", places[0])
    }
}
