// Regular expressions of one tree: all expressions of the image are searched for at once, once a lookup; among the tree's routes behind
// those that match, the best is taken. The number of expressions that do not match costs nothing here.
import SluiceBytes
import SluiceRules

extension TreeWalk {
    /// Takes the best route of the table that is better than the best so far.
    @inline(never) mutating func lookAtRegexes(_ index: Int) {
        let table = image.regexTables[index]
        let run = UnsafeBufferPointer(rebasing: image.regexEntries[Int(table.first)..<Int(table.first) + Int(table.count)])
        let entry = { (place: Int) in
            UnsafeRawPointer(run.baseAddress.unsafelyUnwrapped + place).assumingMemoryBound(to: RouteEntry.self)  // its first field
        }
        if run[0].entry.key <= best { return }
        let matches = self.matches ?? RegexSearch.matches(image, path)
        self.matches = matches
        var tried = -1
        while true {
            // The best place behind those tried, of all expressions that match.
            var next = Int.max
            for number in matches { next = min(next, TreeWalk.place(of: number, behind: tried, run)) }
            if next == Int.max || run[next].entry.key <= best { return }
            tried = next
            if takes(entry(next)) { return }
        }
    }

    /// First place behind `tried` whose route stands behind expression `number`; Int.max: none. Binary search in the order by number.
    private static func place(of number: UInt32, behind tried: Int, _ run: UnsafeBufferPointer<RegexEntry>) -> Int {
        var low = 0
        var high = run.count
        while low < high {
            let middle = (low &+ high) >> 1
            let place = Int(run[middle].byNumber)
            if run[place].regex < number || run[place].regex == number && place <= tried { low = middle &+ 1 } else { high = middle }
        }
        if low == run.count { return Int.max }
        let place = Int(run[low].byNumber)
        return run[place].regex == number ? place : Int.max
    }
}
