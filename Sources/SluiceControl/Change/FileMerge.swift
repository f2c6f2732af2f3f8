// The policies of the file and those of the store become one, three-way and object by object: what the file said when it was last taken in,
// what it says now, and what the store has. Pure. The file wins where it was changed; everywhere else the store does.
import CSluiceCrypto
import Foundation
import SluiceModel
import SluiceRules
import SluiceStore

struct FileMerge {
    private(set) var changes: [PolicyChange] = []
    /// What the file says now, where that is something else than before.
    private(set) var files: [FileWrite] = []
    /// Settings of the file, objects as merged.
    private(set) var configuration: Configuration
    private(set) var table: PolicyTable

    /// The image compiler said no.
    struct Refused: Error {
        var merge: FileMerge
        var error: ImageError
    }

    /// - Parameters:
    ///   - file: as read; its settings are taken.
    ///   - base: what the file said last, by `digest`.
    ///   - revision: that the merge will be.
    init(
        file: Configuration, stored: Configuration, table: PolicyTable, base: [PolicyKey: String], keeper: any SecretKeeping,
        revision: UInt64
    ) throws {
        self.table = table
        configuration = file.settingsOnly
        for kind in PolicyKind.allCases { configuration.take(kind, from: stored) }
        var seen = Set<PolicyKey>()
        for kind in PolicyKind.allCases {
            for index in 0..<file.count(kind) {
                let value = file.policy(kind, at: index), key = value.key
                seen.insert(key)
                let digest = Self.digest(value, at: kind.isOrdered ? index : 0)
                guard base[key] != digest else { continue }
                files.append(FileWrite(kind: kind.rawValue, id: key.id, digest: digest))
                let old = table[key].map { stored.policy(kind, at: $0.index) }
                let new = try keeper.keep(value, stored: old)
                if old != new { changes.append(PolicyChange(key: key, kind: old == nil ? .created : .updated, before: old, after: new)) }
            }
        }
        for key in base.keys.filter({ !seen.contains($0) }).sorted(by: { $0.description < $1.description }) {
            files.append(FileWrite(kind: key.kind.rawValue, id: key.id, digest: nil))
            guard let entry = table[key] else { continue }
            changes.append(PolicyChange(key: key, kind: .deleted, before: stored.policy(key.kind, at: entry.index), after: nil))
        }
        self.table.make(changes, in: &configuration, revision: revision, now: UnixTime.nowMs)
        configuration.order(globalPlugins: file.globalPlugins.map { PolicyValue.globalPlugin($0).key.id })
        self.table.reindex(.globalPlugins, in: configuration)
    }

    /// What the image compiler still had to say: its place in the file, or the object of the store that it is about.
    func line(of error: ImageError, _ reading: ConfigurationReading, file: String) -> String {
        let parts = error.path.split(separator: "[", maxSplits: 1)
        guard parts.count == 2, let kind = PolicyKind(rawValue: String(parts[0])), let end = parts[1].firstIndex(of: "]"),
            let index = Int(parts[1][..<end]), index < configuration.count(kind)
        else { return reading.line(of: error, file: file) }
        let key = configuration.policy(kind, at: index).key, rest = parts[1][parts[1].index(after: end)...]
        let list = (0..<reading.configuration.count(kind)).first { reading.configuration.policy(kind, at: $0).key == key }
        guard let list else { return "\(key) of the store: \(rest.dropFirst()): \(error.found); allowed: \(error.allowed)" }
        return reading.line(
            of: ImageError(path: "\(kind.rawValue)[\(list)]\(rest)", found: error.found, allowed: error.allowed), file: file)
    }

    /// Of an object as the file says it; secrets in it cannot be read back.
    static func digest(_ value: PolicyValue, at index: Int) -> String {
        let text = "\(index) " + value.json(masked: false).text()
        var out = [UInt8](repeating: 0, count: 32)
        let status = Array(text.utf8).withUnsafeBytes { cs_sha256($0.baseAddress, $0.count, &out) }
        precondition(status == 1, "SHA-256 failed")
        return out.map { String(format: "%02x", $0) }.joined()
    }
}

extension Configuration {
    fileprivate mutating func take(_ kind: PolicyKind, from other: Configuration) {
        switch kind {
        case .routes: routes = other.routes
        case .clusters: clusters = other.clusters
        case .globalPlugins: globalPlugins = other.globalPlugins
        case .consumers: consumers = other.consumers
        case .certificates: certificates = other.certificates
        case .ipSets: ipSets = other.ipSets
        }
    }
}
