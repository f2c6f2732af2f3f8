// Requests described in JSON, as the API and files give them, or as the head of a request in HTTP. Strict: a key that is not known is refused.
import SluiceCEL
import SluiceModel

extension SampleRequest {
    /// From the JSON of an API call or a file: method, url, headers (object or list of pairs), from, and what else a request may have.
    /// - Throws: what was found and what is allowed.
    init(json: JSONValue) throws(PolicyTextProblem) {
        self.init()
        let known = [
            "method", "url", "headers", "from", "protocol", "tls_version", "server_name", "mtls", "peer_subject", "size", "params",
            "consumer",
            "labels", "vars", "time", "status", "response_headers",
        ]
        guard let members = json.members else {
            throw PolicyTextProblem(pointer: "", found: "no object", allowed: "an object with \(known.joined(separator: ", "))")
        }
        for (key, value) in members {
            guard known.contains(key) else {
                throw PolicyTextProblem(
                    pointer: "/\(key)", found: "unknown key \(quote(key))",
                    allowed: known.joined(separator: ", ") + Suggestion.clause(for: key, in: known))
            }
            try set(key, value)
        }
    }

    private mutating func set(_ key: String, _ value: JSONValue) throws(PolicyTextProblem) {
        func bad(_ allowed: String) -> PolicyTextProblem { PolicyTextProblem(pointer: "/\(key)", found: value.text(), allowed: allowed) }
        func text() throws(PolicyTextProblem) -> String {
            guard let text = value.string else { throw bad("a text") }
            return text
        }
        func pairs() throws(PolicyTextProblem) -> [(name: String, value: String)] {
            let list =
                value.members
                ?? (value.array ?? []).compactMap { pair in
                    pair.array.flatMap { $0.count == 2 ? $0[0].string.map { name in (name, pair.array![1]) } : nil }
                }
            guard value.members != nil || value.array?.count == list.count else {
                throw bad("an object of texts, or a list of [name, value]")
            }
            var out: [(name: String, value: String)] = []
            for (name, item) in list {
                for one in item.array ?? [item] {
                    guard let text = one.string else { throw bad("an object of texts, or a list of [name, value]") }
                    out.append((name, text))
                }
            }
            return out
        }
        switch key {
        case "method": method = try text()
        case "url": url = try text()
        case "headers": headers = try pairs()
        case "from":
            guard let address = IPAddress(try text()) else { throw bad("an IP address") }
            sourceAddress = address
        case "protocol": protocolVersion = try text()
        case "tls_version": tlsVersion = try text()
        case "server_name": serverName = try text()
        case "mtls":
            guard let flag = value.bool else { throw bad("true or false") }
            isMTLS = flag
        case "peer_subject": peerSubject = try text()
        case "size", "time", "status":
            guard let number = value.int, number >= -1 else { throw bad("a whole number") }
            if key == "size" { size = Int64(number) } else if key == "time" { time = Int64(number) } else { status = Int64(number) }
        case "params": parameters = try pairs()
        case "consumer": consumerName = try text()
        case "labels": consumerLabels = try pairs()
        case "vars": variables = try pairs()
        default: responseHeaders = try pairs()
        }
    }

    /// From a file: JSON, or the head of a request as it goes over the wire.
    init(file bytes: [UInt8]) throws(PolicyTextProblem) {
        if bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") {
            let json: JSONValue
            do throws(JSONReader.Failure) { json = try JSONReader.read(bytes) } catch {
                throw PolicyTextProblem(
                    pointer: "", found: "line \(error.position.line): \(error.message)", allowed: "JSON, or the head of a request")
            }
            try self.init(json: json)
            return
        }
        self.init()
        // By bytes: CR LF is one character.
        var lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
            .map { String(decoding: $0.last == 0x0d ? $0.dropLast() : $0, as: UTF8.self) }
        let words = (lines.isEmpty ? "" : lines.removeFirst()).split(separator: " ")
        guard words.count >= 2 else {
            throw PolicyTextProblem(pointer: "", found: "no request line", allowed: "METHOD TARGET HTTP/1.1 and header fields, or JSON")
        }
        method = String(words[0])
        url = String(words[1])
        if words.count > 2 { protocolVersion = String(words[2]) }
        for line in lines {
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: ":") else {
                throw PolicyTextProblem(pointer: "", found: "field \(quote(String(line)))", allowed: "Name: value")
            }
            headers.append((String(line[..<colon]), line[line.index(after: colon)...].trimmingPrefix(while: { $0 == " " }).description))
        }
    }
}

/// What is wrong with a description of a request.
struct PolicyTextProblem: Error, CustomStringConvertible {
    /// JSON pointer into it.
    var pointer: String
    var found: String
    var allowed: String
    var description: String { (pointer.isEmpty ? "" : pointer + ": ") + "found \(found); allowed: \(allowed)" }
}
