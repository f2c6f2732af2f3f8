// The bearer tokens of the admin API: one private file of the state directory (0600), which the gateway and `sluice token` both read and
// replace as a whole under a lock. Only the SHA-256 of a token is kept; tokens are 256 random bits, so that is enough. A file that
// cannot be read lets nobody in. Who may make tokens is not decided here.
import Foundation
import SluiceModel
import Synchronization

struct AdminToken: Sendable, Codable, Equatable {
    var name: String
    var role: AdminRole
    /// Texts of `AdminScope`; empty: every resource that the role allows.
    var scopes: [String] = []
    /// Hexadecimal.
    var sha256: String
    /// Unix milliseconds; nil = never.
    var createdAt: UInt64
    var expiresAt: UInt64?
    /// Right within a minute.
    var lastUsedAt: UInt64?

    func isExpired(_ nowMs: UInt64) -> Bool { expiresAt.map { $0 <= nowMs } ?? false }

    /// Without anything secret.
    var json: JSONValue {
        .object([
            ("name", .string(name)), ("role", .string(role.rawValue)), ("scopes", .strings(scopes)), ("created_at", .int(createdAt)),
            ("expires_at", expiresAt.map { .int($0) } ?? .null), ("last_used_at", lastUsedAt.map { .int($0) } ?? .null),
        ])
    }
}

final class TokenStore: Sendable {
    static let tokensMax = 1000
    static let prefix = "slc_"
    private static let fileBytesMax = 4 << 20
    /// A use is written down when the last one is this old.
    private static let useIntervalMs: UInt64 = 60_000

    enum Problem: Error, Equatable { case exists, full, unreadable(String) }

    private struct File: Codable { var version = 1; var tokens: [AdminToken] = [] }
    private struct Cache {
        var stamp: Stamp?
        var tokens: [AdminToken] = []
    }
    /// What changes when a file is replaced.
    private struct Stamp: Equatable { var inode: UInt64; var size: Int; var seconds: Int; var nanoseconds: Int }

    private let folder: String
    private let cache = Mutex(Cache())
    private var path: String { folder + "/tokens.json" }

    init(folder: String) { self.folder = folder }

    static func now() -> UInt64 { UInt64(max(0, Date().timeIntervalSince1970 * 1000)) }

    /// Every token, expired ones too.
    func all() throws(Problem) -> [AdminToken] {
        try cache.withLock { (cache) throws(Problem) in
            try refresh(&cache)
            return cache.tokens
        }
    }

    /// Somebody made a token once: from then on one is needed. A file that cannot be read counts as one.
    var isEmpty: Bool {
        do throws(Problem) { return try all().isEmpty } catch { return false }
    }

    /// The token that `text` is. Looks at every one of them and takes the same time wherever they differ.
    func find(_ text: String, nowMs: UInt64 = TokenStore.now()) -> AdminToken? {
        guard text.hasPrefix(Self.prefix), text.utf8.count <= 200, let tokens = try? all() else { return nil }
        let asked = Array(SecretText.hex(SecretText.sha256(Array(text.utf8))).utf8)
        var found: AdminToken?
        for token in tokens where SecretText.equal(Array(token.sha256.utf8), asked) { found = token }
        guard let found, !found.isExpired(nowMs) else { return nil }
        if (found.lastUsedAt ?? 0) &+ Self.useIntervalMs <= nowMs { used(found.name, nowMs) }
        return found
    }

    /// Makes a token; its text is returned once and kept nowhere.
    func make(_ name: String, _ role: AdminRole, scopes: [AdminScope] = [], expiresAt: UInt64? = nil) throws -> (text: String, AdminToken) {
        let text = Self.prefix + SecretText.base64url(SecretText.random(32))
        let token = AdminToken(
            name: name, role: role, scopes: scopes.map(\.text), sha256: SecretText.hex(SecretText.sha256(Array(text.utf8))),
            createdAt: Self.now(), expiresAt: expiresAt)
        try change { tokens in
            if tokens.contains(where: { $0.name == name }) { throw Problem.exists }
            if tokens.count >= Self.tokensMax { throw Problem.full }
            tokens.append(token)
        }
        return (text, token)
    }

    /// False when there is no such token.
    func remove(_ name: String) throws -> Bool {
        var found = false
        try change { tokens in
            found = tokens.contains { $0.name == name }
            tokens.removeAll { $0.name == name }
        }
        return found
    }

    private func used(_ name: String, _ nowMs: UInt64) {
        do {
            try change { tokens in
                guard let index = tokens.firstIndex(where: { $0.name == name }) else { return }
                tokens[index].lastUsedAt = nowMs
            }
        } catch {
            ControlLog.write(.warn, "the last use of token \(name) was not written down: \(error)")
        }
    }

    // The file

    private func change(_ body: (inout [AdminToken]) throws -> Void) throws {
        let lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw FileProblem("open", path + ".lock") }
        defer { close(lock) }
        guard flock(lock, LOCK_EX) == 0 else { throw FileProblem("lock", path + ".lock") }
        try cache.withLock { cache in
            cache.stamp = nil
            try refresh(&cache)
            var tokens = cache.tokens
            try body(&tokens)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            try FileIO.replace(path, with: Array(try encoder.encode(File(tokens: tokens))), mode: 0o600)
            // `sluice token` of root: the gateway, which is somebody else, goes on reading it.
            var owner = stat()
            if geteuid() == 0, stat(folder, &owner) == 0 {
                for file in [path, path + ".lock"] { _ = lchown(file, owner.st_uid, owner.st_gid) }
            }
            (cache.tokens, cache.stamp) = (tokens, stamp())
        }
    }

    private func refresh(_ cache: inout Cache) throws(Problem) {
        let now = stamp()
        if let now, now == cache.stamp { return }
        guard now != nil else {
            guard errno == ENOENT else { throw .unreadable("\(FileProblem("stat", path))") }
            return cache = Cache()
        }
        do {
            cache.tokens = try JSONDecoder().decode(File.self, from: Data(try FileIO.read(path, max: Self.fileBytesMax))).tokens
            cache.stamp = now
        } catch {
            ControlLog.write(.error, "\(path) cannot be read, nobody is let in: \(error)")
            throw .unreadable("\(path) cannot be read")
        }
    }

    private func stamp() -> Stamp? {
        var info = stat()
        guard lstat(path, &info) == 0 else { return nil }
        return Stamp(
            inode: UInt64(info.st_ino), size: Int(info.st_size), seconds: info.st_mtim.tv_sec, nanoseconds: info.st_mtim.tv_nsec)
    }
}
