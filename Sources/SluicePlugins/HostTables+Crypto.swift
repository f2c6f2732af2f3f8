// "sluice.crypto/1": what plugins need of libcrypto. Arguments are checked here, the work is in CSluiceCrypto, keys and streams live in the
// generation's CryptoStore. Calls with a prepared key allocate nothing here; where libcrypto does, the header says so.
import CSluiceABI
import CSluiceCrypto
import SluiceBytes
import SluiceModel

/// The bytes of an argument; `status` says what is wrong with it.
@inline(__always) private func input(_ v: sluice_view, _ status: inout Int32) -> cs_piece? {
    guard let b = bytes(v) else {
        status = v.data == nil ? Status.invalid : Status.limit
        return nil
    }
    if b.count > Limits.cryptoBytesMax {
        status = Status.limit
        return nil
    }
    return cs_piece(data: b.start, size: UInt64(b.count))
}

private func fixed(_ v: sluice_view, _ size: Int32) -> UnsafePointer<UInt8>? { v.size == UInt64(size) ? v.data : nil }

/// Checks the pieces of a digest and hands them on; sluice_view and cs_piece are the same two words.
@inline(__always) private func withPieces(
    _ pieces: UnsafePointer<sluice_view>?, _ count: UInt32, _ body: (UnsafePointer<cs_piece>?) -> Int32
) -> Int32 {
    if count == 0 { return body(nil) }
    guard let pieces else { return Status.invalid }
    if count > UInt32(Limits.cryptoPiecesMax) { return Status.limit }
    var status = Status.ok
    var total: UInt64 = 0
    for i in 0..<Int(count) {
        guard let piece = input(pieces[i], &status) else { return status }
        total += piece.size
    }
    if total > UInt64(Limits.cryptoBytesMax) { return Status.limit }
    return pieces.withMemoryRebound(to: cs_piece.self, capacity: Int(count)) { body($0) }
}

/// Keeps a new object; NULL was refused by the library.
private func keep(
    _ s: Services, _ object: OpaquePointer?, _ kind: CryptoKind, _ id: UnsafeMutablePointer<sluice_crypto_id>, key: UInt64 = 0,
    refused: Int32
) -> Int32 {
    guard let object else { return refused }
    id.pointee = s.pointee.crypto.add(object, kind, key: key)
    return Status.ok
}

private func start(
    _ host: UnsafePointer<sluice_host>?, _ key: UInt64, _ nonce: sluice_view, _ extra: sluice_view,
    _ id: UnsafeMutablePointer<sluice_crypto_id>?, opens: Int32
) -> Int32 {
    var status = Status.ok
    guard let s = services(host), let id, let nonce = fixed(nonce, SLUICE_GCM_NONCE) else { return Status.invalid }
    guard let extra = input(extra, &status) else { return status }
    guard let gcm = s.pointee.crypto.find(key, .gcm) else { return Status.gone }
    guard s.pointee.crypto.hasRoom else { return Status.limit }
    return keep(s, cs_gcm_start(gcm, opens, nonce, extra), .stream, id, key: key, refused: Status.fault)
}

private let SLUICE_GCM_NONCE = Int32(SLUICE_GCM_NONCE_BYTES), SLUICE_GCM_TAG = Int32(SLUICE_GCM_TAG_BYTES)

/// Seals or opens a whole message.
@inline(__always) private func whole(
    _ host: UnsafePointer<sluice_host>?, _ key: UInt64, _ nonce: sluice_view, _ extra: sluice_view, _ text: sluice_view,
    _ out: UnsafeMutablePointer<UInt8>?, _ room: UInt32, opens: Bool
) -> Int32 {
    var status = Status.ok
    guard let s = services(host), let nonce = fixed(nonce, SLUICE_GCM_NONCE) else { return Status.invalid }
    guard let extra = input(extra, &status), let text = input(text, &status) else { return status }
    guard let gcm = s.pointee.crypto.find(key, .gcm) else { return Status.gone }
    if opens && text.size < UInt64(SLUICE_GCM_TAG) { return Status.failed }
    let size = opens ? text.size - UInt64(SLUICE_GCM_TAG) : text.size + UInt64(SLUICE_GCM_TAG)
    if size > UInt64(room) { return Status.limit }
    guard let out = out ?? (size == 0 ? UnsafeMutablePointer(mutating: ByteView.empty.start) : nil) else { return Status.invalid }
    let done = opens ? cs_gcm_open(gcm, nonce, extra, text, out) : cs_gcm_seal(gcm, nonce, extra, text, out)
    return done == 1 ? Int32(size) : done == 0 ? Status.failed : Status.fault
}

/// Writes a result of at most 64 bytes into `out`.
@inline(__always) private func digestResult(
    _ size: Int32, _ out: UnsafeMutablePointer<UInt8>?, _ room: UInt32, _ compute: (UnsafeMutablePointer<UInt8>) -> Int32
) -> Int32 {
    if size == 0 { return Status.invalid }
    guard let out else { return Status.invalid }
    if UInt32(size) > room { return Status.limit }
    return compute(out) == size ? size : Status.fault
}

