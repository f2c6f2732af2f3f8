// The shares that branches get, and that a change of weights moves no client without need.
import SluiceRules
import Testing

@testable import SluicePipeline

@Suite struct SplitChoiceTests {
    private func with<T>(_ weights: [UInt32], _ body: (UnsafeBufferPointer<SplitBranch>) -> T) -> T {
        let branches = weights.enumerated().map { i, weight in
            var b = SplitBranch()
            (b.cluster, b.weight, b.key) = (UInt32(i), weight, ImageHash.hash("cluster-\(i)"))
            return b
        }
        return branches.withUnsafeBufferPointer(body)
    }
    private static let clients: [UInt64] = (0..<200_000).map { ImageHash.hash("10.0.\($0 / 256).\($0 % 256)") }

    @Test(arguments: [[1, 1], [90, 10], [1, 2, 3, 4], [65_535, 1, 0, 32_768], [5, 0, 5]] as [[UInt32]])
    func sharesByHash(_ weights: [UInt32]) {
        var counts = [Int](repeating: 0, count: weights.count)
        with(weights) { branches in for c in Self.clients { counts[SplitChoice.byHash(branches, c)] += 1 } }
        check(counts, weights)
    }

    @Test(arguments: [[1, 1], [90, 10], [0, 3, 1]] as [[UInt32]])
    func sharesByChance(_ weights: [UInt32]) {
        var chance = Chance()
        var counts = [Int](repeating: 0, count: weights.count)
        with(weights) { branches in for _ in 0..<200_000 { counts[SplitChoice.byChance(branches, chance.next())] += 1 } }
        check(counts, weights)
    }

    /// Within 2 % of all requests; a weight of 0 gets none.
    private func check(_ counts: [Int], _ weights: [UInt32]) {
        let total = Double(weights.reduce(0, +)), all = Double(counts.reduce(0, +))
        for (count, weight) in zip(counts, weights) {
            #expect(abs(Double(count) / all - Double(weight) / total) < 0.02, "\(counts) of \(weights)")
            if weight == 0 { #expect(count == 0) }
        }
    }

    /// 50:50 to 60:40 moves a tenth of the clients, all of them to the branch that grew; a new branch takes from all and moves nobody
    /// between the old ones; a branch that goes gives its clients to the others.
    @Test func fewMove() {
        func places(_ weights: [UInt32]) -> [Int] { with(weights) { branches in Self.clients.map { SplitChoice.byHash(branches, $0) } } }
        let before = places([50, 50, 0]), grown = places([75, 50, 0]), joined = places([50, 50, 50])
        let moved = zip(before, grown).filter { $0 != $1 }
        #expect(moved.allSatisfy { $0 == (1, 0) })
        #expect(abs(Double(moved.count) / Double(before.count) - 0.1) < 0.01)
        #expect(zip(before, joined).allSatisfy { $0 == $1 || $1 == 2 })
    }

    @Test func cookiesNameBranches() {
        with([1, 0, 2]) { branches in
            #expect(SplitChoice.named(branches, branches[2].key) == 2)
            #expect(SplitChoice.named(branches, branches[1].key) == -1)  // takes no requests
            #expect(SplitChoice.named(branches, 7) == -1)
        }
    }
}
