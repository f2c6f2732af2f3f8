// What rules and plugins refer to: programs of conditions, consumers. Their records are in `PolicyLayout.swift`.
import SluiceModel

extension ImageCompiler {
    /// Index of the program of a condition; equal texts share one.
    mutating func program(_ text: String, at path: @autoclosure () -> String) throws(ImageError) -> UInt32 {
        if let known = programIndex[text] { return known }
        let bytes: [UInt8]
        do { bytes = try input.program(text) } catch {
            throw ImageError(path: path(), found: "\(error)", allowed: "an expression of type bool")
        }
        code += repeatElement(0, count: -code.count & 7)
        let index = UInt32(programs.count)
        programs.append(ImageRange(offset: UInt32(code.count), count: UInt32(bytes.count)))
        code += bytes
        programIndex[text] = index
        return index
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
