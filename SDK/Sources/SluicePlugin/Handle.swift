// Where the typed handles look the host's handle up. A synchronous hook keeps the slot on its stack; an asynchronous one keeps it in its
// `Call`, which empties it while the hook waits and after it ended, so that a handle never outlives what it names.
import CSluiceABI

/// What a typed handle points to.
@usableFromInline struct HandleSlot {
    /// sluice_request, sluice_response, …; nil when nothing may be asked now.
    @usableFromInline var handle: OpaquePointer?
    /// The request that it belongs to, for reading.
    @usableFromInline var request: OpaquePointer?
    /// The asynchronous call that owns the slot; nil in a synchronous hook.
    var call: Unmanaged<Call>?
    init(_ handle: OpaquePointer?, request: OpaquePointer?) { (self.handle, self.request) = (handle, request) }
}

typealias Slot = UnsafePointer<HandleSlot>

extension UnsafePointer<HandleSlot> {
    /// Runs `ask` with the handle; without one the answer is SLUICE_GONE.
    @inline(__always) func ask(_ ask: (OpaquePointer) -> Int32) -> Int32 {
        guard let handle = pointee.handle else { return Int32(SLUICE_GONE) }
        return ask(handle)
    }
    /// A view that `ask` fills; nil when its result is negative.
    @inline(__always) func view(_ handle: OpaquePointer?, _ ask: (OpaquePointer, UnsafeMutablePointer<sluice_view>) -> Int32) -> Bytes? {
        guard let handle else { return nil }
        var value = sluice_view()
        return ask(handle, &value) >= 0 ? Bytes(value) : nil
    }
}

/// What hooks of a host that lacks a table get from it.
let missing = Int32(SLUICE_EPHASE)

/// Throws what a negative result means.
@inline(__always) func check(_ status: Int32) throws(HostError) { if status < 0 { throw HostError(status) } }
