// Makes a `Decodable` value of JSON: the configuration of a plugin, the answer of a service. Errors name the place and what is allowed
// there: `keys[2].name: a string is needed, not a number`. Strict reading refuses members that nobody asked for, because a
// typing error in a configuration should not be silent. The containers are in `ConfigDecoder+Containers.swift`.

/// Reads JSON into values.
public enum ConfigDecoder {
    /// - Parameter strict: members that `type` does not have are refused (a configuration), not ignored (somebody else's answer).
    /// - Throws: `ConfigurationError`.
    public static func decode<T: Decodable>(_ type: T.Type, from text: Bytes, strict: Bool) throws(ConfigurationError) -> T {
        try decode(type, try JSON.parse(text), strict: strict)
    }

    static func decode<T: Decodable>(_ type: T.Type, _ json: JSON, strict: Bool) throws(ConfigurationError) -> T {
        let reading = Reading()
        let decoder = ValueDecoder(json: json, path: "", reading: reading)
        let value: T
        do { value = try decoder.value(type) } catch { throw ConfigurationError(any: error) }
        if strict { try reading.checkUnknown() }
        return value
    }
}

/// What was asked for while one text is decoded.
final class Reading {
    private var objects: [String: (present: [String], asked: [String])] = [:]
    private var order: [String] = []

    func visit(_ path: String, _ present: [String]) {
        if objects[path] == nil {
            objects[path] = (present, [])
            order.append(path)
        }
    }
    func ask(_ path: String, _ key: String) {
        if objects[path]?.asked.contains(key) == false { objects[path]?.asked.append(key) }
    }
    func checkUnknown() throws(ConfigurationError) {
        for path in order {
            guard let object = objects[path] else { continue }
            for key in object.present where !object.asked.contains(key) {
                let known = object.asked.isEmpty ? "no member is allowed here" : "known: \(object.asked.joined(separator: " "))"
                throw ConfigurationError(join(path, key), "unknown; \(known)")
            }
        }
    }
}

func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

extension ConfigurationError {
    /// The error of a `Decodable` as people should read it.
    init(any error: any Error) {
        if let error = error as? ConfigurationError {
            self = error
            return
        }
        guard let error = error as? DecodingError else {
            self.init("", String(describing: error))
            return
        }
        switch error {
        case .typeMismatch(_, let c), .valueNotFound(_, let c), .dataCorrupted(let c), .keyNotFound(_, let c):
            self.init(Self.path(c.codingPath), c.debugDescription)
        @unknown default: self.init("", String(describing: error))
        }
    }
    private static func path(_ keys: [any CodingKey]) -> String {
        keys.reduce("") { path, key in key.intValue.map { "\(path)[\($0)]" } ?? join(path, key.stringValue) }
    }
}

/// One value at one place.
struct ValueDecoder: Decoder, SingleValueDecodingContainer {
    let json: JSON
    let path: String
    let reading: Reading
    var codingPath: [any CodingKey] { path.isEmpty ? [] : [Key(path)] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ text: String) { stringValue = text }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }

    func wrong(_ needed: String) -> ConfigurationError {
        ConfigurationError(path.isEmpty ? "the value" : path, "\(needed) is needed, not \(json.kind)")
    }

    func container<K: CodingKey>(keyedBy type: K.Type) throws -> KeyedDecodingContainer<K> {
        guard case .object(let members) = json else { throw wrong("an object") }
        reading.visit(path, members.map(\.key))
        return KeyedDecodingContainer(ObjectDecoder<K>(members: members, at: self))
    }
    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let values) = json else { throw wrong("an array") }
        return ArrayDecoder(values: values, at: self)
    }
    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    /// Any `Decodable`; an enum of words says which ones it knows.
    func value<T: Decodable>(_ type: T.Type) throws -> T {
        do { return try T(from: self) } catch let error as DecodingError {
            if case .string(let word) = json, let known = Self.words(of: type) {
                throw ConfigurationError(path, "unknown \"\(word.prefix(80))\"; known: \(known)")
            }
            throw error
        }
    }
    private static func words(of type: Any.Type) -> String? {
        func list<C: CaseIterable>(_ type: C.Type) -> String? {
            let words = type.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
            return words.isEmpty ? nil : words.joined(separator: " ")
        }
        return (type as? any CaseIterable.Type).flatMap { list($0) }
    }

    // MARK: scalars

    func decodeNil() -> Bool { if case .null = json { true } else { false } }
    func decode(_ type: Bool.Type) throws -> Bool {
        guard case .bool(let v) = json else { throw wrong("true or false") }
        return v
    }
    func decode(_ type: String.Type) throws -> String {
        guard case .string(let v) = json else { throw wrong("a string") }
        return v
    }
    func decode(_ type: Double.Type) throws -> Double {
        switch json {
        case .integer(let v): return Double(v)
        case .number(let v): return v
        default: throw wrong("a number")
        }
    }
    func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try value(type) }

    private func whole<I: FixedWidthInteger>(_ type: I.Type) throws -> I {
        guard case .integer(let v) = json else { throw wrong("a whole number") }
        guard let n = I(exactly: v) else { throw ConfigurationError(path, "\(v) is outside \(I.min) to \(I.max)") }
        return n
    }
    func decode(_ type: Int.Type) throws -> Int { try whole(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try whole(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try whole(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try whole(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try whole(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try whole(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try whole(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try whole(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try whole(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try whole(type) }
}
