// The regular expressions of an image while it is built: a number for each text, and the sets in which they are compiled. Compiling costs
// about half a millisecond an expression, so sets are kept over changes: what is new goes into a small set of its own, small sets are
// joined when there are several, and a number whose expression is gone is found and ignored. Searching is `RegexSearch`.
import SluiceModel

struct RegexSets {
    struct CompiledSet {
        var numbers: [UInt32]
        var bytes: [UInt8]
        var hash: UInt64
    }
    /// Expressions of one set. Ten thousand take 5 to 17 s to compile, hardly less in several sets; but each set that is searched costs 100 ns.
    static let setMax = 16_384
    /// A set that is compiled again when an expression joins it: 70 ms at most.
    static let smallMax = 128
    static let smallSetsMax = 8

    private var numbers: [String: UInt32] = [:]
    private var texts: [String] = []
    /// How many patterns of routes stand for each number.
    private var uses: [Int32] = []
    private var isCompiled: [Bool] = []
    private(set) var sets: [CompiledSet] = []
    /// Numbers that may be new, each with the place of the pattern.
    private var new: [(number: UInt32, path: String)] = []
    var count: Int { texts.count }

    /// Most of the numbers stand for nothing any more: time to begin anew.
    var isWorn: Bool { texts.count > 1_024 && uses.count(where: { $0 > 0 }) * 2 < texts.count }

    /// Forgets who uses the expressions, not the expressions.
    mutating func forgetUses() { uses = Array(repeating: 0, count: texts.count) }

    /// The number of an expression that one more pattern stands for.
    mutating func use(_ text: String, at path: @autoclosure () -> String) -> UInt32 {
        if let known = numbers[text] {
            uses[Int(known)] += 1
            if !isCompiled[Int(known)] { new.append((known, path())) }
            return known
        }
        let number = UInt32(texts.count)
        numbers[text] = number
        texts.append(text)
        uses.append(1)
        isCompiled.append(false)
        new.append((number, path()))
        return number
    }

    mutating func stopUsing(_ number: UInt32) { uses[Int(number)] -= 1 }

    /// Brings the sets up to date.
    mutating func compile() throws(ImageError) {
        let uses = self.uses
        for set in sets where !set.numbers.contains(where: { uses[Int($0)] > 0 }) { forget(set) }
        sets.removeAll { set in !set.numbers.contains { uses[Int($0)] > 0 } }
        var wanted = Set(new.map(\.number)).filter { uses[Int($0)] > 0 && !isCompiled[Int($0)] }
        if !wanted.isEmpty {
            let small = sets.indices.filter { sets[$0].numbers.count < RegexSets.smallMax }
            if small.count >= RegexSets.smallSetsMax {
                for i in small.reversed() { wanted.formUnion(take(i)) }
            } else if let i = small.last, sets[i].numbers.count + wanted.count <= RegexSets.smallMax {
                wanted.formUnion(take(i))
            }
            try compile(wanted.filter { uses[Int($0)] > 0 })
        }
        new = []
    }

    private mutating func forget(_ set: CompiledSet) { for n in set.numbers { isCompiled[Int(n)] = false } }

    /// Takes a set apart that will be compiled with others.
    private mutating func take(_ i: Int) -> [UInt32] {
        forget(sets[i])
        return sets.remove(at: i).numbers
    }

    /// Neighbours by text share their beginnings, and sets of neighbours are smaller.
    private mutating func compile(_ wanted: Set<UInt32>) throws(ImageError) {
        let sorted = wanted.sorted { texts[Int($0)] < texts[Int($1)] }
        let parts = (sorted.count + RegexSets.setMax - 1) / RegexSets.setMax
        for p in 0..<parts { try compile(sorted[p * sorted.count / parts..<(p + 1) * sorted.count / parts]) }
    }

    private mutating func compile(_ part: ArraySlice<UInt32>) throws(ImageError) {
        switch RegexSearch.compile(part.map { (texts[Int($0)], $0) }) {
        case .success(let bytes):
            for n in part { isCompiled[Int(n)] = true }
            sets.append(CompiledSet(numbers: Array(part), bytes: bytes, hash: ImageHash.hash(bytes)))
        case .failure(let refusal):
            if refusal.index == nil && part.count > 1 {  // too much for one set
                let middle = part.startIndex + part.count / 2
                try compile(part[..<middle])
                return try compile(part[middle...])
            }
            let number = part[part.startIndex + (refusal.index ?? 0)]
            throw ImageError(
                path: new.first { $0.number == number }?.path ?? "routes",
                found: "\"~\(texts[Int(number)])\": \(refusal.reason)", allowed: "an expression that RE2 and Vectorscan both take")
        }
    }
}
