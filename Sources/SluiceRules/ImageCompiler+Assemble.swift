// Lays the sections one behind the other, fills in the header and the digest.
import SluiceModel

extension ImageCompiler {
    /// Zero bytes at the end, so that vector loads may read past the last record.
    static let padding = 64

    consuming func assemble() throws(ImageError) -> [UInt8] {
        var header = ImageHeader()
        header.revision = input.revision
        var end = StringPool.base
        func place(_ count: Int, _ stride: Int, extra: Int = 0) -> ImageRange {
            end = (end + 7) & ~7
            defer { end += count * stride + extra }
            return ImageRange(offset: UInt32(truncatingIfNeeded: end), count: UInt32(truncatingIfNeeded: count))
        }
        func place<T>(_ records: [T], before: Int = 0, extra: Int = 0) -> ImageRange {
            place(records.count, MemoryLayout<T>.stride, extra: before + extra)
        }
        header.strings = place(strings.bytes)
        header.settings = place([settings])
        header.listeners = place(listeners)
        header.clusters = place(clusters)
        header.targets = place(targets)
        header.routes = place(routes)
        header.plugins = place(plugins)
        header.bindings = place(bindings)
        header.chains = place(chains)
        header.trustedNetworks = place(networks)
        header.hosts = place(tables.slots, before: MemoryLayout<HostTableHeader>.stride)
        header.nodes = place(tables.nodes, extra: tables.nodes.count)
        header.lists = place(tables.entries)
        header.parameterNames = place(tables.names)
        header.functions = place(functions)
        let total = (end + ImageCompiler.padding + 7) & ~7
        if total > UInt32.max {
            throw ImageError(
                path: "configuration", found: "an image of \(total) bytes",
                allowed: "at most \(UInt32.max) bytes: fewer routes, or smaller bodies and plugin configurations")
        }
        header.totalBytes = UInt64(total)
        for i in routes.indices { routes[i].chain.offset = header.chains.offset + 4 * routes[i].chain.offset }

        var image = [UInt8](repeating: 0, count: total)
        image.withUnsafeMutableBytes { out in
            func write<T>(_ records: [T], at offset: Int) {
                records.withUnsafeBytes {
                    if let p = $0.baseAddress { out.baseAddress!.advanced(by: offset).copyMemory(from: p, byteCount: $0.count) }
                }
            }
            write(strings.bytes, at: Int(header.strings.offset))
            write([settings], at: Int(header.settings.offset))
            write(listeners, at: Int(header.listeners.offset))
            write(clusters, at: Int(header.clusters.offset))
            write(targets, at: Int(header.targets.offset))
            write(routes, at: Int(header.routes.offset))
            write(plugins, at: Int(header.plugins.offset))
            write(bindings, at: Int(header.bindings.offset))
            write(chains, at: Int(header.chains.offset))
            write(networks, at: Int(header.trustedNetworks.offset))
            write([tables.hostHeader], at: Int(header.hosts.offset))
            write(tables.slots, at: Int(header.hosts.offset) + MemoryLayout<HostTableHeader>.stride)
            write(tables.nodes, at: Int(header.nodes.offset))
            write(tables.firstBytes, at: Int(header.nodes.offset) + tables.nodes.count * MemoryLayout<RouteNode>.stride)
            write(tables.entries, at: Int(header.lists.offset))
            write(tables.names, at: Int(header.parameterNames.offset))
            write(functions, at: Int(header.functions.offset))
            header.digest = ImageHash.hash(UnsafeRawBufferPointer(rebasing: out[MemoryLayout<ImageHeader>.size...]))
            write([header], at: 0)
        }
        return image
    }
}
