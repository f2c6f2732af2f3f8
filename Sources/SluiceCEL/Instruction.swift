// The bytecode: eight bytes an instruction, a stack of values, jumps by instruction number. Errors are values on the stack, so no
// instruction throws. Numbers stand in images: a new one goes to the end, a change of meaning changes `ProgramView.magic`.

/// What an instruction does; "pops" and "pushes" are about the stack of values.
enum Opcode: UInt8, CaseIterable {
    /// Pushes constant `c`.
    case constant = 0
    /// Pushes null, the bool `a`, the error `b` at this place.
    case null, bool, error
    /// Pushes attribute `b`.
    case attribute
    /// Pushes `map attribute b [constant c]`; whether it has that key.
    case lookup, hasKey
    /// Pushes local `a`; pops into it.
    case load, store
    /// Pops a map, pushes the value under constant `c`; whether it has that key.
    case select, has
    /// Pops `a` arguments, pushes what function `b` gives; `callPlugin` calls function `c` of the image.
    case call, callPlugin
    /// Pops `c` values (or 2 × `c`), pushes a list (a map).
    case list, map
    /// Pops a value and a list, pushes the list with the value behind it.
    case append
    case jump
    /// To `c` when the top is false (true), which stays.
    case jumpIfFalse, jumpIfTrue
    /// Pops two, pushes CEL's && and ||, which absorb an error of one side when the other decides.
    case and, or
    case not, notStrictlyFalse
    /// Pops a condition: true goes on, false to the low half of `c`, no bool: pushes the error and goes to the high half.
    case branch
    /// Pops a list or map into iterator `a`; anything else: pushes the error, goes to `c`.
    case iterate
    /// Iterator `a`'s next element into local `b`; none: to `c`.
    case next
    /// Pops a condition; false: to `c`.
    case loop
    /// Ends with the top.
    case finish
    // What conditions mostly are, in one step each; `a` = 1 negates.
    /// Pushes `attribute b == constant c`.
    case attributeEquals
    /// Pushes `map attribute b [constant low half of c] == constant high half`.
    case lookupEquals
    /// Pushes whether attribute `b` starts with, ends with, contains constant `c`.
    case attributeStarts, attributeEnds, attributeContains
    /// Pushes whether attribute `b` is in address set `c`.
    case attributeInSet
    /// Pops a value, pushes whether it is one of the `b` constants from `c`.
    case inConstants
    /// Pops a text, pushes whether the pattern of constant `c` matches.
    case matches
    /// Pushes address set `c`.
    case addressSet
}

/// One instruction. Memory layout is the format.
struct Instruction: Equatable {
    var op: UInt8
    var a: UInt8 = 0
    var b: UInt16 = 0
    var c: UInt32 = 0

    init(_ op: Opcode, a: UInt8 = 0, b: UInt16 = 0, c: UInt32 = 0) { (self.op, self.a, self.b, self.c) = (op.rawValue, a, b, c) }
    /// Only of a checked program.
    @inline(__always) var opcode: Opcode { unsafeBitCast(op, to: Opcode.self) }
    @inline(__always) var low: Int { Int(c & 0xffff) }
    @inline(__always) var high: Int { Int(c >> 16) }
}
