// Clusters and their targets; names become one target per address they resolve to.
import SluiceModel

extension ImageCompiler {
    /// Ids first: routes name clusters.
    mutating func nameClusters() throws(ImageError) {
        clusterIndex = [:]
        if configuration.clusters.count > Limits.clustersMax {
            throw ImageError(path: "clusters", found: "\(configuration.clusters.count) clusters", allowed: "at most \(Limits.clustersMax)")
        }
        clusterIndex.reserveCapacity(configuration.clusters.count)
        for (i, cluster) in configuration.clusters.enumerated() {
            let path = "clusters[\(i)]"
            let id = try identifier(cluster.id, at: path + ".id")
            if clusterIndex.updateValue(UInt32(i), forKey: id) != nil {
                throw ImageError(path: path + ".id", found: "\"\(id)\" a second time", allowed: "each cluster id once")
            }
        }
    }

    mutating func compileClusters() throws(ImageError) {
        clusters = []
        targets = []
        for (i, cluster) in configuration.clusters.enumerated() {
            let path = "clusters[\(i)]"
            var r = ClusterRecord()
            r.id = tail.add(cluster.id)
            r.idleMax = try number(cluster.keepaliveIdleMax, Limits.upstreamIdleRange, at: path + ".keepalive.idle_max")
            r.idleTimeoutMs = try number(cluster.keepaliveIdleTimeoutMs, Limits.timeoutMsRange, at: path + ".keepalive.idle_timeout")
            r.connectTimeoutMs = try number(cluster.connectTimeoutMs, Limits.timeoutMsRange, at: path + ".connect_timeout")
            r.connectRetries = try number(cluster.connectRetries, Limits.connectRetriesRange, at: path + ".connect_retries")
            r.firstTarget = UInt32(targets.count)
            try compileTargets(of: cluster, at: path)
            r.targetCount = UInt32(targets.count) - r.firstTarget
            r.totalWeight = targets[Int(r.firstTarget)...].reduce(0) { $0 + $1.weight }
            clusters.append(r)
        }
    }

    private mutating func compileTargets(of cluster: Cluster, at path: String) throws(ImageError) {
        let first = targets.count
        let idHash = ImageHash.hash(cluster.id)
        for (j, target) in cluster.targets.enumerated() {
            let path = path + ".targets[\(j)]"
            let weight = try number(target.weight, Limits.targetWeightRange, at: path + ".weight")
            let records = try socketAddresses(try address(target.address, at: path + ".address"), at: path + ".address")
            for record in records {
                var r = TargetRecord()
                r.address = record
                r.weight = weight
                let bytes = ImageHash.hash(record.bytes.span.withUnsafeBytes { Array($0[..<Int(record.length)]) })
                // An address that appears twice in a cluster is one target with both weights: it has one connection pool.
                if let twin = targets[first...].firstIndex(where: { $0.address.isEqual(to: record) }) {
                    targets[twin].weight += weight
                    continue
                }
                r.key = ImageHash.hash(target.address, seed: idHash) ^ bytes
                r.label = tail.add(records.count == 1 ? target.address : target.address + "(\(record.ip?.0.description ?? "?"))")
                targets.append(r)
            }
            if targets.count - first > Limits.targetsPerClusterMax {
                throw ImageError(
                    path: path, found: "more than \(Limits.targetsPerClusterMax) targets",
                    allowed: "at most \(Limits.targetsPerClusterMax) in a cluster")
            }
        }
    }

    private func socketAddresses(_ address: Address, at path: String) throws(ImageError) -> [AddressRecord] {
        if case .any = address.host {
            throw ImageError(path: path, found: "\"\(address)\"", allowed: "an address that can be connected to")
        }
        if let record = AddressRecord(address) { return [record] }
        let records: [AddressRecord]
        do { records = try input.resolve(address.description) } catch {
            throw ImageError(path: path, found: "\"\(address)\" cannot be resolved: \(error)", allowed: "a name with at least one address")
        }
        if records.isEmpty || !records.allSatisfy(\.isPlausible) {
            throw ImageError(
                path: path, found: "no usable address of \"\(address)\"", allowed: "a name with at least one IPv4 or IPv6 address")
        }
        return records
    }
}

extension ImageHash {
    static func hash(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 { bytes.withUnsafeBytes { hash($0, seed: seed) } }
}

extension AddressRecord {
    func isEqual(to other: AddressRecord) -> Bool {
        if length != other.length || family != other.family { return false }
        for i in 0..<Int(min(length, 112)) where bytes[i] != other.bytes[i] { return false }
        return true
    }
}
