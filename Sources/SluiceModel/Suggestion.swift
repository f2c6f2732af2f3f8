// "did you mean": the nearest of the allowed words, by edits. Used for keys, methods, references and choices.

public enum Suggestion {
    /// The candidate that `word` was probably meant to be; nil when none is near (more than a third of the letters differ).
    public static func nearest(to word: String, in candidates: some Sequence<String>) -> String? {
        let wanted = Array(word.lowercased().utf8.prefix(64))
        var best: (String, Int)?
        for candidate in candidates {
            let letters = Array(candidate.lowercased().utf8.prefix(64))
            // A word cut short or carried on (warn, warning) counts as one edit.
            let continued = min(wanted.count, letters.count) >= 3 && (wanted.starts(with: letters) || letters.starts(with: wanted))
            let distance = continued ? min(1, edits(wanted, letters)) : edits(wanted, letters)
            guard distance <= max(1, min(wanted.count, candidate.utf8.count) / 3 + 1), distance < max(wanted.count, 2) else { continue }
            if best == nil || distance < best!.1 { best = (candidate, distance) }
        }
        return best?.0
    }

    /// `; did you mean "x"?` or nothing.
    public static func clause(for word: String, in candidates: some Sequence<String>) -> String {
        nearest(to: word, in: candidates).map { "; did you mean \(quote($0))?" } ?? ""
    }

    /// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b` (optimal string alignment).
    static func edits(_ a: [UInt8], _ b: [UInt8]) -> Int {
        if a.isEmpty || b.isEmpty { return a.count + b.count }
        var before = [Int](), row = Array(0...b.count)
        for i in 1...a.count {
            var next = [i] + Array(repeating: 0, count: b.count)
            for j in 1...b.count {
                next[j] = min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { next[j] = min(next[j], before[j - 2] + 1) }
            }
            (before, row) = (row, next)
        }
        return row[b.count]
    }
}
