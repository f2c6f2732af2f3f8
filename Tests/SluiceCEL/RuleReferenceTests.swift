// docs/rules.md says what the tables say and its examples are right: the lists of attributes and functions in it are printed from the
// tables here. After a change of a table: SLUICE_WRITE_DOCS=1 swift test --filter rulesPage.
import Glibc
import SluiceCEL
import SluiceModel
import Testing

private let page = String(#filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }) + "/docs/rules.md"

private func attributeLines() -> [String] {
    ["| attribute | type | known | meaning |", "|---|---|---|---|"]
        + Attributes.all.map { row in
            let known = row.uses.contains(.route) ? "everywhere" : row.uses.contains(.request) ? "route known" : "response"
            return "| `\(row.name)` | \(row.type) | \(known) | \(row.meaning) |"
        }
}

private func functionLines() -> [String] {
    let parts: [(String, (Overload) -> Bool)] = [
        ("Operators", { !$0.name.contains { $0.isLetter } || $0.name == "@in" || $0.name == "_?_:_" }),
        ("Texts, sizes, ours", { (0x0100..<0x0120).contains($0.id.rawValue) || (0x0340..<0x0400).contains($0.id.rawValue) }),
        ("Conversions", { (0x0120..<0x01B0).contains($0.id.rawValue) }), ("Parts of times", { (0x01B0..<0x0200).contains($0.id.rawValue) }),
        ("The strings extension", { (0x0200..<0x0300).contains($0.id.rawValue) }),
        ("The network extension", { (0x0300..<0x0340).contains($0.id.rawValue) }),
    ]
    return parts.flatMap { title, isPart in
        ["**\(title)**", ""]
            + Overloads.all.filter { isPart($0) && !$0.name.hasPrefix("@not") }.map { "- `\($0.signature)`" } + [""]
    }.dropLast()
}

/// The page with the lines between its marks replaced.
private func filled(_ text: String) -> String {
    var out: [Substring] = []
    var skips = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
        if line == "<!-- end -->" {
            skips = false
            out.append("")
        }
        if !skips { out.append(line) }
        for (mark, lines) in [("<!-- attributes:", attributeLines()), ("<!-- functions:", functionLines())] where line.hasPrefix(mark) {
            out += [""] + lines.map { Substring($0) }
            skips = true
        }
    }
    return out.joined(separator: "\n")
}

@Test func rulesPageSaysWhatTheTablesSay() throws {
    let text = String(decoding: try #require(readFile(page)), as: UTF8.self)
    let wanted = filled(text)
    if environmentVariable("SLUICE_WRITE_DOCS") != nil, wanted != text {
        let file = try #require(fopen(page, "wb"))
        _ = wanted.withCString { fputs($0, file) }
        fclose(file)
        return
    }
    #expect(text == wanted, "run: SLUICE_WRITE_DOCS=1 swift test --filter rulesPage")
}

@Test func examplesOfTheRulesPageAreConditions() throws {
    let text = String(decoding: try #require(readFile(page)), as: UTF8.self)
    let parts = text.split(separator: "```cel\n", maxSplits: 1)
    let examples = try #require(parts.last?.split(separator: "```", maxSplits: 1).first).split(separator: "\n")
    #expect(examples.count > 10)
    for example in examples {
        if case .failure(let problem) = front(String(example), declared, .bool) { Issue.record("\(problem.rendering)") }
    }
}
