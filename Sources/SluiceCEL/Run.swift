// What one run may use and has used: the arena, the provider, the budget of steps and bytes, the regular expressions. Functions get it as
// their only way to memory, so that every byte and step is counted here.
import SluiceBytes

/// State of one run. Plain data on the stack of `Evaluator.run`.
struct Run {
    let arena: UnsafeMutablePointer<Arena>
    let provider: UnsafePointer<AttributeProvider>
    let regexes: RegexCache
    /// Steps left; below zero: the run ends with `.costLimit`.
    var budget: Int
    /// Bytes left of what lists, maps and texts may take.
    var memory: Int

    @inline(__always) mutating func charge(_ steps: Int) { budget &-= steps }
    /// The price of walking over `count` bytes (CEL's cost model: a tenth of a step a byte).
    @inline(__always) mutating func chargeText(_ count: Int) { budget &-= (count &+ 9) / 10 }

    mutating func allocate(_ n: Int) -> UnsafeMutablePointer<UInt8>? {
        memory &-= n
        if memory < 0 || budget < 0 { return nil }
        return arena.pointee.allocate(n)
    }
    /// Room for values; `n` values at an aligned address.
    mutating func values(_ n: Int) -> UnsafeMutablePointer<Value>? {
        if n > 1 << 20 { return nil }
        return allocate(max(n, 1) * MemoryLayout<Value>.stride).map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: Value.self) }
    }
    /// The error for "no memory": the cheaper reason first.
    var exhausted: Value { .error(budget < 0 ? .costLimit : .outOfMemory) }

    mutating func list(_ n: Int, _ fill: (UnsafeMutablePointer<Value>) -> Void) -> Value {
        charge(n)
        guard let p = values(n) else { return exhausted }
        fill(p)
        return .list(p, count: n, capacity: n)
    }

    /// A text of at most `most` bytes, written by `fill`, which returns how many it wrote.
    mutating func text(_ most: Int, as tag: Value.Tag = .string, _ fill: (UnsafeMutablePointer<UInt8>) -> Int) -> Value {
        chargeText(most)
        guard let p = allocate(most) else { return exhausted }
        let view = ByteView(p, fill(p))
        return tag == .string ? .string(view) : .bytes(view)
    }
    mutating func copy(_ v: ByteView, as tag: Value.Tag = .string) -> Value {
        text(v.count, as: tag) { p in
            p.update(from: v.start, count: v.count)
            return v.count
        }
    }
    /// Copies a Swift text; only for what is rare (numbers and times as text), since making one may take heap memory.
    mutating func copy(_ s: String) -> Value {
        var s = s
        return s.withUTF8 { u in u.baseAddress.map { copy(ByteView($0, u.count)) } ?? .string(.empty) }
    }
}
