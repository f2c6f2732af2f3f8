// What a worker knows of one published revision: the mapped image, the plugins bound for it, the pools of its targets.
// Requests hold the snapshot they began with; when the last one ends, a replaced snapshot is let go.
import CSluiceSys
import SluicePlugins
import SluiceRules
import SluiceSystem
import SluiceUpstream

public struct Snapshot {
    public let image: ImageView
    let mapping: UnsafeMutableRawPointer
    let mappingBytes: Int
    let plugins: PluginTable
    let bound: UnsafeMutablePointer<BoundPlugin>
    /// Pool slot of every target of the image.
    let poolOf: UnsafeMutablePointer<UInt32>
    /// For plugins that choose a cluster by name.
    let clusterNames: UnsafeMutablePointer<ClusterNames>
    /// What conditions call, by the numbers in programs: the functions of the image, kept alive by `plugins`. Not counted on requests.
    let functions: UnsafeMutablePointer<Unmanaged<TypedFunction>?>
    /// Balancer state of every target.
    let weights: UnsafeMutablePointer<Int32>
    /// Requests in flight, plus one while it is the current or the prepared snapshot.
    var references = 1
    public let revision: UInt64
}

extension Pipeline {
    /// Maps and prepares an image without using it yet. Takes nothing on failure; the descriptor stays the caller's.
    ///
    /// - Parameter isChecked: the master, which has no traffic that waits, has checked the whole image; as nobody can change a sealed
    ///   file, the check is not repeated here, where it would hold up requests.
    public mutating func prepare(descriptor: Int32, isChecked: Bool) throws(SnapshotError) -> UnsafeMutablePointer<Snapshot> {
        guard MemoryFile.isSealed(descriptor) else { throw SnapshotError("descriptor \(descriptor) is no sealed memory file") }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_size > 0 else { throw SnapshotError("the image cannot be read: errno \(cs_errno())") }
        let bytes = Int(info.st_size)
        let map = mmap(nil, bytes, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let map, cs_is_mapped(map) != 0 else {
            throw SnapshotError("the image of \(bytes) bytes cannot be mapped: errno \(cs_errno())")
        }
        let view: ImageView
        let table: PluginTable
        do {
            view =
                isChecked
                ? try ImageView(alreadyChecked: UnsafeRawPointer(map), count: bytes)
                : try ImageView(base: UnsafeRawPointer(map), count: bytes)
            guard RegexSearch.prepare(view) else { throw SnapshotError("no memory for the regular expressions of the image") }
            table = try host.prepare(view)
        } catch {
            munmap(map, bytes)
            throw SnapshotError("\(error)")
        }
        let n = max(1, view.targets.count)
        let poolOf = UnsafeMutablePointer<UInt32>.allocate(capacity: n)
        let weights = UnsafeMutablePointer<Int32>.allocate(capacity: n)
        weights.initialize(repeating: 0, count: n)
        pools.claim(view, into: poolOf)
        let names = UnsafeMutablePointer<ClusterNames>.allocate(capacity: 1)
        names.initialize(to: ClusterNames(view))
        let functions = UnsafeMutablePointer<Unmanaged<TypedFunction>?>.allocate(capacity: max(1, view.functions.count))
        for (i, record) in view.functions.enumerated() {
            (functions + i).initialize(to: table.function(view.text(record.name).string).map(Unmanaged.passUnretained))
        }
        let s = UnsafeMutablePointer<Snapshot>.allocate(capacity: 1)
        s.initialize(
            to: Snapshot(
                image: view, mapping: map, mappingBytes: bytes, plugins: table, bound: table.bound, poolOf: poolOf, clusterNames: names,
                functions: functions, weights: weights,
                revision: view.header.pointee.revision))
        return s
    }

    /// Makes a prepared snapshot the one that new requests use.
    public mutating func commit(_ s: UnsafeMutablePointer<Snapshot>) {
        let old = current
        current = s
        host.activate(s.pointee.plugins)
        readSettings()
        guard let old else { return }
        if old.pointee.references > 1 { replaced.append(old) }
        release(old)
        showReplaced()
    }

    /// What a replaced snapshot waits for, for those who ask why a plugin stays; once a second.
    func showReplaced() {
        for s in replaced { host.showInFlight(s.pointee.references, of: s.pointee.plugins) }
    }

    /// One user less; the last one takes it apart.
    @inline(__always) public mutating func release(_ s: UnsafeMutablePointer<Snapshot>) {
        s.pointee.references &-= 1
        if s.pointee.references == 0 { dismantle(s) }
    }

    @inline(never) mutating func dismantle(_ s: UnsafeMutablePointer<Snapshot>) {
        if let i = replaced.firstIndex(of: s) {
            host.showInFlight(0, of: s.pointee.plugins)
            replaced.remove(at: i)
        }
        for i in 0..<s.pointee.image.targets.count {
            let slot = Int(s.pointee.poolOf[i])
            pools.slots[slot].snapshots -= 1
            if pools.slots[slot].snapshots == 0 { closeIdle(slot) }
        }
        host.retire(s.pointee.plugins)
        munmap(s.pointee.mapping, s.pointee.mappingBytes)
        s.pointee.poolOf.deallocate()
        s.pointee.clusterNames.pointee.deallocate()
        s.pointee.clusterNames.deallocate()
        s.pointee.weights.deallocate()
        s.pointee.functions.deallocate()
        s.deinitialize(count: 1)
        s.deallocate()
    }
}

/// Why an image was refused; the text goes to whoever published it.
public struct SnapshotError: Error, CustomStringConvertible {
    public let description: String
    init(_ d: String) { description = d }
}
