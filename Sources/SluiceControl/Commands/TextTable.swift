// Tables for people: columns aligned, two spaces between, no lines. Where the output is no terminal, cells are parted by tabs and nothing is
// cut, so that `cut -f` works. Widths count characters as a terminal shows them. Nothing here prints; `Console` does.
import Foundation

struct TextTable {
    var header: [String]
    var rows: [[String]] = []
    /// Columns that hold numbers stand to the right.
    var numeric: Set<Int> = []

    init(_ header: [String], rows: [[String]] = [], numeric: Set<Int> = []) {
        self.header = header
        self.rows = rows
        self.numeric = numeric
    }

    /// - Parameter width: columns of the terminal, 0 = as wide as it takes; the last column is cut to fit.
    func text(width: Int = 0) -> String {
        let all = [header] + rows.map { row in header.indices.map { $0 < row.count ? Self.oneLine(row[$0]) : "" } }
        let widths = header.indices.map { column in all.map { Self.width($0[column]) }.max() ?? 0 }
        let last = header.count - 1
        return all.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let gap = String(repeating: " ", count: widths[column] - Self.width(cell))
                if column > 0 { line += "  " }
                if numeric.contains(column) { line += gap + cell } else { line += column == last ? cell : cell + gap }
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return width > 8 ? Self.cut(line, width) : line
        }.joined(separator: "\n")
    }

    /// For programs that read lines: tabs between cells, the header too.
    var tabbed: String {
        ([header] + rows).map { $0.map(Self.oneLine).joined(separator: "\t") }.joined(separator: "\n")
    }

    private static func oneLine(_ cell: String) -> String {
        cell.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
            ? String(String.UnicodeScalarView(cell.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 })) : cell
    }

    /// East Asian wide characters take two columns, combining marks none.
    static func width(_ text: String) -> Int {
        text.utf8.count == text.count ? text.count : text.reduce(0) { $0 + width($1) }
    }

    private static func width(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x1100...0x115f, 0x2e80...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6,
            0x1f300...0x1f64f, 0x1f900...0x1f9ff, 0x20000...0x3fffd:
            return 2
        default: return 1
        }
    }

    private static func cut(_ line: String, _ columns: Int) -> String {
        if width(line) <= columns { return line }
        var out = "", used = 0
        for character in line {
            let next = width(character)
            if used + next > columns - 1 { break }
            out.append(character)
            used += next
        }
        return out + "…"
    }
}

/// What standard output is connected to.
enum Terminal {
    static let isTerminal = isatty(STDOUT_FILENO) == 1
    /// Colours: on a terminal, unless NO_COLOR is set (no-color.org) or it calls itself dumb.
    static let hasColour =
        isTerminal && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
        && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    static var columns: Int {
        var size = winsize()
        return isTerminal && ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 ? Int(size.ws_col) : 0
    }
    enum Colour: String { case red = "31", green = "32", yellow = "33", cyan = "36", bold = "1" }
    static func paint(_ text: String, _ colour: Colour, if wanted: Bool = hasColour) -> String {
        wanted ? "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m" : text
    }
}
