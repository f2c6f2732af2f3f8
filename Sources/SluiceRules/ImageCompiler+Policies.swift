// What rules and plugins refer to: programs of conditions, sets of addresses, consumers. Their records are in `PolicyLayout.swift`.
import SluiceCEL
import SluiceModel

extension ImageCompiler {
    /// Index of the program of a condition; equal texts share one.
    mutating func program(_ text: String, use: ConditionUse, at path: @autoclosure () -> String) throws(ImageError) -> UInt32 {
        let key = ConditionKey(text: text, use: use)
        if let known = programIndex[key] { return known }
        guard let compile = input.program else {
            throw ImageError(path: path(), found: "a condition", allowed: "none where conditions cannot be compiled")
        }
        let bytes: [UInt8]
        do { bytes = try compile(text, use) { ipSetIndex[$0] } } catch {
            throw ImageError(path: path(), found: "\(error)", allowed: "an expression of type bool")
        }
        let index = UInt32(programs.count)
        programs.append(addCode(bytes))
        programIndex[key] = index
        return index
    }

    private mutating func addCode(_ bytes: [UInt8]) -> ImageRange {
        code += repeatElement(0, count: -code.count & 7)
        defer { code += bytes }
        return ImageRange(offset: UInt32(code.count), count: UInt32(bytes.count))
    }

    /// Once for all images that share a cache: other sets are another context.
    mutating func compileIPSets() throws(ImageError) {
        let all = configuration.ipSets
        if ipSets.count == all.count { return }
        if all.count > Limits.ipSetsMax {
            throw ImageError(path: "ip_sets", found: "\(all.count) sets", allowed: "at most \(Limits.ipSetsMax)")
        }
        for (i, set) in all.enumerated() {
            let id = try identifier(set.id, at: "ip_sets[\(i)].id")
            if ipSetIndex.updateValue(UInt32(i), forKey: id) != nil {
                throw ImageError(path: "ip_sets[\(i)].id", found: "\"\(id)\" a second time", allowed: "each set once")
            }
            if set.addresses.count > Limits.ipSetAddressesMax {
                throw ImageError(
                    path: "ip_sets[\(i)].addresses", found: "\(set.addresses.count) addresses",
                    allowed: "at most \(Limits.ipSetAddressesMax)")
            }
            var networks: [IPNetwork] = []
            for (j, text) in set.addresses.enumerated() {
                guard let network = IPNetwork(text) else {
                    throw ImageError(
                        path: "ip_sets[\(i)].addresses[\(j)]", found: "\"\(text)\" is not a network", allowed: SchemaText.network.allowed)
                }
                networks.append(network)
            }
            var r = IPSetRecord()
            r.id = strings.add(id)
            r.bytes = addCode(AddressSetBuilder.bytes(networks))
            ipSets.append(r)
        }
    }

    mutating func compileConsumers() throws(ImageError) {
        let all = configuration.consumers
        (consumers, consumerIndex, consumerLabels) = ([], [], [])
        if all.isEmpty { return }
        if all.count > Limits.consumersMax {
            throw ImageError(path: "consumers", found: "\(all.count) consumers", allowed: "at most \(Limits.consumersMax)")
        }
        var size = 2
        while size < 2 * all.count { size *= 2 }
        consumerIndex = Array(repeating: 0, count: size)
        for (i, consumer) in all.enumerated() {
            let id = try identifier(consumer.id, at: "consumers[\(i)].id")
            var r = ConsumerRecord()
            r.id = strings.add(id)
            r.labels = ImageRange(offset: UInt32(consumerLabels.count), count: UInt32(consumer.labels.count))
            for label in consumer.labels {
                consumerLabels.append(ConsumerLabel(name: strings.add(label.name), value: strings.add(label.value)))
            }
            r.chain = try chain(of: consumer.plugins, withGlobal: false, at: "consumers[\(i)].plugins").range
            var slot = Int(truncatingIfNeeded: ImageHash.hash(id)) & (size - 1)
            while consumerIndex[slot] != 0 {
                if all[Int(consumerIndex[slot]) - 1].id == id {
                    throw ImageError(path: "consumers[\(i)].id", found: "\"\(id)\" a second time", allowed: "each consumer id once")
                }
                slot = (slot + 1) & (size - 1)
            }
            consumerIndex[slot] = UInt32(i + 1)
            consumers.append(r)
        }
    }
}
