// Objects and arrays of `ConfigDecoder.swift`. Scalars are decoded by the `ValueDecoder` of their place.

struct ObjectDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let members: [(key: String, value: JSON)]
    let at: ValueDecoder
    var codingPath: [any CodingKey] { at.codingPath }

    init(members: [(key: String, value: JSON)], at: ValueDecoder) { (self.members, self.at) = (members, at) }

    /// A dictionary asks this; then every member is known.
    var allKeys: [Key] {
        for m in members { at.reading.ask(at.path, m.key) }
        return members.compactMap { Key(stringValue: $0.key) }
    }
    private func find(_ key: Key) -> JSON? {
        at.reading.ask(at.path, key.stringValue)
        return members.first { $0.key == key.stringValue }?.value
    }
    func contains(_ key: Key) -> Bool { find(key) != nil }

    private func member(_ key: Key) throws -> ValueDecoder {
        let path = join(at.path, key.stringValue)
        guard let json = find(key) else { throw ConfigurationError(path, "is missing") }
        return ValueDecoder(json: json, path: path, reading: at.reading)
    }
    func decodeNil(forKey key: Key) throws -> Bool { try member(key).decodeNil() }
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try member(key).value(type) }
    func nestedContainer<K: CodingKey>(keyedBy type: K.Type, forKey key: Key) throws -> KeyedDecodingContainer<K> {
        try member(key).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try member(key).unkeyedContainer() }
    func superDecoder() throws -> any Decoder { at }
    func superDecoder(forKey key: Key) throws -> any Decoder { try member(key) }
}

struct ArrayDecoder: UnkeyedDecodingContainer {
    let values: [JSON]
    let at: ValueDecoder
    private(set) var currentIndex = 0
    var codingPath: [any CodingKey] { at.codingPath }
    var count: Int? { values.count }
    var isAtEnd: Bool { currentIndex >= values.count }

    init(values: [JSON], at: ValueDecoder) { (self.values, self.at) = (values, at) }

    private var element: ValueDecoder {
        get throws {
            let path = "\(at.path)[\(currentIndex)]"
            guard !isAtEnd else { throw ConfigurationError(path, "is missing") }
            return ValueDecoder(json: values[currentIndex], path: path, reading: at.reading)
        }
    }
    mutating func decodeNil() throws -> Bool {
        let isNil = try element.decodeNil()
        if isNil { currentIndex += 1 }
        return isNil
    }
    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let value = try element.value(type)
        currentIndex += 1
        return value
    }
    mutating func nestedContainer<K: CodingKey>(keyedBy type: K.Type) throws -> KeyedDecodingContainer<K> {
        let container = try element.container(keyedBy: type)
        currentIndex += 1
        return container
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try element.unkeyedContainer()
        currentIndex += 1
        return container
    }
    mutating func superDecoder() throws -> any Decoder {
        let decoder = try element
        currentIndex += 1
        return decoder
    }
}
