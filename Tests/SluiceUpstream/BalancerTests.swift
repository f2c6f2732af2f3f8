// Smooth weighted round robin: the classic order, exact shares, exclusion of what was tried.
import SluiceRules
import Testing

@testable import SluiceUpstream

@Suite struct BalancerTests {
    func picks(_ weights: [UInt32], _ n: Int, tried: UInt64 = 0) -> [Int] {
        let targets = weights.map { w -> TargetRecord in
            var t = TargetRecord()
            t.weight = w
            return t
        }
        var state = [Int32](repeating: 0, count: weights.count)
        return (0..<n).map { _ in Balancer.pick(targets, count: targets.count, state: &state, tried: tried) }
    }

    @Test func classicOrder() { #expect(picks([5, 1, 1], 7) == [0, 0, 1, 0, 2, 0, 0]) }

    @Test func sharesAreExact() {
        for weights in [[1, 1], [3, 1], [10, 20, 70], [1, 65_535], [7, 11, 13, 17]] as [[UInt32]] {
            let total = Int(weights.reduce(0, +))
            let got = picks(weights, total)
            for (i, w) in weights.enumerated() { #expect(got.filter { $0 == i }.count == Int(w)) }
        }
    }

    @Test func skipsWhatWasTried() {
        #expect(Set(picks([1, 1, 1], 10, tried: 0b010)) == [0, 2])
        #expect(picks([4, 4], 3, tried: 0b11) == [-1, -1, -1])
        #expect(picks([4], 2, tried: 1) == [-1, -1])
        #expect(picks([4], 2) == [0, 0])
    }
}
