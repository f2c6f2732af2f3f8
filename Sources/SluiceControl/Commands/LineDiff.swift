// Differences of two texts, line by line, in the unified form of diff(1) and patch(1). The shortest edit by Myers' algorithm (An O(ND)
// Difference Algorithm and Its Variations, 1986), bounded: past `editsMax` edits the middle is said to be replaced as a whole.

enum LineDiff {
    enum Line: Equatable {
        case same(String), removed(String), added(String)
    }
    static let editsMax = 2_000

    /// Every line of both, in order.
    static func lines(_ old: [String], _ new: [String]) -> [Line] {
        var head = 0
        while head < old.count, head < new.count, old[head] == new[head] { head += 1 }
        var tail = 0
        while tail < old.count - head, tail < new.count - head, old[old.count - 1 - tail] == new[new.count - 1 - tail] { tail += 1 }
        let a = Array(old[head..<(old.count - tail)]), b = Array(new[head..<(new.count - tail)])
        return old[..<head].map(Line.same) + middle(a, b) + old[(old.count - tail)...].map(Line.same)
    }

    private static func middle(_ a: [String], _ b: [String]) -> [Line] {
        if a.isEmpty || b.isEmpty { return a.map(Line.removed) + b.map(Line.added) }
        let most = min(a.count + b.count, editsMax)
        // furthest[k + most + 1]: how far in `a` a path on diagonal k has come; one copy is kept of every round.
        var furthest = [Int](repeating: 0, count: 2 * most + 3)
        var rounds: [[Int]] = []
        for d in 0...most {
            rounds.append(Array(furthest[(most + 1 - d)...(most + 1 + d)]))
            for k in stride(from: -d, through: d, by: 2) {
                let at = k + most + 1
                var x = k == -d || (k != d && furthest[at - 1] < furthest[at + 1]) ? furthest[at + 1] : furthest[at - 1] + 1
                while x < a.count, x - k < b.count, x - k >= 0, a[x] == b[x - k] { x += 1 }
                furthest[at] = x
                if x >= a.count, x - k >= b.count { return walkBack(a, b, rounds, d) }
            }
        }
        return a.map(Line.removed) + b.map(Line.added)
    }

    /// From the end of both to their start, along the rounds that led there. `rounds[d][k + d]` is the state before round d.
    private static func walkBack(_ a: [String], _ b: [String], _ rounds: [[Int]], _ last: Int) -> [Line] {
        var out: [Line] = []
        var x = a.count, y = b.count
        for d in stride(from: last, to: 0, by: -1) {
            let state = rounds[d], k = x - y
            let down = k == -d || (k != d && state[k - 1 + d] < state[k + 1 + d])
            let before = down ? k + 1 : k - 1
            let fromX = state[before + d], fromY = fromX - before
            while x > fromX, y > fromY {
                out.append(.same(a[x - 1]))
                (x, y) = (x - 1, y - 1)
            }
            out.append(down ? .added(b[y - 1]) : .removed(a[x - 1]))
            (x, y) = (fromX, fromY)
        }
        while x > 0, y > 0 {
            out.append(.same(a[x - 1]))
            (x, y) = (x - 1, y - 1)
        }
        return out.reversed()
    }

    /// The unified form with `context` lines around each change; nil when nothing differs.
    static func unified(_ old: String, _ new: String, names: (String, String), context: Int = 3, colour: Bool = false) -> String? {
        let all = lines(split(old), split(new))
        let changed = all.indices.filter { if case .same = all[$0] { false } else { true } }
        guard !changed.isEmpty else { return nil }
        var out = [
            Terminal.paint("--- \(names.0)", .bold, if: colour), Terminal.paint("+++ \(names.1)", .bold, if: colour),
        ]
        var index = 0
        while index < changed.count {
            let first = max(0, changed[index] - context)
            var end = min(all.count, changed[index] + context + 1)
            while index + 1 < changed.count, changed[index + 1] - context <= end {
                index += 1
                end = min(all.count, changed[index] + context + 1)
            }
            index += 1
            out += hunk(all, first..<end, colour)
        }
        return out.joined(separator: "\n") + "\n"
    }

    private static func hunk(_ all: [Line], _ range: Range<Int>, _ colour: Bool) -> [String] {
        var before = (old: 0, new: 0), here = (old: 0, new: 0)
        func count(_ line: Line, _ into: inout (old: Int, new: Int)) {
            switch line {
            case .same: into = (into.old + 1, into.new + 1)
            case .removed: into.old += 1
            case .added: into.new += 1
            }
        }
        for line in all[..<range.lowerBound] { count(line, &before) }
        for line in all[range] { count(line, &here) }
        // A run of no lines is named by the line before it (POSIX diff, unified form).
        func place(_ start: Int, _ count: Int) -> String { "\(count == 0 ? start : start + 1)" + (count == 1 ? "" : ",\(count)") }
        let title = "@@ -\(place(before.old, here.old)) +\(place(before.new, here.new)) @@"
        return [Terminal.paint(title, .cyan, if: colour)]
            + all[range].map { line in
                switch line {
                case .same(let text): " " + text
                case .removed(let text): Terminal.paint("-" + text, .red, if: colour)
                case .added(let text): Terminal.paint("+" + text, .green, if: colour)
                }
            }
    }

    private static func split(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
