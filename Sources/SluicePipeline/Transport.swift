// Bytes in and out of a connection: the seam where TLS fits. Everything above sees counts and -errno and never asks what
// carries the bytes.
import CSluiceSys
import SluiceSystem

extension UnsafeMutablePointer where Pointee == Connection {
    /// Receives up to `n` bytes: >0 bytes, 0 end of stream, <0 -errno. A short count means that no more is there.
    @inline(__always) func receive(_ p: Bytes, _ n: Int) -> Int {
        let r = Socket.receive(pointee.descriptor, p, n)
        // After a hang-up the end of stream is still to be read, so a short count does not mean drained.
        if r < n && (r < 0 || !pointee.hangup) { pointee.readable = false }
        return r
    }

    /// Sends up to `n` bytes: >=0 taken, <0 -errno.
    @inline(__always) func send(_ p: Bytes, _ n: Int) -> Int {
        let r = Socket.send(pointee.descriptor, p, n)
        if r < n { pointee.writable = false }
        return r
    }

    /// - Parameter more: as in `Socket.send2`.
    @inline(__always) func send(_ a: Bytes, _ an: Int, _ b: Bytes, _ bn: Int, more: Bool = false) -> Int {
        let r = Socket.send2(pointee.descriptor, a, an, b, bn, more: more)
        if r < an &+ bn { pointee.writable = false }
        return r
    }
}
