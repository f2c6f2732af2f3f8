// AES-256-GCM in pieces, in place: for bodies that flow by.
import CSluiceABI

/// One message that is sealed or opened piece by piece. Ends with `finish`; one that was not finished is wiped.
public struct GCMStream: ~Copyable {
    private let id: sluice_crypto_id
    private let opens: Bool

    private init(_ opens: Bool, _ start: (UnsafeMutablePointer<sluice_crypto_id>) -> Int32?) throws(HostError) {
        var id: sluice_crypto_id = 0
        try check(start(&id) ?? missing)
        (self.id, self.opens) = (id, opens)
    }
    deinit { _ = Tables.crypto?.pointee.release(Tables.host, id) }

    /// `nonce` has 12 bytes and must never come twice with one key.
    public static func sealing(_ key: GCMKey, nonce: Bytes, extra: Bytes = "") throws(HostError) -> GCMStream {
        try GCMStream(false) { Tables.crypto?.pointee.start_seal(Tables.host, key.key.id, nonce.view, extra.view, $0) }
    }
    /// What it gives out is NOT genuine before `finish(tag:)` said so.
    public static func opening(_ key: GCMKey, nonce: Bytes, extra: Bytes = "") throws(HostError) -> GCMStream {
        try GCMStream(true) { Tables.crypto?.pointee.start_open(Tables.host, key.key.id, nonce.view, extra.view, $0) }
    }

    /// Transforms the next bytes in place.
    public mutating func update(_ bytes: UnsafeMutableBufferPointer<UInt8>) throws(HostError) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        let view = sluice_view(data: start, size: UInt64(bytes.count))
        try check(Tables.crypto?.pointee.update(Tables.host, id, view, start) ?? missing)
    }
    /// Ends sealing; the tag of 16 bytes.
    public consuming func finish() throws(HostError) -> [UInt8] {
        let id = id
        if opens { throw HostError(Int32(SLUICE_EINVAL)) }
        return try filled(16) {
            let status = Tables.crypto?.pointee.finish_seal(Tables.host, id, $0) ?? missing
            return status < 0 ? status : 16
        }
    }
    /// Ends opening; true: all that it gave out is genuine, false: nothing of it is.
    public consuming func finish(tag: Bytes) throws(HostError) -> Bool {
        let status = opens ? Tables.crypto?.pointee.finish_open(Tables.host, id, tag.view) ?? missing : Int32(SLUICE_EINVAL)
        if status == Int32(SLUICE_EIO) { return false }
        try check(status)
        return true
    }
}