extension HostTables {
    /// Long because it is one table: every function is a few lines of argument checks.
    nonisolated(unsafe) static let crypto = make(
        sluice_crypto_v1(
            size: UInt32(MemoryLayout<sluice_crypto_v1>.size), reserved: 0,
            digest: { host, algorithm, pieces, count, out, room in
                guard services(host) != nil else { return Status.invalid }
                return withPieces(pieces, count) { list in
                    digestResult(cs_digest_size(algorithm), out, room) { cs_digest(algorithm, list, count, $0) }
                }
            },
            make_hmac_key: { host, algorithm, key, id in
                guard let s = services(host), let key = bytes(key), let id, cs_digest_size(algorithm) > 0, !key.isEmpty else {
                    return Status.invalid
                }
                guard key.count <= Limits.cryptoKeyBytesMax, s.pointee.crypto.hasRoom else { return Status.limit }
                return keep(s, cs_hmac_new(algorithm, key.start, key.count), .hmac, id, refused: Status.fault)
            },
            hmac: { host, key, pieces, count, out, room in
                guard let s = services(host) else { return Status.invalid }
                guard let hmac = s.pointee.crypto.find(key, .hmac) else { return Status.gone }
                return withPieces(pieces, count) { list in
                    digestResult(cs_hmac_size(hmac), out, room) { cs_hmac_run(hmac, list, count, $0) }
                }
            },
            equal: { a, b in
                guard let a = bytes(a), let b = bytes(b), a.count == b.count else { return 0 }
                return cs_equal(a.start, b.start, a.count)
            },
            make_gcm_key: { host, key, id in
                guard let s = services(host), let key = fixed(key, Int32(SLUICE_GCM_KEY_BYTES)), let id else { return Status.invalid }
                guard s.pointee.crypto.hasRoom else { return Status.limit }
                return keep(s, cs_gcm_new(key), .gcm, id, refused: Status.fault)
            },
            seal: { host, key, nonce, extra, plain, out, room in whole(host, key, nonce, extra, plain, out, room, opens: false) },
            open: { host, key, nonce, extra, sealed, out, room in whole(host, key, nonce, extra, sealed, out, room, opens: true) },
            start_seal: { host, key, nonce, extra, id in start(host, key, nonce, extra, id, opens: 0) },
            start_open: { host, key, nonce, extra, id in start(host, key, nonce, extra, id, opens: 1) },
            update: { host, id, view, out in
                var status = Status.ok
                guard let s = services(host), let out = out ?? (view.size == 0 ? UnsafeMutablePointer(mutating: ByteView.empty.start) : nil)
                else { return Status.invalid }
                guard let piece = input(view, &status) else { return status }
                guard let stream = s.pointee.crypto.find(id, .stream) else { return Status.gone }
                switch cs_gcm_update(stream, piece, out) {
                case 1: return Status.ok
                case -2: return Status.limit
                default: return Status.fault
                }
            },
            finish_seal: { host, id, tag in
                guard let s = services(host), let tag else { return Status.invalid }
                guard let stream = s.pointee.crypto.find(id, .stream) else { return Status.gone }
                let done = cs_gcm_opens(stream) != 0 ? Status.invalid : cs_gcm_finish(stream, tag) == 1 ? Status.ok : Status.fault
                _ = s.pointee.crypto.release(id)
                return done
            },
            finish_open: { host, id, tag in
                guard let s = services(host) else { return Status.invalid }
                guard let stream = s.pointee.crypto.find(id, .stream) else { return Status.gone }
                var done = Status.invalid
                if let tag = fixed(tag, SLUICE_GCM_TAG), cs_gcm_opens(stream) != 0 {
                    let result = cs_gcm_finish(stream, UnsafeMutablePointer(mutating: tag))
                    done = result == 1 ? Status.ok : result == 0 ? Status.failed : Status.fault
                }
                _ = s.pointee.crypto.release(id)
                return done
            },
            make_public_key: { host, algorithm, key, id in
                guard let s = services(host), let key = bytes(key), let id else { return Status.invalid }
                guard key.count <= Limits.cryptoPublicKeyBytesMax, s.pointee.crypto.hasRoom else { return Status.limit }
                return keep(s, cs_public_key_new(algorithm, key.start, key.count), .publicKey, id, refused: Status.invalid)
            },
            verify: { host, key, message, signature in
                var status = Status.ok
                guard let s = services(host) else { return Status.invalid }
                guard let message = input(message, &status), let signature = input(signature, &status) else { return status }
                guard let publicKey = s.pointee.crypto.find(key, .publicKey) else { return Status.gone }
                switch cs_public_key_verify(publicKey, message, signature) {
                case 1: return Status.ok
                case 0: return Status.failed
                default: return Status.fault
                }
            },
            release: { host, id in
                guard let s = services(host) else { return Status.invalid }
                return s.pointee.crypto.release(id) ? Status.ok : Status.gone
            },
            encode: { form, view, out, room in
                var status = Status.ok
                guard let piece = input(view, &status) else { return status }
                let size = cs_encoded_size(form, piece.size)
                if size < 0 { return Status.invalid }
                if size > Int64(room) { return Status.limit }
                if size == 0 { return 0 }
                guard let out else { return Status.invalid }
                cs_encode(form, piece, out)
                return Int32(size)
            },
            decode: { form, view, out, room in
                var status = Status.ok
                guard let piece = input(view, &status) else { return status }
                let size = cs_decoded_size(form, piece)
                if size < 0 { return Status.invalid }
                if size > Int64(room) { return Status.limit }
                if size == 0 { return piece.size == 0 ? 0 : Status.invalid }
                guard let out else { return Status.invalid }
                return cs_decode(form, piece, out) == 1 ? Int32(size) : Status.invalid
            },
            random: { out, count in
                guard count > 0 else { return Status.ok }
                guard let out else { return Status.invalid }
                if count > UInt32(Limits.cryptoRandomBytesMax) { return Status.limit }
                return cs_random(out, Int(count)) == 1 ? Status.ok : Status.fault
            }))
}
