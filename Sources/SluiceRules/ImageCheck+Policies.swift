// Checks what rules and plugins refer to: programs, sets of addresses, consumers, and the tables and sets of regular expressions. What is
// inside a program or a set of addresses SluiceCEL checks; the inside of a set of expressions is held to its hash.
import SluiceBytes
import SluiceCEL
import SluiceModel

extension ImageCheck {
    @inline(__always) func chain(_ chain: ImageRange, _ section: StaticString, _ i: Int) throws(ImageError) {
        let chains = view.header.pointee.chains
        let inside =
            chain.offset >= chains.offset && chain.offset & 3 == 0
            && Int(chain.offset) + 4 * Int(chain.count) <= Int(chains.offset) + 4 * Int(chains.count)
        try need(
            inside && chain.count <= Limits.bindingsPerRouteMax, section, i, "a chain of \(chain.count) at \(chain.offset)",
            "a run within chains")
    }

    @inline(__always) func condition(_ index: UInt32, _ section: StaticString, _ i: Int) throws(ImageError) {
        let count = view.header.pointee.programs.count
        try need(index == .max || index < count, section, i, "condition \(index)", "a program below \(count), or none")
    }

    /// A run of bytes between header and padding, 8-byte aligned.
    private func bytes(_ r: ImageRange, _ section: StaticString, _ i: Int) throws(ImageError) -> UnsafeRawBufferPointer {
        let end = view.count - ImageCompiler.padding
        try need(
            r.offset & 7 == 0 && Int(r.offset) >= MemoryLayout<ImageHeader>.size && Int(r.offset) + Int(r.count) <= end, section, i,
            "\(r.count) bytes at \(r.offset)", "8-byte alignment within \(end) bytes")
        return view.bytes(r)
    }

    func checkPolicies() throws(ImageError) {
        for (i, set) in view.ipSets.enumerated() {
            try text(set.id, "ipSets", i)
            let b = try bytes(set.bytes, "ipSets", i)
            try need(
                AddressSetView(base: b.baseAddress!, count: b.count).check(), "ipSets", i, "\(b.count) bytes that are no set of addresses",
                "what AddressSetBuilder makes")
        }
        for (i, range) in view.programs.enumerated() {
            let b = try bytes(range, "programs", i)
            let program = ProgramView(base: b.baseAddress!, count: b.count)
            let problem = ProgramCheck.problem(program, addressSets: view.ipSets.count, functions: view.functions.count)
            try need(problem == nil, "programs", i, problem ?? "", "a program that can only compute")
            // A type that is known only when it runs is looked at then.
            let type = program.resultType
            try need(type == .bool || type == nil, "programs", i, "a program of another type", "bool")
        }
        try checkConsumers()
    }

    private func checkConsumers() throws(ImageError) {
        let labels = header.consumerLabels
        let stride = MemoryLayout<ConsumerLabel>.stride
        for (i, c) in view.consumers.enumerated() {
            try text(c.id, "consumers", i)
            try chain(c.chain, "consumers", i)
            let end = Int(labels.offset) + stride * Int(labels.count)
            let isInside =
                c.labels.offset >= labels.offset && Int(c.labels.offset - labels.offset) % stride == 0
                && Int(c.labels.offset) + stride * Int(c.labels.count) <= end
            try need(isInside, "consumers", i, "labels at \(c.labels.offset)", "a run within the labels")
            for l in view.labels(view.consumers.baseAddress! + i) {
                try text(l.name, "consumers", i)
                try text(l.value, "consumers", i)
            }
        }
        let index: UnsafeBufferPointer<UInt32> = view.records(header.consumerIndex)
        try need(index.count & (index.count &- 1) == 0, "consumerIndex", "\(index.count) places", "a power of two")
        var free = 0
        for i in 0..<index.count {
            if index[i] == 0 { free += 1 }
            try need(index[i] <= view.consumers.count, "consumerIndex", i, "consumer \(index[i])", "at most \(view.consumers.count)")
        }
        try need(index.isEmpty || free > 0, "consumerIndex", "no empty place", "at least one, where probing ends")
    }

    func checkRegexes() throws(ImageError) {
        for (i, set) in view.regexSets.enumerated() {
            let b = try bytes(ImageRange(offset: set.offset, count: set.count), "regexSets", i)
            try need(
                RegexSearch.isSet(b) && ImageHash.hash(b) == set.hash, "regexSets", i, "\(set.count) bytes at \(set.offset)",
                "a compiled set as its hash says, at a multiple of \(RegexSearch.alignment) bytes")
        }
        let entries = view.regexEntries
        var next = 0
        for (i, table) in view.regexTables.enumerated() {
            let end = next + Int(table.count)
            try need(
                Int(table.first) == next && table.count > 0 && end <= entries.count, "regexTables", i,
                "\(table.count) entries at \(table.first)", "a run from \(next)")
            var before = (number: UInt32(0), place: -1)
            for e in next..<end {
                try checkEntry(entries[e].entry, bonus: RouteEntry.regexBonus, "regexEntries", e)
                try need(entries[e].entry.parameterCount == 0, "regexEntries", e, "named segments", "none")
                try need(e == next || entries[e].entry.key <= entries[e - 1].entry.key, "regexEntries", e, "a rising key", "falling keys")
                let place = Int(entries[e].byNumber)
                try need(place < table.count, "regexEntries", e, "place \(place)", "below \(table.count)")
                let now = (number: entries[next + place].regex, place: place)
                try need(now > before || before.place < 0, "regexEntries", e, "place \(place)", "places in the order of their expressions")
                before = now
            }
            next = end
        }
    }
}
