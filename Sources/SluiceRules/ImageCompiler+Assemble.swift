// Lays the sections one behind the other, fills in the header and the digest. References that sections make to each other are counted from
// the section's first record until here, where they become places in the image.
import SluiceModel

extension ImageCompiler {
    /// Zero bytes at the end, so that vector loads may read past the last record.
    static let padding = 64

    /// Long because it is one list of all sections, first their places, then their bytes.
    mutating func assemble() throws(ImageError) -> [UInt8] {
        let routing = routingTables()
        var places = Places(end: StringPool.base)
        var header = ImageHeader()
        header.revision = input.revision
        header.strings = places.take(strings.bytes.count + tail.bytes.count, 1)
        header.settings = places.take(1, MemoryLayout<SettingsRecord>.stride)
        header.listeners = places.take(listeners)
        header.clusters = places.take(clusters)
        header.targets = places.take(targets)
        header.routes = places.take(routes)
        header.plugins = places.take(plugins)
        header.bindings = places.take(bindings)
        header.chains = places.take(chains)
        header.trustedNetworks = places.take(networks)
        header.hosts = places.take(routing.slots, extra: MemoryLayout<HostTableHeader>.stride)
        header.nodes = places.take(routing.nodeCount, MemoryLayout<RouteNode>.stride + 1)
        header.lists = places.take(routing.entryCount, MemoryLayout<RouteEntry>.stride)
        header.parameterNames = places.take(names)
        header.functions = places.take(functions)
        header.programs = places.take(programs)
        let codePlace = places.take(code)
        header.ipSets = places.take(ipSets)
        header.consumers = places.take(consumers)
        header.consumerIndex = places.take(consumerIndex)
        header.consumerLabels = places.take(consumerLabels)
        header.regexTables = places.take(routing.regexTables)
        header.regexEntries = places.take(routing.regexEntries)
        header.regexSets = places.take(regexes.sets.count, MemoryLayout<RegexSetRecord>.stride)
        header.extras = places.take(extras)
        header.branches = places.take(branches)
        header.templates = places.take(templates)
        header.regexCount = UInt32(regexes.count)
        let setPlaces = regexes.sets.map { places.take($0.bytes.count, 1, alignment: RegexSearch.alignment) }
        let total = (places.end + ImageCompiler.padding + 7) & ~7
        if total > UInt32.max {
            throw ImageError(
                path: "configuration", found: "an image of \(total) bytes",
                allowed: "at most \(UInt32.max) bytes: fewer routes, or smaller bodies and plugin configurations")
        }
        header.totalBytes = UInt64(total)

        return [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
            var out = ImageWriter(base: UnsafeMutableRawPointer(buffer.baseAddress!), end: StringPool.base)
            out.write(strings.bytes, at: header.strings)
            out.append(tail.bytes)
            out.write([settings], at: header.settings)
            out.write(listeners, at: header.listeners)
            out.write(clusters, at: header.clusters)
            out.write(targets, at: header.targets)
            out.write(routes, at: header.routes) { $0.chain.offset = header.chains.offset + 4 * $0.chain.offset }
            out.write(plugins, at: header.plugins)
            out.write(bindings, at: header.bindings)
            out.write(chains, at: header.chains)
            out.write(networks, at: header.trustedNetworks)
            out.write([routing.hostHeader], at: header.hosts)
            out.append(routing.slots)
            routing.writeNodes(&out, header.nodes)
            routing.writeEntries(&out, header.lists)
            out.write(names, at: header.parameterNames)
            out.write(functions, at: header.functions)
            out.write(programs, at: header.programs) { $0.offset += codePlace.offset }
            out.write(code, at: codePlace)
            out.write(ipSets, at: header.ipSets) { $0.bytes.offset += codePlace.offset }
            out.write(consumers, at: header.consumers) {
                $0.chain.offset = header.chains.offset + 4 * $0.chain.offset
                $0.labels.offset = header.consumerLabels.offset + UInt32(MemoryLayout<ConsumerLabel>.stride) * $0.labels.offset
            }
            out.write(consumerIndex, at: header.consumerIndex)
            out.write(consumerLabels, at: header.consumerLabels)
            out.write(routing.regexTables, at: header.regexTables)
            out.write(routing.regexEntries, at: header.regexEntries)
            out.write(
                zip(regexes.sets, setPlaces).map { set, place in
                    var r = RegexSetRecord()
                    (r.offset, r.count, r.hash) = (place.offset, place.count, set.hash)
                    return r
                }, at: header.regexSets)
            writeExtras(&out, header)
            for (set, place) in zip(regexes.sets, setPlaces) { out.write(set.bytes, at: place) }
            out.clear(to: total)
            let size = MemoryLayout<ImageHeader>.size
            header.digest = ImageHash.hash(UnsafeRawPointer(out.base + size), count: total - size)
            out.base.copyMemory(from: [header], byteCount: size)
            count = total
        }
    }
}

extension ImageCompiler {
    private func writeExtras(_ out: inout ImageWriter, _ header: ImageHeader) {
        func place(_ run: inout ImageRange, _ section: ImageRange, _ stride: Int) {
            run.offset = section.offset + run.offset * UInt32(stride)
        }
        out.write(extras, at: header.extras) {
            place(&$0.branches, header.branches, MemoryLayout<SplitBranch>.stride)
            let part = MemoryLayout<TemplatePart>.stride
            place(&$0.path, header.templates, part)
            place(&$0.replacement, header.templates, part)
            place(&$0.host, header.templates, part)
            place(&$0.query, header.templates, part)
            place(&$0.location, header.templates, part)
        }
        out.write(branches, at: header.branches)
        out.write(templates, at: header.templates)
    }
}

/// Hands out places, one behind the other.
struct Places {
    var end: Int
    mutating func take(_ count: Int, _ stride: Int, extra: Int = 0, alignment: Int = 8) -> ImageRange {
        end = (end + alignment - 1) & ~(alignment - 1)
        defer { end += count * stride + extra }
        return ImageRange(offset: UInt32(truncatingIfNeeded: end), count: UInt32(truncatingIfNeeded: count))
    }
    mutating func take<T>(_ records: [T], extra: Int = 0) -> ImageRange {
        take(records.count, MemoryLayout<T>.stride, extra: extra)
    }
}

/// Writes an image from its strings to its end; gaps become zero.
struct ImageWriter {
    let base: UnsafeMutableRawPointer
    private var end: Int
    /// Where the next byte goes.
    var next: UnsafeMutableRawPointer { base + end }
    init(base: UnsafeMutableRawPointer, end: Int) { (self.base, self.end) = (base, end) }

    mutating func clear(to place: Int) {
        (base + end).initializeMemory(as: UInt8.self, repeating: 0, count: place - end)
        end = place
    }

    mutating func append<T>(_ records: [T]) {
        records.withUnsafeBytes { from in
            if let start = from.baseAddress { (base + end).copyMemory(from: start, byteCount: from.count) }
            end += from.count
        }
    }

    mutating func write<T>(_ records: [T], at range: ImageRange) {
        clear(to: Int(range.offset))
        append(records)
    }

    /// The same, each record changed where it is then.
    mutating func write<T>(_ records: [T], at range: ImageRange, _ change: (inout T) -> Void) {
        write(records, at: range)
        let written = (base + Int(range.offset)).assumingMemoryBound(to: T.self)
        for i in 0..<records.count { change(&written[i]) }
    }
}
