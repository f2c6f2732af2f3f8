// A compiled expression as bytes of an image: where its parts are. Offsets only, so it works wherever it is mapped. `ProgramCheck` proves a
// program once; until then nothing here may be asked except its header.
import SluiceBytes

/// ```
///  0 magic u32 │ 4 bytes u32 │ 8 instructions u16 │ 10 constants u16 │ 12 stack u16 │ 14 locals u8 │ 15 iterators u8 │ 16 text at u32
/// 20 result u8 (TypeName, 255 = known when it runs) │ 24 instructions 8 × │ constants 24 × │ places 8 × │ text
/// ```
/// Native byte order, 8-byte aligned, a multiple of 8 bytes.
public struct ProgramView {
    let base: UnsafeRawPointer
    /// Bytes.
    public let count: Int
    static let magic: UInt32 = 0x3150_4353  // "SCP1"
    static let headerBytes = 24
    static let constantBytes = 24

    /// - Parameters:
    ///   - base: 8-byte aligned; must outlive the view and every value that a run gives.
    public init(base: UnsafeRawPointer, count: Int) { (self.base, self.count) = (base, count) }

    @inline(__always) func u16(_ at: Int) -> Int { Int(base.load(fromByteOffset: at, as: UInt16.self)) }
    @inline(__always) func u32(_ at: Int) -> UInt32 { base.load(fromByteOffset: at, as: UInt32.self) }
    @inline(__always) func u64(_ at: Int) -> UInt64 { base.load(fromByteOffset: at, as: UInt64.self) }
    @inline(__always) var instructionCount: Int { u16(8) }
    @inline(__always) var constantCount: Int { u16(10) }
    @inline(__always) var stackCount: Int { u16(12) }
    @inline(__always) var localCount: Int { Int(base.load(fromByteOffset: 14, as: UInt8.self)) }
    @inline(__always) var iteratorCount: Int { Int(base.load(fromByteOffset: 15, as: UInt8.self)) }
    @inline(__always) var instructions: UnsafePointer<Instruction> {
        (base + Self.headerBytes).assumingMemoryBound(to: Instruction.self)
    }
    @inline(__always) var constantsAt: Int { Self.headerBytes &+ 8 &* instructionCount }
    @inline(__always) var placesAt: Int { constantsAt &+ Self.constantBytes &* constantCount }
    @inline(__always) var textAt: Int { Int(u32(16)) }

    /// The program's type; nil: `dyn`.
    public var resultType: TypeName? { TypeName(rawValue: base.load(fromByteOffset: 20, as: UInt8.self)) }

    /// Where in the expression's text instruction `i` (what fails there, or the operand it decides on) stands.
    func place(_ i: Int) -> SourceRange {
        SourceRange(offset: Int32(bitPattern: u32(placesAt + 8 * i)), count: Int32(bitPattern: u32(placesAt + 8 * i + 4)))
    }

    // A constant: tag u8 … │ 4 aux u32 │ 8 a u64 │ 16 b u64; texts: a = offset in the text, aux = bytes, b = hash.
    @inline(__always) func constant(_ i: Int) -> Value {
        let at = constantsAt &+ Self.constantBytes &* i
        let tag = unsafeBitCast(base.load(fromByteOffset: at, as: UInt8.self), to: Value.Tag.self)
        if tag == .string || tag == .bytes {
            let v = text(at)
            return tag == .string ? .string(v) : .bytes(v)
        }
        return Value(tag, a: u64(at &+ 8), b: u64(at &+ 16), aux: u32(at &+ 4))
    }
    /// The bytes of text constant `i`.
    @inline(__always) func constantText(_ i: Int) -> ByteView { text(constantsAt &+ Self.constantBytes &* i) }
    @inline(__always) func constantHash(_ i: Int) -> UInt64 { u64(constantsAt &+ Self.constantBytes &* i &+ 16) }
    @inline(__always) private func text(_ at: Int) -> ByteView {
        let start = base + textAt + Int(truncatingIfNeeded: u64(at &+ 8))
        return ByteView(start.assumingMemoryBound(to: UInt8.self), Int(u32(at &+ 4)))
    }
}
