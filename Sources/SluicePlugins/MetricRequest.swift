// What a plugin asks to define, read from its sluice_metric and checked: nothing of it is believed. The answer to why something is
// refused goes to the plugin's author. What is done with it is in MetricRegistry.swift.
import CSluiceABI
import SluiceBytes
import SluiceModel
import SluiceShared

struct MetricRequest: Equatable {
    var kind: MetricKind
    var name: String
    var help: String
    var labels: [Label]
    var bounds: [Double]
    struct Label: Equatable {
        var name: String
        var value: String
    }

    init(kind: MetricKind, name: String, help: String = "", labels: [Label] = [], bounds: [Double] = []) throws(PluginFailure) {
        (self.kind, self.name, self.help, self.labels, self.bounds) = (kind, name, help, labels, bounds)
        try check()
    }

    init(_ raw: UnsafePointer<sluice_metric>?) throws(PluginFailure) {
        guard let raw, raw.pointee.size >= UInt32(MemoryLayout<sluice_metric>.size) else {
            throw PluginFailure("size must be sizeof(sluice_metric), \(MemoryLayout<sluice_metric>.size) bytes")
        }
        let m = raw.pointee
        guard let kind = MetricKind(rawValue: UInt8(clamping: m.kind)) else {
            throw PluginFailure("kind \(m.kind); 1 (counter), 2 (gauge) and 3 (histogram) are possible")
        }
        self.kind = kind
        name = try Self.text(m.name, "name")
        help = try Self.text(m.help, "help")
        guard m.label_count <= UInt32(MetricDefinition.labelsMax), m.label_count == 0 || m.labels != nil else {
            throw PluginFailure("\(m.label_count) labels; at most \(MetricDefinition.labelsMax), with an address")
        }
        guard m.bound_count <= UInt32(MetricDefinition.boundsMax), m.bound_count == 0 || m.bounds != nil else {
            throw PluginFailure("\(m.bound_count) bounds; at most \(MetricDefinition.boundsMax), with an address")
        }
        labels = []
        for i in 0..<Int(m.label_count) {
            labels.append(
                Label(name: try Self.text(m.labels[i].name, "a label's name"), value: try Self.text(m.labels[i].value, "a label's value")))
        }
        bounds = (0..<Int(m.bound_count)).map { m.bounds[$0] }
        try check()
    }

    private static func text(_ view: sluice_view, _ what: String) throws(PluginFailure) -> String {
        guard let bytes = bytes(view), bytes.count <= Limits.metricTextBytesMax,
            let text = String(validating: UnsafeBufferPointer(start: bytes.start, count: bytes.count), as: UTF8.self),
            !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f })
        else { throw PluginFailure("\(what) is not a line of UTF-8 of at most \(Limits.metricTextBytesMax) bytes") }
        return text
    }

    private func check() throws(PluginFailure) {
        guard Self.isWord(name, Limits.metricNameBytesMax), !name.contains("__"), name.last != "_",
            !["_bucket", "_sum", "_count"].contains(where: name.hasSuffix)
        else {
            throw PluginFailure(
                "name \"\(name)\": 1 to \(Limits.metricNameBytesMax) letters a–z, digits and single _, "
                    + "beginning with a letter, not ending in _, _bucket, _sum or _count"
            )
        }
        guard help.utf8.count <= Limits.metricHelpBytesMax else {
            throw PluginFailure("\(name): help of \(help.utf8.count) bytes; at most \(Limits.metricHelpBytesMax)")
        }
        for (i, label) in labels.enumerated() {
            guard Self.isWord(label.name, Limits.metricLabelNameBytesMax), label.name != "le", !label.name.contains("__"),
                !labels[..<i].contains(where: { $0.name == label.name })
            else {
                throw PluginFailure(
                    "\(name): label \"\(label.name)\": 1 to \(Limits.metricLabelNameBytesMax) letters a–z, digits and "
                        + "single _, not \"le\", none twice"
                )
            }
            guard label.value.utf8.count <= Limits.metricLabelValueBytesMax else {
                throw PluginFailure("\(name): label \(label.name) has a value of over \(Limits.metricLabelValueBytesMax) bytes")
            }
        }
        guard textBytes <= Limits.metricTextBytesMax else {
            throw PluginFailure("\(name): name, help and labels have \(textBytes) bytes; at most \(Limits.metricTextBytesMax)")
        }
        guard kind == .histogram ? !bounds.isEmpty : bounds.isEmpty else {
            throw PluginFailure("\(name): a histogram needs 1 to \(MetricDefinition.boundsMax) bounds, other kinds none")
        }
        guard bounds.allSatisfy(\.isFinite), zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw PluginFailure("\(name): bounds must be finite and rise")
        }
    }

    private static func isWord(_ text: String, _ bytesMax: Int) -> Bool {
        guard let first = text.utf8.first, first &- 0x61 < 26, text.utf8.count <= bytesMax else { return false }
        return text.utf8.allSatisfy { $0 &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == 0x5f }
    }

    private var textBytes: Int { name.utf8.count + help.utf8.count + labels.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count } }

    /// Cells that it takes.
    var cellCount: Int { kind == .histogram ? bounds.count + 2 : 1 }

    /// As shared memory has it.
    func definition(plugin: String, firstCell: Int) -> MetricDefinition {
        var d = MetricDefinition()
        d.kind = kind.rawValue
        d.labelCount = UInt8(labels.count)
        d.boundCount = UInt8(bounds.count)
        d.firstCell = UInt16(firstCell)
        d.cellCount = UInt16(cellCount)
        for (i, bound) in bounds.enumerated() { d.bounds[i] = bound }
        var at = 0
        for (i, part) in ([plugin, name, help] + labels.flatMap { [$0.name, $0.value] }).enumerated() {
            d.lengths[i] = UInt8(part.utf8.count)
            for byte in part.utf8 {
                d.text[at] = byte
                at += 1
            }
        }
        return d
    }
}
