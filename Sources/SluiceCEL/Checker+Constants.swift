// Arguments that are looked at when an expression is saved: names of ip sets, patterns, addresses and networks; and what is not to be had
// here (dictionaries). A mistake in them is refused now and not found when a request comes.
import CSluiceRegex
import SluiceModel

extension Checker {
    func checkConstants(_ overload: OverloadID, _ operands: [ExpressionID], _ id: ExpressionID) throws(CELProblem) {
        switch overload {
        case .ipset: try checkAddressSet(operands[0])
        case .matches: try checkPattern(operands[1])
        case .dict where !environment.hasDictionaries:
            throw problem("dict(): dictionaries come with shared dictionaries, which this gateway does not have", place(id))
        case .ip:
            guard let text = constant(operands[0]), IPAddress(text) == nil else { return }
            let hint = IPNetwork(text) != nil ? "; a network is cidr(\"\(text)\")" : ""
            throw problem("\"\(text)\" is no IPv4 or IPv6 address\(hint)", expression[operands[0]].range)
        case .cidr, .containsCIDRString:
            let operand = operands.last!
            guard let text = constant(operand), !text.contains("/") || IPNetwork(text) == nil else { return }
            throw problem("\"\(text)\" is no network such as 10.0.0.0/8 or fd00::/8", expression[operand].range)
        default: return
        }
    }

    private func constant(_ id: ExpressionID) -> String? {
        if case .literal(.string(let text)) = expression[id].kind { text } else { nil }
    }

    private func checkAddressSet(_ id: ExpressionID) throws(CELProblem) {
        guard let name = constant(id) else {
            throw problem("the name of an ip set is a string in quotes, not something that is computed", expression[id].range)
        }
        guard let known = environment.addressSets, !known.contains(name) else { return }
        let names = known.sorted()
        let list = names.isEmpty ? "there are none" : "known: " + names.prefix(16).joined(separator: " ") + (names.count > 16 ? " …" : "")
        throw problem("unknown ip set \"\(name)\"\(Suggestion.clause(for: name, in: names)); \(list)", expression[id].range)
    }

    private func checkPattern(_ id: ExpressionID) throws(CELProblem) {
        let range = expression[id].range
        guard let pattern = constant(id) else {
            throw problem("the pattern of matches() is a string in quotes, not something that is computed", range)
        }
        guard pattern.utf8.count <= Limits.patternBytesMax else {
            throw problem("the pattern has \(pattern.utf8.count) bytes; at most \(Limits.patternBytesMax)", range)
        }
        let bytes = Array(pattern.utf8)
        let refused: String? = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { why in
            bytes.withUnsafeBufferPointer { bytes -> String? in
                let made = bytes.withMemoryRebound(to: CChar.self) {
                    cs_regex_make($0.baseAddress, $0.count, Limits.expressionRegexBytesMax, why.baseAddress, why.count)
                }
                guard let made else { return String(cString: why.baseAddress!) }
                cs_regex_free(made)
                return nil
            }
        }
        if let refused { throw problem("RE2 refuses the pattern: \(refused)", patternPlace(range, pattern, refused)) }
    }

    /// Where in the text the piece stands that RE2 quotes after its colon; the whole literal if it cannot be told.
    private func patternPlace(_ range: SourceRange, _ pattern: String, _ why: String) -> SourceRange {
        guard let colon = why.lastIndex(of: ":") else { return range }
        let piece = Array(why[why.index(after: colon)...].utf8.drop { $0 == 0x20 })
        let text = Array(expression.text.utf8)[Int(range.offset)..<Int(range.offset + range.count)]
        guard !piece.isEmpty, piece.count < text.count else { return range }
        for start in text.startIndex...(text.endIndex - piece.count) where text[start..<start + piece.count].elementsEqual(piece) {
            return SourceRange(offset: Int32(start), count: Int32(piece.count))
        }
        return range
    }
}
