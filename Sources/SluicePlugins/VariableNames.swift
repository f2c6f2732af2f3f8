// Variables of a request: names that a worker knows by number, and the few values that a request holds. A request that uses none pays for
// two empty words in its context. Plugins reach them through HostTables+Variables, rules and the access log through `MessageContext.variable`.
import SluiceBytes
import SluiceModel

/// Names by number, 1…; they stay as long as the worker lives, so that a number never changes its meaning.
final class VariableNames {
    private var numbers: [String: Int32] = [:]
    /// The names in the order of their numbers, for whoever looks without making a string. They stay.
    private(set) var names: [ByteView] = []

    /// The name's number, made when it is new; nil: there are `Limits.variableNamesMax` already.
    func number(_ name: String) -> Int32? {
        if let known = numbers[name] { return known }
        if numbers.count == Limits.variableNamesMax { return nil }
        let new = Int32(numbers.count + 1)
        numbers[name] = new
        var text = name
        let copy = text.withUTF8 { utf8 in
            let p = UnsafeMutablePointer<UInt8>.allocate(capacity: max(utf8.count, 1))
            p.initialize(from: utf8.baseAddress ?? UnsafePointer(p), count: utf8.count)
            return ByteView(p, utf8.count)
        }
        names.append(copy)
        return new
    }
    var count: Int { numbers.count }

    static func isName(_ name: ByteView) -> Bool {
        guard name.count > 0, name.count <= Limits.variableNameBytesMax else { return false }
        for i in 0..<name.count {
            let c = name[i]
            if !(c &- 0x61 < 26 || ASCII.isDigit(c) || c == UInt8(ascii: "_") || c == UInt8(ascii: ".")) { return false }
        }
        return true
    }
}

/// A value in the request's arena.
@usableFromInline struct RequestVariable {
    var number: UInt32
    var value: ByteView
}

extension MessageContext {
    /// The value of variable `number`; nil: not set. Valid until the request ends.
    public func variable(_ number: UInt32) -> ByteView? {
        guard let variables else { return nil }
        for i in 0..<Int(variableCount) where variables[i].number == number { return variables[i].value }
        return nil
    }

    /// How many are set; the value of the n-th and its number.
    public var variablesSet: Int { Int(variableCount) }
    public func variable(at n: Int) -> (number: UInt32, value: ByteView) { (variables![n].number, variables![n].value) }

    enum VariableResult { case done, full, noMemory }

    /// Copies `value` into the arena and makes it the value of variable `number`.
    mutating func setVariable(_ number: UInt32, _ value: ByteView) -> VariableResult {
        var place = 0
        while place < Int(variableCount), variables![place].number != number { place += 1 }
        if place == Limits.variablesPerRequestMax { return .full }
        if place == Int(variableCapacity) && !growVariables() { return .noMemory }
        guard let copy = arena.pointee.copy(value) else { return .noMemory }
        (variables! + place).initialize(to: RequestVariable(number: number, value: copy))
        if place == Int(variableCount) { variableCount += 1 }
        return .done
    }

    private mutating func growVariables() -> Bool {
        let capacity = max(8, Int(variableCapacity) * 2)
        guard let raw = arena.pointee.allocate(capacity * MemoryLayout<RequestVariable>.stride) else { return false }
        let grown = UnsafeMutableRawPointer(raw).bindMemory(to: RequestVariable.self, capacity: capacity)
        if let old = variables { grown.initialize(from: old, count: Int(variableCount)) }
        variables = grown
        variableCapacity = UInt8(capacity)
        return true
    }
}
