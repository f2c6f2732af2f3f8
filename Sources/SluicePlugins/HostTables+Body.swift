// "sluice.body/1": one chunk of the response body, in body_filter. What leaves is `chunk`, or the views of `chunkOut` once
// `chunkReplaced` is set; later filters of the same chunk see it folded into one (`MessageContext.foldChunk`).
import CSluiceABI
import Glibc
import SluiceBytes
import SluiceModel

extension HostTables {
    nonisolated(unsafe) static let body = make(
        sluice_body_v1(
            size: UInt32(MemoryLayout<sluice_body_v1>.size), reserved: 0,
            request: { handle in handle },  // one context behind every handle
            chunk: { handle, out in
                guard let ctx = filtering(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard let out else { return Status.invalid }
                out.pointee = ctx.pointee.chunk.view
                return Status.ok
            },
            is_last: { handle in filtering(handle).map { $0.pointee.chunkIsLast ? 1 : 0 } ?? 0 },
            writable: { handle, data, size in
                guard let ctx = filtering(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard let data, let size else { return Status.invalid }
                guard ctx.pointee.makeChunkWritable() else { return Status.noMemory }
                data.pointee = UnsafeMutablePointer(mutating: ctx.pointee.chunk.start)
                size.pointee = UInt64(ctx.pointee.chunk.count)
                return Status.ok
            },
            replace: { handle, view in
                guard let ctx = filtering(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard let view = bytes(view) else { return Status.invalid }
                return ctx.pointee.replaceChunk(view)
            },
            append: { handle, view in
                guard let ctx = filtering(handle) else { return handle == nil ? Status.invalid : Status.phase }
                guard let view = bytes(view) else { return Status.invalid }
                return ctx.pointee.appendToChunk(view)
            }))
}

extension MessageContext {
    fileprivate mutating func makeChunkWritable() -> Bool {
        if chunkIsWritable { return true }
        guard let copy = bodyArena.pointee.copy(chunk) else { return false }
        if chunkReplaced {  // the piece that shows the chunk must show the copy
            for i in 0..<chunkOutCount where chunkOut![i].start == chunk.start && chunkOut![i].count == chunk.count { chunkOut![i] = copy }
        } else {
            chunkOutCount = 0
            guard appendPiece(copy) else { return false }
            chunkReplaced = true
        }
        chunk = copy
        chunkIsWritable = true
        return true
    }

    fileprivate mutating func replaceChunk(_ bytes: ByteView) -> Int32 {
        guard let copy = bodyArena.pointee.copy(bytes) else { return Status.noMemory }
        chunkOutCount = 0
        if copy.count > 0 && !appendPiece(copy) { return Status.noMemory }
        chunkReplaced = true
        chunk = copy
        chunkIsWritable = true
        return Status.ok
    }

    fileprivate mutating func appendToChunk(_ bytes: ByteView) -> Int32 {
        if bytes.isEmpty { return Status.ok }
        if chunkOutCount >= Limits.pluginBodyPiecesMax { return Status.limit }
        guard let copy = bodyArena.pointee.copy(bytes) else { return Status.noMemory }
        if !chunkReplaced && chunk.count > 0 {
            chunkOutCount = 0
            if !appendPiece(chunk) { return Status.noMemory }
        }
        chunkReplaced = true
        return appendPiece(copy) ? Status.ok : Status.noMemory
    }
}
