// The series that plugins define, in each worker's block: what they are, and one cell a number. A worker writes its own; the control
// process reads all and sums series of equal name and labels. Who may define what is in SluicePlugins (MetricRegistry).
import CSluiceSys

public enum MetricKind: UInt8, Sendable { case counter = 1, gauge = 2, histogram = 3 }

/// One series: kind, name, help and labels as packed text, bounds of a histogram, and where its cells are.
///
///   text = [plugin][name][help][label name][label value]…   lengths = how many bytes of each
///   cells of a histogram = [count ≤ bound 0]…[count above all bounds][sum], not cumulative
@frozen public struct MetricDefinition {
    /// Odd while it is being written: a reader's copy counts when this was even and the same before and after.
    public var sequence: UInt32 = 0
    /// `MetricKind` raw value; 0 = free.
    public var kind: UInt8 = 0
    public var labelCount: UInt8 = 0
    public var boundCount: UInt8 = 0
    public var reserved: UInt8 = 0
    public var firstCell: UInt16 = 0
    public var cellCount: UInt16 = 0
    public var lengths: InlineArray<12, UInt8> = .init(repeating: 0)
    public var bounds: InlineArray<16, Double> = .init(repeating: 0)
    public var text: InlineArray<872, UInt8> = .init(repeating: 0)
    public init() {}

    public static let textBytesMax = 872
    public static let labelsMax = 4
    public static let boundsMax = 16

    /// The texts in order, as far as the lengths can be true.
    public var texts: [String] {
        var out: [String] = []
        var at = 0
        for i in 0..<3 + 2 * min(Int(labelCount), Self.labelsMax) {
            let end = at + Int(lengths[i])
            if end > Self.textBytesMax { return [] }
            out.append(String(decoding: (at..<end).map { text[$0] }, as: UTF8.self))
            at = end
        }
        return out
    }
}

extension SharedLimits {
    public static let metricSlots = 512
    public static let metricCells = 1_024
}

extension WorkerBlock {
    /// Replaces a definition so that a reader sees the old one, the new one, or none. The worker's own process only.
    public func publish(_ definition: MetricDefinition, at index: Int) {
        let place = metricDefinitions + index
        let sequence = place.pointee.sequence | 1
        place.pointee.sequence = sequence
        cs_fence()
        var new = definition
        new.sequence = sequence
        place.pointee = new
        cs_fence()
        place.pointee.sequence = sequence &+ 1
    }

    /// A copy of a definition with its cells; nil: free, being written, or not to be believed. Any process.
    public func series(at index: Int) -> (definition: MetricDefinition, cells: [Double])? {
        let place = metricDefinitions + index
        let before = place.pointee.sequence
        cs_fence()
        let copy = place.pointee
        let first = Int(copy.firstCell), count = Int(copy.cellCount)
        guard before & 1 == 0, copy.kind != 0, first + count <= SharedLimits.metricCells else { return nil }
        let cells = (first..<first + count).map { metricCells[$0] }
        cs_fence()
        return place.pointee.sequence == before ? (copy, cells) : nil
    }
}
