// Configurations whose members may be left out: what is absent has the value that `init()` gives it. For that the defaults are encoded to
// JSON, what was configured is laid over them, and the whole is decoded.
//
//     struct Config: DefaultedConfig {
//         var header = "x-request-id"
//         var trust = false
//     }

/// A configuration in which every member has a default: a member that is configured replaces it whole.
public protocol DefaultedConfig: Codable {
    init()
}

extension ConfigDecoder {
    /// The configuration of a plugin: strict, with the defaults of a `DefaultedConfig`.
    static func configuration<T: Decodable>(_ type: T.Type, from text: Bytes) throws(ConfigurationError) -> T {
        guard let defaulted = type as? any DefaultedConfig.Type else { return try decode(type, from: text, strict: true) }
        let given = try JSON.parse(text)
        guard case .object(let members) = given, case .object(var merged) = try encoded(defaulted.init()) else {
            return try decode(type, given, strict: true)
        }
        for m in members {
            merged.removeAll { $0.key == m.key }
            merged.append(m)
        }
        return try decode(type, .object(merged), strict: true)
    }

    static func encoded(_ value: any Encodable) throws(ConfigurationError) -> JSON {
        let encoder = ValueEncoder()
        do { try value.encode(to: encoder) } catch { throw ConfigurationError(any: error) }
        return encoder.place.json
    }
}

/// Where a value is written: shared by the containers that write parts of it.
private final class Place {
    enum Content {
        case value(JSON)
        case array([Place])
        case object([(key: String, value: Place)])
    }
    var content = Content.value(.object([]))

    var json: JSON {
        switch content {
        case .value(let v): v
        case .array(let places): .array(places.map(\.json))
        case .object(let members): .object(members.map { ($0.key, $0.value.json) })
        }
    }
    func put<T: Encodable>(_ value: T) throws {
        switch value {
        case let v as Bool: content = .value(.bool(v))
        case let v as String: content = .value(.string(v))
        case let v as Double: content = .value(.number(v))
        case let v as Float: content = .value(.number(Double(v)))
        case let v as any FixedWidthInteger & Encodable: content = .value(Int64(exactly: v).map { .integer($0) } ?? .number(Double(v)))
        default: try value.encode(to: ValueEncoder(place: self))
        }
    }
    func append() -> Place {
        var list: [Place] = if case .array(let places) = content { places } else { [] }
        list.append(Place())
        content = .array(list)
        return list[list.count - 1]
    }
    func member(_ key: String) -> Place {
        var list: [(key: String, value: Place)] = if case .object(let members) = content { members } else { [] }
        let place = Place()
        list.append((key, place))
        content = .object(list)
        return place
    }
}

private struct ValueEncoder: Encoder, SingleValueEncodingContainer {
    var place = Place()
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<K: CodingKey>(keyedBy type: K.Type) -> KeyedEncodingContainer<K> {
        if case .value = place.content { place.content = .object([]) }
        return KeyedEncodingContainer(ObjectEncoder<K>(place: place))
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        place.content = .array([])
        return ArrayEncoder(place: place)
    }
    func singleValueContainer() -> any SingleValueEncodingContainer { self }
    func encodeNil() { place.content = .value(.null) }
    func encode<T: Encodable>(_ value: T) throws { try place.put(value) }
}

private struct ObjectEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let place: Place
    var codingPath: [any CodingKey] { [] }
    func encodeNil(forKey key: Key) { place.member(key.stringValue).content = .value(.null) }
    func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try place.member(key.stringValue).put(value) }
    func nestedContainer<K: CodingKey>(keyedBy type: K.Type, forKey key: Key) -> KeyedEncodingContainer<K> {
        ValueEncoder(place: place.member(key.stringValue)).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        ValueEncoder(place: place.member(key.stringValue)).unkeyedContainer()
    }
    func superEncoder() -> any Encoder { ValueEncoder(place: place) }
    func superEncoder(forKey key: Key) -> any Encoder { ValueEncoder(place: place.member(key.stringValue)) }
}

private struct ArrayEncoder: UnkeyedEncodingContainer {
    let place: Place
    private(set) var count = 0
    var codingPath: [any CodingKey] { [] }
    init(place: Place) { self.place = place }

    private mutating func next() -> Place {
        count += 1
        return place.append()
    }
    mutating func encodeNil() { next().content = .value(.null) }
    mutating func encode<T: Encodable>(_ value: T) throws { try next().put(value) }
    mutating func nestedContainer<K: CodingKey>(keyedBy type: K.Type) -> KeyedEncodingContainer<K> {
        ValueEncoder(place: next()).container(keyedBy: type)
    }
    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { ValueEncoder(place: next()).unkeyedContainer() }
    mutating func superEncoder() -> any Encoder { ValueEncoder(place: next()) }
}
