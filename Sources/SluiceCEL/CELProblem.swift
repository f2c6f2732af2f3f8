// Why an expression was refused, and where: one message, its place as bytes, line and column, and the text with a caret below it.
import SluiceModel

public struct CELProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// Bytes of the text.
    public let range: SourceRange
    /// From 1.
    public let line: Int
    /// From 1, in characters.
    public let column: Int
    /// What failed, what was found, what is expected.
    public let message: String
    /// The line of the text that it is about, and where in it.
    private let excerpt: String
    private let caret: String

    public init(_ message: String, at range: SourceRange, in text: String) {
        let bytes = text.utf8
        let offset = min(max(0, Int(range.offset)), bytes.count)
        let place = bytes.index(bytes.startIndex, offsetBy: offset)
        let before = bytes[..<place]
        let start = before.lastIndex(of: 0x0A).map(bytes.index(after:)) ?? bytes.startIndex
        let end = bytes[place...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? bytes.endIndex
        self.range = SourceRange(offset: Int32(offset), count: max(0, range.count))
        self.message = message
        line = 1 + before.count { $0 == 0x0A }
        let lead = Array(String(decoding: bytes[start..<place], as: UTF8.self))
        column = lead.count + 1
        // Long lines: as much around the place as fits.
        let skipped = max(0, lead.count - Limits.problemColumns / 2)
        let rest = Array(String(decoding: bytes[place..<end], as: UTF8.self))
        let shown = rest.prefix(max(0, Limits.problemColumns - (lead.count - skipped)))
        let mark = (skipped > 0 ? "…" : "")
        excerpt = Self.plain(mark + String(lead[skipped...]) + String(shown) + (shown.count < rest.count ? "…" : ""))
        let marked = bytes[place...].prefix(Int(self.range.count)).prefix { $0 != 0x0A }
        let width = max(1, min(shown.count, String(decoding: marked, as: UTF8.self).count))
        caret = String(repeating: " ", count: lead.count - skipped + mark.count) + String(repeating: "^", count: width)
    }

    /// One character a column, also of tabs and control characters.
    private static func plain(_ text: String) -> String {
        String(text.map { $0.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } ? $0 : " " })
    }

    /// One line: "1:9: …".
    public var description: String { "\(line):\(column): \(message)" }

    /// The message, the line of the text, and a caret below the place.
    public var rendering: String { "\(description)\n\(excerpt)\n\(caret)" }
}
