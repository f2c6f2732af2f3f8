// The constants of one program while it is compiled, each once. The format is ProgramView's.
import SluiceBytes

/// What a constant is in the block.
enum Constant: Hashable {
    case plain(Value.Tag, aux: UInt32, a: UInt64, b: UInt64)
    /// A string or bytes.
    case text(Value.Tag, [UInt8])

    init(_ v: Value) { self = .plain(v.tag, aux: v.aux, a: v.a, b: v.b) }
}

struct ConstantPool {
    private var list: [Constant] = []
    private var numbers: [Constant: Int] = [:]
    private(set) var text: [UInt8] = []
    private var offsets: [Int] = []
    var count: Int { list.count }

    mutating func add(_ v: Constant) -> Int {
        if let known = numbers[v] { return known }
        numbers[v] = list.count
        list.append(v)
        offsets.append(text.count)
        if case .text(_, let bytes) = v { text += bytes }
        return list.count - 1
    }

    /// Constants one behind the other; the number of the first. Ones that stand elsewhere already are repeated.
    mutating func run(_ values: [Constant]) -> Int {
        let first = list.count
        for v in values {
            list.append(v)
            offsets.append(text.count)
            if case .text(_, let bytes) = v { text += bytes }
            if numbers[v] == nil { numbers[v] = list.count - 1 }
        }
        return first
    }

    func write(_ out: inout [UInt8]) {
        func put<T: BitwiseCopyable>(_ v: T) { withUnsafeBytes(of: v) { out.append(contentsOf: $0) } }
        for (i, v) in list.enumerated() {
            switch v {
            case .plain(let tag, let aux, let a, let b):
                put(UInt32(tag.rawValue))
                put(aux)
                put(a)
                put(b)
            case .text(let tag, let bytes):
                put(UInt32(tag.rawValue))
                put(UInt32(bytes.count))
                put(UInt64(offsets[i]))
                put(
                    bytes.withUnsafeBufferPointer { b in
                        b.baseAddress.map { RegexCache.hash(ByteView($0, b.count)) } ?? RegexCache.hash(.empty)
                    })
            }
        }
    }
}
